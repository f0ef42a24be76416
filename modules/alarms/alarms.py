"""CloudWatch alarms on an endpoint: errors, latency, what its instances lack, and what waits for them.

Which metrics an endpoint publishes depends on its kind, and so do the alarms:
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from constructs import Construct

from .._aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarm,
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from .._core import at_least, at_most, distinct, matches, not_empty, record, refuse, when
from .._core.checks import no_longer_than
from .._core.instance_types import vcpus
from ..endpoint import NAME, ONLY_VARIANT, Asynchronous, Inference, RealTime, Serverless
from ..topic import TOPIC_ARN

INVOCATIONS = "AWS/SageMaker"
"""Namespace of what is asked of an endpoint."""
INSTANCES = "/aws/sagemaker/Endpoints"
"""Namespace of what its instances use."""

SERVERLESS_LATENCY_MILLISECONDS = 10_000
"""A serverless endpoint has no rollback whose bound could be taken."""


@record
class Thresholds:
    """From which values on somebody is told; those that a kind of endpoint does not publish do nothing.

    A share or a latency must be bad in three of five minutes, what instances lack in all of five.
    """

    invocation_5xx_error_percent: float = 1.0
    """Share of the requests that a container answered with a 5XX status, above 0 to 100 %."""
    invocation_model_error_percent: float = 1.0
    """Share of the requests to a real-time endpoint without a usable response: a 5XX status, a time-out, a
    broken connection. 4XX are the callers' own, and left out."""
    model_latency_p99_milliseconds: int | None = None
    """Slowest hundredth of the containers' answers; by default what takes a rollout back, and 10 s for a
    serverless endpoint."""
    cpu_utilization_percent: int = 90
    """Average use of the instances' processors, 1 to 100 % of all of them."""
    memory_utilization_percent: int = 90
    """Use of the memory by the container that uses most, 1 to 100 %."""
    disk_utilization_percent: int = 85
    """Use of the disk by the container that uses most, 1 to 100 %."""
    concurrency_utilization_percent: int = 80
    """Most requests at once of a serverless endpoint, as a share of the most that it takes, 1 to 100 %.
    SageMaker publishes no number of those that it refuses beyond."""
    invocation_failures_per_5_minutes: int = 5
    """Requests to an asynchronous endpoint that failed for whatever reason."""
    oldest_request_age_seconds: int = 3600
    """How long the oldest request to an asynchronous endpoint has waited."""
    no_capacity_minutes: int = 20
    """For how long requests to an asynchronous endpoint wait while it has no instance, 1 to 1440: longer than
    one takes to start."""

    def __post_init__(self) -> None:
        shares = (
            ("invocation_5xx_error_percent", self.invocation_5xx_error_percent, 0.001),
            ("invocation_model_error_percent", self.invocation_model_error_percent, 0.001),
            ("cpu_utilization_percent", self.cpu_utilization_percent, 1),
            ("memory_utilization_percent", self.memory_utilization_percent, 1),
            ("disk_utilization_percent", self.disk_utilization_percent, 1),
            ("concurrency_utilization_percent", self.concurrency_utilization_percent, 1),
        )
        refuse(
            *(at_least(name, value, least) for name, value, least in shares),
            *(at_most(name, value, 100) for name, value, _ in shares),
            at_least("model_latency_p99_milliseconds", self.model_latency_p99_milliseconds, 1),
            at_least("invocation_failures_per_5_minutes", self.invocation_failures_per_5_minutes, 1),
            at_least("oldest_request_age_seconds", self.oldest_request_age_seconds, 1),
            at_least("no_capacity_minutes", self.no_capacity_minutes, 1),
            at_most("no_capacity_minutes", self.no_capacity_minutes, 1440),
        )


