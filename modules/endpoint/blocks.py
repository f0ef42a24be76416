"""The nested blocks of an endpoint's Terraform resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .._aws.appautoscaling_policy import (
    AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration,
    AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification,
)
from .._aws.cloudwatch_metric_alarm import (
    CloudwatchMetricAlarmMetricQuery,
    CloudwatchMetricAlarmMetricQueryMetric,
)
from .._aws.sagemaker_endpoint import (
    SagemakerEndpointDeploymentConfig,
    SagemakerEndpointDeploymentConfigAutoRollbackConfiguration,
    SagemakerEndpointDeploymentConfigAutoRollbackConfigurationAlarms,
    SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicy,
    SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfiguration,
)
from .._aws.sagemaker_endpoint_configuration import (
    SagemakerEndpointConfigurationDataCaptureConfig,
    SagemakerEndpointConfigurationDataCaptureConfigCaptureContentTypeHeader,
    SagemakerEndpointConfigurationDataCaptureConfigCaptureOptions,
    SagemakerEndpointConfigurationProductionVariants,
    SagemakerEndpointConfigurationProductionVariantsRoutingConfig,
)
from .decisions import AllAtOnce, DataCapture, Scaling, Variant


def production_variant(
    name: str, variant: Variant, model_name: str
) -> SagemakerEndpointConfigurationProductionVariants:
    """Return one production variant; it starts with its fewest instances."""
    return SagemakerEndpointConfigurationProductionVariants(
        variant_name=name,
        model_name=model_name,
        instance_type=variant.instance_type,
        initial_instance_count=variant.initial_instance_count,
        initial_variant_weight=variant.weight,
        volume_size_in_gb=variant.volume_size_gb,
        model_data_download_timeout_in_seconds=variant.model_data_download_timeout_seconds,
        container_startup_health_check_timeout_in_seconds=variant.container_startup_health_check_timeout_seconds,
        routing_config=[
            SagemakerEndpointConfigurationProductionVariantsRoutingConfig(
                routing_strategy=variant.routing_strategy
            )
        ],
    )


def data_capture(
    capture: DataCapture, s3_uri: str, kms_key_arn: str
) -> SagemakerEndpointConfigurationDataCaptureConfig:
    """Return the capture of responses: CSV and JSON as they are, all else in base64."""
    return SagemakerEndpointConfigurationDataCaptureConfig(
        enable_capture=True,
        initial_sampling_percentage=capture.initial_sampling_percentage,
        destination_s3_uri=s3_uri,
        kms_key_id=kms_key_arn,
        capture_options=[
            SagemakerEndpointConfigurationDataCaptureConfigCaptureOptions(capture_mode="Output"),
        ],
        capture_content_type_header=SagemakerEndpointConfigurationDataCaptureConfigCaptureContentTypeHeader(
            csv_content_types=["text/csv"], json_content_types=["application/json", "application/jsonlines"]
        ),
    )


def deployment(policy: AllAtOnce, *alarm_names: str) -> SagemakerEndpointDeploymentConfig:
    """Return the way of rollout, and the alarms that take one back."""
    routing = SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfiguration(
        type="ALL_AT_ONCE", wait_interval_in_seconds=policy.wait_interval_seconds
    )
    return SagemakerEndpointDeploymentConfig(
        blue_green_update_policy=SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicy(
            termination_wait_in_seconds=policy.termination_wait_seconds,
            traffic_routing_configuration=routing,
        ),
        auto_rollback_configuration=SagemakerEndpointDeploymentConfigAutoRollbackConfiguration(
            alarms=[
                SagemakerEndpointDeploymentConfigAutoRollbackConfigurationAlarms(alarm_name=alarm_name)
                for alarm_name in alarm_names
            ]
        ),
    )


def metric_queries(
    metric_name: str, statistic: str, over_variants: str, variants: Iterable[Mapping[str, str]]
) -> list[CloudwatchMetricAlarmMetricQuery]:
    """Return queries for one number a minute: a metric of each variant, and an expression over them.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    return [
        CloudwatchMetricAlarmMetricQuery(
            id="over_variants",
            label=f"{metric_name} of the new fleet",
            expression=over_variants,
            return_data=True,
        ),
        *(
            CloudwatchMetricAlarmMetricQuery(
                id=f"variant_{index}",
                metric=CloudwatchMetricAlarmMetricQueryMetric(
                    namespace="AWS/SageMaker",
                    metric_name=metric_name,
                    dimensions=dict(dimensions),
                    period=60,
                    stat=statistic,
                ),
            )
            for index, dimensions in enumerate(variants)
        ),
    ]


def target_tracking(scaling: Scaling) -> AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration:
    """Return the policy that holds the average number of invocations."""
    metric = AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification(
        predefined_metric_type="SageMakerVariantInvocationsPerInstance"
    )
    return AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration(
        target_value=scaling.invocations_per_instance_per_minute,
        scale_in_cooldown=scaling.scale_in_cooldown_seconds,
        scale_out_cooldown=scaling.scale_out_cooldown_seconds,
        predefined_metric_specification=metric,
    )
