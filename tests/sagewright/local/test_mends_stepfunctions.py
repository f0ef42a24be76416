"""Step Functions refuses definitions that lead nowhere, as AWS does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sagewright.local.conftest import Account, refused

END = {"Type": "Pass", "End": True}
WAITS = "arn:aws:states:::sagemaker:createTrainingJob.sync"


def machine(begin: str = "A", **states: Any) -> str:
    return json.dumps({"StartAt": begin, "States": states or {"A": END}})


@pytest.mark.parametrize(
    "definition",
    [
        machine(),
        machine(A={"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "B"}]}, B=END),
        machine(
            A={"Type": "Parallel", "Branches": [json.loads(machine("B", B=END))], "End": True},
        ),
        machine(
            A={"Type": "Task", "Resource": WAITS, "Parameters": {"TrainingJobName.$": "$.x"}, "End": True}
        ),
        json.dumps({**json.loads(machine()), "QueryLanguage": "JSONata"}),
    ],
    ids=["one state", "a choice", "a branch", "a job that is waited for", "JSONata"],
)
def test_validate_state_machine_definition_takes_what_leads_to_an_end(
    account: Account, definition: str
) -> None:
    answer = account.client("stepfunctions").validate_state_machine_definition(definition=definition)
    assert (answer["result"], answer["diagnostics"], answer["truncated"]) == ("OK", [], False)


@pytest.mark.parametrize(
    ("definition", "code", "location"),
    [
        ("{", "INVALID_JSON_DESCRIPTION", "/"),
        (machine(A={"Type": "Walk", "End": True}), "SCHEMA_VALIDATION_FAILED", "/"),
        (machine("B"), "MISSING_TRANSITION_TARGET", "/StartAt"),
        (machine(A={"Type": "Pass", "Next": "B"}), "MISSING_TRANSITION_TARGET", "/States/A/Next"),
        (machine(A={"Type": "Pass"}), "SCHEMA_VALIDATION_FAILED", "/States/A"),
        (machine(A=END, B=END), "MISSING_TRANSITION_TARGET", "/States/B"),
        (
            machine(A={"Type": "Map", "ItemProcessor": json.loads(machine("C", B=END)), "End": True}),
            "MISSING_TRANSITION_TARGET",
            "/States/A/ItemProcessor/StartAt",
        ),
    ],
    ids=["JSON", "type", "begin", "next", "end", "way", "nested"],
)
def test_validate_state_machine_definition_says_what_is_wrong(
    account: Account, definition: str, code: str, location: str
) -> None:
    answer = account.client("stepfunctions").validate_state_machine_definition(definition=definition)
    assert answer["result"] == "FAIL"
    first = answer["diagnostics"][0]
    assert (first["severity"], first["code"], first["location"]) == ("ERROR", code, location)


def test_an_express_machine_waits_for_no_job(account: Account) -> None:
    definition = machine(A={"Type": "Task", "Resource": WAITS, "End": True})
    answer = account.client("stepfunctions").validate_state_machine_definition(
        definition=definition, type="EXPRESS"
    )
    assert answer["result"] == "FAIL"


def test_create_state_machine_and_update_state_machine_refuse_an_invalid_definition(account: Account) -> None:
    states = account.client("stepfunctions")
    with refused("Missing 'StartAt' target: B at /StartAt", "InvalidDefinition"):
        states.create_state_machine(name="score", definition=machine("B"), roleArn=account.role())
    role_arn = account.client("iam").get_role(RoleName="model")["Role"]["Arn"]
    arn = states.create_state_machine(name="score", definition=machine(), roleArn=role_arn)["stateMachineArn"]
    with refused("MISSING_TRANSITION_TARGET", "InvalidDefinition"):
        states.update_state_machine(stateMachineArn=arn, definition=machine("B"))
    states.update_state_machine(stateMachineArn=arn, tracingConfiguration={"enabled": True})
    assert states.describe_state_machine(stateMachineArn=arn)["definition"] == machine()


def test_create_state_machine_refuses_what_the_service_model_does_not_allow(account: Account) -> None:
    with refused("Member must satisfy enum value set: [STANDARD, EXPRESS]"):
        account.client("stepfunctions").create_state_machine(
            name="score", definition=machine(), roleArn=account.role(), type="FAST"
        )


def test_list_state_machine_versions_has_what_was_published(account: Account) -> None:
    states = account.client("stepfunctions")
    arn = states.create_state_machine(name="score", definition=machine(), roleArn=account.role())[
        "stateMachineArn"
    ]
    assert states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"] == []
    for _ in range(2):
        states.update_state_machine(stateMachineArn=arn, definition=machine(), publish=True)
    versions = states.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in versions] == [f"{arn}:2", f"{arn}:1"]
    with refused("State Machine Does Not Exist", "StateMachineDoesNotExist"):
        states.list_state_machine_versions(stateMachineArn=f"{arn}x")
    with refused("with more than one page", "NotImplemented", 501):
        states.list_state_machine_versions(stateMachineArn=arn, maxResults=1)
