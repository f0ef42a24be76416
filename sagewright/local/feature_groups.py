"""Feature groups: what SageMaker refuses, the tables that it makes in Glue, and how a group grows."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.glue.models import glue_backends

from sagewright.local.control_plane import ControlPlane, Hooks, Record
from sagewright.local.faults import FAULTS
from sagewright.local.kinds import Members
from sagewright.local.refusal import Refused

RESERVED = ("is_deleted", "write_time", "api_invocation_time")
COLUMN_TYPES = {"String": "string", "Integral": "bigint", "Fractional": "double"}
MOST_FEATURES = 2500
"""https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-quotas.html"""
CATALOG = "AwsDataCatalog"


def _refused(message: str) -> Refused:
    return Refused("ValidationException", f"Validation Error: {message}")


def _creating(plane: ControlPlane, group: Members) -> None:
    online, offline = group.get("OnlineStoreConfig") or {}, group.get("OfflineStoreConfig")
    if not online.get("EnableOnlineStore") and not offline:
        raise _refused("At least one of OnlineStoreConfig and OfflineStoreConfig must be enabled.")
    if offline and not group.get("RoleArn"):
        raise _refused("RoleArn is required when OfflineStoreConfig is provided.")
    _check_features(group["FeatureDefinitions"], online.get("StorageType", "Standard"))
    types = {each["FeatureName"]: each["FeatureType"] for each in group["FeatureDefinitions"]}
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if group[member] not in types:
            raise _refused(f"{member} {group[member]} is not among the feature definitions.")
    if types[group["EventTimeFeatureName"]] == "Integral":
        raise _refused("The event time feature must be of type String or Fractional.")
    _check_throughput(group.get("ThroughputConfig") or {}, online)
    if offline:
        _check_table(offline)


def _check_features(definitions: Sequence[Members], storage_type: str) -> None:
    """Refuse the features of a group, new ones and those that it has."""
    names = Counter(each["FeatureName"] for each in definitions)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise _refused(f"Feature names must be unique within a feature group: {', '.join(twice)}.")
    reserved = [name for name in names if name in RESERVED]
    if reserved:
        raise _refused(f"Feature names must not be reserved words: {', '.join(reserved)}.")
    if len(names) > MOST_FEATURES:
        raise _refused(f"A feature group must have at most {MOST_FEATURES} features.")
    collections = [each for each in definitions if each.get("CollectionType")]
    if collections and storage_type != "InMemory":
        raise _refused("CollectionType is supported only for the InMemory online store.")
    vectors = [each for each in collections if each["CollectionType"] == "Vector"]
    if len(vectors) > 1:
        raise _refused("A feature group must have at most one feature of CollectionType Vector.")
    for each in definitions:
        if (each in vectors) != bool(each.get("CollectionConfig")):
            raise _refused("VectorConfig is required for CollectionType Vector, and for no other.")
        if each in vectors and each["FeatureType"] != "Fractional":
            raise _refused("A feature of CollectionType Vector must be of type Fractional.")


def _check_throughput(throughput: Members, online: Members) -> None:
    if throughput.get("ThroughputMode") == "Provisioned" and online.get("StorageType") == "InMemory":
        raise _refused("Provisioned throughput is not supported for the InMemory online store.")


def _check_table(offline: Members) -> None:
    named, disabled = offline.get("DataCatalogConfig"), offline.get("DisableGlueTableCreation")
    if disabled and offline.get("TableFormat") == "Iceberg":
        raise _refused("DisableGlueTableCreation is not supported for the table format Iceberg.")
    if not named:
        return
    if named["Catalog"] != CATALOG:
        raise _refused(f"Catalog must be {CATALOG}.")
    for name in (named["TableName"], named["Database"]):
        if not name.replace("_", "a").isalnum() or name != name.lower() or name[0].isdigit():
            raise _refused(f"{name} is not a name that Athena allows.")


def _created(plane: ControlPlane, group: Record) -> None:
    offline = group.members.get("OfflineStoreConfig")
    if offline is None:
        return
    made = f"{group.name}-{int(group.members['CreationTime'])}"
    where = f"{plane.account_id}/sagemaker/{plane.region}/offline-store/{made}/data"
    storage = offline["S3StorageConfig"]
    storage.setdefault("ResolvedOutputS3Uri", f"{storage['S3Uri'].rstrip('/')}/{where}")
    offline.setdefault("TableFormat", "Glue")
    group.members["OfflineStoreStatus"] = {"Status": "Active"}
    if offline.setdefault("DisableGlueTableCreation", False):
        return
    table_name = made.replace("-", "_").lower()
    default = {"TableName": table_name, "Catalog": CATALOG, "Database": "sagemaker_featurestore"}
    _make_table(plane, group, offline.setdefault("DataCatalogConfig", default))


def _make_table(plane: ControlPlane, group: Record, named: Members) -> None:
    """Make the table, and its database; where there is one of this name, the group's creation fails."""
    glue = glue_backends[plane.account_id][plane.region]
    database_name, table_name = named["Database"], named["TableName"]
    if database_name not in glue.databases:
        glue.create_database(database_name, {"Name": database_name})
    if table_name in glue.get_database(database_name).tables:
        group.begin("Creating", "CreateFailed")
        group.members["FailureReason"] = f"Table {table_name} already exists in database {database_name}."
        return
    storage = group.members["OfflineStoreConfig"]["S3StorageConfig"]
    iceberg = group.members["OfflineStoreConfig"]["TableFormat"] == "Iceberg"
    partitions = (
        [] if iceberg else [{"Name": name, "Type": "string"} for name in ("year", "month", "day", "hour")]
    )
    table = {
        "Name": table_name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"table_type": "ICEBERG"} if iceberg else {"classification": "parquet"},
        "PartitionKeys": partitions,
        "StorageDescriptor": {"Location": storage["ResolvedOutputS3Uri"], "Columns": _columns(group)},
    }
    glue.create_table(database_name, table_name, table)


