"""An authenticated API in front of SageMaker endpoints: API Gateway, a function, and a firewall.

A REST API: HTTP APIs take no firewall, no usage plan, no private access and no request validation.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cdktf import Fn, TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from .._aws.api_gateway_api_key import ApiGatewayApiKey
from .._aws.api_gateway_base_path_mapping import ApiGatewayBasePathMapping
from .._aws.api_gateway_deployment import ApiGatewayDeployment
from .._aws.api_gateway_domain_name import ApiGatewayDomainName, ApiGatewayDomainNameEndpointConfiguration
from .._aws.api_gateway_method_settings import ApiGatewayMethodSettings, ApiGatewayMethodSettingsSettings
from .._aws.api_gateway_rest_api import ApiGatewayRestApi, ApiGatewayRestApiEndpointConfiguration
from .._aws.api_gateway_rest_api_policy import ApiGatewayRestApiPolicy
from .._aws.api_gateway_stage import ApiGatewayStage, ApiGatewayStageAccessLogSettings
from .._aws.api_gateway_usage_plan import (
    ApiGatewayUsagePlan,
    ApiGatewayUsagePlanApiStages,
    ApiGatewayUsagePlanQuotaSettings,
    ApiGatewayUsagePlanThrottleSettings,
)
from .._aws.api_gateway_usage_plan_key import ApiGatewayUsagePlanKey
from .._aws.lambda_permission import LambdaPermission
from .._aws.route53_record import Route53Record, Route53RecordAlias
from .._core import Principal, Statement, document, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from ..endpoint import Asynchronous, Inference, RealTime
from ..log_group import LogGroup, LogGroupConfig
from . import alarms, firewall, functions, routes, snapshot
from .decisions import Api, CognitoJwt, Domain, LambdaAuthorizer, OidcJwt, Private, UsagePlan
from .functions import FunctionConfig, PublishedFunction, Surroundings

STAGE = "live"
"""The only stage: an environment has its own API."""
CODE = Path(__file__).resolve().parents[2] / "runtime"
"""Where the functions' code lies: beside modules/, in a checkout and in the package."""

LONGEST_ENVIRONMENT = 4096
"""Bytes of all of a function's environment variables.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
AUTHORIZER_TIMEOUT_SECONDS = 10
AUTHORIZER_MEMORY_MB = 256

ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "source_ip": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "principal": "$context.authorizer.principalId",
    "subject": "$context.authorizer.claims.sub",
    "api_key_id": "$context.identity.apiKeyId",
    "response_bytes": "$context.responseLength",
    "latency_milliseconds": "$context.responseLatency",
    "integration_latency_milliseconds": "$context.integration.latency",
    "integration_status": "$context.integration.status",
    "waf_status": "$context.waf.status",
    "trace_id": "$context.xrayTraceId",
}
"""Who called what, when, and how it went: no payload, no header, no token, no key.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
"""


@record
class Exposed:
    """An endpoint that a route may lead to."""

    name: str
    """The endpoint's name: `Endpoint.outputs.name`."""
    inference: Inference
    """Kind of endpoint, with all decisions."""
    statements: tuple[Statement, ...]
    """What the function needs: `invoke(…)` of the module `endpoint`, and for an asynchronous one to write its
    input and to read its results and failures."""
    input_s3_uri: str | None = None
    """Where an asynchronous endpoint's input is put, as `s3://bucket/prefix/`; it needs this and the next."""
    output_s3_uri: str | None = None
    """Where it writes its results."""
    failure_s3_uri: str | None = None
    """Where it writes why a request failed."""

    def __post_init__(self) -> None:
        places = ("input_s3_uri", "output_s3_uri", "failure_s3_uri")
        needed = isinstance(self.inference, Asynchronous)
        refuse(
            *(
                when(needed and getattr(self, place) is None, f"{place}: supply a place in S3, got none")
                for place in places
            ),
            *(
                matches(place, getattr(self, place), "s3://[^/]+/.+", "s3://bucket/prefix/")
                for place in places
            ),
        )


