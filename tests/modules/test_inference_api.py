"""Inference API: routes, authentication, limits, logs, firewall, functions, and what is refused."""

from __future__ import annotations

import json
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cdktf import TerraformStack

from modules._core import Statement
from modules.endpoint import Asynchronous, RealTime, Serverless, Variant, invoke
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
    LambdaAuthorizer,
    OidcJwt,
    Private,
    Quota,
    Route,
    Sigv4,
    Throttling,
    UsagePlan,
)
from modules.inference_api.code import zipped
from modules.inference_api.firewall import larger_than
from tests.conftest import Synth, Synthesized
from tests.inventory import Inventory

ACCOUNT = "111122223333"
REGION = "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
LOGS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5678abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:acme-prod-alarms"
POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_AbCdEfGhI"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
AUTHORIZER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:authorize"

REAL_TIME = RealTime(variants={"champion": Variant(model="churn", instance_count=2)})
SERVERLESS = Serverless(model="churn", max_concurrency=5)
ENDPOINTS = {
    "churn": Exposed(
        name="acme-prod-churn",
        inference=REAL_TIME,
        statements=(invoke("acme-prod-churn", REAL_TIME, REGION, ACCOUNT),),
    ),
    "backoffice": Exposed(
        name="acme-prod-backoffice",
        inference=SERVERLESS,
        statements=(invoke("acme-prod-backoffice", SERVERLESS, REGION, ACCOUNT),),
    ),
    "history": Exposed(
        name="acme-prod-history",
        inference=Asynchronous(model="history", instance_count=1),
        statements=(Statement(actions=("s3:GetObject",), resources=("arn:aws:s3:::acme-prod-queue/*",)),),
        input_s3_uri="s3://acme-prod-queue/history/input/",
        output_s3_uri="s3://acme-prod-queue/history/output/",
        failure_s3_uri="s3://acme-prod-queue/history/failure/",
    ),
}
API = Api(routes={"churn": Route(endpoint="churn")}, authentication=Sigv4())


def package(folder: Path, name: str) -> str:
    """Write the package of a function; return its folder."""
    made = folder / name
    made.mkdir(parents=True)
    for file in ("__init__.py", "handler.py"):
        (made / file).write_text(f'"""{name}"""\n', encoding="utf-8")
    return str(made)


@pytest.fixture
def config(tmp_path: Path) -> InferenceApiConfig:
    return InferenceApiConfig(
        name="acme-prod-api",
        api=API,
        endpoints=ENDPOINTS,
        data_kms_key_arn=KEY,
        logs_kms_key_arn=LOGS_KEY,
        permissions_boundary_arn=f"arn:aws:iam::{ACCOUNT}:policy/acme-prod-boundary",
        account_id=ACCOUNT,
        region=REGION,
        code_path=package(tmp_path, "inference_api"),
        authorizer_code_path=package(tmp_path, "jwt_authorizer"),
        layer_path=str(tmp_path / "inference_api" / "__init__.py"),
        alarm_topic_arns=(TOPIC,),
    )


def made(synth: Synth, config: InferenceApiConfig, **changes: Any) -> Synthesized:
    """Return the API with other decisions."""
    return synth(InferenceApi, replace(config, api=replace(API, **changes)))


def methods(stack: Synthesized) -> dict[str, str]:
    """Return how each method asks who calls."""
    return {name: one["authorization"] for name, one in stack.all("aws_api_gateway_method").items()}


def rules(stack: Synthesized) -> dict[str, Any]:
    """Return the firewall's rules by name."""
    return {one["name"]: one for one in stack.one("aws_wafv2_web_acl")["rule"]}


def served(stack: Synthesized) -> dict[str, str]:
    """Return what makes a new deployment when it changes."""
    triggers: dict[str, str] = stack.one("aws_api_gateway_deployment")["triggers"]
    return triggers


FULL = {
    "routes": {
        "churn": Route(endpoint="churn", target_variants=("champion",)),
        "history": Route(endpoint="history"),
    },
    "authentication": OidcJwt(issuer="https://login.acme.example", audiences=("models",)),
    "usage_plans": {"channels": UsagePlan(api_keys=("shop",), quota=Quota(limit=100, period="DAY"))},
    "domain": Domain(
        name="models.acme.example", certificate_arn=CERTIFICATE, hosted_zone_id="Z0123456789ABCDEFGHIJ"
    ),
}


