"""Feature group: what it is made of, what a plan checks, who may use it, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cdktf import TerraformStack, TerraformVariable

from modules.feature_group import (
    ExistingTable,
    Feature,
    FeatureGroup,
    FeatureGroupConfig,
    FeatureGroupDefinition,
    OfflineStore,
    OnlineStore,
    Provisioned,
    TtlDuration,
    write_offline_stores,
)
from tests.conftest import Synth, Synthesized
from tests.inventory import Inventory

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GROUP = "arn:aws:sagemaker:eu-west-1:111122223333:feature-group/acme-dev-customers-v1"
BUCKET = "arn:aws:s3:::acme-dev-features"
GLUE = "arn:aws:glue:eu-west-1:111122223333"
FEATURES = {
    "customer_id": Feature(type="String"),
    "updated_at": Feature(type="Fractional"),
    "days_since_login": Feature(type="Integral"),
}
DEFINITION = FeatureGroupDefinition(
    features=FEATURES,
    record_identifier="customer_id",
    event_time="updated_at",
    online_store=OnlineStore(ttl_duration=TtlDuration(value=90, unit="Days")),
    offline_store=OfflineStore(table_format="Iceberg"),
    description="What we know of a customer",
)
CONFIG = FeatureGroupConfig(
    name="acme-dev-customers",
    definition=DEFINITION,
    role_arn="arn:aws:iam::111122223333:role/acme-dev-features",
    kms_key_arn=KEY,
    offline_store_s3_uri="s3://acme-dev-features/features",
    glue_database_name="acme_dev_features",
    account_id="111122223333",
    region="eu-west-1",
)
ONLINE = replace(CONFIG, definition=replace(DEFINITION, offline_store=None))
OFFLINE = replace(CONFIG, definition=replace(DEFINITION, online_store=None))


def defined(**changes: Any) -> FeatureGroupConfig:
    return replace(CONFIG, definition=replace(DEFINITION, **changes))


def made(synth: Synth, config: FeatureGroupConfig) -> FeatureGroup:
    groups: list[FeatureGroup] = []
    synth(lambda stack: groups.append(FeatureGroup(stack, "customers_v1", config)))
    return groups[0]


def one(synthesized: Synthesized) -> dict[str, Any]:
    return synthesized.one("aws_sagemaker_feature_group")


def test_a_group_with_both_stores_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/feature_group", synth(FeatureGroup, CONFIG))


def test_both_stores_are_encrypted_under_the_key(synth: Synth) -> None:
    group = one(synth(FeatureGroup, CONFIG))
    assert group["online_store_config"]["security_config"] == {"kms_key_id": KEY}
    assert group["offline_store_config"]["s3_storage_config"]["kms_key_id"] == KEY


@pytest.mark.parametrize(
    ("config", "there", "missing"),
    [
        (ONLINE, "online_store_config", "offline_store_config"),
        (OFFLINE, "offline_store_config", "online_store_config"),
    ],
)
def test_a_store_that_is_not_decided_on_is_not_made(
    synth: Synth, config: FeatureGroupConfig, there: str, missing: str
) -> None:
    group = one(synth(FeatureGroup, config))
    assert there in group
    assert missing not in group


def test_a_version_is_another_group(synth: Synth) -> None:
    group = made(synth, replace(CONFIG, version=2))
    assert group.config.group_name == "acme-dev-customers-v2"
    assert group.outputs.table_name == "acme_dev_customers_v2"
    assert group.describe().resources == (GROUP.replace("-v1", "-v2"),)


def test_terraform_never_replaces_a_group_for_its_features_or_description(synth: Synth) -> None:
    group = one(synth(FeatureGroup, CONFIG))
    assert group["lifecycle"]["ignore_changes"] == ["description", "feature_definition"]


def test_a_plan_compares_live_features_with_these(synth: Synth) -> None:
    features = {"embedding": Feature(type="Fractional", collection="Vector", vector_dimension=8)}
    config = defined(features={**FEATURES, **features}, online_store=OnlineStore(storage_type="InMemory"))
    document = synth(FeatureGroup, config).document
    assert document["locals"]["features"] == {
        "customer_id": "String",
        "updated_at": "Fractional",
        "days_since_login": "Integral",
        "embedding": "Fractional Vector 8",
    }
    (check,) = document["check"].values()
    assert "local.features" in check["assert"]["condition"]


def test_collections_are_what_an_in_memory_store_takes(synth: Synth) -> None:
    features = {
        **FEATURES,
        "tags": Feature(type="String", collection="Set"),
        "embedding": Feature(type="Fractional", collection="Vector", vector_dimension=8),
    }
    group = one(
        synth(FeatureGroup, defined(features=features, online_store=OnlineStore(storage_type="InMemory")))
    )
    assert group["feature_definition"][3:] == [
        {"feature_name": "tags", "feature_type": "String", "collection_type": "Set"},
        {
            "feature_name": "embedding",
            "feature_type": "Fractional",
            "collection_type": "Vector",
            "collection_config": {"vector_config": {"dimension": 8}},
        },
    ]


def test_provisioned_throughput_is_stated(synth: Synth) -> None:
    mode = Provisioned(read_capacity_units=100, write_capacity_units=20)
    assert one(synth(FeatureGroup, defined(throughput=mode)))["throughput_config"] == {
        "throughput_mode": "Provisioned",
        "provisioned_read_capacity_units": 100,
        "provisioned_write_capacity_units": 20,
    }


def test_a_table_of_yours_is_named_and_not_made(synth: Synth) -> None:
    table = ExistingTable(database_name="lake", table_name="customers")
    config = replace(defined(offline_store=OfflineStore(glue_table=table)), glue_database_name=None)
    offline = one(synth(FeatureGroup, config))["offline_store_config"]
    assert offline["disable_glue_table_creation"] is True
    assert offline["data_catalog_config"] == {
        "catalog": "AwsDataCatalog",
        "database": "lake",
        "table_name": "customers",
    }
    tables = made(synth, config).read_offline()[0].resources
    assert tables[-1] == f"{GLUE}:table/lake/customers"


def test_readers_of_the_online_store_get_records_and_use_the_key_through_sagemaker_only(synth: Synth) -> None:
    read, key = made(synth, CONFIG).read_online()
    assert read.actions == ("sagemaker:BatchGetRecord", "sagemaker:GetRecord")
    assert read.resources == (GROUP,)
    assert (key.actions, key.resources) == (("kms:Decrypt",), (KEY,))
    assert key.conditions == {"StringEquals": {"kms:ViaService": "sagemaker.eu-west-1.amazonaws.com"}}


def test_writers_put_and_delete_records_and_do_not_read(synth: Synth) -> None:
    put, _ = made(synth, CONFIG).write()
    assert put.actions == ("sagemaker:DeleteRecord", "sagemaker:PutRecord")
    assert put.resources == (GROUP,)
    assert len(made(synth, OFFLINE).write()) == 1


def test_readers_of_the_offline_store_are_given_this_group_only(synth: Synth) -> None:
    tables, location, listing, objects, key = made(synth, CONFIG).read_offline()
    own = "features/111122223333/sagemaker/eu-west-1/offline-store/acme-dev-customers-v1-*"
    assert tables.resources == (
        f"{GLUE}:catalog",
        f"{GLUE}:database/acme_dev_features",
        f"{GLUE}:table/acme_dev_features/acme_dev_customers_v1",
    )
    assert (location.actions, location.resources) == (("s3:GetBucketLocation",), (BUCKET,))
    assert listing.conditions == {"StringLike": {"s3:prefix": own}}
    assert (objects.actions, objects.resources) == (("s3:GetObject",), (f"{BUCKET}/{own}",))
    assert key.conditions == {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{BUCKET}*"}}


def test_an_offline_store_may_have_a_bucket_to_itself(synth: Synth) -> None:
    group = made(synth, replace(CONFIG, offline_store_s3_uri="s3://acme-dev-features"))
    own = "111122223333/sagemaker/eu-west-1/offline-store/acme-dev-customers-v1-*"
    _, _, listing, objects, _ = group.read_offline()
    assert listing.conditions == {"StringLike": {"s3:prefix": own}}
    assert objects.resources == (f"{BUCKET}/{own}",)


def test_there_is_nothing_to_read_in_a_store_that_is_not_there(synth: Synth) -> None:
    assert made(synth, OFFLINE).read_online() == ()
    assert made(synth, ONLINE).read_offline() == ()


def test_the_groups_role_writes_objects_and_tables_of_the_environment_only() -> None:
    acl, put, metadata, tables, key = write_offline_stores(
        s3_uri="s3://acme-dev-features/features",
        kms_key_arn=KEY,
        glue_database_name="acme_dev_features",
        account_id="111122223333",
        region="eu-west-1",
    )
    assert (acl.actions, acl.resources) == (("s3:GetBucketAcl",), (BUCKET,))
    assert put.resources == (f"{BUCKET}/features/*",)
    assert metadata.resources == (f"{BUCKET}/features/*/metadata/*",)
    assert tables.actions == ("glue:GetTable", "glue:UpdateTable")
    assert tables.resources[1:] == (
        f"{GLUE}:database/acme_dev_features",
        f"{GLUE}:table/acme_dev_features/*",
    )
    assert (key.actions, key.conditions) == (("kms:Decrypt", "kms:GenerateDataKey"), {})


def test_arns_are_written_for_the_partition(synth: Synth) -> None:
    group = made(synth, replace(CONFIG, partition="aws-us-gov", region="us-gov-west-1"))
    for statement in (group.describe(), *group.write(), *group.read_online(), *group.read_offline()):
        for arn in statement.resources:
            assert arn == KEY or arn.startswith("arn:aws-us-gov:")


def test_what_terraform_knows_later_passes(synth: Synth) -> None:
    def build(stack: TerraformStack) -> None:
        token = TerraformVariable(stack, "name", type="string").string_value
        config = replace(
            CONFIG,
            name=token,
            role_arn=token,
            kms_key_arn=token,
            offline_store_s3_uri=f"s3://{token}/features",
            glue_database_name=token,
        )
        group = FeatureGroup(stack, "customers_v1", config)
        _, location, *_ = group.read_offline()
        assert location.resources == (f"arn:aws:s3:::{token}",)

    group = one(synth(build))
    assert group["feature_group_name"] == "${var.name}-v1"
    assert group["offline_store_config"]["data_catalog_config"]["table_name"] == (
        '${lower(replace("${var.name}-v1", "-", "_"))}'
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "customers-"}, "name: supply a value such as acme-dev-customers, got 'customers-'"),
        ({"name": "c" * 62}, "name: with the version: supply at most 64 characters, got 65"),
        ({"version": 0}, "version: supply at least 1, got 0"),
        ({"offline_store_s3_uri": None}, "offline_store_s3_uri: supply where the offline store is, got none"),
        (
            {"offline_store_s3_uri": "bucket/x"},
            "offline_store_s3_uri: supply what starts with s3://, got 'bucket/x'",
        ),
        ({"offline_store_s3_uri": "s3://bucket/x/"}, "supply a value such as s3://bucket/features"),
        (
            {"glue_database_name": None},
            "glue_database_name: supply the database for the offline store's table",
        ),
        ({"glue_database_name": "acme-dev"}, "glue_database_name: supply a value such as acme_dev_features"),
    ],
)
def test_wiring_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)


IN_MEMORY = OnlineStore(storage_type="InMemory")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": {}}, "features: supply at least one, got none"),
        (
            {"features": {**FEATURES, **{f"f{n}": Feature(type="String") for n in range(2498)}}},
            "features: number of features: supply at most 2500, got 2501",
        ),
        ({"features": {**FEATURES, "_a": Feature(type="String")}}, "features: name: supply a value such as"),
        (
            {"features": {**FEATURES, "a" * 65: Feature(type="String")}},
            "supply at most 64 characters, got 65",
        ),
        (
            {"features": {**FEATURES, "write_time": Feature(type="String")}},
            "features: supply another name than SageMaker's own write_time",
        ),
        ({"record_identifier": "who"}, "record_identifier: supply the name of a feature, got 'who'"),
        ({"event_time": "when"}, "event_time: supply the name of a feature, got 'when'"),
        ({"event_time": "customer_id"}, "event_time: supply another feature than record_identifier"),
        (
            {"event_time": "days_since_login"},
            "event_time: supply a feature of the type String or Fractional, got 'days_since_login'",
        ),
        (
            {
                "features": {**FEATURES, "customer_id": Feature(type="String", collection="List")},
                "online_store": IN_MEMORY,
            },
            "record_identifier: supply a feature that is no collection, got 'customer_id'",
        ),
        (
            {"features": {**FEATURES, "tags": Feature(type="String", collection="List")}},
            "online_store: supply storage_type InMemory, which alone takes collections, or none of tags",
        ),
        (
            {
                "features": {
                    **FEATURES,
                    "a": Feature(type="Fractional", collection="Vector", vector_dimension=2),
                    "b": Feature(type="Fractional", collection="Vector", vector_dimension=2),
                },
                "online_store": IN_MEMORY,
            },
            "features: supply at most one Vector, got a, b",
        ),
        (
            {"online_store": None, "offline_store": None},
            "online_store, offline_store: supply at least one of them, got none",
        ),
        (
            {
                "online_store": IN_MEMORY,
                "throughput": Provisioned(write_capacity_units=1, read_capacity_units=1),
            },
            "throughput: supply OnDemand with storage_type InMemory, got Provisioned",
        ),
        (
            {"throughput": Provisioned(write_capacity_units=1)},
            "throughput: read_capacity_units: supply at least 1, got 0",
        ),
        (
            {"online_store": None, "throughput": Provisioned(write_capacity_units=1, read_capacity_units=5)},
            "throughput: read_capacity_units: supply none without an online store, got 5",
        ),
        ({"description": "d" * 129}, "description: supply at most 128 characters, got 129"),
        ({"description": "a\nb"}, "description: supply a text without line breaks"),
    ],
)
def test_a_definition_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(DEFINITION, **change)


@pytest.mark.parametrize(
    ("make", "values", "message"),
    [
        (Feature, {"type": "Boolean"}, "type: supply one of String, Integral, Fractional, got 'Boolean'"),
        (Feature, {"type": "String", "collection": "Map"}, "collection: supply one of List, Set, Vector"),
        (
            Feature,
            {"type": "Fractional", "collection": "Vector"},
            "vector_dimension: supply the number of elements of the vector, got none",
        ),
        (
            Feature,
            {"type": "String", "collection": "List", "vector_dimension": 2},
            "vector_dimension: supply one for a collection Vector only, got 2",
        ),
        (
            Feature,
            {"type": "Fractional", "collection": "Vector", "vector_dimension": 0},
            "vector_dimension: supply at least 1, got 0",
        ),
        (
            Feature,
            {"type": "Fractional", "collection": "Vector", "vector_dimension": 8193},
            "vector_dimension: supply at most 8192, got 8193",
        ),
        (
            Feature,
            {"type": "Integral", "collection": "Vector", "vector_dimension": 2},
            "type: supply Fractional, of which alone there are vectors, got Integral",
        ),
        (TtlDuration, {"value": 0, "unit": "Days"}, "value: supply at least 1, got 0"),
        (
            TtlDuration,
            {"value": 1, "unit": "Months"},
            "unit: supply one of Seconds, Minutes, Hours, Days, Weeks",
        ),
        (OnlineStore, {"storage_type": "Standard_V2"}, "storage_type: supply one of Standard, InMemory"),
        (OfflineStore, {"table_format": "Delta"}, "table_format: supply one of Glue, Iceberg, got 'Delta'"),
        (
            OfflineStore,
            {"table_format": "Iceberg", "glue_table": ExistingTable(database_name="d", table_name="t")},
            "glue_table: supply a new table with table_format Iceberg, got an existing one",
        ),
        (ExistingTable, {"database_name": "a-b", "table_name": "t"}, "database_name: supply a value such as"),
        (ExistingTable, {"database_name": "d", "table_name": "T"}, "table_name: supply a value such as"),
        (Provisioned, {"write_capacity_units": 0}, "write_capacity_units: supply at least 1, got 0"),
        (
            Provisioned,
            {"write_capacity_units": 40001},
            "write_capacity_units: supply at most 40000, got 40001",
        ),
        (
            Provisioned,
            {"write_capacity_units": 1, "read_capacity_units": -1},
            "read_capacity_units: supply at least 0, got -1",
        ),
        (
            Provisioned,
            {"write_capacity_units": 1, "read_capacity_units": 40001},
            "read_capacity_units: supply at most 40000, got 40001",
        ),
    ],
)
def test_a_decision_is_refused(make: type, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**values)
