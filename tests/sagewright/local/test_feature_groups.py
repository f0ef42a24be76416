"""Feature groups: what is refused, the table in Glue, and how a group grows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sagewright.local.conftest import Account, refused

ONLINE = {"EnableOnlineStore": True, "StorageType": "Standard"}
IN_MEMORY = {"EnableOnlineStore": True, "StorageType": "InMemory"}
OFFLINE = {"S3StorageConfig": {"S3Uri": "s3://features/offline"}}
TABLE = {"Catalog": "AwsDataCatalog", "Database": "features", "TableName": "customers_v1"}
ON_DEMAND = {"ThroughputMode": "OnDemand"}
PROVISIONED = {
    "ThroughputMode": "Provisioned",
    "ProvisionedReadCapacityUnits": 5,
    "ProvisionedWriteCapacityUnits": 5,
}


def feature(name: str, type_: str = "String", **more: Any) -> dict[str, Any]:
    return {"FeatureName": name, "FeatureType": type_, **more}


def vector(name: str, dimension: int | None = 2, type_: str = "Fractional") -> dict[str, Any]:
    config = {"CollectionConfig": {"VectorConfig": {"Dimension": dimension}}} if dimension else {}
    return feature(name, type_, CollectionType="Vector", **config)


FEATURES = [feature("id"), feature("at", "Fractional")]


def create(account: Account, *features: dict[str, Any], **changes: Any) -> None:
    request = {
        "FeatureGroupName": "customers",
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "FeatureDefinitions": [*FEATURES, *features],
        "OnlineStoreConfig": ONLINE,
        **changes,
    }
    account.sagemaker.create_feature_group(
        **{name: value for name, value in request.items() if value is not None}
    )


def update(account: Account, **changes: Any) -> None:
    account.sagemaker.update_feature_group(FeatureGroupName="customers", **changes)


def describe(account: Account) -> dict[str, Any]:
    described: dict[str, Any] = account.sagemaker.describe_feature_group(FeatureGroupName="customers")
    return described


def names(account: Account) -> list[str]:
    return [each["FeatureName"] for each in describe(account)["FeatureDefinitions"]]


def columns(account: Account, database: str, table: str) -> dict[str, str]:
    found = account.client("glue").get_table(DatabaseName=database, Name=table)["Table"]
    return {column["Name"]: column["Type"] for column in found["StorageDescriptor"]["Columns"]}


def test_create_feature_group_makes_a_table_that_update_feature_group_widens(account: Account) -> None:
    create(account, OfflineStoreConfig=OFFLINE, RoleArn=account.role())
    described = describe(account)
    assert "LastUpdateStatus" not in described
    assert described["OfflineStoreStatus"] == {"Status": "Active"}
    offline = described["OfflineStoreConfig"]
    assert f"{account.id}/sagemaker/" in offline["S3StorageConfig"]["ResolvedOutputS3Uri"]
    named = offline["DataCatalogConfig"]
    assert named["TableName"].startswith("customers_")
    assert columns(account, "sagemaker_featurestore", named["TableName"]) == {
        "id": "string",
        "at": "double",
        "write_time": "timestamp",
        "api_invocation_time": "timestamp",
        "is_deleted": "boolean",
    }
    update(account, FeatureAdditions=[feature("age", "Integral")])
    assert names(account) == ["id", "at", "age"]
    assert describe(account)["LastUpdateStatus"] == {"Status": "Successful"}
    assert columns(account, "sagemaker_featurestore", named["TableName"])["age"] == "bigint"


def test_a_table_of_a_given_name_outlives_the_group_whose_next_creation_fails(account: Account) -> None:
    offline = {"OfflineStoreConfig": {**OFFLINE, "DataCatalogConfig": TABLE}, "RoleArn": account.role()}
    create(account, **offline)
    account.sagemaker.delete_feature_group(FeatureGroupName="customers")
    assert "id" in columns(account, "features", "customers_v1")
    create(account, **offline)
    described = describe(account)
    assert described["FeatureGroupStatus"] == "CreateFailed"
    assert "customers_v1 already exists" in described["FailureReason"]
    with refused("cannot be updated"):
        update(account, FeatureAdditions=[feature("age")])


def test_a_table_of_yours_need_not_be_there(account: Account) -> None:
    own = {**OFFLINE, "DataCatalogConfig": TABLE, "DisableGlueTableCreation": True}
    create(account, OfflineStoreConfig=own, RoleArn=account.role())
    update(account, FeatureAdditions=[feature("age")])
    assert names(account) == ["id", "at", "age"]
    assert account.client("glue").get_databases()["DatabaseList"] == []


@pytest.mark.parametrize(
    ("features", "changes", "message"),
    [
        ([], {"OnlineStoreConfig": None}, "At least one of OnlineStoreConfig and OfflineStoreConfig"),
        ([], {"OfflineStoreConfig": OFFLINE}, "RoleArn is required"),
        (
            [],
            {"EventTimeFeatureName": "when"},
            "EventTimeFeatureName when is not among the feature definitions",
        ),
        ([], {"RecordIdentifierFeatureName": "who"}, "RecordIdentifierFeatureName who is not among"),
        ([feature("n", "Integral")], {"EventTimeFeatureName": "n"}, "must be of type String or Fractional"),
        ([feature("at")], {}, "Feature names must be unique"),
        ([feature("is_deleted")], {}, "must not be reserved words"),
        ([feature("tags", CollectionType="List")], {}, "only for the InMemory online store"),
        (
            [vector("a"), vector("b")],
            {"OnlineStoreConfig": IN_MEMORY},
            "at most one feature of CollectionType",
        ),
        ([vector("a", dimension=None)], {"OnlineStoreConfig": IN_MEMORY}, "VectorConfig is required"),
        ([vector("a", type_="Integral")], {"OnlineStoreConfig": IN_MEMORY}, "must be of type Fractional"),
        (
            [],
            {"OnlineStoreConfig": IN_MEMORY, "ThroughputConfig": PROVISIONED},
            "Provisioned throughput is not supported",
        ),
    ],
)
def test_create_feature_group_refuses(
    account: Account, features: list[dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    with refused(message):
        create(account, *features, **changes)


@pytest.mark.parametrize(
    ("offline", "message"),
    [
        ({"DataCatalogConfig": {**TABLE, "Catalog": "Mine"}}, "Catalog must be AwsDataCatalog"),
        ({"DataCatalogConfig": {**TABLE, "TableName": "customers-v1"}}, "customers-v1 is not a name"),
        ({"DataCatalogConfig": {**TABLE, "Database": "Features"}}, "Features is not a name"),
        (
            {"TableFormat": "Iceberg", "DisableGlueTableCreation": True},
            "is not supported for the table format",
        ),
    ],
)
def test_create_feature_group_refuses_a_table(
    account: Account, offline: dict[str, Any], message: str
) -> None:
    with refused(message):
        create(account, OfflineStoreConfig={**OFFLINE, **offline}, RoleArn=account.role())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FeatureAdditions": [feature("id")]}, "Feature names must be unique within a feature group: id."),
        ({"FeatureAdditions": [feature("at", "Integral")]}, "Feature names must be unique"),
        ({"FeatureAdditions": [feature("a"), feature("a")]}, "Feature names must be unique"),
        ({"FeatureAdditions": [feature("write_time")]}, "must not be reserved words"),
        ({"FeatureAdditions": [feature("a", CollectionType="Set")]}, "only for the InMemory online store"),
        (
            {"FeatureAdditions": [feature(f"f{number}") for number in range(101)]},
            "Member must have length less than or equal to 100",
        ),
        ({"FeatureAdditions": [feature("a")], "ThroughputConfig": PROVISIONED}, "Exactly one parameter"),
        ({}, "Exactly one parameter"),
    ],
)
def test_update_feature_group_refuses(account: Account, changes: dict[str, Any], message: str) -> None:
    create(account)
    with refused(message):
        update(account, **changes)
    assert names(account) == ["id", "at"]


def test_update_feature_group_refuses_more_than_2500_features(account: Account) -> None:
    create(account, *(feature(f"f{number}") for number in range(2498)))
    with refused("at most 2500 features"):
        update(account, FeatureAdditions=[feature("one_more")])


def test_update_feature_group_changes_and_removes_the_ttl_and_keeps_the_rest(account: Account) -> None:
    create(account)
    ttl = {"Unit": "Days", "Value": 30}
    update(account, OnlineStoreConfig={"TtlDuration": ttl})
    assert describe(account)["OnlineStoreConfig"] == {**ONLINE, "TtlDuration": ttl}
    update(account, OnlineStoreConfig={})
    assert describe(account)["OnlineStoreConfig"] == {**ONLINE, "TtlDuration": ttl}
    update(account, OnlineStoreConfig={"TtlDuration": {"Unit": None, "Value": None}})
    assert describe(account)["OnlineStoreConfig"] == ONLINE


def test_update_feature_group_without_online_store_refuses_one(account: Account) -> None:
    create(account, OnlineStoreConfig=None, OfflineStoreConfig=OFFLINE, RoleArn=account.role())
    with refused("has no online store"):
        update(account, OnlineStoreConfig={"TtlDuration": {"Unit": "Days", "Value": 30}})


def test_update_feature_group_changes_the_throughput(account: Account) -> None:
    create(account)
    assert describe(account)["ThroughputConfig"] == ON_DEMAND
    update(account, ThroughputConfig=PROVISIONED)
    update(account, ThroughputConfig={"ProvisionedReadCapacityUnits": 9})
    assert describe(account)["ThroughputConfig"] == {**PROVISIONED, "ProvisionedReadCapacityUnits": 9}
    update(account, ThroughputConfig=ON_DEMAND)
    assert describe(account)["ThroughputConfig"] == ON_DEMAND


def test_a_feature_group_is_as_it_was_while_it_is_updated(account: Account) -> None:
    create(account)
    with account.transition("sagemaker::feature_group", progression="manual", times=2):
        update(account, FeatureAdditions=[feature("age", "Integral")])
        described = describe(account)
        assert described["FeatureGroupStatus"] == "Created"
        assert described["LastUpdateStatus"] == {"Status": "InProgress"}
        assert len(described["FeatureDefinitions"]) == 2
        with refused("cannot be updated while"):
            update(account, FeatureAdditions=[feature("city")])
        assert describe(account)["LastUpdateStatus"] == {"Status": "Successful"}
    assert names(account) == ["id", "at", "age"]


def test_an_update_of_a_feature_group_can_be_made_to_fail(account: Account) -> None:
    create(account)
    account.fail("UpdateFeatureGroup", name="customers", reason="no more columns")
    update(account, FeatureAdditions=[feature("age", "Integral")])
    described = describe(account)
    assert described["LastUpdateStatus"] == {"Status": "Failed", "FailureReason": "no more columns"}
    assert len(described["FeatureDefinitions"]) == 2
