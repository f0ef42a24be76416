"""CloudWatch dashboard: a row for each endpoint, one for each API, and one for the pipelines.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from constructs import Construct

from .._aws.cloudwatch_dashboard import CloudwatchDashboard
from .._core import at_most, distinct, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from ..endpoint import (
    ONLY_VARIANT,
    Asynchronous,
    BacklogScaling,
    Inference,
    RealTime,
    Scaling,
    Serverless,
)
from ..inference_api import STAGE

COLUMNS = 24
HEADING_HEIGHT = 1
GRAPH_HEIGHT = 6

MOST_WIDGETS = 500
MOST_METRICS_OF_WIDGET = 500
MOST_METRICS = 2500
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"""

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
GATEWAY = "AWS/ApiGateway"
FUNCTIONS = "AWS/Lambda"

Metric = list[Any]
"""Namespace, name, dimensions one after the other, and how it is drawn."""
Widget = dict[str, Any]


@record
class DashboardConfig:
    """What is shown."""

    name: str
    """The dashboard's name, at most 255 letters, digits, `-` and `_`; another name is another dashboard."""
    region: str
    """Region of what is shown."""
    endpoints: Mapping[str, Inference] = field(default_factory=dict)
    """Endpoints by their name in AWS, each with its kind and all decisions."""
    pipeline_names: tuple[str, ...] = ()
    """SageMaker pipelines by their name in AWS."""
    api_names: tuple[str, ...] = ()
    """What the module `inference_api` made, by name."""
    period_seconds: int = 60
    """Time that a point of a graph stands for: a multiple of 60."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[a-zA-Z0-9_-]+", "acme-dev"),
            no_longer_than("name", self.name, 255),
            when(
                not self.endpoints and not self.pipeline_names and not self.api_names,
                "endpoints, pipeline_names, api_names: supply at least one of them, got none",
            ),
            distinct("pipeline_names", self.pipeline_names),
            distinct("api_names", self.api_names),
            when(
                not unresolved(self.period_seconds)
                and (self.period_seconds < 60 or self.period_seconds % 60),
                f"period_seconds: supply a multiple of 60, got {self.period_seconds}",
            ),
            *self._within_limits(),
        )

    def _within_limits(self) -> Iterator[str | None]:
        """Yield what CloudWatch would not show."""
        counts = [len(widget["properties"].get("metrics", ())) for widget in widgets(self)]
        advice = "endpoints, pipeline_names, api_names: supply fewer, in a dashboard each;"
        yield at_most(f"{advice} number of widgets", len(counts), MOST_WIDGETS)
        yield at_most(f"{advice} metrics of a widget", max(counts, default=0), MOST_METRICS_OF_WIDGET)
        yield at_most(f"{advice} metrics", sum(counts), MOST_METRICS)


@record
class DashboardOutputs:
    """What a dashboard gives."""

    name: str
    arn: str


class Dashboard(Construct):
    """The same endpoints and pipelines give the same body, whatever the order in which they are named."""

    def __init__(self, scope: Construct, id_: str, config: DashboardConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        body = {"widgets": list(placed(widgets(config)))}
        dashboard = CloudwatchDashboard(
            self, "this", dashboard_name=config.name, dashboard_body=json.dumps(body, sort_keys=True)
        )
        self.outputs = DashboardOutputs(name=dashboard.dashboard_name, arn=dashboard.dashboard_arn)


def widgets(config: DashboardConfig) -> Iterator[Widget]:
    """Yield all widgets: a heading, and graphs that stand beside each other."""
    for name, inference in sorted(config.endpoints.items()):
        yield _heading(f"## {name}\n{_kind(inference)}")
        for title, metrics, lines in (
            ("Requests", _traffic(name, inference), {}),
            ("Errors", _errors(name, inference), {}),
            ("Latency (µs)", _latency(name, inference), {}),
            _capacity(name, inference),
        ):
            yield _graph(config, title, metrics, lines)
    for name in sorted(config.api_names):
        yield _heading(f"## {name}\nAPI")
        for title, metrics in _api(name):
            yield _graph(config, title, metrics, {})
    if config.pipeline_names:
        yield _heading("## Pipelines")
        for title, metric_name in (
            ("Started", "ExecutionStarted"),
            ("Succeeded", "ExecutionSucceeded"),
            ("Failed", "ExecutionFailed"),
            ("Duration (ms)", "ExecutionDuration"),
        ):
            stat = "Average" if metric_name == "ExecutionDuration" else "Sum"
            metrics = [
                [PIPELINES, metric_name, "PipelineName", name, {"label": name, "stat": stat}]
                for name in sorted(config.pipeline_names)
            ]
            yield _graph(config, title, metrics, {})


def placed(unplaced: Iterable[Widget]) -> Iterator[Widget]:
    """Yield widgets with their places: from left to right, and a new row where one is full."""
    x = y = height = 0
    for widget in unplaced:
        if x + widget["width"] > COLUMNS:
            x, y = 0, y + height
        yield {**widget, "x": x, "y": y}
        x, height = x + widget["width"], widget["height"]


def _heading(markdown: str) -> Widget:
    properties = {"markdown": markdown, "background": "transparent"}
    return {"type": "text", "width": COLUMNS, "height": HEADING_HEIGHT, "properties": properties}


def _graph(config: DashboardConfig, title: str, metrics: list[Metric], lines: Mapping[str, int]) -> Widget:
    """Return a graph of metrics, with a line for each limit that is known."""
    known = [{"label": label, "value": value} for label, value in lines.items() if not unresolved(value)]
    return {
        "type": "metric",
        "width": COLUMNS // 4,
        "height": GRAPH_HEIGHT,
        "properties": {
            "title": title,
            "region": config.region,
            "view": "timeSeries",
            "period": config.period_seconds,
            "metrics": metrics,
            "yAxis": {"left": {"min": 0}},
            **({"annotations": {"horizontal": known}} if known else {}),
        },
    }


def _kind(inference: Inference) -> str:
    return {RealTime: "real-time", Serverless: "serverless", Asynchronous: "asynchronous"}[type(inference)]


def _variants(inference: Inference) -> list[str]:
    """Return all variants, shadow variants after those that answer."""
    if isinstance(inference, RealTime):
        return [*sorted(inference.variants), *sorted(inference.shadow_variants)]
    return [ONLY_VARIANT]


def _metric(namespace: str, name: str, endpoint: str, variant: str, stat: str, label: str) -> Metric:
    drawn = {"stat": stat, "label": label}
    return [namespace, name, "EndpointName", endpoint, "VariantName", variant, drawn]


def _of_endpoint(name: str, endpoint: str, stat: str, label: str) -> Metric:
    return [INVOCATIONS, name, "EndpointName", endpoint, {"stat": stat, "label": label}]


def _traffic(endpoint: str, inference: Inference) -> list[Metric]:
    """Return the requests of each variant; those of an asynchronous endpoint wait first."""
    if isinstance(inference, Asynchronous):
        return [
            _metric(INVOCATIONS, "InvocationsProcessed", endpoint, ONLY_VARIANT, "Sum", "processed"),
            _of_endpoint("ApproximateBacklogSize", endpoint, "Maximum", "waiting"),
        ]
    return [
        _metric(INVOCATIONS, "Invocations", endpoint, variant, "Sum", variant)
        for variant in _variants(inference)
    ]


def _errors(endpoint: str, inference: Inference) -> list[Metric]:
    names = {"5XX": "Invocation5XXErrors", "4XX": "Invocation4XXErrors"}
    if isinstance(inference, RealTime):
        names["model"] = "InvocationModelErrors"
    if isinstance(inference, Asynchronous):
        names |= {"failed": "InvocationFailures", "expired": "ExpiredRequests"}
    return [
        _metric(INVOCATIONS, name, endpoint, variant, "Sum", f"{variant} {label}")
        for variant in _variants(inference)
        for label, name in names.items()
    ]


def _latency(endpoint: str, inference: Inference) -> list[Metric]:
    """Return the containers' own time, and what SageMaker adds where it is published: cold starts, too."""
    metrics = [
        _metric(INVOCATIONS, "ModelLatency", endpoint, variant, stat, f"{variant} {stat}")
        for variant in _variants(inference)
        for stat in ("p50", "p99")
    ]
    if isinstance(inference, Asynchronous):
        return [
            *metrics,
            _metric(INVOCATIONS, "TimeInBacklog", endpoint, ONLY_VARIANT, "Maximum", "in queue"),
        ]
    return [
        *metrics,
        *(
            _metric(INVOCATIONS, "OverheadLatency", endpoint, variant, "p99", f"{variant} overhead p99")
            for variant in _variants(inference)
        ),
    ]


