"""Athena: moto cannot change a workgroup, and takes one that is not there for an empty one."""

from __future__ import annotations

from typing import Any

from moto.athena.models import AthenaBackend, WorkGroup, athena_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused

PRIMARY = "primary"
ENGINES = ("AUTO", "Athena engine version 3")
"""https://docs.aws.amazon.com/athena/latest/ug/engine-versions.html"""
REMOVALS = {
    "RemoveAclConfiguration": "AclConfiguration",
    "RemoveBytesScannedCutoffPerQuery": "BytesScannedCutoffPerQuery",
    "RemoveEncryptionConfiguration": "EncryptionConfiguration",
    "RemoveExpectedBucketOwner": "ExpectedBucketOwner",
    "RemoveOutputLocation": "OutputLocation",
}
"""What an update says to take a member of the configuration away."""
CHANGES = (
    *("BytesScannedCutoffPerQuery", "EnforceWorkGroupConfiguration", "EngineVersion", "ExecutionRole"),
    *("PublishCloudWatchMetricsEnabled", "RequesterPaysEnabled", "ResultConfigurationUpdates"),
    *("EncryptionConfiguration", "AclConfiguration", "ExpectedBucketOwner", "OutputLocation"),
)


def _find(account_id: str, region: str, name: str) -> tuple[AthenaBackend, WorkGroup]:
    backend = athena_backends[account_id][region]
    if name not in backend.work_groups:
        raise Refused("InvalidRequestException", f"WorkGroup {name} is not found.")
    return backend, backend.work_groups[name]


def _effective_engine(configuration: dict[str, Any]) -> None:
    engine = configuration.get("EngineVersion") or {}
    selected = engine.get("SelectedEngineVersion", "AUTO")
    if selected not in ENGINES:
        raise Refused("InvalidRequestException", f"Engine version {selected} is not supported.")
    configuration["EngineVersion"] = {
        "SelectedEngineVersion": selected,
        "EffectiveEngineVersion": ENGINES[-1],
    }


def _create(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    backend = athena_backends[account_id][region]
    configuration = dict(request.get("Configuration") or {})
    _effective_engine(configuration)
    made = backend.create_work_group(
        request["Name"], configuration, request.get("Description", ""), request.get("Tags") or []
    )
    if made is None:
        raise Refused("InvalidRequestException", "WorkGroup is already created")
    return {}


def _get(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any] | None:
    _find(account_id, region, request["WorkGroup"])
    return None


def _update(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _, group = _find(account_id, region, request["WorkGroup"])
    configuration = dict(group.configuration)
    _change(configuration, request.get("ConfigurationUpdates") or {})
    _effective_engine(configuration)
    group.configuration = configuration
    group.description = request.get("Description", group.description)
    group.state = request.get("State", group.state)
    return {}


def _change(configuration: dict[str, Any], updates: dict[str, Any]) -> None:
    for name, value in updates.items():
        if name in REMOVALS:
            if value:
                configuration.pop(REMOVALS[name], None)
        elif name not in CHANGES:
            raise NotImplementedError(f"UpdateWorkGroup with {name}")
        elif name == "ResultConfigurationUpdates":
            results = dict(configuration.get("ResultConfiguration") or {})
            _change(results, value)
            configuration["ResultConfiguration"] = results
        else:
            configuration[name] = value


def _delete(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    backend, group = _find(account_id, region, request["WorkGroup"])
    if group.name == PRIMARY:
        raise Refused("InvalidRequestException", "The primary WorkGroup cannot be deleted.")
    contents: tuple[dict[str, Any], ...] = (
        backend.named_queries,
        backend.prepared_statements,
        backend.executions,
    )
    own = (group, group.name)
    held = [(kept, key) for kept in contents for key, item in kept.items() if item.workgroup in own]
    if held and not request.get("RecursiveDeleteOption"):
        raise Refused("InvalidRequestException", f"WorkGroup {group.name} is not empty")
    for kept, key in held:
        del kept[key]
    backend.delete_work_group(group.name)
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateWorkGroup": _create,
    "GetWorkGroup": _get,
    "UpdateWorkGroup": _update,
    "DeleteWorkGroup": _delete,
}
