"""What a model runs: one container or several, or a version from the registry; value objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Literal

from .._core import ByKind, at_least, at_most, matches, one_of, record, refuse, unresolved, when
from .._core.checks import no_longer_than

REGISTRIES = {
    "Platform": (
        r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:<64 hexadecimal digits>",
    ),
    "Vpc": (r"[a-z0-9][a-z0-9.-]*(:\d+)?", "registry.example.com/churn@sha256:<64 hexadecimal digits>"),
}
"""Where an image may be, by the way to it: pattern of the host, and an example of an image."""

DIGEST = r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}"
ARTIFACTS = {
    "SingleModel": (r"s3://[^/]+/.+\.tar\.gz", "s3://bucket/model.tar.gz"),
    "MultiModel": (r"s3://[^/]+/(.+/)?", "s3://bucket/models/"),
}
"""What the address of the artifact is, by the mode of the container: pattern, and an example."""
HOSTNAME = "[a-zA-Z0-9](-*[a-zA-Z0-9])*"
SECRET = r"(.*_)?(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(API|ACCESS|PRIVATE|SECRET)_?KEY)"
VOCABULARY = r"(.*_)?(BOS|CLS|EOS|MASK|PAD|SEP|UNK)_TOKEN"
LARGEST_ENVIRONMENT = 32 * 1024


@record
class Container:
    """An image, pinned by digest, and the artifact and settings that it is given.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
    """

    image: str
    """Image by digest, `<registry>/<repository>@sha256:<64 hexadecimal digits>`: a tag may be moved."""
    kind: Literal["Container"] = "Container"
    """Names this kind of model in an environment file."""
    mode: Literal["SingleModel", "MultiModel"] = "SingleModel"
    """`MultiModel`: it fetches the model that a caller names, `TargetModel`, when it is asked for it."""
    model_data_url: str | None = None
    """S3 address of the model's artifact, one `.tar.gz`; none when the image holds the model. In mode
    `MultiModel` the prefix, with a `/` at its end, under which the artifacts are."""
    model_cache_setting: Literal["Enabled", "Disabled"] | None = None
    """Whether `MultiModel` keeps models in memory, which SageMaker does unless it is `Disabled`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables, at most 100. They can be read by whoever may describe the model, and stand
    in Terraform's state: keys that name a secret are refused, unless the value is the ARN of one."""
    repository_access: Literal["Platform", "Vpc"] = "Platform"
    """`Platform`: the image is in Amazon ECR. `Vpc`: in a private registry that the subnets reach."""

    def __post_init__(self) -> None:
        refuse(
            one_of("repository_access", self.repository_access, REGISTRIES),
            one_of("mode", self.mode, ARTIFACTS),
        )
        multi = self.mode == "MultiModel"
        registry, example = REGISTRIES[self.repository_access]
        refuse(
            matches("image", self.image, registry + DIGEST, example),
            no_longer_than("image", self.image, 255),
            matches("model_data_url", self.model_data_url, *ARTIFACTS[self.mode]),
            no_longer_than("model_data_url", self.model_data_url, 1024),
            when(
                multi and self.model_data_url is None,
                "model_data_url: supply the prefix of the artifacts for mode MultiModel, got none",
            ),
            one_of("model_cache_setting", self.model_cache_setting, ("Enabled", "Disabled")),
            when(
                not multi and self.model_cache_setting is not None,
                f"model_cache_setting: supply it with mode MultiModel only, got {self.model_cache_setting!r}",
            ),
            *_settings(self.environment),
        )

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """The containers whose image and artifact are known: itself."""
        return (self,)


