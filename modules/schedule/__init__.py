"""EventBridge Scheduler: starts a SageMaker pipeline or a state machine at given times."""

from .schedule import (
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
