"""SW_LOG_RETENTION: log groups end their logs some day."""

from __future__ import annotations

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck


class LogRetention(BaseResourceCheck):
    """Wants a number of days; a plan has 0, never expire, where none is configured."""

    def __init__(self) -> None:
        super().__init__(
            name="A log group has a retention",
            id="SW_LOG_RETENTION",
            categories=[CheckCategories.LOGGING],
            supported_resources=["aws_cloudwatch_log_group"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """Judge `retention_in_days`."""
        self.evaluated_keys = ["retention_in_days"]
        days = (conf.get("retention_in_days") or [None])[0]
        return CheckResult.PASSED if days else CheckResult.FAILED


check = LogRetention()
