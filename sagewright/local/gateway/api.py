"""A request to a REST API, from the firewall to the function and back, as API Gateway goes about it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
import re
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.awslambda.utils import get_backend
from moto.logs.models import logs_backends

from sagewright.local import authorization
from sagewright.local.functions import Functions
from sagewright.local.gateway import callers, deployments, firewall
from sagewright.local.gateway.callers import Asked, Caller, LambdaAuthorizers, Unauthenticated
from sagewright.local.gateway.deployments import Served
from sagewright.local.gateway.limits import Limits
from sagewright.local.refusal import Refused
from sagewright.local.wire import Answer, Environ, read_body

LARGEST_PAYLOAD = 10 * 2**20
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
DEFAULT_TIMEOUT_MILLISECONDS = 29_000
VPC_ENDPOINT = "x-sagewright-vpc-endpoint"
"""Header by which a caller says through which VPC endpoint it comes: there is no network here."""
MOST_REQUESTS = 64
"""At a time; further ones wait."""

_PATH = re.compile(r"/restapis/([^/]+)/([^/]+)/_user_request_(/.*)?")
_VARIABLE = re.compile(r"\$context\.([A-Za-z0-9_.]+)")

Headers = tuple[tuple[str, str], ...]


class Stopped(Exception):
    """API Gateway answers itself: a type of gateway response, its status, its message.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    """

    def __init__(self, type_: str, status: int, message: str | None, headers: Headers = ()) -> None:
        super().__init__(message)
        self.type = type_
        self.status = status
        self.message = message
        self.headers = headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a caller gets."""

    status: int
    headers: Headers
    body: bytes


