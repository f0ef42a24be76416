"""CloudWatch alarms on an endpoint of any kind."""

from .alarms import Alarms, AlarmsConfig, Thresholds

__all__ = ["Alarms", "AlarmsConfig", "Thresholds"]
