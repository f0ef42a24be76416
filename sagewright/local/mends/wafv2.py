"""AWS WAF: moto guards what is not there, logs to anything, and deletes a firewall that is in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.apigateway.models import apigateway_backends
from moto.logs.models import logs_backends
from moto.wafv2.models import wafv2_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused

LOG_PREFIX = "aws-waf-logs-"
"""https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html"""

Members = dict[str, Any]


def _associate(account_id: str, region: str, request: Members) -> None:
    """Refuse a stage that is not there: `arn:aws:apigateway:<region>::/restapis/<id>/stages/<name>`."""
    arn = request["ResourceArn"]
    if ":apigateway:" not in arn:
        raise NotImplementedError(f"AssociateWebACL with {arn}")
    _, _, api_id, _, name = arn.partition("::")[2].split("/")
    api = apigateway_backends[account_id][region].apis.get(api_id)
    if api is None or name not in api.stages:
        raise _missing()


def _delete(account_id: str, region: str, request: Members) -> None:
    for acl in wafv2_backends[account_id][region].wacls.values():
        if acl.id == request["Id"] and acl.associated_resources:
            raise Refused(
                "WAFAssociatedItemException",
                "AWS WAF couldn't perform the operation because your resource is being used by another "
                "resource or it's associated with another resource.",
            )


def _log(account_id: str, region: str, request: Members) -> None:
    configuration = request["LoggingConfiguration"]
    if all(
        acl.arn != configuration["ResourceArn"] for acl in wafv2_backends[account_id][region].wacls.values()
    ):
        raise _missing()
    for arn in configuration["LogDestinationConfigs"]:
        if ":logs:" not in arn:
            raise NotImplementedError(f"PutLoggingConfiguration with {arn}")
        name = arn.partition(":log-group:")[2].removesuffix(":*")
        if not name.startswith(LOG_PREFIX) or name not in logs_backends[account_id][region].groups:
            raise Refused(
                "WAFInvalidParameterException",
                "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other "
                f"information separated by colons or slashes., field: LOG_DESTINATION, parameter: {arn}",
            )


def _missing() -> Refused:
    return Refused(
        "WAFNonexistentItemException",
        "AWS WAF could not perform the operation because your resource does not exist.",
    )


OPERATIONS: Mapping[str, Operation] = {
    "AssociateWebACL": _associate,
    "DeleteWebACL": _delete,
    "PutLoggingConfiguration": _log,
}