@dataclass(kw_only=True, slots=True)
class Exchange:
    """One request, with what becomes known of it."""

    served: Served
    environ: Environ
    path: str
    raw_uri: str
    body: bytes
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.time)
    resource_id: str = ""
    resource_path: str = ""
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    caller: Caller = field(default_factory=Caller)
    api_key_id: str = ""
    integration_status: str = ""
    integration_milliseconds: int = 0

    @property
    def method(self) -> str:
        """HTTP method."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the request, by their names in lower case."""
        found = {
            name[5:].replace("_", "-").lower(): value
            for name, value in self.environ.items()
            if name.startswith("HTTP_")
        }
        if self.environ.get("CONTENT_TYPE"):
            found["content-type"] = self.environ["CONTENT_TYPE"]
        return found

    @property
    def query(self) -> dict[str, list[str]]:
        """Parameters of the query."""
        return parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)

    @property
    def method_arn(self) -> str:
        """ARN of what is asked for."""
        return f"{self.served.arn}/{self.method}{self.path}"

    def event(self) -> dict[str, Any]:
        """Return what a function is sent."""
        types = self.served.deployed.binary_media_types
        media_type = self.headers.get("content-type", "").partition(";")[0]
        binary = bool(self.body) and _is_binary(types, media_type)
        text = base64.b64encode(self.body).decode() if binary else self.body.decode(errors="replace")
        query = self.query
        stage = self.served.stage
        return {
            "resource": self.resource_path,
            "path": self.path,
            "httpMethod": self.method,
            "headers": self.headers,
            "multiValueHeaders": {name: [value] for name, value in self.headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": dict(self.path_parameters) or None,
            "stageVariables": stage.variables or None,
            "requestContext": {
                "resourceId": self.resource_id,
                "resourcePath": self.resource_path,
                "httpMethod": self.method,
                "path": f"/{stage.name}{self.path}",
                "accountId": self.served.account_id,
                "protocol": "HTTP/1.1",
                "stage": stage.name,
                "requestId": self.request_id,
                "requestTimeEpoch": round(self.started * 1000),
                "apiId": self.served.api.id,
                "domainName": self.headers.get("host", ""),
                "identity": {
                    **dict.fromkeys(("accessKey", "accountId", "caller", "user", "userArn")),
                    **self.caller.identity,
                    "apiKeyId": self.api_key_id or None,
                    "sourceIp": self.environ.get("REMOTE_ADDR", ""),
                    "userAgent": self.headers.get("user-agent"),
                },
                **({} if self.caller.authorizer is None else {"authorizer": dict(self.caller.authorizer)}),
            },
            "body": text or None,
            "isBase64Encoded": binary,
        }

    def variables(self) -> dict[str, Any]:
        """Return what access logs and gateway responses can name after `$context`."""
        served, authorizer = self.served, self.caller.authorizer or {}
        claims = authorizer.get("claims", {})
        return {
            "accountId": served.account_id,
            "apiId": served.api.id,
            "stage": served.stage.name,
            "httpMethod": self.method,
            "path": f"/{served.stage.name}{self.path}",
            "protocol": "HTTP/1.1",
            "requestId": self.request_id,
            "extendedRequestId": self.request_id,
            "requestTimeEpoch": round(self.started * 1000),
            "resourceId": self.resource_id,
            "resourcePath": self.resource_path,
            "identity.apiKeyId": self.api_key_id,
            "identity.sourceIp": self.environ.get("REMOTE_ADDR", ""),
            **{f"identity.{name}": value for name, value in self.caller.identity.items()},
            **{f"authorizer.{name}": value for name, value in authorizer.items() if name != "claims"},
            **{f"authorizer.claims.{name}": value for name, value in claims.items()},
            "integration.status": self.integration_status,
            "integration.latency": self.integration_milliseconds,
            "integrationLatency": self.integration_milliseconds,
            "responseLatency": round((time.time() - self.started) * 1000),
        }


class Gateway:
    """Answers requests to APIs of all accounts, without holding anybody else up while a function runs."""

    def __init__(self, functions: Functions, state: threading.RLock, *, enforce_iam: bool) -> None:
        deployments.apply()
        self._enforce_iam = enforce_iam
        self._functions = functions
        self._state = state
        self._limits = Limits()
        self._authorizers = LambdaAuthorizers(functions)
        self._threads = ThreadPoolExecutor(MOST_REQUESTS, thread_name_prefix="integration")

    def clear(self) -> None:
        """Forget what was counted and said."""
        self._limits.clear()
        self._authorizers.clear()

    @staticmethod
    def is_asked(path: str) -> bool:
        """Tell whether a request is to an API."""
        return _PATH.fullmatch(path) is not None

    def answer(self, environ: Environ) -> tuple[Answer, str]:
        """Answer a request, and tell which method it is for; raises `NotImplementedError`."""
        found = _PATH.fullmatch(environ["PATH_INFO"])
        assert found is not None
        with self._state:
            served = deployments.find(found[1], found[2])
        if served is None:
            body = b'{"message":"Forbidden"}'
            return _written(Reply(status=403, headers=(("Content-Type", "application/json"),), body=body)), ""
        exchange = Exchange(
            served=served,
            environ=environ,
            path=unquote(found[3] or "/"),
            raw_uri=str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]),
            body=read_body(environ),
        )
        stopped: Stopped | None = None
        try:
            reply = self._serve(exchange)
        except Unauthenticated as refused:
            stopped = Stopped(refused.type, refused.status, refused.message)
        except Stopped as refused:
            stopped = refused
        if stopped is not None:
            reply = _of_gateway(exchange, stopped)
        self._log(exchange, reply, stopped)
        ours = (("x-amzn-RequestId", exchange.request_id),)
        told = f"{exchange.method} {exchange.resource_path}".strip()
        return _written(Reply(status=reply.status, headers=(*reply.headers, *ours), body=reply.body)), told

    def _serve(self, exchange: Exchange) -> Reply:
        if len(exchange.body) > LARGEST_PAYLOAD:
            raise Stopped("REQUEST_TOO_LARGE", 413, f"HTTP content length exceeded {LARGEST_PAYLOAD} bytes.")
        if blocked := self._blocked(exchange):
            return blocked
        method = _method(exchange)
        _check_policy(exchange)
        exchange.caller = self._caller(exchange, method)
        self._limit(exchange, method)
        _validate(exchange, method)
        return self._integrate(exchange, method.method_integration)

    def _blocked(self, exchange: Exchange) -> Reply | None:
        served = exchange.served
        arn = f"arn:aws:apigateway:{served.region}::/restapis/{served.api.id}/stages/{served.stage.name}"
        inspected = firewall.Inspected(
            address=exchange.environ.get("REMOTE_ADDR", ""),
            method=exchange.method,
            path=exchange.path,
            query=exchange.environ.get("QUERY_STRING", ""),
            headers={**exchange.headers, "content-length": str(len(exchange.body))},
            body=exchange.body,
        )
        blocked = firewall.check(served.account_id, served.region, arn, inspected, self._limits)
        if blocked is None:
            return None
        if blocked.status is None:
            raise Stopped("WAF_FILTERED", 403, "Forbidden")
        headers = (("Content-Type", blocked.content_type), *blocked.headers)
        return Reply(status=blocked.status, headers=headers, body=blocked.body.encode())

    def _caller(self, exchange: Exchange, method: Any) -> Caller:
        kind = method.authorization_type
        if kind == "NONE":
            return Caller()
        asked = Asked(
            method=exchange.method,
            raw_uri=exchange.raw_uri,
            headers=exchange.headers,
            query={name: values[-1] for name, values in exchange.query.items()},
            body=exchange.body,
            method_arn=exchange.method_arn,
            event=exchange.event(),
        )
        if kind == "AWS_IAM":
            with self._state:
                caller = callers.of_signature(asked, exchange.served.account_id)
                if self._enforce_iam:
                    _authorize(exchange)
            return caller
        authorizer = exchange.served.deployed.authorizers[method.authorizer_id]
        if kind == "COGNITO_USER_POOLS":
            return callers.of_user_pool(asked, authorizer, list(method.authorization_scopes or ()))
        self._check_permission(authorizer.authorizer_uri, f"{_api_arn(exchange)}/authorizers/{authorizer.id}")
        return self._authorizers.ask(asked, authorizer, exchange.served)

    def _limit(self, exchange: Exchange, method: Any) -> None:
        """Stop who asks too often: by key and plan, then by method or stage.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
        """
        served = exchange.served
        if method.api_key_required:
            plan = self._plan(exchange)
            throttle, quota = plan.throttle or {}, plan.quota or {}
            who = ("key", plan.id, exchange.api_key_id)
            if quota and not self._limits.use(who, int(quota["limit"]), quota["period"]):
                raise Stopped("QUOTA_EXCEEDED", 429, "Limit Exceeded")
            if throttle and not self._limits.take(
                who, float(throttle["rateLimit"]), int(throttle["burstLimit"])
            ):
                raise Stopped("THROTTLED", 429, "Too Many Requests")
        settings = served.stage.method_settings
        path = f"{exchange.resource_path.strip('/').replace('/', '~1')}/{exchange.method}"
        for name in (f"~1{path}", path, "*/*"):
            if name in settings:
                rate, burst = (settings[name][f"throttling{what}Limit"] for what in ("Rate", "Burst"))
                counted = ("method", served.arn, path)
                if not self._limits.take(counted, float(rate), int(burst)):
                    raise Stopped("THROTTLED", 429, "Too Many Requests")
                return

    def _plan(self, exchange: Exchange) -> Any:
        """Return the usage plan of the key that a request has."""
        served, value = exchange.served, exchange.headers.get("x-api-key")
        if served.deployed.api_key_source != "HEADER":
            raise NotImplementedError(f"API keys from {served.deployed.api_key_source}")
        with self._state:
            keys, plans = list(served.backend.keys.values()), list(served.backend.usage_plans.values())
            key = next((one for one in keys if one.value == value and one.enabled), None)
            for plan in plans if key else ():
                stages = [(one["apiId"], one["stage"]) for one in plan.api_stages]
                in_plan = key.id in served.backend.usage_plan_keys.get(plan.id, {})  # type: ignore[union-attr]
                if in_plan and (served.api.id, served.stage.name) in stages:
                    exchange.api_key_id = key.id  # type: ignore[union-attr]
                    return plan
        raise Stopped("INVALID_API_KEY", 403, "Forbidden")

    def _integrate(self, exchange: Exchange, integration: Any) -> Reply:
        if integration is None or integration.integration_type != "AWS_PROXY":
            raise NotImplementedError("an integration that is no Lambda proxy")
        self._check_permission(
            integration.uri, f"{exchange.served.arn}/{exchange.method}{exchange.resource_path}"
        )
        account_id, region, name, qualifier = callers.function_of(integration.uri)
        event = json.dumps(exchange.event()).encode()
        milliseconds = int(integration.timeout_in_millis or DEFAULT_TIMEOUT_MILLISECONDS)
        started = time.monotonic()
        asked = self._threads.submit(self._functions.invoke, account_id, region, name, qualifier, event)
        try:
            done = asked.result(milliseconds / 1000)
        except TooLate:
            raise Stopped("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out") from None
        except NotImplementedError:
            raise
        except Exception:
            raise Stopped("DEFAULT_5XX", 500, "Internal server error") from None
        finally:
            exchange.integration_milliseconds = round((time.monotonic() - started) * 1000)
        exchange.integration_status = "200"
        reply = None if done.failed else _of_function(done.payload, exchange)
        if reply is None:
            raise Stopped("DEFAULT_5XX", 502, "Internal server error")
        return reply

    def _check_permission(self, uri: str, source_arn: str) -> None:
        """Stop a request where the function's policy does not let API Gateway in.

        https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html#apigateway-permissions
        """
        account_id, region, name, qualifier = callers.function_of(uri)
        with self._state:
            try:
                function: Any = get_backend(account_id, region).get_function(name, None)
            except Exception:
                raise Stopped("API_CONFIGURATION_ERROR", 500, "Internal server error") from None
            statements = list(function.policy.statements)
        for statement in statements:
            principal = statement.get("Principal", {})
            services = principal.get("Service") if isinstance(principal, dict) else principal
            conditions = statement.get("Condition", {})
            patterns = [
                value
                for operator in ("ArnLike", "StringLike", "ArnEquals", "StringEquals")
                for key, value in conditions.get(operator, {}).items()
                if key.lower() == "aws:sourcearn"
            ]
            resource = statement.get("Resource", "")
            is_for = resource.endswith(f":{name}" if qualifier is None else f":{name}:{qualifier}")
            let_in = all(fnmatch.fnmatchcase(source_arn, pattern) for pattern in patterns)
            if services == "apigateway.amazonaws.com" and is_for and let_in:
                return
        raise Stopped("API_CONFIGURATION_ERROR", 500, "Internal server error")

    def _log(self, exchange: Exchange, reply: Reply, stopped: Stopped | None) -> None:
        """Write a line as the stage's access log wants it.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
        """
        settings = exchange.served.stage.access_log_settings or {}
        arn, form = settings.get("destinationArn", ""), settings.get("format")
        if not form or ":log-group:" not in arn:
            return
        known = exchange.variables() | {
            "status": reply.status,
            "responseLength": len(reply.body),
            "error.responseType": stopped.type if stopped else "",
            "error.message": (stopped and stopped.message) or "",
        }
        line = _VARIABLE.sub(lambda found: str(known.get(found[1], "")) or "-", form)
        group_name = arn.partition(":log-group:")[2].removesuffix(":*")
        region, account_id = arn.split(":")[3:5]
        with self._state:
            group = logs_backends[account_id][region].groups.get(group_name)
            if group is not None:
                if exchange.served.api.id not in group.streams:
                    logs_backends[account_id][region].create_log_stream(group_name, exchange.served.api.id)
                event = {"timestamp": round(time.time() * 1000), "message": line}
                group.put_log_events(exchange.served.api.id, [event])


