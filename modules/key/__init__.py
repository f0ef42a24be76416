"""Customer-managed KMS key with rotation and an alias."""

from .key import Key, KeyConfig, KeyOutputs, read_by_accounts, use_by_log_groups, use_by_service

__all__ = ["Key", "KeyConfig", "KeyOutputs", "read_by_accounts", "use_by_log_groups", "use_by_service"]
