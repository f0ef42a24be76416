"""Off-hours: times at which fewer instances, or less provisioned concurrency, are kept than otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from .._core import matches, one_of, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from ..schedule import TIME_ZONE
from .decisions import Inference, RealTime, Serverless
from .scaling import BacklogScaling, ConcurrencyScaling, Scaling, ScheduledAction

S = TypeVar("S", Scaling, BacklogScaling, ConcurrencyScaling)

TIME = r"([01]\d|2[0-3]):[0-5]\d"
DAY = "(MON|TUE|WED|THU|FRI|SAT|SUN)"
BEGIN, END = "off-hours", "working-hours"
"""Names of the scheduled actions that off-hours are made of."""


@record
class OffHours:
    """From when to when nobody works.

    They begin in the evening of each working day and end in the morning of the next one, so that weekends are
    within. The most instances stay as they are decided: whoever works late still gets them.
    """

    from_time: str
    """Time of the day at which they begin, such as `"20:00"`; in quotes, since YAML reads a number else."""
    to_time: str
    """Time of the day at which they end, such as `"07:00"`."""
    timezone: str
    """Time zone of both, such as `Europe/Berlin`; summer time is kept."""
    days: str = "MON-FRI"
    """Days that are worked on, such as `MON-FRI` or `MON,WED,FRI`."""
    min_capacity: int = 0
    """Fewest instances meanwhile, 0 or 1. None is possible for asynchronous endpoints only: real-time ones
    keep one, and serverless ones provisioned concurrency for one request."""

    def __post_init__(self) -> None:
        refuse(
            matches("from_time", self.from_time, TIME, '"20:00"'),
            matches("to_time", self.to_time, TIME, '"07:00"'),
            when(
                self.from_time <= self.to_time,
                f"from_time: supply a time later in the day than to_time, {self.to_time}; "
                f"got {self.from_time!r}",
            ),
            matches("timezone", self.timezone, TIME_ZONE, "Europe/Berlin"),
            no_longer_than("timezone", self.timezone, 50),
            matches("days", self.days, f"{DAY}(-{DAY}|(,{DAY})*)", "MON-FRI"),
            one_of("min_capacity", self.min_capacity, (0, 1)),
        )

    def schedule(self, time: str) -> str:
        """Return the schedule of a time on each working day.

        https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
        """
        hour, minute = map(int, time.split(":"))
        return f"cron({minute} {hour} ? * {self.days} *)"


def scheduled(inference: Inference) -> Iterator[str]:
    """Yield where the decisions on an endpoint have scheduled actions of their own."""
    scalings = (
        {f"variants.{name}.scaling": variant.scaling for name, variant in inference.variants.items()}
        if isinstance(inference, RealTime)
        else {"scaling": inference.scaling}
    )
    yield from (
        f"{path}.scheduled_actions"
        for path, scaling in scalings.items()
        if scaling and scaling.scheduled_actions
    )


def with_off_hours(inference: Inference, hours: OffHours) -> Inference:
    """Return the decisions on an endpoint with the scheduled actions of off-hours.

    Only what is scaled can be changed, and only what has more than the fewest gets actions.
    """
    if isinstance(inference, RealTime):
        variants = {
            name: replace(variant, scaling=_scheduled(variant.scaling, hours))
            for name, variant in inference.variants.items()
        }
        return replace(inference, variants=variants)
    if isinstance(inference, Serverless):
        return replace(inference, scaling=_scheduled(inference.scaling, hours))
    return replace(inference, scaling=_scheduled(inference.scaling, hours))


def _scheduled(scaling: S | None, hours: OffHours) -> S | None:
    """Return bounds that go down and up again, or those that there are where they are as low already."""
    fewest = hours.min_capacity if isinstance(scaling, BacklogScaling) else 1
    if scaling is None or (not unresolved(scaling.min_capacity) and scaling.min_capacity <= fewest):
        return scaling
    actions = {
        name: ScheduledAction(
            schedule=hours.schedule(time),
            timezone=hours.timezone,
            min_capacity=least,
            max_capacity=scaling.max_capacity,
        )
        for name, time, least in (
            (BEGIN, hours.from_time, fewest),
            (END, hours.to_time, scaling.min_capacity),
        )
    }
    return replace(scaling, scheduled_actions={**scaling.scheduled_actions, **actions})
