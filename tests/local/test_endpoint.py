"""A model and an endpoint on the embedded AWS: made, changed in place, and gone without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cdktf import TerraformStack

from modules.endpoint import DataCapture, Endpoint, EndpointConfig, RealTime, Scaling, Variant
from modules.model import Container, Model, ModelConfig
from sagewright.terraform import TerraformFailed

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

ENDPOINT = "acme-test-churn"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    ],
}
CHAMPION = Variant(
    model="churn",
    weight=90,
    scaling=Scaling(min_capacity=2, max_capacity=4, invocations_per_instance_per_minute=600),
)
CHALLENGER = Variant(model="churn", weight=10, instance_count=1)
IN_PLACE = ["update"]
BESIDE = ["create", "delete"]
ANEW = ["delete", "create"]


@dataclass(frozen=True)
class Account:
    """What stands in the account before the stack: role, key, network, bucket."""

    role_arn: str
    key_arn: str
    bucket: str
    subnet_ids: tuple[str, ...]
    security_group_id: str

    def stack(self, digest: str, **variants: Variant) -> Callable[[TerraformStack], object]:
        """Return what builds the stack of a model and an endpoint."""

        def build(stack: TerraformStack) -> None:
            model = Model(
                stack,
                "churn_model",
                ModelConfig(
                    name=ENDPOINT,
                    execution_role_arn=self.role_arn,
                    subnet_ids=self.subnet_ids,
                    security_group_ids=(self.security_group_id,),
                    definition=Container(
                        image=f"222233334444.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{digest * 64}"
                    ),
                ),
            )
            Endpoint(
                stack,
                "churn",
                EndpointConfig(
                    name=ENDPOINT,
                    model_names={"churn": model.outputs.name},
                    kms_key_arn=self.key_arn,
                    data_capture_s3_uri=f"s3://{self.bucket}/capture",
                    inference=RealTime(variants=variants, data_capture=DataCapture()),
                ),
            )

        return build


@pytest.fixture
def account(deployment: Deployment) -> Account:
    """An account with what a model and an endpoint need."""
    bucket = f"capture-{deployment.account_id}"
    deployment.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    role = deployment.client("iam").create_role(RoleName="model", AssumeRolePolicyDocument=json.dumps(TRUST))
    key = deployment.client("kms").create_key()
    ec2 = deployment.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"][:2]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnets[0]["VpcId"]]}])
    return Account(
        role_arn=role["Role"]["Arn"],
        key_arn=key["KeyMetadata"]["Arn"],
        bucket=bucket,
        subnet_ids=tuple(subnet["SubnetId"] for subnet in subnets),
        security_group_id=groups["SecurityGroups"][0]["GroupId"],
    )


def live(deployment: Deployment) -> dict[str, Any]:
    """Return the endpoint as AWS describes it, its variants by name."""
    endpoint = deployment.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert endpoint["EndpointStatus"] == "InService"
    return {**endpoint, "ProductionVariants": {v["VariantName"]: v for v in endpoint["ProductionVariants"]}}


def names(deployment: Deployment, kind: str) -> list[str]:
    """Return the names of all models, endpoints or endpoint configurations in the account."""
    sagemaker = deployment.client("sagemaker")
    pages = sagemaker.get_paginator(f"list_{kind}").paginate()
    return [
        item[next(key for key in item if key.endswith("Name"))]
        for page in pages
        for item in next(value for value in page.values() if isinstance(value, list))
    ]


def test_a_new_model_weight_and_number_of_instances_are_rolled_out_in_place(
    deployment: Deployment, account: Account
) -> None:
    first = account.stack("a", champion=CHAMPION, challenger=CHALLENGER)
    deployment.plan(first)
    deployment.apply()
    before = live(deployment)
    assert not deployment.plan(first)

    second = account.stack(
        "b",
        champion=replace(CHAMPION, weight=80),
        challenger=replace(CHALLENGER, weight=20, instance_count=2),
    )
    deployment.plan(second)
    assert deployment.actions() == {
        "aws_cloudwatch_metric_alarm.churn_errors": IN_PLACE,
        "aws_cloudwatch_metric_alarm.churn_latency": IN_PLACE,
        "aws_cloudwatch_metric_alarm.churn_model_errors": IN_PLACE,
        "aws_sagemaker_endpoint.churn": IN_PLACE,
        "aws_sagemaker_endpoint_configuration.churn_configuration": BESIDE,
        "aws_sagemaker_model.churn_model": BESIDE,
        "terraform_data.churn_model_revision": BESIDE,
    }
    deployment.apply()
    after = live(deployment)
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    weights = {name: variant["CurrentWeight"] for name, variant in after["ProductionVariants"].items()}
    counts = {name: variant["CurrentInstanceCount"] for name, variant in after["ProductionVariants"].items()}
    assert weights == {"champion": 80, "challenger": 20}
    assert counts == {"champion": 2, "challenger": 2}
    assert names(deployment, "endpoint_configs") == [after["EndpointConfigName"]]
    assert len(names(deployment, "models")) == 1
    assert not deployment.plan(second)

    deployment.destroy()
    assert [names(deployment, kind) for kind in ("endpoints", "endpoint_configs", "models")] == [[], [], []]
    assert deployment.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    scaling = deployment.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []


def test_a_new_instance_type_leaves_the_endpoint_in_place(deployment: Deployment, account: Account) -> None:
    deployment.plan(account.stack("a", champion=CHAMPION, challenger=CHALLENGER))
    deployment.apply()
    before = live(deployment)

    larger = replace(CHAMPION, instance_type="ml.c5.xlarge")
    grown = account.stack("a", champion=larger, challenger=CHALLENGER)
    deployment.plan(grown)
    assert deployment.actions() == {
        "aws_appautoscaling_policy.churn_champion_invocations": ANEW,
        "aws_appautoscaling_target.churn_champion_scaling": ANEW,
        "aws_cloudwatch_metric_alarm.churn_errors": IN_PLACE,
        "aws_cloudwatch_metric_alarm.churn_latency": IN_PLACE,
        "aws_cloudwatch_metric_alarm.churn_model_errors": IN_PLACE,
        "aws_sagemaker_endpoint.churn": IN_PLACE,
        "aws_sagemaker_endpoint_configuration.churn_configuration": BESIDE,
        "terraform_data.churn_champion_instance_type": BESIDE,
    }
    deployment.apply()
    after = live(deployment)
    assert after["CreationTime"] == before["CreationTime"]
    assert set(after["ProductionVariants"]) == {"champion", "challenger"}
    targets = deployment.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )
    assert [target["ResourceId"] for target in targets["ScalableTargets"]] == [
        f"endpoint/{ENDPOINT}/variant/champion"
    ]
    assert not deployment.plan(grown)
    deployment.destroy()
    assert names(deployment, "endpoints") == []


def test_a_rollout_that_sagemaker_refuses_or_takes_back_in_silence_fails_and_can_be_reverted(
    deployment: Deployment, account: Account
) -> None:
    first, second = account.stack("a", champion=CHAMPION), account.stack("b", champion=CHAMPION)
    deployment.plan(first)
    deployment.apply()
    before = live(deployment)["EndpointConfigName"]

    deployment.plan(account.stack("a", champion=CHAMPION, challenger=CHALLENGER))
    with pytest.raises(TerraformFailed, match="needs the same variant names"):
        deployment.apply()
    assert live(deployment)["EndpointConfigName"] == before

    deployment.fail("UpdateEndpoint", ENDPOINT, code="ResourceLimitExceeded", reason="no more instances")
    deployment.plan(second)
    with pytest.raises(TerraformFailed, match="no more instances"):
        deployment.apply()

    deployment.fail("UpdateEndpoint", ENDPOINT)
    deployment.plan(second)
    with pytest.raises(TerraformFailed, match="SageMaker took the rollout back"):
        deployment.apply()
    assert live(deployment)["EndpointConfigName"] == before
    assert before in names(deployment, "endpoint_configs")

    deployment.plan(first)
    deployment.apply()
    assert names(deployment, "endpoint_configs") == [live(deployment)["EndpointConfigName"]]
    assert len(names(deployment, "models")) == 1
    assert not deployment.plan(first)
    deployment.destroy()
    assert names(deployment, "endpoints") == []
