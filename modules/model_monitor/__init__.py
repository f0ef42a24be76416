"""Monitors of models: data quality, model quality, bias and explainability, with alarms on drift."""

from ..state_machine import LAUNCHING_SERVICES, launch, start
from .decisions import (
    BatchCapture,
    Bias,
    DataQuality,
    EndpointCapture,
    Explainability,
    ModelQuality,
    Monitor,
    Scheduled,
)
from .model_monitor import ModelMonitor, ModelMonitorConfig, ModelMonitorOutputs
from .scheduled import (
    ScheduledMonitor,
    ScheduledMonitorConfig,
    ScheduledMonitorOutputs,
    ask_model,
    execution,
    job,
)

__all__ = [
    "LAUNCHING_SERVICES",
    "BatchCapture",
    "Bias",
    "DataQuality",
    "EndpointCapture",
    "Explainability",
    "ModelMonitor",
    "ModelMonitorConfig",
    "ModelMonitorOutputs",
    "ModelQuality",
    "Monitor",
    "Scheduled",
    "ScheduledMonitor",
    "ScheduledMonitorConfig",
    "ScheduledMonitorOutputs",
    "ask_model",
    "execution",
    "job",
    "launch",
    "start",
]
