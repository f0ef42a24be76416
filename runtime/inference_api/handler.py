"""Entry point: `inference_api.handler.handle`, for API Gateway's Lambda proxy integration.

Environment: `ROUTES`, see `routes.Route`, and what Powertools reads: `LOG_LEVEL`, `POWERTOOLS_SERVICE_NAME`,
`POWERTOOLS_METRICS_NAMESPACE`. Logs, metrics and traces know sizes, times, routes and statuses, and nothing
of what a caller sent or got.
"""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from . import endpoints, requests, storage
from .errors import ApiError
from .routes import Route, read_routes

MAX_ANSWER_BYTES = 6 * 2**20 - 2**14
"""What Lambda can answer, less room for headers.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
COMMONLY_SMALL = 2**20
"""Below it, no way of writing an answer makes it too large."""

ROUTES = read_routes(os.environ["ROUTES"])
RUNTIMES = {each: endpoints.runtime_client(each) for each in {one.timeout_seconds for one in ROUTES.values()}}
S3 = storage.s3_client()

logger = Logger()
metrics = Metrics()
tracer = Tracer(auto_patch=False)  # patches would trace what a model says when it fails
app = APIGatewayRestResolver(debug=False)

for chatty in ("aws_lambda_powertools", "boto3", "botocore", "s3transfer", "urllib3"):
    logging.getLogger(chatty).setLevel(logging.WARNING)  # at DEBUG they write paths, bodies, signatures


@logger.inject_lambda_context(
    log_event=False, clear_state=True, correlation_id_path=correlation_paths.API_GATEWAY_REST
)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
@metrics.log_metrics
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request; all that goes wrong is an answer, too."""
    started = time.monotonic()
    answer = app.resolve(event, context)
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    status = answer["statusCode"]
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=milliseconds)
    for name, first in (("4XXErrors", 4), ("5XXErrors", 5)):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=int(status // 100 == first))
    logger.info("answered", status=status, milliseconds=milliseconds)
    return answer


@app.post("/endpoints/<route_name>/invocations")
def invoke(route_name: str) -> Response[Any]:
    """Ask an endpoint; an asynchronous one says where its answer will be."""
    route = _route(route_name)
    invocation = requests.read_invocation(app.current_event.raw_event)
    logger.append_keys(request_bytes=len(invocation.body))
    requests.check(route, invocation)
    if route.kind == "Asynchronous":
        return _enqueue(route_name, route, invocation)
    with _measured("InvokeEndpoint"):
        prediction = endpoints.invoke(RUNTIMES[route.timeout_seconds], route, invocation)
    logger.append_keys(response_bytes=len(prediction.body), variant=prediction.variant)
    return Response(
        status_code=200,
        content_type=prediction.content_type,
        body=_writable(prediction.body),
        headers={"X-Invoked-Variant": prediction.variant},
    )


@app.post("/endpoints/<route_name>/uploads")
def upload(route_name: str) -> Response[Any]:
    """Give a URL that takes an input too large for the API."""
    route = _asynchronous(route_name)
    content_type = requests.read_upload_type(route, requests.read_body(app.current_event.raw_event))
    input_id = uuid.uuid4().hex
    content = {
        "input_id": input_id,
        "upload_url": _folder(route_name, route).upload_url(input_id, content_type),
        "headers": {"Content-Type": content_type},
        "expires_in_seconds": storage.EXPIRES_IN_SECONDS,
    }
    return _json(201, content)


@app.get("/endpoints/<route_name>/results/<inference_id>")
def result(route_name: str, inference_id: str) -> Response[Any]:
    """Give a URL of a result, or say that it is not there yet."""
    route = _asynchronous(route_name)
    queued = _folder(route_name, route).recall(requests.read_inference_id(inference_id))
    url = storage.result_url(S3, queued)
    if url is None:
        return _json(202, _pending(route_name, queued.inference_id))
    return _json(200, {"result_url": url, "expires_in_seconds": storage.EXPIRES_IN_SECONDS})


@app.exception_handler(ApiError)  # type: ignore[untyped-decorator]
def refuse(error: ApiError) -> Response[Any]:
    """Answer what a caller, or an endpoint, did wrong."""
    return _refused(error)


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def fail(failure: Exception) -> Response[Any]:
    """Answer what nobody expected; its message may hold what was sent, so that only its place is logged."""
    last = traceback.extract_tb(failure.__traceback__)[-1]
    logger.error("failed", error=type(failure).__name__, at=f"{last.filename}:{last.lineno}")
    return _refused(ApiError(502, "bad_gateway", "the request could not be answered"))


@app.not_found
def not_found(_: Exception) -> Response[Any]:
    """Answer a path or method that there is not."""
    return _refused(ApiError(404, "not_found", "no such path"))


def _refused(error: ApiError) -> Response[Any]:
    logger.append_keys(code=error.code)
    request_id = app.current_event.raw_event.get("requestContext", {}).get("requestId", "")
    return _json(error.status, error.body(request_id), error.headers)


def _route(name: str) -> Route:
    if name not in ROUTES:
        raise ApiError(404, "route_not_found", "no such route")
    logger.append_keys(route=name, kind=ROUTES[name].kind)
    metrics.add_dimension(name="route", value=name)
    return ROUTES[name]


def _asynchronous(name: str) -> Route:
    route = _route(name)
    if route.kind != "Asynchronous":
        raise ApiError(404, "not_found", f"the route is {route.kind}: it has neither uploads nor results")
    return route


def _folder(route_name: str, route: Route) -> storage.Folder:
    caller = requests.read_caller(app.current_event.raw_event.get("requestContext", {}))
    return storage.folder(S3, str(route.input_s3_uri), route_name, caller)


def _enqueue(route_name: str, route: Route, invocation: requests.Invocation) -> Response[Any]:
    folder = _folder(route_name, route)
    if invocation.media_type == requests.UPLOADED:
        input_s3_uri, content_type = folder.find_input(requests.read_input_id(invocation.body))
    else:
        content_type = invocation.content_type
        input_s3_uri = folder.put_input(uuid.uuid4().hex, invocation.body, content_type)
    with _measured("InvokeEndpointAsync"):
        queued = endpoints.enqueue(
            RUNTIMES[route.timeout_seconds],
            route,
            invocation,
            input_s3_uri=input_s3_uri,
            content_type=content_type,
        )
    folder.remember(queued)
    return _json(202, _pending(route_name, queued.inference_id))


def _pending(route_name: str, inference_id: str) -> dict[str, str]:
    path = f"/endpoints/{route_name}/results/{inference_id}"
    return {"inference_id": inference_id, "result_path": path}


@contextmanager
def _measured(operation: str) -> Iterator[None]:
    """Measure and trace a call; of a failure the trace learns the code: the rest may hold a payload."""
    started = time.monotonic()
    failure: Exception | None = None
    with tracer.provider.in_subsegment(operation) as subsegment:
        try:
            yield
        except Exception as raised:
            failure = raised
            subsegment.put_annotation("code", getattr(raised, "code", "bad_gateway"))
    milliseconds = (time.monotonic() - started) * 1000
    metrics.add_metric(name="EndpointLatency", unit=MetricUnit.Milliseconds, value=milliseconds)
    if failure is not None:
        raise failure


def _writable(body: bytes) -> str | bytes:
    """Return an answer as text where it is some, else as bytes, sent in base64; raises `ApiError`."""
    try:
        text: str | bytes = body.decode()
    except UnicodeDecodeError:
        text = body
    if len(body) > COMMONLY_SMALL:
        size = len(json.dumps(text)) if isinstance(text, str) else len(body) * 4 / 3
        if size > MAX_ANSWER_BYTES:
            raise ApiError(502, "response_too_large", "the model's answer is too large for this API")
    return text


def _json(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(
        status_code=status, content_type="application/json", body=json.dumps(content), headers=headers or {}
    )
