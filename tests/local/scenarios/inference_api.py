"""An API: routes, limits, rules and code change in place, and what is served is a new snapshot."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cdktf import TerraformResource, TerraformStack

from modules._core import Statement
from modules.api_gateway_account import ApiGatewayAccount, ApiGatewayAccountConfig
from modules.endpoint import Asynchronous, RealTime, Variant
from modules.inference_api import (
    Api,
    ApiThresholds,
    CognitoJwt,
    Domain,
    Exposed,
    Firewall,
    Function,
    InferenceApi,
    InferenceApiConfig,
    OidcJwt,
    Private,
    Quota,
    Route,
    Sigv4,
    Throttling,
    UsagePlan,
)

from ..conftest import OUTPUT, REGION, Account, Build
from ..matrix import Gone, Stage, Step

NAME = "acme-test-api"
CLOSED = "acme-test-closed"
IN_PLACE = ["update"]
BESIDE = ["create", "delete"]
CREATE = ["create"]

OIDC = OidcJwt(issuer="https://login.acme.example", audiences=("models",))
HANDLER = "def handle(event, context):\n    return {'statusCode': 200, 'body': '%s'}\n"


def package(folder: Path, name: str, said: str) -> str:
    """Write a package whose function answers with a text; return its folder."""
    made = folder / said / name
    made.mkdir(parents=True)
    (made / "__init__.py").write_text("", encoding="utf-8")
    (made / "handler.py").write_text(HANDLER % said, encoding="utf-8")
    return str(made)


def steps(account: Account) -> Iterator[Step]:
    account_id, folder = account.account_id, Path(tempfile.mkdtemp(dir=OUTPUT.name))
    gateway, functions, waf = account.client("apigateway"), account.client("lambda"), account.client("wafv2")
    layer = folder / "layer.zip"
    layer.write_bytes(b"PK\x05\x06" + bytes(18))
    zone = account.client("route53").create_hosted_zone(Name="acme.example", CallerReference="1")
    zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
    network = account.network()
    boundary = account.client("iam").create_policy(
        PolicyName="acme-test-api-boundary",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            }
        ),
    )["Policy"]["Arn"]

    def certificate() -> str:
        arn: str = account.client("acm").request_certificate(DomainName="models.acme.example")[
            "CertificateArn"
        ]
        return arn

    def endpoint_of_vpc() -> str:
        made = account.client("ec2").create_vpc_endpoint(
            VpcId=network.vpc_id,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{REGION}.execute-api",
            SubnetIds=network.subnet_ids,
            SecurityGroupIds=network.security_group_ids,
        )
        id_: str = made["VpcEndpoint"]["VpcEndpointId"]
        return id_

    vpce = endpoint_of_vpc()
    domain = Domain(name="models.acme.example", certificate_arn=certificate(), hosted_zone_id=zone_id)

    def endpoint(name: str) -> Statement:
        arn = f"arn:aws:sagemaker:{REGION}:{account_id}:endpoint/{name}"
        return Statement(actions=("sagemaker:InvokeEndpoint",), resources=(arn,))

    config = InferenceApiConfig(
        name=NAME,
        api=Api(
            routes={"churn": Route(endpoint="churn")},
            authentication=Sigv4(),
            usage_plans={
                "partners": UsagePlan(api_keys=("call-centre",), quota=Quota(limit=10, period="DAY"))
            },
            domain=domain,
        ),
        endpoints={
            "churn": Exposed(
                name="acme-test-churn",
                inference=RealTime(variants={"champion": Variant(model="churn", instance_count=2)}),
                statements=(endpoint("acme-test-churn"),),
            ),
            "history": Exposed(
                name="acme-test-history",
                inference=Asynchronous(model="history", instance_count=1),
                statements=(endpoint("acme-test-history"),),
                input_s3_uri="s3://queue/history/input/",
                output_s3_uri="s3://queue/history/output/",
                failure_s3_uri="s3://queue/history/failure/",
            ),
        },
        data_kms_key_arn=account.key(),
        logs_kms_key_arn=account.key(),
        permissions_boundary_arn=boundary,
        layer_path=str(layer),
        account_id=account_id,
        region=REGION,
        code_path=package(folder, "inference_api", "old"),
        authorizer_code_path=package(folder, "jwt_authorizer", "old"),
        subnet_ids=network.subnet_ids,
        security_group_ids=network.security_group_ids,
        alarm_topic_arns=(f"arn:aws:sns:{REGION}:{account_id}:alarms",),
    )
    closed = replace(
        config,
        name=CLOSED,
        api=Api(
            routes={"churn": Route(endpoint="churn")},
            authentication=OIDC,
            access=Private(),
            firewall=None,
            alarms=None,
        ),
        vpc_endpoint_ids=(vpce,),
        alarm_topic_arns=(),
    )

    def stage_arn(api_id: str) -> str:
        return f"arn:aws:apigateway:{REGION}::/restapis/{api_id}/stages/live"

    def methods(api_id: str) -> dict[str, str]:
        """Return how each path asks who calls."""
        found = gateway.get_resources(restApiId=api_id, embed=["methods"])["items"]
        return {
            one["path"]: method["authorizationType"]
            for one in found
            for method in one.get("resourceMethods", {}).values()
        }

    def build(api: InferenceApiConfig, other: InferenceApiConfig) -> Build:
        def both(stack: TerraformStack) -> None:
            ApiGatewayAccount(
                stack,
                "account",
                ApiGatewayAccountConfig(
                    name="acme-test-api-logs",
                    permissions_boundary_arn=boundary,
                    account_id=account_id,
                    region=REGION,
                ),
            )
            for id_, one in (("api", api), ("closed", other)):
                stage = InferenceApi(stack, id_, one).node.find_child("stage")
                assert isinstance(stage, TerraformResource)
                stage.depends_on = ["aws_api_gateway_account.account"]

        return both

    yield Stage(build(config, closed))
    apis = {one["name"]: one for one in gateway.get_rest_apis()["items"]}
    before = gateway.get_stage(restApiId=apis[NAME]["id"], stageName="live")
    assert before["tracingEnabled"]
    assert json.loads(before["accessLogSettings"]["format"])["status"] == "$context.status"
    assert apis[CLOSED]["endpointConfiguration"]["vpcEndpointIds"] == [vpce]
    assert waf.get_web_acl_for_resource(ResourceArn=stage_arn(apis[NAME]["id"]))["WebACL"]["Name"] == NAME
    assert methods(apis[CLOSED]["id"]) == {"/endpoints/churn/invocations": "CUSTOM"}
    version = functions.get_alias(FunctionName=NAME, Name="live")["FunctionVersion"]

    plan = UsagePlan(api_keys=("call-centre", "shop"), quota=Quota(limit=20, period="WEEK"))
    pool = f"arn:aws:cognito-idp:{REGION}:{account_id}:userpool/{REGION}_AbCdEfGhI"
    changed = replace(
        config,
        api=replace(
            config.api,
            authentication=CognitoJwt(user_pool_arns=(pool,)),
            domain=replace(domain, certificate_arn=certificate()),
            routes={"churn": Route(endpoint="churn"), "history": Route(endpoint="history")},
            usage_plans={"partners": plan},
            throttling=Throttling(rate_limit_per_second=200, burst_limit=400),
            firewall=Firewall(requests_per_address_per_5_minutes=500),
            function=Function(memory_mb=1024, reserved_concurrency=20),
            alarms=ApiThresholds(error_5xx_percent=2.0, latency_p99_milliseconds=5000),
        ),
        code_path=package(folder, "inference_api", "new"),
        log_retention_days=30,
    )
    opened = replace(
        closed,
        api=replace(closed.api, authentication=replace(OIDC, result_ttl_seconds=60)),
        vpc_endpoint_ids=(vpce, endpoint_of_vpc()),
    )
    paths = ("route", "invocations", "uploads", "results", "result")
    asked = ("invocations", "uploads", "result")
    yield Stage(
        build(changed, opened),
        {
            **{f"aws_api_gateway_resource.api_history_{one}_path": CREATE for one in paths},
            **{f"aws_api_gateway_method.api_history_{one}_method": CREATE for one in asked},
            **{f"aws_api_gateway_integration.api_history_{one}_integration": CREATE for one in asked},
            "aws_api_gateway_api_key.api_shop_key": CREATE,
            "aws_api_gateway_deployment.api_deployment": BESIDE,
            "aws_api_gateway_method_settings.api_settings": IN_PLACE,
            "aws_api_gateway_stage.api_stage": IN_PLACE,
            "aws_api_gateway_usage_plan.api_partners_plan": IN_PLACE,
            "aws_api_gateway_usage_plan_key.api_shop_plan_key": CREATE,
            "aws_cloudwatch_log_group.api_access_logs": IN_PLACE,
            "aws_cloudwatch_log_group.api_execution_logs": IN_PLACE,
            "aws_cloudwatch_log_group.api_firewall_logs": IN_PLACE,
            "aws_cloudwatch_log_group.api_function_logs": IN_PLACE,
            "aws_cloudwatch_metric_alarm.api_errors_alarm": IN_PLACE,
            "aws_cloudwatch_metric_alarm.api_latency_alarm": IN_PLACE,
            "aws_iam_role_policy.api_function_role_policy": IN_PLACE,
            "aws_lambda_alias.api_function_alias": IN_PLACE,
            "aws_lambda_function.api_function": IN_PLACE,
            "aws_wafv2_web_acl.api_firewall": IN_PLACE,
            "aws_api_gateway_authorizer.api_authorizer": CREATE,
            "aws_api_gateway_domain_name.api_domain": IN_PLACE,
            "aws_api_gateway_method.api_churn_invocations_method": IN_PLACE,
            "aws_api_gateway_authorizer.closed_authorizer": IN_PLACE,
            "aws_api_gateway_deployment.closed_deployment": BESIDE,
            "aws_api_gateway_rest_api.closed": IN_PLACE,
            "aws_api_gateway_rest_api_policy.closed_policy": IN_PLACE,
            "aws_api_gateway_stage.closed_stage": IN_PLACE,
        },
    )
    assert {one["name"]: one["id"] for one in gateway.get_rest_apis()["items"]} == {
        name: one["id"] for name, one in apis.items()
    }
    after = gateway.get_stage(restApiId=apis[NAME]["id"], stageName="live")
    assert after["deploymentId"] != before["deploymentId"]
    assert after["methodSettings"]["*/*"]["throttlingBurstLimit"] == 400
    assert set(methods(apis[NAME]["id"]).values()) == {"COGNITO_USER_POOLS"}
    assert (
        len(gateway.get_rest_api(restApiId=apis[CLOSED]["id"])["endpointConfiguration"]["vpcEndpointIds"])
        == 2
    )
    assert functions.get_alias(FunctionName=NAME, Name="live")["FunctionVersion"] != version
    assert functions.get_function_concurrency(FunctionName=NAME)["ReservedConcurrentExecutions"] == 20
    (used,) = (one for one in gateway.get_usage_plans()["items"])
    assert (used["quota"]["limit"], used["quota"]["period"]) == (20, "WEEK")

    yield Gone()
    assert gateway.get_rest_apis()["items"] == []
    assert gateway.get_domain_names()["items"] == []
    assert gateway.get_usage_plans()["items"] == []
    assert gateway.get_api_keys()["items"] == []
    assert functions.list_functions()["Functions"] == []
    assert functions.list_layers()["Layers"] == []
    assert waf.list_web_acls(Scope="REGIONAL")["WebACLs"] == []
    assert waf.list_logging_configurations(Scope="REGIONAL")["LoggingConfigurations"] == []
