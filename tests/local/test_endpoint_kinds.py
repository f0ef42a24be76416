"""Endpoints and models of every kind on the embedded AWS: made, changed in place, and gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from cdktf import TerraformStack

from modules.endpoint import (
    AllAtOnce,
    Asynchronous,
    BacklogScaling,
    Canary,
    ConcurrencyScaling,
    Endpoint,
    EndpointConfig,
    Inference,
    Linear,
    RealTime,
    Rolling,
    Scaling,
    ScheduledAction,
    Serverless,
    Step,
    Variant,
)
from modules.model import Container, Definition, Direct, Model, ModelConfig, ModelPackage, Serial
from sagewright.verify import verify

from .conftest import REGION, Deployment
from .test_endpoint import ANEW, BESIDE, IN_PLACE, TRUST, names

pytestmark = pytest.mark.local

NIGHT = ScheduledAction(schedule="cron(0 20 * * ? *)", min_capacity=1, max_capacity=2)
REAL_TIME = RealTime(
    variants={
        "champion": Variant(
            model="direct",
            core_dump=True,
            scaling=Scaling(
                min_capacity=1,
                max_capacity=4,
                invocations_per_instance_per_minute=600,
                disable_scale_in=True,
                steps=(
                    Step(invocations_per_instance_per_minute=1000, scaling_adjustment=1),
                    Step(invocations_per_instance_per_minute=2000, scaling_adjustment=2),
                ),
                scheduled_actions={"night": NIGHT},
            ),
        )
    },
    deployment=Rolling(wait_interval_seconds=0),
)
SHADOWED = RealTime(
    variants={"champion": Variant(model="single", instance_count=1, weight=100)},
    shadow_variants={"shadow": Variant(model="package", instance_count=1, weight=50, core_dump=True)},
    deployment=Canary(wait_interval_seconds=0),
)
SERVERLESS = Serverless(
    model="serverless",
    max_concurrency=5,
    scaling=ConcurrencyScaling(min_capacity=1, max_capacity=3, scheduled_actions={"night": NIGHT}),
)
ASYNCHRONOUS = Asynchronous(
    model="serial",
    scaling=BacklogScaling(max_capacity=2, backlog_size_per_instance=5),
    include_inference_response_in=("SUCCESS_NOTIFICATION_TOPIC",),
    max_concurrent_invocations_per_instance=2,
)


@dataclass(frozen=True)
class Account:
    """What stands in the account before the stack."""

    role_arn: str
    key_arn: str
    bucket: str
    topic_arns: tuple[str, str]
    package_arn: str
    subnet_ids: tuple[str, ...]
    security_group_id: str

    def definitions(self, digest: str) -> dict[str, Definition]:
        """Return a model of every kind."""
        image = f"222233334444.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{digest * 64}"
        single = Container(image=image, environment={"LOG_LEVEL": "info"})
        models = f"s3://{self.bucket}/models/"
        return {
            "single": single,
            "serverless": single,
            "package": ModelPackage(model_package_arn=self.package_arn, environment={"DIGEST": digest}),
            "serial": Serial(containers=(single, Container(image=image))),
            "direct": Direct(containers={"one": single, "two": Container(image=image)}),
            "multi": Container(
                image=image, mode="MultiModel", model_data_url=models, model_cache_setting="Disabled"
            ),
        }

    def stack(self, digest: str, **endpoints: Inference) -> Callable[[TerraformStack], object]:
        """Return what builds the stack of all models and some endpoints."""

        def build(stack: TerraformStack) -> None:
            models = {
                name: Model(
                    stack,
                    f"{name}_model",
                    ModelConfig(
                        name=f"acme-test-{name}",
                        execution_role_arn=self.role_arn,
                        definition=definition,
                        serverless=name == "serverless",
                        subnet_ids=() if name == "serverless" else self.subnet_ids,
                        security_group_ids=() if name == "serverless" else (self.security_group_id,),
                    ),
                )
                for name, definition in self.definitions(digest).items()
            }
            success, error = self.topic_arns
            for name, inference in endpoints.items():
                Endpoint(
                    stack,
                    name,
                    EndpointConfig(
                        name=f"acme-test-{name}",
                        model_names={key: model.outputs.name for key, model in models.items()},
                        kms_key_arn=self.key_arn,
                        inference=inference,
                        core_dump_s3_uri=f"s3://{self.bucket}/core-dumps",
                        output_s3_uri=f"s3://{self.bucket}/output",
                        failure_s3_uri=f"s3://{self.bucket}/failure",
                        success_topic_arn=success,
                        error_topic_arn=error,
                    ),
                )

        return build


@pytest.fixture
def account(deployment: Deployment) -> Account:
    """An account with what models and endpoints need."""
    bucket = f"serving-{deployment.account_id}"
    s3, sns, ec2 = (deployment.client(service) for service in ("s3", "sns", "ec2"))
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("models/a.tar.gz", "model.tar.gz"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    role = deployment.client("iam").create_role(RoleName="model", AssumeRolePolicyDocument=json.dumps(TRUST))
    key = deployment.client("kms").create_key()
    sagemaker = deployment.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    package = sagemaker.create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": f"222233334444.dkr.ecr.{REGION}.amazonaws.com/churn:1",
                    "ModelDataUrl": f"s3://{bucket}/model.tar.gz",
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    subnets = ec2.describe_subnets()["Subnets"][:2]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnets[0]["VpcId"]]}])
    return Account(
        role_arn=role["Role"]["Arn"],
        key_arn=key["KeyMetadata"]["Arn"],
        bucket=bucket,
        topic_arns=(
            sns.create_topic(Name="churn-success")["TopicArn"],
            sns.create_topic(Name="churn-error")["TopicArn"],
        ),
        package_arn=package["ModelPackageArn"],
        subnet_ids=tuple(subnet["SubnetId"] for subnet in subnets),
        security_group_id=groups["SecurityGroups"][0]["GroupId"],
    )


def live(deployment: Deployment, name: str) -> dict[str, Any]:
    """Return an endpoint as AWS describes it."""
    endpoint = deployment.client("sagemaker").describe_endpoint(EndpointName=f"acme-test-{name}")
    assert endpoint["EndpointStatus"] == "InService"
    return dict(endpoint)


def bounds(deployment: Deployment) -> dict[str, tuple[int, int]]:
    """Return the bounds of every scalable target, by endpoint."""
    found = deployment.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )
    return {
        target["ResourceId"].split("/")[1]: (target["MinCapacity"], target["MaxCapacity"])
        for target in found["ScalableTargets"]
    }


def test_endpoints_of_every_kind_converge_and_are_changed_in_place(
    deployment: Deployment, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in deployment.terraform.variables.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    endpoints: dict[str, Inference] = {
        "realtime": REAL_TIME,
        "shadowed": SHADOWED,
        "serverless": SERVERLESS,
        "asynchronous": ASYNCHRONOUS,
    }
    first = account.stack("a", **endpoints)
    deployment.plan(first)
    deployment.apply()
    before = {name: live(deployment, name) for name in endpoints}
    assert bounds(deployment) == {
        "acme-test-realtime": (1, 4),
        "acme-test-serverless": (1, 3),
        "acme-test-asynchronous": (0, 2),
    }
    deployment.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        ResourceId="endpoint/acme-test-realtime/variant/champion",
        MinCapacity=NIGHT.min_capacity,
        MaxCapacity=NIGHT.max_capacity,
    )
    assert not deployment.plan(first), "what a scheduled action set is taken back"
    session = boto3.session.Session()
    assert [str(one) for one in verify("stack", deployment.terraform.show(), session) if not one.ok] == []

    champion = REAL_TIME.variants["champion"]
    assert champion.scaling and ASYNCHRONOUS.scaling and SERVERLESS.scaling
    later = replace(NIGHT, schedule="cron(0 22 * * ? *)")
    steps = (Step(invocations_per_instance_per_minute=1500, scaling_adjustment=3),)
    second = account.stack(
        "b",
        realtime=replace(
            REAL_TIME,
            variants={
                "champion": replace(
                    champion,
                    routing_strategy="RANDOM",
                    scaling=replace(champion.scaling, steps=steps, scheduled_actions={"night": later}),
                )
            },
            deployment=Linear(wait_interval_seconds=0),
        ),
        shadowed=replace(
            SHADOWED,
            shadow_variants={"shadow": replace(SHADOWED.shadow_variants["shadow"], weight=100)},
            deployment=AllAtOnce(wait_interval_seconds=0),
        ),
        serverless=replace(
            SERVERLESS,
            memory_size_mb=4096,
            max_concurrency=10,
            scaling=replace(SERVERLESS.scaling, min_capacity=2, max_capacity=10),
        ),
        asynchronous=replace(
            ASYNCHRONOUS,
            scaling=replace(ASYNCHRONOUS.scaling, max_capacity=3, backlog_size_per_instance=8),
            max_concurrent_invocations_per_instance=4,
            deployment=Canary(wait_interval_seconds=0),
        ),
    )
    deployment.plan(second)
    alarms = ("errors", "latency", "model_errors")
    guarded = ("realtime", "shadowed", "asynchronous")
    models = account.definitions("b")
    assert deployment.actions() == {
        **{f"aws_cloudwatch_metric_alarm.{name}_{id_}": IN_PLACE for name in guarded for id_ in alarms},
        **{f"aws_sagemaker_endpoint.{name}": IN_PLACE for name in endpoints},
        **{f"aws_sagemaker_endpoint_configuration.{name}_configuration": BESIDE for name in endpoints},
        **{f"aws_sagemaker_model.{name}_model": BESIDE for name in models},
        **{f"terraform_data.{name}_model_revision": BESIDE for name in models},
        "aws_appautoscaling_policy.asynchronous_AllTraffic_backlog": IN_PLACE,
        "aws_appautoscaling_policy.realtime_champion_steps": IN_PLACE,
        "aws_appautoscaling_scheduled_action.realtime_champion_night_action": IN_PLACE,
        "aws_appautoscaling_target.asynchronous_AllTraffic_scaling": IN_PLACE,
        "aws_appautoscaling_policy.serverless_AllTraffic_utilization": ANEW,
        "aws_appautoscaling_scheduled_action.serverless_AllTraffic_night_action": ANEW,
        "aws_appautoscaling_target.serverless_AllTraffic_scaling": ANEW,
        "terraform_data.serverless_AllTraffic_bounds": BESIDE,
        "aws_cloudwatch_metric_alarm.realtime_champion_steps_alarm": IN_PLACE,
    }
    deployment.apply()
    after = {name: live(deployment, name) for name in endpoints}
    for name in endpoints:
        assert after[name]["CreationTime"] == before[name]["CreationTime"]
        assert after[name]["EndpointConfigName"] != before[name]["EndpointConfigName"]
    (variant,) = after["serverless"]["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {
        "MemorySizeInMB": 4096,
        "MaxConcurrency": 10,
        "ProvisionedConcurrency": 2,
    }
    notification = after["asynchronous"]["AsyncInferenceConfig"]["OutputConfig"]["NotificationConfig"]
    assert notification["SuccessTopic"].endswith(":churn-success")
    assert notification["ErrorTopic"].endswith(":churn-error")
    assert bounds(deployment) == {
        "acme-test-realtime": (NIGHT.min_capacity, NIGHT.max_capacity),
        "acme-test-serverless": (2, 10),
        "acme-test-asynchronous": (0, 3),
    }
    assert not deployment.plan(second)

    deployment.destroy()
    assert [names(deployment, kind) for kind in ("endpoints", "endpoint_configs", "models")] == [[], [], []]
    assert deployment.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert bounds(deployment) == {}
    scaling = deployment.client("application-autoscaling")
    assert scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []
