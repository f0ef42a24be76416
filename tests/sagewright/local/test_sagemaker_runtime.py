"""SageMaker Runtime: who answers, with which weights, what is refused, and what goes wrong on demand."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sagewright.local.conftest import IMAGE, Account, Server, refused, variant


@pytest.fixture
def runtime(account: Account) -> Any:
    """A client of an account with the endpoint churn, of the variants champion and challenger."""
    account.configuration()
    account.endpoint()
    return account.client("sagemaker-runtime")


def ask(runtime: Any, body: bytes = b"1,2", **request: Any) -> dict[str, Any]:
    """Invoke the endpoint churn, and return its document."""
    answer = runtime.invoke_endpoint(EndpointName="churn", Body=body, ContentType="text/csv", **request)
    document: dict[str, Any] = json.loads(answer["Body"].read())
    assert answer["InvokedProductionVariant"] == document["variant"]
    return document


def queue_answer(server: Server, account: Account, body: str) -> None:
    result = {"Body": body, "ContentType": "text/csv", "InvokedProductionVariant": "champion"}
    document = {"account_id": account.id, "region": account.region, "results": [result]}
    server.ask("POST", "/moto-api/static/sagemaker/endpoint-results", document)


def test_the_model_that_is_built_in_tells_who_was_asked_what(runtime: Any) -> None:
    assert ask(runtime, TargetVariant="challenger") == {
        "variant": "challenger",
        "model": "churn",
        "content_type": "text/csv",
        "bytes": 3,
        "sha256": hashlib.sha256(b"1,2").hexdigest(),
    }


def test_bytes_come_back_where_they_are_asked_for(runtime: Any) -> None:
    sent = bytes(range(256))
    answer = runtime.invoke_endpoint(EndpointName="churn", Body=sent, Accept="application/octet-stream")
    assert (answer["Body"].read(), answer["ContentType"]) == (sent, "application/octet-stream")


def test_requests_are_divided_by_the_weights(account: Account, runtime: Any) -> None:
    found = Counter(ask(runtime)["variant"] for _ in range(500))
    assert abs(found["challenger"] - 50) < 5 * math.sqrt(500 * 0.1 * 0.9)
    weights = [{"VariantName": "champion", "DesiredWeight": 0}]
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn", DesiredWeightsAndCapacities=weights
    )
    assert {ask(runtime)["variant"] for _ in range(20)} == {"challenger"}


def test_a_model_is_named_where_there_are_several(account: Account) -> None:
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key="models/berlin.tar.gz", Body=b"model")
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{bucket}/models/"}
    account.model("cities", PrimaryContainer=container)
    account.configuration("first", variant("champion", ModelName="cities"))
    account.endpoint()
    runtime = account.client("sagemaker-runtime")
    assert ask(runtime, TargetModel="berlin.tar.gz")["model"] == "berlin.tar.gz"
    with refused("TargetModel is required", "ValidationError"):
        ask(runtime)
    with refused("Failed to download model data (rome.tar.gz)", "ValidationError"):
        ask(runtime, TargetModel="rome.tar.gz")


def test_a_model_is_not_named_where_there_is_one(runtime: Any) -> None:
    with refused("TargetModel is not supported", "ValidationError"):
        ask(runtime, TargetModel="berlin.tar.gz")


def test_a_body_that_sagemaker_does_not_take_is_413(account: Account, runtime: Any) -> None:
    assert ask(runtime, b"x" * 6_000_000)["bytes"] == 6_000_000
    with refused("HTTP content length exceeded", "413", 413):
        ask(runtime, b"x" * (25 * 2**20 + 1))
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 5}
    small = {"VariantName": "all", "ModelName": "churn", "ServerlessConfig": serverless}
    account.configuration("serverless", small)
    account.endpoint("backoffice", "serverless")
    runtime.invoke_endpoint(EndpointName="backoffice", Body=b"x" * 2**22)
    with refused("HTTP content length exceeded", "413", 413):
        runtime.invoke_endpoint(EndpointName="backoffice", Body=b"x" * (2**22 + 1))


def test_an_endpoint_that_is_created_is_not_found_and_one_that_is_updated_answers(account: Account) -> None:
    account.configuration()
    runtime = account.client("sagemaker-runtime")
    with account.transition("sagemaker::endpoint", progression="manual", times=100):
        account.endpoint()
        with refused("not found", "ValidationError"):
            ask(runtime)
    account.endpoint("letters")
    with account.transition("sagemaker::endpoint", progression="manual", times=100):
        account.sagemaker.update_endpoint(EndpointName="letters", EndpointConfigName="first")
        runtime.invoke_endpoint(EndpointName="letters", Body=b"1")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("ModelNotReadyException", 429),
        ("ServiceUnavailable", 503),
        ("InternalFailure", 500),
        ("InternalDependencyException", 530),
    ],
)
def test_a_failure_on_demand_has_the_status_of_sagemaker(
    account: Account, runtime: Any, code: str, status: int
) -> None:
    account.fail("InvokeEndpoint", name="churn", code=code, reason="on demand")
    with refused("on demand", code, status):
        ask(runtime)
    ask(runtime)


@pytest.mark.parametrize(("reason", "original"), [("out of memory", 500), ("Your invocation timed out", 0)])
def test_a_model_error_has_what_the_container_said(
    account: Account, runtime: Any, reason: str, original: int
) -> None:
    account.fail("InvokeEndpoint", code="ModelError", reason=reason)
    with pytest.raises(ClientError) as caught:
        ask(runtime)
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (original, reason)
    assert (
        f'Received server error ({original}) from primary with message "{reason}'
        in response["Error"]["Message"]
    )


def test_an_answer_on_demand_is_late_and_holds_nobody_else_up(account: Account, runtime: Any) -> None:
    account.fail("InvokeEndpoint", name="churn", delay_milliseconds=300)
    started = time.monotonic()
    ask(runtime)
    assert time.monotonic() - started >= 0.3


@pytest.fixture
def asynchronous(account: Account) -> str:
    """A bucket with the input of an asynchronous endpoint churn, which puts its results there."""
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key="in/1", Body=b"1,2")
    places = {"S3OutputPath": f"s3://{bucket}/out", "S3FailurePath": f"s3://{bucket}/failures/"}
    configuration = {"OutputConfig": places}
    account.configuration("first", variant("all"), AsyncInferenceConfig=configuration)
    account.endpoint()
    return bucket


def queue(account: Account, **request: Any) -> dict[str, Any]:
    """Invoke the asynchronous endpoint churn."""
    request = {"EndpointName": "churn", "ContentType": "text/csv", **request}
    answer: dict[str, Any] = account.client("sagemaker-runtime").invoke_endpoint_async(**request)
    return answer


def stored(account: Account, s3_uri: str) -> bytes | None:
    """Return what is in S3; `None` if it is not there."""
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    s3 = account.client("s3")
    if not s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"]:
        return None
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def test_an_asynchronous_endpoint_puts_its_answer_into_the_bucket(
    account: Account, asynchronous: str
) -> None:
    answer = queue(account, InputLocation=f"s3://{asynchronous}/in/1", InferenceId="letter-1")
    assert answer["InferenceId"] == "letter-1"
    assert answer["OutputLocation"].startswith(f"s3://{asynchronous}/out/")
    found = json.loads(stored(account, answer["OutputLocation"]) or b"")
    assert (found["variant"], found["bytes"], found["content_type"]) == ("all", 3, "text/csv")
    assert stored(account, answer["FailureLocation"]) is None


def test_an_asynchronous_endpoint_takes_a_small_input_by_itself(account: Account, asynchronous: str) -> None:
    answer = queue(account, Body=b"1,2,3")
    assert json.loads(stored(account, answer["OutputLocation"]) or b"")["bytes"] == 5
    with refused("Specify exactly one of InputLocation and Body", "ValidationError"):
        queue(account)
    with refused("less than or equal to 128000", "ValidationError"):
        queue(account, Body=b"x" * 128_001)


@pytest.mark.parametrize("missing", [True, False])
def test_an_asynchronous_failure_is_put_into_the_bucket(
    account: Account, asynchronous: str, missing: bool
) -> None:
    if not missing:
        account.fail("InvokeEndpointAsync", name="churn", reason="out of memory")
    answer = queue(account, InputLocation=f"s3://{asynchronous}/in/{2 if missing else 1}")
    said = stored(account, answer["FailureLocation"]) or b""
    assert said.startswith(b"Failed to download" if missing else b"out of memory")
    assert stored(account, answer["OutputLocation"]) is None


def test_an_asynchronous_endpoint_without_instances_lets_requests_wait(
    account: Account, asynchronous: str
) -> None:
    none = [{"VariantName": "all", "DesiredInstanceCount": 0}]
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn", DesiredWeightsAndCapacities=none
    )
    answer = queue(account, InputLocation=f"s3://{asynchronous}/in/1")
    assert stored(account, answer["OutputLocation"]) is stored(account, answer["FailureLocation"]) is None


def test_invoke_endpoint(server: Server, account: Account) -> None:
    runtime = account.client("sagemaker-runtime")
    with refused(f"Endpoint churn of account {account.id} not found.", "ValidationError"):
        runtime.invoke_endpoint(EndpointName="churn", Body=b"1,2")
    account.configuration()
    account.endpoint()
    queue_answer(server, account, "0.7")
    answer = runtime.invoke_endpoint(EndpointName="churn", Body=b"1,2", TargetVariant="champion")
    assert answer["Body"].read() == b"0.7"
    with refused("Variant none of endpoint churn not found", "ValidationError"):
        runtime.invoke_endpoint(EndpointName="churn", Body=b"1,2", TargetVariant="none")
    with refused("not found", "ValidationError"):
        runtime.invoke_endpoint(EndpointName="CHURN", Body=b"1,2")
    with refused("does not support async-invocations", "ValidationError"):
        runtime.invoke_endpoint_async(EndpointName="churn", InputLocation="s3://a/b")


def test_invoke_endpoint_of_a_failed_endpoint(account: Account) -> None:
    account.configuration("first", variant("champion"))
    account.fail("CreateEndpoint")
    account.endpoint()
    with refused("not found", "ValidationError"):
        account.client("sagemaker-runtime").invoke_endpoint(EndpointName="churn", Body=b"1,2")
