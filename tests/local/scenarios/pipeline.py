"""A pipeline: definition, schedule and trigger change in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from modules.pipeline import EventPattern, ModelPackageRejected, NewData, Pipeline, PipelineConfig
from modules.schedule import ScheduledStart

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-churn"
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


def steps(account: Account) -> Iterator[Step]:
    account_id = account.account_id
    sagemaker, scheduler = account.client("sagemaker"), account.client("scheduler")
    events = account.client("events")
    role = account.role("pipeline", "events", "sagemaker", "scheduler")
    config = PipelineConfig(
        name=NAME,
        definition=definition("Train"),
        role_arn=role,
        account_id=account_id,
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
        kms_key_arn=account.key(),
        dead_letter_arn=f"arn:aws:sqs:{REGION}:{account_id}:starts",
        bucket_names={"data": f"data-{account_id}"},
        model_package_group_names={"churn": "acme-test-churn"},
        alarm_topic_arns=(f"arn:aws:sns:{REGION}:{account_id}:alarms",),
    )
    yield Stage(lambda stack: Pipeline(stack, "churn", config))
    before = sagemaker.describe_pipeline(PipelineName=NAME)
    live = json.loads(before["PipelineDefinition"])
    assert {parameter["Name"]: parameter.get("DefaultValue") for parameter in live["Parameters"]} == {
        "InputData": None,
        "Epochs": 3,
        "Role": role,
    }
    assert live["Steps"][0]["Arguments"]["HyperParameters"]["home"] == "${HOME} %{if}"
    (target,) = events.list_targets_by_rule(Rule=f"{NAME}-new-data")["Targets"]
    assert target["SageMakerPipelineParameters"] == {
        "PipelineParameterList": [{"Name": "InputData", "Value": "$.detail.object.key"}]
    }

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
    yield Stage(
        lambda stack: Pipeline(stack, "churn", changed),
        {
            "aws_cloudwatch_event_rule.churn_new_data_trigger": IN_PLACE,
            "aws_cloudwatch_event_target.churn_new_data_target": IN_PLACE,
            "aws_sagemaker_pipeline.churn": IN_PLACE,
            "aws_scheduler_schedule.churn_nightly_schedule": IN_PLACE,
        },
    )
    after = sagemaker.describe_pipeline(PipelineName=NAME)
    assert after["CreationTime"] == before["CreationTime"]
    assert json.loads(after["PipelineDefinition"])["Steps"][0]["Name"] == "TrainAgain"
    schedule = scheduler.get_schedule(Name=f"{NAME}-nightly")
    assert schedule["ScheduleExpression"] == "rate(7 days)"
    assert schedule["Target"]["Arn"] == after["PipelineArn"]

    yield Gone()
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert scheduler.list_schedules()["Schedules"] == []
    assert events.list_rules()["Rules"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
