"""SageMaker endpoint: real-time, serverless or asynchronous, behind one interface."""

from .decisions import Asynchronous, DataCapture, Inference, RealTime, Serverless, Variant
from .deployment import AllAtOnce, Canary, Deployment, Linear, Rollback, Rolling
from .endpoint import Endpoint, EndpointConfig, EndpointOutputs, watch_rollback_alarms
from .scaling import BacklogScaling, ConcurrencyScaling, Scaling, ScheduledAction, Step

__all__ = [
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
    "RealTime",
    "Rollback",
    "Rolling",
    "Scaling",
    "ScheduledAction",
    "Serverless",
    "Step",
    "Variant",
    "watch_rollback_alarms",
]
