"""Lambda: functions run, in a process of their own, with their variables, time and memory."""

from __future__ import annotations

import base64
import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sagewright.local.process import down, up
from tests.sagewright.local.conftest import Account, Server, refused
from tests.sagewright.local.inference_api import TRUST_LAMBDA, lines_of, make_function, zipped

CODE = """
import json, os, sys, time, boto3

starts = []

def handle(event, context):
    starts.append(1)
    how = event.get("how")
    print("asked for", how)
    if how == "raise":
        raise ValueError("no such thing")
    if how == "sleep":
        time.sleep(60)
    if how == "exit":
        os._exit(3)
    if how == "eat":
        return len(bytearray(600 * 2**20))
    if how == "large":
        return "x" * (7 * 2**20)
    if how == "identity":
        return boto3.client("sts").get_caller_identity()["Arn"]
    if how == "wait":
        time.sleep(1)
    return {
        "event": event,
        "starts": len(starts),
        "pid": os.getpid(),
        "variable": os.environ.get("COLOUR"),
        "home": os.environ.get("HOME"),
        "name": context.function_name,
        "left": context.get_remaining_time_in_millis(),
        "region": os.environ["AWS_REGION"],
    }
"""


@pytest.fixture
def function(account: Account) -> str:
    """A function that does as it is told."""
    variables = {"Variables": {"COLOUR": "blue"}}
    make_function(account, "tell", zipped({"code.py": CODE}), Environment=variables, Timeout=2)
    return "tell"


def invoke(account: Account, how: str = "", **request: Any) -> tuple[Any, dict[str, Any]]:
    """Invoke the function; return its answer, and what else there is."""
    payload = json.dumps({"how": how})
    answer = account.client("lambda").invoke(**{"FunctionName": "tell", "Payload": payload, **request})
    return json.loads(answer["Payload"].read() or b"null"), answer


def test_a_function_runs_with_its_variables_in_a_process_that_is_kept(
    account: Account, function: str
) -> None:
    first, answer = invoke(account)
    assert answer["StatusCode"] == 200 and "FunctionError" not in answer
    assert answer["ExecutedVersion"] == "$LATEST"
    expected = {"variable": "blue", "home": None, "name": "tell", "region": "eu-west-1", "event": {"how": ""}}
    assert {name: first[name] for name in expected} == expected
    assert 1000 < first["left"] <= 2000
    second, _ = invoke(account)
    assert (second["pid"], second["starts"]) == (first["pid"], 2)