def _authorize(exchange: Exchange) -> None:
    try:
        authorization.authorize_call(exchange.environ, exchange.served.account_id, exchange.method_arn)
    except Refused:
        message = "User is not authorized to access this resource"
        raise Stopped("ACCESS_DENIED", 403, message) from None


def _api_arn(exchange: Exchange) -> str:
    return exchange.served.arn.rpartition("/")[0]


def _method(exchange: Exchange) -> Any:
    """Return the method that a request is for, and note its resource."""
    deployed = exchange.served.deployed
    found = deployed.match(exchange.path)
    if found is not None:
        exchange.resource_path, exchange.path_parameters = found
        exchange.resource_id, methods = deployed.resources[exchange.resource_path]
        method = methods.get(exchange.method) or methods.get("ANY")
        if method is not None:
            return method
    raise Stopped("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")


def _check_policy(exchange: Exchange) -> None:
    """Stop who comes by no VPC endpoint that the API's policy names. Other policies cannot be evaluated.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html
    """
    if not exchange.served.deployed.policy:
        return
    comes_by = exchange.headers.get(VPC_ENDPOINT, "")
    for statement in json.loads(exchange.served.deployed.policy)["Statement"]:
        conditions = statement.get("Condition", {})
        named = conditions.get("StringEquals", {}).get("aws:SourceVpce")
        if statement["Effect"] != "Allow" or set(conditions) != {"StringEquals"} or named is None:
            raise NotImplementedError("an API's policy that does more than let VPC endpoints in")
        if comes_by in ([named] if isinstance(named, str) else named):
            return
    message = "User: anonymous is not authorized to perform: execute-api:Invoke on resource"
    raise Stopped("ACCESS_DENIED", 403, message)


