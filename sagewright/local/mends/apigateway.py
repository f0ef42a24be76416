"""API Gateway: moto loses settings and updates, and refers to what is not there.

A patch is a list of JSON pointers; moto knows a few of them. Here it is applied to what the Get operation
answers, in the types of the service's model, and what came of it is written back.
https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.apigateway.models import Authorizer, Integration, Method, RestAPI, apigateway_backends
from moto.ec2.models import ec2_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.references import trusting_role
from sagewright.local.refusal import Refused
from sagewright.local.service_models import ListShape, MapShape, Shape, StructureShape, service_model

AUTHORIZATIONS = ("AWS_IAM", "COGNITO_USER_POOLS", "CUSTOM", "NONE")
AUTHORIZERS = {"COGNITO_USER_POOLS": ("COGNITO_USER_POOLS",), "CUSTOM": ("TOKEN", "REQUEST")}
"""Authorization of a method → types of the authorizer that it needs."""

METHOD = {
    "apiKeyRequired": "api_key_required",
    "authorizationScopes": "authorization_scopes",
    "authorizationType": "authorization_type",
    "authorizerId": "authorizer_id",
    "operationName": "operation_name",
    "requestModels": "request_models",
    "requestParameters": "request_parameters",
    "requestValidatorId": "request_validator_id",
}
INTEGRATION = {
    "cacheKeyParameters": "cache_key_parameters",
    "cacheNamespace": "cache_namespace",
    "connectionType": "connection_type",
    "contentHandling": "content_handling",
    "credentials": "credentials",
    "httpMethod": "http_method",
    "passthroughBehavior": "passthrough_behaviour",
    "requestParameters": "request_parameters",
    "requestTemplates": "request_templates",
    "timeoutInMillis": "timeout_in_millis",
    "tlsConfig": "tls_config",
    "uri": "uri",
}
AUTHORIZER = {
    "authorizerCredentials": "authorizer_credentials",
    "authorizerResultTtlInSeconds": "authorizer_result_ttl",
    "authorizerUri": "authorizer_uri",
    "authType": "auth_type",
    "identitySource": "identity_source",
    "identityValidationExpression": "identity_validation_expression",
    "name": "name",
    "providerARNs": "provider_arns",
    "type": "type",
}
REST_API = {
    "apiKeySource": "api_key_source",
    "binaryMediaTypes": "binaryMediaTypes",
    "description": "description",
    "disableExecuteApiEndpoint": "disableExecuteApiEndpoint",
    "endpointConfiguration": "endpoint_configuration",
    "minimumCompressionSize": "minimum_compression_size",
    "name": "name",
    "policy": "policy",
}
DOMAIN_NAME = {
    "endpointConfiguration": "endpoint_configuration",
    "regionalCertificateArn": "regional_certificate_arn",
    "securityPolicy": "security_policy",
}
USAGE_PLAN = {
    "apiStages": "api_stages",
    "description": "description",
    "name": "name",
    "productCode": "product_code",
    "quota": "quota",
    "throttle": "throttle",
}
"""What can be patched → attribute of moto's object."""

Members = dict[str, Any]


def apply() -> None:
    """Let moto show policies as API Gateway does, and keep what identifies callers."""
    shown = RestAPI.to_dict

    def to_dict(self: Any) -> Members:
        """Show a policy with its quotes escaped, as the text within a JSON text."""
        answer = shown(self)
        if answer["policy"]:
            answer["policy"] = json.dumps(answer["policy"])[1:-1]
        return answer

    RestAPI.to_dict = to_dict  # type: ignore[method-assign]
    create = RestAPI.create_authorizer

    def create_authorizer(self: Any, *args: Any, **kwargs: Any) -> Authorizer:
        """Keep the expression, whose name moto misspells once."""
        made = create(self, *args, **kwargs)
        made.identity_validation_expression = kwargs["identiy_validation_expression"]
        return made

    RestAPI.create_authorizer = create_authorizer  # type: ignore[method-assign]


