"""Alarms on an API: errors, latency, and what its function has no concurrency for.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from constructs import Construct

from .._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from .._core import record
from .decisions import ApiThresholds


@record
class Watched:
    """One number of every minute that an alarm looks at."""

    id: str
    what: str
    """What is bad about the API, as a sentence continues that begins with its name."""
    namespace: str
    metric_name: str
    dimensions: Mapping[str, str]
    threshold: float
    statistic: str | None = None
    extended_statistic: str | None = None


def watch(
    scope: Construct, name: str, stage: str, thresholds: ApiThresholds, topic_arns: Sequence[str]
) -> None:
    """Make the alarms of an API; a minute without requests is a good one."""
    of_stage = {"ApiName": name, "Stage": stage}
    for watched in (
        Watched(
            id="errors",
            what="answers too many requests with a 5XX status",
            namespace="AWS/ApiGateway",
            metric_name="5XXError",
            dimensions=of_stage,
            statistic="Average",  # of 0 or 1 for each request: a share
            threshold=thresholds.error_5xx_percent / 100,
        ),
        Watched(
            id="latency",
            what="answers too slowly",
            namespace="AWS/ApiGateway",
            metric_name="Latency",
            dimensions=of_stage,
            extended_statistic="p99",
            threshold=thresholds.latency_p99_milliseconds,
        ),
        Watched(
            id="throttles",
            what="has no concurrency left for some requests",
            namespace="AWS/Lambda",
            metric_name="Throttles",
            dimensions={"FunctionName": name},
            statistic="Sum",
            threshold=thresholds.throttled_invocations_per_minute,
        ),
    ):
        CloudwatchMetricAlarm(
            scope,
            f"{watched.id}_alarm",
            alarm_name=f"{name}-{watched.id}",
            alarm_description=f"{name} {watched.what}.",
            namespace=watched.namespace,
            metric_name=watched.metric_name,
            dimensions=watched.dimensions,
            statistic=watched.statistic,
            extended_statistic=watched.extended_statistic,
            period=60,
            evaluation_periods=5,
            datapoints_to_alarm=3,
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=watched.threshold,
            treat_missing_data="notBreaching",
            alarm_actions=list(topic_arns),
            ok_actions=list(topic_arns),
        )
