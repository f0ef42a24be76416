"""An alarm on failures: one in a minute is one too many, and silence is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from constructs import Construct

from .._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm


def alarm_on_failure(
    scope: Construct,
    id_: str,
    *,
    name: str,
    description: str,
    namespace: str,
    metric_name: str,
    dimensions: Mapping[str, str],
    topic_arns: Sequence[str],
) -> None:
    """Make an alarm that tells topics when a metric counts at least one within a minute."""
    CloudwatchMetricAlarm(
        scope,
        id_,
        alarm_name=name,
        alarm_description=description,
        namespace=namespace,
        metric_name=metric_name,
        dimensions=dimensions,
        statistic="Sum",
        period=60,
        evaluation_periods=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=1,
        treat_missing_data="notBreaching",
        alarm_actions=list(topic_arns),
    )