def _create_rest_api(account_id: str, region: str, request: Members) -> Members:
    _check_vpc_endpoints(account_id, region, request.get("endpointConfiguration", {}))
    made = apigateway_backends[account_id][region].create_rest_api(
        request["name"],
        request.get("description", ""),
        api_key_source=request.get("apiKeySource"),
        endpoint_configuration=request.get("endpointConfiguration"),
        tags=request.get("tags"),
        policy=request.get("policy"),
        minimum_compression_size=request.get("minimumCompressionSize"),
        disable_execute_api_endpoint=request.get("disableExecuteApiEndpoint"),
    )
    made.binaryMediaTypes = list(request.get("binaryMediaTypes", []))
    return made.to_dict()


def _update_rest_api(account_id: str, region: str, request: Members) -> Members:
    api = _api(account_id, region, request)
    before = {**api.to_dict(), "policy": api.policy}
    _patch(api, before, REST_API, "UpdateRestApi", request)
    _check_vpc_endpoints(account_id, region, api.endpoint_configuration)
    return api.to_dict()


def _check_vpc_endpoints(account_id: str, region: str, configuration: Members) -> None:
    for id_ in configuration.get("vpcEndpointIds") or ():
        if id_ not in ec2_backends[account_id][region].vpc_end_points:
            raise _bad(f"Invalid VPC endpoint ID: {id_}")


def _delete_rest_api(account_id: str, region: str, request: Members) -> Members | None:
    backend = apigateway_backends[account_id][region]
    _api(account_id, region, request)
    for domain_name, mappings in backend.base_path_mappings.items():
        if any(one.rest_api_id == request["restApiId"] for one in mappings.values()):
            raise _bad(
                f"Please remove all base path mappings related to the API in your domain: {domain_name}"
            )
    for plan in backend.usage_plans.values():
        if any(one["apiId"] == request["restApiId"] for one in plan.api_stages):
            raise _bad("Please remove all usage plan associations of the API's stages before")
    return None


def _create_resource(account_id: str, region: str, request: Members) -> None:
    api = _api(account_id, region, request)
    if request["parentId"] not in api.resources:
        raise _missing("Invalid Resource identifier specified")
    for other in api.resources.values():
        if (other.parent_id, other.path_part) == (request["parentId"], request["pathPart"]):
            raise _conflict(f"Another resource with the same parent already has this name: {other.path_part}")


def _delete_resource(account_id: str, region: str, request: Members) -> None:
    """Delete what is below it as well."""
    api = _api(account_id, region, request)
    for id_, other in list(api.resources.items()):
        if other.parent_id == request["resourceId"]:
            _delete_resource(account_id, region, {**request, "resourceId": id_})
            api.resources.pop(id_)


def _put_method(account_id: str, region: str, request: Members) -> None:
    api = _api(account_id, region, request)
    _check_method(api, request)
    resource = api.resources.get(request["resourceId"])
    if resource and request["httpMethod"] in resource.resource_methods:
        raise _conflict("Method already exists for this resource")


def _update_method(account_id: str, region: str, request: Members) -> Members:
    api = _api(account_id, region, request)
    method = _method(account_id, region, request)
    _patch(method, method.to_json(), METHOD, "UpdateMethod", request)
    _check_method(api, method.to_json())
    return method.to_json()


def _check_method(api: RestAPI, method: Members) -> None:
    """Refuse a method that asks nobody who could answer who calls."""
    kind = method["authorizationType"]
    if kind not in AUTHORIZATIONS:
        raise _bad(f"Invalid authorization type specified: {kind}")
    authorizer = api.authorizers.get(method.get("authorizerId") or "")
    if kind in AUTHORIZERS and (authorizer is None or authorizer.type not in AUTHORIZERS[kind]):
        raise _bad(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
            "COGNITO_USER_POOLS requires a valid authorizer."
        )
    validator_id = method.get("requestValidatorId")
    if validator_id and validator_id not in api.request_validators:
        raise _bad("Invalid Request Validator identifier specified")


