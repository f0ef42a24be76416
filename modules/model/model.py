"""SageMaker model: what it runs, and the role and network that it runs in."""

from __future__ import annotations

from typing import Any

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from .._aws.sagemaker_model import (
    SagemakerModel,
    SagemakerModelContainer,
    SagemakerModelInferenceExecutionConfig,
    SagemakerModelPrimaryContainer,
    SagemakerModelVpcConfig,
)
from .._core import at_most, matches, not_empty, record, refuse, when
from .._core.checks import no_longer_than
from .._core.revision import Revision
from .definition import Container, Definition, Direct, ModelPackage, Serial


@record
class ModelConfig:
    """What a model is made of."""

    name: str
    """Start of the model's name, at most 54 characters: each revision adds eight random digits."""
    execution_role_arn: str
    """Role that SageMaker takes to fetch image and artifact, and that the container acts as. Pass
    `Role.outputs.arn`, which is known only when the role's permissions are in place."""
    definition: Definition
    """What it runs: image, artifact and settings, or a version from the registry."""
    subnet_ids: tuple[str, ...] = ()
    """Subnets of the container's network interfaces, 1 to 16; two or more Availability Zones."""
    security_group_ids: tuple[str, ...] = ()
    """Security groups of these interfaces, 1 to 5."""
    network_isolation: bool = True
    """The container can make no network call, not even to S3; SageMaker fetches the artifact for it."""
    serverless: bool = False
    """Whether serverless endpoints serve it. They take neither VPC nor network isolation, so that it gets
    none: supply no subnets and groups. No endpoint on instances should serve such a model."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-churn"),
            no_longer_than("name", self.name, 54),
            matches(
                "execution_role_arn",
                self.execution_role_arn,
                r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
                "arn:aws:iam::111122223333:role/acme-dev-model",
            ),
            *(self._serverless() if self.serverless else self._in_vpc()),
        )

    def _in_vpc(self) -> tuple[str | None, ...]:
        return (
            not_empty("subnet_ids", self.subnet_ids),
            at_most("subnet_ids: number of subnets", len(self.subnet_ids), 16),
            not_empty("security_group_ids", self.security_group_ids),
            at_most("security_group_ids: number of groups", len(self.security_group_ids), 5),
        )

    def _serverless(self) -> tuple[str | None, ...]:
        """Return what is wrong of a model for serverless endpoints.

        https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
        """
        definition = self.definition
        return (
            when(
                self.subnet_ids or self.security_group_ids,
                "subnet_ids, security_group_ids: supply none with serverless, got some",
            ),
            when(
                isinstance(definition, (Serial, Direct)),
                f"definition: supply one container with serverless, got {definition.kind}",
            ),
            *(
                when(
                    container.mode == "MultiModel",
                    "definition.mode: supply SingleModel with serverless, got 'MultiModel'",
                )
                for container in definition.all_containers
            ),
            *(
                when(
                    container.repository_access == "Vpc",
                    "definition.repository_access: supply Platform with serverless, got 'Vpc'",
                )
                for container in definition.all_containers
            ),
        )


@record
class ModelOutputs:
    """What a model gives."""

    name: str
    """The model's name in AWS, another one for each revision."""
    arn: str
    """The model's ARN."""


class Model(Construct):
    """A model is immutable in AWS: a change makes a new one beside the old one, which goes last.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
    """

    def __init__(self, scope: Construct, id_: str, config: ModelConfig) -> None:
        super().__init__(scope, id_)
        definition = config.definition
        containers = arguments(definition)
        isolated = config.network_isolation and not config.serverless
        content: dict[str, object] = {
            "kind": definition.kind,
            "containers": containers,
            "execution_role_arn": config.execution_role_arn,
            "subnet_ids": list(config.subnet_ids),
            "security_group_ids": list(config.security_group_ids),
            "network_isolation": isolated,
        }
        revision = Revision(self, "revision", content)
        several = isinstance(definition, (Serial, Direct))
        model = SagemakerModel(
            self,
            "this",
            name=f"{config.name}-{revision.suffix}",
            execution_role_arn=config.execution_role_arn,
            enable_network_isolation=isolated,
            primary_container=None if several else SagemakerModelPrimaryContainer(**containers[0]),
            container=[SagemakerModelContainer(**one) for one in containers] if several else None,
            inference_execution_config=SagemakerModelInferenceExecutionConfig(mode=definition.kind)
            if several
            else None,
            vpc_config=None
            if config.serverless
            else SagemakerModelVpcConfig(
                subnets=list(config.subnet_ids), security_group_ids=list(config.security_group_ids)
            ),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self.outputs = ModelOutputs(name=model.name, arn=model.arn)


def arguments(definition: Container | ModelPackage | Serial | Direct) -> list[dict[str, Any]]:
    """Return the arguments of each container's block, of which a model's revision is made as well."""
    if isinstance(definition, ModelPackage):
        package = {"model_package_name": definition.model_package_arn}
        return [{**package, **_environment(definition)}]
    if isinstance(definition, Direct):
        names = [{"container_hostname": name} for name in sorted(definition.containers)]
    else:
        names = [{} for _ in definition.all_containers]
    return [{**name, **_container(one)} for name, one in zip(names, definition.all_containers, strict=True)]


def _container(container: Container) -> dict[str, Any]:
    made: dict[str, Any] = {"image": container.image}
    if container.model_data_url is not None:
        made["model_data_url"] = container.model_data_url
    if container.mode == "MultiModel":
        made["mode"] = container.mode
    if container.model_cache_setting is not None:
        made["multi_model_config"] = {"model_cache_setting": container.model_cache_setting}
    if container.repository_access == "Vpc":
        made["image_config"] = {"repository_access_mode": "Vpc"}
    return {**made, **_environment(container)}


def _environment(definition: Container | ModelPackage) -> dict[str, Any]:
    return {"environment": dict(sorted(definition.environment.items()))} if definition.environment else {}
