"""A model package group and an event bus: shared with more accounts, approvals are told, all in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from cdktf import TerraformStack

from modules.event_bus import EventBus, EventBusConfig
from modules.model_package_group import Approvals, ModelPackageGroup, ModelPackageGroupConfig

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step


def steps(account: Account) -> Iterator[Step]:
    account_id = account.account_id
    sagemaker, events = account.client("sagemaker"), account.client("events")
    config = ModelPackageGroupConfig(
        name="acme-test-churn",
        account_id=account_id,
        region=REGION,
        description="Customers who are about to leave",
        deployer_account_ids=("222233334444",),
    )
    bus = EventBusConfig(
        name="acme-test-models",
        kms_key_arn=account.key(),
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
        senders = ("222233334444", "333344445555")
        EventBus(stack, "models", replace(bus, sender_account_ids=senders, description="Approvals"))

    yield Stage(first)
    group = sagemaker.describe_model_package_group(ModelPackageGroupName=config.name)

    yield Stage(
        second,
        {
            "aws_cloudwatch_event_bus.models": ["update"],
            "aws_cloudwatch_event_bus_policy.models_policy": ["update"],
            "aws_cloudwatch_event_rule.churn_approvals": ["create"],
            "aws_cloudwatch_event_target.churn_approvals_target": ["create"],
            "aws_sagemaker_model_package_group_policy.churn_policy": ["update"],
        },
    )
    answer = sagemaker.get_model_package_group_policy(ModelPackageGroupName=config.name)
    read, _ = json.loads(answer["ResourcePolicy"])["Statement"]
    assert group["ModelPackageGroupArn"] in read["Resource"]

    yield Gone()
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert config.name not in [group["ModelPackageGroupName"] for group in groups]
    assert events.list_rules()["Rules"] == []
    assert [one["Name"] for one in events.list_event_buses()["EventBuses"]] == ["default"]
