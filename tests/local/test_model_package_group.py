"""A model package group on the embedded AWS: shared, shared with others, and gone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cdktf import TerraformStack

from modules.event_bus import EventBus, EventBusConfig
from modules.model_package_group import Approvals, ModelPackageGroup, ModelPackageGroupConfig

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local


def test_a_group_is_shared_and_its_approvals_are_told_in_place(deployment: Deployment) -> None:
    account_id = deployment.account_id
    config = ModelPackageGroupConfig(
        name="acme-test-churn",
        account_id=account_id,
        region=REGION,
        description="Customers who are about to leave",
        deployer_account_ids=("222233334444",),
    )
    bus = EventBusConfig(
        name="acme-test-models",
        kms_key_arn=deployment.client("kms").create_key()["KeyMetadata"]["Arn"],
        sender_account_ids=("222233334444",),
        sources=("aws.sagemaker",),
        account_id=account_id,
        region=REGION,
    )
    wider = replace(
        config,
        reader_account_ids=("333344445555",),
        approvals=Approvals(event_bus_arn=f"arn:aws:events:{REGION}:{account_id}:event-bus/{bus.name}"),
        events_role_arn=f"arn:aws:iam::{account_id}:role/approvals",
    )

    def first(stack: TerraformStack) -> None:
        ModelPackageGroup(stack, "churn", config)
        EventBus(stack, "models", bus)

    def second(stack: TerraformStack) -> None:
        ModelPackageGroup(stack, "churn", wider)
        EventBus(stack, "models", replace(bus, sender_account_ids=("222233334444", "333344445555")))

    deployment.plan(first)
    deployment.apply()
    group = deployment.client("sagemaker").describe_model_package_group(ModelPackageGroupName=config.name)
    assert not deployment.plan(first)

    deployment.plan(second)
    assert deployment.actions() == {
        "aws_cloudwatch_event_bus_policy.models_policy": ["update"],
        "aws_cloudwatch_event_rule.churn_approvals": ["create"],
        "aws_cloudwatch_event_target.churn_approvals_target": ["create"],
        "aws_sagemaker_model_package_group_policy.churn_policy": ["update"],
    }
    deployment.apply()
    answer = deployment.client("sagemaker").get_model_package_group_policy(ModelPackageGroupName=config.name)
    read, _ = json.loads(answer["ResourcePolicy"])["Statement"]
    assert group["ModelPackageGroupArn"] in read["Resource"]
    assert not deployment.plan(second)

    deployment.destroy()
    assert deployment.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    events = deployment.client("events")
    assert events.list_rules()["Rules"] == []
    assert [one["Name"] for one in events.list_event_buses()["EventBuses"]] == ["default"]