@record
class AlarmsConfig:
    """What is watched, and who is told."""

    endpoint_name: str
    """The endpoint's name; the alarms' names begin with it."""
    inference: Inference
    """Kind of endpoint, with all decisions: what the endpoint itself is made of."""
    topic_arns: tuple[str, ...]
    """SNS topics that are told when an alarm begins and when it is over, 1 to 5."""
    thresholds: Thresholds = Thresholds()
    """When somebody is told."""

    def __post_init__(self) -> None:
        refuse(
            matches("endpoint_name", self.endpoint_name, NAME, "acme-dev-churn"),
            no_longer_than("endpoint_name", self.endpoint_name, 63),
            not_empty("topic_arns", self.topic_arns),
            at_most("topic_arns: number of topics", len(self.topic_arns), 5),
            distinct("topic_arns", self.topic_arns),
            *(
                matches("topic_arns", arn, TOPIC_ARN, "arn:aws:sns:eu-west-1:111122223333:acme-dev-alarms")
                for arn in self.topic_arns
            ),
            *(
                when(
                    vcpus(instance_type) is None,
                    f"inference: supply instance types of which the number of processors is known, "
                    f"got {instance_type!r}",
                )
                for instance_type in _instance_types(self.inference).values()
            ),
        )


@record
class Watched:
    """One number of every minute that an alarm looks at."""

    id: str
    """End of the alarm's name."""
    what: str
    """What is bad about the endpoint, as a sentence continues that begins with its name."""
    metrics: Mapping[str, str]
    """Metrics by the names that the expression uses; just one where there is none."""
    statistic: str
    threshold: float
    """Value from which on it is bad, in the unit of the threshold's name."""
    expression: str | None = None
    """What is made of the metrics, so that it has the unit of the threshold."""
    variant: str | None = None
    """Whose metrics; those of the whole endpoint without one."""
    namespace: str = INVOCATIONS
    period_seconds: int = 60
    bad: int = 3
    """How many periods have to be bad …"""
    of: int = 5
    """… of how many."""


class Alarms(Construct):
    """Alarms of their own for each production variant, so that it is told which one does badly.

    A variant without requests says nothing, and that is no failure. Shadow variants have no alarms: nobody
    gets their answers. What takes rollouts back is watched by the endpoint's own alarms.
    """

    def __init__(self, scope: Construct, id_: str, config: AlarmsConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        for watched in _watched(config.inference, config.thresholds):
            self._alarm(watched)

    def _alarm(self, watched: Watched) -> None:
        """Make an alarm on an expression, in the words and the unit of its threshold.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
        """
        config = self.config
        id_ = f"{watched.variant}_{watched.id}" if watched.variant else watched.id
        dimensions = {"EndpointName": config.endpoint_name}
        if watched.variant:
            dimensions["VariantName"] = watched.variant
        queries = [
            CloudwatchMetricAlarmMetricQuery(
                id=name,
                metric=CloudwatchMetricAlarmMetricQueryMetric(
                    namespace=watched.namespace,
                    metric_name=metric_name,
                    dimensions=dimensions,
                    period=watched.period_seconds,
                    stat=watched.statistic,
                ),
                return_data=None if watched.expression else True,
            )
            for name, metric_name in watched.metrics.items()
        ]
        if watched.expression:
            queries.append(
                CloudwatchMetricAlarmMetricQuery(
                    id="watched", label=watched.id, expression=watched.expression, return_data=True
                )
            )
        variant = f", variant {watched.variant}," if watched.variant else ""
        CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=f"{config.endpoint_name}-watch-{id_.replace('_', '-')}",
            alarm_description=f"{config.endpoint_name}{variant} {watched.what}.",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=watched.threshold,
            evaluation_periods=watched.of,
            datapoints_to_alarm=watched.bad,
            treat_missing_data="notBreaching",
            metric_query=queries,
            alarm_actions=list(config.topic_arns),
            ok_actions=list(config.topic_arns),
        )


def _instance_types(inference: Inference) -> dict[str, str]:
    """Return the instance types of the production variants by the variants' names; serverless has none."""
    if isinstance(inference, RealTime):
        return {name: variant.instance_type for name, variant in inference.variants.items()}
    return {ONLY_VARIANT: inference.instance_type} if isinstance(inference, Asynchronous) else {}


