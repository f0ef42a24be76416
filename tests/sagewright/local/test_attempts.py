"""Answers that get lost: a retry is answered what the attempt before it was answered."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from sagewright.local import attempts
from sagewright.local.attempts import Attempts
from sagewright.local.server import EmbeddedAws
from sagewright.local.wire import Answer
from tests.sagewright.local.conftest import IMAGE, TRUST_SAGEMAKER, Account, refused

WORK = ("a", "sagemaker", "eu-west-1", "CreateModel")


def answer(status: str = "200 OK") -> Answer:
    return Answer(status=status, headers=[], body=b"")


@pytest.fixture(params=["legacy", "standard"])
def retrying(account: Account, request: pytest.FixtureRequest) -> Any:
    """Settings of a client that tries three times."""
    return Config(retries={"total_max_attempts": 3, "mode": request.param}, parameter_validation=False)


def entries(account: Account, operation: str) -> list[tuple[Any, ...]]:
    """Return attempt, status, and whether it was repeated and lost, as the request log has them."""
    return [
        (entry["attempt"], entry["status"], entry.get("repeated", False), entry.get("lost", False))
        for entry in account.server.entries()
        if (entry.get("account"), entry["operation"]) == (account.id, operation)
    ]


def test_create_model_succeeds_though_its_answer_gets_lost(account: Account, retrying: Config) -> None:
    account.fail("CreateModel", name="churn", lose=True, times=2)
    role = account.role()
    answered = account.client("sagemaker", config=retrying).create_model(
        ModelName="churn", ExecutionRoleArn=role, PrimaryContainer={"Image": IMAGE}
    )
    assert [model["ModelArn"] for model in account.sagemaker.list_models()["Models"]] == [
        answered["ModelArn"]
    ]
    assert entries(account, "CreateModel") == [
        (1, 200, False, True),
        (2, 200, True, True),
        (3, 200, True, False),
    ]


def test_an_answer_can_get_lost_in_every_protocol(account: Account, retrying: Config) -> None:
    bucket = account.bucket()
    account.fail("CreateRole", name="model", lose=True)
    account.fail("PutObject", name=bucket, lose=True)
    account.fail("PutObject", name="other", lose=True)
    account.fail("GetObject", lose=True)
    account.client("iam", config=retrying).create_role(
        RoleName="model", AssumeRolePolicyDocument=json.dumps(TRUST_SAGEMAKER)
    )
    s3 = account.client("s3", config=retrying)
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
    assert entries(account, "PutObject") == [(1, 200, False, True), (2, 200, True, False)]
    assert entries(account, "GetObject") == [(1, 200, False, True), (2, 200, False, False)]
    account.server.ask("DELETE", "/sagewright/faults")


def test_a_client_that_does_not_retry_loses_the_answer(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.role()
    account.fail("CreateModel", lose=True)
    with pytest.raises(ConnectionClosedError):
        account.model()
    assert "connection dropped at CreateModel of sagemaker, attempt 1 of " in capsys.readouterr().err
    with refused("Cannot create already existing model"):
        account.model()


def test_a_refusal_is_met_by_every_attempt(account: Account, retrying: Config) -> None:
    account.fail("CreateModelPackageGroup", code="Throttling", reason="Rate exceeded", times=2)
    group = {"ModelPackageGroupName": "churn"}
    account.client("sagemaker", config=retrying).create_model_package_group(**group)
    assert [status for _, status, *_ in entries(account, "CreateModelPackageGroup")] == [400, 400, 200]
    account.fail("DeleteModelPackageGroup", code="Throttling", times=3)
    with refused("", "Throttling"):
        account.client("sagemaker", config=retrying).delete_model_package_group(**group)
    account.sagemaker.delete_model_package_group(**group)


def test_two_calls_are_two_calls(account: Account) -> None:
    account.model()
    with refused("Cannot create already existing model"):
        account.model()


def test_an_attempt_waits_for_the_one_that_is_being_worked_on() -> None:
    remembered, begun, may_end = Attempts(), threading.Event(), threading.Event()

    def do() -> Answer:
        begun.set()
        may_end.wait(10)
        return answer()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(remembered.answer, WORK, do)
        begun.wait(10)
        second = pool.submit(remembered.answer, WORK, lambda: pytest.fail("done twice"))
        assert not second.done()
        may_end.set()
        assert (first.result(), second.result()) == ((answer(), False), (answer(), True))


@pytest.mark.parametrize("status", ["301 Moved Permanently", "400 Bad Request", "501 Not Implemented"])
def test_what_did_not_succeed_is_done_again(status: str) -> None:
    remembered = Attempts()
    assert remembered.answer(WORK, lambda: answer(status)) == (answer(status), False)
    with pytest.raises(RuntimeError):
        remembered.answer(WORK, broken)
    assert remembered.answer(WORK, answer) == (answer(), False)
    assert remembered.answer(WORK, broken) == (answer(), True)


def broken() -> Answer:
    raise RuntimeError("broken")


def test_the_oldest_answers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_REMEMBERED", 2)
    remembered = Attempts()
    for invocation in ("a", "b", "c"):
        remembered.answer((invocation, *WORK[1:]), answer)
    assert [remembered.answer((each, *WORK[1:]), answer)[1] for each in ("c", "b", "a")] == [
        True,
        True,
        False,
    ]


class Unwritable(io.StringIO):
    """A log on a full disk."""

    def write(self, _: str) -> int:
        raise OSError("no space left on device")


@pytest.fixture
def ask() -> Iterator[Any]:
    """Asks an application without any server, whose log cannot be written, and gives status and body."""

    def ask(**environ: Any) -> tuple[str, bytes]:
        statuses: list[str] = []
        application = EmbeddedAws(nonce="x", request_log=Unwritable())
        request = {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(), **environ}
        (body,) = application(request, lambda status, _: statuses.append(status))
        return statuses[0], body

    yield ask


def test_a_log_that_cannot_be_written_changes_no_answer(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, body = ask(
        PATH_INFO="/",
        HTTP_X_AMZ_TARGET="SageMaker.ListModels",
        HTTP_AUTHORIZATION="Credential=111122223333/20250101/eu-west-1/sagemaker/aws4_request",
        SERVER_NAME="localhost",
    )
    assert (status, body) == ("200 OK", b'{"Models": []}')
    assert "no space left on device" in capsys.readouterr().err


def test_any_failure_is_an_answer_that_is_not_retried(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, body = ask(PATH_INFO="/", CONTENT_LENGTH="much", HTTP_X_AMZ_TARGET="SageMaker.ListModels")
    assert status == "501 Not Implemented"
    assert b"EmbeddedAwsFailure" in body
    assert "invalid literal for int()" in capsys.readouterr().err
