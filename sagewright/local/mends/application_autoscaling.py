"""Application Auto Scaling: moto registers what does not exist, has no tags, and scales no variant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import pairwise
from typing import Any

from moto.applicationautoscaling import models, responses
from moto.cloudwatch.models import cloudwatch_backends
from moto.moto_api._internal import mock_random

from sagewright.local import scaling
from sagewright.local.control_plane import Record
from sagewright.local.hosting import has_trait, instance_type_of, scales_to_zero
from sagewright.local.listing import paginate
from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused
from sagewright.local.sagemaker import control_plane
from sagewright.local.scaling import Target
from sagewright.local.service_models import StringShape, service_model

INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"

DEFAULT_PAGE_LENGTH = 50

_NOT_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}

_METRICS = {
    "SageMakerVariantInvocationsPerInstance": ("AWS/SageMaker", "InvocationsPerInstance", "Sum"),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": (
        "AWS/SageMaker",
        "ConcurrentRequestsPerModel",
        "Maximum",
    ),
    "SageMakerVariantProvisionedConcurrencyUtilization": (
        "AWS/SageMaker",
        "ServerlessProvisionedConcurrencyUtilization",
        "Maximum",
    ),
}
"""Predefined metric → namespace, metric and statistic of the alarms that AWS makes for it."""

_METRICS_OF = {
    INSTANCE_COUNT: (
        "SageMakerVariantInvocationsPerInstance",
        "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    ),
    PROVISIONED_CONCURRENCY: ("SageMakerVariantProvisionedConcurrencyUtilization",),
    "sagemaker:inference-component:DesiredCopyCount": (
        "SageMakerInferenceComponentInvocationsPerCopy",
        "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    ),
}
"""Scalable dimension → predefined metrics by which it can be scaled."""

_SCHEDULE = re.compile(
    r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)|rate\(\d+ (minute|hour|day)s?\)|cron\([^\s()]+( [^\s()]+){5}\)"
)

_METRIC_SPECIFICATIONS = ("PredefinedMetricSpecification", "CustomizedMetricSpecification")


def apply() -> None:
    """Let moto know every dimension and namespace of the service model."""
    for name in ("ScalableDimension", "ServiceNamespace"):
        shape = service_model("application-autoscaling").shape_for(name)
        assert isinstance(shape, StringShape)
        known = {re.sub(r"\W", "_", value).upper(): value for value in shape.enum}
        values = Enum(f"{name}ValueSet", known)  # type: ignore[misc]
        for module in (models, responses):
            setattr(module, f"{name}ValueSet", values)


def _register(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    backend = scaling.backend(account_id, region)
    dimension, resource_id = request["ScalableDimension"], request["ResourceId"]
    target = backend.targets.get(dimension, {}).get(resource_id)
    least = request.get("MinCapacity", target.min_capacity if target else None)
    most = request.get("MaxCapacity", target.max_capacity if target else None)
    if least is None or most is None:
        raise _refused("MinCapacity and MaxCapacity are required to register a new scalable target.")
    if least > most:
        raise _refused("Maximum capacity cannot be less than minimum capacity")
    endpoint = None
    if request["ServiceNamespace"] == "sagemaker" and dimension.startswith("sagemaker:variant:"):
        endpoint = _scaled_endpoint(account_id, region, dimension, resource_id)
        _check_bounds(endpoint, dimension, resource_id, least, most)
    target = backend.register_scalable_target(
        request["ServiceNamespace"],
        resource_id,
        dimension,
        least,
        most,
        request.get("RoleARN", _service_linked_role(account_id, request["ServiceNamespace"])),
        request.get("SuspendedState"),  # type: ignore[arg-type]
    )
    _tags(target).update(request.get("Tags") or {})
    if endpoint is not None:
        _keep_within(endpoint, resource_id, least, most)
    return {"ScalableTargetARN": target.arn}


def _service_linked_role(account_id: str, namespace: str) -> str:
    name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    path = f"aws-service-role/{namespace}.application-autoscaling.amazonaws.com"
    return f"arn:aws:iam::{account_id}:role/{path}/{name}"


def _scaled_endpoint(account_id: str, region: str, dimension: str, resource_id: str) -> Record:
    """Return the endpoint of a resource id; raises `Refused` if its variant cannot be scaled so."""
    kind, _, rest = resource_id.partition("/")
    endpoint_name, separator, variant_name = rest.partition("/variant/")
    endpoint = control_plane(account_id, region).find("Endpoint", endpoint_name)
    if kind != "endpoint" or not separator or endpoint is None:
        raise _refused(f"SageMaker endpoint doesn't exist: {resource_id}")
    if endpoint.in_progress:
        raise _refused(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    variant = endpoint.hidden.get("Live", {}).get("ProductionVariants", {}).get(variant_name)
    if variant is None:
        raise _refused(f"SageMaker variant doesn't exist: {resource_id}")
    serverless = "CurrentServerlessConfig" in variant
    if serverless != (dimension == PROVISIONED_CONCURRENCY):
        raise _refused(f"The scalable dimension {dimension} is not supported for {resource_id}.")
    instance_type = instance_type_of(endpoint, variant_name)
    if instance_type and has_trait(instance_type, "burstable"):
        raise _refused(f"Automatic scaling is not supported for instance type {instance_type}: {resource_id}")
    return endpoint


def _check_bounds(endpoint: Record, dimension: str, resource_id: str, least: int, most: int) -> None:
    """Refuse limits that a variant cannot have.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
    """
    if least < 1 and (dimension == PROVISIONED_CONCURRENCY or not scales_to_zero(endpoint)):
        raise _refused(f"Minimum capacity must be at least 1: {resource_id}")
    if dimension == PROVISIONED_CONCURRENCY:
        serverless = _variant(endpoint, resource_id)["DesiredServerlessConfig"]
        if "ProvisionedConcurrency" not in serverless:
            raise _refused(f"Provisioned concurrency is not configured: {resource_id}")
        if most > serverless["MaxConcurrency"]:
            raise _refused(f"Maximum capacity cannot be greater than MaxConcurrency: {resource_id}")


def _variant(endpoint: Record, resource_id: str) -> dict[str, Any]:
    variant: dict[str, Any] = endpoint.hidden["Live"]["ProductionVariants"][resource_id.rpartition("/")[2]]
    return variant


def _keep_within(endpoint: Record, resource_id: str, least: int, most: int) -> None:
    """Bring the instance count, or the provisioned concurrency, between the limits, as when they change."""
    variant = _variant(endpoint, resource_id)
    if serverless := variant.get("DesiredServerlessConfig"):
        concurrency = min(max(serverless["ProvisionedConcurrency"], least), most)
        serverless = {**serverless, "ProvisionedConcurrency": concurrency}
        variant |= {"DesiredServerlessConfig": serverless, "CurrentServerlessConfig": serverless}
        return
    count = min(max(variant["DesiredInstanceCount"], least), most)
    variant |= {"DesiredInstanceCount": count, "CurrentInstanceCount": count}


def _describe(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """Describe targets page by page: moto's second page starts at the wrong one."""
    namespace, ids = request["ServiceNamespace"], request.get("ResourceIds")
    found = scaling.backend(account_id, region).describe_scalable_targets(
        namespace, ids, request.get("ScalableDimension")
    )
    page, token = paginate(
        found,
        request,
        DEFAULT_PAGE_LENGTH,
        lambda target: [target.creation_time, target.resource_id, target.scalable_dimension],
    )
    targets = [
        {
            "ServiceNamespace": target.service_namespace,
            "ResourceId": target.resource_id,
            "ScalableDimension": target.scalable_dimension,
            "MinCapacity": target.min_capacity,
            "MaxCapacity": target.max_capacity,
            "RoleARN": target.role_arn,
            "CreationTime": target.creation_time,
            "SuspendedState": target.suspended_state or dict(_NOT_SUSPENDED),
            "ScalableTargetARN": target.arn,
        }
        for target in page
    ]
    return {"ScalableTargets": targets} | ({"NextToken": token} if token else {})