@record
class InferenceApiConfig:
    """What an API is made of."""

    name: str
    """Name of the API, its functions and roles, at most 53 characters."""
    api: Api
    """All decisions."""
    endpoints: Mapping[str, Exposed]
    """Endpoints by the key that routes use."""
    data_kms_key_arn: str
    """Key for the functions' settings."""
    logs_kms_key_arn: str
    """Key for all logs."""
    permissions_boundary_arn: str
    """Boundary of the functions' roles."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    log_retention_days: int = 365
    """Days for which logs are kept."""
    code_path: str = str(CODE / "inference_api")
    """Folder of the package of the function that calls the endpoints."""
    authorizer_code_path: str = str(CODE / "jwt_authorizer")
    """Folder of the package of the function that looks at OIDC tokens."""
    layer_path: str = str(CODE.parent / ".sagewright" / "runtime" / "layer.zip")
    """Zip of the layer with the packages that they import, which set-up makes."""
    subnet_ids: tuple[str, ...] = ()
    """Subnets that the function calls the endpoints from; it is in no VPC, by default. What looks at OIDC
    tokens never is: it fetches the provider's keys."""
    security_group_ids: tuple[str, ...] = ()
    vpc_endpoint_ids: tuple[str, ...] = ()
    """VPC endpoints for `execute-api` of an API whose access is `Private`; needed there, and only there."""
    alarm_topic_arns: tuple[str, ...] = ()
    """SNS topics that are told of alarms."""

    def __post_init__(self) -> None:
        private = isinstance(self.api.access, Private)
        size = sum(len(key) + len(value.encode()) for key, value in self.environment().items())
        refuse(
            matches("name", self.name, r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*", "acme-prod-api"),
            no_longer_than("name", self.name, 64 - len("-authorizer")),
            *self._unknown_endpoints(),
            when(
                private and not self.vpc_endpoint_ids,
                "vpc_endpoint_ids: supply those for execute-api where api.access is Private, got none",
            ),
            when(
                self.vpc_endpoint_ids and not private,
                "vpc_endpoint_ids: remove them where api.access is not Private",
            ),
            when(
                bool(self.subnet_ids) != bool(self.security_group_ids),
                "subnet_ids, security_group_ids: supply both or none of them, got one",
            ),
            when(
                self.api.alarms and not self.alarm_topic_arns,
                "alarm_topic_arns: supply who is told of alarms, or api.alarms: null, got none",
            ),
            when(
                not unresolved(self.environment()) and size > LONGEST_ENVIRONMENT,
                f"api.routes: supply fewer, or with fewer choices: Lambda takes {LONGEST_ENVIRONMENT} bytes, "
                f"got {size}",
            ),
            *self._foreign_function(),
        )

    def _unknown_endpoints(self) -> Iterator[str | None]:
        legal = ", ".join(sorted(self.endpoints)) or "none"
        for name, route in self.api.routes.items():
            exposed = self.endpoints.get(route.endpoint)
            if exposed is None:
                yield f"api.routes.{name}.endpoint: supply one of {legal}, got {route.endpoint!r}"
                continue
            variants = exposed.inference.variants if isinstance(exposed.inference, RealTime) else {}
            for variant in route.target_variants:
                yield when(
                    variant not in variants,
                    f"api.routes.{name}.target_variants: supply variants of the endpoint "
                    f"({', '.join(sorted(variants)) or 'it has none to choose from'}), got {variant!r}",
                )
            yield when(
                route.target_models and not isinstance(exposed.inference, RealTime),
                f"api.routes.{name}.target_models: remove them, only a real-time endpoint has several models",
            )

    def _foreign_function(self) -> Iterator[str | None]:
        who = self.api.authentication
        if isinstance(who, LambdaAuthorizer) and not unresolved((who.function_arn, self.account_id)):
            here = f":lambda:{self.region}:{self.account_id}:"
            yield when(
                here not in who.function_arn,
                f"api.authentication.function_arn: supply a function of account {self.account_id} in "
                f"{self.region}, got {who.function_arn!r}",
            )

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the function that calls the endpoints."""
        listed: dict[str, dict[str, Any]] = {}
        for name, route in self.api.routes.items():
            if route.endpoint in self.endpoints:
                exposed = self.endpoints[route.endpoint]
                listed[name] = {
                    "endpoint_name": exposed.name,
                    "kind": exposed.inference.kind,
                    "content_types": list(route.content_types),
                    "max_payload_bytes": route.max_payload_bytes,
                    "timeout_seconds": route.timeout_seconds,
                    "target_variants": list(route.target_variants),
                    "target_models": list(route.target_models),
                    "input_s3_uri": exposed.input_s3_uri,
                    "output_s3_uri": exposed.output_s3_uri,
                    "failure_s3_uri": exposed.failure_s3_uri,
                }
        return {
            "LOG_LEVEL": "INFO",
            "POWERTOOLS_METRICS_NAMESPACE": self.name,
            "POWERTOOLS_SERVICE_NAME": self.name,
            "ROUTES": json.dumps(listed, sort_keys=True, separators=(",", ":")),
        }


@record
class InferenceApiOutputs:
    """What an API gives."""

    id: str
    url: str
    """What paths such as `/endpoints/churn/invocations` are appended to."""
    stage_name: str
    function_name: str
    domain_target: str | None
    """What a name of yours has to be an alias of, where there is one."""


def access(
    api_id: str, route_names: Iterable[str], region: str, account_id: str, partition: str = "aws"
) -> Statement:
    """Return what a caller's role needs for some routes of an API whose authentication is Sigv4.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
    """
    start = f"arn:{partition}:execute-api:{region}:{account_id}:{api_id}/{STAGE}"
    return Statement(
        actions=("execute-api:Invoke",),
        resources=tuple(f"{start}/*/endpoints/{name}/*" for name in sorted(route_names)),
    )


class InferenceApi(Construct):
    """Whatever changes of its routes is a new deployment, which the stage then serves, without a gap."""

    def __init__(self, scope: Construct, id_: str, config: InferenceApiConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        self._around = Surroundings(
            account_id=config.account_id,
            region=config.region,
            partition=config.partition,
            data_kms_key_arn=config.data_kms_key_arn,
            logs_kms_key_arn=config.logs_kms_key_arn,
            log_retention_days=config.log_retention_days,
            permissions_boundary_arn=config.permissions_boundary_arn,
            layer_arn=functions.layer(self, config.name, config.layer_path),
        )
        function = self._function()
        api = self._api()
        stage = self._stage(api, self._deployment(api, function))
        self._allow("permission", function.name, function.alias, f"{self._execution(api)}/{STAGE}/*")
        self._usage_plans(api, stage)
        if config.api.firewall:
            logs = self._logs("firewall_logs", f"{firewall.LOG_PREFIX}{config.name}")
            firewall.protect(
                self,
                name=config.name,
                stage_arn=stage.arn,
                log_group_arn=logs.outputs.arn,
                firewall=config.api.firewall,
                max_payload_bytes=max(route.max_payload_bytes for route in config.api.routes.values()),
            )
        domain = self._domain(config.api.domain, api, stage) if config.api.domain else None
        if config.api.alarms:
            alarms.watch(self, config.name, STAGE, config.api.alarms, config.alarm_topic_arns)
        self.outputs = InferenceApiOutputs(
            id=api.id,
            url=f"https://{config.api.domain.name}" if config.api.domain else stage.invoke_url,
            stage_name=stage.stage_name,
            function_name=function.name,
            domain_target=domain.regional_domain_name if domain else None,
        )

    def invoke(self, *route_names: str) -> Statement:
        """Return what a caller's role needs where authentication is Sigv4: for some routes, or for all."""
        config = self.config
        names = route_names or tuple(config.api.routes)
        return access(self.outputs.id, names, config.region, config.account_id, config.partition)

    def _function(self) -> PublishedFunction:
        """Make the function that calls the endpoints: those of its routes, and no other."""
        config, decided = self.config, self.config.api
        used = sorted({route.endpoint for route in decided.routes.values()})
        return PublishedFunction(
            self,
            "function",
            FunctionConfig(
                name=config.name,
                description=f"Calls endpoints for the API {config.name}",
                code_path=config.code_path,
                environment=config.environment(),
                statements=tuple(one for key in used for one in config.endpoints[key].statements),
                memory_mb=decided.function.memory_mb,
                timeout_seconds=max(route.timeout_seconds for route in decided.routes.values()) + 1,
                reserved_concurrency=decided.function.reserved_concurrency,
                subnet_ids=config.subnet_ids,
                security_group_ids=config.security_group_ids,
            ),
            self._around,
        )

    def _authorizer_function(self, who: OidcJwt) -> PublishedFunction:
        """Make the function that looks at tokens; it may do nothing."""
        config = self.config
        name = f"{config.name}-authorizer"
        return PublishedFunction(
            self,
            "authorizer_function",
            FunctionConfig(
                name=name,
                description=f"Looks at tokens for the API {config.name}",
                code_path=config.authorizer_code_path,
                environment={
                    "AUDIENCES": json.dumps(who.audiences),
                    "ISSUER": who.issuer,
                    **({"JWKS_URI": who.jwks_uri} if who.jwks_uri else {}),
                    "LOG_LEVEL": "INFO",
                    "POWERTOOLS_METRICS_NAMESPACE": config.name,
                    "POWERTOOLS_SERVICE_NAME": name,
                    "REQUIRED_SCOPES": json.dumps(who.required_scopes),
                },
                statements=(),
                memory_mb=AUTHORIZER_MEMORY_MB,
                timeout_seconds=AUTHORIZER_TIMEOUT_SECONDS,
                reserved_concurrency=config.api.function.reserved_concurrency,
            ),
            self._around,
        )

    def _api(self) -> ApiGatewayRestApi:
        config = self.config
        private = isinstance(config.api.access, Private)
        return ApiGatewayRestApi(
            self,
            "this",
            name=config.name,
            description="Endpoints of SageMaker",
            binary_media_types=["*/*"],
            disable_execute_api_endpoint=config.api.domain is not None,
            endpoint_configuration=ApiGatewayRestApiEndpointConfiguration(
                types=["PRIVATE" if private else "REGIONAL"],
                vpc_endpoint_ids=list(config.vpc_endpoint_ids) or None,
            ),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )

    def _deployment(self, api: ApiGatewayRestApi, function: PublishedFunction) -> ApiGatewayDeployment:
        """Make routes, and the snapshot of them that the stage serves.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
        """
        config, decided = self.config, self.config.api
        authorizer = routes.authorizer(self, api, decided, self._authorizer_uri())
        if authorizer:
            self._allow_authorizer(f"{self._execution(api)}/authorizers/{authorizer.id}")
        validator = routes.validator(self, api)
        parts = routes.Parts(
            scope=self,
            api=api,
            validator_id=validator.id,
            authorization=routes.authorization(decided, authorizer),
            integration_uri=function.invoke_arn,
            api_key_required=bool(decided.usage_plans),
        )
        asynchronous = {
            name: isinstance(config.endpoints[route.endpoint].inference, Asynchronous)
            for name, route in decided.routes.items()
        }
        served: tuple[TerraformResource, ...] = (
            api,
            *((authorizer,) if authorizer else ()),
            validator,
            *routes.errors(self, api),
            *routes.routes(parts, asynchronous),
            *((self._policy(api),) if config.vpc_endpoint_ids else ()),
        )
        return ApiGatewayDeployment(
            self,
            "deployment",
            rest_api_id=api.id,
            triggers={
                "served": snapshot.digest(served),
                **({"given": Fn.join(",", given)} if (given := list(self._given())) else {}),
            },
            depends_on=list(served),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )

    def _given(self) -> Iterator[str]:
        """Yield what is served and may be made by others, so that its value need not be known before."""
        who = self.config.api.authentication
        if isinstance(who, CognitoJwt):
            yield from who.user_pool_arns
        if isinstance(who, LambdaAuthorizer):
            yield who.function_arn
        yield from self.config.vpc_endpoint_ids

    def _policy(self, api: ApiGatewayRestApi) -> ApiGatewayRestApiPolicy:
        """Let requests through that come by the VPC endpoints; who calls is asked as well."""
        policy = Statement(
            principals=(Principal(kind="AWS", identifiers=("*",)),),
            actions=("execute-api:Invoke",),
            resources=(f"{self._execution(api)}/*",),
            conditions={"StringEquals": {"aws:SourceVpce": self.config.vpc_endpoint_ids}},
        )
        return ApiGatewayRestApiPolicy(self, "policy", rest_api_id=api.id, policy=document(policy))

    def _authorizer_uri(self) -> str | None:
        config, who = self.config, self.config.api.authentication
        if isinstance(who, OidcJwt):
            return self._authorizer_function(who).invoke_arn
        if isinstance(who, LambdaAuthorizer):
            return functions.invoke_arn(who.function_arn, config.region, config.partition)
        return None

    def _allow_authorizer(self, source_arn: str) -> None:
        who = self.config.api.authentication
        if isinstance(who, OidcJwt):
            function = self.node.find_child("authorizer_function")
            assert isinstance(function, PublishedFunction)
            self._allow("authorizer_permission", function.name, function.alias, source_arn)
        elif isinstance(who, LambdaAuthorizer):
            self._allow("authorizer_permission", who.function_arn, None, source_arn)

    def _allow(self, id_: str, function_name: str, alias: str | None, source_arn: str) -> None:
        """Let this API call a function, and no other API.

        https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
        """
        LambdaPermission(
            self,
            id_,
            statement_id=f"{self.config.name}-{id_.replace('_', '-')}",
            action="lambda:InvokeFunction",
            function_name=function_name,
            qualifier=alias,
            principal="apigateway.amazonaws.com",
            source_arn=source_arn,
        )

    def _execution(self, api: ApiGatewayRestApi) -> str:
        config = self.config
        return f"arn:{config.partition}:execute-api:{config.region}:{config.account_id}:{api.id}"

    def _logs(self, id_: str, name: str) -> LogGroup:
        config = self.config
        return LogGroup(
            self,
            id_,
            LogGroupConfig(
                name=name,
                kms_key_arn=config.logs_kms_key_arn,
                retention_days=config.log_retention_days,
                account_id=config.account_id,
                region=config.region,
                partition=config.partition,
            ),
        )

    def _stage(self, api: ApiGatewayRestApi, deployment: ApiGatewayDeployment) -> ApiGatewayStage:
        """Make the stage, with its two logs: who called, and what went wrong within API Gateway.

        The second would be made by API Gateway without key and without end.
        """
        throttling = self.config.api.throttling
        access_logs = self._logs("access_logs", f"/aws/apigateway/{self.config.name}/access")
        execution_logs = self._logs("execution_logs", f"API-Gateway-Execution-Logs_{api.id}/{STAGE}")
        stage = ApiGatewayStage(
            self,
            "stage",
            rest_api_id=api.id,
            deployment_id=deployment.id,
            stage_name=STAGE,
            xray_tracing_enabled=True,
            access_log_settings=ApiGatewayStageAccessLogSettings(
                destination_arn=access_logs.outputs.arn, format=json.dumps(ACCESS_LOG, sort_keys=True)
            ),
        )
        ApiGatewayMethodSettings(
            self,
            "settings",
            rest_api_id=api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=ApiGatewayMethodSettingsSettings(
                metrics_enabled=True,
                logging_level="ERROR",
                data_trace_enabled=False,
                caching_enabled=False,
                throttling_rate_limit=throttling.rate_limit_per_second,
                throttling_burst_limit=throttling.burst_limit,
            ),
            depends_on=[execution_logs.node.find_child("this")],
        )
        return stage

    def _usage_plans(self, api: ApiGatewayRestApi, stage: ApiGatewayStage) -> None:
        for name, plan in sorted(self.config.api.usage_plans.items()):
            made = ApiGatewayUsagePlan(
                self,
                f"{name}_plan",
                name=f"{self.config.name}-{name}",
                api_stages=[ApiGatewayUsagePlanApiStages(api_id=api.id, stage=stage.stage_name)],
                throttle_settings=ApiGatewayUsagePlanThrottleSettings(
                    rate_limit=plan.throttling.rate_limit_per_second, burst_limit=plan.throttling.burst_limit
                ),
                quota_settings=_quota(plan),
            )
            for key in sorted(plan.api_keys):
                api_key = ApiGatewayApiKey(
                    self,
                    f"{key}_key",
                    name=f"{self.config.name}-{key}",
                    description="Tells who is counted, not who is allowed",
                )
                ApiGatewayUsagePlanKey(
                    self,
                    f"{key}_plan_key",
                    usage_plan_id=made.id,
                    key_id=api_key.id,
                    key_type="API_KEY",
                )

    def _domain(self, domain: Domain, api: ApiGatewayRestApi, stage: ApiGatewayStage) -> ApiGatewayDomainName:
        made = ApiGatewayDomainName(
            self,
            "domain",
            domain_name=domain.name,
            regional_certificate_arn=domain.certificate_arn,
            security_policy="TLS_1_2",
            endpoint_configuration=ApiGatewayDomainNameEndpointConfiguration(types=["REGIONAL"]),
        )
        ApiGatewayBasePathMapping(
            self, "mapping", domain_name=made.domain_name, api_id=api.id, stage_name=stage.stage_name
        )
        if domain.hosted_zone_id:
            Route53Record(
                self,
                "record",
                zone_id=domain.hosted_zone_id,
                name=domain.name,
                type="A",
                alias=Route53RecordAlias(
                    name=made.regional_domain_name,
                    zone_id=made.regional_zone_id,
                    evaluate_target_health=False,
                ),
            )
        return made


def _quota(plan: UsagePlan) -> ApiGatewayUsagePlanQuotaSettings | None:
    if plan.quota is None:
        return None
    return ApiGatewayUsagePlanQuotaSettings(limit=plan.quota.limit, period=plan.quota.period)
