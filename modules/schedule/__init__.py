"""EventBridge Scheduler: starts a SageMaker pipeline or a state machine at given times."""

from .schedule import (
    EXPRESSION,
    TIME_ZONE,
    Parameter,
    PipelineTarget,
    RetryPolicy,
    Schedule,
    ScheduleConfig,
    ScheduledStart,
    ScheduleOutputs,
    StateMachineTarget,
    deliver,
)

__all__ = [
    "EXPRESSION",
    "TIME_ZONE",
    "Parameter",
    "PipelineTarget",
    "RetryPolicy",
    "Schedule",
    "ScheduleConfig",
    "ScheduleOutputs",
    "ScheduledStart",
    "StateMachineTarget",
    "deliver",
]
