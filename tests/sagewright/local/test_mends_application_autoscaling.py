"""Application Auto Scaling: RegisterScalableTarget, PutScalingPolicy, and what becomes of both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sagewright.local.conftest import REGION, Account, refused, variant

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": DIMENSION,
    "ResourceId": "endpoint/churn/variant/champion",
}
TRACKING = {
    "PolicyName": "invocations",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    },
}


@pytest.fixture
def scaling(account: Account) -> Any:
    """The client of an account in which the endpoint churn is in service."""
    account.configuration()
    account.endpoint()
    return account.client("application-autoscaling")


def register(client: Any, **changes: Any) -> str:
    target = {**TARGET, "MinCapacity": 2, "MaxCapacity": 4, **changes}
    answer = client.register_scalable_target(**{k: v for k, v in target.items() if v is not None})
    return str(answer["ScalableTargetARN"])


def targets(client: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.describe_scalable_targets(ServiceNamespace="sagemaker")[
        "ScalableTargets"
    ]
    return found


def champion(account: Account) -> dict[str, Any]:
    shown: dict[str, Any] = account.describe()["ProductionVariants"][0]
    return shown


def test_register_scalable_target_and_describe_scalable_targets(scaling: Any) -> None:
    arn = register(scaling)
    (target,) = targets(scaling)
    assert {name: target[name] for name in TARGET} == TARGET
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    assert target["ScalableTargetARN"] == arn
    assert "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint" in target["RoleARN"]
    assert register(scaling, MinCapacity=None, MaxCapacity=6) == arn
    (target,) = targets(scaling)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)


def test_list_tags_for_resource_tag_resource_and_untag_resource(scaling: Any) -> None:
    arn = register(scaling, Tags={"Owner": "team", "Cost": "7"})
    scaling.tag_resource(ResourceARN=arn, Tags={"Cost": "8"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["Owner"])
    register(scaling, MaxCapacity=5)
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"Cost": "8"}
    with refused("was not found", "ResourceNotFoundException"):
        scaling.list_tags_for_resource(ResourceARN=f"{arn}x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MinCapacity": 5}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": 0}, "Minimum capacity must be at least 1: endpoint/churn/variant/champion"),
        ({"MinCapacity": None}, "MinCapacity and MaxCapacity are required"),
        ({"ResourceId": "endpoint/none/variant/champion"}, "SageMaker endpoint doesn't exist: endpoint/none"),
        ({"ResourceId": "endpoint/churn/variant/none"}, "SageMaker variant doesn't exist: endpoint/churn"),
        ({"ResourceId": "endpoint/churn"}, "SageMaker endpoint doesn't exist"),
        ({"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}, "is not supported for"),
        ({"ScalableDimension": "sagemaker:variant:Count"}, "Member must satisfy enum value set"),
        ({"ScalableDimension": "ecs:service:DesiredCount"}, "Unsupported service namespace"),
    ],
)
def test_register_scalable_target_refuses(scaling: Any, changes: dict[str, Any], message: str) -> None:
    with refused(message):
        register(scaling, **changes)
    assert targets(scaling) == []


def test_register_scalable_target_refuses_burstable_instances(account: Account) -> None:
    account.configuration("first", variant("champion", InstanceType="ml.t2.medium"))
    account.endpoint()
    with refused("Automatic scaling is not supported for instance type ml.t2.medium"):
        register(account.client("application-autoscaling"))


def serverless(**settings: int) -> dict[str, Any]:
    """Return a serverless variant."""
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, **settings}
    return {"VariantName": "champion", "ModelName": "churn", "ServerlessConfig": config}


def test_register_scalable_target_refuses_provisioned_concurrency_that_cannot_be(account: Account) -> None:
    account.configuration("first", serverless())
    account.endpoint()
    client = account.client("application-autoscaling")
    dimension = {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}
    with refused("Provisioned concurrency is not configured: endpoint/churn/variant/champion"):
        register(client, **dimension)
    account.configuration("second", serverless(ProvisionedConcurrency=1))
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    with refused("Minimum capacity must be at least 1"):
        register(client, **dimension, MinCapacity=0)
    with refused("Maximum capacity cannot be greater than MaxConcurrency"):
        register(client, **dimension, MaxCapacity=6)


def test_register_scalable_target_takes_an_asynchronous_endpoint_down_to_no_instance(
    account: Account,
) -> None:
    output = {"OutputConfig": {"S3OutputPath": "s3://queue/output"}}
    account.configuration("first", variant("champion", count=1), AsyncInferenceConfig=output)
    account.endpoint()
    client = account.client("application-autoscaling")
    register(client, MinCapacity=0, MaxCapacity=0)
    assert champion(account)["CurrentInstanceCount"] == 0


def test_put_scaling_policy_on_a_metric_of_ones_own_makes_alarms_too(account: Account, scaling: Any) -> None:
    register(scaling)
    metric = {
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": "churn"}],
    }
    settings = {"TargetValue": 5.0, "CustomizedMetricSpecification": metric}
    made = scaling.put_scaling_policy(
        **{**TARGET, **TRACKING, "TargetTrackingScalingPolicyConfiguration": settings}
    )
    names = [alarm["AlarmName"] for alarm in made["Alarms"]]
    high, _ = account.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert (high["MetricName"], high["Threshold"]) == ("ApproximateBacklogSizePerInstance", 5.0)
    assert high["Dimensions"] == metric["Dimensions"]


def steps(*intervals: tuple[float | None, float | None], **changes: Any) -> dict[str, Any]:
    """Return a step policy with one step for each interval."""
    adjustments = [
        {
            "ScalingAdjustment": 1,
            **({} if lower is None else {"MetricIntervalLowerBound": lower}),
            **({} if upper is None else {"MetricIntervalUpperBound": upper}),
        }
        for lower, upper in intervals
    ]
    settings = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": adjustments, **changes}
    settings = {name: value for name, value in settings.items() if value is not None}
    return {
        **TARGET,
        "PolicyName": "steps",
        "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": settings,
    }


def test_put_scaling_policy_takes_steps(scaling: Any) -> None:
    register(scaling)
    scaling.put_scaling_policy(**steps((10, None), (0, 10)))
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["PolicyType"] == "StepScaling"
    assert len(policy["StepScalingPolicyConfiguration"]["StepAdjustments"]) == 2


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (steps(), "AdjustmentType and StepAdjustments are required for policy type StepScaling."),
        (steps((0, None), AdjustmentType=None), "AdjustmentType and StepAdjustments are required"),
        (steps((10, 0)), "MetricIntervalUpperBound must be greater than MetricIntervalLowerBound."),
        (steps((0, 10), (5, None)), "StepAdjustment intervals can't overlap or have gaps."),
        (steps((0, 10), (20, None)), "StepAdjustment intervals can't overlap or have gaps."),
    ],
)
def test_put_scaling_policy_refuses_steps_that_are_none(
    scaling: Any, request_: dict[str, Any], message: str
) -> None:
    register(scaling)
    with refused(message):
        scaling.put_scaling_policy(**request_)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Schedule": "0 22 * * *"}, "Invalid schedule expression: 0 22 * * *"),
        (
            {"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}},
            "Maximum capacity cannot be less than minimum capacity",
        ),
    ],
)
def test_put_scheduled_action_refuses(scaling: Any, changes: dict[str, Any], message: str) -> None:
    register(scaling)
    action = {"ScheduledActionName": "night", "Schedule": "rate(1 day)"}
    with refused(message):
        scaling.put_scheduled_action(**{**TARGET, **action, **changes})


def test_register_scalable_target_scales_provisioned_concurrency(account: Account) -> None:
    account.configuration("first", serverless(ProvisionedConcurrency=1))
    account.endpoint()
    dimension = "sagemaker:variant:DesiredProvisionedConcurrency"
    client = account.client("application-autoscaling")
    register(client, ScalableDimension=dimension)
    assert champion(account)["CurrentServerlessConfig"]["ProvisionedConcurrency"] == 2
    found = client.describe_scalable_targets(ServiceNamespace="sagemaker", ScalableDimension=dimension)
    assert len(found["ScalableTargets"]) == 1
    with refused("is not supported for"):
        register(client)


def test_register_scalable_target_brings_the_count_within_its_limits(account: Account, scaling: Any) -> None:
    register(scaling, MinCapacity=3, MaxCapacity=4)
    assert champion(account)["DesiredInstanceCount"] == 3
    register(scaling, MinCapacity=1, MaxCapacity=1)
    assert champion(account)["CurrentInstanceCount"] == 1


def test_describe_scalable_targets_page_by_page(account: Account, scaling: Any) -> None:
    register(scaling)
    register(scaling, ResourceId="endpoint/churn/variant/challenger")
    paginator = scaling.get_paginator("describe_scalable_targets")
    pages = list(paginator.paginate(ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 1}))
    found = [target["ResourceId"].rpartition("/")[2] for page in pages for target in page["ScalableTargets"]]
    assert found == ["champion", "challenger"]


def test_put_scaling_policy_makes_alarms_and_keeps_its_arn(account: Account, scaling: Any) -> None:
    register(scaling)
    first = scaling.put_scaling_policy(**{**TARGET, **TRACKING})
    cloudwatch = account.client("cloudwatch")
    high = cloudwatch.describe_alarms(AlarmNames=[first["Alarms"][0]["AlarmName"]])["MetricAlarms"][0]
    assert (high["Namespace"], high["MetricName"], high["Threshold"]) == (
        "AWS/SageMaker",
        "InvocationsPerInstance",
        70.0,
    )
    assert high["AlarmName"].startswith("TargetTracking-endpoint/churn/variant/champion-AlarmHigh-")
    configuration = {**TRACKING["TargetTrackingScalingPolicyConfiguration"], "TargetValue": 50.0}  # type: ignore[dict-item]
    changed = {**TRACKING, "TargetTrackingScalingPolicyConfiguration": configuration}
    second = scaling.put_scaling_policy(**{**TARGET, **changed})
    assert second["PolicyARN"] == first["PolicyARN"]
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == configuration
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 2
    scaling.delete_scaling_policy(**TARGET, PolicyName="invocations")
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_put_scaling_policy_refuses(scaling: Any) -> None:
    with refused("No scalable target registered for service namespace: sagemaker", "ObjectNotFoundException"):
        scaling.put_scaling_policy(**{**TARGET, **TRACKING})
    register(scaling)
    with refused("StepScalingPolicyConfiguration is required"):
        scaling.put_scaling_policy(**{**TARGET, **TRACKING, "PolicyType": "StepScaling"})


def tracking(**changes: Any) -> dict[str, Any]:
    """Return a policy request with other settings."""
    settings: dict[str, Any] = {**TRACKING["TargetTrackingScalingPolicyConfiguration"], **changes}  # type: ignore[dict-item]
    return {**TARGET, **TRACKING, "TargetTrackingScalingPolicyConfiguration": settings}


def test_put_scaling_policy_refuses_a_metric_that_does_not_fit(scaling: Any) -> None:
    register(scaling)
    for metric in (
        "SageMakerVariantProvisionedConcurrencyUtilization",
        "SageMakerInferenceComponentInvocationsPerCopy",
        "DynamoDBReadCapacityUtilization",
    ):
        with refused(f"The metric {metric} is not supported for scalable dimension {DIMENSION}."):
            scaling.put_scaling_policy(
                **tracking(PredefinedMetricSpecification={"PredefinedMetricType": metric})
            )
    for cooldown in ("ScaleInCooldown", "ScaleOutCooldown"):
        with refused(f"{cooldown} must be 0 or more, got -1."):
            scaling.put_scaling_policy(**tracking(**{cooldown: -1}))
    scaling.put_scaling_policy(**tracking(ScaleInCooldown=0))


def test_put_scaling_policy_refuses_a_second_policy_for_the_same_metric(scaling: Any) -> None:
    register(scaling)
    register(scaling, ResourceId="endpoint/churn/variant/challenger")
    scaling.put_scaling_policy(**tracking())
    scaling.put_scaling_policy(**tracking(TargetValue=50.0))
    second = {**tracking(), "PolicyName": "again"}
    with refused("Only one TargetTrackingScaling policy for a given metric specification is allowed."):
        scaling.put_scaling_policy(**second)
    scaling.put_scaling_policy(**{**second, "ResourceId": "endpoint/churn/variant/challenger"})
    custom = {"MetricName": "m", "Namespace": "n", "Statistic": "Average"}
    settings = {"TargetValue": 1.0, "CustomizedMetricSpecification": custom}
    scaling.put_scaling_policy(**{**second, "TargetTrackingScalingPolicyConfiguration": settings})


def test_delete_scaling_policy_of_what_is_missing(scaling: Any) -> None:
    register(scaling)
    with refused("No scaling policy found for service namespace: sagemaker", "ObjectNotFoundException"):
        scaling.delete_scaling_policy(**TARGET, PolicyName="none")


def test_put_scheduled_action_and_delete_scheduled_action_of_what_is_missing(scaling: Any) -> None:
    action = {**TARGET, "ScheduledActionName": "night"}
    schedule = {"Schedule": "cron(0 22 * * ? *)", "ScalableTargetAction": {"MinCapacity": 1}}
    with refused("No scalable target registered", "ObjectNotFoundException"):
        scaling.put_scheduled_action(**action, **schedule)
    register(scaling)
    scaling.put_scheduled_action(**action, **schedule)
    scaling.delete_scheduled_action(**action)
    with refused("action name: night", "ObjectNotFoundException"):
        scaling.delete_scheduled_action(**action)


def test_deregister_scalable_target_deletes_its_policies(account: Account, scaling: Any) -> None:
    register(scaling)
    scaling.put_scaling_policy(**{**TARGET, **TRACKING})
    scaling.deregister_scalable_target(**TARGET)
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    with refused("No scalable target found", "ObjectNotFoundException"):
        scaling.deregister_scalable_target(**TARGET)


def test_an_instance_type_that_is_scaled_cannot_be_changed(account: Account, scaling: Any) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html."""
    register(scaling)
    account.configuration(
        "second", variant("champion", InstanceType="ml.m5.xlarge"), variant("challenger", 10, count=1)
    )
    with refused("while it is a target for automatic scaling; deregister endpoint/churn/variant/champion"):
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    scaling.deregister_scalable_target(**TARGET)
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")


def test_a_target_goes_with_its_variant_and_with_its_endpoint(account: Account, scaling: Any) -> None:
    register(scaling)
    scaling.put_scaling_policy(**{**TARGET, **TRACKING})
    register(scaling, ResourceId="endpoint/churn/variant/challenger")
    account.configuration("second", variant("champion"))
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    account.describe()
    assert [target["ResourceId"] for target in targets(scaling)] == [TARGET["ResourceId"]]
    account.sagemaker.delete_endpoint(EndpointName="churn")
    assert targets(scaling) == []
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_other_namespaces_stay_motos(account: Account) -> None:
    client = account.client("application-autoscaling")
    with refused("Cluster not found.", "ClusterNotFoundException"):
        client.register_scalable_target(
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId="service/a/b",
            MinCapacity=1,
            MaxCapacity=2,
        )
    account.client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    answer = client.register_scalable_target(
        ServiceNamespace="dynamodb",
        ScalableDimension="dynamodb:table:ReadCapacityUnits",
        ResourceId="table/t",
        MinCapacity=1,
        MaxCapacity=2,
    )
    assert answer["ScalableTargetARN"].startswith(f"arn:aws:application-autoscaling:{REGION}:{account.id}:")
