"""A model and an endpoint: a new model, weight, count and instance type are rolled out in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from cdktf import TerraformStack

from modules.endpoint import DataCapture, Endpoint, EndpointConfig, RealTime, Scaling, Variant
from modules.model import Container, Model, ModelConfig
from modules.network import ExistingNetwork

from ..conftest import REGION, Account, Build
from ..matrix import Gone, Stage, Step

ENDPOINT = "acme-test-churn"
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
class Surroundings:
    """What stands in the account beforehand: role, key, bucket, network."""

    role_arn: str
    key_arn: str
    bucket: str
    network: ExistingNetwork

    def stack(self, digest: str, **variants: Variant) -> Build:
        """Return what builds the stack of a model and an endpoint."""

        def build(stack: TerraformStack) -> None:
            model = Model(
                stack,
                "churn_model",
                ModelConfig(
                    name=ENDPOINT,
                    execution_role_arn=self.role_arn,
                    subnet_ids=self.network.subnet_ids,
                    security_group_ids=self.network.security_group_ids,
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


def surroundings(account: Account) -> Surroundings:
    """Make what a model and an endpoint need."""
    return Surroundings(
        account.role("model", "sagemaker"), account.key(), account.bucket("capture"), account.network()
    )


def live(account: Account) -> dict[str, Any]:
    """Return the endpoint as AWS describes it, its variants by name."""
    endpoint = account.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert endpoint["EndpointStatus"] == "InService"
    return {**endpoint, "ProductionVariants": {v["VariantName"]: v for v in endpoint["ProductionVariants"]}}


def names(account: Account, kind: str) -> list[str]:
    """Return the names of all models, endpoints or endpoint configurations that are there."""
    pages = account.client("sagemaker").get_paginator(f"list_{kind}").paginate()
    return [
        item[next(key for key in item if key.endswith("Name"))]
        for page in pages
        for item in next(value for value in page.values() if isinstance(value, list))
    ]


def own(names: Iterable[str]) -> list[str]:
    """Return the names of what belongs to this scenario's endpoint."""
    return [name for name in names if name.startswith(ENDPOINT)]


def steps(account: Account) -> Iterator[Step]:
    scaling = account.client("application-autoscaling")
    around = surroundings(account)
    yield Stage(around.stack("a", champion=CHAMPION, challenger=CHALLENGER))
    before = live(account)

    wider = Scaling(min_capacity=2, max_capacity=6, invocations_per_instance_per_minute=500)
    champion = replace(CHAMPION, weight=80, scaling=wider)
    challenger = replace(CHALLENGER, weight=20, instance_count=2)
    yield Stage(
        around.stack("b", champion=champion, challenger=challenger),
        {
            "aws_appautoscaling_policy.churn_champion_invocations": IN_PLACE,
            "aws_appautoscaling_target.churn_champion_scaling": IN_PLACE,
            "aws_cloudwatch_metric_alarm.churn_errors": IN_PLACE,
            "aws_cloudwatch_metric_alarm.churn_latency": IN_PLACE,
            "aws_cloudwatch_metric_alarm.churn_model_errors": IN_PLACE,
            "aws_sagemaker_endpoint.churn": IN_PLACE,
            "aws_sagemaker_endpoint_configuration.churn_configuration": BESIDE,
            "aws_sagemaker_model.churn_model": BESIDE,
            "terraform_data.churn_model_revision": BESIDE,
        },
    )
    after = live(account)
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    weights = {name: variant["CurrentWeight"] for name, variant in after["ProductionVariants"].items()}
    counts = {name: variant["CurrentInstanceCount"] for name, variant in after["ProductionVariants"].items()}
    assert weights == {"champion": 80, "challenger": 20}
    assert counts == {"champion": 2, "challenger": 2}
    configurations, models = (names(account, kind) for kind in ("endpoint_configs", "models"))
    assert own(configurations) == [after["EndpointConfigName"]]
    assert len(own(models)) == 1

    yield Stage(
        around.stack("b", champion=replace(champion, instance_type="ml.c5.xlarge"), challenger=challenger),
        {
            "aws_appautoscaling_policy.churn_champion_invocations": ANEW,
            "aws_appautoscaling_target.churn_champion_scaling": ANEW,
            "aws_cloudwatch_metric_alarm.churn_errors": IN_PLACE,
            "aws_cloudwatch_metric_alarm.churn_latency": IN_PLACE,
            "aws_cloudwatch_metric_alarm.churn_model_errors": IN_PLACE,
            "aws_sagemaker_endpoint.churn": IN_PLACE,
            "aws_sagemaker_endpoint_configuration.churn_configuration": BESIDE,
            "terraform_data.churn_champion_instance_type": BESIDE,
        },
    )
    after = live(account)
    assert after["CreationTime"] == before["CreationTime"]
    assert set(after["ProductionVariants"]) == {"champion", "challenger"}
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert [one["MaxCapacity"] for one in targets if f"/{ENDPOINT}/" in one["ResourceId"]] == [6]

    yield Gone()
    kinds = ("endpoints", "endpoint_configs", "models")
    assert [own(names(account, kind)) for kind in kinds] == [[], [], []]
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