def _validate(exchange: Exchange, method: Any) -> None:
    """Stop a request without a parameter that it needs, or with a body that is none.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
    """
    validator = exchange.served.deployed.request_validators.get(method.request_validator_id or "")
    if validator is None:
        return
    if validator.validate_request_parameters:
        query = exchange.query
        missing = [
            name.rpartition(".")[2]
            for name, required in (method.request_parameters or {}).items()
            if str(required).lower() == "true"
            and not (
                exchange.headers.get(name.rpartition(".")[2].lower())
                if ".header." in name
                else query.get(name.rpartition(".")[2])
                if ".querystring." in name
                else exchange.path_parameters.get(name.rpartition(".")[2])
            )
        ]
        if missing:
            said = f"Missing required request parameters: [{', '.join(missing)}]"
            raise Stopped("BAD_REQUEST_PARAMETERS", 400, said)
    if validator.validate_request_body and method.request_models:
        raise NotImplementedError("models of bodies")


def _of_function(payload: bytes, exchange: Exchange) -> Reply | None:
    """Return what a function answered; `None` where it is no answer of a proxy integration."""
    answered = json.loads(payload)
    if not isinstance(answered, dict) or not str(answered.get("statusCode", "")).isdigit():
        return None
    headers = {name: [value] for name, value in (answered.get("headers") or {}).items()}
    headers |= answered.get("multiValueHeaders") or {}
    body = answered.get("body") or ""
    if not isinstance(body, str):
        return None
    content = body.encode()
    if answered.get("isBase64Encoded"):
        accepted = exchange.headers.get("accept", "").partition(",")[0].partition(";")[0]
        if _is_binary(exchange.served.deployed.binary_media_types, accepted):
            try:
                content = base64.b64decode(body, validate=True)
            except binascii.Error:
                return None
    flat = tuple((name, str(value)) for name, values in headers.items() for value in values)
    if not any(name.lower() == "content-type" for name, _ in flat):
        flat = (*flat, ("Content-Type", "application/json"))
    return Reply(status=int(answered["statusCode"]), headers=flat, body=content)