def test_an_api_with_all_that_there_is_is_what_the_inventory_says(
    synth: Synth, config: InferenceApiConfig, inventory: Inventory
) -> None:
    inventory("modules/inference_api", made(synth, config, **FULL))


def test_a_private_api_is_what_the_inventory_says(
    synth: Synth, config: InferenceApiConfig, inventory: Inventory
) -> None:
    api = replace(API, access=Private(), firewall=None, alarms=None)
    closed = replace(config, api=api, vpc_endpoint_ids=("vpce-0a1b2c3d4e5f67890",), alarm_topic_arns=())
    inventory("modules/inference_api_private", synth(InferenceApi, closed))


def test_only_an_asynchronous_endpoint_has_uploads_and_results(
    synth: Synth, config: InferenceApiConfig
) -> None:
    routes = {"churn": Route(endpoint="churn"), "whole-history": Route(endpoint="history")}
    stack = made(synth, config, routes=routes)
    assert sorted(methods(stack)) == [
        "churn_invocations_method",
        "whole_history_invocations_method",
        "whole_history_result_method",
        "whole_history_uploads_method",
    ]
    parts = {one["path_part"] for one in stack.all("aws_api_gateway_resource").values()}
    assert parts == {
        *("endpoints", "churn", "whole-history", "invocations", "uploads", "results", "{inference_id}")
    }


@pytest.mark.parametrize(
    ("authentication", "asked"),
    [
        (Sigv4(), "AWS_IAM"),
        (CognitoJwt(user_pool_arns=(POOL,)), "COGNITO_USER_POOLS"),
        (OidcJwt(issuer="https://login.acme.example", audiences=("models",)), "CUSTOM"),
        (LambdaAuthorizer(function_arn=AUTHORIZER), "CUSTOM"),
    ],
)
def test_every_method_asks_who_calls_and_there_is_none_for_preflights(
    authentication: Any, asked: str, synth: Synth, config: InferenceApiConfig
) -> None:
    routes = {"churn": Route(endpoint="churn"), "history": Route(endpoint="history")}
    stack = made(synth, config, routes=routes, authentication=authentication)
    assert set(methods(stack).values()) == {asked}
    assert len(methods(stack)) == 4
    assert {one["http_method"] for one in stack.all("aws_api_gateway_method").values()} == {"GET", "POST"}
    assert bool(stack.all("aws_api_gateway_authorizer")) is (asked != "AWS_IAM")


def test_scopes_of_a_pool_are_asked_by_the_methods(synth: Synth, config: InferenceApiConfig) -> None:
    stack = made(synth, config, authentication=CognitoJwt(user_pool_arns=(POOL,), scopes=("models/invoke",)))
    assert stack.one("aws_api_gateway_authorizer")["provider_arns"] == [POOL]
    assert stack.one("aws_api_gateway_method")["authorization_scopes"] == ["models/invoke"]


def test_oidc_tokens_are_looked_at_by_a_function_that_may_do_nothing(
    synth: Synth, config: InferenceApiConfig
) -> None:
    who = OidcJwt(
        issuer="https://login.acme.example",
        audiences=("models", "shop"),
        required_scopes=("models.invoke",),
        result_ttl_seconds=60,
    )
    inside = replace(config, subnet_ids=("subnet-1",), security_group_ids=("sg-1",))
    stack = made(synth, inside, authentication=who)
    function = stack.one("aws_lambda_function", "authorizer_function")
    assert function["handler"] == "jwt_authorizer.handler.handle"
    assert "vpc_config" not in function
    variables = function["environment"]["variables"]
    assert variables["ISSUER"] == "https://login.acme.example"
    assert json.loads(variables["AUDIENCES"]) == ["models", "shop"]
    assert json.loads(variables["REQUIRED_SCOPES"]) == ["models.invoke"]
    assert "JWKS_URI" not in variables
    statements = stack.policy("aws_iam_role_policy", "authorizer_function_role_policy")
    services = {action.partition(":")[0] for one in statements for action in one["Action"]}
    assert services == {"kms", "logs", "xray"}
    (decrypt,) = (one for one in statements if one["Action"] == ["kms:Decrypt"])
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:acme-prod-api-authorizer"
    assert decrypt["Condition"]["StringLike"] == {
        "kms:EncryptionContext:aws:lambda:FunctionArn": [arn, f"{arn}:*"]
    }
    authorizer = stack.one("aws_api_gateway_authorizer")
    assert (authorizer["type"], authorizer["authorizer_result_ttl_in_seconds"]) == ("TOKEN", 60)
    assert re.fullmatch(authorizer["identity_validation_expression"], "Bearer a-b.c_d.e")
    assert not re.fullmatch(authorizer["identity_validation_expression"], "Basic YTpi")