def _columns(group: Record) -> list[Members]:
    columns = [
        {"Name": each["FeatureName"].lower(), "Type": _column_type(each)}
        for each in group.members["FeatureDefinitions"]
    ]
    own = {"write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean"}
    return columns + [{"Name": name, "Type": type_} for name, type_ in own.items()]


def _column_type(definition: Members) -> str:
    of = COLUMN_TYPES[definition["FeatureType"]]
    return f"array<{of}>" if definition.get("CollectionType") else of


def _describing(plane: ControlPlane, group: Record, description: Members) -> None:
    """Show an update under way as AWS does: the group itself stays as it was created."""
    if description["FeatureGroupStatus"] == "Updating":
        description |= {"FeatureGroupStatus": "Created", "LastUpdateStatus": {"Status": "InProgress"}}


def _updating(plane: ControlPlane, group: Record, request: Members) -> None:
    changes = [name for name in request if name != "FeatureGroupName" and request[name] is not None]
    if len(changes) != 1:
        raise _refused(f"Exactly one parameter must be updated at a time, not {len(changes)}.")
    if group.in_progress or group.status != "Created":
        raise _refused(
            "The feature group cannot be updated while it is created or updated, nor after it failed."
        )
    changed = copy.deepcopy(group.members)
    _UPDATES[changes[0]](changed, request.pop(changes[0]))
    fault = FAULTS.failure("UpdateFeatureGroup", group.name)

    def settle() -> None:
        if fault:
            group.members["LastUpdateStatus"] = {"Status": "Failed", "FailureReason": fault.reason}
            return
        group.members |= {**changed, "LastUpdateStatus": {"Status": "Successful"}}
        _widen_table(plane, group)

    group.begin("Updating", "Created", then=settle)


def _add_features(group: Members, additions: list[Members]) -> None:
    group["FeatureDefinitions"] += additions
    _check_features(group["FeatureDefinitions"], _online(group).get("StorageType", "Standard"))


def _update_online_store(group: Members, update: Members) -> None:
    online = _online(group)
    if not online.get("EnableOnlineStore"):
        raise _refused("The feature group has no online store.")
    if update.get("StorageType") is not None:
        raise NotImplementedError("UpdateFeatureGroup with StorageType")
    ttl = update.get("TtlDuration")
    if ttl is not None:
        online["TtlDuration"] = {name: value for name, value in ttl.items() if value is not None} or None


def _update_throughput(group: Members, update: Members) -> None:
    _check_throughput(update, _online(group))
    kept = group["ThroughputConfig"] if update.get("ThroughputMode") != "OnDemand" else {}
    mode = {"ThroughputMode": update.get("ThroughputMode") or kept["ThroughputMode"]}
    group["ThroughputConfig"] = mode if mode["ThroughputMode"] == "OnDemand" else {**kept, **update}


def _online(group: Members) -> Members:
    online: Members = group.get("OnlineStoreConfig") or {}
    return online


def _widen_table(plane: ControlPlane, group: Record) -> None:
    """Add columns to the table that SageMaker made, if it is still there."""
    offline: Members = group.members.get("OfflineStoreConfig") or {}
    if not offline or offline["DisableGlueTableCreation"]:
        return
    named = offline["DataCatalogConfig"]
    database = glue_backends[plane.account_id][plane.region].databases.get(named["Database"])
    table: Any = database and database.tables.get(named["TableName"])
    if table:
        latest = copy.deepcopy(table.versions[str(len(table.versions))])
        latest["StorageDescriptor"]["Columns"] = _columns(group)
        table.update(latest)


_UPDATES: Mapping[str, Callable[[Members, Any], None]] = {
    "FeatureAdditions": _add_features,
    "OnlineStoreConfig": _update_online_store,
    "ThroughputConfig": _update_throughput,
}
HOOKS = {
    "FeatureGroup": Hooks(creating=_creating, created=_created, describing=_describing, updating=_updating)
}
