"""The nested blocks of an endpoint's Terraform resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

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
    SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfigurationCanarySize,
    SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfigurationLinearStepSize,
    SagemakerEndpointDeploymentConfigRollingUpdatePolicy,
    SagemakerEndpointDeploymentConfigRollingUpdatePolicyMaximumBatchSize,
    SagemakerEndpointDeploymentConfigRollingUpdatePolicyRollbackMaximumBatchSize,
)
from .._aws.sagemaker_endpoint_configuration import (
    SagemakerEndpointConfigurationAsyncInferenceConfig,
    SagemakerEndpointConfigurationAsyncInferenceConfigClientConfig,
    SagemakerEndpointConfigurationAsyncInferenceConfigOutputConfig,
    SagemakerEndpointConfigurationAsyncInferenceConfigOutputConfigNotificationConfig,
    SagemakerEndpointConfigurationDataCaptureConfig,
    SagemakerEndpointConfigurationDataCaptureConfigCaptureContentTypeHeader,
    SagemakerEndpointConfigurationDataCaptureConfigCaptureOptions,
    SagemakerEndpointConfigurationProductionVariants,
    SagemakerEndpointConfigurationProductionVariantsCoreDumpConfig,
    SagemakerEndpointConfigurationProductionVariantsRoutingConfig,
    SagemakerEndpointConfigurationProductionVariantsServerlessConfig,
    SagemakerEndpointConfigurationShadowProductionVariants,
    SagemakerEndpointConfigurationShadowProductionVariantsCoreDumpConfig,
    SagemakerEndpointConfigurationShadowProductionVariantsRoutingConfig,
)
from .decisions import ONLY_VARIANT, Asynchronous, DataCapture, Serverless, Variant
from .deployment import AllAtOnce, Canary, Deployment, Linear, Rolling

PERCENT = "CAPACITY_PERCENT"


def production_variant(
    name: str, variant: Variant, model_name: str, kms_key_arn: str, core_dump_s3_uri: str | None
) -> SagemakerEndpointConfigurationProductionVariants:
    """Return one production variant; it starts with its fewest instances."""
    return SagemakerEndpointConfigurationProductionVariants(
        variant_name=name,
        model_name=model_name,
        initial_variant_weight=variant.weight,
        routing_config=[
            SagemakerEndpointConfigurationProductionVariantsRoutingConfig(
                routing_strategy=variant.routing_strategy
            )
        ],
        core_dump_config=_core_dump(variant, kms_key_arn, core_dump_s3_uri),
        **_instances(variant),
    )


def shadow_variant(
    name: str, variant: Variant, model_name: str, kms_key_arn: str, core_dump_s3_uri: str | None
) -> SagemakerEndpointConfigurationShadowProductionVariants:
    """Return a shadow variant; its weight is the share of the requests that are copied to it."""
    return SagemakerEndpointConfigurationShadowProductionVariants(
        variant_name=name,
        model_name=model_name,
        initial_variant_weight=variant.weight,
        routing_config=[
            SagemakerEndpointConfigurationShadowProductionVariantsRoutingConfig(
                routing_strategy=variant.routing_strategy
            )
        ],
        core_dump_config=SagemakerEndpointConfigurationShadowProductionVariantsCoreDumpConfig(
            destination_s3_uri=core_dump_s3_uri, kms_key_id=kms_key_arn
        )
        if variant.core_dump and core_dump_s3_uri
        else None,
        **_instances(variant),
    )


def serverless_variant(
    serverless: Serverless, model_name: str
) -> SagemakerEndpointConfigurationProductionVariants:
    """Return the variant of a serverless endpoint; it starts with its least provisioned concurrency."""
    return SagemakerEndpointConfigurationProductionVariants(
        variant_name=ONLY_VARIANT,
        model_name=model_name,
        initial_variant_weight=1,
        serverless_config=SagemakerEndpointConfigurationProductionVariantsServerlessConfig(
            memory_size_in_mb=serverless.memory_size_mb,
            max_concurrency=serverless.max_concurrency,
            provisioned_concurrency=serverless.initial_provisioned_concurrency,
        ),
    )


def asynchronous_variant(
    asynchronous: Asynchronous, model_name: str, kms_key_arn: str, core_dump_s3_uri: str | None
) -> SagemakerEndpointConfigurationProductionVariants:
    """Return the variant of an asynchronous endpoint; it starts with one instance at least."""
    return SagemakerEndpointConfigurationProductionVariants(
        variant_name=ONLY_VARIANT,
        model_name=model_name,
        initial_variant_weight=1,
        core_dump_config=_core_dump(asynchronous, kms_key_arn, core_dump_s3_uri),
        **_instances(asynchronous),
    )


def _instances(variant: Variant | Asynchronous) -> dict[str, Any]:
    """Return the arguments of a variant on instances that are the same in every kind of block."""
    startup = variant.container_startup_health_check_timeout_seconds
    return {
        "instance_type": variant.instance_type,
        "initial_instance_count": variant.initial_instance_count,
        "volume_size_in_gb": variant.volume_size_gb,
        "model_data_download_timeout_in_seconds": variant.model_data_download_timeout_seconds,
        "container_startup_health_check_timeout_in_seconds": startup,
    }


def _core_dump(
    variant: Variant | Asynchronous, kms_key_arn: str, s3_uri: str | None
) -> SagemakerEndpointConfigurationProductionVariantsCoreDumpConfig | None:
    if not variant.core_dump or not s3_uri:
        return None
    return SagemakerEndpointConfigurationProductionVariantsCoreDumpConfig(
        destination_s3_uri=s3_uri, kms_key_id=kms_key_arn
    )


def asynchronous(
    decisions: Asynchronous,
    kms_key_arn: str,
    output_s3_uri: str,
    failure_s3_uri: str,
    success_topic_arn: str | None,
    error_topic_arn: str | None,
) -> SagemakerEndpointConfigurationAsyncInferenceConfig:
    """Return where results and failures go, under which key, and who is told of them."""
    most = decisions.max_concurrent_invocations_per_instance
    notification = SagemakerEndpointConfigurationAsyncInferenceConfigOutputConfigNotificationConfig(
        success_topic=success_topic_arn,
        error_topic=error_topic_arn,
        include_inference_response_in=sorted(decisions.include_inference_response_in) or None,
    )
    client = SagemakerEndpointConfigurationAsyncInferenceConfigClientConfig(
        max_concurrent_invocations_per_instance=most
    )
    return SagemakerEndpointConfigurationAsyncInferenceConfig(
        output_config=SagemakerEndpointConfigurationAsyncInferenceConfigOutputConfig(
            s3_output_path=output_s3_uri,
            s3_failure_path=failure_s3_uri,
            kms_key_id=kms_key_arn,
            notification_config=notification if success_topic_arn or error_topic_arn else None,
        ),
        client_config=None if most is None else client,
    )


def data_capture(
    capture: DataCapture, s3_uri: str, kms_key_arn: str
) -> SagemakerEndpointConfigurationDataCaptureConfig:
    """Return what is captured: CSV and JSON as they are, all else in base64."""
    modes = ("Input", "Output") if capture.capture_requests else ("Output",)
    return SagemakerEndpointConfigurationDataCaptureConfig(
        enable_capture=True,
        initial_sampling_percentage=capture.initial_sampling_percentage,
        destination_s3_uri=s3_uri,
        kms_key_id=kms_key_arn,
        capture_options=[
            SagemakerEndpointConfigurationDataCaptureConfigCaptureOptions(capture_mode=mode) for mode in modes
        ],
        capture_content_type_header=SagemakerEndpointConfigurationDataCaptureConfigCaptureContentTypeHeader(
            csv_content_types=["text/csv"], json_content_types=["application/json", "application/jsonlines"]
        ),
    )


def deployment(policy: Deployment, alarm_names: Iterable[str]) -> SagemakerEndpointDeploymentConfig:
    """Return the way of rollout, and the alarms that take one back."""
    alarms = [
        SagemakerEndpointDeploymentConfigAutoRollbackConfigurationAlarms(alarm_name=alarm_name)
        for alarm_name in alarm_names
    ]
    return SagemakerEndpointDeploymentConfig(
        rolling_update_policy=_rolling(policy) if isinstance(policy, Rolling) else None,
        blue_green_update_policy=None if isinstance(policy, Rolling) else _blue_green(policy),
        auto_rollback_configuration=SagemakerEndpointDeploymentConfigAutoRollbackConfiguration(alarms=alarms),
    )


def _rolling(policy: Rolling) -> SagemakerEndpointDeploymentConfigRollingUpdatePolicy:
    return SagemakerEndpointDeploymentConfigRollingUpdatePolicy(
        wait_interval_in_seconds=policy.wait_interval_seconds,
        maximum_execution_timeout_in_seconds=policy.maximum_execution_timeout_seconds,
        maximum_batch_size=SagemakerEndpointDeploymentConfigRollingUpdatePolicyMaximumBatchSize(
            type=PERCENT, value=policy.maximum_batch_size_percent
        ),
        rollback_maximum_batch_size=SagemakerEndpointDeploymentConfigRollingUpdatePolicyRollbackMaximumBatchSize(
            type=PERCENT, value=policy.rollback_maximum_batch_size_percent
        ),
    )


def _blue_green(
    policy: AllAtOnce | Canary | Linear,
) -> SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicy:
    types = {AllAtOnce: "ALL_AT_ONCE", Canary: "CANARY", Linear: "LINEAR"}
    canary = linear = None
    if isinstance(policy, Canary):
        canary = SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfigurationCanarySize(
            type=PERCENT, value=policy.canary_size_percent
        )
    if isinstance(policy, Linear):
        linear = (
            SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfigurationLinearStepSize(
                type=PERCENT, value=policy.linear_step_size_percent
            )
        )
    routing = SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicyTrafficRoutingConfiguration(
        type=types[type(policy)],
        wait_interval_in_seconds=policy.wait_interval_seconds,
        canary_size=canary,
        linear_step_size=linear,
    )
    return SagemakerEndpointDeploymentConfigBlueGreenUpdatePolicy(
        termination_wait_in_seconds=policy.termination_wait_seconds,
        maximum_execution_timeout_in_seconds=policy.maximum_execution_timeout_seconds,
        traffic_routing_configuration=routing,
    )


def metric_queries(
    label: str,
    expression: str,
    statistic: str,
    metric_names: Mapping[str, str],
    variants: Iterable[Mapping[str, str]],
) -> list[CloudwatchMetricAlarmMetricQuery]:
    """Return queries for one number a minute: an expression, and the metrics of each variant that it reads.

    `metric_names` maps the beginning of a query's id to a metric.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """

    def metrics() -> Iterator[CloudwatchMetricAlarmMetricQuery]:
        for index, dimensions in enumerate(variants):
            for id_, metric_name in metric_names.items():
                yield CloudwatchMetricAlarmMetricQuery(
                    id=f"{id_}_{index}",
                    metric=CloudwatchMetricAlarmMetricQueryMetric(
                        namespace="AWS/SageMaker",
                        metric_name=metric_name,
                        dimensions=dict(dimensions),
                        period=60,
                        stat=statistic,
                    ),
                )

    whole = CloudwatchMetricAlarmMetricQuery(
        id="over_variants", label=f"{label} of the new fleet", expression=expression, return_data=True
    )
    return [whole, *metrics()]