def _put_integration(account_id: str, region: str, request: Members) -> None:
    milliseconds = request.get("timeoutInMillis")
    if milliseconds is not None and not 50 <= milliseconds <= 29_000:
        raise _bad("Timeout should be between 50 ms and 29000 ms")


def _update_integration(account_id: str, region: str, request: Members) -> Members:
    integration: Integration | None = _method(account_id, region, request).method_integration
    if integration is None:
        raise _missing("Invalid Integration identifier specified")
    _patch(integration, integration.to_json(), INTEGRATION, "UpdateIntegration", request)
    return integration.to_json()


def _create_authorizer(account_id: str, region: str, request: Members) -> None:
    api = _api(account_id, region, request)
    if any(other.name == request["name"] for other in api.authorizers.values()):
        raise _conflict("Authorizer name must be unique. Authorizer with this name already exists")
    if request["type"] == "COGNITO_USER_POOLS" and not request.get("providerARNs"):
        raise _bad("Invalid provider ARNs specified: a Cognito authorizer needs at least one")
    if request["type"] != "COGNITO_USER_POOLS" and not request.get("authorizerUri"):
        raise _bad("Invalid Authorizer URI: a Lambda authorizer needs one")


def _update_authorizer(account_id: str, region: str, request: Members) -> Members:
    authorizer = apigateway_backends[account_id][region].get_authorizer(
        request["restApiId"], request["authorizerId"]
    )
    before = {"providerARNs": [], **authorizer.to_json()}
    _patch(authorizer, before, AUTHORIZER, "UpdateAuthorizer", request)
    return authorizer.to_json()


def _create_deployment(account_id: str, region: str, request: Members) -> None:
    api = _api(account_id, region, request)
    if "PRIVATE" in api.endpoint_configuration["types"] and not api.policy:
        raise _bad("Private REST API doesn't have a resource policy attached to it")


def _delete_deployment(account_id: str, region: str, request: Members) -> None:
    api = _api(account_id, region, request)
    if any(stage.deployment_id == request["deploymentId"] for stage in api.stages.values()):
        raise _bad("Active stages pointing to this deployment must be moved or deleted")


def _create_stage(account_id: str, region: str, request: Members) -> None:
    _check_deployment(_api(account_id, region, request), request["deploymentId"])


def _update_stage(account_id: str, region: str, request: Members) -> Members | None:
    """Refuse what cannot be served or logged, and forget settings of methods that are removed."""
    api = _api(account_id, region, request)
    stage = apigateway_backends[account_id][region].get_stage(request["restApiId"], request["stageName"])
    for patch in request.get("patchOperations", []):
        path, value = patch["path"], patch.get("value")
        if path == "/deploymentId":
            _check_deployment(api, value)
        logs = path == "/accessLogSettings/destinationArn" or (
            path.endswith("/logging/loglevel") and value != "OFF"
        )
        if (
            logs
            and patch["op"] != "remove"
            and not apigateway_backends[account_id][region].account.cloudwatch_role_arn
        ):
            raise _bad("CloudWatch Logs role ARN must be set in account settings to enable logging")
        if patch["op"] == "remove":
            stage.method_settings.pop(path.strip("/").replace("~1", "/"), None)
    return None


def _check_deployment(api: RestAPI, deployment_id: str) -> None:
    if deployment_id not in api.deployments:
        raise _bad("Deployment id does not exist")


def _create_usage_plan(account_id: str, region: str, request: Members) -> None:
    for one in request.get("apiStages", []):
        _check_stage(account_id, region, one["apiId"], one["stage"])


def _update_usage_plan(account_id: str, region: str, request: Members) -> Members:
    """Patch a plan; its stages are named `<api>:<stage>` in a patch."""
    plan = apigateway_backends[account_id][region].get_usage_plan(request["usagePlanId"])
    others: list[Members] = []
    for patch in request.get("patchOperations", []):
        if patch["path"] != "/apiStages":
            others.append(patch)
            continue
        api_id, _, stage = patch["value"].partition(":")
        named = {"apiId": api_id, "stage": stage}
        if patch["op"] == "remove":
            plan.api_stages = [one for one in plan.api_stages if one != named]
        else:
            _check_stage(account_id, region, api_id, stage)
            plan.api_stages.append(named)
    _patch(plan, plan.to_json(), USAGE_PLAN, "UpdateUsagePlan", {"patchOperations": others})
    return plan.to_json()