def _api(name: str) -> Iterator[tuple[str, list[Metric]]]:
    """Yield what API Gateway and the function behind it measure.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    """

    def of_stage(metric_name: str, stat: str, label: str) -> Metric:
        return [GATEWAY, metric_name, "ApiName", name, "Stage", STAGE, {"stat": stat, "label": label}]

    def of_function(metric_name: str, stat: str, label: str) -> Metric:
        return [FUNCTIONS, metric_name, "FunctionName", name, {"stat": stat, "label": label}]

    yield "Requests", [of_stage("Count", "Sum", "requests")]
    yield "Errors", [of_stage("5XXError", "Sum", "5XX"), of_stage("4XXError", "Sum", "4XX")]
    yield (
        "Latency (ms)",
        [
            *(of_stage("Latency", stat, stat) for stat in ("p50", "p99")),
            of_stage("IntegrationLatency", "p99", "function p99"),
        ],
    )
    yield (
        "Function",
        [
            of_function("ConcurrentExecutions", "Maximum", "at once"),
            of_function("Throttles", "Sum", "throttled"),
        ],
    )


def _capacity(endpoint: str, inference: Inference) -> tuple[str, list[Metric], dict[str, int]]:
    """Return what there is to answer with, and its limits.

    Each instance publishes its use of processors once a minute, so that the number of samples in a minute is
    that of the instances; there is no other metric of it.
    """
    if isinstance(inference, Serverless):
        names = {"of all": "ServerlessConcurrentExecutionsUtilization"}
        if inference.initial_provisioned_concurrency is not None:
            names["of provisioned"] = "ServerlessProvisionedConcurrencyUtilization"
        metrics = [
            _metric(INVOCATIONS, name, endpoint, ONLY_VARIANT, "Maximum", label)
            for label, name in names.items()
        ]
        return "Concurrency in use", metrics, {"all": 1}
    scalings: dict[str, Scaling | BacklogScaling | None] = (
        {name: variant.scaling for name, variant in inference.variants.items()}
        if isinstance(inference, RealTime)
        else {ONLY_VARIANT: inference.scaling}
    )
    metrics = [
        [*metric[:-1], {**metric[-1], "period": 60}]
        for metric in (
            _metric(INSTANCES, "CPUUtilization", endpoint, variant, "SampleCount", variant)
            for variant in _variants(inference)
        )
    ]
    limits = {
        f"{variant} {what}": value
        for variant in sorted(scalings)
        if (scaling := scalings[variant])
        for what, value in (("least", scaling.min_capacity), ("most", scaling.max_capacity))
    }
    return "Instances", metrics, limits
