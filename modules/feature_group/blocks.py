"""The nested blocks of a feature group's Terraform resource."""

from __future__ import annotations

from .._aws.sagemaker_feature_group import (
    SagemakerFeatureGroupFeatureDefinition,
    SagemakerFeatureGroupFeatureDefinitionCollectionConfig,
    SagemakerFeatureGroupFeatureDefinitionCollectionConfigVectorConfig,
    SagemakerFeatureGroupOfflineStoreConfig,
    SagemakerFeatureGroupOfflineStoreConfigDataCatalogConfig,
    SagemakerFeatureGroupOfflineStoreConfigS3StorageConfig,
    SagemakerFeatureGroupOnlineStoreConfig,
    SagemakerFeatureGroupOnlineStoreConfigSecurityConfig,
    SagemakerFeatureGroupOnlineStoreConfigTtlDuration,
    SagemakerFeatureGroupThroughputConfig,
)
from .decisions import Feature, NewTable, OfflineStore, OnDemand, OnlineStore, Throughput


def feature_definition(name: str, feature: Feature) -> SagemakerFeatureGroupFeatureDefinition:
    """Return one feature."""
    vector = SagemakerFeatureGroupFeatureDefinitionCollectionConfigVectorConfig(
        dimension=feature.vector_dimension
    )
    return SagemakerFeatureGroupFeatureDefinition(
        feature_name=name,
        feature_type=feature.type,
        collection_type=feature.collection,
        collection_config=SagemakerFeatureGroupFeatureDefinitionCollectionConfig(vector_config=vector)
        if feature.vector_dimension is not None
        else None,
    )


def online_store(store: OnlineStore, kms_key_arn: str) -> SagemakerFeatureGroupOnlineStoreConfig:
    """Return the online store, encrypted under the key."""
    ttl = store.ttl_duration
    return SagemakerFeatureGroupOnlineStoreConfig(
        enable_online_store=True,
        storage_type=store.storage_type,
        security_config=SagemakerFeatureGroupOnlineStoreConfigSecurityConfig(kms_key_id=kms_key_arn),
        ttl_duration=SagemakerFeatureGroupOnlineStoreConfigTtlDuration(value=ttl.value, unit=ttl.unit)
        if ttl
        else None,
    )


def offline_store(
    store: OfflineStore, s3_uri: str, kms_key_arn: str, database_name: str, table_name: str
) -> SagemakerFeatureGroupOfflineStoreConfig:
    """Return the offline store, encrypted under the key, with its table by name."""
    return SagemakerFeatureGroupOfflineStoreConfig(
        table_format=store.table_format,
        disable_glue_table_creation=not isinstance(store.glue_table, NewTable),
        s3_storage_config=SagemakerFeatureGroupOfflineStoreConfigS3StorageConfig(
            s3_uri=s3_uri, kms_key_id=kms_key_arn
        ),
        data_catalog_config=SagemakerFeatureGroupOfflineStoreConfigDataCatalogConfig(
            catalog="AwsDataCatalog", database=database_name, table_name=table_name
        ),
    )


def throughput(mode: Throughput) -> SagemakerFeatureGroupThroughputConfig:
    """Return how reading and writing are paid."""
    if isinstance(mode, OnDemand):
        return SagemakerFeatureGroupThroughputConfig(throughput_mode="OnDemand")
    return SagemakerFeatureGroupThroughputConfig(
        throughput_mode="Provisioned",
        provisioned_read_capacity_units=mode.read_capacity_units,
        provisioned_write_capacity_units=mode.write_capacity_units,
    )
