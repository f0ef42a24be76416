"""Endpoints and models of every kind: memory, bounds, steps, shadows and rollouts change in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

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
    Variant,
)
from modules.endpoint import Step as ScalingStep
from modules.model import Container, Definition, Direct, Model, ModelConfig, ModelPackage, Serial
from modules.network import ExistingNetwork

from ..conftest import REGION, Account, Build, Deployment
from ..matrix import Gone, Stage, Step
from .endpoint import ANEW, BESIDE, IN_PLACE, names
from .model_monitor import NAME as MADE_BY_HAND

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
                    ScalingStep(invocations_per_instance_per_minute=1000, scaling_adjustment=1),
                    ScalingStep(invocations_per_instance_per_minute=2000, scaling_adjustment=2),
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
ENDPOINTS: dict[str, Inference] = {
    "realtime": REAL_TIME,
    "shadowed": SHADOWED,
    "serverless": SERVERLESS,
    "asynchronous": ASYNCHRONOUS,
}


@dataclass(frozen=True)
class Surroundings:
    """What stands in the account beforehand."""

    role_arn: str
    key_arn: str
    bucket: str
    topic_arns: tuple[str, str]
    package_arn: str
    network: ExistingNetwork

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

    def stack(self, digest: str, **endpoints: Inference) -> Build:
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
                        subnet_ids=() if name == "serverless" else self.network.subnet_ids,
                        security_group_ids=() if name == "serverless" else self.network.security_group_ids,
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


def surroundings(account: Account) -> Surroundings:
    """Make what models and endpoints need."""
    s3, sns, sagemaker = (account.client(service) for service in ("s3", "sns", "sagemaker"))
    bucket = account.bucket("serving")
    for key in ("models/a.tar.gz", "model.tar.gz"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    sagemaker.create_model_package_group(ModelPackageGroupName="serving")
    package = sagemaker.create_model_package(
        ModelPackageGroupName="serving",
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
    return Surroundings(
        role_arn=account.role("serving", "sagemaker"),
        key_arn=account.key(),
        bucket=bucket,
        topic_arns=(
            sns.create_topic(Name="serving-success")["TopicArn"],
            sns.create_topic(Name="serving-error")["TopicArn"],
        ),
        package_arn=package["ModelPackageArn"],
        network=account.network(),
    )


def live(account: Account, name: str) -> dict[str, Any]:
    """Return an endpoint as AWS describes it."""
    endpoint = account.client("sagemaker").describe_endpoint(EndpointName=f"acme-test-{name}")
    assert endpoint["EndpointStatus"] == "InService"
    return dict(endpoint)


def bounds(account: Account) -> dict[str, tuple[int, int]]:
    """Return the bounds of this scenario's scalable targets, by endpoint."""
    found = account.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    return {
        target["ResourceId"].split("/")[1]: (target["MinCapacity"], target["MaxCapacity"])
        for target in found["ScalableTargets"]
        if target["ResourceId"].split("/")[1].removeprefix("acme-test-") in ENDPOINTS
    }


def steps(account: Deployment) -> Iterator[Step]:
    around = surroundings(account)
    yield Stage(around.stack("a", **ENDPOINTS))
    before = {name: live(account, name) for name in ENDPOINTS}
    assert bounds(account) == {
        "acme-test-realtime": (1, 4),
        "acme-test-serverless": (1, 3),
        "acme-test-asynchronous": (0, 2),
    }
    account.client("application-autoscaling").register_scalable_target(  # as a scheduled action does
        ServiceNamespace="sagemaker",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        ResourceId="endpoint/acme-test-realtime/variant/champion",
        MinCapacity=NIGHT.min_capacity,
        MaxCapacity=NIGHT.max_capacity,
    )

    champion = REAL_TIME.variants["champion"]
    assert champion.scaling and ASYNCHRONOUS.scaling and SERVERLESS.scaling
    later = replace(NIGHT, schedule="cron(0 22 * * ? *)")
    larger = (ScalingStep(invocations_per_instance_per_minute=1500, scaling_adjustment=3),)
    second = around.stack(
        "b",
        realtime=replace(
            REAL_TIME,
            variants={
                "champion": replace(
                    champion,
                    routing_strategy="RANDOM",
                    scaling=replace(champion.scaling, steps=larger, scheduled_actions={"night": later}),
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
    alarms = ("errors", "latency", "model_errors")
    guarded = ("realtime", "shadowed", "asynchronous")
    models = around.definitions("b")
    actions = {
        **{f"aws_cloudwatch_metric_alarm.{name}_{id_}": IN_PLACE for name in guarded for id_ in alarms},
        **{f"aws_sagemaker_endpoint.{name}": IN_PLACE for name in ENDPOINTS},
        **{f"aws_sagemaker_endpoint_configuration.{name}_configuration": BESIDE for name in ENDPOINTS},
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
    yield Stage(second, actions)
    after = {name: live(account, name) for name in ENDPOINTS}
    for name in ENDPOINTS:
        assert after[name]["CreationTime"] == before[name]["CreationTime"]
        assert after[name]["EndpointConfigName"] != before[name]["EndpointConfigName"]
    (variant,) = after["serverless"]["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {
        "MemorySizeInMB": 4096,
        "MaxConcurrency": 10,
        "ProvisionedConcurrency": 2,
    }
    notification = after["asynchronous"]["AsyncInferenceConfig"]["OutputConfig"]["NotificationConfig"]
    assert notification["SuccessTopic"].endswith(":serving-success")
    assert notification["ErrorTopic"].endswith(":serving-error")
    assert bounds(account) == {
        "acme-test-realtime": (NIGHT.min_capacity, NIGHT.max_capacity),
        "acme-test-serverless": (2, 10),
        "acme-test-asynchronous": (0, 3),
    }

    findings = account.verified("endpoint_kinds")
    assert [str(finding) for finding in findings if not finding.ok] == []
    verified = {(finding.address.rpartition(".")[2], finding.check): finding.live for finding in findings}
    assert {name: verified[name, "status"] for name in ENDPOINTS} == dict.fromkeys(ENDPOINTS, "InService")
    assert verified["realtime", "variant champion instance count"] == "1"
    assert verified["shadowed", "shadow variant shadow weight"] == "100"
    assert verified["serverless", "variant AllTraffic capacity"] == "4096 MB, 10 at once"
    assert verified["serverless", "variant AllTraffic provisioned concurrency"] == "2"
    assert ("asynchronous", "variant AllTraffic instance count") in verified
    assert verified["package_model", "approval"] == "Approved"

    yield Gone()
    left = {name for kind in ("endpoints", "endpoint_configs", "models") for name in names(account, kind)}
    assert left <= {MADE_BY_HAND}
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert bounds(account) == {}
    scaling = account.client("application-autoscaling")
    assert scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []
