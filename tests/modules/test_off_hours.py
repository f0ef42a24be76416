"""Off-hours: what goes down in the evening and up again in the morning, how far, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.endpoint import (
    Asynchronous,
    BacklogScaling,
    ConcurrencyScaling,
    OffHours,
    RealTime,
    Scaling,
    ScheduledAction,
    Serverless,
    Variant,
    scheduled,
    with_off_hours,
)

HOURS = OffHours(from_time="20:00", to_time="07:30", timezone="Europe/Berlin")
SCALING = Scaling(min_capacity=3, max_capacity=6, invocations_per_instance_per_minute=600)
BACKLOG = BacklogScaling(min_capacity=2, max_capacity=4, backlog_size_per_instance=5)
REAL_TIME = RealTime(
    variants={
        "champion": Variant(model="churn", scaling=SCALING),
        "challenger": Variant(model="churn", instance_count=2),
    }
)
SERVERLESS = Serverless(
    model="churn", max_concurrency=20, scaling=ConcurrencyScaling(min_capacity=5, max_capacity=10)
)
ASYNCHRONOUS = Asynchronous(model="churn", scaling=BACKLOG)


def action(schedule: str, min_capacity: int, max_capacity: int) -> ScheduledAction:
    return ScheduledAction(
        schedule=schedule, timezone="Europe/Berlin", min_capacity=min_capacity, max_capacity=max_capacity
    )


def test_a_real_time_variant_keeps_one_instance_and_gets_its_own_back_in_the_morning() -> None:
    champion = with_off_hours(REAL_TIME, HOURS)
    assert isinstance(champion, RealTime)
    scaling = champion.variants["champion"].scaling
    assert scaling
    assert scaling.scheduled_actions == {
        "off-hours": action("cron(0 20 ? * MON-FRI *)", 1, 6),
        "working-hours": action("cron(30 7 ? * MON-FRI *)", 3, 6),
    }
    assert champion.variants["challenger"] == REAL_TIME.variants["challenger"]


@pytest.mark.parametrize("fewest", [0, 1])
def test_an_asynchronous_endpoint_goes_down_to_none_or_one_as_is_decided(fewest: int) -> None:
    quiet = with_off_hours(ASYNCHRONOUS, replace(HOURS, min_capacity=fewest))
    assert isinstance(quiet, Asynchronous)
    assert quiet.scaling
    assert quiet.scaling.scheduled_actions["off-hours"].min_capacity == fewest


def test_a_serverless_endpoint_keeps_provisioned_concurrency_for_one_request() -> None:
    quiet = with_off_hours(SERVERLESS, HOURS)
    assert isinstance(quiet, Serverless)
    assert quiet.scaling
    assert quiet.scaling.scheduled_actions["off-hours"] == action("cron(0 20 ? * MON-FRI *)", 1, 10)


@pytest.mark.parametrize(
    "inference",
    [
        RealTime(variants={"champion": Variant(model="churn", scaling=replace(SCALING, min_capacity=1))}),
        Asynchronous(model="churn", scaling=replace(BACKLOG, min_capacity=0)),
        Asynchronous(model="churn", instance_count=1),
        Serverless(model="churn", max_concurrency=5),
        Serverless(model="churn", max_concurrency=5, provisioned_concurrency=2),
    ],
)
def test_what_has_the_fewest_already_or_is_not_scaled_stays(inference: Any) -> None:
    assert with_off_hours(inference, HOURS) == inference


def test_scheduled_actions_that_there_are_already_are_found() -> None:
    own = {"night": action("cron(0 22 * * ? *)", 1, 6)}
    champion = Variant(model="churn", scaling=replace(SCALING, scheduled_actions=own))
    assert list(scheduled(RealTime(variants={"champion": champion}))) == [
        "variants.champion.scaling.scheduled_actions"
    ]
    queued = Asynchronous(model="churn", scaling=replace(BACKLOG, scheduled_actions=own))
    assert list(scheduled(queued)) == ["scaling.scheduled_actions"]
    assert not list(scheduled(SERVERLESS))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"from_time": "8 pm"}, "from_time: supply a value such as \"20:00\", got '8 pm'"),
        ({"to_time": "24:00", "from_time": "25:00"}, 'to_time: supply a value such as "07:00"'),
        (
            {"from_time": "06:00"},
            "from_time: supply a time later in the day than to_time, 07:30; got '06:00'",
        ),
        ({"timezone": "Mars "}, "timezone: supply a value such as Europe/Berlin"),
        ({"timezone": "a" * 51}, "timezone: supply at most 50 characters"),
        ({"days": "weekdays"}, "days: supply a value such as MON-FRI, got 'weekdays'"),
        ({"min_capacity": 2}, "min_capacity: supply one of 0, 1, got 2"),
    ],
)
def test_hours_that_are_none_are_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(HOURS, **changed)
