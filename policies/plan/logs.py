"""Logs and metrics: kept for as long as the environment keeps its own; of queries too."""

from __future__ import annotations

from policies.plan.model import Finding, Planned, Resource, failed, nested, passed, rule


@rule("SW_LOG_FLOOR")
def logs_are_kept_long_enough(group: Resource, planned: Planned) -> Finding:
    """Ask for a retention that is no shorter than the environment's; 0 keeps logs for ever."""
    days = group.block.get("retention_in_days") or 0
    if days and days < planned.limits.log_retention_days:
        return failed(f"retention_in_days is {days}, expected at least {planned.limits.log_retention_days}")
    return passed()


@rule("SW_QUERY_METRICS")
def queries_leave_metrics(workgroup: Resource, planned: Planned) -> Finding:
    """Ask for metrics of a workgroup's queries; a workgroup without a configuration has none."""
    for configuration in nested(workgroup.block, "configuration"):
        if configuration.get("publish_cloudwatch_metrics_enabled") is True:
            return passed()
    return failed("configuration.publish_cloudwatch_metrics_enabled is not true")
