"""Alarms: what each kind of endpoint is watched for, in the unit of the threshold, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.alarms import Alarms, AlarmsConfig, Thresholds
from modules.endpoint import Asynchronous, BacklogScaling, RealTime, Rollback, Serverless, Variant
from tests.conftest import Synth
from tests.inventory import Inventory

NAME = "acme-dev-churn"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:acme-dev-alarms"
REAL_TIME = RealTime(
    variants={
        "champion": Variant(model="churn-v1", weight=90, instance_type="ml.m5.xlarge", instance_count=2),
        "challenger": Variant(model="churn-v2", weight=10, instance_type="ml.c4.8xlarge", instance_count=1),
    },
    rollback=Rollback(model_latency_p99_milliseconds=2000),
)
SERVERLESS = Serverless(model="churn-v1", max_concurrency=20)
ASYNCHRONOUS = Asynchronous(
    model="churn-v1", scaling=BacklogScaling(max_capacity=4, backlog_size_per_instance=5)
)
CONFIG = AlarmsConfig(endpoint_name=NAME, inference=REAL_TIME, topic_arns=(TOPIC,))


def alarms(synth: Synth, config: AlarmsConfig) -> dict[str, dict[str, Any]]:
    """Return the alarms by the end of their names."""
    made = synth(Alarms, config).all("aws_cloudwatch_metric_alarm").values()
    return {alarm["alarm_name"].removeprefix(f"{NAME}-watch-"): alarm for alarm in made}


def metrics(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {query["id"]: query["metric"] for query in alarm["metric_query"] if "metric" in query}


def expression(alarm: dict[str, Any]) -> str:
    (found,) = (query["expression"] for query in alarm["metric_query"] if "expression" in query)
    return str(found)


def test_alarms_on_a_real_time_endpoint_are_what_the_inventory_says(
    synth: Synth, inventory: Inventory
) -> None:
    inventory("modules/alarms", synth(Alarms, CONFIG))


def test_alarms_on_an_asynchronous_endpoint_are_what_the_inventory_says(
    synth: Synth, inventory: Inventory
) -> None:
    inventory("modules/alarms_asynchronous", synth(Alarms, replace(CONFIG, inference=ASYNCHRONOUS)))


def test_alarms_on_a_serverless_endpoint_are_what_the_inventory_says(
    synth: Synth, inventory: Inventory
) -> None:
    inventory("modules/alarms_serverless", synth(Alarms, replace(CONFIG, inference=SERVERLESS)))


def test_each_variant_is_watched_by_itself(synth: Synth) -> None:
    made = alarms(synth, CONFIG)
    for variant in REAL_TIME.variants:
        for alarm in ("5xx", "model-errors", "latency", "cpu", "memory", "disk"):
            for metric in metrics(made[f"{variant}-{alarm}"]).values():
                assert metric["dimensions"] == {"EndpointName": NAME, "VariantName": variant}
    assert len(made) == 12


def test_nobody_is_told_of_a_shadow_variant_whose_answers_nobody_gets(synth: Synth) -> None:
    champion = REAL_TIME.variants["champion"]
    shadowed = RealTime(variants={"champion": champion}, shadow_variants={"shadow": champion})
    assert not [name for name in alarms(synth, replace(CONFIG, inference=shadowed)) if "shadow" in name]


def test_the_topics_are_told_when_it_begins_and_when_it_is_over_and_silence_is_no_failure(
    synth: Synth,
) -> None:
    for inference in (REAL_TIME, SERVERLESS, ASYNCHRONOUS):
        for alarm in alarms(synth, replace(CONFIG, inference=inference)).values():
            assert alarm["alarm_actions"] == alarm["ok_actions"] == [TOPIC]
            assert alarm["treat_missing_data"] == "notBreaching"
            assert alarm["datapoints_to_alarm"] <= alarm["evaluation_periods"]


def test_an_alarm_returns_one_number(synth: Synth) -> None:
    for inference in (REAL_TIME, SERVERLESS, ASYNCHRONOUS):
        for alarm in alarms(synth, replace(CONFIG, inference=inference)).values():
            assert [query.get("return_data") for query in alarm["metric_query"]].count(True) == 1


def test_errors_are_a_share_of_the_requests_and_not_the_callers_own(synth: Synth) -> None:
    made = alarms(synth, CONFIG)
    assert metrics(made["champion-5xx"])["errors"]["stat"] == "Average"
    assert expression(made["champion-5xx"]) == "100 * errors"
    assert {name: one["metric_name"] for name, one in metrics(made["champion-model-errors"]).items()} == {
        "failed": "InvocationModelErrors",
        "rejected": "Invocation4XXErrors",
    }
    assert expression(made["champion-model-errors"]) == "100 * (failed - FILL(rejected, 0))"


def test_latency_is_in_milliseconds_and_as_slow_as_a_rollback_allows_unless_it_is_said(synth: Synth) -> None:
    latency = alarms(synth, CONFIG)["champion-latency"]
    assert latency["threshold"] == 2000
    assert metrics(latency)["microseconds"]["stat"] == "p99"
    assert expression(latency) == "microseconds / 1000"
    said = replace(CONFIG, thresholds=Thresholds(model_latency_p99_milliseconds=300))
    assert alarms(synth, said)["champion-latency"]["threshold"] == 300
    serverless = alarms(synth, replace(CONFIG, inference=SERVERLESS))
    assert serverless["AllTraffic-latency"]["threshold"] == 10_000


def test_the_use_of_processors_is_a_share_of_all_of_an_instance(synth: Synth) -> None:
    made = alarms(synth, CONFIG)
    assert expression(made["champion-cpu"]) == "used / 4"
    assert expression(made["challenger-cpu"]) == "used / 36"
    assert metrics(made["champion-cpu"])["used"]["namespace"] == "/aws/sagemaker/Endpoints"


def test_what_waits_for_an_asynchronous_endpoint_is_a_metric_of_the_whole(synth: Synth) -> None:
    made = alarms(synth, replace(CONFIG, inference=ASYNCHRONOUS))
    for alarm in ("waiting", "no-capacity"):
        (metric,) = metrics(made[alarm]).values()
        assert metric["dimensions"] == {"EndpointName": NAME}
    assert made["no-capacity"]["evaluation_periods"] == made["no-capacity"]["datapoints_to_alarm"] == 20
    assert "AllTraffic-model-errors" not in made  # asynchronous endpoints do not publish it


def test_a_serverless_endpoint_has_no_instances_to_watch(synth: Synth) -> None:
    made = alarms(synth, replace(CONFIG, inference=SERVERLESS))
    assert set(made) == {f"AllTraffic-{what}" for what in ("5xx", "latency", "memory", "concurrency")}


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("invocation_5xx_error_percent", 0, "supply at least 0.001, got 0"),
        ("invocation_5xx_error_percent", 101, "supply at most 100, got 101"),
        ("invocation_model_error_percent", 0, "supply at least 0.001, got 0"),
        ("model_latency_p99_milliseconds", 0, "supply at least 1, got 0"),
        ("cpu_utilization_percent", 400, "supply at most 100, got 400"),
        ("memory_utilization_percent", 0, "supply at least 1, got 0"),
        ("disk_utilization_percent", 101, "supply at most 100, got 101"),
        ("concurrency_utilization_percent", 0, "supply at least 1, got 0"),
        ("invocation_failures_per_5_minutes", 0, "supply at least 1, got 0"),
        ("oldest_request_age_seconds", 0, "supply at least 1, got 0"),
        ("no_capacity_minutes", 0, "supply at least 1, got 0"),
        ("no_capacity_minutes", 1441, "supply at most 1440, got 1441"),
    ],
)
def test_a_threshold_that_is_none_is_refused(setting: str, value: int, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{setting}: {problem}$"):
        Thresholds(**{setting: value})


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"endpoint_name": "acme_churn"}, "endpoint_name: supply a value such as acme-dev-churn"),
        ({"endpoint_name": "a" * 64}, "endpoint_name: supply at most 63 characters, got 64"),
        ({"topic_arns": ()}, "topic_arns: supply at least one, got none"),
        ({"topic_arns": (TOPIC, TOPIC)}, "topic_arns: supply each once"),
        ({"topic_arns": tuple(f"{TOPIC}{n}" for n in range(6))}, "number of topics: supply at most 5, got 6"),
        ({"topic_arns": ("alarms",)}, "topic_arns: supply a value such as arn:aws:sns:"),
        (
            {"inference": replace(ASYNCHRONOUS, instance_type="${var.type}")},
            r"supply instance types of which the number of processors is known, got '\${var.type}'",
        ),
    ],
)
def test_what_cannot_be_watched_or_told_is_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(CONFIG, **changed)
