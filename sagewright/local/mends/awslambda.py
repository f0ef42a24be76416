"""Lambda: moto loses how a function logs, is traced and encrypted, and takes what cannot run."""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend
from moto.ec2.models import ec2_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.references import check_key, trusting_role
from sagewright.local.refusal import Refused

LONGEST_ENVIRONMENT = 4096
CONCURRENCY = 1000
UNRESERVED = 100
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

SETTINGS = {"KMSKeyArn": "kms_key_arn", "TracingConfig": "tracing_config"}
"""Settings that moto shows and does not update → its attributes."""

Members = dict[str, Any]


def apply() -> None:
    """Let functions keep how they log, and take changes of all settings that they show."""
    make, show, update = (
        LambdaFunction.__init__,
        LambdaFunction.get_configuration,
        LambdaFunction.update_configuration,
    )

    def made(self: Any, account_id: str, spec: Members, region: str, version: Any = 1) -> None:
        make(self, account_id, spec, region, version)
        self.logging_config = spec.get("LoggingConfig")

    def get_configuration(self: Any, on_create: bool = False) -> Members:
        default = {"LogFormat": "Text", "LogGroup": self.logs_group_name}
        return {**show(self, on_create), "LoggingConfig": {**default, **(self.logging_config or {})}}

    def update_configuration(self: Any, changes: Members) -> Members:
        for name, attribute in SETTINGS.items():
            if name in changes:
                setattr(self, attribute, changes[name])
        if "EphemeralStorage" in changes:
            self.ephemeral_storage = changes["EphemeralStorage"]["Size"]
        self.logging_config = changes.get("LoggingConfig", self.logging_config)
        return update(self, changes)

    LambdaFunction.__init__ = made  # type: ignore[method-assign]
    LambdaFunction.get_configuration = get_configuration  # type: ignore[method-assign]
    LambdaFunction.update_configuration = update_configuration  # type: ignore[assignment,method-assign]


def _create(account_id: str, region: str, request: Members) -> None:
    name = request["FunctionName"]
    if any(one.function_name == name for one in get_backend(account_id, region).list_functions()):
        raise Refused("ResourceConflictException", f"Function already exist: {name}", "409 Conflict")
    if request.get("PackageType", "Zip") == "Zip":
        for needed in ("Handler", "Runtime"):
            if not request.get(needed):
                raise _invalid(f"{needed} is mandatory for functions created with deployment packages.")
    _check_zip(request["Code"])
    _check(account_id, region, request)


def _update_code(account_id: str, region: str, request: Members) -> None:
    _check_zip(request)


def _publish_layer(account_id: str, region: str, request: Members) -> None:
    _check_zip(request["Content"])


def _check_zip(code: Members) -> None:
    if "ZipFile" not in code:
        return
    try:
        zipfile.ZipFile(io.BytesIO(base64.b64decode(code["ZipFile"]))).close()
    except (zipfile.BadZipFile, binascii.Error):
        raise _invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None


def _update(account_id: str, region: str, request: Members) -> None:
    _check(account_id, region, request)


def _check(account_id: str, region: str, request: Members) -> None:
    """Refuse a function that could not run: role, key, network, environment."""
    role = request.get("Role")
    if role is not None and trusting_role(account_id, region, role, "lambda.amazonaws.com") is None:
        raise _invalid("The role defined for the function cannot be assumed by Lambda.")
    if request.get("KMSKeyArn"):
        check_key(account_id, region, request["KMSKeyArn"], _invalid_key)
    network, ec2 = request.get("VpcConfig", {}), ec2_backends[account_id][region]
    subnets = {id_ for zone in ec2.subnets.values() for id_ in zone}
    groups = {id_ for vpc in ec2.groups.values() for id_ in vpc}
    for name, there in (("SubnetIds", subnets), ("SecurityGroupIds", groups)):
        for id_ in network.get(name, []):
            if id_ not in there:
                raise _invalid(
                    "Error occurred while DescribeSubnets or DescribeSecurityGroups. "
                    f"The ID '{id_}' does not exist"
                )
    variables = request.get("Environment", {}).get("Variables", {})
    if sum(len(key) + len(value.encode()) for key, value in variables.items()) > LONGEST_ENVIRONMENT:
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment variables "
            "you have provided exceeded the 4KB limit."
        )


def _reserve(account_id: str, region: str, request: Members) -> None:
    wanted = request["ReservedConcurrentExecutions"]
    others = sum(
        int(one.reserved_concurrency or 0)
        for one in get_backend(account_id, region).list_functions()
        if one.function_name != request["FunctionName"]
    )
    if wanted + others > CONCURRENCY - UNRESERVED:
        raise _invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{UNRESERVED}]."
        )


def _invalid(message: str) -> Refused:
    return Refused("InvalidParameterValueException", message)


def _invalid_key(message: str) -> Refused:
    return Refused("KMSNotFoundException", message)


OPERATIONS: Mapping[str, Operation] = {
    "CreateFunction": _create,
    "UpdateFunctionCode": _update_code,
    "UpdateFunctionConfiguration": _update,
    "PublishLayerVersion": _publish_layer,
    "PutFunctionConcurrency": _reserve,
}
