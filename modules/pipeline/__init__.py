"""SageMaker pipeline, started by schedules and events, with an alarm on failures."""

from .decisions import Drift, EventPattern, ModelPackageApproved, ModelPackageRejected, NewData, Trigger
from .pipeline import (
    LAUNCHING_SERVICES,
    Pipeline,
    PipelineConfig,
    PipelineOutputs,
    describe,
    launch,
    parameter_names,
    start,
)

__all__ = [
    "LAUNCHING_SERVICES",
    "Drift",
    "EventPattern",
    "ModelPackageApproved",
    "ModelPackageRejected",
    "NewData",
    "Pipeline",
    "PipelineConfig",
    "PipelineOutputs",
    "Trigger",
    "describe",
    "launch",
    "parameter_names",
    "start",
]