def _deregister(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    target = _require_target(account_id, region, request, "found")
    scaling.deregister(account_id, region, target)
    return {}


def _put_policy(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """Put a policy on a registered target. An update keeps its ARN, which moto changes."""
    backend = scaling.backend(account_id, region)
    target = _require_target(account_id, region, request, "registered")
    key = models.FakeApplicationAutoscalingPolicy.formulate_key(*target, request["PolicyName"])
    old = backend.policies.get(key)
    policy_type = request.get("PolicyType") or (old.policy_type if old else None) or "StepScaling"
    body = request.get(f"{policy_type}PolicyConfiguration")
    if not body:
        raise _refused(f"{policy_type}PolicyConfiguration is required for policy type {policy_type}.")
    if policy_type == "TargetTrackingScaling":
        _check_tracking(backend, target, request["PolicyName"], body)
    elif policy_type == "StepScaling":
        _check_steps(body)
    if old is not None:
        old.delete_alarms(account_id, region)
    policy = backend.put_scaling_policy(request["PolicyName"], *target, body, policy_type)
    if old is not None:
        policy.policy_arn, policy.creation_time = old.policy_arn, old.creation_time
    if request["ServiceNamespace"] == "sagemaker" and policy_type == "TargetTrackingScaling":
        policy.alarms.extend(_alarms(account_id, region, policy))
    alarms = [{"AlarmName": alarm.name, "AlarmARN": alarm.alarm_arn} for alarm in policy.alarms]
    return {"PolicyARN": policy.policy_arn, "Alarms": alarms}


def _check_tracking(backend: Any, target: Target, name: str, body: Mapping[str, Any]) -> None:
    """Refuse a metric that does not fit the target or tracks it already, and cooldowns below zero."""
    for cooldown in ("ScaleInCooldown", "ScaleOutCooldown"):
        if (body.get(cooldown) or 0) < 0:
            raise _refused(f"{cooldown} must be 0 or more, got {body[cooldown]}.")
    metric = (body.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType")
    if metric and metric not in _METRICS_OF.get(target.dimension, (metric,)):
        raise _refused(f"The metric {metric} is not supported for scalable dimension {target.dimension}.")
    for policy in backend.policies.values():
        tracked = policy.target_tracking_scaling_policy_configuration or {}
        if (
            scaling.target_of(policy) == target
            and policy.policy_name != name
            and any(body.get(each) and body[each] == tracked.get(each) for each in _METRIC_SPECIFICATIONS)
        ):
            raise _refused(
                "Only one TargetTrackingScaling policy for a given metric specification is allowed."
            )


def _check_steps(body: Mapping[str, Any]) -> None:
    """Refuse steps that are none, overlap, or leave a gap.

    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-step-scaling-policies.html
    """
    if "AdjustmentType" not in body or not body.get("StepAdjustments"):
        raise _refused("AdjustmentType and StepAdjustments are required for policy type StepScaling.")
    intervals = sorted(
        (step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf))
        for step in body["StepAdjustments"]
    )
    if any(lower >= upper for lower, upper in intervals):
        raise _refused("MetricIntervalUpperBound must be greater than MetricIntervalLowerBound.")
    if any(upper != lower for (_, upper), (lower, _) in pairwise(intervals)):
        raise _refused("StepAdjustment intervals can't overlap or have gaps.")


def _delete_policy(account_id: str, region: str, request: dict[str, Any]) -> None:
    policies = scaling.backend(account_id, region).policies.values()
    _require(policies, "scaling policy", "policy_name", "PolicyName", request)


def _delete_action(account_id: str, region: str, request: dict[str, Any]) -> None:
    actions = scaling.backend(account_id, region).scheduled_actions
    _require(actions, "scheduled action", "scheduled_action_name", "ScheduledActionName", request)


def _put_action(account_id: str, region: str, request: dict[str, Any]) -> None:
    _require_target(account_id, region, request, "registered")
    schedule = request.get("Schedule")
    if schedule is not None and not _SCHEDULE.fullmatch(schedule):
        raise _refused(f"Invalid schedule expression: {schedule}")
    bounds = request.get("ScalableTargetAction") or {}
    if bounds.get("MinCapacity", 0) > bounds.get("MaxCapacity", math.inf):
        raise _refused("Maximum capacity cannot be less than minimum capacity")


def _require(found: Iterable[Any], what: str, attribute: str, member: str, request: dict[str, Any]) -> None:
    """Refuse to delete what is not there."""
    target, name = _target(request), request[member]
    if not any(scaling.target_of(each) == target and getattr(each, attribute) == name for each in found):
        message = (
            f"No {what} found for service namespace: {target.namespace}, resource ID: {target.resource_id}, "
            f"scalable dimension: {target.dimension}, {what.split()[-1]} name: {name}"
        )
        raise Refused("ObjectNotFoundException", message)


def _target(request: dict[str, Any]) -> Target:
    return Target(request["ServiceNamespace"], request["ResourceId"], request["ScalableDimension"])


def _require_target(account_id: str, region: str, request: dict[str, Any], how: str) -> Target:
    """Return the registered target that a request names; raises `Refused`."""
    target = _target(request)
    if target.resource_id not in scaling.backend(account_id, region).targets.get(target.dimension, {}):
        message = (
            f"No scalable target {how} for service namespace: {target.namespace}, "
            f"resource ID: {target.resource_id}, scalable dimension: {target.dimension}"
        )
        raise Refused("ObjectNotFoundException", message)
    return target


def _alarms(account_id: str, region: str, policy: models.FakeApplicationAutoscalingPolicy) -> list[Any]:
    """Make the two alarms by which AWS drives a target tracking policy."""
    body: Mapping[str, Any] = policy.target_tracking_scaling_policy_configuration or {}
    predefined = body.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    customized = body.get("CustomizedMetricSpecification", {})
    if predefined in _METRICS:
        namespace, metric, statistic = _METRICS[predefined]
        _, endpoint_name, _, variant_name = policy.resource_id.split("/")
        dimensions = [
            {"Name": "EndpointName", "Value": endpoint_name},
            {"Name": "VariantName", "Value": variant_name},
        ]
    elif "MetricName" in customized:
        namespace, metric, statistic = (customized[name] for name in ("Namespace", "MetricName", "Statistic"))
        dimensions = customized.get("Dimensions", [])
    else:
        return []
    return [
        cloudwatch_backends[account_id][region].put_metric_alarm(
            name=f"TargetTracking-{policy.resource_id}-Alarm{level}-{mock_random.uuid4()}",
            namespace=namespace,
            metric_name=metric,
            metric_data_queries=[],
            comparison_operator=comparison,
            evaluation_periods=periods,
            period=60,
            threshold=body["TargetValue"] * share,
            statistic=statistic,
            description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.policy_arn}.",
            dimensions=dimensions,
            alarm_actions=[policy.policy_arn],
        )
        for level, comparison, periods, share in (
            ("High", "GreaterThanThreshold", 3, 1.0),
            ("Low", "LessThanThreshold", 15, 0.9),
        )
    ]


def _tags(target: Any) -> dict[str, str]:
    tags: dict[str, str] = target.__dict__.setdefault("tags", {})
    return tags


def _tagged(account_id: str, region: str, request: dict[str, Any]) -> dict[str, str]:
    arn = request["ResourceARN"]
    for targets in scaling.backend(account_id, region).targets.values():
        for target in targets.values():
            if target.arn == arn:
                return _tags(target)
    raise Refused("ResourceNotFoundException", f"The scalable target {arn} was not found.")


def _tag(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _tagged(account_id, region, request).update(request["Tags"])
    return {}


def _untag(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    tags = _tagged(account_id, region, request)
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def _list_tags(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": _tagged(account_id, region, request)}


def _refused(message: str) -> Refused:
    return Refused("ValidationException", message)


def _of_settled_endpoints(operation: Operation) -> Operation:
    """Let an operation see the endpoints as they are by now, while SageMaker changes none."""

    def answer(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any] | None:
        with control_plane(account_id, region).settled():
            return operation(account_id, region, request)

    return answer


OPERATIONS: Mapping[str, Operation] = {
    name: _of_settled_endpoints(operation)
    for name, operation in {
        "RegisterScalableTarget": _register,
        "DescribeScalableTargets": _describe,
        "DeregisterScalableTarget": _deregister,
        "PutScalingPolicy": _put_policy,
        "DeleteScalingPolicy": _delete_policy,
        "PutScheduledAction": _put_action,
        "DeleteScheduledAction": _delete_action,
        "TagResource": _tag,
        "UntagResource": _untag,
        "ListTagsForResource": _list_tags,
    }.items()
}
