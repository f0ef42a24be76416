"""Step Functions state machine: logged, traced, encrypted, with alarms on executions that fail."""

from .state_machine import (
    LAUNCHING_SERVICES,
    EventTrigger,
    StateMachine,
    StateMachineConfig,
    StateMachineOutputs,
    execution,
    launch,
    start,
    use_by_log_delivery,
)

__all__ = [
    "LAUNCHING_SERVICES",
    "EventTrigger",
    "StateMachine",
    "StateMachineConfig",
    "StateMachineOutputs",
    "execution",
    "launch",
    "start",
    "use_by_log_delivery",
]
