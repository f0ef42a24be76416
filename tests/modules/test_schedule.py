"""Schedule: what it starts, when, with what, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modules.schedule import (
    PipelineTarget,
    RetryPolicy,
    Schedule,
    ScheduleConfig,
    ScheduledStart,
    StateMachineTarget,
    deliver,
)
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:acme-prod-starts"
START = ScheduledStart(
    expression="cron(0 4 * * ? *)", timezone="Europe/Berlin", parameters={"Region": "north", "Epochs": 10}
)
CONFIG = ScheduleConfig(
    name="acme-prod-churn-nightly",
    target=PipelineTarget(arn=f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:pipeline/acme-prod-churn"),
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/acme-prod-churn-launch",
    kms_key_arn=KEY,
    start=START,
    dead_letter_arn=QUEUE,
)
MACHINE = StateMachineTarget(arn=f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:acme-prod-scoring")


def test_a_nightly_pipeline_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/schedule", synth(Schedule, CONFIG))


def target(synth: Synth, config: ScheduleConfig) -> dict[str, Any]:
    made: dict[str, Any] = synth(Schedule, config).one("aws_scheduler_schedule")["target"]
    return made


def test_a_pipeline_gets_the_parameters_as_texts_in_the_order_of_their_names(synth: Synth) -> None:
    made = target(synth, replace(CONFIG, start=replace(START, parameters={"b": True, "a": 1.5, "c": "x"})))
    assert made["sagemaker_pipeline_parameters"] == {
        "pipeline_parameter": [
            {"name": "a", "value": "1.5"},
            {"name": "b", "value": "true"},
            {"name": "c", "value": "x"},
        ]
    }
    assert "input" not in made


def test_a_pipeline_without_parameters_gets_none(synth: Synth) -> None:
    made = target(synth, replace(CONFIG, start=replace(START, parameters={})))
    assert "sagemaker_pipeline_parameters" not in made


def test_a_state_machine_gets_the_parameters_as_its_input(synth: Synth) -> None:
    made = target(synth, replace(CONFIG, target=MACHINE))
    assert json.loads(made["input"]) == {"Region": "north", "Epochs": 10}
    assert "sagemaker_pipeline_parameters" not in made


def test_it_starts_at_once_unless_there_is_a_window(synth: Synth) -> None:
    exact = synth(Schedule, CONFIG).one("aws_scheduler_schedule")
    assert exact["flexible_time_window"] == {"mode": "OFF"}
    within = replace(CONFIG, start=replace(START, flexible_window_minutes=15))
    assert synth(Schedule, within).one("aws_scheduler_schedule")["flexible_time_window"] == {
        "mode": "FLEXIBLE",
        "maximum_window_in_minutes": 15,
    }


def test_a_start_is_tried_again_for_an_hour(synth: Synth) -> None:
    assert target(synth, CONFIG)["retry_policy"] == {
        "maximum_retry_attempts": 10,
        "maximum_event_age_in_seconds": 3600,
    }


def test_it_is_encrypted_under_the_key(synth: Synth) -> None:
    assert synth(Schedule, CONFIG).one("aws_scheduler_schedule")["kms_key_arn"] == KEY


def test_its_role_reads_these_schedules_only_and_writes_to_the_queue() -> None:
    decrypt, send = deliver(("a-nightly", "a-weekly"), KEY, "eu-west-1", ACCOUNT, dead_letter_arn=QUEUE)
    assert (decrypt.actions, decrypt.resources) == (("kms:Decrypt",), (KEY,))
    schedules = f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/default"
    assert decrypt.conditions == {
        "StringEquals": {
            "kms:EncryptionContext:aws:scheduler:schedule:arn": (
                f"{schedules}/a-nightly",
                f"{schedules}/a-weekly",
            )
        }
    }
    assert (send.actions, send.resources) == (("sqs:SendMessage",), (QUEUE,))


def test_without_a_queue_its_role_only_reads() -> None:
    (decrypt,) = deliver(("a-nightly",), KEY, "us-gov-west-1", ACCOUNT, "aws-us-gov")
    arn = f"arn:aws-us-gov:scheduler:us-gov-west-1:{ACCOUNT}:schedule/default/a-nightly"
    assert decrypt.conditions["StringEquals"] == {"kms:EncryptionContext:aws:scheduler:schedule:arn": (arn,)}


def test_what_terraform_knows_later_passes(synth: Synth) -> None:
    token = "${aws_sagemaker_pipeline.x.arn}"
    later = replace(CONFIG, target=PipelineTarget(arn=token), dead_letter_arn=token, name=token)
    assert target(synth, later)["arn"] == token


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 4 * * ? *)",
        "cron(0/15 8-17 ? * MON-FRI 2030)",
        "rate(1 minute)",
        "rate(7 days)",
        "at(2030-01-31T04:00:00)",
    ],
)
def test_every_way_to_say_when_is_taken(expression: str) -> None:
    assert ScheduledStart(expression=expression).expression == expression


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expression": "0 4 * * *"}, r"expression: supply a value such as cron\(0 4 \* \* \? \*\), got"),
        ({"expression": "cron(0 4 * * *)"}, "expression: supply a value such as"),
        ({"expression": "rate(0 days)"}, "expression: supply a value such as"),
        ({"timezone": "+01:00"}, "timezone: supply a value such as Europe/Berlin, got '\\+01:00'"),
        ({"timezone": "a" * 51}, "timezone: supply at most 50 characters, got 51"),
        ({"flexible_window_minutes": 0}, "flexible_window_minutes: supply at least 1, got 0"),
        ({"flexible_window_minutes": 1441}, "flexible_window_minutes: supply at most 1440, got 1441"),
    ],
)
def test_a_start_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(START, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maximum_retry_attempts": -1}, "maximum_retry_attempts: supply at least 0, got -1"),
        ({"maximum_retry_attempts": 186}, "maximum_retry_attempts: supply at most 185, got 186"),
        ({"maximum_event_age_seconds": 59}, "maximum_event_age_seconds: supply at least 60, got 59"),
        ({"maximum_event_age_seconds": 86401}, "maximum_event_age_seconds: supply at most 86400, got 86401"),
    ],
)
def test_a_retry_policy_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RetryPolicy(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "nightly run"}, "name: supply a value such as acme-prod-churn-nightly, got 'nightly run'"),
        ({"name": "n" * 65}, "name: supply at most 64 characters, got 65"),
        ({"dead_letter_arn": "starts"}, "dead_letter_arn: supply a value such as arn:aws:sqs:"),
    ],
)
def test_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_a_target_of_the_other_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="arn: supply a value such as arn:aws:sagemaker:"):
        PipelineTarget(arn=MACHINE.arn)
    with pytest.raises(ValueError, match="arn: supply a value such as arn:aws:states:"):
        StateMachineTarget(arn=CONFIG.target.arn)
