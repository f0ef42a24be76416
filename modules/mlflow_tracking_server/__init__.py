"""SageMaker MLflow tracking server: runs, metrics and models of experiments, by IAM and in your bucket."""

from .mlflow_tracking_server import (
    MlflowTrackingServer,
    MlflowTrackingServerConfig,
    MlflowTrackingServerOutputs,
    TrackingServer,
    register_models,
    store_artifacts,
)

__all__ = [
    "MlflowTrackingServer",
    "MlflowTrackingServerConfig",
    "MlflowTrackingServerOutputs",
    "TrackingServer",
    "register_models",
    "store_artifacts",
]
