"""Serving: endpoints, their models and their logs, wired as the environment describes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stacks.environment import names, read
from tests.conftest import ROOT
from tests.inventory import Inventory
from tests.stacks.conftest import Stacks

ENVIRONMENTS = names(ROOT / "environments")


@pytest.mark.parametrize("name", ["local", "prod"])
def test_inventory(name: str, committed: Callable[[str], Stacks], inventory: Inventory) -> None:
    inventory(f"stacks/{name}-serving", committed(name)["serving"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_traffic_is_split_as_the_environment_says(name: str, committed: Callable[[str], Stacks]) -> None:
    described = read(name, ROOT / "environments").endpoints["churn"].variants
    made = committed(name)["serving"].one("aws_sagemaker_endpoint_configuration")["production_variants"]
    assert {one["variant_name"]: one["initial_variant_weight"] for one in made} == {
        variant: decided.weight for variant, decided in described.items()
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_variant_serves_the_model_that_it_names(name: str, committed: Callable[[str], Stacks]) -> None:
    described = read(name, ROOT / "environments").endpoints["churn"].variants
    made = committed(name)["serving"].one("aws_sagemaker_endpoint_configuration")["production_variants"]
    for one in made:
        address = f"{described[one['variant_name']].model.replace('-', '_')}_model"
        assert one["model_name"] == f"${{aws_sagemaker_model.{address}.name}}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_logs_of_an_endpoint_are_there_before_it_under_the_key(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    serving = committed(name)["serving"]
    endpoint = serving.one("aws_sagemaker_endpoint")
    group = serving.one("aws_cloudwatch_log_group", "churn_logs")
    assert group["name"] == f"/aws/sagemaker/Endpoints/{endpoint['name']}"
    assert group["kms_key_id"].endswith("aws_kms_key_logs_key_arn}")
    assert group["retention_in_days"] == read(name, ROOT / "environments").log_retention_days
    assert endpoint["depends_on"] == ["aws_cloudwatch_log_group.churn_logs"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_volumes_and_captures_are_encrypted_under_the_data_key(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    configuration = committed(name)["serving"].one("aws_sagemaker_endpoint_configuration")
    for key in (configuration["kms_key_arn"], configuration["data_capture_config"]["kms_key_id"]):
        assert key.endswith("aws_kms_key_data_key_arn}")
