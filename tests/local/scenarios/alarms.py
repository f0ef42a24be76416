"""Alarms on an endpoint: other thresholds and topics are changed in place, those of a new variant made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modules.alarms import Alarms, AlarmsConfig, Thresholds
from modules.endpoint import Asynchronous, BacklogScaling, RealTime, Serverless, Variant

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

IN_PLACE = ["update"]
NAME = "acme-test-watched"


def own(cloudwatch: Any) -> dict[str, Any]:
    """Return the alarms that this scenario made, by the end of their names."""
    found = cloudwatch.describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
    return {one["AlarmName"].removeprefix(f"{NAME}-"): one for one in found}


def steps(account: Account) -> Iterator[Step]:
    cloudwatch = account.client("cloudwatch")
    topic = f"arn:aws:sns:{REGION}:{account.account_id}:alarms"
    champion = Variant(model="churn", instance_count=2)
    churn = AlarmsConfig(
        endpoint_name=f"{NAME}-churn",
        inference=RealTime(variants={"champion": champion}),
        topic_arns=(topic,),
    )
    history = replace(
        churn,
        endpoint_name=f"{NAME}-history",
        inference=Asynchronous(
            model="churn", scaling=BacklogScaling(max_capacity=2, backlog_size_per_instance=5)
        ),
    )
    backoffice = replace(
        churn, endpoint_name=f"{NAME}-backoffice", inference=Serverless(model="churn", max_concurrency=5)
    )

    def all_of(churn: AlarmsConfig, history: AlarmsConfig) -> Stage:
        def build(stack: Any) -> None:
            Alarms(stack, "churn", churn)
            Alarms(stack, "history", history)
            Alarms(stack, "backoffice", backoffice)

        return Stage(build)

    yield all_of(churn, history)
    alarms = own(cloudwatch)
    assert len(alarms) == 6 + 8 + 4
    latency = alarms["churn-watch-champion-latency"]
    assert latency["Threshold"] == 30_000
    assert latency["AlarmActions"] == latency["OKActions"] == [topic]

    strict = replace(churn, thresholds=Thresholds(model_latency_p99_milliseconds=300))
    elsewhere = replace(history, thresholds=Thresholds(no_capacity_minutes=30))
    yield replace(
        all_of(strict, elsewhere),
        actions={
            "aws_cloudwatch_metric_alarm.churn_champion_latency": IN_PLACE,
            "aws_cloudwatch_metric_alarm.history_no_capacity": IN_PLACE,
        },
    )
    assert own(cloudwatch)["churn-watch-champion-latency"]["Threshold"] == 300
    assert own(cloudwatch)["history-watch-no-capacity"]["EvaluationPeriods"] == 30

    joined = RealTime(variants={"champion": champion, "challenger": replace(champion, weight=0)})
    yield replace(
        all_of(replace(strict, inference=joined), elsewhere),
        actions={
            f"aws_cloudwatch_metric_alarm.churn_challenger_{what}": ["create"]
            for what in ("5xx", "cpu", "disk", "latency", "memory", "model_errors")
        },
    )
    assert len(own(cloudwatch)) == 12 + 8 + 4

    yield Gone()
    assert own(cloudwatch) == {}
