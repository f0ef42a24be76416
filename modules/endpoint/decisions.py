"""What people decide about an endpoint: value objects, as they stand in an environment file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Literal, get_args

from .._core import (
    ByKind,
    at_least,
    at_most,
    distinct,
    matches,
    not_empty,
    one_of,
    record,
    refuse,
    unresolved,
    when,
)
from .._core.checks import no_longer_than
from .._core.instance_types import burstable, known, nvme, unguarded
from .deployment import AllAtOnce, Deployment, Rollback, Rolling
from .scaling import BacklogScaling, ConcurrencyScaling, Scaling

NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9])*"
"""What SageMaker allows as the name of an endpoint, of up to 63 characters."""
VARIANT_NAME = "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
"""The same with single hyphens: two names of variants never give one Terraform address."""
ONLY_VARIANT = "AllTraffic"
"""Name of the variant of an endpoint that has just one, as SageMaker's own SDK calls it."""
MEMORY_SIZES_MB = (1024, 2048, 3072, 4096, 5120, 6144)
REAL_TIME_TIMEOUT_MILLISECONDS = 60_000

Topic = Literal["ERROR_NOTIFICATION_TOPIC", "SUCCESS_NOTIFICATION_TOPIC"]


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
    core_dump: bool = False
    """Whether the memory of a container that crashes is written to S3: it holds what callers sent."""

    def __post_init__(self) -> None:
        refuse(
            *_hosted(self),
            one_of("routing_strategy", self.routing_strategy, ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")),
            when(
                not unresolved(self.weight) and not isinstance(self.weight, int),
                f"weight: supply an integer such as 90, got {self.weight}",
            ),
            at_least("weight", self.weight, 0),
        )

    @property
    def initial_instance_count(self) -> int:
        """Instances that a rollout starts with: where they are scaled, the fewest."""
        return self.scaling.min_capacity if self.scaling else self.instance_count or 1


@record
class DataCapture:
    """What of the traffic is kept for monitoring: responses, and requests only where they are asked for.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """

    initial_sampling_percentage: int = 100
    """Share of the requests whose response is captured, 1 to 100 %."""
    capture_requests: bool = False
    """Whether requests are captured, too: drift shows in them, and they often hold personal data."""

    def __post_init__(self) -> None:
        refuse(
            at_least("initial_sampling_percentage", self.initial_sampling_percentage, 1),
            at_most("initial_sampling_percentage", self.initial_sampling_percentage, 100),
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
    shadow_variants: Mapping[str, Variant] = field(default_factory=dict)
    """A variant that gets copies of the only production variant's requests, and whose answers nobody gets:
    its weight over that one's is the share that is copied. It has a fixed number of instances."""
    data_capture: DataCapture | None = None
    """Captures responses; none by default."""
    deployment: Deployment = AllAtOnce()
    """How a new configuration is rolled out."""
    rollback: Rollback = Rollback()
    """When it is taken back."""

    def __post_init__(self) -> None:
        both = [*self.variants.items(), *self.shadow_variants.items()]
        weights = [variant.weight for variant in self.variants.values()]
        types = {variant.instance_type for _, variant in both}
        known_types = sorted(type_ for type_ in types if not unresolved(type_))
        latency = self.rollback.model_latency_p99_milliseconds
        refuse(
            not_empty("variants", self.variants),
            at_most("variants: number of variants", len(self.variants), 10),
            *(
                problem
                for path, names in (("variants", self.variants), ("shadow_variants", self.shadow_variants))
                for name in names
                for problem in (
                    matches(f"{path}: name", name, VARIANT_NAME, "champion"),
                    no_longer_than(f"{path}: name", name, 63),
                )
            ),
            when(
                weights and not unresolved(weights) and sum(weights) <= 0,
                "variants: supply a weight above 0 for at least one, got 0 for all",
            ),
            when(
                len(set(map(nvme, known_types))) > 1,
                "variants: supply instance types that all store on local NVMe, which takes no volume key, or "
                f"none that does, got {', '.join(known_types)}",
            ),
            *self._shadowed(),
            when(
                isinstance(self.deployment, Rolling) and len(both) > 1,
                "deployment: supply another kind than Rolling, which SageMaker takes for one variant only; "
                f"got {len(both)} variants",
            ),
            at_most("rollback.model_latency_p99_milliseconds", latency, REAL_TIME_TIMEOUT_MILLISECONDS),
        )

    def _shadowed(self) -> Iterator[str | None]:
        """Yield the problems of a shadow variant.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
        """
        if not self.shadow_variants:
            return
        yield at_most("shadow_variants: number of variants", len(self.shadow_variants), 1)
        yield when(
            len(self.variants) > 1,
            f"shadow_variants: supply one variant to shadow, got {len(self.variants)} in variants",
        )
        yield distinct("variants, shadow_variants: name", [*self.variants, *self.shadow_variants])
        for name, shadow in self.shadow_variants.items():
            yield when(
                shadow.scaling, f"shadow_variants.{name}.scaling: supply instance_count instead, got scaling"
            )
            for shadowed in self.variants.values():
                if not unresolved(shadowed.weight):
                    yield at_least(f"shadow_variants.{name}.weight", shadow.weight, 1)
                    yield at_most(f"shadow_variants.{name}.weight", shadow.weight, shadowed.weight)

    @property
    def models(self) -> Mapping[str, str]:
        """Models that are served, by where that is said."""
        return {
            f"{path}.{name}.model": variant.model
            for path, variants in (("variants", self.variants), ("shadow_variants", self.shadow_variants))
            for name, variant in variants.items()
        }

    @property
    def core_dumps(self) -> bool:
        """Whether any variant writes core dumps."""
        return any(one.core_dump for one in (*self.variants.values(), *self.shadow_variants.values()))


@record
class Serverless:
    """Serverless inference: AWS runs the model when there are requests, and bills for these alone.

    It takes no VPC, network isolation, data capture, GPU, guarded rollout, and one model in one container.
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """

    model: str
    """Which model it serves: a key of `EndpointConfig.model_names`."""
    max_concurrency: int
    """Most requests at once, 1 to 200; more are refused."""
    kind: Literal["Serverless"] = "Serverless"
    """Names this kind of endpoint in an environment file."""
    memory_size_mb: int = 2048
    """Memory of each container: 1024, 2048, 3072, 4096, 5120 or 6144 MB; vCPUs come in proportion."""
    provisioned_concurrency: int | None = None
    """Requests at once for which it is always warm, when that is fixed; they cost money for as long as they
    are there. Supply this, `scaling` or none, which means cold starts."""
    scaling: ConcurrencyScaling | None = None
    """Bounds between which provisioned concurrency follows the traffic."""

    def __post_init__(self) -> None:
        refuse(
            one_of("memory_size_mb", self.memory_size_mb, MEMORY_SIZES_MB),
            at_least("max_concurrency", self.max_concurrency, 1),
            at_most("max_concurrency", self.max_concurrency, 200),
            when(
                self.provisioned_concurrency is not None and self.scaling,
                "provisioned_concurrency, scaling: supply at most one of them, got both",
            ),
            at_least("provisioned_concurrency", self.provisioned_concurrency, 1),
            *self._within_limit(),
        )

    def _within_limit(self) -> Iterator[str | None]:
        """Yield a problem for each number of requests that is above the limit."""
        if unresolved(self.max_concurrency):
            return
        yield at_most("provisioned_concurrency", self.provisioned_concurrency, self.max_concurrency)
        if self.scaling:
            yield at_most("scaling.max_capacity", self.scaling.max_capacity, self.max_concurrency)
            for name, action in self.scaling.scheduled_actions.items():
                path = f"scaling.scheduled_actions.{name}.max_capacity"
                yield at_most(path, action.max_capacity, self.max_concurrency)

    @property
    def initial_provisioned_concurrency(self) -> int | None:
        """Provisioned concurrency that a rollout starts with: where it is scaled, the least."""
        return self.scaling.min_capacity if self.scaling else self.provisioned_concurrency

    @property
    def models(self) -> Mapping[str, str]:
        """Models that are served, by where that is said."""
        return {"model": self.model}


@record
class Asynchronous:
    """Asynchronous inference: requests wait in a queue, and results go to S3. For large inputs and long work.

    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
    """

    model: str
    """Which model it serves: a key of `EndpointConfig.model_names`."""
    kind: Literal["Asynchronous"] = "Asynchronous"
    """Names this kind of endpoint in an environment file."""
    instance_type: str = "ml.m5.large"
    """The smallest general type that SageMaker scales automatically; burstable types are not."""
    instance_count: int | None = None
    """Number of instances, when it is fixed; supply either this or `scaling`."""
    scaling: BacklogScaling | None = None
    """Bounds between which the number of instances follows the queue, down to none."""
    max_concurrent_invocations_per_instance: int | None = None
    """Requests that a container gets at once, 1 to 1000; SageMaker chooses by default."""
    include_inference_response_in: tuple[Topic, ...] = ()
    """Topics whose messages hold the response itself, up to 128 KB: whoever subscribes can read it."""
    volume_size_gb: int | None = None
    """Storage volume, 1 to 512 GB; AWS chooses by default. Types with local NVMe have none."""
    model_data_download_timeout_seconds: int | None = None
    """Longest time to fetch and unpack the artifact, 60 to 3600 s; AWS chooses by default."""
    container_startup_health_check_timeout_seconds: int | None = None
    """Longest time until the container answers its first ping, 60 to 3600 s; AWS chooses by default."""
    core_dump: bool = False
    """Whether the memory of a container that crashes is written to S3: it holds what callers sent."""
    deployment: Deployment = AllAtOnce()
    """How a new configuration is rolled out."""
    rollback: Rollback = Rollback(model_latency_p99_milliseconds=900_000)
    """When it is taken back; 15 minutes are as long as a request may take unless its caller says more."""

    def __post_init__(self) -> None:
        most = self.max_concurrent_invocations_per_instance
        refuse(
            *_hosted(self),
            at_least("max_concurrent_invocations_per_instance", most, 1),
            at_most("max_concurrent_invocations_per_instance", most, 1000),
            distinct("include_inference_response_in", self.include_inference_response_in),
            *(
                one_of("include_inference_response_in", topic, get_args(Topic))
                for topic in self.include_inference_response_in
            ),
        )

    @property
    def initial_instance_count(self) -> int:
        """Instances that a rollout starts with: where they are scaled, the fewest, but at least one."""
        fewest = self.scaling.min_capacity if self.scaling else self.instance_count
        return fewest or 1

    @property
    def models(self) -> Mapping[str, str]:
        """Models that are served, by where that is said."""
        return {"model": self.model}

    @property
    def core_dumps(self) -> bool:
        """Whether it writes core dumps."""
        return self.core_dump


Inference = Annotated[RealTime | Serverless | Asynchronous, ByKind()]
"""Every kind of endpoint; told apart by `kind`."""


def _hosted(variant: Variant | Asynchronous) -> Iterator[str | None]:
    """Yield the problems that all variants on instances can have."""
    kind = known("instance_type", variant.instance_type)
    download = variant.model_data_download_timeout_seconds
    startup = variant.container_startup_health_check_timeout_seconds
    yield kind
    yield when(
        variant.instance_count is not None and variant.scaling,
        "instance_count, scaling: supply one of them, got both",
    )
    yield when(
        variant.instance_count is None and not variant.scaling,
        "instance_count, scaling: supply one of them, got none",
    )
    yield at_least("instance_count", variant.instance_count, 1)
    yield when(
        not kind and unguarded(variant.instance_type),
        "instance_type: supply one of another family, since SageMaker rolls this one out without watching "
        f"the alarms; got {variant.instance_type!r}",
    )
    yield when(
        not kind and variant.scaling and burstable(variant.instance_type),
        f"scaling: supply an instance_type that is not burstable, got {variant.instance_type!r}",
    )
    yield when(
        not kind and variant.volume_size_gb is not None and nvme(variant.instance_type),
        f"volume_size_gb: supply none, since {variant.instance_type} stores on local NVMe; "
        f"got {variant.volume_size_gb}",
    )
    yield at_least("volume_size_gb", variant.volume_size_gb, 1)
    yield at_most("volume_size_gb", variant.volume_size_gb, 512)
    yield at_least("model_data_download_timeout_seconds", download, 60)
    yield at_most("model_data_download_timeout_seconds", download, 3600)
    yield at_least("container_startup_health_check_timeout_seconds", startup, 60)
    yield at_most("container_startup_health_check_timeout_seconds", startup, 3600)
