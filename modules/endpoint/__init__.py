"""SageMaker endpoint: real-time, serverless or asynchronous, behind one interface."""

from .decisions import NAME, ONLY_VARIANT, Asynchronous, DataCapture, Inference, RealTime, Serverless, Variant
from .deployment import AllAtOnce, Canary, Deployment, Linear, Rollback, Rolling
from .endpoint import Endpoint, EndpointConfig, EndpointOutputs, invoke, watch_rollback_alarms
from .off_hours import OffHours, scheduled, with_off_hours
from .scaling import BacklogScaling, ConcurrencyScaling, Scaling, ScheduledAction, Step

__all__ = [
    "NAME",
    "ONLY_VARIANT",
    "AllAtOnce",
    "Asynchronous",
    "BacklogScaling",
    "Canary",
    "ConcurrencyScaling",
    "DataCapture",
    "Deployment",
    "Endpoint",
    "EndpointConfig",
    "EndpointOutputs",
    "Inference",
    "Linear",
    "OffHours",
    "RealTime",
    "Rollback",
    "Rolling",
    "Scaling",
    "ScheduledAction",
    "Serverless",
    "Step",
    "Variant",
    "invoke",
    "scheduled",
    "watch_rollback_alarms",
    "with_off_hours",
]
