"""SageMaker model: a container image, its artifact, and the role and network that it runs in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from .._aws.sagemaker_model import (
    SagemakerModel,
    SagemakerModelPrimaryContainer,
    SagemakerModelPrimaryContainerImageConfig,
    SagemakerModelVpcConfig,
)
from .._core import at_most, matches, not_empty, one_of, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.revision import Revision

REGISTRIES = {
    "Platform": (
        r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:<64 hexadecimal digits>",
    ),
    "Vpc": (r"[a-z0-9][a-z0-9.-]*(:\d+)?", "registry.example.com/churn@sha256:<64 hexadecimal digits>"),
}
"""Where an image may be, by the way to it: pattern of the host, and an example of an image."""

DIGEST = r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}"
SECRET = r"(.*_)?(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(API|ACCESS|PRIVATE|SECRET)_?KEY)"
VOCABULARY = r"(.*_)?(BOS|CLS|EOS|MASK|PAD|SEP|UNK)_TOKEN"


@record
class Container:
    """What a model runs: an image, pinned by digest, and the artifact and settings that it is given.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """

    image: str
    """Image by digest, `<registry>/<repository>@sha256:<64 hexadecimal digits>`: a tag may be moved."""
    model_data_url: str | None = None
    """S3 address of the model's artifact, one `.tar.gz`; none when the image holds the model."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables, at most 100. They can be read by whoever may describe the model, and stand
    in Terraform's state: keys that name a secret are refused, unless the value is the ARN of one."""
    repository_access: Literal["Platform", "Vpc"] = "Platform"
    """`Platform`: the image is in Amazon ECR. `Vpc`: in a private registry that the subnets reach."""

    def __post_init__(self) -> None:
        refuse(one_of("repository_access", self.repository_access, REGISTRIES))
        registry, example = REGISTRIES[self.repository_access]
        size = sum(len(key.encode()) + len(value.encode()) for key, value in self.environment.items())
        refuse(
            matches("image", self.image, registry + DIGEST, example),
            no_longer_than("image", self.image, 255),
            matches(
                "model_data_url", self.model_data_url, r"s3://[^/]+/.+\.tar\.gz", "s3://bucket/model.tar.gz"
            ),
            no_longer_than("model_data_url", self.model_data_url, 1024),
            at_most("environment: number of variables", len(self.environment), 100),
            at_most("environment: bytes of all keys and values", size, 32 * 1024),
            *(
                problem
                for key, value in self.environment.items()
                for problem in (
                    matches("environment: key", key, "[a-zA-Z_][a-zA-Z0-9_]*", "LOG_LEVEL"),
                    no_longer_than("environment: key", key, 1024),
                    when(
                        not unresolved(value) and len(value) > 1024,
                        f"environment.{key}: supply at most 1024 characters, got {len(value)}",
                    ),
                    _no_secret(key, value),
                )
            ),
        )


def _no_secret(key: str, value: str) -> str | None:
    """Check that a variable is no secret, by its key; the value is never repeated."""
    named = re.fullmatch(SECRET, key.upper()) and not re.fullmatch(VOCABULARY, key.upper())
    return when(
        named and not value.startswith("arn:") and not unresolved(value),
        f"environment.{key}: supply the ARN of a secret, which the container reads; "
        "got a value in clear under the name of a secret",
    )


@record
class ModelConfig:
    """What a model is made of."""

    name: str
    """Start of the model's name, at most 54 characters: each revision adds eight random digits."""
    execution_role_arn: str
    """Role that SageMaker takes to fetch image and artifact, and that the container acts as. Pass
    `Role.outputs.arn`, which is known only when the role's permissions are in place."""
    subnet_ids: tuple[str, ...]
    """Subnets of the container's network interfaces, 1 to 16; two or more Availability Zones."""
    security_group_ids: tuple[str, ...]
    """Security groups of these interfaces, 1 to 5."""
    container: Container
    """Image, artifact and settings."""
    network_isolation: bool = True
    """The container can make no network call, not even to S3; SageMaker fetches the artifact for it."""

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
            not_empty("subnet_ids", self.subnet_ids),
            at_most("subnet_ids: number of subnets", len(self.subnet_ids), 16),
            not_empty("security_group_ids", self.security_group_ids),
            at_most("security_group_ids: number of groups", len(self.security_group_ids), 5),
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
        container = config.container
        content: dict[str, object] = {
            "image": container.image,
            "model_data_url": container.model_data_url,
            "environment": dict(sorted(container.environment.items())),
            "repository_access": container.repository_access,
            "execution_role_arn": config.execution_role_arn,
            "subnet_ids": list(config.subnet_ids),
            "security_group_ids": list(config.security_group_ids),
            "network_isolation": config.network_isolation,
        }
        revision = Revision(
            self, "revision", {key: value for key, value in content.items() if value is not None}
        )
        model = SagemakerModel(
            self,
            "this",
            name=f"{config.name}-{revision.suffix}",
            execution_role_arn=config.execution_role_arn,
            enable_network_isolation=config.network_isolation,
            primary_container=SagemakerModelPrimaryContainer(
                image=container.image,
                model_data_url=container.model_data_url,
                environment=dict(sorted(container.environment.items())) or None,
                image_config=SagemakerModelPrimaryContainerImageConfig(repository_access_mode="Vpc")
                if container.repository_access == "Vpc"
                else None,
            ),
            vpc_config=SagemakerModelVpcConfig(
                subnets=list(config.subnet_ids), security_group_ids=list(config.security_group_ids)
            ),
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self.outputs = ModelOutputs(name=model.name, arn=model.arn)
