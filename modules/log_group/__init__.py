"""CloudWatch log group, encrypted under a customer-managed key, with a limited life."""

from .log_group import RETENTION_DAYS, LogGroup, LogGroupConfig, LogGroupOutputs

__all__ = ["RETENTION_DAYS", "LogGroup", "LogGroupConfig", "LogGroupOutputs"]