def _watched(inference: Inference, thresholds: Thresholds) -> Iterator[Watched]:
    """Yield all that is watched of a kind of endpoint."""
    variants = sorted(inference.variants) if isinstance(inference, RealTime) else [ONLY_VARIANT]
    for variant in variants:
        yield from _answers(variant, inference, thresholds)
        if isinstance(inference, RealTime):
            yield _model_errors(variant, thresholds)
    for variant, instance_type in sorted(_instance_types(inference).items()):
        yield from _instances(variant, instance_type, thresholds)
    if isinstance(inference, Serverless):
        yield _memory(ONLY_VARIANT, thresholds)
        yield Watched(
            id="concurrency",
            what="has nearly as many requests at once as it takes; more are refused",
            metrics={"used": "ServerlessConcurrentExecutionsUtilization"},
            statistic="Maximum",
            threshold=thresholds.concurrency_utilization_percent,
            expression="100 * used",
            variant=ONLY_VARIANT,
        )
    if isinstance(inference, Asynchronous):
        yield from _queue(thresholds)


def _answers(variant: str, inference: Inference, thresholds: Thresholds) -> Iterator[Watched]:
    """Yield what all kinds publish. The average of a metric that is 0 or 1 for each request is a share."""
    latency = thresholds.model_latency_p99_milliseconds
    if latency is None:
        latency = (
            SERVERLESS_LATENCY_MILLISECONDS
            if isinstance(inference, Serverless)
            else inference.rollback.model_latency_p99_milliseconds
        )
    yield Watched(
        id="5xx",
        what="answers too many requests with a 5XX status",
        metrics={"errors": "Invocation5XXErrors"},
        statistic="Average",
        threshold=thresholds.invocation_5xx_error_percent,
        expression="100 * errors",
        variant=variant,
    )
    yield Watched(
        id="latency",
        what="answers too slowly",
        metrics={"microseconds": "ModelLatency"},
        statistic="p99",
        threshold=latency,
        expression="microseconds / 1000",
        variant=variant,
    )


def _model_errors(variant: str, thresholds: Thresholds) -> Watched:
    return Watched(
        id="model_errors",
        what="gives too many requests no usable answer",
        metrics={"failed": "InvocationModelErrors", "rejected": "Invocation4XXErrors"},
        statistic="Average",
        threshold=thresholds.invocation_model_error_percent,
        expression="100 * (failed - FILL(rejected, 0))",
        variant=variant,
    )


def _memory(variant: str, thresholds: Thresholds) -> Watched:
    return Watched(
        id="memory",
        what="has nearly no memory left",
        metrics={"used": "MemoryUtilization"},
        statistic="Maximum",
        threshold=thresholds.memory_utilization_percent,
        variant=variant,
        namespace=INSTANCES,
        bad=5,
    )


def _instances(variant: str, instance_type: str, thresholds: Thresholds) -> Iterator[Watched]:
    """Yield what instances lack: the metric of the processors adds up those of an instance.

    There is none on GPUs: a server may well use all of them, and takes their memory when it starts.
    """
    yield Watched(
        id="cpu",
        what="has nearly no processor time left",
        metrics={"used": "CPUUtilization"},
        statistic="Average",
        threshold=thresholds.cpu_utilization_percent,
        expression=f"used / {vcpus(instance_type)}",
        variant=variant,
        namespace=INSTANCES,
        bad=5,
    )
    yield _memory(variant, thresholds)
    yield Watched(
        id="disk",
        what="has nearly no disk left",
        metrics={"used": "DiskUtilization"},
        statistic="Maximum",
        threshold=thresholds.disk_utilization_percent,
        variant=variant,
        namespace=INSTANCES,
        bad=5,
    )


def _queue(thresholds: Thresholds) -> Iterator[Watched]:
    """Yield what happens to the requests that wait for an asynchronous endpoint."""
    yield Watched(
        id="failures",
        what="fails too often",
        metrics={"failed": "InvocationFailures"},
        statistic="Sum",
        threshold=thresholds.invocation_failures_per_5_minutes,
        variant=ONLY_VARIANT,
        period_seconds=300,
        bad=1,
        of=1,
    )
    yield Watched(
        id="waiting",
        what="lets requests wait for too long",
        metrics={"seconds": "ApproximateAgeOfOldestRequest"},
        statistic="Maximum",
        threshold=thresholds.oldest_request_age_seconds,
    )
    yield Watched(
        id="no_capacity",
        what="has requests and no instance, and none starts",
        metrics={"waits": "HasBacklogWithoutCapacity"},
        statistic="Maximum",
        threshold=1,
        bad=thresholds.no_capacity_minutes,
        of=thresholds.no_capacity_minutes,
    )
