"""EventBridge bus: where other accounts tell what happened."""

from .event_bus import EventBus, EventBusConfig, EventBusOutputs

__all__ = ["EventBus", "EventBusConfig", "EventBusOutputs"]
