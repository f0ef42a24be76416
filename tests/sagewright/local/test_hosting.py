"""Models, endpoint configurations and endpoints."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sagewright.local.conftest import IMAGE, REGION, Account, refused, variant


def arn(account: Account, resource: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{account.id}:{resource}"


def counts(described: dict[str, Any]) -> dict[str, tuple[int, float]]:
    return {
        each["VariantName"]: (each["CurrentInstanceCount"], each["CurrentWeight"])
        for each in described["ProductionVariants"]
    }


def test_an_endpoint_shows_what_is_live(account: Account) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 50,
        "DestinationS3Uri": "s3://capture/churn",
        "CaptureOptions": [{"CaptureMode": "Output"}],
    }
    account.configuration(DataCaptureConfig=capture)
    account.endpoint()
    account.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn")
    described = account.describe()
    assert described["EndpointArn"] == arn(account, "endpoint/churn")
    assert described["EndpointConfigName"] == "first"
    assert counts(described) == {"champion": (2, 90), "challenger": (1, 10)}
    assert described["ProductionVariants"][0]["DeployedImages"] == [
        {"SpecifiedImage": IMAGE, "ResolvedImage": IMAGE}
    ]
    assert described["DataCaptureConfig"]["CurrentSamplingPercentage"] == 50
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert "PendingDeploymentSummary" not in described


def test_a_tag_in_the_own_registry_is_resolved_to_its_digest(account: Account) -> None:
    image, digest = account.image()
    account.model("churn", PrimaryContainer={"Image": image})
    account.configuration()
    account.endpoint()
    (deployed,) = account.describe()["ProductionVariants"][0]["DeployedImages"]
    assert deployed["ResolvedImage"] == f"{image.removesuffix(':1')}@{digest}"


def test_a_model_keeps_all_that_it_was_given(account: Account) -> None:
    subnet, group = account.network()
    given: dict[str, Any] = {
        "PrimaryContainer": {"Image": IMAGE, "Environment": {"LEVEL": "info"}},
        "VpcConfig": {"Subnets": [subnet], "SecurityGroupIds": [group]},
        "EnableNetworkIsolation": True,
    }
    account.model(**given)
    described = account.sagemaker.describe_model(ModelName="churn")
    assert described["PrimaryContainer"] == {**given["PrimaryContainer"], "Mode": "SingleModel"}
    assert {name: described[name] for name in ("VpcConfig", "EnableNetworkIsolation")} == {
        name: given[name] for name in ("VpcConfig", "EnableNetworkIsolation")
    }
    assert "Containers" not in described


def test_names_in_arns_of_hosting_are_in_lower_case(account: Account) -> None:
    account.model("Churn")
    assert account.sagemaker.describe_model(ModelName="Churn")["ModelArn"] == arn(account, "model/churn")


@pytest.mark.parametrize(
    ("describe", "name", "message"),
    [
        ("describe_model", "ModelName", 'Could not find model "{arn}:model/none".'),
        (
            "describe_endpoint_config",
            "EndpointConfigName",
            'Could not find endpoint configuration "{arn}:endpoint-config/none".',
        ),
        ("describe_endpoint", "EndpointName", 'Could not find endpoint "{arn}:endpoint/none".'),
        ("delete_endpoint", "EndpointName", 'Could not find endpoint "{arn}:endpoint/none".'),
    ],
)
def test_what_is_not_there_is_named_as_the_provider_expects(
    account: Account, describe: str, name: str, message: str
) -> None:
    with refused(message.format(arn=f"arn:aws:sagemaker:{REGION}:{account.id}")):
        getattr(account.sagemaker, describe)(**{name: "none"})


def test_a_name_can_be_used_once(account: Account) -> None:
    account.configuration()
    account.endpoint()
    with refused(f'Cannot create already existing model "{arn(account, "model/churn")}".'):
        account.model()
    with refused(f'Cannot create already existing model "{arn(account, "model/churn")}".'):
        account.model("Churn")
    with refused("Cannot create already existing endpoint configuration"):
        account.configuration()
    with refused(f'Cannot create already existing endpoint "{arn(account, "endpoint/churn")}".'):
        account.endpoint("CHURN")


def test_a_configuration_needs_its_models(account: Account) -> None:
    with refused(f'Could not find model "{arn(account, "model/none")}".'):
        account.sagemaker.create_endpoint_config(
            EndpointConfigName="first", ProductionVariants=[variant("champion", ModelName="none")]
        )


def test_an_endpoint_needs_its_configuration(account: Account) -> None:
    with refused(f'Could not find endpoint configuration "{arn(account, "endpoint-config/first")}".'):
        account.endpoint()


def test_an_endpoint_needs_the_models_of_its_configuration(account: Account) -> None:
    account.configuration()
    account.sagemaker.delete_model(ModelName="churn")
    with refused("Could not find model"):
        account.endpoint()


@pytest.mark.parametrize(
    ("message", "variants", "members"),
    [
        ('The variant name "a" was non-unique', [variant("a"), variant("a")], {}),
        ("Member must satisfy enum value set", [variant("a", InstanceType="ml.m5.huge")], {}),
        ("The sum of InitialVariantWeight", [variant("a", 0), variant("b", 0)], {}),
        ("Member must have value greater than or equal to 1", [variant("a", count=0)], {}),
        ("Member must satisfy regular expression pattern", [variant("größe")], {}),
        ("Member must have length less than or equal to 10", [variant(f"v{n}") for n in range(11)], {}),
        (
            "ManagedInstanceScaling is only supported for inference component endpoints.",
            [variant("a", ManagedInstanceScaling={"Status": "ENABLED"})],
            {},
        ),
        (
            "InstanceType and InitialInstanceCount are required",
            [{"VariantName": "a", "ModelName": "churn", "InstanceType": "ml.m5.large"}],
            {},
        ),
        ('ModelName is required for variant "a"', [variant("a", ModelName=None)], {}),
        (
            "cannot have both ServerlessConfig and InstanceType",
            [variant("a", ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})],
            {},
        ),
        (
            "Serverless and instance-based variants cannot be mixed",
            [
                variant("a"),
                {
                    "VariantName": "b",
                    "ModelName": "churn",
                    "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
                },
            ],
            {},
        ),
        (
            "need exactly one production variant, got 2",
            [variant("a"), variant("b")],
            {"ShadowProductionVariants": [variant("c")]},
        ),
        (
            'The variant name "a" was non-unique',
            [variant("a")],
            {"ShadowProductionVariants": [variant("a")]},
        ),
    ],
)
def test_a_configuration_that_aws_refuses(
    account: Account, message: str, variants: list[dict[str, Any]], members: dict[str, Any]
) -> None:
    account.model()
    with refused(message):
        account.sagemaker.create_endpoint_config(
            EndpointConfigName="first", ProductionVariants=variants, **members
        )


def serverless(**members: int) -> dict[str, Any]:
    settings = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, **members}
    return {"VariantName": "a", "ModelName": "churn", "ServerlessConfig": settings}


def test_a_serverless_variant_shows_its_concurrency(account: Account) -> None:
    account.configuration("first", serverless(ProvisionedConcurrency=2))
    account.endpoint()
    (shown,) = account.describe()["ProductionVariants"]
    assert shown["CurrentServerlessConfig"]["ProvisionedConcurrency"] == 2
    assert "CurrentInstanceCount" not in shown


def test_a_serverless_variant_that_aws_refuses(account: Account) -> None:
    account.model()
    with refused("must be a multiple of 1024"):
        account.configuration("first", serverless(MemorySizeInMB=1500))
    with refused("must not be greater than MaxConcurrency"):
        account.configuration("first", serverless(ProvisionedConcurrency=6))
    with refused("KmsKeyId is not supported for serverless"):
        account.configuration("first", serverless(), KmsKeyId=account.key())


def test_a_key_for_instances_that_store_on_nvme_is_refused(account: Account) -> None:
    account.model()
    with refused("KmsKeyId cannot be specified: instance type ml.g5.xlarge"):
        account.configuration("first", variant("a", InstanceType="ml.g5.xlarge"), KmsKeyId=account.key())
    account.configuration("first", variant("a", InstanceType="ml.g5.xlarge"))


def test_an_update_resets_counts_and_weights_to_the_configuration(account: Account) -> None:
    account.configuration()
    account.endpoint()
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "champion", "DesiredWeight": 50, "DesiredInstanceCount": 7}
        ],
    )
    assert counts(account.describe())["champion"] == (7, 50)
    account.configuration("second", variant("champion", 80, count=3), variant("challenger", 20))
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    described = account.describe()
    assert described["EndpointConfigName"] == "second"
    assert described["EndpointStatus"] == "InService"
    assert counts(described) == {"champion": (3, 80), "challenger": (2, 20)}


def test_an_update_can_retain_counts_and_weights(account: Account) -> None:
    account.configuration()
    account.endpoint()
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn",
        DesiredWeightsAndCapacities=[
            {"VariantName": "champion", "DesiredWeight": 50, "DesiredInstanceCount": 7}
        ],
    )
    account.configuration("second", variant("champion", 80, count=3), variant("challenger", 20))
    account.sagemaker.update_endpoint(
        EndpointName="churn",
        EndpointConfigName="second",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert counts(account.describe()) == {"champion": (7, 80), "challenger": (1, 20)}


def test_weights_change_for_all_variants_or_for_none(account: Account) -> None:
    account.configuration()
    account.endpoint()
    champion = {"VariantName": "champion", "DesiredWeight": 1}
    with refused('The variant name(s) "none" is/are not present within endpoint configuration "first".'):
        account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="churn",
            DesiredWeightsAndCapacities=[champion, {"VariantName": "none", "DesiredWeight": 1}],
        )
    with refused("non-unique"):
        account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="churn", DesiredWeightsAndCapacities=[champion, champion]
        )
    weightless = [{"VariantName": name, "DesiredWeight": 0} for name in ("champion", "challenger")]
    with refused("The sum of DesiredWeight over ProductionVariants must be greater than 0."):
        account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="churn", DesiredWeightsAndCapacities=weightless
        )
    assert counts(account.describe())["champion"] == (2, 90)
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn", DesiredWeightsAndCapacities=weightless[1:]
    )
    assert counts(account.describe())["challenger"] == (1, 0)


def test_an_update_takes_effect_though_nobody_looks(account: Account) -> None:
    """A variant that is no more cannot be scaled, and its target is gone."""
    account.configuration()
    account.endpoint()
    scaling = account.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": "endpoint/churn/variant/challenger",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    account.configuration("second", variant("champion"))
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    account.configuration("third")
    with account.transition("sagemaker::endpoint", progression="time", seconds=0.3):
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="third")
        with refused("Cannot update in-progress endpoint"):
            scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
        time.sleep(0.4)
        scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
        time.sleep(0.4)
        assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_nothing_can_be_done_to_an_endpoint_while_it_is_updated(account: Account) -> None:
    account.configuration()
    account.configuration("second")
    account.endpoint()
    account.describe()
    in_progress = f'Cannot update in-progress endpoint "{arn(account, "endpoint/churn")}".'
    with account.transition("sagemaker::endpoint", progression="manual", times=3):
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
        described = account.describe()
        assert described["EndpointStatus"] == "Updating"
        assert described["EndpointConfigName"] == "first"
        assert described["PendingDeploymentSummary"]["EndpointConfigName"] == "second"
        with refused(in_progress):
            account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="first")
        with refused(in_progress):
            account.sagemaker.delete_endpoint(EndpointName="churn")
        with refused(in_progress):
            account.sagemaker.update_endpoint_weights_and_capacities(
                EndpointName="churn",
                DesiredWeightsAndCapacities=[{"VariantName": "champion", "DesiredWeight": 1}],
            )
        account.describe()
        account.describe()
        assert account.describe()["EndpointConfigName"] == "second"


def test_a_configuration_in_use_can_be_deleted_but_then_the_endpoint_cannot_be_updated(
    account: Account,
) -> None:
    """As on AWS: https://github.com/hashicorp/terraform-provider-aws/issues/40048."""
    account.configuration()
    account.configuration("second")
    account.endpoint()
    account.sagemaker.delete_endpoint_config(EndpointConfigName="first")
    assert counts(account.describe()) == {"champion": (2, 90), "challenger": (1, 10)}
    with refused(f'Could not find endpoint configuration "{arn(account, "endpoint-config/first")}".'):
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")


