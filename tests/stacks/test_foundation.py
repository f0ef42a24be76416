"""Foundation: keys, buckets, repositories and network as an environment decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from modules.network import ExistingNetwork
from stacks.environment import names, read
from tests.conftest import ROOT
from tests.inventory import Inventory
from tests.stacks.conftest import Stacks, synthesize, unmonitored

ENVIRONMENTS = names(ROOT / "environments")


@pytest.mark.parametrize("name", ["local", "prod"])
def test_inventory(name: str, committed: Callable[[str], Stacks], inventory: Inventory) -> None:
    inventory(f"stacks/{name}-foundation", committed(name)["foundation"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_only_where_nothing_is_protected_is_data_deleted_with_its_container(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    protected = read(name, ROOT / "environments").protected
    foundation = committed(name)["foundation"]
    assert {bucket["force_destroy"] for bucket in foundation.all("aws_s3_bucket").values()} == {not protected}
    repositories = foundation.all("aws_ecr_repository").values()
    assert {repository["force_delete"] for repository in repositories} == {not protected}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_keys_and_logs_live_as_long_as_the_environment_says(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    environment = read(name, ROOT / "environments")
    foundation = committed(name)["foundation"]
    windows = {key["deletion_window_in_days"] for key in foundation.all("aws_kms_key").values()}
    assert windows == {environment.key_deletion_window_days}
    groups = foundation.all("aws_cloudwatch_log_group").values()
    assert {group["retention_in_days"] for group in groups} == {environment.log_retention_days}


def test_logs_have_a_key_of_their_own(committed: Callable[[str], Stacks]) -> None:
    foundation = committed("prod")["foundation"]
    assert foundation.one("aws_cloudwatch_log_group")["kms_key_id"] == "${aws_kms_key.logs_key.arn}"
    services = [one["Principal"] for one in foundation.policy("aws_kms_key", "logs_key")[1:]]
    assert services == [{"Service": ["logs.eu-central-1.amazonaws.com"]}]


def test_the_data_key_lets_in_just_the_services_that_have_something_to_do(
    committed: Callable[[str], Stacks],
) -> None:
    def services(name: str) -> list[str]:
        statements = committed(name)["foundation"].policy("aws_kms_key", "data_key")
        return [one["Principal"]["Service"][0] for one in statements[1:]]

    told = [
        "budgets.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "sagemaker.amazonaws.com",
        "delivery.logs.amazonaws.com",
    ]
    assert services("dev") == told
    assert services("prod") == [*told, "events.amazonaws.com"]


def test_who_deploys_models_elsewhere_reads_the_artifacts_and_nothing_else(
    committed: Callable[[str], Stacks],
) -> None:
    deployers = [
        f"arn:aws:iam::{one}:root" for one in read("staging", ROOT / "environments").deployer_account_ids
    ]
    assert deployers
    foundation = committed("staging")["foundation"]
    bucket = foundation.one("aws_s3_bucket", "artifacts_bucket")["bucket"]
    readers = {
        name: one["Principal"]
        for name in foundation.all("aws_s3_bucket_policy")
        for one in foundation.policy("aws_s3_bucket_policy", name)
        if one["Sid"] == "ReadByAccounts"
    }
    assert readers == {"artifacts_bucket_policy": {"AWS": deployers}}
    (decrypt,) = (
        one for one in foundation.policy("aws_kms_key", "data_key") if one["Sid"] == "ReadByAccounts"
    )
    assert decrypt["Principal"] == {"AWS": deployers}
    arn = f"arn:aws:s3:::{bucket}"
    assert decrypt["Condition"] == {"StringLike": {"kms:EncryptionContext:aws:s3:arn": [arn, f"{arn}/*"]}}
    assert "ReadByAccounts" not in json.dumps(committed("prod")["foundation"].document)


def test_access_is_recorded_where_the_environment_says_for_how_long(
    committed: Callable[[str], Stacks],
) -> None:
    assert not committed("dev")["foundation"].all("aws_s3_bucket_logging")
    foundation = committed("prod")["foundation"]
    targets = {one["target_bucket"] for one in foundation.all("aws_s3_bucket_logging").values()}
    assert targets == {"${aws_s3_bucket_policy.access_logs_bucket_policy.bucket}"}
    (rule,) = foundation.one("aws_s3_bucket_lifecycle_configuration", "access_logs_bucket_lifecycle")["rule"]
    assert rule["expiration"] == [{"days": 731}]


def test_the_bucket_of_access_logs_takes_them_from_the_others(committed: Callable[[str], Stacks]) -> None:
    foundation = committed("prod")["foundation"]
    (statement,) = (
        one
        for one in foundation.policy("aws_s3_bucket_policy", "access_logs_bucket_policy")
        if one["Effect"] == "Allow"
    )
    sources = set(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
    logged = {f"arn:aws:s3:::{bucket['bucket']}" for bucket in foundation.all("aws_s3_bucket").values()}
    assert sources == {arn for arn in logged if "access-logs" not in arn}


def test_without_retention_there_is_no_rule_that_takes_a_minute(committed: Callable[[str], Stacks]) -> None:
    assert not committed("local")["foundation"].all("aws_s3_bucket_lifecycle_configuration")


def test_endpoints_of_the_network_follow_from_what_is_described(tmp_path: Path) -> None:
    environment = read("local", ROOT / "environments")
    bare = replace(unmonitored(environment), api=None, endpoints={}, alarms={}, model_package_groups={})
    foundation = synthesize(tmp_path, "local", bare)["foundation"]
    assert list(foundation.all("aws_vpc_endpoint")) == ["network_s3"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_budget_counts_what_bears_the_tag_that_all_stacks_give(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    stacks = committed(name)
    for stack in stacks.values():
        (provider,) = stack.document["provider"]["aws"]
        assert provider["default_tags"][0]["tags"]["Environment"] == name
    budget = stacks["foundation"].one("aws_budgets_budget")
    assert budget["name"] == f"acme-{name}-monthly"
    assert budget["cost_filter"] == [{"name": "TagKeyValue", "values": [f"user:Environment${name}"]}]
    for told in budget["notification"]:
        assert told["subscriber_sns_topic_arns"] == ["${aws_sns_topic_policy.alarms_policy.arn}"]


def test_budgets_and_alarms_of_the_environment_alone_publish_to_its_topic(
    committed: Callable[[str], Stacks],
) -> None:
    statements = committed("prod")["foundation"].policy("aws_sns_topic_policy", "alarms_policy")[1:]
    account_id = read("prod", ROOT / "environments").account_id
    assert {one["Principal"]["Service"][0]: one["Condition"]["ArnLike"] for one in statements} == {
        "budgets.amazonaws.com": {"aws:SourceArn": f"arn:aws:budgets::{account_id}:budget/acme-prod-*"},
        "cloudwatch.amazonaws.com": {
            "aws:SourceArn": f"arn:aws:cloudwatch:eu-central-1:{account_id}:alarm:acme-prod-*"
        },
    }


def test_without_anything_to_tell_there_is_no_topic(tmp_path: Path) -> None:
    environment = read("local", ROOT / "environments")
    silent = replace(
        unmonitored(environment),
        budget=None,
        endpoints={},
        alarms={},
        pipelines={},
        state_machines={},
        batch_transforms={},
        api=None,
    )
    stacks = synthesize(tmp_path, "local", silent)
    assert not stacks["foundation"].all("aws_sns_topic")
    assert not stacks["serving"].document.get("resource", {}).get("aws_cloudwatch_dashboard")


def test_an_existing_network_is_handed_on(tmp_path: Path) -> None:
    network = ExistingNetwork(
        vpc_id="vpc-0a1b2c3d4e5f67890",
        subnet_ids=("subnet-0a1b2c3d4e5f67890", "subnet-0b1b2c3d4e5f67890"),
        security_group_ids=("sg-0a1b2c3d4e5f67890",),
    )
    environment = replace(read("local", ROOT / "environments"), network=network)
    stacks = synthesize(tmp_path, "local", environment)
    assert not stacks["foundation"].all("aws_vpc")
    model = stacks["serving"].one("aws_sagemaker_model", "churn_v4_model")
    assert model["vpc_config"]["subnets"] == list(network.subnet_ids)
    parameter = stacks["foundation"].one("aws_ssm_parameter", "parameter_network_subnet_ids")
    assert "subnet-0a1b2c3d4e5f67890" in parameter["insecure_value"]