def test_api_gateway_alone_calls_the_functions_and_this_api_alone(
    synth: Synth, config: InferenceApiConfig
) -> None:
    stack = made(
        synth,
        config,
        authentication=OidcJwt(issuer="https://login.acme.example", audiences=("models",)),
    )
    start = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:${{aws_api_gateway_rest_api.this.id}}"
    found = {one["function_name"]: one for one in stack.all("aws_lambda_permission").values()}
    assert {name: one["source_arn"] for name, one in found.items()} == {
        "${aws_lambda_function.function.function_name}": f"{start}/live/*",
        "${aws_lambda_function.authorizer_function.function_name}": (
            f"{start}/authorizers/${{aws_api_gateway_authorizer.authorizer.id}}"
        ),
    }
    assert {one["principal"] for one in found.values()} == {"apigateway.amazonaws.com"}
    assert all("alias" in one["qualifier"] for one in found.values())


def test_a_function_of_yours_gets_the_header_that_you_name(synth: Synth, config: InferenceApiConfig) -> None:
    stack = made(synth, config, authentication=LambdaAuthorizer(function_arn=AUTHORIZER, header="X-Ticket"))
    authorizer = stack.one("aws_api_gateway_authorizer")
    assert authorizer["identity_source"] == "method.request.header.X-Ticket"
    assert authorizer["authorizer_uri"].endswith(f"/functions/{AUTHORIZER}/invocations")
    assert stack.one("aws_lambda_permission", "authorizer_permission")["function_name"] == AUTHORIZER


