"""How many instances, or how much provisioned concurrency, a variant has: value objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from .._core import at_least, at_most, distinct, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from ..schedule import EXPRESSION, TIME_ZONE

ACTION_NAME = "[a-z0-9]+(-[a-z0-9]+)*"


@record
class ScheduledAction:
    """Bounds that hold from a time on, until the next action sets others: `off-hours`, say.

    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html
    """

    schedule: str
    """`cron(0 20 ? * MON-FRI *)`, `rate(7 days)`, or once: `at(2030-01-31T04:00:00)`."""
    min_capacity: int
    """Lower bound from then on."""
    max_capacity: int
    """Upper bound from then on."""
    timezone: str = "UTC"
    """Time zone of the schedule, such as `Europe/Berlin`; summer time is kept."""

    def __post_init__(self) -> None:
        refuse(
            matches("schedule", self.schedule, EXPRESSION, "cron(0 20 ? * MON-FRI *)"),
            matches("timezone", self.timezone, TIME_ZONE, "Europe/Berlin"),
            no_longer_than("timezone", self.timezone, 50),
            *_bounds("", self.min_capacity, self.max_capacity, 0),
        )


@record
class Step:
    """So many instances at once when the load jumps."""

    invocations_per_instance_per_minute: int
    """Number of invocations from which on the step is taken, until the next one's."""
    scaling_adjustment: int
    """Instances that are added."""

    def __post_init__(self) -> None:
        refuse(
            at_least("invocations_per_instance_per_minute", self.invocations_per_instance_per_minute, 1),
            at_least("scaling_adjustment", self.scaling_adjustment, 1),
        )


@record
class Scaling:
    """How many instances a variant has: so many that each gets the invocations that are aimed at.

    Target tracking on `SageMakerVariantInvocationsPerInstance`, and steps for what is too sudden for it.
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-policy.html
    """

    min_capacity: int
    """Fewest instances, and those that the variant starts with: each rollout resets the number to it."""
    max_capacity: int
    """Most instances."""
    invocations_per_instance_per_minute: int
    """Average that is held; find it by a load test, and leave a reserve."""
    scale_in_cooldown_seconds: int = 300
    """Rest after a removal of instances, before the next."""
    scale_out_cooldown_seconds: int = 300
    """Rest after an addition of instances, before the next: as long as one takes to start."""
    disable_scale_in: bool = False
    """Protects against removal: the policy only adds; scheduled actions and rollouts remove."""
    steps: tuple[Step, ...] = ()
    """Additions after one minute of a load that target tracking answers after three; none by default."""
    scheduled_actions: Mapping[str, ScheduledAction] = field(default_factory=dict)
    """Other bounds at given times, by a name of your choice."""

    def __post_init__(self) -> None:
        target = self.invocations_per_instance_per_minute
        loads = [step.invocations_per_instance_per_minute for step in self.steps]
        refuse(
            *_scaled(self, 1),
            at_least("invocations_per_instance_per_minute", target, 1),
            distinct("steps: invocations_per_instance_per_minute", loads),
            when(
                not unresolved(loads) and loads != sorted(loads),
                f"steps: supply them from the lowest load to the highest, got {', '.join(map(str, loads))}",
            ),
            None
            if not loads or unresolved(target)
            else at_least("steps: invocations_per_instance_per_minute", loads[0], target),
        )


@record
class BacklogScaling:
    """How many instances an asynchronous endpoint has: so many that a given number waits for each.

    Target tracking on `ApproximateBacklogSizePerInstance`. It cannot wake an endpoint that has no instance:
    a policy of its own adds the first when a request waits.
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
    """

    max_capacity: int
    """Most instances."""
    backlog_size_per_instance: int
    """Number that is held: how long a request may wait, divided by how long one takes."""
    min_capacity: int = 0
    """Fewest instances; with none, requests wait in the queue for one to start, which takes minutes."""
    scale_in_cooldown_seconds: int = 300
    """Rest after a removal of instances, before the next."""
    scale_out_cooldown_seconds: int = 300
    """Rest after an addition of instances, before the next: as long as one takes to start."""
    disable_scale_in: bool = False
    """Protects against removal: the policy only adds; scheduled actions and rollouts remove."""
    scheduled_actions: Mapping[str, ScheduledAction] = field(default_factory=dict)
    """Other bounds at given times, by a name of your choice."""

    def __post_init__(self) -> None:
        refuse(
            *_scaled(self, 0),
            at_least("max_capacity", self.max_capacity, 1),
            at_least("backlog_size_per_instance", self.backlog_size_per_instance, 1),
        )


@record
class ConcurrencyScaling:
    """How many requests at once a serverless endpoint is warm for: so many that a given share is in use.

    Target tracking on `SageMakerVariantProvisionedConcurrencyUtilization`.
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html
    """

    min_capacity: int
    """Least provisioned concurrency, and what the variant starts with: each rollout resets it to that."""
    max_capacity: int
    """Most provisioned concurrency."""
    provisioned_concurrency_utilization: float = 0.7
    """Share of it in use that is held, 0.1 to 0.9: at 1 nothing would ever be above it."""
    scale_in_cooldown_seconds: int = 300
    """Rest after a decrease, before the next."""
    scale_out_cooldown_seconds: int = 60
    """Rest after an increase, before the next."""
    disable_scale_in: bool = False
    """Protects against a decrease: the policy only increases; scheduled actions and rollouts decrease."""
    scheduled_actions: Mapping[str, ScheduledAction] = field(default_factory=dict)
    """Other bounds at given times, by a name of your choice."""

    def __post_init__(self) -> None:
        utilization = self.provisioned_concurrency_utilization
        refuse(
            *_scaled(self, 1),
            at_least("provisioned_concurrency_utilization", utilization, 0.1),
            at_most("provisioned_concurrency_utilization", utilization, 0.9),
        )


AnyScaling = Scaling | BacklogScaling | ConcurrencyScaling


def _bounds(path: str, min_capacity: int, max_capacity: int, fewest: int) -> Iterator[str | None]:
    yield at_least(f"{path}min_capacity", min_capacity, fewest)
    if not unresolved(min_capacity):
        yield at_least(f"{path}max_capacity", max_capacity, min_capacity)


def _scaled(scaling: AnyScaling, fewest: int) -> Iterator[str | None]:
    """Yield the problems that all ways of scaling can have."""
    yield from _bounds("", scaling.min_capacity, scaling.max_capacity, fewest)
    yield at_least("scale_in_cooldown_seconds", scaling.scale_in_cooldown_seconds, 0)
    yield at_least("scale_out_cooldown_seconds", scaling.scale_out_cooldown_seconds, 0)
    for name, action in scaling.scheduled_actions.items():
        yield matches("scheduled_actions: name", name, ACTION_NAME, "off-hours")
        yield at_least(f"scheduled_actions.{name}.min_capacity", action.min_capacity, fewest)