def _delete_usage_plan(account_id: str, region: str, request: Members) -> None:
    plan = apigateway_backends[account_id][region].get_usage_plan(request["usagePlanId"])
    if plan.api_stages:
        raise _bad(f"Cannot delete Usage Plan {plan.id} because of associated API stages")


def _check_stage(account_id: str, region: str, api_id: str, name: str) -> None:
    api = apigateway_backends[account_id][region].apis.get(api_id)
    if api is None or name not in api.stages:
        raise _missing(f"API Stage not found: {api_id}:{name}")


def _create_domain_name(account_id: str, region: str, request: Members) -> None:
    _check_certificate(account_id, region, request.get("regionalCertificateArn"))
    if any(
        request["domainName"] in backend.domain_names
        for regions in list(apigateway_backends.values())
        for backend in list(regions.values())
    ):
        raise _conflict("The domain name you provided already exists.")


def _update_domain_name(account_id: str, region: str, request: Members) -> Members:
    domain = apigateway_backends[account_id][region].get_domain_name(request["domainName"])
    _patch(domain, domain.to_json(), DOMAIN_NAME, "UpdateDomainName", request)
    _check_certificate(account_id, region, domain.regional_certificate_arn)
    return domain.to_json()


def _check_certificate(account_id: str, region: str, arn: str | None) -> None:
    """Take any certificate of the account and region as there: nobody can make one of a given ARN."""
    if arn and not re.fullmatch(rf"arn:[a-z-]+:acm:{region}:{account_id}:certificate/[0-9a-f-]+", arn):
        raise _bad(f"Invalid certificate ARN: {arn}. Certificate must be in '{region}'.")


def _create_base_path_mapping(account_id: str, region: str, request: Members) -> None:
    if request.get("stage"):
        _check_stage(account_id, region, request["restApiId"], request["stage"])


def _delete_domain_name(account_id: str, region: str, request: Members) -> None:
    apigateway_backends[account_id][region].base_path_mappings.pop(request["domainName"], None)


def _update_account(account_id: str, region: str, request: Members) -> None:
    for patch in request.get("patchOperations", []):
        arn = patch.get("value")
        if patch["path"] != "/cloudwatchRoleArn" or not arn:
            continue
        if trusting_role(account_id, region, arn, "apigateway.amazonaws.com") is None:
            raise _bad(
                "The role ARN does not have required permissions configured. Please grant trust "
                "permission for API Gateway and add the required role policy."
            )


def _tag(account_id: str, region: str, request: Members) -> Members:
    _tags(account_id, region, request).update(request["tags"])
    return {}


def _untag(account_id: str, region: str, request: Members) -> Members:
    tags = _tags(account_id, region, request)
    for key in request["tagKeys"]:
        tags.pop(key, None)
    return {}


def _get_tags(account_id: str, region: str, request: Members) -> Members:
    return {"tags": dict(_tags(account_id, region, request))}


def _tags(account_id: str, region: str, request: Members) -> dict[str, str]:
    """Return the tags of what an ARN names, such as `arn:aws:apigateway:eu-west-1::/restapis/<id>`."""
    backend = apigateway_backends[account_id][region]
    kind, id_, *rest = request["resourceArn"].partition("::/")[2].split("/")
    kinds: Mapping[str, Mapping[str, Any]] = {
        "apikeys": backend.keys,
        "domainnames": backend.domain_names,
        "restapis": backend.apis,
        "usageplans": backend.usage_plans,
    }
    found = kinds.get(kind, {}).get(id_)
    if found is not None and rest:
        found = found.stages.get(rest[1])
    if found is None:
        raise _missing("Invalid resource ARN specified in the request")
    found.tags = found.tags or {}
    tags: dict[str, str] = found.tags
    return tags


