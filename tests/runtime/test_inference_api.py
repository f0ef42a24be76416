"""The inference API's handler: one test per rule and status, and nothing of a payload in any log."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Tracer
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.lambda_launcher import LambdaContext
from aws_xray_sdk.sdk_config import SDKConfig
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from runtime.inference_api import requests
from runtime.inference_api.requests import UPLOADED
from runtime.inference_api.routes import read_routes
from tests.runtime.conftest import ASYNCHRONOUS, ROUTES, SYNCHRONOUS, Api, Buckets, Endpoints, Fresh, refusal

ADDRESS = "https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/churn"


def code(answer: tuple[int, Any, dict[str, str]]) -> tuple[int, str]:
    """Return status and error code; the error is complete."""
    status, content, headers = answer
    assert set(content) == {"error"} and set(content["error"]) == {"code", "message", "request_id"}
    assert content["error"]["request_id"] == "request-1"
    assert headers["Content-Type"] == "application/json"
    return status, content["error"]["code"]


# real-time and serverless


@pytest.mark.parametrize("route", ["churn", "backoffice"])
def test_a_body_goes_to_the_endpoint_as_it_is_and_its_answer_comes_back(api: Api, route: str) -> None:
    answer = api.post('{"tenure":  3}', route, accept="text/csv", x_inference_id="order-7")
    assert answer[:2] == (200, {"tenure": 3})
    assert answer[2]["X-Invoked-Variant"] == "champion"
    assert api.endpoints.asked == [
        {
            "EndpointName": "acme-local-churn",
            "ContentType": "application/json",
            "Body": b'{"tenure":  3}',
            "Accept": "text/csv",
            "InferenceId": "order-7",
        }
    ]


def test_bytes_survive_both_ways(api: Api) -> None:
    sent = base64.b64encode(bytes(range(256))).decode()
    headers = {"Content-Type": "application/octet-stream", "Accept": "*/*"}
    status, content, _ = api.ask("POST", "/endpoints/churn/invocations", sent, headers, isBase64Encoded=True)
    assert (status, content) == (200, sent)
    assert api.endpoints.asked[0]["Body"] == bytes(range(256))
    assert "Accept" not in api.endpoints.asked[0]


def test_parameters_of_the_content_type_are_passed_on(api: Api) -> None:
    assert api.post("{}", content_type="Application/JSON; charset=utf-8")[0] == 200
    assert api.endpoints.asked[0]["ContentType"] == "Application/JSON; charset=utf-8"


def test_a_variant_and_a_model_may_be_named_where_that_is_allowed(api: Api) -> None:
    assert api.post("{}", x_target_variant="champion", x_target_model="berlin.tar.gz")[0] == 200
    asked = api.endpoints.asked[0]
    assert (asked["TargetVariant"], asked["TargetModel"]) == ("champion", "berlin.tar.gz")


@pytest.mark.parametrize(
    ("route", "headers"),
    [
        ("churn", {"x_target_variant": "challenger"}),
        ("churn", {"x_target_model": "../rome.tar.gz"}),
        ("backoffice", {"x_target_variant": "champion"}),
        ("backoffice", {"x_target_model": "berlin.tar.gz"}),
        ("letters", {"x_target_variant": "champion"}),
    ],
)
def test_no_other_variant_or_model_may_be_named(api: Api, route: str, headers: dict[str, str]) -> None:
    assert code(api.post("{}", route, **headers)) == (403, "target_not_allowed")
    assert api.endpoints.asked == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/endpoints/none/invocations"),
        ("POST", "/endpoints/none/uploads"),
        ("GET", "/endpoints/none/results/1"),
        ("POST", "/endpoints/churn/uploads"),
        ("GET", "/endpoints/backoffice/results/1"),
        ("GET", "/endpoints/churn/invocations"),
        ("POST", "/elsewhere"),
    ],
)
def test_what_is_not_there_is_404(api: Api, method: str, path: str) -> None:
    assert code(api.ask(method, path, "{}", {"Content-Type": "application/json"}))[0] == 404


def test_another_content_type_is_415(api: Api) -> None:
    assert code(api.post("<x/>", content_type="text/xml")) == (415, "unsupported_media_type")
    assert code(api.post('{"input_id": "1"}', content_type=UPLOADED)) == (415, "unsupported_media_type")


def test_a_body_without_content_type_is_bytes(api: Api) -> None:
    assert api.ask("POST", "/endpoints/churn/invocations", "1,2")[0] == 200
    assert api.endpoints.asked[0]["ContentType"] == "application/octet-stream"


def test_a_body_over_the_limit_is_413(api: Api) -> None:
    assert api.post("1" * 1000, content_type="text/csv")[0] == 200
    answer = api.post("1" * 1001, content_type="text/csv")
    assert code(answer) == (413, "payload_too_large")
    assert answer[1]["error"]["message"] == "body: supply at most 1000 bytes, got 1001"


@pytest.mark.parametrize(
    ("body", "encoded"), [(None, False), ("", False), ("{", False), ('{"a": NaNa}', False), ("!", True)]
)
def test_a_malformed_body_is_400(api: Api, body: str | None, encoded: bool) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api.ask("POST", "/endpoints/churn/invocations", body, headers, isBase64Encoded=encoded)
    assert code(answer) == (400, "malformed_body")
    assert api.endpoints.asked == []


@pytest.mark.parametrize("inference_id", ["", "a b", "../x", "a" * 65, ".x"])
def test_an_inference_id_that_cannot_be_in_a_path_is_400(api: Api, inference_id: str) -> None:
    assert code(api.post("{}", x_inference_id=inference_id)) == (400, "malformed_id")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refusal("ModelError", "… (500) …", 424, OriginalStatusCode=500), (424, "model_error")),
        (
            refusal("ModelError", "… Your invocation timed out while …", 424, OriginalStatusCode=0),
            (504, "model_timeout"),
        ),
        (refusal("ModelError", "… the connection was closed …", 424), (424, "model_error")),
        (refusal("ThrottlingException", "Rate exceeded"), (429, "throttled")),
        (refusal("ModelNotReadyException", status=429), (503, "not_ready")),
        (refusal("ServiceUnavailable", status=503), (503, "not_ready")),
        (refusal("ValidationError", "Endpoint x of account 1 not found."), (503, "not_in_service")),
        (refusal("ValidationError", "Variant x of endpoint y not found."), (400, "invalid_request")),
        (refusal("413", status=413), (413, "payload_too_large")),
        (refusal("InternalFailure", status=500), (502, "bad_gateway")),
        (refusal("InternalDependencyException", status=530), (502, "bad_gateway")),
        (refusal("AccessDeniedException", status=403), (502, "bad_gateway")),
        (ReadTimeoutError(endpoint_url=ADDRESS), (504, "endpoint_timeout")),
        (ConnectTimeoutError(endpoint_url=ADDRESS), (504, "endpoint_timeout")),
        (EndpointConnectionError(endpoint_url=ADDRESS), (502, "bad_gateway")),
        (RuntimeError("unexpected"), (502, "bad_gateway")),
    ],
)
@pytest.mark.parametrize("route", ["churn", "letters"])
def test_every_failure_has_its_status_and_the_endpoint_is_asked_once(
    api: Api, route: str, failure: Exception, expected: tuple[int, str]
) -> None:
    api.endpoints.failure = failure
    assert code(api.post("{}", route)) == expected
    assert len(api.endpoints.asked) == 1


def test_who_is_to_ask_again_is_told_when(api: Api) -> None:
    api.endpoints.failure = refusal("ThrottlingException")
    assert api.post("{}")[2]["Retry-After"] == "1"
    api.endpoints.failure = refusal("ModelNotReadyException", status=429)
    assert api.post("{}")[2]["Retry-After"] == "10"
    api.endpoints.failure = refusal("InternalFailure", status=500)
    assert "Retry-After" not in api.post("{}")[2]


@pytest.mark.parametrize("body", [b"x" * 6_300_000, b"\xff" * 4_800_000, b"\x00" * 1_100_000])
def test_an_answer_that_lambda_cannot_pass_on_is_502(api: Api, body: bytes) -> None:
    api.endpoints.body = body
    assert code(api.post("{}")) == (502, "response_too_large")


@pytest.mark.parametrize("body", [b"x" * 6_200_000, b"\xff" * 4_600_000])
def test_an_answer_that_lambda_can_pass_on_is_passed_on(api: Api, body: bytes) -> None:
    api.endpoints.body = body
    assert api.post("x", content_type="text/csv")[0] == 200


def test_clients_ask_once_and_wait_as_long_as_their_route_says(fresh: Fresh) -> None:
    routes = {"fast": {**SYNCHRONOUS, "timeout_seconds": 3}, "slow": {**SYNCHRONOUS, "timeout_seconds": 25}}
    handler = fresh("runtime.inference_api.handler", ROUTES=json.dumps(routes))
    assert {time: client.meta.config.read_timeout for time, client in handler.RUNTIMES.items()} == {
        3: 3,
        25: 25,
    }
    assert {client.meta.config.retries["total_max_attempts"] for client in handler.RUNTIMES.values()} == {1}


# asynchronous


def test_a_body_is_stored_and_queued(api: Api) -> None:
    status, content, _ = api.post("1,2", "letters", content_type="text/csv", accept="text/csv")
    assert (status, content) == (
        202,
        {"inference_id": "made-1", "result_path": "/endpoints/letters/results/made-1"},
    )
    (asked,) = api.endpoints.asked
    bucket, key = asked.pop("InputLocation").removeprefix("s3://").split("/", 1)
    assert api.buckets.objects[bucket, key] == (b"1,2", "text/csv")
    assert (bucket, key.split("/")[:2]) == ("inputs", ["api", "letters"])
    assert asked == {"EndpointName": "acme-local-churn", "ContentType": "text/csv", "Accept": "text/csv"}


def test_an_upload_is_asked_for_and_queued(api: Api) -> None:
    status, content, _ = api.ask("POST", "/endpoints/letters/uploads", '{"content_type": "text/csv"}')
    assert (status, content["headers"], content["expires_in_seconds"]) == (
        201,
        {"Content-Type": "text/csv"},
        900,
    )
    bucket, key = content["upload_url"].partition("?")[0].removeprefix("https://").split("/", 1)
    api.buckets.objects[bucket, key] = (b"1,2", "text/csv")
    named = json.dumps({"input_id": content["input_id"]})
    assert api.post(named, "letters", content_type=UPLOADED, x_inference_id="letter-1")[0] == 202
    assert api.endpoints.asked == [
        {
            "EndpointName": "acme-local-churn",
            "ContentType": "text/csv",
            "InputLocation": f"s3://{bucket}/{key}",
            "InferenceId": "letter-1",
        }
    ]


def test_an_upload_has_the_routes_first_type_unless_another_is_named(api: Api) -> None:
    assert api.ask("POST", "/endpoints/letters/uploads")[1]["headers"] == {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{", (400, "malformed_body")),
        ("[]", (400, "malformed_body")),
        ('{"content_type": 1}', (400, "malformed_body")),
        ('{"content_type": "text/xml"}', (415, "unsupported_media_type")),
    ],
)
def test_an_upload_that_cannot_be_is_refused(api: Api, body: str, expected: tuple[int, str]) -> None:
    assert code(api.ask("POST", "/endpoints/letters/uploads", body)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"input_id": "none"}', (404, "input_not_found")),
        ('{"input_id": "../x"}', (400, "malformed_body")),
        ('{"input_id": 1}', (400, "malformed_body")),
        ("[]", (400, "malformed_body")),
    ],
)
def test_an_input_that_cannot_be_is_refused(api: Api, body: str, expected: tuple[int, str]) -> None:
    assert code(api.post(body, "letters", content_type=UPLOADED)) == expected


def test_an_empty_upload_is_413(api: Api) -> None:
    content = api.ask("POST", "/endpoints/letters/uploads")[1]
    bucket, key = content["upload_url"].partition("?")[0].removeprefix("https://").split("/", 1)
    api.buckets.objects[bucket, key] = (b"", "text/csv")
    named = json.dumps({"input_id": content["input_id"]})
    assert code(api.post(named, "letters", content_type=UPLOADED)) == (413, "payload_too_large")


def test_a_result_is_pending_then_there(api: Api) -> None:
    path = api.post("{}", "letters")[1]["result_path"]
    assert api.ask("GET", path)[:2] == (202, {"inference_id": "made-1", "result_path": path})
    api.buckets.objects["outputs", "1.out"] = (b"1", "text/csv")
    status, content, _ = api.ask("GET", path)
    assert (status, content["expires_in_seconds"]) == (200, 900)
    assert content["result_url"].startswith("https://outputs/1.out?get_object&expires=900")


def test_a_failed_inference_is_502(api: Api) -> None:
    path = api.post("{}", "letters")[1]["result_path"]
    api.buckets.objects["failures", "1-error.out"] = (b"secret", "text/plain")
    assert code(api.ask("GET", path)) == (502, "inference_failed")


def test_an_unknown_inference_is_404_and_an_odd_one_400(api: Api) -> None:
    assert code(api.ask("GET", "/endpoints/letters/results/none")) == (404, "inference_not_found")
    assert code(api.ask("GET", "/endpoints/letters/results/.x")) == (400, "malformed_id")


def test_nobody_sees_what_another_caller_has(api: Api) -> None:
    path = api.post("{}", "letters", x_inference_id="guessed")[1]["result_path"]
    upload = api.ask("POST", "/endpoints/letters/uploads")[1]
    api.caller = "AROAOTHER:session"
    assert code(api.ask("GET", path)) == (404, "inference_not_found")
    named = json.dumps({"input_id": upload["input_id"]})
    assert code(api.post(named, "letters", content_type=UPLOADED)) == (404, "input_not_found")


def test_a_caller_is_the_user_of_a_token_or_the_role_of_a_session() -> None:
    session = {"identity": {"caller": "AROAEXAMPLE:monday"}, "authorizer": None}
    other_session = {"identity": {"caller": "AROAEXAMPLE:tuesday"}}
    claims = {"identity": {"caller": None}, "authorizer": {"claims": {"sub": "user"}}}
    principal = {"identity": {}, "authorizer": {"principalId": "user"}}
    read = requests.read_caller
    assert read(session) == read(other_session) != read(claims) == read(principal)


def test_nobody_is_403(api: Api) -> None:
    api.caller = ""
    assert code(api.post("{}", "letters")) == (403, "caller_unknown")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refusal("AccessDenied", status=403), 502),
        (refusal("SlowDown", status=503), 503),
        (ReadTimeoutError(endpoint_url=ADDRESS), 504),
    ],
)
def test_a_failure_of_s3_has_its_status(api: Api, failure: Exception, expected: int) -> None:
    api.buckets.failure = failure
    assert code(api.post("{}", "letters"))[0] == expected
    assert code(api.ask("GET", "/endpoints/letters/results/1"))[0] == expected
    assert code(api.post('{"input_id": "1"}', "letters", content_type=UPLOADED))[0] == expected


# what is told to others

SECRET = "planted-7f3a"


def requests_with_secrets(api: Api) -> None:
    """Send a secret in each place where a caller can, and let each part fail with it."""
    planted = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json", "Cookie": SECRET}
    for route in ("churn", "letters", SECRET):
        for body in (json.dumps(SECRET), f"{{{SECRET}", SECRET * 200):
            api.ask("POST", f"/endpoints/{route}/invocations", body, planted)
            api.ask("POST", f"/endpoints/{route}/uploads", body, planted)
    api.post("{}", x_target_model=SECRET)
    api.post("{}", content_type=SECRET)
    api.post("{}", x_inference_id=SECRET + "!")
    for failure in (
        refusal("ModelError", SECRET, 424, OriginalMessage=SECRET, OriginalStatusCode=500),
        refusal("ValidationError", SECRET),
        RuntimeError(SECRET),
    ):
        api.endpoints.failure = failure
        api.post(json.dumps(SECRET))
        api.post(json.dumps(SECRET), "letters")


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """Keep what any logger is told in the block, also what it keeps from the loggers above it."""
    root, known = logging.getLogger(), logging.getLogger().manager.loggerDict.values()
    inner = [one for one in known if isinstance(one, logging.Logger) and not one.propagate]
    logged, level = io.StringIO(), root.level
    handler = logging.StreamHandler(logged)
    root.setLevel(logging.DEBUG)
    for one in (root, *inner):
        one.addHandler(handler)
    try:
        yield logged
    finally:
        for one in (root, *inner):
            one.removeHandler(handler)
        root.setLevel(level)


def test_nothing_of_what_a_caller_sent_is_logged(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("inner").propagate = False
    with everything_logged() as logged:
        requests_with_secrets(api)
        path = api.post("{}", "letters")[1]
        for name in ("anybody", "inner"):
            logging.getLogger(name).debug(f"of {name}")
    printed = "".join(capsys.readouterr())
    assert '"level":"INFO"' in printed and '"CloudWatchMetrics"' in printed and path
    assert SECRET not in printed and "signature=secret" not in printed
    assert "of anybody" in logged.getvalue() and "of inner" in logged.getvalue()
    assert SECRET not in logged.getvalue()


def test_an_endpoint_that_fails_tells_the_caller_nothing_of_its_inside(api: Api) -> None:
    api.endpoints.failure = refusal("ModelError", SECRET, 424, OriginalMessage=SECRET, OriginalStatusCode=500)
    answer = api.post("{}")
    assert SECRET not in json.dumps(answer)
    assert answer[1]["error"]["message"] == "the model's container failed with status 500"


def test_nothing_of_what_a_caller_sent_is_traced(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent: list[str] = []

    class Emitter:
        def send_entity(self, entity: Any) -> None:
            sent.append(json.dumps(entity.to_dict(), default=repr))

    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.setenv(
        "_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    )
    monkeypatch.delenv("POWERTOOLS_TRACE_DISABLED", raising=False)
    monkeypatch.setattr(Tracer, "_config", dict(Tracer._default_config))
    monkeypatch.setattr(SDKConfig, "_SDKConfig__SDK_ENABLED", True)
    handler = fresh("runtime.inference_api.handler", ROUTES=json.dumps(ROUTES))
    monkeypatch.setattr(xray_recorder, "_emitter", Emitter())
    monkeypatch.setattr(xray_recorder, "_context", LambdaContext())
    endpoints, buckets = Endpoints(), Buckets()
    monkeypatch.setattr(handler, "RUNTIMES", {20: endpoints})
    monkeypatch.setattr(handler, "S3", buckets)
    requests_with_secrets(Api(handler, endpoints, buckets))
    assert "InvokeEndpoint" in "".join(sent) and "model_error" in "".join(sent)
    assert SECRET not in "".join(sent)


def test_a_request_is_counted_by_a_route_that_there_is(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.endpoints.failure = refusal("ModelError", status=424)
    api.post("{}")
    api.post("{}", "invented")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    known, unknown = (line for line in lines if "_aws" in line)
    assert (known["route"], known["Requests"], known["4XXErrors"], known["5XXErrors"]) == (
        "churn",
        [1.0],
        [1.0],
        [0.0],
    )
    assert "route" not in unknown


# routes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "Batch"}, "kind: supply one of"),
        ({"input_s3_uri": "s3://x"}, "input_s3_uri: supply it for Asynchronous"),
        ({"colour": 1}, "unexpected keyword argument 'colour'"),
    ],
)
def test_a_route_that_cannot_be_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_routes(json.dumps({"churn": {**SYNCHRONOUS, **change}}))


@pytest.mark.parametrize("change", [{"output_s3_uri": None}, {"target_variants": ["champion"]}])
def test_an_asynchronous_route_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ROUTES: letters: "):
        read_routes(json.dumps({"letters": {**ASYNCHRONOUS, **change}}))


def test_errors_of_boto3_are_as_the_fakes_make_them() -> None:
    failure = refusal("ModelError", "said", 424, OriginalStatusCode=500)
    assert isinstance(failure, ClientError)
