"""SageMaker endpoint: production variants behind one stable name, rolled out without downtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdktf import Postcondition, TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from .._aws.appautoscaling_policy import AppautoscalingPolicy
from .._aws.appautoscaling_target import AppautoscalingTarget
from .._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm, CloudwatchMetricAlarmMetricQuery
from .._aws.sagemaker_endpoint import SagemakerEndpoint
from .._aws.sagemaker_endpoint_configuration import SagemakerEndpointConfiguration
from .._core import Statement, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.instance_types import nvme
from .._core.revision import Revision
from . import blocks
from .decisions import NAME, Inference, Scaling, Variant

ROLLBACK_ALARMS = ("errors", "latency")
"""Ends of the alarms' names."""

NAME_PREFIX_LENGTH = 63 - len("20060102150405123400000001")
"""What Terraform leaves of a name's 63 characters when it ends it with a timestamp and a counter."""


@record
class EndpointConfig:
    """What an endpoint is made of."""

    name: str
    """The endpoint's name, at most 63 characters; callers know it, and it never changes."""
    model_names: Mapping[str, str]
    """SageMaker models by the key that variants use: `{"churn": Model.outputs.name}`."""
    kms_key_arn: str
    """Key for the instances' storage volumes, where they have any, and for captured data."""
    inference: Inference
    """Kind of endpoint, with all decisions."""
    data_capture_s3_uri: str | None = None
    """Where captured data goes; needed when `inference.data_capture` is there."""

    def __post_init__(self) -> None:
        captures = self.inference.data_capture is not None
        legal = ", ".join(sorted(self.model_names)) or "none"
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
                f"inference.variants.{name}.model: supply one of the models {legal}, got {variant.model!r}"
                for name, variant in self.inference.variants.items()
                if variant.model not in self.model_names
            ),
            when(
                captures and self.data_capture_s3_uri is None,
                "data_capture_s3_uri: supply where responses are captured to, got none",
            ),
            matches(
                "data_capture_s3_uri", self.data_capture_s3_uri, "s3://[^/]+(/.*)?", "s3://bucket/capture"
            ),
            no_longer_than("data_capture_s3_uri", self.data_capture_s3_uri, 512),
        )


@record
class EndpointOutputs:
    """What an endpoint gives."""

    name: str
    """The endpoint's name: what callers pass to `InvokeEndpoint`."""
    arn: str
    """The endpoint's ARN."""
    configuration_name: str
    """Name of the configuration that is rolled out; another one after each change."""


def watch_rollback_alarms(
    endpoint_name: str, region: str, account_id: str, partition: str = "aws"
) -> Statement:
    """Return what the models' execution role needs, so that SageMaker sees when to take a rollout back.

    It is made of names, since the role is there before the endpoint.
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """
    return Statement(
        actions=("cloudwatch:DescribeAlarms",),
        resources=tuple(
            f"arn:{partition}:cloudwatch:{region}:{account_id}:alarm:{_alarm_name(endpoint_name, id_)}"
            for id_ in ROLLBACK_ALARMS
        ),
    )


def _alarm_name(endpoint_name: str, id_: str) -> str:
    return f"{endpoint_name}-rollback-{id_}"


