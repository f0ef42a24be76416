"""Monitors: a time changes in place, another job makes its schedule anew, and an endpoint goes last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from cdktf import TerraformStack

from modules.endpoint import AllAtOnce, DataCapture, Endpoint, EndpointConfig, RealTime, Variant
from modules.model_monitor import (
    BatchCapture,
    Bias,
    DataQuality,
    EndpointCapture,
    ModelMonitor,
    ModelMonitorConfig,
    ScheduledMonitor,
    ScheduledMonitorConfig,
)
from modules.schedule import ScheduledStart

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-monitored"
"""Of the model that is made by hand, and of what the scenario makes."""
ACCOUNT_OF_IMAGES = "468650794304"
IN_PLACE = ["update"]
ANEW = ["delete", "create"]
BESIDE = ["create", "delete"]
DEFINITION = "aws_sagemaker_data_quality_job_definition"
SCHEDULE = "aws_sagemaker_monitoring_schedule"


def steps(account: Account) -> Iterator[Step]:
    sagemaker, states = account.client("sagemaker"), account.client("stepfunctions")
    cloudwatch = account.client("cloudwatch")
    key, network, role = account.key(), account.network(), account.role("monitored", "sagemaker")
    run = account.role("monitors", "scheduler", "states")
    registry = f"{ACCOUNT_OF_IMAGES}.dkr.ecr.{REGION}.amazonaws.com"
    sagemaker.create_model(
        ModelName=NAME,
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": f"222233334444.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{'a' * 64}"},
    )
    group = f"/aws/vendedlogs/states/{NAME}-bias"
    account.client("logs").create_log_group(logGroupName=group)
    inference = RealTime(
        variants={"champion": Variant(model="churn", instance_count=1)},
        data_capture=DataCapture(capture_requests=True),
        deployment=AllAtOnce(wait_interval_seconds=0, termination_wait_seconds=0),
    )
    data = ModelMonitorConfig(
        name=f"{NAME}-data",
        monitor=DataQuality(
            image=f"{registry}/sagemaker-model-monitor-analyzer",
            source=EndpointCapture(endpoint="churn"),
            baseline="v4",
            drift={"monthly_spend": 0.1},
        ),
        home_s3_uri=f"s3://monitors-{account.account_id}/churn-data/",
        role_arn=role,
        kms_key_arn=key,
        subnet_ids=network.subnet_ids,
        security_group_ids=network.security_group_ids,
        endpoints={"churn": inference},
    )
    batch = BatchCapture(s3_uri=f"s3://transforms-{account.account_id}/captured", dataset_format="JsonLines")
    captured = replace(
        data, name=f"{NAME}-batch", monitor=replace(data.monitor, source=batch, silence_hours=None)
    )
    groups = Bias(
        image=f"{registry}/sagemaker-clarify-processing:1.0",
        headers=("churned", "predicted", "gender"),
        label="churned",
        label_values=(0,),
        predicted_label="predicted",
        facet="gender",
        facet_values=("f",),
        limits={"DPPL": 0.1},
        schedules={"daily": ScheduledStart(expression="cron(0 5 * * ? *)", timezone="Europe/Berlin")},
    )
    bias = ScheduledMonitorConfig(
        name=f"{NAME}-bias",
        monitor=groups,
        home_s3_uri=f"s3://monitors-{account.account_id}/churn-bias/",
        job_role_arn=role,
        role_arn=run,
        launch_role_arn=run,
        kms_key_arn=key,
        log_group_arn=f"arn:aws:logs:{REGION}:{account.account_id}:log-group:{group}",
        subnet_ids=network.subnet_ids,
        security_group_ids=network.security_group_ids,
        account_id=account.account_id,
        region=REGION,
    )

    def all_of(data: ModelMonitorConfig, bias: ScheduledMonitorConfig, endpoint_name: str = NAME) -> Stage:
        def build(stack: TerraformStack) -> None:
            endpoint = Endpoint(
                stack,
                "churn",
                EndpointConfig(
                    name=endpoint_name,
                    model_names={"churn": NAME},
                    kms_key_arn=key,
                    data_capture_s3_uri=f"s3://captures-{account.account_id}/churn",
                    inference=inference,
                ),
            )
            ModelMonitor(stack, "data", replace(data, endpoint_ids={"churn": endpoint.outputs.id}))
            ModelMonitor(stack, "batch", captured)
            ScheduledMonitor(stack, "bias", bias)

        return Stage(build)

    yield all_of(data, bias)
    before = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=data.name)
    assert before["MonitoringScheduleStatus"] == "Scheduled"
    assert before["EndpointName"] == NAME
    definition = sagemaker.describe_data_quality_job_definition(JobDefinitionName=data.name)
    assert definition["NetworkConfig"]["EnableNetworkIsolation"] is True
    assert definition["DataQualityJobOutputConfig"]["KmsKeyId"] == key

    nightly = replace(data.monitor, schedule_expression="cron(0 4 ? * * *)", drift={"monthly_spend": 0.2})
    stricter = replace(groups, limits={"DPPL": 0.05}, max_runtime_seconds=1800)
    yield replace(
        all_of(replace(data, monitor=nightly), replace(bias, monitor=stricter)),
        actions={
            "aws_cloudwatch_metric_alarm.bias_DPPL_drift": IN_PLACE,
            "aws_cloudwatch_metric_alarm.data_monthly_spend_drift": IN_PLACE,
            f"{SCHEDULE}.data": IN_PLACE,
            "aws_sfn_state_machine.bias": IN_PLACE,
        },
    )
    after = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=data.name)
    assert after["CreationTime"] == before["CreationTime"]
    schedule = after["MonitoringScheduleConfig"]["ScheduleConfig"]
    assert schedule == {"ScheduleExpression": "cron(0 4 ? * * *)"}
    (machine,) = [one for one in states.list_state_machines()["stateMachines"] if one["name"] == bias.name]
    live = states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"]
    asked = json.loads(live)["States"]["Analyze"]["Arguments"]
    assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800}

    larger = replace(nightly, baseline="v5", instance_type="ml.m5.2xlarge")
    yield replace(
        all_of(replace(data, monitor=larger), replace(bias, monitor=stricter)),
        actions={f"{DEFINITION}.data_definition": ANEW, f"{SCHEDULE}.data": ANEW},
    )
    definition = sagemaker.describe_data_quality_job_definition(JobDefinitionName=data.name)
    assert definition["DataQualityBaselineConfig"]["ConstraintsResource"]["S3Uri"].endswith(
        "v5/constraints.json"
    )

    stage = all_of(replace(data, monitor=larger), replace(bias, monitor=stricter), f"{NAME}-anew")
    yield replace(
        stage,
        actions={
            "aws_cloudwatch_metric_alarm.churn_errors": ANEW,
            "aws_cloudwatch_metric_alarm.churn_latency": ANEW,
            "aws_cloudwatch_metric_alarm.churn_model_errors": ANEW,
            "aws_cloudwatch_metric_alarm.data_monthly_spend_drift": IN_PLACE,
            "aws_cloudwatch_metric_alarm.data_silence": IN_PLACE,
            "aws_sagemaker_endpoint.churn": ANEW,
            "aws_sagemaker_endpoint_configuration.churn_configuration": BESIDE,
            f"{DEFINITION}.data_definition": ANEW,
            f"{SCHEDULE}.data": ANEW,
        },
    )
    moved = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=data.name)
    assert moved["EndpointName"] == f"{NAME}-anew"

    yield Gone()
    assert sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"] == []
    assert sagemaker.list_data_quality_job_definitions()["JobDefinitionSummaries"] == []
    assert [
        one["AlarmName"] for one in cloudwatch.describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
    ] == []
