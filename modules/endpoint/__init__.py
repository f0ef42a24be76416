"""SageMaker endpoint: production variants behind one stable name, rolled out without downtime."""

from .decisions import AllAtOnce, DataCapture, Inference, RealTime, Rollback, Scaling, Variant
from .endpoint import Endpoint, EndpointConfig, EndpointOutputs, watch_rollback_alarms

__all__ = [
    "AllAtOnce",
    "DataCapture",
    "Endpoint",
    "EndpointConfig",
    "EndpointOutputs",
    "Inference",
    "RealTime",
    "Rollback",
    "Scaling",
    "Variant",
    "watch_rollback_alarms",
]
