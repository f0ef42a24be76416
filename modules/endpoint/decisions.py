"""What people decide about an endpoint: value objects, as they stand in an environment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from .._core import at_least, at_most, matches, not_empty, one_of, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.instance_types import burstable, known, nvme

NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9])*"
"""What SageMaker allows as the name of an endpoint, of up to 63 characters."""
VARIANT_NAME = "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
"""The same with single hyphens: two names of variants never give one Terraform address."""


@record
class Scaling:
    """How many instances a variant has: so many that each gets the invocations that are aimed at.

    Target tracking on `SageMakerVariantInvocationsPerInstance`.
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

    def __post_init__(self) -> None:
        refuse(
            at_least("min_capacity", self.min_capacity, 1),
            None
            if unresolved(self.min_capacity)
            else at_least("max_capacity", self.max_capacity, self.min_capacity),
            at_least("invocations_per_instance_per_minute", self.invocations_per_instance_per_minute, 1),
            at_least("scale_in_cooldown_seconds", self.scale_in_cooldown_seconds, 0),
            at_least("scale_out_cooldown_seconds", self.scale_out_cooldown_seconds, 0),
        )


@record
class Variant:
    """One production variant: a model on instances, and its share of the traffic.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
    """

    model: str
    """Which model it serves: a key of `EndpointConfig.model_names`."""
    instance_type: str = "ml.m5.large"
    """The smallest general type that SageMaker scales automatically; burstable types are not."""
    instance_count: int | None = None
    """Number of instances, when it is fixed; supply either this or `scaling`."""
    scaling: Scaling | None = None
    """Bounds between which the number of instances follows the traffic."""
    weight: int = 1
    """Share of the traffic: this weight over the sum of all. An integer: Terraform replaces a
    configuration with fractions again and again."""
    volume_size_gb: int | None = None
    """Storage volume, 1 to 512 GB; AWS chooses by default. Types with local NVMe have none."""
    model_data_download_timeout_seconds: int | None = None
    """Longest time to fetch and unpack the artifact, 60 to 3600 s; AWS chooses by default."""
    container_startup_health_check_timeout_seconds: int | None = None
    """Longest time until the container answers its first ping, 60 to 3600 s; AWS chooses by default."""
    routing_strategy: Literal["LEAST_OUTSTANDING_REQUESTS", "RANDOM"] = "LEAST_OUTSTANDING_REQUESTS"
    """How an instance is chosen for a request: the least busy of two drawn ones, or one at random."""

    def __post_init__(self) -> None:
        download = self.model_data_download_timeout_seconds
        startup = self.container_startup_health_check_timeout_seconds
        kind = known("instance_type", self.instance_type)
        refuse(
            kind,
            when(
                self.instance_count and self.scaling, "instance_count, scaling: supply one of them, got both"
            ),
            when(
                self.instance_count is None and not self.scaling,
                "instance_count, scaling: supply one of them, got none",
            ),
            at_least("instance_count", self.instance_count, 1),
            when(
                not kind and self.scaling and burstable(self.instance_type),
                f"scaling: supply an instance_type that is not burstable, got {self.instance_type!r}",
            ),
            one_of("routing_strategy", self.routing_strategy, ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")),
            when(
                not unresolved(self.weight) and not isinstance(self.weight, int),
                f"weight: supply an integer such as 90, got {self.weight}",
            ),
            at_least("weight", self.weight, 0),
            when(
                not kind and self.volume_size_gb is not None and nvme(self.instance_type),
                f"volume_size_gb: supply none, since {self.instance_type} stores on local NVMe; "
                f"got {self.volume_size_gb}",
            ),
            at_least("volume_size_gb", self.volume_size_gb, 1),
            at_most("volume_size_gb", self.volume_size_gb, 512),
            at_least("model_data_download_timeout_seconds", download, 60),
            at_most("model_data_download_timeout_seconds", download, 3600),
            at_least("container_startup_health_check_timeout_seconds", startup, 60),
            at_most("container_startup_health_check_timeout_seconds", startup, 3600),
        )

    @property
    def initial_instance_count(self) -> int:
        """Instances that a rollout starts with: where they are scaled, the fewest."""
        return self.scaling.min_capacity if self.scaling else self.instance_count or 1


@record
class DataCapture:
    """What of the traffic is kept for monitoring: responses only, since requests hold personal data.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """

    initial_sampling_percentage: int = 100
    """Share of the requests whose response is captured, 1 to 100 %."""

    def __post_init__(self) -> None:
        refuse(
            at_least("initial_sampling_percentage", self.initial_sampling_percentage, 1),
            at_most("initial_sampling_percentage", self.initial_sampling_percentage, 100),
        )


@record
class Rollback:
    """When SageMaker takes a rollout back: one bad minute, over all variants, while it watches.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """

    invocation_5xx_errors_per_minute: int = 10
    """Responses with a 5XX status from the containers; 4XX are the callers' own."""
    model_latency_p99_milliseconds: int = 30_000
    """Slowest hundredth of the containers' answers; SageMaker gives up on one after 60 s."""

    def __post_init__(self) -> None:
        refuse(
            at_least("invocation_5xx_errors_per_minute", self.invocation_5xx_errors_per_minute, 1),
            at_least("model_latency_p99_milliseconds", self.model_latency_p99_milliseconds, 1),
            at_most("model_latency_p99_milliseconds", self.model_latency_p99_milliseconds, 60_000),
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

    def __post_init__(self) -> None:
        refuse(
            at_least("wait_interval_seconds", self.wait_interval_seconds, 0),
            at_most("wait_interval_seconds", self.wait_interval_seconds, 3600),
            at_least("termination_wait_seconds", self.termination_wait_seconds, 0),
            at_most("termination_wait_seconds", self.termination_wait_seconds, 3600),
        )


@record
class RealTime:
    """Real-time inference: instances that are always there, with one or more production variants.

    https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints.html
    """

    variants: Mapping[str, Variant]
    """The production variants by name, 1 to 10, with single hyphens; keep the names, rollouts refuse other
    ones. A variant that is to get traffic later has weight 0 until then."""
    kind: Literal["RealTime"] = "RealTime"
    """Names this kind of endpoint in an environment file."""
    data_capture: DataCapture | None = None
    """Captures responses; none by default."""
    deployment: AllAtOnce = AllAtOnce()
    """How a new configuration is rolled out."""
    rollback: Rollback = Rollback()
    """When it is taken back."""

    def __post_init__(self) -> None:
        weights = [variant.weight for variant in self.variants.values()]
        types = {variant.instance_type for variant in self.variants.values()}
        known_types = sorted(type_ for type_ in types if not unresolved(type_))
        refuse(
            not_empty("variants", self.variants),
            at_most("variants: number of variants", len(self.variants), 10),
            *(matches("variants: name", name, VARIANT_NAME, "champion") for name in self.variants),
            *(no_longer_than("variants: name", name, 63) for name in self.variants),
            when(
                weights and not unresolved(weights) and sum(weights) <= 0,
                "variants: supply a weight above 0 for at least one, got 0 for all",
            ),
            when(
                len(set(map(nvme, known_types))) > 1,
                "variants: supply instance types that all store on local NVMe, which takes no volume key, or "
                f"none that does, got {', '.join(known_types)}",
            ),
        )


Inference = RealTime
"""Every kind of endpoint; a union, told apart by `kind`."""
