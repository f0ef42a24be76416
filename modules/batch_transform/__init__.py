"""Batch transform: a job that is described once and run on a schedule, on new data, or by hand."""

from .batch_transform import (
    LAUNCHING_SERVICES,
    BatchTransform,
    BatchTransformConfig,
    BatchTransformOutputs,
    execution,
    launch,
    start,
)
from .decisions import DataProcessing, JobRetries, ModelClient, NewData, TransformJob

__all__ = [
    "LAUNCHING_SERVICES",
    "BatchTransform",
    "BatchTransformConfig",
    "BatchTransformOutputs",
    "DataProcessing",
    "JobRetries",
    "ModelClient",
    "NewData",
    "TransformJob",
    "execution",
    "launch",
    "start",
]
