"""The Lambda functions of an API: each with a role, a log group, a key for its settings, and a version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from .._aws.lambda_alias import LambdaAlias
from .._aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
    LambdaFunctionTracingConfig,
    LambdaFunctionVpcConfig,
)
from .._aws.lambda_layer_version import LambdaLayerVersion
from .._core import Statement, record
from ..log_group import LogGroup, LogGroupConfig
from ..role import Role, RoleConfig, Services
from .code import packaged, shipped

ALIAS = "live"
"""What API Gateway calls: a published version, never the code that was written last."""
RUNTIME = "python3.13"
ARCHITECTURE = "arm64"

TRACING = Statement(
    actions=(
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ),
    resources=("*",),
)
"""X-Ray takes no narrower resource.

https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""


@record
class Surroundings:
    """What all functions of an API share."""

    account_id: str
    region: str
    partition: str
    data_kms_key_arn: str
    logs_kms_key_arn: str
    log_retention_days: int
    permissions_boundary_arn: str
    layer_arn: str

    def arn(self, function_name: str) -> str:
        """Return a function's ARN, without a version."""
        return f"arn:{self.partition}:lambda:{self.region}:{self.account_id}:function:{function_name}"


@record
class FunctionConfig:
    """One function."""

    name: str
    description: str
    code_path: str
    """Folder of a Python package with the module `handler`, and in it the function `handle`."""
    environment: Mapping[str, str]
    statements: tuple[Statement, ...]
    """What it may do, besides logs and traces."""
    memory_mb: int
    timeout_seconds: int
    reserved_concurrency: int
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()


def layer(scope: Construct, name: str, layer_path: str) -> str:
    """Make the layer with the packages that the functions import; return the ARN of its version.

    An old version goes when nothing uses it any more.
    """
    path, digest = shipped(scope, "packages", Path(layer_path))
    made = LambdaLayerVersion(
        scope,
        "layer",
        layer_name=name,
        description="What the functions of the API import",
        filename=path,
        source_code_hash=digest,
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
        lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
    )
    return str(made.arn)


class PublishedFunction(Construct):
    """A function of which each change is a new version, and the alias `live` names the newest."""

    def __init__(self, scope: Construct, id_: str, config: FunctionConfig, around: Surroundings) -> None:
        super().__init__(scope, id_)
        logs = LogGroup(
            self,
            "logs",
            LogGroupConfig(
                name=f"/aws/lambda/{config.name}",
                kms_key_arn=around.logs_kms_key_arn,
                account_id=around.account_id,
                region=around.region,
                partition=around.partition,
                retention_days=around.log_retention_days,
            ),
        )
        role = Role(
            self,
            "role",
            RoleConfig(
                name=config.name,
                description=config.description,
                trust=Services(names=("lambda.amazonaws.com",)),
                statements=(
                    *config.statements,
                    logs.write(),
                    TRACING,
                    _settings(config, around),
                    *_interfaces(config, around),
                ),
                permissions_boundary_arn=around.permissions_boundary_arn,
                account_id=around.account_id,
                partition=around.partition,
            ),
        )
        folder = Path(config.code_path)
        path, digest = packaged(self, "code", folder)
        function = LambdaFunction(
            self,
            "this",
            function_name=config.name,
            description=config.description,
            role=role.outputs.arn,
            filename=path,
            source_code_hash=digest,
            handler=f"{folder.name}.handler.handle",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            layers=[around.layer_arn],
            memory_size=config.memory_mb,
            timeout=config.timeout_seconds,
            reserved_concurrent_executions=config.reserved_concurrency,
            kms_key_arn=around.data_kms_key_arn,
            environment=LambdaFunctionEnvironment(variables=config.environment),
            logging_config=LambdaFunctionLoggingConfig(log_format="JSON", log_group=logs.outputs.name),
            tracing_config=LambdaFunctionTracingConfig(mode="Active"),
            vpc_config=LambdaFunctionVpcConfig(
                subnet_ids=list(config.subnet_ids), security_group_ids=list(config.security_group_ids)
            )
            if config.subnet_ids
            else None,
            publish=True,
        )
        alias = LambdaAlias(
            self,
            "alias",
            name=ALIAS,
            function_name=function.function_name,
            function_version=function.version,
        )
        self.name = function.function_name
        self.alias = alias.name
        self.invoke_arn = invoke_arn(
            f"{around.arn(config.name)}:{alias.name}", around.region, around.partition
        )


def invoke_arn(function_arn: str, region: str, partition: str) -> str:
    """Return how API Gateway names a function, or an alias of one.

    https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html
    """
    return f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"


def _settings(config: FunctionConfig, around: Surroundings) -> Statement:
    """Return what reads the function's own environment variables, and nothing else under the key.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    """
    arn = around.arn(config.name)
    return Statement(
        actions=("kms:Decrypt",),
        resources=(around.data_kms_key_arn,),
        conditions={"StringLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": (arn, f"{arn}:*")}},
    )


def _interfaces(config: FunctionConfig, around: Surroundings) -> Iterator[Statement]:
    """Yield what Lambda needs of the role to connect a function with subnets.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    if not config.subnet_ids:
        return
    start = f"arn:{around.partition}:ec2:{around.region}:{around.account_id}"
    yield Statement(
        actions=("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
        resources=tuple(f"{start}:{kind}/*" for kind in ("network-interface", "security-group", "subnet")),
    )
    yield Statement(
        actions=(
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        resources=("*",),
    )
