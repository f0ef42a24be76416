"""A variant that Application Auto Scaling scales: its bounds, and what moves it between them."""

from __future__ import annotations

from collections.abc import Sequence

from cdktf import TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from .._aws.appautoscaling_policy import (
    AppautoscalingPolicy,
    AppautoscalingPolicyStepScalingPolicyConfiguration,
    AppautoscalingPolicyStepScalingPolicyConfigurationStepAdjustment,
    AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration,
    AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecification,
    AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationDimensions,
    AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification,
)
from .._aws.appautoscaling_scheduled_action import (
    AppautoscalingScheduledAction,
    AppautoscalingScheduledActionScalableTargetAction,
)
from .._aws.appautoscaling_target import AppautoscalingTarget
from .._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from .._aws.sagemaker_endpoint import SagemakerEndpoint
from .._core import record
from .._core.revision import Revision
from .scaling import AnyScaling, BacklogScaling, ConcurrencyScaling, Scaling, Step

INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
FIRST_INSTANCE = AppautoscalingPolicyStepScalingPolicyConfigurationStepAdjustment(
    metric_interval_lower_bound="0", scaling_adjustment=1
)


@record
class Scaled:
    """What is scaled, and the construct that all of its resources are made in."""

    scope: Construct
    endpoint: SagemakerEndpoint
    endpoint_name: str
    """The endpoint's name as it was configured: alarms and policies are named after it."""
    variant: str
    """The variant's name."""
    instance_type: str | None = None
    """SageMaker refuses another type while the variant is registered; `None` where there are no instances."""


def follow_traffic(scaled: Scaled, scaling: Scaling) -> None:
    """Scale a real-time variant by its invocations, and by steps where they jump."""
    target = _register(scaled, INSTANCE_COUNT, scaling)
    _track_predefined(
        scaled,
        "invocations",
        target,
        scaling,
        metric_type="SageMakerVariantInvocationsPerInstance",
        target_value=scaling.invocations_per_instance_per_minute,
    )
    if scaling.steps:
        threshold = scaling.steps[0].invocations_per_instance_per_minute
        _step(
            scaled,
            "steps",
            target,
            _adjustments(scaling.steps),
            cooldown_seconds=scaling.scale_out_cooldown_seconds,
            metric_name="InvocationsPerInstance",
            statistic="Sum",
            dimensions={"EndpointName": scaled.endpoint_name, "VariantName": scaled.variant},
            threshold=threshold,
        )


def follow_backlog(scaled: Scaled, scaling: BacklogScaling) -> None:
    """Scale an asynchronous variant by what waits for each instance, and wake it when it has none.

    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
    """
    target = _register(scaled, INSTANCE_COUNT, scaling)
    dimension = (
        AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationDimensions(
            name="EndpointName", value=scaled.endpoint_name
        )
    )
    metric = AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecification(
        namespace="AWS/SageMaker",
        metric_name="ApproximateBacklogSizePerInstance",
        statistic="Average",
        dimensions=[dimension],
    )
    _policy(
        scaled,
        "backlog",
        target,
        tracking=AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration(
            target_value=scaling.backlog_size_per_instance,
            scale_in_cooldown=scaling.scale_in_cooldown_seconds,
            scale_out_cooldown=scaling.scale_out_cooldown_seconds,
            disable_scale_in=scaling.disable_scale_in or None,
            customized_metric_specification=metric,
        ),
    )
    _step(
        scaled,
        "waking",
        target,
        [FIRST_INSTANCE],
        cooldown_seconds=scaling.scale_out_cooldown_seconds,
        metric_name="HasBacklogWithoutCapacity",
        statistic="Average",
        dimensions={"EndpointName": scaled.endpoint_name},
        threshold=1,
    )


def follow_concurrency(scaled: Scaled, scaling: ConcurrencyScaling) -> None:
    """Scale the provisioned concurrency of a serverless variant by how much of it is in use."""
    _track_predefined(
        scaled,
        "utilization",
        _register(scaled, PROVISIONED_CONCURRENCY, scaling),
        scaling,
        metric_type="SageMakerVariantProvisionedConcurrencyUtilization",
        target_value=scaling.provisioned_concurrency_utilization,
    )


