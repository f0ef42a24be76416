"""The handler with endpoints and buckets in memory, and events as API Gateway sends them."""

from __future__ import annotations

import importlib
import io
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

SYNCHRONOUS = {
    "endpoint_name": "acme-local-churn",
    "kind": "RealTime",
    "content_types": ["application/json", "text/csv", "application/octet-stream"],
    "max_payload_bytes": 1000,
    "timeout_seconds": 20,
    "target_variants": ["champion"],
    "target_models": ["berlin.tar.gz"],
    "input_s3_uri": None,
    "output_s3_uri": None,
    "failure_s3_uri": None,
}
SERVERLESS = {**SYNCHRONOUS, "kind": "Serverless", "target_variants": [], "target_models": []}
ASYNCHRONOUS = {
    **SERVERLESS,
    "kind": "Asynchronous",
    "input_s3_uri": "s3://inputs/api",
    "output_s3_uri": "s3://outputs",
    "failure_s3_uri": "s3://failures",
}
ROUTES = {"churn": SYNCHRONOUS, "backoffice": SERVERLESS, "letters": ASYNCHRONOUS}


@dataclass
class Context:
    """What Lambda tells a function."""

    function_name: str = "inference-api"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:111122223333:function:inference-api"
    aws_request_id: str = "00000000-0000-0000-0000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        """Return a time that suffices."""
        return 30_000


@dataclass
class Endpoints:
    """SageMaker's runtime: answers with what it was asked, or fails as it is told."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None
    body: bytes | None = None

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        """Answer with the request's own body."""
        self._ask(request)
        body = io.BytesIO(request["Body"] if self.body is None else self.body)
        content_type = request["ContentType"]
        return {"Body": body, "ContentType": content_type, "InvokedProductionVariant": "champion"}

    def invoke_endpoint_async(self, **request: Any) -> dict[str, Any]:
        """Queue a request."""
        self._ask(request)
        name = f"{len(self.asked)}"
        return {
            "InferenceId": request.get("InferenceId", f"made-{name}"),
            "OutputLocation": f"s3://outputs/{name}.out",
            "FailureLocation": f"s3://failures/{name}-error.out",
        }

    def _ask(self, request: dict[str, Any]) -> None:
        self.asked.append(request)
        if self.failure is not None:
            raise self.failure


@dataclass
class Buckets:
    """S3."""

    objects: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    failure: Exception | None = None

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        """Keep an object."""
        if self.failure is not None:
            raise self.failure
        self.objects[Bucket, Key] = (Body, ContentType)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Return an object."""
        return {"Body": io.BytesIO(self._find(Bucket, Key, "NoSuchKey")[0])}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Return what is known of an object."""
        body, content_type = self._find(Bucket, Key, "404")
        return {"ContentLength": len(body), "ContentType": content_type}

    def generate_presigned_url(self, method: str, *, Params: dict[str, str], ExpiresIn: int) -> str:
        """Return an address that tells what it is for."""
        return f"https://{Params['Bucket']}/{Params['Key']}?{method}&expires={ExpiresIn}&signature=secret"

    def _find(self, bucket: str, key: str, code: str) -> tuple[bytes, str]:
        if self.failure is not None:
            raise self.failure
        if (bucket, key) not in self.objects:
            raise refusal(code, status=404)
        return self.objects[bucket, key]


def refusal(code: str, message: str = "", status: int = 400, **members: Any) -> ClientError:
    """Return what boto3 raises when AWS refuses."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **members,
    }
    return ClientError(response, "InvokeEndpoint")


@dataclass
class Api:
    """The handler, and what it talks to."""

    handler: ModuleType
    endpoints: Endpoints
    buckets: Buckets
    caller: str = "AROAEXAMPLE:session"

    def ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        **event: Any,
    ) -> tuple[int, Any, dict[str, str]]:
        """Send a request; return status, document or text, and headers."""
        answer = self.handler.handle(
            {
                "resource": "/{proxy+}",
                "path": path,
                "httpMethod": method,
                "headers": dict(headers or {}),
                "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
                "queryStringParameters": None,
                "multiValueQueryStringParameters": None,
                "pathParameters": None,
                "stageVariables": None,
                "requestContext": {
                    "requestId": "request-1",
                    "identity": {"caller": self.caller},
                    "authorizer": None,
                },
                "body": body,
                "isBase64Encoded": False,
                **event,
            },
            Context(),
        )
        sent = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        content = json.loads(answer["body"]) if sent["Content-Type"] == "application/json" else answer["body"]
        return answer["statusCode"], content, sent

    def post(self, body: str | None, route: str = "churn", **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Ask for an inference; headers are named as `content_type`, which is JSON unless it is said."""
        named = {"content_type": "application/json", **headers}
        headers = {name.replace("_", "-"): value for name, value in named.items()}
        return self.ask("POST", f"/endpoints/{route}/invocations", body, headers)


class StandardOutput(io.StringIO):
    """Whatever pytest captures now: it closes what a fixture wrote to before the test begins."""

    def write(self, text: str) -> int:
        """Write."""
        return sys.stdout.write(text)


Fresh = Callable[..., ModuleType]
_services = itertools.count()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fresh]:
    """Import a handler anew, with these environment variables: it reads them once."""
    yield from _fresh(monkeypatch)


@pytest.fixture(scope="session")
def handler() -> Iterator[ModuleType]:
    """The inference API's handler, with a route for each kind of endpoint."""
    with pytest.MonkeyPatch.context() as patch:
        for load in _fresh(patch):
            yield load("runtime.inference_api.handler", ROUTES=json.dumps(ROUTES))


@pytest.fixture
def api(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The handler, and what it talks to."""
    endpoints, buckets = Endpoints(), Buckets()
    monkeypatch.setattr(handler, "RUNTIMES", {20: endpoints})
    monkeypatch.setattr(handler, "S3", buckets)
    return Api(handler, endpoints, buckets)


def load_handler(patch: pytest.MonkeyPatch, name: str, **variables: str) -> ModuleType:
    """Import a handler with these environment variables, and the usual ones."""
    usual = {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "POWERTOOLS_SERVICE_NAME": f"service-{next(_services)}",
        "POWERTOOLS_METRICS_NAMESPACE": "Sagewright",
    }
    for variable, value in {**usual, **variables}.items():
        patch.setenv(variable, value)
    sys.modules.pop(name, None)
    module = importlib.import_module(name)
    for output in module.logger.handlers:
        output.setStream(StandardOutput())
    return module


def _fresh(patch: pytest.MonkeyPatch) -> Iterator[Fresh]:
    imported: list[str] = []

    def load(name: str, **variables: str) -> ModuleType:
        imported.append(name)
        return load_handler(patch, name, **variables)

    yield load
    for name in imported:
        sys.modules.pop(name, None)
