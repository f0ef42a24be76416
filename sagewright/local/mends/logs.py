"""CloudWatch Logs: moto keeps groups for any number of days, takes missing keys, and changes no key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.logs.models import logs_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.references import check_key
from sagewright.local.refusal import Refused

DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288),
    3653,
)
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""


def _put_retention(account_id: str, region: str, request: dict[str, Any]) -> None:
    days = request["retentionInDays"]
    if days not in DAYS:
        raise _refused(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {list(DAYS)}"
        )


def _check_key(account_id: str, region: str, request: dict[str, Any]) -> None:
    key_id, group = request.get("kmsKeyId"), request.get("logGroupName")
    if not key_id:
        return
    message = (
        f"The specified KMS key does not exist or is not allowed to be used with log group {group}: {key_id}"
    )
    if not key_id.startswith("arn:"):
        raise _refused(message)
    check_key(account_id, region, key_id, lambda _: _refused(message))


def _associate(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _check_key(account_id, region, request)
    _group(account_id, region, request).kms_key_id = request["kmsKeyId"]
    return {}


def _disassociate(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _group(account_id, region, request).kms_key_id = None
    return {}


def _group(account_id: str, region: str, request: dict[str, Any]) -> Any:
    name = request.get("logGroupName")
    if not name:
        raise NotImplementedError("keys of query results")
    group = logs_backends[account_id][region].groups.get(name)
    if group is None:
        raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def _refused(message: str) -> Refused:
    return Refused("InvalidParameterException", message)


OPERATIONS: Mapping[str, Operation] = {
    "PutRetentionPolicy": _put_retention,
    "CreateLogGroup": _check_key,
    "AssociateKmsKey": _associate,
    "DisassociateKmsKey": _disassociate,
}
