"""State machine: its definition, logs, key and alarms, who may start it, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modules.schedule import ScheduledStart
from modules.state_machine import (
    LAUNCHING_SERVICES,
    EventTrigger,
    StateMachine,
    StateMachineConfig,
    execution,
    launch,
    use_by_log_delivery,
)
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"
ARN = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:acme-prod-scoring"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LOGS = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/vendedlogs/states/acme-prod-scoring"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:acme-prod-alarms"
WAITS = "arn:aws:states:::sagemaker:createTransformJob.sync"
END: dict[str, Any] = {"Type": "Pass", "End": True}


def machine(begin: str, **states: Any) -> dict[str, Any]:
    return {"StartAt": begin, "States": states}


def definition(begin: str, **states: Any) -> str:
    return json.dumps(machine(begin, **states))


WHOLE = definition(
    "Wait",
    Wait={"Type": "Wait", "Seconds": 5, "Next": "Transform"},
    Transform={
        "Type": "Task",
        "Resource": WAITS,
        "Parameters": {"ModelName": "${ModelName}"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
        "Next": "Enough",
    },
    Enough={
        "Type": "Choice",
        "Choices": [{"Variable": "$.rows", "NumericGreaterThan": 0, "Next": "Each"}],
        "Default": "Done",
    },
    Each={"Type": "Map", "ItemProcessor": machine("Row", Row=END), "Next": "Both"},
    Both={
        "Type": "Parallel",
        "Branches": [machine("Left", Left=END), machine("Right", Right=END)],
        "End": True,
    },
    Done={"Type": "Succeed"},
    Failed={"Type": "Fail"},
)
CONFIG = StateMachineConfig(
    name="acme-prod-scoring",
    definition=WHOLE,
    definition_substitutions={"ModelName": "acme-prod-churn"},
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/acme-prod-scoring",
    kms_key_arn=KEY,
    log_group_arn=LOGS,
    account_id=ACCOUNT,
    region="eu-west-1",
    schedules={"weekly": ScheduledStart(expression="rate(7 days)", parameters={"full": True})},
    launch_role_arn=f"arn:aws:iam::{ACCOUNT}:role/acme-prod-scoring-launch",
    alarm_topic_arns=(TOPIC,),
)


def test_a_weekly_state_machine_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/state_machine", synth(StateMachine, CONFIG))


def made(synth: Synth, config: StateMachineConfig = CONFIG) -> dict[str, Any]:
    return synth(StateMachine, config).one("aws_sfn_state_machine")


def test_all_events_are_logged_without_what_executions_hold(synth: Synth) -> None:
    assert made(synth)["logging_configuration"] == {
        "level": "ALL",
        "include_execution_data": False,
        "log_destination": f"{LOGS}:*",
    }


def test_it_is_traced_and_encrypted(synth: Synth) -> None:
    assert made(synth)["tracing_configuration"] == {"enabled": True}
    assert made(synth)["encryption_configuration"] == {
        "type": "CUSTOMER_MANAGED_KMS_KEY",
        "kms_key_id": KEY,
        "kms_data_key_reuse_period_seconds": 300,
    }


def test_placeholders_are_replaced_also_by_what_terraform_knows_later(synth: Synth) -> None:
    token = "${aws_sagemaker_model.x.name}"
    later = replace(CONFIG, definition_substitutions={"ModelName": token})
    states = json.loads(made(synth, later)["definition"])["States"]
    assert states["Transform"]["Parameters"] == {"ModelName": token}


def test_a_substitution_cannot_break_out_of_its_text() -> None:
    quoted = replace(CONFIG, definition_substitutions={"ModelName": 'a", "b": "c'})
    assert json.loads(quoted.text)["States"]["Transform"]["Parameters"] == {"ModelName": 'a", "b": "c'}


def test_terraform_takes_jsonata_as_it_is(synth: Synth) -> None:
    text = definition("A", A={**END, "Output": "{%{'a': 1}%}"})
    config = replace(CONFIG, definition=text, definition_substitutions={})
    assert "{%%{'a': 1}%}" in made(synth, config)["definition"]


def test_a_definition_that_terraform_knows_later_passes(synth: Synth) -> None:
    whole = "${file(var.path)}"
    config = replace(CONFIG, definition=whole, definition_substitutions={}, log_group_arn=whole)
    assert made(synth, config)["definition"] == whole


@pytest.mark.parametrize(
    ("name", "metric"), [("failures", "ExecutionsFailed"), ("timeouts", "ExecutionsTimedOut")]
)
def test_one_bad_execution_raises_an_alarm_and_silence_does_not(synth: Synth, name: str, metric: str) -> None:
    alarm = synth(StateMachine, CONFIG).one("aws_cloudwatch_metric_alarm", name)
    assert (alarm["namespace"], alarm["metric_name"]) == ("AWS/States", metric)
    assert alarm["dimensions"] == {"StateMachineArn": "${aws_sfn_state_machine.this.arn}"}
    assert (alarm["statistic"], alarm["threshold"], alarm["treat_missing_data"]) == ("Sum", 1, "notBreaching")
    assert alarm["alarm_actions"] == [TOPIC]


def test_a_schedule_hands_over_its_parameters_as_input(synth: Synth) -> None:
    schedule = synth(StateMachine, CONFIG).one("aws_scheduler_schedule")
    assert schedule["name"] == "acme-prod-scoring-weekly"
    assert json.loads(schedule["target"]["input"]) == {"full": True}


def test_who_starts_it_may_do_no_more(synth: Synth) -> None:
    machines: list[StateMachine] = []
    synth(lambda stack: machines.append(StateMachine(stack, "scoring", CONFIG)))
    start = machines[0].start()
    assert (start.actions, start.resources) == (("states:StartExecution",), (ARN,))
    begin, decrypt = launch(CONFIG.name, CONFIG.schedules, KEY, "eu-west-1", ACCOUNT)
    assert begin == start
    schedule = f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/default/acme-prod-scoring-weekly"
    assert decrypt.conditions["StringEquals"] == {
        "kms:EncryptionContext:aws:scheduler:schedule:arn": (schedule,)
    }
    assert launch(CONFIG.name, {}, KEY, "eu-west-1", ACCOUNT) == (begin,)
    assert LAUNCHING_SERVICES == ("events.amazonaws.com", "scheduler.amazonaws.com")


def test_an_event_starts_it_and_what_cannot_be_delivered_is_kept(synth: Synth) -> None:
    drift = EventTrigger(pattern={"source": ["acme.monitoring"], "detail-type": ["Drift"]})
    queue = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:acme-prod-starts"
    stack = synth(StateMachine, replace(CONFIG, triggers={"drift": drift}, dead_letter_arn=queue))
    rule = stack.one("aws_cloudwatch_event_rule", "drift_trigger")
    assert (rule["name"], json.loads(rule["event_pattern"])) == ("acme-prod-scoring-drift", drift.pattern)
    target = stack.one("aws_cloudwatch_event_target", "drift_target")
    assert target["rule"] == "${aws_cloudwatch_event_rule.drift_trigger.name}"
    assert (target["arn"], target["role_arn"]) == (
        "${aws_sfn_state_machine.this.arn}",
        CONFIG.launch_role_arn,
    )
    assert target["retry_policy"] == {"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 10}
    assert target["dead_letter_config"] == {"arn": queue}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ({"detail-type": ["Drift"]}, r"pattern.source: supply a list such as \['aws.sagemaker'\], got none"),
        (
            {"source": "acme.monitoring"},
            "pattern.source: supply a list of values, or a mapping, got 'acme.monitoring'",
        ),
        ({"source": ["a" * 4096]}, "pattern: number of characters: supply at most 4096, got"),
    ],
)
def test_a_trigger_is_refused(pattern: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EventTrigger(pattern=pattern)


def test_its_own_role_uses_the_key_for_this_state_machine_and_for_its_logs_only() -> None:
    logs, traces, executions, delivery = execution(CONFIG.name, KEY, "eu-west-1", ACCOUNT)
    assert (logs.resources, traces.resources) == (("*",), ("*",))
    assert all(action.startswith("logs:") for action in logs.actions)
    assert all(action.startswith("xray:") for action in traces.actions)
    assert executions.resources == delivery.resources == (KEY,)
    assert executions.conditions == {
        "StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": ARN}
    }
    assert delivery.actions == ("kms:GenerateDataKey",)
    assert delivery.conditions == {
        "StringEquals": {"kms:EncryptionContext:SourceArn": f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"}
    }


def test_the_key_lets_the_logs_of_one_account_be_read() -> None:
    statement = use_by_log_delivery("us-gov-west-1", ACCOUNT, "aws-us-gov")
    assert statement.principals[0].identifiers == ("delivery.logs.amazonaws.com",)
    assert statement.actions == ("kms:Decrypt",)
    assert statement.conditions == {
        "StringEquals": {"kms:EncryptionContext:SourceArn": f"arn:aws-us-gov:logs:us-gov-west-1:{ACCOUNT}:*"}
    }


def test_an_express_state_machine_is_one(synth: Synth) -> None:
    config = replace(CONFIG, type="EXPRESS", definition=definition("A", A=END), definition_substitutions={})
    assert made(synth, config)["type"] == "EXPRESS"


DRIFT = EventTrigger(pattern={"source": ["acme.monitoring"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "acme prod"}, "name: supply a value such as acme-prod-churn, got 'acme prod'"),
        ({"name": "n" * 81, "schedules": {}}, "name: supply at most 80 characters, got 81"),
        ({"log_group_arn": f"{LOGS}:*"}, "log_group_arn: supply a value such as arn:aws:logs:"),
        ({"type": "FAST"}, "type: supply one of STANDARD, EXPRESS, got 'FAST'"),
        ({"log_level": "OFF"}, "log_level: supply one of ALL, ERROR, FATAL, got 'OFF'"),
        ({"kms_data_key_reuse_period_seconds": 59}, "kms_data_key_reuse_period_seconds: supply at least 60"),
        ({"kms_data_key_reuse_period_seconds": 901}, "kms_data_key_reuse_period_seconds: supply at most 900"),
        (
            {"launch_role_arn": None},
            "launch_role_arn: supply the role that schedules and triggers take, got none",
        ),
        (
            {"launch_role_arn": None, "schedules": {}, "triggers": {"drift": DRIFT}},
            "launch_role_arn: supply the role that schedules and triggers take, got none",
        ),
        (
            {"triggers": {"new_drift": DRIFT}},
            "triggers: name: supply a value such as nightly, got 'new_drift'",
        ),
        (
            {"schedules": {"every_week": CONFIG.schedules["weekly"]}},
            "schedules: name: supply a value such as nightly, got 'every_week'",
        ),
        ({"name": "n" * 60}, "schedules.weekly: supply at most 64 characters, got 67"),
        (
            {"definition_substitutions": {}},
            "definition_substitutions: supply ModelName, which the definition has",
        ),
        (
            {"definition_substitutions": {"ModelName": "m", "Model": "m"}},
            "definition_substitutions: supply one of ModelName, got 'Model'",
        ),
    ],
)
def test_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "definition: supply JSON, got an error: "),
        ("[]", "definition: supply a JSON object, got list"),
        (
            '{"StartAt": "A", "StartAt": "B"}',
            "definition: supply JSON, .* supply each once, got 'StartAt' twice",
        ),
        (
            definition("A", A={**END, "Comment": "c" * 1_048_576}),
            "number of characters: supply at most 1048576",
        ),
        (definition("A"), "definition.States: supply an object with at least one state, got none"),
        (definition("B", A=END), "definition.StartAt: supply one of the states A, got 'B'"),
        (definition("a" * 81, **{"a" * 81: END}), "definition.States: supply at most 80 characters, got 81"),
        (
            definition("A", A={"Type": "Walk", "End": True}),
            "definition.States.A.Type: supply one of Choice, ",
        ),
        (definition("A", A={"End": True}), "definition.States.A.Type: supply one of Choice, .*, got ''"),
        (
            definition("A", A={"Type": "Pass", "Next": "B"}, C=END),
            "definition.States.A.Next: supply one of the states A, C, got 'B'",
        ),
        (
            definition("A", A={"Type": "Choice", "Choices": [{"Next": "C"}], "Default": "B"}, C=END),
            "definition.States.A.Default: supply one of the states A, C, got 'B'",
        ),
        (
            definition("A", A={"Type": "Choice", "Choices": [{"Next": "B"}], "Default": "C"}, C=END),
            r"definition.States.A.Choices\[0\].Next: supply one of the states A, C, got 'B'",
        ),
        (
            definition("A", A={**END, "Catch": [{"ErrorEquals": ["x"], "Next": "B"}]}),
            r"definition.States.A.Catch\[0\].Next: supply one of the states A, got 'B'",
        ),
        (definition("A", A={"Type": "Choice"}, B=END), "definition.States.A.Choices: supply at least one"),
        (definition("A", A={"Type": "Pass"}), "A: supply either `Next` or `End: true`, got neither"),
        (definition("A", A={**END, "Next": "A"}), "A: supply either `Next` or `End: true`, got both"),
        (
            definition("A", A={"Type": "Pass", "Next": "A"}),
            "definition.States: supply a state that ends it, by `End: true` or of type Succeed or Fail",
        ),
        (definition("A", A=END, B=END), "definition.States: supply a way to each state, got none to B"),
        (
            definition("A", A={"Type": "Task", "End": True}),
            "definition.States.A.Resource: supply an ARN such as",
        ),
        (definition("A", A={"Type": "Map", "End": True}), "A.ItemProcessor: supply the states for each item"),
        (definition("A", A={"Type": "Parallel", "End": True}), "A.Branches: supply at least one, got none"),
        (
            definition("A", A={"Type": "Map", "ItemProcessor": machine("C", B=END), "End": True}),
            "definition.States.A.ItemProcessor.StartAt: supply one of the states B, got 'C'",
        ),
        (
            definition("A", A={"Type": "Map", "Iterator": machine("C", B=END), "End": True}),
            "definition.States.A.Iterator.StartAt: supply one of the states B, got 'C'",
        ),
        (
            definition("A", A={"Type": "Parallel", "Branches": [machine("C", B=END)], "End": True}),
            r"definition.States.A.Branches\[0\].StartAt: supply one of the states B, got 'C'",
        ),
        (
            definition("A", A={"Type": "Map", "ItemProcessor": machine("A", A=END), "End": True}),
            "definition: names of states, the nested ones too: supply each once, got 'A' twice",
        ),
    ],
)
def test_a_definition_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, definition=text, definition_substitutions={})


@pytest.mark.parametrize(
    "resource",
    [
        WAITS,
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        f"arn:aws:states:eu-west-1:{ACCOUNT}:activity:label",
    ],
)
def test_an_express_state_machine_that_waits_is_refused(resource: str) -> None:
    text = definition("A", A={"Type": "Task", "Resource": resource, "End": True})
    with pytest.raises(ValueError, match="supply a task that is not waited for in EXPRESS"):
        replace(CONFIG, type="EXPRESS", definition=text, definition_substitutions={})
    assert replace(CONFIG, definition=text, definition_substitutions={}).type == "STANDARD"
