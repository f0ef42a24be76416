"""Batch transform: a job that is described once and run on a schedule, on new data, or by hand."""

from ..state_machine import LAUNCHING_SERVICES, launch, start
from .batch_transform import BatchTransform, BatchTransformConfig, BatchTransformOutputs, execution
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
