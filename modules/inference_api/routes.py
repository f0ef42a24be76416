"""Paths and methods of an API: what each route has, who may call it, and what it leads to.

POST /endpoints/<route>/invocations
POST /endpoints/<route>/uploads                   asynchronous endpoints only
GET  /endpoints/<route>/results/{inference_id}    asynchronous endpoints only
"""

from __future__ import annotations

from collections.abc import Iterator

from cdktf import TerraformResource
from constructs import Construct

from .._aws.api_gateway_authorizer import ApiGatewayAuthorizer
from .._aws.api_gateway_gateway_response import ApiGatewayGatewayResponse
from .._aws.api_gateway_integration import ApiGatewayIntegration
from .._aws.api_gateway_method import ApiGatewayMethod
from .._aws.api_gateway_request_validator import ApiGatewayRequestValidator
from .._aws.api_gateway_resource import ApiGatewayResource
from .._aws.api_gateway_rest_api import ApiGatewayRestApi
from .._core import record
from .decisions import Api, CognitoJwt, LambdaAuthorizer, OidcJwt, Sigv4

INTEGRATION_TIMEOUT_MILLISECONDS = 29_000
"""The longest that every account has."""
TOKEN = r"^Bearer [\w-]+\.[\w-]+\.[\w-]+$"
"""A header that has any other form is refused without asking the function."""

ERROR = (
    '{"error": {"code": "$context.error.responseType", "message": $context.error.messageString, '
    '"request_id": "$context.requestId"}}'
)
"""What API Gateway itself refuses is answered as the function does.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""


@record
class Authorization:
    """How a method asks who calls."""

    type: str
    authorizer_id: str | None = None
    scopes: tuple[str, ...] = ()


@record
class Parts:
    """What routes are made in."""

    scope: Construct
    api: ApiGatewayRestApi
    validator_id: str
    authorization: Authorization
    integration_uri: str
    api_key_required: bool


def validator(scope: Construct, api: ApiGatewayRestApi) -> ApiGatewayRequestValidator:
    """Make what refuses requests without a header or parameter that they need.

    It looks into no body: payloads are any bytes, for API Gateway too, and a model's own business.
    """
    return ApiGatewayRequestValidator(
        scope,
        "validator",
        rest_api_id=api.id,
        name="parameters",
        validate_request_parameters=True,
        validate_request_body=False,
    )


def authorizer(
    scope: Construct, api: ApiGatewayRestApi, decided: Api, function_invoke_arn: str | None
) -> ApiGatewayAuthorizer | None:
    """Make what looks at tokens; signatures of AWS need none."""
    who = decided.authentication
    if isinstance(who, CognitoJwt):
        return ApiGatewayAuthorizer(
            scope,
            "authorizer",
            rest_api_id=api.id,
            name="cognito",
            type="COGNITO_USER_POOLS",
            provider_arns=list(who.user_pool_arns),
        )
    if isinstance(who, (OidcJwt, LambdaAuthorizer)):
        own = isinstance(who, OidcJwt)
        header = "Authorization" if isinstance(who, OidcJwt) else who.header
        return ApiGatewayAuthorizer(
            scope,
            "authorizer",
            rest_api_id=api.id,
            name="oidc" if own else "function",
            type="TOKEN",
            authorizer_uri=function_invoke_arn,
            identity_source=f"method.request.header.{header}",
            identity_validation_expression=TOKEN if own else None,
            authorizer_result_ttl_in_seconds=who.result_ttl_seconds,
        )
    return None


def authorization(decided: Api, by: ApiGatewayAuthorizer | None) -> Authorization:
    """Return how every method asks who calls; none goes without."""
    who = decided.authentication
    if isinstance(who, Sigv4) or by is None:
        return Authorization(type="AWS_IAM")
    if isinstance(who, CognitoJwt):
        return Authorization(type="COGNITO_USER_POOLS", authorizer_id=by.id, scopes=who.scopes)
    return Authorization(type="CUSTOM", authorizer_id=by.id)


def errors(scope: Construct, api: ApiGatewayRestApi) -> Iterator[TerraformResource]:
    """Make what API Gateway answers in place of the function."""
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED"):
        yield ApiGatewayGatewayResponse(
            scope,
            f"answer_{kind.lower()}",
            rest_api_id=api.id,
            response_type=kind,
            status_code="429" if kind == "THROTTLED" else None,
            response_templates={"application/json": ERROR},
            response_parameters={"gatewayresponse.header.Retry-After": "'1'"}
            if kind == "THROTTLED"
            else None,
        )


def routes(parts: Parts, asynchronous: dict[str, bool]) -> Iterator[TerraformResource]:
    """Make all routes, by whether what is behind them is asynchronous."""
    top = _path(parts, "endpoints", parts.api.root_resource_id, "endpoints")
    yield top
    for name, is_asynchronous in sorted(asynchronous.items()):
        route = _path(parts, f"{name}_route", top.id, name)
        yield route
        yield from _method(
            parts, f"{name}_invocations", route, "invocations", "POST", "method.request.header.Content-Type"
        )
        if not is_asynchronous:
            continue
        yield from _method(parts, f"{name}_uploads", route, "uploads", "POST")
        results = _path(parts, f"{name}_results", route.id, "results")
        yield results
        yield from _method(
            parts, f"{name}_result", results, "{inference_id}", "GET", "method.request.path.inference_id"
        )


def _path(parts: Parts, id_: str, parent_id: str, path_part: str) -> ApiGatewayResource:
    return ApiGatewayResource(
        parts.scope, f"{id_}_path", rest_api_id=parts.api.id, parent_id=parent_id, path_part=path_part
    )


def _method(
    parts: Parts, id_: str, parent: ApiGatewayResource, path_part: str, http_method: str, *needed: str
) -> Iterator[TerraformResource]:
    """Make a path with one method, which the function answers."""
    asked = parts.authorization
    path = _path(parts, id_, parent.id, path_part)
    method = ApiGatewayMethod(
        parts.scope,
        f"{id_}_method",
        rest_api_id=parts.api.id,
        resource_id=path.id,
        http_method=http_method,
        authorization=asked.type,
        authorizer_id=asked.authorizer_id,
        authorization_scopes=list(asked.scopes) or None,
        api_key_required=parts.api_key_required,
        request_validator_id=parts.validator_id,
        request_parameters=dict.fromkeys(needed, True) or None,
    )
    integration = ApiGatewayIntegration(
        parts.scope,
        f"{id_}_integration",
        rest_api_id=parts.api.id,
        resource_id=path.id,
        http_method=method.http_method,
        type="AWS_PROXY",
        integration_http_method="POST",
        uri=parts.integration_uri,
        timeout_milliseconds=INTEGRATION_TIMEOUT_MILLISECONDS,
    )
    yield from (path, method, integration)
