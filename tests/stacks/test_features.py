"""Features: groups by version, in one bucket and one database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stacks.environment import read
from tests.conftest import ROOT
from tests.inventory import Inventory
from tests.stacks.conftest import Stacks, synthesize


@pytest.mark.parametrize("name", ["local", "prod"])
def test_inventory(name: str, committed: Callable[[str], Stacks], inventory: Inventory) -> None:
    inventory(f"stacks/{name}-features", committed(name)["features"])


def test_two_versions_of_a_group_live_side_by_side(tmp_path: Path) -> None:
    environment = read("local", ROOT / "environments")
    versions = {**environment.feature_groups["customers"]}
    versions["v2"] = replace(versions["v1"], description="with another key")
    stacks = synthesize(tmp_path, "local", replace(environment, feature_groups={"customers": versions}))
    groups = stacks["features"].all("aws_sagemaker_feature_group")
    names = {id_: group["feature_group_name"] for id_, group in groups.items()}
    assert names == {"customers_v1": "acme-local-customers-v1", "customers_v2": "acme-local-customers-v2"}


def test_without_feature_groups_there_is_nothing(tmp_path: Path) -> None:
    environment = replace(read("local", ROOT / "environments"), feature_groups={})
    stacks = synthesize(tmp_path, "local", environment)
    assert stacks["features"].addresses == []
    assert "features_bucket" not in stacks["foundation"].all("aws_s3_bucket")
