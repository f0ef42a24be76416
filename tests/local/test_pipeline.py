"""A pipeline on the embedded AWS: scheduled, triggered, given a new definition in place, and gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from cdktf import TerraformStack

from modules.pipeline import EventPattern, ModelPackageRejected, NewData, Pipeline, PipelineConfig
from modules.schedule import ScheduledStart

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

NAME = "acme-test-churn"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {
                "Service": ["events.amazonaws.com", "sagemaker.amazonaws.com", "scheduler.amazonaws.com"]
            },
        }
    ],
}
IN_PLACE = ["update"]


def definition(step: str) -> str:
    return json.dumps(
        {
            "Version": "2020-12-01",
            "Parameters": [
                {"Name": "InputData", "Type": "String"},
                {"Name": "Epochs", "Type": "Integer", "DefaultValue": 1},
                {"Name": "Role", "Type": "String"},
            ],
            "Steps": [
                {
                    "Name": step,
                    "Type": "Training",
                    "Arguments": {
                        "RoleArn": {"Get": "Parameters.Role"},
                        "HyperParameters": {"home": "${HOME} %{if}", "data": {"Get": "Parameters.InputData"}},
                    },
                }
            ],
        },
        indent=2,
    )


@pytest.fixture
def config(deployment: Deployment) -> PipelineConfig:
    """A pipeline whose role, key and bucket stand in the account already."""
    role = deployment.client("iam").create_role(
        RoleName="pipeline", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    key = deployment.client("kms").create_key()["KeyMetadata"]["Arn"]
    queue = f"arn:aws:sqs:{REGION}:{deployment.account_id}:starts"
    return PipelineConfig(
        name=NAME,
        definition=definition("Train"),
        role_arn=role,
        account_id=deployment.account_id,
        region=REGION,
        description="Trains the churn model",
        parameters={"Role": role, "Epochs": 3},
        max_parallel_execution_steps=4,
        schedules={
            "nightly": ScheduledStart(
                expression="cron(0 4 * * ? *)",
                timezone="Europe/Berlin",
                parameters={"InputData": "s3://data/churn", "Epochs": 10},
            )
        },
        triggers={
            "new-data": NewData(
                bucket="data", prefix="churn/raw/", parameters={"InputData": "$.detail.object.key"}
            ),
            "rejected": ModelPackageRejected(group="churn", parameters={"InputData": "s3://data/churn"}),
            "drift": EventPattern(
                pattern={"source": ["acme.monitoring"]}, parameters={"InputData": "s3://data/churn"}
            ),
        },
        launch_role_arn=role,
        kms_key_arn=key,
        dead_letter_arn=queue,
        bucket_names={"data": f"data-{deployment.account_id}"},
        model_package_group_names={"churn": "acme-test-churn"},
        alarm_topic_arns=(f"arn:aws:sns:{REGION}:{deployment.account_id}:alarms",),
    )


def build(config: PipelineConfig) -> Callable[[TerraformStack], object]:
    return lambda stack: Pipeline(stack, "churn", config)


def test_a_new_definition_time_and_parameter_are_changed_in_place(
    deployment: Deployment, config: PipelineConfig
) -> None:
    sagemaker, scheduler = deployment.client("sagemaker"), deployment.client("scheduler")
    events = deployment.client("events")
    deployment.plan(build(config))
    deployment.apply()
    before = sagemaker.describe_pipeline(PipelineName=NAME)
    live = json.loads(before["PipelineDefinition"])
    assert {parameter["Name"]: parameter.get("DefaultValue") for parameter in live["Parameters"]} == {
        "InputData": None,
        "Epochs": 3,
        "Role": config.role_arn,
    }
    assert live["Steps"][0]["Arguments"]["HyperParameters"]["home"] == "${HOME} %{if}"
    (target,) = events.list_targets_by_rule(Rule=f"{NAME}-new-data")["Targets"]
    assert target["SageMakerPipelineParameters"] == {
        "PipelineParameterList": [{"Name": "InputData", "Value": "$.detail.object.key"}]
    }
    assert not deployment.plan(build(config))

    nightly = replace(config.schedules["nightly"], expression="rate(7 days)", flexible_window_minutes=15)
    changed = replace(
        config,
        definition=definition("TrainAgain"),
        max_parallel_execution_steps=2,
        schedules={"nightly": nightly},
        triggers={
            **config.triggers,
            "new-data": NewData(bucket="data", prefix="churn/", parameters={"InputData": "x"}),
        },
    )
    deployment.plan(build(changed))
    assert deployment.actions() == {
        "aws_cloudwatch_event_rule.churn_new_data_trigger": IN_PLACE,
        "aws_cloudwatch_event_target.churn_new_data_target": IN_PLACE,
        "aws_sagemaker_pipeline.churn": IN_PLACE,
        "aws_scheduler_schedule.churn_nightly_schedule": IN_PLACE,
    }
    deployment.apply()
    after = sagemaker.describe_pipeline(PipelineName=NAME)
    assert after["CreationTime"] == before["CreationTime"]
    assert json.loads(after["PipelineDefinition"])["Steps"][0]["Name"] == "TrainAgain"
    schedule = scheduler.get_schedule(Name=f"{NAME}-nightly")
    assert schedule["ScheduleExpression"] == "rate(7 days)"
    assert schedule["Target"]["Arn"] == after["PipelineArn"]
    assert not deployment.plan(build(changed))

    deployment.destroy()
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert scheduler.list_schedules()["Schedules"] == []
    assert events.list_rules()["Rules"] == []
    assert deployment.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
