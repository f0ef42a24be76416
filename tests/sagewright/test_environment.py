"""What the command line reads of an environment file, and how it refuses one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from policies.plan.model import Limits
from sagewright import environment
from sagewright.errors import Usage
from stacks.environment import Policy

from .conftest import ENVIRONMENT, ROOT


def write(folder: Path, **changes: Any) -> None:
    document = {**ENVIRONMENT, **changes}
    kept = {key: value for key, value in document.items() if value is not None}
    (folder / "x.yaml").write_text(json.dumps(kept))


@pytest.mark.parametrize("name", environment.names(ROOT / "environments"))
def test_every_environment_of_the_project_is_read(name: str) -> None:
    found = environment.read(name, ROOT / "environments")
    assert found.name == name
    assert found.embedded == (name == "local")
    assert (found.state_bucket is None) == found.embedded


def test_a_missing_environment_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(Usage, match=r"nope\.yaml: there is no environment 'nope'; there are: x"):
        environment.read("nope", tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("")
    with pytest.raises(Usage, match=r"x\.yaml: supply a mapping of settings, got an empty file"):
        environment.read("x", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "\tb",
        b"\xff\xfe\x00".decode("latin-1"),
        "since: 2024-13-45",
        f"deep: {'[' * 2000}{']' * 2000}",
    ],
)
def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(Usage, match=r"x\.yaml: "):
        environment.read("x", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"account_id": 111122223333}, r"account_id: supply a string .*, got 111122223333"),
        ({"account_id": "12"}, r"account_id: .*got '12'"),
        ({"region": "Frankfurt"}, r"region: .*got 'Frankfurt'"),
        ({"production": "yes"}, r"production: supply true or false, got 'yes'"),
        ({"protected": None}, r"protected: supply true or false, got None"),
        ({"state": {"bucket": 5}}, r"state\.bucket: supply a string, got 5"),
        ({"log_retention_days": "7"}, r"log_retention_days: supply an integer, got '7'"),
        ({"policy": []}, r"policy: supply a mapping of settings, got \[\]"),
        ({"policy": {"gpus": []}}, r"policy\.gpus: supply one of trusted_account_ids, .*, got 'gpus'"),
        ({"policy": {"account_id": "1"}}, r"policy\.account_id: supply one of .*, got 'account_id'"),
        ({"policy": {"traffic_shift_percent": "9"}}, r"policy\.traffic_\w+: supply an integer, got '9'"),
        ({"policy": {"image_account_ids": "1"}}, r"policy\.image_account_ids: supply a list, got '1'"),
        ({"policy": {"image_account_ids": [1]}}, r"policy\.\w+: supply a list of strings, got \[1\]"),
        ({"embedded": False}, r"state\.bucket: supply the S3 bucket of the Terraform state, got None"),
    ],
)
def test_a_wrong_fact_is_refused_by_name_and_value(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    write(tmp_path, **change)
    with pytest.raises(Usage, match=message):
        environment.read("x", tmp_path)


def test_what_a_file_allows_reaches_the_rules(tmp_path: Path) -> None:
    write(tmp_path, log_retention_days=30, policy={"image_account_ids": ["222233334444"]})
    found = environment.read("x", tmp_path).limits
    assert found == Limits(
        account_id="111122223333", log_retention_days=30, image_account_ids=("222233334444",)
    )


def test_what_a_file_may_allow_and_what_is_allowed_without_it_are_declared_alike() -> None:
    declared = {field.name: field.default for field in dataclasses.fields(Policy)}
    read = {field.name: field.default for field in dataclasses.fields(Limits)}
    assert declared == {name: default for name, default in read.items() if name not in environment.FACTS}


def test_a_key_that_stands_twice_is_refused_with_its_lines(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "x.yaml"
    text = "\n".join(f"{key}: {json.dumps(value)}" for key, value in ENVIRONMENT.items())
    path.write_text(f"{text}\nproduction: true\nstate:\n  bucket: a\n  bucket: b\n")
    with pytest.raises(Usage) as error:
        environment.read("x", tmp_path)
    assert [line.partition(": ")[2] for line in str(error.value).splitlines()] == [
        "production: supply each key once, got it on lines 4 and 7",
        "state.bucket: supply each key once, got it on lines 9 and 10",
    ]


def test_a_file_outside_the_folder_is_no_environment(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    write(tmp_path)
    with pytest.raises(Usage, match=r"there is no environment '\.\./x'; there are: none"):
        environment.read("../x", folder)


def test_all_wrong_facts_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, account_id="12", region="x", production=1)
    with pytest.raises(Usage) as error:
        environment.read("x", tmp_path)
    assert [line.split(": ")[1] for line in str(error.value).splitlines()] == [
        "account_id",
        "region",
        "production",
    ]