def test_the_same_configuration_can_be_deployed_again(account: Account) -> None:
    """terraform-provider-aws does so when only `deployment_config` changes."""
    account.configuration()
    account.endpoint()
    policy = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    account.sagemaker.update_endpoint(
        EndpointName="churn",
        EndpointConfigName="first",
        DeploymentConfig={"BlueGreenUpdatePolicy": policy},
    )
    assert account.describe()["LastDeploymentConfig"] == {"BlueGreenUpdatePolicy": policy}
    account.sagemaker.update_endpoint(
        EndpointName="churn", EndpointConfigName="first", RetainDeploymentConfig=True
    )
    assert "LastDeploymentConfig" in account.describe()
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="first")
    assert "LastDeploymentConfig" not in account.describe()


def test_a_guarded_update_keeps_the_names_of_the_variants(account: Account) -> None:
    account.configuration()
    account.configuration("second", variant("champion"), variant("rival"))
    account.endpoint()
    policy = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    guards = {"DeploymentConfig": {"BlueGreenUpdatePolicy": policy}}
    needed = "needs the same variant names"
    with refused(needed):
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second", **guards)
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="first", **guards)
    with refused(needed):
        account.sagemaker.update_endpoint(
            EndpointName="churn", EndpointConfigName="second", RetainDeploymentConfig=True
        )
    assert account.describe()["EndpointConfigName"] == "first"
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    assert account.describe()["EndpointConfigName"] == "second"


