"""API Gateway as AWS has it: settings are kept and patched, and what refers to nothing is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import REGION, Account, refused

FUNCTION = f"arn:aws:lambda:{REGION}:111122223333:function:f"
URI = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
POOL = f"arn:aws:cognito-idp:{REGION}:111122223333:userpool/{REGION}_AbCdEfGhI"
BAD = "BadRequestException"


def trust(service: str) -> dict[str, Any]:
    """Return a trust policy for a service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def gateway(account: Account) -> Any:
    return account.client("apigateway")


@pytest.fixture
def api(gateway: Any) -> dict[str, Any]:
    """An API with one method."""
    made = gateway.create_rest_api(name="models", endpointConfiguration={"types": ["REGIONAL"]})
    where = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "POST"}
    gateway.put_method(**where, authorizationType="AWS_IAM")
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=URI)
    return {"id": made["id"], "where": where}


def deploy(gateway: Any, api: dict[str, Any]) -> str:
    """Deploy the API to the stage `live`; return the deployment's id."""
    id_: str = gateway.create_deployment(restApiId=api["id"])["id"]
    gateway.create_stage(restApiId=api["id"], stageName="live", deploymentId=id_)
    return id_


def replaced(path: str, value: str) -> list[dict[str, str]]:
    return [{"op": "replace", "path": path, "value": value}]


def test_create_rest_api_keeps_binary_media_types_and_is_checked_against_the_model(gateway: Any) -> None:
    made = gateway.create_rest_api(name="models", binaryMediaTypes=["*/*"])
    assert gateway.get_rest_api(restApiId=made["id"])["binaryMediaTypes"] == ["*/*"]
    with refused("failed to satisfy constraint: Member must satisfy enum value set"):
        gateway.create_rest_api(name="models", apiKeySource="COOKIE")


