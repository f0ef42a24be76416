"""A state machine: definition and input change in place, and one that AWS does not know is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from modules.schedule import ScheduledStart
from modules.state_machine import StateMachine, StateMachineConfig

from ..conftest import REGION, Account
from ..matrix import Gone, Refused, Stage, Step

NAME = "acme-test-scoring"
IN_PLACE = ["update"]


def definition(**states: object) -> str:
    transform = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTransformJob.sync",
        "Parameters": {"ModelName": "${ModelName}"},
        "End": True,
    }
    return json.dumps(
        {"StartAt": next(iter(states), "Transform"), "States": {**states, "Transform": transform}}
    )


def steps(account: Account) -> Iterator[Step]:
    account_id = account.account_id
    states, scheduler = account.client("stepfunctions"), account.client("scheduler")
    role = account.role("scoring", "scheduler", "states")
    group = f"/aws/vendedlogs/states/{NAME}"
    account.client("logs").create_log_group(logGroupName=group)
    config = StateMachineConfig(
        name=NAME,
        definition=definition(),
        definition_substitutions={"ModelName": "acme-test-churn"},
        role_arn=role,
        kms_key_arn=account.key(),
        log_group_arn=f"arn:aws:logs:{REGION}:{account_id}:log-group:{group}",
        account_id=account_id,
        region=REGION,
        schedules={"weekly": ScheduledStart(expression="rate(7 days)", parameters={"full": True, "rows": 5})},
        launch_role_arn=role,
        alarm_topic_arns=(f"arn:aws:sns:{REGION}:{account_id}:alarms",),
    )
    yield Stage(lambda stack: StateMachine(stack, "scoring", config))
    arn = f"arn:aws:states:{REGION}:{account_id}:stateMachine:{NAME}"
    before = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(before["definition"])["States"]["Transform"]["Parameters"] == {
        "ModelName": "acme-test-churn"
    }
    assert before["encryptionConfiguration"]["kmsKeyId"] == config.kms_key_arn
    schedule = scheduler.get_schedule(Name=f"{NAME}-weekly")
    assert json.loads(schedule["Target"]["Input"]) == {"full": True, "rows": 5}

    changed = replace(
        config,
        definition=definition(Wait={"Type": "Wait", "Seconds": 5, "Next": "Transform"}),
        log_level="ERROR",
        schedules={"weekly": ScheduledStart(expression="rate(7 days)", parameters={"full": False})},
    )
    yield Stage(
        lambda stack: StateMachine(stack, "scoring", changed),
        {
            "aws_scheduler_schedule.scoring_weekly_schedule": IN_PLACE,
            "aws_sfn_state_machine.scoring": IN_PLACE,
        },
    )
    after = states.describe_state_machine(stateMachineArn=arn)
    assert after["creationDate"] == before["creationDate"]
    assert json.loads(after["definition"])["StartAt"] == "Wait"

    unknown = replace(changed, definition=definition(Wait={"Type": "Wait", "Next": "Transform"}))
    yield Refused(lambda stack: StateMachine(stack, "scoring", unknown), "SCHEMA_VALIDATION_FAILED")

    yield Gone()
    assert states.list_state_machines()["stateMachines"] == []
    assert scheduler.list_schedules()["Schedules"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