class Endpoint(Construct):
    """A change makes a new configuration, rolls it out by blue/green, and then removes the old one.

    Number and names of the alarms are the same whatever the variants are: the provider replaces an
    endpoint whose alarms are other ones. What they watch is the new fleet alone, so that a rollout that
    mends a failing endpoint is not taken back for the failures of the old one.
    """

    def __init__(self, scope: Construct, id_: str, config: EndpointConfig) -> None:
        super().__init__(scope, id_)
        inference = config.inference
        variants = dict(sorted(inference.variants.items()))
        configuration = self._configuration(config, variants)
        fleet = [
            {"EndpointName": config.name, "EndpointConfigName": configuration.name, "VariantName": name}
            for name in variants
        ]
        errors = self._alarm(
            config.name,
            "errors",
            blocks.metric_queries("Invocation5XXErrors", "Sum", "SUM(FILL(METRICS(), 0))", fleet),
            threshold=inference.rollback.invocation_5xx_errors_per_minute,
        )
        latency = self._alarm(
            config.name,
            "latency",
            blocks.metric_queries("ModelLatency", "p99", "MAX(FILL(METRICS(), 0)) / 1000", fleet),
            threshold=inference.rollback.model_latency_p99_milliseconds,
        )
        endpoint = SagemakerEndpoint(
            self,
            "this",
            name=config.name,
            endpoint_config_name=configuration.name,
            deployment_config=blocks.deployment(inference.deployment, errors.alarm_name, latency.alarm_name),
            lifecycle=TerraformResourceLifecycle(postcondition=[_rolled_out(configuration)]),
        )
        for name, variant in variants.items():
            if variant.scaling:
                self._scale(name, variant.instance_type, variant.scaling, endpoint, config.name)
        self.outputs = EndpointOutputs(
            name=endpoint.name, arn=endpoint.arn, configuration_name=configuration.name
        )

    def invoke(self) -> Statement:
        """Return what a caller's role needs."""
        return Statement(
            actions=("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"),
            resources=(self.outputs.arn,),
        )

    def _configuration(
        self, config: EndpointConfig, variants: Mapping[str, Variant]
    ) -> SagemakerEndpointConfiguration:
        """Make the configuration; AWS never changes one, so each change makes one of a new name."""
        capture = config.inference.data_capture
        stem = config.name if unresolved(config.name) else config.name[: NAME_PREFIX_LENGTH - 1].rstrip("-")
        return SagemakerEndpointConfiguration(
            self,
            "configuration",
            name_prefix=f"{stem}-",
            kms_key_arn=None
            if any(nvme(variant.instance_type) for variant in variants.values())
            else config.kms_key_arn,
            production_variants=[
                blocks.production_variant(name, variant, config.model_names[variant.model])
                for name, variant in variants.items()
            ],
            data_capture_config=blocks.data_capture(capture, config.data_capture_s3_uri, config.kms_key_arn)
            if capture and config.data_capture_s3_uri
            else None,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )

    def _alarm(
        self,
        endpoint_name: str,
        id_: str,
        queries: Sequence[CloudwatchMetricAlarmMetricQuery],
        threshold: int,
    ) -> CloudwatchMetricAlarm:
        """Make an alarm that takes a rollout back after one bad minute; silence is no failure."""
        return CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=_alarm_name(endpoint_name, id_),
            alarm_description=f"Takes a rollout of {endpoint_name} back.",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=threshold,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            metric_query=queries,
        )

    def _scale(
        self, name: str, instance_type: str, scaling: Scaling, endpoint: SagemakerEndpoint, endpoint_name: str
    ) -> None:
        """Register a variant with Application Auto Scaling, and let it follow the invocations.

        SageMaker refuses to change the instance type of a registered variant, and drops the registration
        of an endpoint that is deleted: in both cases Terraform removes it before, and makes it after.
        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-considerations.html
        """
        revision = Revision(self, f"{name}_instance_type", {"instance_type": instance_type})
        target = AppautoscalingTarget(
            self,
            f"{name}_scaling",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{endpoint.name}/variant/{name}",
            min_capacity=scaling.min_capacity,
            max_capacity=scaling.max_capacity,
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[_id(endpoint), _id(revision)]),
        )
        AppautoscalingPolicy(
            self,
            f"{name}_invocations",
            name=f"{endpoint_name}-{name}-invocations",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=blocks.target_tracking(scaling),
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[_id(target)]),
        )


def _rolled_out(configuration: SagemakerEndpointConfiguration) -> Postcondition:
    """Fail the apply when SageMaker takes the rollout back, which the provider takes for a success.

    Terraform then stops before it deletes the old configuration, which is the live one again.
    """
    return Postcondition(
        condition=f"${{self.endpoint_config_name == {configuration.fqn}.name}}",
        error_message="SageMaker took the rollout back: endpoint ${self.name} is live with its old "
        "configuration, ${self.endpoint_config_name}. Look at its alarms and logs for the reason.",
    )


def _id(resource: TerraformResource) -> str:
    """Return the address of a resource's id, unknown to a plan that replaces the resource."""
    return f"{resource.terraform_resource_type}.{resource.friendly_unique_id}.id"