@record
class ModelPackage:
    """An approved version of a model in the registry, with the images and artifacts that it names.

    Which version is an input: approving one changes nothing that is deployed.
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html
    """

    model_package_arn: str
    """The version: `arn:aws:sagemaker:<region>:<account>:model-package/<group>/<number>`."""
    kind: Literal["ModelPackage"] = "ModelPackage"
    """Names this kind of model in an environment file."""
    images: tuple[str, ...] = ()
    """Images that the version names: the execution role may fetch these, and no other."""
    model_data_urls: tuple[str, ...] = ()
    """Artifacts in S3 that the version names: the execution role may read these, and no other."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables beside those of the version, as for a container."""

    def __post_init__(self) -> None:
        refuse(
            matches(
                "model_package_arn",
                self.model_package_arn,
                r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}/[1-9]\d{0,8}",
                "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/7",
            ),
            *(
                matches("images", image, r"[^\s/]+/[^\s]+[:@][^\s/]+", REGISTRIES["Platform"][1])
                for image in self.images
            ),
            *(
                matches("model_data_urls", url, r"s3://[^/]+/.+", "s3://bucket/model.tar.gz")
                for url in self.model_data_urls
            ),
            *_settings(self.environment),
        )

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """The containers whose image and artifact are known: none, since the registry holds them."""
        return ()


@record
class Serial:
    """Containers in a row: each gets the answer of the one before, and the caller that of the last.

    https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html
    """

    containers: tuple[Container, ...]
    """The containers in their order, 2 to 15; at most one of mode `MultiModel`."""
    kind: Literal["Serial"] = "Serial"
    """Names this kind of model in an environment file."""

    def __post_init__(self) -> None:
        multi = sum(container.mode == "MultiModel" for container in self.containers)
        refuse(
            *_several(self.containers),
            when(multi > 1, f"containers: supply at most one of mode MultiModel, got {multi}"),
        )

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """The containers in their order."""
        return self.containers


@record
class Direct:
    """Containers side by side on the same instances: the caller names one, `TargetContainerHostname`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-direct.html
    """

    containers: Mapping[str, Container]
    """The containers by the name that callers give, 2 to 15; none of mode `MultiModel`."""
    kind: Literal["Direct"] = "Direct"
    """Names this kind of model in an environment file."""

    def __post_init__(self) -> None:
        refuse(
            *_several(self.all_containers),
            *(
                problem
                for hostname, container in self.containers.items()
                for problem in (
                    matches("containers: name", hostname, HOSTNAME, "churn"),
                    no_longer_than("containers: name", hostname, 63),
                    when(
                        container.mode == "MultiModel",
                        f"containers.{hostname}.mode: supply SingleModel, got 'MultiModel'",
                    ),
                )
            ),
        )

    @property
    def all_containers(self) -> tuple[Container, ...]:
        """The containers in the alphabetical order of their names."""
        return tuple(container for _, container in sorted(self.containers.items()))


Definition = Annotated[Container | ModelPackage | Serial | Direct, ByKind()]
"""Everything that a model can run; told apart by `kind`."""


def _several(containers: tuple[Container, ...]) -> Iterator[str | None]:
    """Yield the problems of several containers together."""
    yield at_least("containers: number of containers", len(containers), 2)
    yield at_most("containers: number of containers", len(containers), 15)
    size = sum(_size(container.environment) for container in containers)
    yield at_most("containers: bytes of all keys and values of environment", size, LARGEST_ENVIRONMENT)


def _size(environment: Mapping[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in environment.items())


def _settings(environment: Mapping[str, str]) -> Iterator[str | None]:
    """Yield the problems of environment variables."""
    yield at_most("environment: number of variables", len(environment), 100)
    yield at_most("environment: bytes of all keys and values", _size(environment), LARGEST_ENVIRONMENT)
    for key, value in environment.items():
        yield matches("environment: key", key, "[a-zA-Z_][a-zA-Z0-9_]*", "LOG_LEVEL")
        yield no_longer_than("environment: key", key, 1024)
        yield when(
            not unresolved(value) and len(value) > 1024,
            f"environment.{key}: supply at most 1024 characters, got {len(value)}",
        )
        yield _no_secret(key, value)


def _no_secret(key: str, value: str) -> str | None:
    """Check that a variable is no secret, by its key; the value is never repeated."""
    named = re.fullmatch(SECRET, key.upper()) and not re.fullmatch(VOCABULARY, key.upper())
    return when(
        named and not value.startswith("arn:") and not unresolved(value),
        f"environment.{key}: supply the ARN of a secret, which the container reads; "
        "got a value in clear under the name of a secret",
    )