def test_of_processes_that_wait_for_work_those_that_waited_longest_end(
    account: Account, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagewright.local.functions.MOST_IDLE", 2)
    pids = {function: invoke(account)[0]["pid"]}
    for name in ("second", "third"):
        make_function(account, name, zipped({"code.py": CODE}))
        pids[name] = invoke(account, FunctionName=name)[0]["pid"]
    with pytest.raises(ProcessLookupError):
        os.kill(pids[function], 0)
    kept = {name: invoke(account, FunctionName=name)[0]["pid"] for name in ("third", "second")}
    assert kept == {name: pids[name] for name in kept}
    assert invoke(account)[0]["starts"] == 1


def test_a_function_has_the_rights_of_its_role(account: Account, function: str) -> None:
    arn = f"arn:aws:sts::{account.id}:assumed-role/function-tell/tell"
    assert invoke(account, "identity")[0] == arn


def test_what_a_function_prints_is_in_its_log_group_and_in_the_tail(account: Account, function: str) -> None:
    _, answer = invoke(account, "hello", LogType="Tail")
    assert base64.b64decode(answer["LogResult"]).decode() == "asked for hello"
    assert lines_of(account, "/aws/lambda/tell") == ["asked for hello"]


@pytest.mark.parametrize(
    ("how", "type_", "said"),
    [
        ("raise", "ValueError", "no such thing"),
        ("sleep", "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
        ("exit", "Runtime.ExitError", "Runtime exited"),
        ("eat", "MemoryError", ""),
        ("large", "Function.ResponseSizeTooLarge", "Response payload size exceeded"),
    ],
)
def test_what_goes_wrong_in_a_function_is_its_answer(
    account: Account, function: str, how: str, type_: str, said: str
) -> None:
    content, answer = invoke(account, how)
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert content["errorType"] == type_ and said in content["errorMessage"]
    assert invoke(account)[0]["starts"] in (1, 2)


def test_a_function_that_cannot_be_imported_says_so(account: Account) -> None:
    make_function(account, "tell", zipped({"code.py": "import nowhere"}))
    content, answer = invoke(account)
    assert answer["FunctionError"] == "Unhandled"
    assert content["errorMessage"] == "No module named 'nowhere'"


def test_changed_code_and_variables_are_used_at_once(account: Account, function: str) -> None:
    first = invoke(account)[0]
    client = account.client("lambda")
    client.update_function_configuration(FunctionName="tell", Environment={"Variables": {"COLOUR": "green"}})
    second = invoke(account)[0]
    assert second["variable"] == "green" and second["pid"] != first["pid"]
    client.update_function_code(
        FunctionName="tell", ZipFile=zipped({"code.py": "def handle(event, context):\n    return 7"})
    )
    assert invoke(account)[0] == 7


def test_a_version_and_an_alias_keep_their_code(account: Account, function: str) -> None:
    client = account.client("lambda")
    version = client.publish_version(FunctionName="tell")["Version"]
    client.create_alias(FunctionName="tell", Name="live", FunctionVersion=version)
    client.update_function_code(
        FunctionName="tell", ZipFile=zipped({"code.py": "def handle(event, context):\n    return 7"})
    )
    content, answer = invoke(account, Qualifier="live")
    assert (content["name"], answer["ExecutedVersion"]) == ("tell", version)
    assert invoke(account)[0] == 7


def test_an_event_is_answered_before_it_is_worked_on(account: Account, function: str) -> None:
    started = time.monotonic()
    _, answer = invoke(account, "wait", InvocationType="Event")
    assert answer["StatusCode"] == 202 and time.monotonic() - started < 1
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if "asked for wait" in lines_of(account, "/aws/lambda/tell"):
                return
        except account.client("logs").exceptions.ResourceNotFoundException:
            time.sleep(0.1)
    raise AssertionError("the event was not worked on")


def test_a_dry_run_runs_nothing(account: Account, function: str) -> None:
    assert invoke(account, InvocationType="DryRun")[1]["StatusCode"] == 204


def test_what_cannot_be_invoked_is_refused(account: Account, function: str) -> None:
    with refused("Function not found", "ResourceNotFoundException", 404):
        invoke(account, FunctionName="none")
    with refused("Could not parse", "InvalidRequestContentException"):
        invoke(account, Payload="{")
    with refused("Request must be smaller", "RequestEntityTooLargeException", 413):
        invoke(account, Payload=json.dumps("x" * (6 * 2**20)))


def test_a_function_in_another_language_is_not_run(account: Account) -> None:
    role = account.role("function", TRUST_LAMBDA)
    account.client("lambda").create_function(
        FunctionName="tell", Runtime="nodejs22.x", Handler="x", Role=role, Code={"ZipFile": zipped({"x": ""})}
    )
    with refused("a function in nodejs22.x", "NotImplemented", 501):
        invoke(account)


def test_more_requests_than_are_reserved_are_refused(account: Account, function: str) -> None:
    account.client("lambda").put_function_concurrency(FunctionName="tell", ReservedConcurrentExecutions=1)
    invoke(account)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(invoke, account, "wait")
        time.sleep(0.2)
        with refused("Rate Exceeded", "TooManyRequestsException", 429):
            invoke(account)
        assert waiting.result()[0]["name"] == "tell"


def test_functions_end_with_the_embedded_aws(tmp_path: Path) -> None:
    running = up(tmp_path)
    account = Account(Server(running.url, io.StringIO()), "111122223333")
    make_function(account, "tell", zipped({"code.py": CODE}))
    pid = invoke(account)[0]["pid"]
    os.kill(pid, 0)
    down(tmp_path)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("the function's process is still there")


def test_a_function_that_waits_holds_nobody_up(server: Server, account: Account, function: str) -> None:
    invoke(account)
    invoke(account, "wait", InvocationType="Event")
    started = time.monotonic()
    account.client("sts").get_caller_identity()
    assert time.monotonic() - started < 0.9
