"""How a new configuration is rolled out, and when that is taken back: value objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from .._core import ByKind, at_least, at_most, record, refuse, unresolved, when


@record
class Rollback:
    """When SageMaker takes a rollout back: one bad minute, over all variants, while it watches.

    Responses with a 4XX status are the callers' own, and count nowhere.
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """

    invocation_5xx_errors_per_minute: int = 10
    """Responses with a 5XX status from the containers."""
    invocation_model_errors_per_minute: int = 10
    """Requests without a usable response: a 5XX status, a time-out, a broken connection."""
    model_latency_p99_milliseconds: int = 30_000
    """Slowest hundredth of the containers' answers; SageMaker gives up on a real-time one after 60 s, on an
    asynchronous one after an hour."""

    def __post_init__(self) -> None:
        refuse(
            at_least("invocation_5xx_errors_per_minute", self.invocation_5xx_errors_per_minute, 1),
            at_least("invocation_model_errors_per_minute", self.invocation_model_errors_per_minute, 1),
            at_least("model_latency_p99_milliseconds", self.model_latency_p99_milliseconds, 1),
            at_most("model_latency_p99_milliseconds", self.model_latency_p99_milliseconds, 3_600_000),
        )


@record
class AllAtOnce:
    """Blue/green: a new fleet beside the old one, and all traffic moved to it in one step.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-all-at-once.html
    """

    kind: Literal["AllAtOnce"] = "AllAtOnce"
    """Names this way of deployment in an environment file."""
    wait_interval_seconds: int = 300
    """How long the alarms are watched after the step, 0 to 3600 s; the old fleet stands by."""
    termination_wait_seconds: int = 120
    """How long the old fleet is kept after that, 0 to 3600 s."""
    maximum_execution_timeout_seconds: int | None = None
    """Time after which the rollout is taken back, 600 to 28800 s; AWS chooses by default."""

    def __post_init__(self) -> None:
        refuse(*_blue_green(self, 1))


@record
class Canary:
    """Blue/green in two steps: a small share of the traffic first, the rest when the alarms stay quiet.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html
    """

    kind: Literal["Canary"] = "Canary"
    """Names this way of deployment in an environment file."""
    canary_size_percent: int = 10
    """Share of the new fleet that gets traffic first, 1 to 50 %."""
    wait_interval_seconds: int = 300
    """How long the alarms are watched after each step, 0 to 3600 s; the old fleet stands by."""
    termination_wait_seconds: int = 120
    """How long the old fleet is kept after that, 0 to 3600 s."""
    maximum_execution_timeout_seconds: int | None = None
    """Time after which the rollout is taken back, 600 to 28800 s; AWS chooses by default."""

    def __post_init__(self) -> None:
        refuse(
            at_least("canary_size_percent", self.canary_size_percent, 1),
            at_most("canary_size_percent", self.canary_size_percent, 50),
            *_blue_green(self, 2),
        )


@record
class Linear:
    """Blue/green in equal steps, each taken when the alarms stay quiet.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-linear.html
    """

    kind: Literal["Linear"] = "Linear"
    """Names this way of deployment in an environment file."""
    linear_step_size_percent: int = 25
    """Share of the new fleet that gets traffic with each step, 10 to 50 %."""
    wait_interval_seconds: int = 300
    """How long the alarms are watched after each step, 0 to 3600 s; the old fleet stands by."""
    termination_wait_seconds: int = 120
    """How long the old fleet is kept after that, 0 to 3600 s."""
    maximum_execution_timeout_seconds: int | None = None
    """Time after which the rollout is taken back, 600 to 28800 s; AWS chooses by default."""

    def __post_init__(self) -> None:
        step = self.linear_step_size_percent
        refuse(
            at_least("linear_step_size_percent", step, 10),
            at_most("linear_step_size_percent", step, 50),
            *_blue_green(self, 1 if unresolved(step) or step < 1 else -(-100 // step)),
        )


@record
class Rolling:
    """A batch of instances after the other, without a second fleet: for types of which there are few.

    SageMaker takes it for one variant only.
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html
    """

    kind: Literal["Rolling"] = "Rolling"
    """Names this way of deployment in an environment file."""
    maximum_batch_size_percent: int = 25
    """Share of the instances that are replaced at once, 5 to 50 %."""
    rollback_maximum_batch_size_percent: int = 100
    """Share of the old instances that are brought back at once, 5 to 100 %."""
    wait_interval_seconds: int = 300
    """How long the alarms are watched after each batch, 0 to 3600 s."""
    maximum_execution_timeout_seconds: int | None = None
    """Time after which the rollout is taken back, 600 to 28800 s; AWS chooses by default."""

    def __post_init__(self) -> None:
        refuse(
            at_least("maximum_batch_size_percent", self.maximum_batch_size_percent, 5),
            at_most("maximum_batch_size_percent", self.maximum_batch_size_percent, 50),
            at_least("rollback_maximum_batch_size_percent", self.rollback_maximum_batch_size_percent, 5),
            at_most("rollback_maximum_batch_size_percent", self.rollback_maximum_batch_size_percent, 100),
            *_watched(self),
        )


Deployment = Annotated[AllAtOnce | Canary | Linear | Rolling, ByKind()]
"""Every way of rollout; told apart by `kind`."""


def _watched(deployment: AllAtOnce | Canary | Linear | Rolling) -> Iterator[str | None]:
    """Yield the problems that all ways of rollout can have."""
    timeout = deployment.maximum_execution_timeout_seconds
    yield at_least("wait_interval_seconds", deployment.wait_interval_seconds, 0)
    yield at_most("wait_interval_seconds", deployment.wait_interval_seconds, 3600)
    yield at_least("maximum_execution_timeout_seconds", timeout, 600)
    yield at_most("maximum_execution_timeout_seconds", timeout, 28_800)


def _blue_green(deployment: AllAtOnce | Canary | Linear, steps: int) -> Iterator[str | None]:
    """Yield the problems of a rollout that waits after so many steps, and then keeps the old fleet."""
    wait, kept = deployment.wait_interval_seconds, deployment.termination_wait_seconds
    timeout = deployment.maximum_execution_timeout_seconds
    yield from _watched(deployment)
    yield at_least("termination_wait_seconds", kept, 0)
    yield at_most("termination_wait_seconds", kept, 3600)
    if timeout is not None and not unresolved((wait, kept, timeout)):
        waited = steps * wait + kept
        yield when(
            timeout <= waited,
            f"maximum_execution_timeout_seconds: supply more than {waited}, which is waited; got {timeout}",
        )
