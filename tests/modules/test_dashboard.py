"""Dashboard: a row for each endpoint, the same bytes for the same input, and within CloudWatch's limits."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modules.dashboard import Dashboard, DashboardConfig
from modules.endpoint import (
    Asynchronous,
    BacklogScaling,
    ConcurrencyScaling,
    Inference,
    RealTime,
    Scaling,
    Serverless,
    Variant,
)
from tests.conftest import Synth
from tests.inventory import Inventory

SCALED = Scaling(min_capacity=2, max_capacity=6, invocations_per_instance_per_minute=600)
ENDPOINTS: dict[str, Inference] = {
    "acme-dev-churn": RealTime(
        variants={
            "champion": Variant(model="churn-v1", weight=90, scaling=SCALED),
            "challenger": Variant(model="churn-v2", weight=10, instance_count=1),
        }
    ),
    "acme-dev-backoffice": Serverless(
        model="churn-v1",
        max_concurrency=20,
        scaling=ConcurrencyScaling(min_capacity=1, max_capacity=4),
    ),
    "acme-dev-history": Asynchronous(
        model="churn-v1", scaling=BacklogScaling(max_capacity=4, backlog_size_per_instance=5)
    ),
}
CONFIG = DashboardConfig(
    name="acme-dev-overview",
    region="eu-west-1",
    endpoints=ENDPOINTS,
    pipeline_names=("acme-dev-churn", "acme-dev-batch"),
)


def body(synth: Synth, config: DashboardConfig) -> str:
    return str(synth(Dashboard, config).one("aws_cloudwatch_dashboard")["dashboard_body"])


def graphs(synth: Synth, config: DashboardConfig, title: str) -> list[dict[str, Any]]:
    """Return what the graphs of a title show, in the order of the rows."""
    widgets = json.loads(body(synth, config))["widgets"]
    return [one["properties"] for one in widgets if one["properties"].get("title") == title]


def test_a_dashboard_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/dashboard", synth(Dashboard, CONFIG))


def test_an_api_has_a_row_of_what_api_gateway_and_its_function_measure(synth: Synth) -> None:
    config = replace(CONFIG, endpoints={}, pipeline_names=(), api_names=("acme-dev-api",))
    titles = ("Requests", "Errors", "Latency (ms)", "Function")
    shown = {title: graphs(synth, config, title)[0]["metrics"] for title in titles}
    assert [one[:6] for one in shown["Requests"]] == [
        ["AWS/ApiGateway", "Count", "ApiName", "acme-dev-api", "Stage", "live"]
    ]
    assert [one[1] for one in shown["Errors"]] == ["5XXError", "4XXError"]
    assert [one[:4] for one in shown["Function"]] == [
        ["AWS/Lambda", name, "FunctionName", "acme-dev-api"] for name in ("ConcurrentExecutions", "Throttles")
    ]


def test_the_same_input_gives_the_same_bytes_whatever_its_order(synth: Synth) -> None:
    turned = replace(
        CONFIG,
        endpoints=dict(reversed(ENDPOINTS.items())),
        pipeline_names=tuple(reversed(CONFIG.pipeline_names)),
    )
    assert body(synth, CONFIG) == body(synth, turned)


def test_each_row_has_a_heading_and_four_graphs_and_nothing_lies_on_anything(synth: Synth) -> None:
    widgets = json.loads(body(synth, CONFIG))["widgets"]
    rows = [widgets[start : start + 5] for start in range(0, len(widgets), 5)]
    assert [row[0]["properties"]["markdown"] for row in rows] == [
        "## acme-dev-backoffice\nserverless",
        "## acme-dev-churn\nreal-time",
        "## acme-dev-history\nasynchronous",
        "## Pipelines",
    ]
    assert [[widget["x"] for widget in row] for row in rows] == [[0, 0, 6, 12, 18]] * 4
    fields = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(fields) == len(set(fields))


def test_traffic_is_shown_by_variant(synth: Synth) -> None:
    _, churn, history = graphs(synth, CONFIG, "Requests")
    assert [metric[5] for metric in churn["metrics"]] == ["challenger", "champion"]
    assert {metric[1] for metric in churn["metrics"]} == {"Invocations"}
    assert [metric[1] for metric in history["metrics"]] == ["InvocationsProcessed", "ApproximateBacklogSize"]


def test_instances_are_shown_against_the_limits_of_those_that_are_scaled(synth: Synth) -> None:
    churn, history = graphs(synth, CONFIG, "Instances")
    assert churn["metrics"][0][-1] == {"label": "challenger", "period": 60, "stat": "SampleCount"}
    assert churn["annotations"]["horizontal"] == [
        {"label": "champion least", "value": 2},
        {"label": "champion most", "value": 6},
    ]
    assert history["annotations"]["horizontal"] == [
        {"label": "AllTraffic least", "value": 0},
        {"label": "AllTraffic most", "value": 4},
    ]


def test_no_metric_is_shown_that_the_kind_of_endpoint_does_not_publish(synth: Synth) -> None:
    published = [{metric[1] for metric in one["metrics"]} for one in graphs(synth, CONFIG, "Errors")]
    assert published == [
        {"Invocation4XXErrors", "Invocation5XXErrors"},
        {"Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors"},
        {"Invocation4XXErrors", "Invocation5XXErrors", "InvocationFailures", "ExpiredRequests"},
    ]
    history = graphs(synth, CONFIG, "Latency (µs)")[2]
    assert {metric[1] for metric in history["metrics"]} == {"ModelLatency", "TimeInBacklog"}


def test_a_shadow_variant_is_shown_beside_the_one_that_answers(synth: Synth) -> None:
    champion = Variant(model="churn-v1", instance_count=1)
    shadowed = RealTime(variants={"champion": champion}, shadow_variants={"shadow": champion})
    (churn,) = graphs(synth, replace(CONFIG, endpoints={"acme-dev-churn": shadowed}), "Requests")
    assert [metric[5] for metric in churn["metrics"]] == ["champion", "shadow"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": "acme dev"}, "name: supply a value such as acme-dev"),
        ({"name": "a" * 256}, "name: supply at most 255 characters, got 256"),
        ({"endpoints": {}, "pipeline_names": ()}, "supply at least one of them, got none"),
        ({"pipeline_names": ("churn", "churn")}, "pipeline_names: supply each once, got 'churn' twice"),
        ({"api_names": ("a", "a")}, "api_names: supply each once, got 'a' twice"),
        ({"period_seconds": 90}, "period_seconds: supply a multiple of 60, got 90"),
        (
            {"endpoints": {f"e{n}": ENDPOINTS["acme-dev-backoffice"] for n in range(100)}},
            "supply fewer, in a dashboard each; number of widgets: supply at most 500, got 505",
        ),
        (
            {"pipeline_names": tuple(f"p{n}" for n in range(501))},
            "supply fewer, in a dashboard each; metrics of a widget: supply at most 500, got 501",
        ),
        (
            {
                "endpoints": {
                    f"e{n}": RealTime(
                        variants={f"v{m}": Variant(model="churn", instance_count=1) for m in range(10)}
                    )
                    for n in range(32)
                }
            },
            "supply fewer, in a dashboard each; metrics: supply at most 2500, got",
        ),
    ],
)
def test_what_cloudwatch_would_not_show_is_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(CONFIG, **changed)