def test_update_rest_api_patches_lists_flags_and_the_policy(account: Account, gateway: Any, api: Any) -> None:
    subnet, _ = account.network()
    vpc_id = account.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    vpce = account.client("ec2").create_vpc_endpoint(
        VpcId=vpc_id, VpcEndpointType="Interface", ServiceName=f"com.amazonaws.{REGION}.execute-api"
    )["VpcEndpoint"]["VpcEndpointId"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    gateway.update_rest_api(
        restApiId=api["id"],
        patchOperations=[
            *replaced("/disableExecuteApiEndpoint", "true"),
            *replaced("/policy", policy),
            {"op": "add", "path": "/binaryMediaTypes/image~1png"},
            {"op": "add", "path": "/endpointConfiguration/vpcEndpointIds", "value": vpce},
        ],
    )
    found = gateway.get_rest_api(restApiId=api["id"])
    assert found["disableExecuteApiEndpoint"] is True
    assert found["binaryMediaTypes"] == ["image/png"]
    assert found["endpointConfiguration"]["vpcEndpointIds"] == [vpce]
    assert json.loads(f'"{found["policy"]}"') == policy
    gateway.update_rest_api(
        restApiId=api["id"], patchOperations=replaced("/disableExecuteApiEndpoint", "false")
    )
    assert gateway.get_rest_api(restApiId=api["id"])["disableExecuteApiEndpoint"] is False
    with refused("Invalid VPC endpoint ID: vpce-1", BAD):
        gateway.update_rest_api(
            restApiId=api["id"],
            patchOperations=[
                {"op": "add", "path": "/endpointConfiguration/vpcEndpointIds", "value": "vpce-1"}
            ],
        )


def test_put_method_and_update_method_ask_somebody_who_is_there(gateway: Any, api: Any) -> None:
    where = {**api["where"], "httpMethod": "GET"}
    with refused("Invalid authorization type specified: MAGIC", BAD):
        gateway.put_method(**where, authorizationType="MAGIC")
    with refused("Invalid authorizer ID specified", BAD):
        gateway.put_method(**where, authorizationType="CUSTOM", authorizerId="none")
    with refused("Invalid Request Validator identifier specified", BAD):
        gateway.put_method(**where, authorizationType="AWS_IAM", requestValidatorId="none")
    with refused("Method already exists for this resource", "ConflictException", 409):
        gateway.put_method(**api["where"], authorizationType="AWS_IAM")
    authorizer = gateway.create_authorizer(
        restApiId=api["id"], name="pool", type="COGNITO_USER_POOLS", providerARNs=[POOL]
    )
    gateway.update_method(
        **api["where"],
        patchOperations=[
            *replaced("/authorizerId", authorizer["id"]),
            *replaced("/authorizationType", "COGNITO_USER_POOLS"),
            *replaced("/apiKeyRequired", "true"),
            {"op": "add", "path": "/authorizationScopes", "value": "models/invoke"},
        ],
    )
    found = gateway.get_method(**api["where"])
    assert (found["authorizationType"], found["apiKeyRequired"]) == ("COGNITO_USER_POOLS", True)
    assert found["authorizationScopes"] == ["models/invoke"]


def test_put_integration_and_update_integration_keep_to_the_longest_time(gateway: Any, api: Any) -> None:
    gateway.update_integration(**api["where"], patchOperations=replaced("/timeoutInMillis", "9000"))
    assert gateway.get_integration(**api["where"])["timeoutInMillis"] == 9000
    with refused("Timeout should be between 50 ms and 29000 ms", BAD):
        gateway.put_integration(
            **api["where"], type="AWS_PROXY", integrationHttpMethod="POST", uri=URI, timeoutInMillis=30_000
        )


def test_create_authorizer_and_update_authorizer_keep_tokens_and_pools(gateway: Any, api: Any) -> None:
    made = gateway.create_authorizer(
        restApiId=api["id"],
        name="oidc",
        type="TOKEN",
        authorizerUri=URI,
        identitySource="method.request.header.Authorization",
        identityValidationExpression="^Bearer .+$",
    )
    assert made["identityValidationExpression"] == "^Bearer .+$"
    with refused("already exists", "ConflictException", 409):
        gateway.create_authorizer(restApiId=api["id"], name="oidc", type="TOKEN", authorizerUri=URI)
    with refused("a Lambda authorizer needs one", BAD):
        gateway.create_authorizer(restApiId=api["id"], name="bare", type="TOKEN")
    with refused("a Cognito authorizer needs at least one", BAD):
        gateway.create_authorizer(restApiId=api["id"], name="bare", type="COGNITO_USER_POOLS")
    pool = gateway.create_authorizer(
        restApiId=api["id"], name="pool", type="COGNITO_USER_POOLS", providerARNs=[POOL]
    )
    other = POOL.replace("AbCdEfGhI", "JkLmNoPqR")
    gateway.update_authorizer(
        restApiId=api["id"],
        authorizerId=pool["id"],
        patchOperations=[
            {"op": "add", "path": "/providerARNs", "value": other},
            {"op": "remove", "path": "/providerARNs", "value": POOL},
            *replaced("/authorizerResultTtlInSeconds", "60"),
        ],
    )
    found = gateway.get_authorizer(restApiId=api["id"], authorizerId=pool["id"])
    assert (found["providerARNs"], found["authorizerResultTtlInSeconds"]) == ([other], 60)


def test_create_resource_and_delete_resource_keep_a_tree(gateway: Any, api: Any) -> None:
    root = api["where"]["resourceId"]
    with refused("Invalid Resource identifier specified", "NotFoundException", 404):
        gateway.create_resource(restApiId=api["id"], parentId="none", pathPart="a")
    parent = gateway.create_resource(restApiId=api["id"], parentId=root, pathPart="a")["id"]
    gateway.create_resource(restApiId=api["id"], parentId=parent, pathPart="b")
    with refused("Another resource with the same parent", "ConflictException", 409):
        gateway.create_resource(restApiId=api["id"], parentId=root, pathPart="a")
    gateway.delete_resource(restApiId=api["id"], resourceId=parent)
    assert [one["path"] for one in gateway.get_resources(restApiId=api["id"])["items"]] == ["/"]


def test_create_stage_delete_deployment_and_update_stage_know_what_is_served(gateway: Any, api: Any) -> None:
    with refused("Deployment id does not exist", BAD):
        gateway.create_stage(restApiId=api["id"], stageName="live", deploymentId="none")
    served = deploy(gateway, api)
    with refused("Active stages pointing to this deployment", BAD):
        gateway.delete_deployment(restApiId=api["id"], deploymentId=served)
    with refused("Deployment id does not exist", BAD):
        gateway.update_stage(
            restApiId=api["id"], stageName="live", patchOperations=replaced("/deploymentId", "none")
        )


def test_create_deployment_of_a_private_api_needs_a_policy(gateway: Any, api: Any) -> None:
    gateway.update_rest_api(
        restApiId=api["id"], patchOperations=replaced("/endpointConfiguration/types/0", "PRIVATE")
    )
    with refused("doesn't have a resource policy attached to it", BAD):
        gateway.create_deployment(restApiId=api["id"])


def test_update_account_takes_a_role_and_update_stage_logs_only_then(
    account: Account, gateway: Any, api: Any
) -> None:
    deploy(gateway, api)
    verbose = {
        "restApiId": api["id"],
        "stageName": "live",
        "patchOperations": replaced("/*/*/logging/loglevel", "ERROR"),
    }
    with refused("CloudWatch Logs role ARN must be set", BAD):
        gateway.update_stage(**verbose)
    with refused("The role ARN does not have required permissions configured", BAD):
        gateway.update_account(patchOperations=replaced("/cloudwatchRoleArn", account.role()))
    writes = account.role("logs", trust("apigateway.amazonaws.com"))
    gateway.update_account(patchOperations=replaced("/cloudwatchRoleArn", writes))
    gateway.update_stage(**verbose)
    assert "*/*" in gateway.get_stage(restApiId=api["id"], stageName="live")["methodSettings"]
    gateway.update_stage(
        restApiId=api["id"], stageName="live", patchOperations=[{"op": "remove", "path": "/*/*"}]
    )
    assert gateway.get_stage(restApiId=api["id"], stageName="live")["methodSettings"] == {}


def test_usage_plans_are_of_stages_that_are_there(gateway: Any, api: Any) -> None:
    """CreateUsagePlan, UpdateUsagePlan, DeleteUsagePlan, DeleteRestApi."""
    stage = {"apiId": api["id"], "stage": "live"}
    with refused(f"API Stage not found: {api['id']}:live", "NotFoundException", 404):
        gateway.create_usage_plan(name="partners", apiStages=[stage])
    deploy(gateway, api)
    plan = gateway.create_usage_plan(
        name="partners", apiStages=[stage], quota={"limit": 10, "period": "DAY"}
    )["id"]
    gateway.update_usage_plan(usagePlanId=plan, patchOperations=replaced("/quota/limit", "20"))
    assert gateway.get_usage_plan(usagePlanId=plan)["quota"] == {"limit": 20, "period": "DAY"}
    with refused("Please remove all usage plan associations", BAD):
        gateway.delete_rest_api(restApiId=api["id"])
    with refused("because of associated API stages", BAD):
        gateway.delete_usage_plan(usagePlanId=plan)
    gateway.update_usage_plan(
        usagePlanId=plan,
        patchOperations=[{"op": "remove", "path": "/apiStages", "value": f"{api['id']}:live"}],
    )
    gateway.delete_usage_plan(usagePlanId=plan)


def test_domain_names_have_certificates_and_mappings(account: Account, gateway: Any, api: Any) -> None:
    """CreateDomainName, UpdateDomainName, CreateBasePathMapping, DeleteRestApi, DeleteDomainName."""
    acm = account.client("acm")
    first, second = (
        acm.request_certificate(DomainName=f"{account.id}.example")["CertificateArn"] for _ in "ab"
    )
    domain = {"domainName": f"{account.id}.example", "regionalCertificateArn": first}
    for wrong in (f"{first}-not", first.replace(account.id, "999999999999")):
        with refused("Invalid certificate ARN", BAD):
            gateway.create_domain_name(**{**domain, "regionalCertificateArn": wrong})
    gateway.create_domain_name(**domain, endpointConfiguration={"types": ["REGIONAL"]})
    with refused("already exists", "ConflictException", 409):
        gateway.create_domain_name(**domain)
    gateway.update_domain_name(
        domainName=domain["domainName"], patchOperations=replaced("/regionalCertificateArn", second)
    )
    assert gateway.get_domain_name(domainName=domain["domainName"])["regionalCertificateArn"] == second
    mapping = {"domainName": domain["domainName"], "restApiId": api["id"], "stage": "live"}
    with refused("API Stage not found", "NotFoundException", 404):
        gateway.create_base_path_mapping(**mapping)
    deploy(gateway, api)
    gateway.create_base_path_mapping(**mapping)
    with refused("Please remove all base path mappings", BAD):
        gateway.delete_rest_api(restApiId=api["id"])
    gateway.delete_domain_name(domainName=domain["domainName"])
    gateway.delete_rest_api(restApiId=api["id"])


def test_tag_resource_untag_resource_and_get_tags_know_all_that_bears_tags(gateway: Any, api: Any) -> None:
    key = gateway.create_api_key(name="shop")["id"]
    plan = gateway.create_usage_plan(name="partners")["id"]
    for path in (f"restapis/{api['id']}", f"apikeys/{key}", f"usageplans/{plan}"):
        arn = f"arn:aws:apigateway:{REGION}::/{path}"
        gateway.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        gateway.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert gateway.get_tags(resourceArn=arn)["tags"] == {"b": "2"}
    with refused("Invalid resource ARN", "NotFoundException", 404):
        gateway.get_tags(resourceArn=f"arn:aws:apigateway:{REGION}::/restapis/none")