@pytest.mark.parametrize("reason", ["the container did not answer the ping", ""])
def test_a_failed_update_rolls_back_to_the_old_configuration(account: Account, reason: str) -> None:
    account.configuration()
    account.configuration("second", variant("champion", 50), variant("challenger", 50))
    account.endpoint()
    account.fail("UpdateEndpoint", name="churn", reason=reason)
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    described = account.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "first")
    assert described.get("FailureReason", "") == reason
    assert counts(described) == {"champion": (2, 90), "challenger": (1, 10)}
    account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="second")
    assert account.describe()["EndpointConfigName"] == "second"
    assert "FailureReason" not in account.describe()


def test_a_failed_creation_leaves_a_failed_endpoint(account: Account) -> None:
    account.configuration()
    account.fail("CreateEndpoint", reason="no capacity")
    account.endpoint()
    described = account.describe()
    assert (described["EndpointStatus"], described["FailureReason"]) == ("Failed", "no capacity")
    with refused("in status Failed"):
        account.sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="first")
    account.sagemaker.delete_endpoint(EndpointName="churn")
    account.endpoint()
    assert account.describe()["EndpointStatus"] == "InService"


def test_a_model_of_a_package_needs_that_package(account: Account) -> None:
    with refused("model-package/none/1 does not exist"):
        account.model(PrimaryContainer={"ModelPackageName": arn(account, "model-package/none/1")})
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    package = account.sagemaker.create_model_package(ModelPackageGroupName="churn")["ModelPackageArn"]
    account.model(PrimaryContainer={"ModelPackageName": package})


@pytest.mark.parametrize(
    ("message", "members"),
    [
        (
            "You must provide either PrimaryContainer or Containers",
            {"PrimaryContainer": {"Image": IMAGE}, "Containers": [{"Image": IMAGE}, {"Image": IMAGE}]},
        ),
        ("A container must have an Image or a ModelPackageName", {"PrimaryContainer": {}}),
        ('ECR image "nginx:1" is invalid.', {"PrimaryContainer": {"Image": "nginx:1"}}),
        (
            "Map keys must satisfy constraint",
            {"PrimaryContainer": {"Image": IMAGE, "Environment": {"not a name": "1"}}},
        ),
    ],
)
def test_a_model_that_aws_refuses(account: Account, message: str, members: dict[str, Any]) -> None:
    with refused(message):
        account.model(**members)


def test_state_is_held_per_account_and_region(account: Account) -> None:
    account.model()
    other_region = account.client("sagemaker", region_name="us-east-1")
    other_account = account.client("sagemaker", aws_access_key_id="000000000001")
    assert other_region.list_models()["Models"] == []
    assert other_account.list_models()["Models"] == []
