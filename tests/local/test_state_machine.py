"""A state machine on the embedded AWS: scheduled, given a new definition in place, and gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from cdktf import TerraformStack

from modules.schedule import ScheduledStart
from modules.state_machine import StateMachine, StateMachineConfig
from sagewright.terraform import TerraformFailed

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

NAME = "acme-test-scoring"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": ["scheduler.amazonaws.com", "states.amazonaws.com"]},
        }
    ],
}
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


@pytest.fixture
def config(deployment: Deployment) -> StateMachineConfig:
    """A state machine whose role, key and log group stand in the account already."""
    role = deployment.client("iam").create_role(
        RoleName="scoring", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    group = f"/aws/vendedlogs/states/{NAME}"
    deployment.client("logs").create_log_group(logGroupName=group)
    return StateMachineConfig(
        name=NAME,
        definition=definition(),
        definition_substitutions={"ModelName": "acme-test-churn"},
        role_arn=role,
        kms_key_arn=deployment.client("kms").create_key()["KeyMetadata"]["Arn"],
        log_group_arn=f"arn:aws:logs:{REGION}:{deployment.account_id}:log-group:{group}",
        account_id=deployment.account_id,
        region=REGION,
        schedules={"weekly": ScheduledStart(expression="rate(7 days)", parameters={"full": True, "rows": 5})},
        launch_role_arn=role,
        alarm_topic_arns=(f"arn:aws:sns:{REGION}:{deployment.account_id}:alarms",),
    )


def build(config: StateMachineConfig) -> Callable[[TerraformStack], object]:
    return lambda stack: StateMachine(stack, "scoring", config)


def test_a_new_definition_and_input_are_changed_in_place(
    deployment: Deployment, config: StateMachineConfig
) -> None:
    states, scheduler = deployment.client("stepfunctions"), deployment.client("scheduler")
    deployment.plan(build(config))
    deployment.apply()
    (machine,) = states.list_state_machines()["stateMachines"]
    before = states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
    assert json.loads(before["definition"])["States"]["Transform"]["Parameters"] == {
        "ModelName": "acme-test-churn"
    }
    assert before["encryptionConfiguration"]["kmsKeyId"] == config.kms_key_arn
    schedule = scheduler.get_schedule(Name=f"{NAME}-weekly")
    assert json.loads(schedule["Target"]["Input"]) == {"full": True, "rows": 5}
    assert not deployment.plan(build(config))

    changed = replace(
        config,
        definition=definition(Wait={"Type": "Wait", "Seconds": 5, "Next": "Transform"}),
        log_level="ERROR",
        schedules={"weekly": ScheduledStart(expression="rate(7 days)", parameters={"full": False})},
    )
    deployment.plan(build(changed))
    assert deployment.actions() == {
        "aws_scheduler_schedule.scoring_weekly_schedule": IN_PLACE,
        "aws_sfn_state_machine.scoring": IN_PLACE,
    }
    deployment.apply()
    after = states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
    assert after["creationDate"] == before["creationDate"]
    assert json.loads(after["definition"])["StartAt"] == "Wait"

    unknown = definition(Wait={"Type": "Wait", "Next": "Transform"})
    with pytest.raises(TerraformFailed, match="SCHEMA_VALIDATION_FAILED"):
        deployment.plan(build(replace(changed, definition=unknown)))
    assert not deployment.plan(build(changed))

    deployment.destroy()
    assert states.list_state_machines()["stateMachines"] == []
    assert scheduler.list_schedules()["Schedules"] == []
    assert deployment.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
