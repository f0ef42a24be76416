"""SageMaker endpoint: a model, or several, behind one stable name, rolled out without downtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cdktf import Postcondition, TerraformResourceLifecycle
from constructs import Construct

from .._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm, CloudwatchMetricAlarmMetricQuery
from .._aws.sagemaker_endpoint import SagemakerEndpoint, SagemakerEndpointDeploymentConfig
from .._aws.sagemaker_endpoint_configuration import (
    SagemakerEndpointConfiguration,
    SagemakerEndpointConfigurationProductionVariants,
)
from .._core import Statement, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.instance_types import nvme
from ..topic import TOPIC_ARN
from . import blocks
from .autoscaling import Scaled, follow_backlog, follow_concurrency, follow_traffic
from .decisions import NAME, ONLY_VARIANT, Asynchronous, Inference, RealTime, Serverless

NAME_PREFIX_LENGTH = 63 - len("20060102150405123400000001")
"""What Terraform leaves of a name's 63 characters when it ends it with a timestamp and a counter."""

VARIANTS_OF_ALARM = 5
"""How many variants an alarm on two metrics can watch: it reads ten.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
"""

S3_URI = "s3://[^/]+(/.*)?"


@record
class EndpointConfig:
    """What an endpoint is made of."""

    name: str
    """The endpoint's name, at most 63 characters; callers know it, and it never changes."""
    model_names: Mapping[str, str]
    """SageMaker models by the key that variants use: `{"churn": Model.outputs.name}`."""
    kms_key_arn: str
    """Key for the instances' storage volumes, where they have any, and for all that is written to S3."""
    inference: Inference
    """Kind of endpoint, with all decisions."""
    data_capture_s3_uri: str | None = None
    """Where captured data goes; needed when `inference.data_capture` is there."""
    core_dump_s3_uri: str | None = None
    """Where the memory of crashed containers goes; needed when a variant has `core_dump`."""
    output_s3_uri: str | None = None
    """Where results go; needed by an asynchronous endpoint, as is the next."""
    failure_s3_uri: str | None = None
    """Where it is written why a request failed."""
    success_topic_arn: str | None = None
    """Topic that is told of each result of an asynchronous endpoint; nobody is, by default."""
    error_topic_arn: str | None = None
    """Topic that is told of each failure; nobody is, by default."""

    def __post_init__(self) -> None:
        inference = self.inference
        legal = ", ".join(sorted(self.model_names)) or "none"
        captures = isinstance(inference, RealTime) and inference.data_capture is not None
        refuse(
            matches("name", self.name, NAME, "acme-dev-churn"),
            no_longer_than("name", self.name, 63),
            matches(
                "kms_key_arn",
                self.kms_key_arn,
                r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[a-zA-Z0-9:/_-]+",
                "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ),
            *(
                f"inference.{path}: supply one of the models {legal}, got {model!r}"
                for path, model in inference.models.items()
                if model not in self.model_names
            ),
            when(
                captures and self.data_capture_s3_uri is None,
                "data_capture_s3_uri: supply where responses are captured to, got none",
            ),
            when(
                not isinstance(inference, Serverless)
                and inference.core_dumps
                and self.core_dump_s3_uri is None,
                "core_dump_s3_uri: supply where core dumps go, got none",
            ),
            *self._asynchronous(),
            *(
                problem
                for name, s3_uri in (
                    ("data_capture_s3_uri", self.data_capture_s3_uri),
                    ("core_dump_s3_uri", self.core_dump_s3_uri),
                    ("output_s3_uri", self.output_s3_uri),
                    ("failure_s3_uri", self.failure_s3_uri),
                )
                for problem in (
                    matches(name, s3_uri, S3_URI, "s3://bucket/prefix"),
                    no_longer_than(name, s3_uri, 512),
                )
            ),
        )

    def _asynchronous(self) -> Iterator[str | None]:
        """Yield the problems of where results go, and who is told."""
        inference = self.inference
        if not isinstance(inference, Asynchronous):
            return
        topics = {
            "SUCCESS_NOTIFICATION_TOPIC": "success_topic_arn",
            "ERROR_NOTIFICATION_TOPIC": "error_topic_arn",
        }
        yield when(self.output_s3_uri is None, "output_s3_uri: supply where results go, got none")
        yield when(self.failure_s3_uri is None, "failure_s3_uri: supply where failures go, got none")
        for topic, name in topics.items():
            arn = getattr(self, name)
            yield matches(name, arn, TOPIC_ARN, "arn:aws:sns:eu-west-1:111122223333:acme-dev-churn-errors")
            yield when(
                topic in inference.include_inference_response_in and arn is None,
                f"{name}: supply the topic whose messages include the response, got none",
            )
        yield when(
            self.success_topic_arn is not None and self.success_topic_arn == self.error_topic_arn,
            f"success_topic_arn, error_topic_arn: supply two topics, got {self.success_topic_arn!r} twice",
        )


@record
class EndpointOutputs:
    """What an endpoint gives."""

    name: str
    """The endpoint's name: what callers pass to `InvokeEndpoint` or `InvokeEndpointAsync`."""
    id: str
    """The same name, but not known while the endpoint is made anew: what must go before it takes this."""
    arn: str
    """The endpoint's ARN."""
    configuration_name: str
    """Name of the configuration that is rolled out; another one after each change."""


INVOCATIONS: Mapping[type, tuple[str, ...]] = {
    RealTime: ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"),
    Serverless: ("sagemaker:InvokeEndpoint",),
    Asynchronous: ("sagemaker:InvokeEndpointAsync",),
}
"""What a caller does, by the kind of the endpoint."""


def invoke(
    endpoint_name: str, inference: Inference, region: str, account_id: str, partition: str = "aws"
) -> Statement:
    """Return what a caller's role needs, as `Endpoint.invoke()`; made of names, it is known before."""
    arn = f"arn:{partition}:sagemaker:{region}:{account_id}:endpoint/{endpoint_name}"
    return Statement(actions=INVOCATIONS[type(inference)], resources=(arn,))


def watch_rollback_alarms(
    endpoint_name: str, inference: Inference, region: str, account_id: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what the models' execution role needs, so that SageMaker sees when to take a rollout back.

    It is made of names, since the role is there before the endpoint. A serverless endpoint has none.
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """
    if isinstance(inference, Serverless):
        return ()
    ids = ("errors", "latency", *_chunks(_names(inference)))
    arns = (
        f"arn:{partition}:cloudwatch:{region}:{account_id}:alarm:{_alarm_name(endpoint_name, id_)}"
        for id_ in ids
    )
    return (Statement(actions=("cloudwatch:DescribeAlarms",), resources=tuple(arns)),)


def _alarm_name(endpoint_name: str, id_: str) -> str:
    return f"{endpoint_name}-rollback-{id_.replace('_', '-')}"


def _names(inference: Inference) -> list[str]:
    """Return the names of the production variants, in alphabetical order."""
    return sorted(inference.variants) if isinstance(inference, RealTime) else [ONLY_VARIANT]


def _chunks(names: list[str]) -> dict[str, list[str]]:
    """Return the variants that each alarm on model errors watches, by the alarm's id."""
    starts = range(0, len(names), VARIANTS_OF_ALARM)
    return {
        "model_errors" if number == 1 else f"model_errors_{number}": names[start : start + VARIANTS_OF_ALARM]
        for number, start in enumerate(starts, 1)
    }


class Endpoint(Construct):
    """A change makes a new configuration, rolls it out, and then removes the old one.

    Names of the alarms are the same whatever the variants are, up to five: the provider replaces an endpoint
    whose alarms are other ones. What they watch is the new fleet alone, so that a rollout that mends a
    failing endpoint is not taken back for the failures of the old one. A serverless endpoint has no fleet:
    SageMaker rolls it out without guard, and takes it back only when the model does not start.
    """

    def __init__(self, scope: Construct, id_: str, config: EndpointConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        inference = config.inference
        configuration = self._configuration()
        endpoint = SagemakerEndpoint(
            self,
            "this",
            name=config.name,
            endpoint_config_name=configuration.name,
            deployment_config=None
            if isinstance(inference, Serverless)
            else self._guarded(inference, configuration.name),
            lifecycle=TerraformResourceLifecycle(postcondition=[_rolled_out(configuration)]),
        )
        self._scale(endpoint)
        self.outputs = EndpointOutputs(
            name=endpoint.name,
            id=endpoint.id,
            arn=endpoint.arn,
            configuration_name=configuration.name,
        )

    def invoke(self) -> Statement:
        """Return what a caller's role needs; for an asynchronous endpoint, it puts its input to S3 before."""
        return Statement(actions=INVOCATIONS[type(self.config.inference)], resources=(self.outputs.arn,))

    def _configuration(self) -> SagemakerEndpointConfiguration:
        """Make the configuration; AWS never changes one, so each change makes one of a new name."""
        config, inference = self.config, self.config.inference
        capture = inference.data_capture if isinstance(inference, RealTime) else None
        stem = config.name if unresolved(config.name) else config.name[: NAME_PREFIX_LENGTH - 1].rstrip("-")
        shadows = sorted(inference.shadow_variants.items()) if isinstance(inference, RealTime) else []
        return SagemakerEndpointConfiguration(
            self,
            "configuration",
            name_prefix=f"{stem}-",
            kms_key_arn=config.kms_key_arn if _has_volumes(inference) else None,
            production_variants=list(self._production_variants()),
            shadow_production_variants=[
                blocks.shadow_variant(
                    name,
                    variant,
                    config.model_names[variant.model],
                    config.kms_key_arn,
                    config.core_dump_s3_uri,
                )
                for name, variant in shadows
            ]
            or None,
            data_capture_config=blocks.data_capture(capture, config.data_capture_s3_uri, config.kms_key_arn)
            if capture and config.data_capture_s3_uri
            else None,
            async_inference_config=blocks.asynchronous(
                inference,
                config.kms_key_arn,
                output_s3_uri=config.output_s3_uri,
                failure_s3_uri=config.failure_s3_uri,
                success_topic_arn=config.success_topic_arn,
                error_topic_arn=config.error_topic_arn,
            )
            if isinstance(inference, Asynchronous) and config.output_s3_uri and config.failure_s3_uri
            else None,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )

    def _production_variants(self) -> Iterator[SagemakerEndpointConfigurationProductionVariants]:
        config, inference = self.config, self.config.inference
        key_arn, dumps = config.kms_key_arn, config.core_dump_s3_uri
        if isinstance(inference, RealTime):
            for name, variant in sorted(inference.variants.items()):
                model_name = config.model_names[variant.model]
                yield blocks.production_variant(name, variant, model_name, key_arn, dumps)
        elif isinstance(inference, Serverless):
            yield blocks.serverless_variant(inference, config.model_names[inference.model])
        else:
            model_name = config.model_names[inference.model]
            yield blocks.asynchronous_variant(inference, model_name, key_arn, dumps)

    def _guarded(
        self, inference: RealTime | Asynchronous, configuration_name: str
    ) -> SagemakerEndpointDeploymentConfig:
        """Return the way of rollout, with the alarms that take one back."""
        rollback, names = inference.rollback, _names(inference)
        fleet = {
            name: {
                "EndpointName": self.config.name,
                "EndpointConfigName": configuration_name,
                "VariantName": name,
            }
            for name in names
        }
        alarms = [
            self._alarm(
                "errors",
                blocks.metric_queries(
                    "Invocation5XXErrors",
                    "SUM(FILL(METRICS(), 0))",
                    "Sum",
                    {"variant": "Invocation5XXErrors"},
                    fleet.values(),
                ),
                threshold=rollback.invocation_5xx_errors_per_minute,
            ),
            self._alarm(
                "latency",
                blocks.metric_queries(
                    "ModelLatency",
                    "MAX(FILL(METRICS(), 0)) / 1000",
                    "p99",
                    {"variant": "ModelLatency"},
                    fleet.values(),
                ),
                threshold=rollback.model_latency_p99_milliseconds,
            ),
        ]
        for id_, watched in _chunks(names).items():
            queries = blocks.metric_queries(
                "InvocationModelErrors without Invocation4XXErrors",
                'SUM(FILL(METRICS("failed"), 0)) - SUM(FILL(METRICS("rejected"), 0))',
                "Sum",
                {"failed": "InvocationModelErrors", "rejected": "Invocation4XXErrors"},
                [fleet[name] for name in watched],
            )
            alarms.append(self._alarm(id_, queries, threshold=rollback.invocation_model_errors_per_minute))
        return blocks.deployment(inference.deployment, [alarm.alarm_name for alarm in alarms])

    def _alarm(
        self, id_: str, queries: list[CloudwatchMetricAlarmMetricQuery], threshold: int
    ) -> CloudwatchMetricAlarm:
        """Make an alarm that takes a rollout back after one bad minute; silence is no failure."""
        return CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=_alarm_name(self.config.name, id_),
            alarm_description=f"Takes a rollout of {self.config.name} back.",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=threshold,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            metric_query=queries,
        )

    def _scale(self, endpoint: SagemakerEndpoint) -> None:
        """Let whatever has `scaling` follow the load."""
        inference = self.config.inference

        def scaled(variant: str, instance_type: str | None = None) -> Scaled:
            return Scaled(
                scope=self,
                endpoint=endpoint,
                endpoint_name=self.config.name,
                variant=variant,
                instance_type=instance_type,
            )

        if isinstance(inference, RealTime):
            for name, variant in sorted(inference.variants.items()):
                if variant.scaling:
                    follow_traffic(scaled(name, variant.instance_type), variant.scaling)
        elif isinstance(inference, Asynchronous):
            if inference.scaling:
                follow_backlog(scaled(ONLY_VARIANT, inference.instance_type), inference.scaling)
        elif inference.scaling:
            follow_concurrency(scaled(ONLY_VARIANT), inference.scaling)


def _has_volumes(inference: Inference) -> bool:
    """Tell whether there are storage volumes that take a key: no serverless one does, and no local NVMe."""
    if isinstance(inference, RealTime):
        variants = (*inference.variants.values(), *inference.shadow_variants.values())
        return not any(nvme(variant.instance_type) for variant in variants)
    return isinstance(inference, Asynchronous) and not nvme(inference.instance_type)


def _rolled_out(configuration: SagemakerEndpointConfiguration) -> Postcondition:
    """Fail the apply when SageMaker takes the rollout back, which the provider takes for a success.

    Terraform then stops before it deletes the old configuration, which is the live one again.
    """
    return Postcondition(
        condition=f"${{self.endpoint_config_name == {configuration.fqn}.name}}",
        error_message="SageMaker took the rollout back: endpoint ${self.name} is live with its old "
        "configuration, ${self.endpoint_config_name}. Look at its alarms and logs for the reason.",
    )