def _api(account_id: str, region: str, request: Members) -> RestAPI:
    return apigateway_backends[account_id][region].get_rest_api(request["restApiId"])


def _method(account_id: str, region: str, request: Members) -> Method:
    return apigateway_backends[account_id][region].get_method(
        request["restApiId"], request["resourceId"], request["httpMethod"]
    )


def _patch(
    what: Any, document: Members, attributes: Mapping[str, str], operation: str, request: Members
) -> None:
    """Apply a request's patches to what Get answers, and write them to moto's object."""
    shape = service_model("apigateway").operation_model(operation).output_shape
    document = json.loads(json.dumps(document))
    for patch in request.get("patchOperations", []):
        path = [step.replace("~1", "/").replace("~0", "~") for step in patch["path"].strip("/").split("/")]
        if path[0] not in attributes:
            raise _bad(f"Invalid patch path '{patch['path']}' specified for op '{patch['op']}'.")
        _step(document, shape, path, patch)
        setattr(what, attributes[path[0]], document.get(path[0]))


def _step(place: Any, shape: Shape | None, path: list[str], patch: Members) -> None:
    """Go down to what a pointer names, and add, replace or remove it."""
    first, *rest = path
    value = patch.get("value")
    if isinstance(place, list):
        if patch["op"] == "replace" and first.isdigit():
            place[int(first)] = value
        elif patch["op"] == "remove":
            place.remove(first)
        else:
            place.append(first)
        return
    inner = _inner(shape, first)
    if rest:
        if place.get(first) is None:
            place[first] = [] if isinstance(inner, ListShape) else {}
        _step(place[first], inner, rest, patch)
    elif isinstance(inner, ListShape) and value is not None:
        listed = place[first] = list(place.get(first) or ())
        listed.remove(value) if patch["op"] == "remove" else listed.append(value)
    elif patch["op"] == "remove":
        place.pop(first, None)
    else:
        place[first] = _typed(value, inner)


def _inner(shape: Shape | None, name: str) -> Shape | None:
    if isinstance(shape, StructureShape):
        if name not in shape.members:
            raise _bad(f"Invalid patch path: {name}")
        return shape.members[name]
    return shape.value if isinstance(shape, MapShape) else None


def _typed(value: Any, shape: Shape | None) -> Any:
    """Return the text of a patch as the type that the model has."""
    if shape is None or not isinstance(value, str):
        return value
    if shape.type_name == "boolean":
        return value.lower() == "true"
    if shape.type_name in ("integer", "long"):
        return int(value)
    return float(value) if shape.type_name in ("double", "float") else value


def _bad(message: str) -> Refused:
    return Refused("BadRequestException", message)


def _conflict(message: str) -> Refused:
    return Refused("ConflictException", message, "409 Conflict")


def _missing(message: str) -> Refused:
    return Refused("NotFoundException", message, "404 Not Found")


OPERATIONS: Mapping[str, Operation] = {
    "CreateRestApi": _create_rest_api,
    "UpdateRestApi": _update_rest_api,
    "DeleteRestApi": _delete_rest_api,
    "CreateResource": _create_resource,
    "DeleteResource": _delete_resource,
    "PutMethod": _put_method,
    "UpdateMethod": _update_method,
    "PutIntegration": _put_integration,
    "UpdateIntegration": _update_integration,
    "CreateAuthorizer": _create_authorizer,
    "UpdateAuthorizer": _update_authorizer,
    "CreateDeployment": _create_deployment,
    "DeleteDeployment": _delete_deployment,
    "CreateStage": _create_stage,
    "UpdateStage": _update_stage,
    "CreateUsagePlan": _create_usage_plan,
    "UpdateUsagePlan": _update_usage_plan,
    "DeleteUsagePlan": _delete_usage_plan,
    "CreateDomainName": _create_domain_name,
    "UpdateDomainName": _update_domain_name,
    "DeleteDomainName": _delete_domain_name,
    "CreateBasePathMapping": _create_base_path_mapping,
    "UpdateAccount": _update_account,
    "TagResource": _tag,
    "UntagResource": _untag,
    "GetTags": _get_tags,
}
