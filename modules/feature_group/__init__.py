"""SageMaker feature group: typed features of records, for inference and for training."""

from .decisions import (
    ExistingTable,
    Feature,
    FeatureGroupDefinition,
    NewTable,
    OfflineStore,
    OnDemand,
    OnlineStore,
    Provisioned,
    Throughput,
    TtlDuration,
)
from .feature_group import FeatureGroup, FeatureGroupConfig, FeatureGroupOutputs, write_offline_stores

__all__ = [
    "ExistingTable",
    "Feature",
    "FeatureGroup",
    "FeatureGroupConfig",
    "FeatureGroupDefinition",
    "FeatureGroupOutputs",
    "NewTable",
    "OfflineStore",
    "OnDemand",
    "OnlineStore",
    "Provisioned",
    "Throughput",
    "TtlDuration",
    "write_offline_stores",
]