def _is_binary(types: tuple[str, ...], media_type: str) -> bool:
    return any(fnmatch.fnmatchcase(media_type or "*/*", one) for one in types)


def _of_gateway(exchange: Exchange, stopped: Stopped) -> Reply:
    """Return API Gateway's own answer, as the API has customised it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
    """
    own = exchange.served.deployed.gateway_responses
    custom = own.get(stopped.type) or own.get(f"DEFAULT_{stopped.status // 100}XX")
    template = (custom and (custom.response_templates or {}).get("application/json")) or (
        '{"message":$context.error.messageString}'
    )
    known = exchange.variables() | {
        "error.message": stopped.message or "",
        "error.messageString": json.dumps(stopped.message),
        "error.responseType": stopped.type,
    }
    body = _VARIABLE.sub(lambda found: str(known.get(found[1], "")), template)
    parameters = (custom and custom.response_parameters) or {}
    headers = tuple(
        (name.removeprefix("gatewayresponse.header."), value.strip("'"))
        for name, value in parameters.items()
        if name.startswith("gatewayresponse.header.")
    )
    status = int((custom and custom.status_code) or stopped.status)
    return Reply(status=status, headers=(("Content-Type", "application/json"), *headers), body=body.encode())


def _written(reply: Reply) -> Answer:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    kept = [
        (name, value) for name, value in reply.headers if name.lower() not in ("content-length", "connection")
    ]
    length = ("Content-Length", str(len(reply.body)))
    return Answer(status=f"{reply.status} {phrase}", headers=[*kept, length], body=reply.body)