def test_the_function_knows_the_routes_and_calls_their_endpoints_alone(
    synth: Synth, config: InferenceApiConfig
) -> None:
    routes = {
        "churn": Route(endpoint="churn", target_variants=("champion",), timeout_seconds=7),
        "history": Route(endpoint="history", content_types=("image/png",), max_payload_bytes=1000),
    }
    stack = made(synth, config, routes=routes)
    function = stack.one("aws_lambda_function")
    assert function["timeout"] == 26
    variables = function["environment"]["variables"]
    assert set(variables) == {
        "LOG_LEVEL",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_SERVICE_NAME",
        "ROUTES",
    }
    assert json.loads(variables["ROUTES"]) == {
        "churn": {
            "endpoint_name": "acme-prod-churn",
            "kind": "RealTime",
            "content_types": ["application/json", "text/csv"],
            "max_payload_bytes": 4_000_000,
            "timeout_seconds": 7,
            "target_variants": ["champion"],
            "target_models": [],
            "input_s3_uri": None,
            "output_s3_uri": None,
            "failure_s3_uri": None,
        },
        "history": {
            "endpoint_name": "acme-prod-history",
            "kind": "Asynchronous",
            "content_types": ["image/png"],
            "max_payload_bytes": 1000,
            "timeout_seconds": 25,
            "target_variants": [],
            "target_models": [],
            "input_s3_uri": "s3://acme-prod-queue/history/input/",
            "output_s3_uri": "s3://acme-prod-queue/history/output/",
            "failure_s3_uri": "s3://acme-prod-queue/history/failure/",
        },
    }
    statements = stack.policy("aws_iam_role_policy")
    called = [
        arn for one in statements if "sagemaker:InvokeEndpoint" in one["Action"] for arn in one["Resource"]
    ]
    assert called == [f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/acme-prod-churn"]


def test_a_function_is_encrypted_traced_versioned_and_has_its_own_concurrency(
    synth: Synth, config: InferenceApiConfig
) -> None:
    stack = made(synth, config, function=Function(memory_mb=1024, reserved_concurrency=7))
    function = stack.one("aws_lambda_function")
    assert function["kms_key_arn"] == KEY
    assert function["tracing_config"] == {"mode": "Active"}
    assert function["publish"] is True
    assert (function["memory_size"], function["reserved_concurrent_executions"]) == (1024, 7)
    assert stack.one("aws_lambda_alias")["function_version"] == "${aws_lambda_function.function.version}"
    assert (
        ":${aws_lambda_alias.function_alias.name}/invocations"
        in stack.one("aws_api_gateway_integration")["uri"]
    )


def test_in_subnets_the_function_may_connect_to_them(synth: Synth, config: InferenceApiConfig) -> None:
    inside = replace(config, subnet_ids=("subnet-1", "subnet-2"), security_group_ids=("sg-1",))
    stack = synth(InferenceApi, inside)
    assert stack.one("aws_lambda_function")["vpc_config"] == {
        "security_group_ids": ["sg-1"],
        "subnet_ids": ["subnet-1", "subnet-2"],
    }
    for one, may in ((inside, True), (config, False)):
        statements = synth(InferenceApi, one).policy("aws_iam_role_policy")
        assert any("ec2:CreateNetworkInterface" in one["Action"] for one in statements) is may


def test_a_new_route_is_a_new_snapshot_and_a_new_limit_is_none(
    synth: Synth, config: InferenceApiConfig
) -> None:
    """S27: what a stage serves changes with a deployment only."""
    before = served(made(synth, config))
    assert served(made(synth, config)) == before
    more = {"churn": Route(endpoint="churn"), "backoffice": Route(endpoint="backoffice")}
    for change in (
        {"routes": more},
        {"authentication": CognitoJwt(user_pool_arns=(POOL,))},
        {"usage_plans": {"channels": UsagePlan(api_keys=("shop",))}},
    ):
        assert served(made(synth, config, **change)) != before
    quick = {"churn": Route(endpoint="churn", timeout_seconds=1)}
    assert served(made(synth, config, routes=quick, throttling=Throttling(burst_limit=9))) == before


def test_what_others_make_is_in_the_snapshot_by_its_value(synth: Synth, config: InferenceApiConfig) -> None:
    pool = "${aws_cognito_user_pool.pool.arn}"
    stack = made(synth, config, authentication=CognitoJwt(user_pool_arns=(pool,)))
    assert "aws_cognito_user_pool.pool.arn" in served(stack)["given"]


def test_a_deployment_is_made_of_all_and_before_the_old_one_goes(
    synth: Synth, config: InferenceApiConfig
) -> None:
    stack = made(synth, config, **FULL)
    deployment = stack.one("aws_api_gateway_deployment")
    assert deployment["lifecycle"] == {"create_before_destroy": True}
    kinds = ("authorizer", "gateway_response", "integration", "method", "request_validator", "resource")
    parts = {
        address
        for address in stack.addresses
        if address.split(".")[0] in {f"aws_api_gateway_{kind}" for kind in kinds}
    }
    assert parts <= set(deployment["depends_on"])


def test_the_stage_is_traced_throttled_and_logs_no_payload(synth: Synth, config: InferenceApiConfig) -> None:
    stack = made(synth, config, throttling=Throttling(rate_limit_per_second=9, burst_limit=18))
    stage = stack.one("aws_api_gateway_stage")
    assert stage["xray_tracing_enabled"] is True
    assert "cache_cluster_enabled" not in stage
    logged = json.loads(stage["access_log_settings"]["format"])
    secret = re.compile(r"header|body|token|apiKey\b|authorizer\.(?!principalId|claims\.sub)", re.IGNORECASE)
    assert not [value for value in logged.values() if secret.search(value)]
    assert stack.one("aws_api_gateway_method_settings")["settings"] == {
        "caching_enabled": False,
        "data_trace_enabled": False,
        "logging_level": "ERROR",
        "metrics_enabled": True,
        "throttling_burst_limit": 18,
        "throttling_rate_limit": 9,
    }


def test_all_logs_are_encrypted_and_end_and_api_gateways_own_is_there_before_it_would_make_it(
    synth: Synth, config: InferenceApiConfig
) -> None:
    stack = made(synth, replace(config, log_retention_days=731))
    groups = {one["name"]: one for one in stack.all("aws_cloudwatch_log_group").values()}
    assert set(groups) == {
        "/aws/apigateway/acme-prod-api/access",
        "/aws/lambda/acme-prod-api",
        "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/live",
        "aws-waf-logs-acme-prod-api",
    }
    assert {one["kms_key_id"] for one in groups.values()} == {LOGS_KEY}
    settings = stack.one("aws_api_gateway_method_settings")
    assert settings["depends_on"] == ["aws_cloudwatch_log_group.execution_logs"]


def test_what_api_gateway_refuses_is_answered_as_the_function_answers(
    synth: Synth, config: InferenceApiConfig
) -> None:
    answers = {
        one["response_type"]: one
        for one in made(synth, config).all("aws_api_gateway_gateway_response").values()
    }
    assert set(answers) == {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED"}
    for answer in answers.values():
        text = answer["response_templates"]["application/json"]
        filled = text.replace("$context.error.messageString", '"no"')
        assert set(json.loads(filled)["error"]) == {"code", "message", "request_id"}
    assert answers["THROTTLED"]["response_parameters"] == {"gatewayresponse.header.Retry-After": "'1'"}


def test_payloads_are_bytes_and_a_type_is_asked_for(synth: Synth, config: InferenceApiConfig) -> None:
    stack = made(synth, config)
    assert stack.one("aws_api_gateway_rest_api")["binary_media_types"] == ["*/*"]
    method = stack.one("aws_api_gateway_method")
    assert method["request_parameters"] == {"method.request.header.Content-Type": True}
    assert method["request_validator_id"] == "${aws_api_gateway_request_validator.validator.id}"


def test_keys_count_and_never_let_in(synth: Synth, config: InferenceApiConfig) -> None:
    plans = {
        "channels": UsagePlan(api_keys=("shop", "call-centre")),
        "partners": UsagePlan(
            api_keys=("insurer",),
            throttling=Throttling(rate_limit_per_second=2, burst_limit=4),
            quota=Quota(limit=100, period="DAY"),
        ),
    }
    stack = made(synth, config, usage_plans=plans)
    method = stack.one("aws_api_gateway_method")
    assert (method["api_key_required"], method["authorization"]) == (True, "AWS_IAM")
    assert made(synth, config).one("aws_api_gateway_method")["api_key_required"] is False
    assert len(stack.all("aws_api_gateway_usage_plan_key")) == 3
    partners = stack.one("aws_api_gateway_usage_plan", "partners_plan")
    assert partners["quota_settings"] == {"limit": 100, "period": "DAY"}
    assert partners["throttle_settings"] == {"burst_limit": 4, "rate_limit": 2}
    assert all("value" not in key for key in stack.all("aws_api_gateway_api_key").values())


def test_a_name_of_yours_takes_tls_1_2_and_switches_the_other_off(
    synth: Synth, config: InferenceApiConfig
) -> None:
    domain = Domain(name="models.acme.example", certificate_arn=CERTIFICATE)
    stack = made(synth, config, domain=domain)
    assert stack.one("aws_api_gateway_rest_api")["disable_execute_api_endpoint"] is True
    made_domain = stack.one("aws_api_gateway_domain_name")
    assert made_domain["security_policy"] == "TLS_1_2"
    assert made_domain["regional_certificate_arn"] == CERTIFICATE
    assert not stack.all("aws_route53_record")
    in_zone = made(synth, config, domain=replace(domain, hosted_zone_id="Z0123456789ABCDEFGHIJ"))
    assert in_zone.one("aws_route53_record")["zone_id"] == "Z0123456789ABCDEFGHIJ"
    assert made(synth, config).one("aws_api_gateway_rest_api")["disable_execute_api_endpoint"] is False


def test_a_private_api_lets_its_vpc_endpoints_alone_through(synth: Synth, config: InferenceApiConfig) -> None:
    vpce = "vpce-0a1b2c3d4e5f67890"
    closed = replace(config, api=replace(API, access=Private()), vpc_endpoint_ids=(vpce,))
    stack = synth(InferenceApi, closed)
    api = stack.one("aws_api_gateway_rest_api")
    assert api["endpoint_configuration"] == {"types": ["PRIVATE"], "vpc_endpoint_ids": [vpce]}
    (statement,) = stack.policy("aws_api_gateway_rest_api_policy")
    assert statement["Condition"] == {"StringEquals": {"aws:SourceVpce": [vpce]}}
    assert "aws_api_gateway_rest_api_policy.policy" in stack.one("aws_api_gateway_deployment")["depends_on"]


def test_the_firewall_has_rules_of_aws_a_limit_and_a_size(synth: Synth, config: InferenceApiConfig) -> None:
    decided = Firewall(
        requests_per_address_per_5_minutes=77, counted_common_rules=("CrossSiteScripting_BODY",)
    )
    routes = {
        "churn": Route(endpoint="churn", max_payload_bytes=10),
        "backoffice": Route(endpoint="backoffice", max_payload_bytes=4096),
    }
    found = rules(made(synth, config, firewall=decided, routes=routes))
    assert list(found) == [
        "size",
        "rate",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesAmazonIpReputationList",
    ]
    assert found["rate"]["statement"]["rate_based_statement"]["limit"] == 77
    assert found["rate"]["action"]["block"]["custom_response"]["response_code"] == 429
    assert found["size"]["action"]["block"]["custom_response"]["response_code"] == 413
    size = found["size"]["statement"]["regex_match_statement"]
    assert size["field_to_match"] == {"single_header": {"name": "content-length"}}
    assert size["regex_string"] == larger_than(4096)
    (counted,) = found["AWSManagedRulesCommonRuleSet"]["statement"]["managed_rule_group_statement"][
        "rule_action_override"
    ]
    assert counted == {"name": "CrossSiteScripting_BODY", "action_to_use": {"count": {}}}


@pytest.mark.parametrize("limit", [1, 9, 10, 99, 1000, 4096, 1_234_567, 4_000_000])
def test_a_length_is_larger_when_its_digits_say_so(limit: int) -> None:
    pattern = re.compile(larger_than(limit))
    around = {*range(max(0, limit - 50), limit + 50), 0, limit * 2, limit * 10, limit * 100, limit // 2}
    assert {one for one in around if pattern.search(str(one))} == {one for one in around if one > limit}


def test_the_firewalls_log_has_no_credentials_and_nothing_is_sampled(
    synth: Synth, config: InferenceApiConfig
) -> None:
    stack = made(synth, config)
    redacted = stack.one("aws_wafv2_web_acl_logging_configuration")["redacted_fields"]
    headers = {one["single_header"]["name"] for one in redacted if "single_header" in one}
    assert headers == {"authorization", "cookie", "x-amz-security-token", "x-api-key"}
    assert {"query_string": {}} in redacted
    acl = stack.one("aws_wafv2_web_acl")
    seen = [acl["visibility_config"], *(one["visibility_config"] for one in acl["rule"])]
    assert {one["sampled_requests_enabled"] for one in seen} == {False}


def test_without_firewall_and_alarms_there_are_none(synth: Synth, config: InferenceApiConfig) -> None:
    stack = made(synth, config, firewall=None, alarms=None)
    assert not [address for address in stack.addresses if "wafv2" in address or "alarm" in address]


def test_people_are_told_of_errors_latency_and_throttles(synth: Synth, config: InferenceApiConfig) -> None:
    decided = ApiThresholds(error_5xx_percent=0.5, latency_p99_milliseconds=3000)
    alarms = made(synth, config, alarms=decided).all("aws_cloudwatch_metric_alarm")
    assert {name: (one["metric_name"], one["threshold"]) for name, one in alarms.items()} == {
        "errors_alarm": ("5XXError", 0.005),
        "latency_alarm": ("Latency", 3000),
        "throttles_alarm": ("Throttles", 1),
    }
    assert all(one["alarm_actions"] == [TOPIC] == one["ok_actions"] for one in alarms.values())


def test_a_caller_is_granted_the_routes_that_it_names(synth: Synth, config: InferenceApiConfig) -> None:
    granted: list[Statement] = []

    def build(stack: TerraformStack) -> None:
        routes = {"churn": Route(endpoint="churn"), "backoffice": Route(endpoint="backoffice")}
        api = InferenceApi(stack, "api", replace(config, api=replace(API, routes=routes)))
        granted.extend((api.invoke("churn"), api.invoke()))

    synth(build)
    one, all_ = granted
    assert one.actions == ("execute-api:Invoke",)
    assert [arn.partition("/live/")[2] for arn in one.resources] == ["*/endpoints/churn/*"]
    assert len(all_.resources) == 2


def test_the_same_folder_gives_the_same_zip_whenever_it_was_written(tmp_path: Path) -> None:
    first = Path(package(tmp_path / "a", "inference_api"))
    second = Path(package(tmp_path / "b", "inference_api"))
    (second / "__pycache__").mkdir()
    (second / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"x")
    for file in second.rglob("*.py"):
        os.utime(file, (0, 0))
        file.chmod(0o600)
    assert zipped(first) == zipped(second)
    path = tmp_path / "code.zip"
    path.write_bytes(zipped(first))
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["inference_api/__init__.py", "inference_api/handler.py"]
        assert archive.testzip() is None


def test_changed_code_is_another_hash_and_another_file(synth: Synth, config: InferenceApiConfig) -> None:
    before = synth(InferenceApi, config).one("aws_lambda_function")
    (Path(config.code_path) / "handler.py").write_text("changed = True\n", encoding="utf-8")
    after = synth(InferenceApi, config).one("aws_lambda_function")
    for attribute in ("filename", "source_code_hash"):
        assert before[attribute] != after[attribute]
    assert after["filename"].startswith("${path.module}/assets/function_code/")


def test_a_folder_without_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="code_path: supply a folder with a Python package, got 'empty'"):
        zipped(tmp_path / "empty")


def test_a_layer_that_was_not_made_is_refused(synth: Synth, config: InferenceApiConfig) -> None:
    with pytest.raises(
        (ValueError, RuntimeError), match=r"packages: supply a file that is there, .* got 'layer\.zip'"
    ):
        synth(InferenceApi, replace(config, layer_path="layer.zip"))


@pytest.mark.parametrize(
    ("refused", "problem"),
    [
        (lambda: Route(endpoint="a", content_types=()), "content_types: supply at least one, got none"),
        (
            lambda: Route(endpoint="a", content_types=("JSON",)),
            "content_types: supply a value such as application/json, got 'JSON'",
        ),
        (
            lambda: Route(endpoint="a", content_types=("application/vnd.sagewright.input+json",)),
            "content_types: remove application/vnd.sagewright.input+json",
        ),
        (
            lambda: Route(endpoint="a", max_payload_bytes=5_000_000),
            "max_payload_bytes: supply at most 4500000, got 5000000",
        ),
        (lambda: Route(endpoint="a", timeout_seconds=28), "timeout_seconds: supply at most 27, got 28"),
        (lambda: Route(endpoint="a", timeout_seconds=0), "timeout_seconds: supply at least 1, got 0"),
        (
            lambda: Route(endpoint="a", target_variants=("b", "b")),
            "target_variants: supply each once, got 'b' twice",
        ),
        (
            lambda: Route(endpoint="a", target_models=("b", "b")),
            "target_models: supply each once, got 'b' twice",
        ),
        (lambda: CognitoJwt(user_pool_arns=()), "user_pool_arns: supply at least one, got none"),
        (lambda: CognitoJwt(user_pool_arns=("pool",)), "user_pool_arns: supply a value such as"),
        (lambda: OidcJwt(issuer="http://a.b", audiences=("c",)), "issuer: supply a value such as https://"),
        (lambda: OidcJwt(issuer="https://a.b", audiences=()), "audiences: supply at least one, got none"),
        (
            lambda: OidcJwt(issuer="https://a.b", audiences=("c",), jwks_uri="http://a.b"),
            "jwks_uri: supply a value such as https://",
        ),
        (
            lambda: OidcJwt(issuer="https://a.b", audiences=("c",), result_ttl_seconds=3601),
            "result_ttl_seconds: supply at most 3600, got 3601",
        ),
        (lambda: LambdaAuthorizer(function_arn="authorize"), "function_arn: supply a value such as arn:aws:"),
        (
            lambda: LambdaAuthorizer(function_arn=AUTHORIZER, header="X Y"),
            "header: supply a value such as Authorization, got 'X Y'",
        ),
        (lambda: Private(vpc_endpoint_ids=("vpc-1",)), "vpc_endpoint_ids: supply a value such as vpce-"),
        (lambda: Throttling(rate_limit_per_second=0), "rate_limit_per_second: supply at least 1, got 0"),
        (lambda: Throttling(burst_limit=0), "burst_limit: supply at least 1, got 0"),
        (lambda: Quota(limit=0, period="DAY"), "limit: supply at least 1, got 0"),
        (lambda: UsagePlan(api_keys=()), "api_keys: supply at least one, got none"),
        (lambda: UsagePlan(api_keys=("A",)), "api_keys: supply a value such as call-centre, got 'A'"),
        (
            lambda: Domain(name="models", certificate_arn=CERTIFICATE),
            "name: supply a value such as models.acme.example, got 'models'",
        ),
        (
            lambda: Domain(name="a.example", certificate_arn="certificate"),
            "certificate_arn: supply a value such as arn:aws:acm:",
        ),
        (
            lambda: Domain(name="a.example", certificate_arn=CERTIFICATE, hosted_zone_id="z-1"),
            "hosted_zone_id: supply a value such as Z0123456789ABCDEFGHIJ, got 'z-1'",
        ),
        (
            lambda: Firewall(requests_per_address_per_5_minutes=9),
            "requests_per_address_per_5_minutes: supply at least 10, got 9",
        ),
        (
            lambda: Firewall(counted_common_rules=("a b",)),
            "counted_common_rules: supply a value such as CrossSiteScripting_BODY, got 'a b'",
        ),
        (lambda: Function(memory_mb=64), "memory_mb: supply at least 128, got 64"),
        (lambda: Function(memory_mb=20_000), "memory_mb: supply at most 10240, got 20000"),
        (lambda: Function(reserved_concurrency=0), "reserved_concurrency: supply at least 1, got 0"),
        (lambda: ApiThresholds(error_5xx_percent=0), "error_5xx_percent: supply at least 0.001, got 0"),
        (lambda: ApiThresholds(error_5xx_percent=101), "error_5xx_percent: supply at most 100, got 101"),
        (
            lambda: ApiThresholds(latency_p99_milliseconds=0),
            "latency_p99_milliseconds: supply at least 1, got 0",
        ),
        (
            lambda: ApiThresholds(throttled_invocations_per_minute=0),
            "throttled_invocations_per_minute: supply at least 1, got 0",
        ),
        (lambda: replace(API, routes={}), "routes: supply at least one, got none"),
        (
            lambda: replace(API, routes={"Churn": Route(endpoint="churn")}),
            "routes: name: supply a value such as churn, got 'Churn'",
        ),
        (
            lambda: replace(API, usage_plans={"A": UsagePlan(api_keys=("a",))}),
            "usage_plans: name: supply a value such as partners, got 'A'",
        ),
        (
            lambda: replace(API, usage_plans={n: UsagePlan(api_keys=("a",)) for n in ("b", "c")}),
            "usage_plans: api_keys: supply each once, got 'a' twice",
        ),
        (
            lambda: replace(
                API, usage_plans={"b": UsagePlan(api_keys=("a",), throttling=Throttling(burst_limit=101))}
            ),
            "usage_plans.b.throttling.burst_limit: supply at most that of the API, 100, got 101",
        ),
        (
            lambda: replace(
                API, access=Private(), domain=Domain(name="a.example", certificate_arn=CERTIFICATE)
            ),
            "domain: remove it where access is Private",
        ),
        (
            lambda: Exposed(name="a", inference=Asynchronous(model="a", instance_count=1), statements=()),
            "input_s3_uri: supply a place in S3, got none",
        ),
        (
            lambda: Exposed(name="a", inference=REAL_TIME, statements=(), output_s3_uri="bucket"),
            "output_s3_uri: supply a value such as s3://bucket/prefix/, got 'bucket'",
        ),
    ],
)
def test_what_cannot_be_is_refused(refused: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        refused()


def with_routes(**routes: Route) -> dict[str, Any]:
    return {"api": replace(API, routes=routes)}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "acme_prod"}, "name: supply a value such as acme-prod-api, got 'acme_prod'"),
        ({"name": "a" * 54}, "name: supply at most 53 characters, got 54"),
        (
            with_routes(churn=Route(endpoint="other")),
            "api.routes.churn.endpoint: supply one of backoffice, churn, history, got 'other'",
        ),
        (
            with_routes(churn=Route(endpoint="churn", target_variants=("other",))),
            "api.routes.churn.target_variants: supply variants of the endpoint (champion), got 'other'",
        ),
        (
            with_routes(history=Route(endpoint="history", target_variants=("other",))),
            "api.routes.history.target_variants: supply variants of the endpoint (it has none to choose",
        ),
        (
            with_routes(history=Route(endpoint="history", target_models=("a.tar.gz",))),
            "api.routes.history.target_models: remove them",
        ),
        (
            {"api": replace(API, access=Private())},
            "vpc_endpoint_ids: supply those for execute-api where api.access is Private, got none",
        ),
        (
            {"vpc_endpoint_ids": ("vpce-0a1b2c3d4e5f67890",)},
            "vpc_endpoint_ids: remove them where api.access is not Private",
        ),
        (
            {"subnet_ids": ("subnet-1",)},
            "subnet_ids, security_group_ids: supply both or none of them, got one",
        ),
        ({"alarm_topic_arns": ()}, "alarm_topic_arns: supply who is told of alarms, or api.alarms: null"),
        (
            with_routes(**{f"churn-{n}": Route(endpoint="churn") for n in range(20)}),
            "api.routes: supply fewer, or with fewer choices: Lambda takes 4096 bytes, got ",
        ),
        (
            {
                "api": replace(
                    API,
                    authentication=LambdaAuthorizer(function_arn=AUTHORIZER.replace(ACCOUNT, "999988887777")),
                )
            },
            f"api.authentication.function_arn: supply a function of account {ACCOUNT} in {REGION}, got ",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(
    changes: dict[str, Any], problem: str, config: InferenceApiConfig
) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        replace(config, **changes)
