"""A batch transform: job, schedule and retry change in place, also to one without events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from modules.batch_transform import (
    BatchTransform,
    BatchTransformConfig,
    DataProcessing,
    NewData,
    TransformJob,
)
from modules.schedule import RetryPolicy, ScheduledStart

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-batch"
IN_PLACE = ["update"]


def steps(account: Account) -> Iterator[Step]:
    account_id = account.account_id
    states, scheduler = account.client("stepfunctions"), account.client("scheduler")
    events = account.client("events")
    role = account.role("batch", "events", "scheduler", "states")
    group = f"/aws/vendedlogs/states/{NAME}"
    account.client("logs").create_log_group(logGroupName=group)
    nightly = ScheduledStart(expression="cron(0 2 * * ? *)", timezone="Europe/Berlin")
    job = TransformJob(
        model="churn",
        data_processing=DataProcessing(input_filter="$[1:]", join_source="Input", output_filter="$[0,-1]"),
        schedules={"nightly": nightly},
        new_data=NewData(),
    )
    config = BatchTransformConfig(
        name=NAME,
        job=job,
        model_names={"churn": "acme-test-churn", "next": "acme-test-churn-next"},
        input_s3_uri=f"s3://transforms-{account_id}/churn/input/",
        output_s3_uri=f"s3://transforms-{account_id}/churn/output/",
        role_arn=role,
        kms_key_arn=account.key(),
        log_group_arn=f"arn:aws:logs:{REGION}:{account_id}:log-group:{group}",
        account_id=account_id,
        region=REGION,
        launch_role_arn=role,
        alarm_topic_arns=(f"arn:aws:sns:{REGION}:{account_id}:alarms",),
        tags={"Environment": "test"},
    )
    yield Stage(lambda stack: BatchTransform(stack, "batch", config))
    arn = f"arn:aws:states:{REGION}:{account_id}:stateMachine:{NAME}"
    before = states.describe_state_machine(stateMachineArn=arn)
    live = json.loads(before["definition"])["States"]["Transform"]["Arguments"]
    assert live["ModelName"] == "acme-test-churn"
    assert live["DataProcessing"]["InputFilter"] == "$[1:]"
    assert before["encryptionConfiguration"]["kmsKeyId"] == config.kms_key_arn
    (target,) = events.list_targets_by_rule(Rule=f"{NAME}-new-data")["Targets"]
    assert (target["Arn"], target["RoleArn"]) == (arn, role)

    changed = replace(
        job,
        model="next",
        instance_count=2,
        schedules={"nightly": replace(nightly, expression="cron(0 3 * * ? *)")},
        new_data=NewData(retry=RetryPolicy(maximum_retry_attempts=2)),
    )
    elsewhere = f"s3://transforms-{account_id}/churn/new/"
    yield Stage(
        lambda stack: BatchTransform(stack, "batch", replace(config, job=changed, input_s3_uri=elsewhere)),
        {
            "aws_cloudwatch_event_rule.batch_new_data_trigger": IN_PLACE,
            "aws_cloudwatch_event_target.batch_new_data_target": IN_PLACE,
            "aws_scheduler_schedule.batch_nightly_schedule": IN_PLACE,
            "aws_sfn_state_machine.batch": IN_PLACE,
        },
    )
    after = states.describe_state_machine(stateMachineArn=arn)
    assert after["creationDate"] == before["creationDate"]
    live = json.loads(after["definition"])["States"]["Transform"]["Arguments"]
    assert live["ModelName"] == "acme-test-churn-next"
    assert live["TransformResources"]["InstanceCount"] == 2
    rule = events.describe_rule(Name=f"{NAME}-new-data")
    assert json.loads(rule["EventPattern"])["detail"]["object"]["key"] == [{"prefix": "churn/new/"}]

    by_hand = replace(changed, schedules={}, new_data=None)
    yield Stage(
        lambda stack: BatchTransform(
            stack, "batch", replace(config, job=by_hand, input_s3_uri=elsewhere, launch_role_arn=None)
        ),
        {
            "aws_cloudwatch_event_rule.batch_new_data_trigger": ["delete"],
            "aws_cloudwatch_event_target.batch_new_data_target": ["delete"],
            "aws_scheduler_schedule.batch_nightly_schedule": ["delete"],
        },
    )
    assert states.describe_state_machine(stateMachineArn=arn)["creationDate"] == before["creationDate"]

    yield Gone()
    assert states.list_state_machines()["stateMachines"] == []
    assert scheduler.list_schedules()["Schedules"] == []
    assert events.list_rules()["Rules"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
