"""Alarms on drift, which people are told of, and by which a pipeline can start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from constructs import Construct

from .._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from .._core.events import drift_alarm


def alarm_on_drift(
    scope: Construct,
    what: str,
    *,
    monitor_name: str,
    description: str,
    namespace: str,
    metric_name: str,
    dimensions: Mapping[str, str],
    comparison_operator: str,
    threshold: float,
    topic_arns: Sequence[str],
) -> None:
    """Make an alarm that one analysis gives; an hour without another one that finds drift ends it."""
    CloudwatchMetricAlarm(
        scope,
        f"{what}_drift",
        alarm_name=drift_alarm(monitor_name, what),
        alarm_description=description,
        namespace=namespace,
        metric_name=metric_name,
        dimensions=dimensions,
        statistic="Minimum" if comparison_operator.startswith("Less") else "Maximum",
        period=3600,
        evaluation_periods=1,
        comparison_operator=comparison_operator,
        threshold=threshold,
        treat_missing_data="notBreaching",
        alarm_actions=list(topic_arns),
    )