def _register(scaled: Scaled, dimension: str, scaling: AnyScaling) -> AppautoscalingTarget:
    """Register the variant, and change its bounds when that is scheduled.

    SageMaker refuses to change the instance type of a registered variant, and drops the registration of an
    endpoint that is deleted: in both cases Terraform removes it before, and makes it after. So it does where
    other bounds are decided and there are scheduled actions: what those have set is ignored, or the next
    apply would take it back.
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-considerations.html
    """
    triggers = [_id(scaled.endpoint)]
    if scaled.instance_type is not None:
        content = {"instance_type": scaled.instance_type}
        triggers.append(_id(Revision(scaled.scope, f"{scaled.variant}_instance_type", content)))
    if scaling.scheduled_actions:
        bounds = {"min_capacity": scaling.min_capacity, "max_capacity": scaling.max_capacity}
        triggers.append(_id(Revision(scaled.scope, f"{scaled.variant}_bounds", bounds)))
    target = AppautoscalingTarget(
        scaled.scope,
        f"{scaled.variant}_scaling",
        service_namespace="sagemaker",
        scalable_dimension=dimension,
        resource_id=f"endpoint/{scaled.endpoint.name}/variant/{scaled.variant}",
        min_capacity=scaling.min_capacity,
        max_capacity=scaling.max_capacity,
        lifecycle=TerraformResourceLifecycle(
            replace_triggered_by=triggers,
            ignore_changes=["min_capacity", "max_capacity"] if scaling.scheduled_actions else None,
        ),
    )
    for name, action in sorted(scaling.scheduled_actions.items()):
        AppautoscalingScheduledAction(
            scaled.scope,
            f"{scaled.variant}_{name}_action",
            name=f"{scaled.endpoint_name}-{scaled.variant}-{name}",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            schedule=action.schedule,
            timezone=action.timezone,
            scalable_target_action=AppautoscalingScheduledActionScalableTargetAction(
                min_capacity=str(action.min_capacity), max_capacity=str(action.max_capacity)
            ),
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[_id(target)]),
        )
    return target


def _track_predefined(
    scaled: Scaled,
    id_: str,
    target: AppautoscalingTarget,
    scaling: Scaling | ConcurrencyScaling,
    metric_type: str,
    target_value: float,
) -> None:
    metric = AppautoscalingPolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification(
        predefined_metric_type=metric_type
    )
    _policy(
        scaled,
        id_,
        target,
        tracking=AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration(
            target_value=target_value,
            scale_in_cooldown=scaling.scale_in_cooldown_seconds,
            scale_out_cooldown=scaling.scale_out_cooldown_seconds,
            disable_scale_in=scaling.disable_scale_in or None,
            predefined_metric_specification=metric,
        ),
    )


def _step(
    scaled: Scaled,
    id_: str,
    target: AppautoscalingTarget,
    adjustments: Sequence[AppautoscalingPolicyStepScalingPolicyConfigurationStepAdjustment],
    cooldown_seconds: int,
    metric_name: str,
    statistic: str,
    dimensions: dict[str, str],
    threshold: int,
) -> None:
    """Add instances when an alarm has seen one bad minute; silence is none."""
    policy = _policy(
        scaled,
        id_,
        target,
        steps=AppautoscalingPolicyStepScalingPolicyConfiguration(
            adjustment_type="ChangeInCapacity",
            metric_aggregation_type="Average",
            cooldown=cooldown_seconds,
            step_adjustment=adjustments,
        ),
    )
    CloudwatchMetricAlarm(
        scaled.scope,
        f"{scaled.variant}_{id_}_alarm",
        alarm_name=f"{scaled.endpoint_name}-{scaled.variant}-{id_}",
        alarm_description=f"Adds instances to {scaled.endpoint_name}.",
        namespace="AWS/SageMaker",
        metric_name=metric_name,
        statistic=statistic,
        dimensions=dimensions,
        period=60,
        evaluation_periods=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=threshold,
        treat_missing_data="notBreaching",
        alarm_actions=[policy.arn],
    )


def _policy(
    scaled: Scaled,
    id_: str,
    target: AppautoscalingTarget,
    tracking: AppautoscalingPolicyTargetTrackingScalingPolicyConfiguration | None = None,
    steps: AppautoscalingPolicyStepScalingPolicyConfiguration | None = None,
) -> AppautoscalingPolicy:
    """Make a policy that goes with its target."""
    return AppautoscalingPolicy(
        scaled.scope,
        f"{scaled.variant}_{id_}",
        name=f"{scaled.endpoint_name}-{scaled.variant}-{id_}",
        policy_type="TargetTrackingScaling" if tracking else "StepScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration=tracking,
        step_scaling_policy_configuration=steps,
        lifecycle=TerraformResourceLifecycle(replace_triggered_by=[_id(target)]),
    )


def _adjustments(
    steps: Sequence[Step],
) -> list[AppautoscalingPolicyStepScalingPolicyConfigurationStepAdjustment]:
    """Return the steps with their intervals, which are counted from the alarm's threshold: the first step."""
    loads = [step.invocations_per_instance_per_minute for step in steps]
    above = [str(load - loads[0]) for load in loads]
    return [
        AppautoscalingPolicyStepScalingPolicyConfigurationStepAdjustment(
            metric_interval_lower_bound=lower,
            metric_interval_upper_bound=upper,
            scaling_adjustment=step.scaling_adjustment,
        )
        for step, lower, upper in zip(steps, above, [*above[1:], None], strict=True)
    ]


def _id(resource: TerraformResource) -> str:
    """Return the address of a resource's id, unknown to a plan that replaces the resource."""
    return f"{resource.terraform_resource_type}.{resource.friendly_unique_id}.id"
