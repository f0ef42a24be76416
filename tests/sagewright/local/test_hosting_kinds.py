"""Serverless and asynchronous endpoints, shadow variants, several containers, and ways of rollout."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sagewright.local.conftest import IMAGE, Account, refused, variant


def serverless(name: str = "AllTraffic", **settings: int) -> dict[str, Any]:
    """Return a serverless variant of the model churn."""
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, **settings}
    return {"VariantName": name, "ModelName": "churn", "ServerlessConfig": config}


def output(account: Account) -> dict[str, Any]:
    """Return an asynchronous configuration."""
    return {
        "OutputConfig": {
            "S3OutputPath": "s3://queue/output",
            "S3FailurePath": "s3://queue/failure",
            "KmsKeyId": account.key(),
        }
    }


def many(account: Account, **members: Any) -> dict[str, Any]:
    """Return a container that hosts many models, which are there."""
    bucket = account.bucket("many")
    account.client("s3").put_object(Bucket=bucket, Key="churn/a.tar.gz", Body=b"")
    return {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{bucket}/churn/", **members}


@pytest.mark.parametrize(
    ("message", "members"),
    [
        (
            "ContainerHostname is required for every container when the inference mode is Direct.",
            {
                "Containers": [{"Image": IMAGE, "ContainerHostname": "a"}, {"Image": IMAGE}],
                "InferenceExecutionConfig": {"Mode": "Direct"},
            },
        ),
        (
            "ContainerHostname must be specified for all containers of the model or for none.",
            {"Containers": [{"Image": IMAGE, "ContainerHostname": "a"}, {"Image": IMAGE}]},
        ),
        (
            "ContainerHostname must be unique",
            {"Containers": [{"Image": IMAGE, "ContainerHostname": "a"}] * 2},
        ),
        (
            "ModelDataUrl is required for a container of mode MultiModel.",
            {"PrimaryContainer": {"Image": IMAGE, "Mode": "MultiModel"}},
        ),
        (
            "MultiModelConfig is only supported for a container of mode MultiModel.",
            {"PrimaryContainer": {"Image": IMAGE, "MultiModelConfig": {"ModelCacheSetting": "Disabled"}}},
        ),
    ],
)
def test_containers_that_do_not_go_together_are_refused(
    account: Account, message: str, members: dict[str, Any]
) -> None:
    with refused(message):
        account.model(**members)


def test_one_container_of_a_row_may_host_many_models_and_no_more(account: Account) -> None:
    container = many(account)
    account.model(Containers=[container, {"Image": IMAGE}])
    with refused("Only one container of a serial inference pipeline can be of mode MultiModel."):
        account.model("other", Containers=[container, container])
    named = [{**one, "ContainerHostname": name} for name, one in (("a", container), ("b", {"Image": IMAGE}))]
    with refused("Only one container of a serial inference pipeline can be of mode MultiModel."):
        account.model(
            "other",
            Containers=named,
            InferenceExecutionConfig={"Mode": "Direct"},
        )


def test_a_serverless_endpoint_takes_one_variant(account: Account) -> None:
    account.model()
    one = "A serverless endpoint can have one production variant and no shadow variant."
    with refused(one):
        account.configuration("first", serverless("a"), serverless("b"))
    with refused(one):
        account.configuration("first", serverless("a"), ShadowProductionVariants=[serverless("b")])
    with refused("AsyncInferenceConfig is not supported for serverless endpoints."):
        account.configuration("first", serverless(), AsyncInferenceConfig=output(account))


def test_a_serverless_endpoint_takes_no_model_in_a_vpc_or_isolated(account: Account) -> None:
    subnet, group = account.network()
    account.model(VpcConfig={"Subnets": [subnet], "SecurityGroupIds": [group]})
    with refused('VpcConfig is not supported for serverless endpoints: model "churn".'):
        account.configuration("first", serverless())
    account.sagemaker.delete_model(ModelName="churn")
    account.model(EnableNetworkIsolation=True)
    with refused('Network isolation is not supported for serverless endpoints: model "churn".'):
        account.configuration("first", serverless())


def test_a_serverless_endpoint_takes_no_model_of_several_parts(account: Account) -> None:
    account.model(Containers=[{"Image": IMAGE}] * 2)
    with refused('An inference pipeline is not supported for serverless endpoints: model "churn".'):
        account.configuration("first", serverless())
    account.sagemaker.delete_model(ModelName="churn")
    account.model(PrimaryContainer=many(account))
    with refused('A multi-model container is not supported for serverless endpoints: model "churn".'):
        account.configuration("first", serverless())


def test_a_serverless_endpoint_is_updated_in_place(account: Account) -> None:
    account.configuration("first", serverless(ProvisionedConcurrency=1))
    account.endpoint()
    account.configuration("second", serverless(MemorySizeInMB=4096, ProvisionedConcurrency=3))
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    (shown,) = account.describe()["ProductionVariants"]
    settings = {"MemorySizeInMB": 4096, "MaxConcurrency": 5, "ProvisionedConcurrency": 3}
    assert shown["CurrentServerlessConfig"] == shown["DesiredServerlessConfig"] == settings


def test_an_endpoint_on_instances_does_not_become_serverless_but_the_other_way_round(
    account: Account,
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-update-delete.html"""
    account.configuration("instances", variant("AllTraffic"))
    account.configuration("serverless", serverless())
    account.endpoint("churn", "instances")
    with refused("from instances to serverless."):
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="serverless")
    account.endpoint("other", "serverless")
    account.sagemaker.update_endpoint(EndpointName="other", EndpointConfigName="instances")
    assert account.describe("other")["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_an_asynchronous_endpoint_shows_where_results_go(account: Account) -> None:
    config = output(account)
    account.configuration("first", variant("AllTraffic"), AsyncInferenceConfig=config)
    account.endpoint()
    assert account.describe()["AsyncInferenceConfig"] == config


def test_an_endpoint_neither_becomes_asynchronous_nor_ceases_to_be(account: Account) -> None:
    """https://github.com/aws/sagemaker-python-sdk/pull/3124"""
    account.configuration("queued", variant("AllTraffic"), AsyncInferenceConfig=output(account))
    account.configuration("direct", variant("AllTraffic"))
    account.configuration("serverless", serverless())
    account.endpoint("queue", "queued")
    for other in ("direct", "serverless"):
        account.endpoint(other, other)
        with refused("The AsyncInferenceConfig parameter cannot be removed from this endpoint queue."):
            account.sagemaker.update_endpoint(EndpointName="queue", EndpointConfigName=other)
        with refused(f"The AsyncInferenceConfig parameter cannot be added to this endpoint {other}."):
            account.sagemaker.update_endpoint(EndpointName=other, EndpointConfigName="queued")


def test_what_shadow_variants_exclude_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html"""
    account.model()
    shadow = {"ShadowProductionVariants": [variant("shadow")]}
    with refused("ShadowProductionVariants can have one variant, got 2."):
        account.configuration("first", variant("a"), ShadowProductionVariants=[variant("b"), variant("c")])
    with refused("ShadowProductionVariants are not supported for asynchronous inference endpoints."):
        account.configuration("first", variant("a"), AsyncInferenceConfig=output(account), **shadow)
    account.model("row", Containers=[{"Image": IMAGE}] * 2)
    with refused('Model "row" has several containers or models, which shadow variants exclude.'):
        account.configuration("first", variant("a", ModelName="row"), **shadow)


def routing(type_: str, **members: Any) -> dict[str, Any]:
    """Return a blue/green deployment."""
    traffic = {"Type": type_, "WaitIntervalInSeconds": 0, **members}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def rolling(value: int = 25, **members: Any) -> dict[str, Any]:
    """Return a rolling deployment."""
    batch = {"MaximumBatchSize": percent(value), "WaitIntervalInSeconds": 0}
    return {"RollingUpdatePolicy": {**batch, **members}}


@pytest.mark.parametrize(
    "deployment",
    [
        routing("ALL_AT_ONCE"),
        routing("CANARY", CanarySize=percent(10)),
        routing("LINEAR", LinearStepSize={"Type": "INSTANCE_COUNT", "Value": 1}),
        rolling(),
    ],
    ids=["all at once", "canary", "linear", "rolling"],
)
def test_every_way_of_rollout_is_taken_and_shown(account: Account, deployment: dict[str, Any]) -> None:
    for name in ("first", "second"):
        account.configuration(name, variant("AllTraffic"))
    account.endpoint()
    account.sagemaker.update_endpoint(
        EndpointName="churn", EndpointConfigName="second", DeploymentConfig=deployment
    )
    assert account.describe()["LastDeploymentConfig"] == deployment


@pytest.mark.parametrize(
    ("message", "deployment"),
    [
        ("CanarySize is required for the traffic routing type CANARY", routing("CANARY")),
        (
            "LinearStepSize is required for the traffic routing type LINEAR, and for no other.",
            routing("ALL_AT_ONCE", LinearStepSize=percent(10)),
        ),
        (
            "CanarySize must be between 1 and 50 percent, got 51.",
            routing("CANARY", CanarySize=percent(51)),
        ),
        (
            "LinearStepSize must be between 10 and 50 percent, got 9.",
            routing("LINEAR", LinearStepSize=percent(9)),
        ),
        ("MaximumBatchSize must be between 5 and 50 percent, got 4.", rolling(4)),
        (
            "Specify only one of BlueGreenUpdatePolicy and RollingUpdatePolicy.",
            {**routing("ALL_AT_ONCE"), **rolling()},
        ),
        (
            "MaximumExecutionTimeoutInSeconds must be larger than the total waiting time.",
            rolling(WaitIntervalInSeconds=700, MaximumExecutionTimeoutInSeconds=600),
        ),
    ],
)
def test_a_way_of_rollout_that_aws_does_not_take_is_refused(
    account: Account, message: str, deployment: dict[str, Any]
) -> None:
    account.configuration("first", variant("AllTraffic"))
    with refused(message):
        account.endpoint(DeploymentConfig=deployment)
    account.endpoint()
    with refused(message):
        account.sagemaker.update_endpoint(
            EndpointName="churn", EndpointConfigName="first", DeploymentConfig=deployment
        )


def test_batches_need_one_variant_and_serverless_endpoints_take_no_guard(account: Account) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"""
    account.configuration("first")
    with refused("RollingUpdatePolicy needs an endpoint with one variant, got 2."):
        account.endpoint(DeploymentConfig=rolling())
    account.configuration("serverless", serverless())
    with refused("DeploymentConfig is not supported for serverless endpoints."):
        account.endpoint("churn", "serverless", DeploymentConfig=routing("ALL_AT_ONCE"))
