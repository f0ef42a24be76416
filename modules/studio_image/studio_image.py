"""SageMaker image: a container image of yours, for the apps of Studio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from constructs import Construct

from .._aws.sagemaker_app_image_config import (
    SagemakerAppImageConfig,
    SagemakerAppImageConfigCodeEditorAppImageConfig,
    SagemakerAppImageConfigCodeEditorAppImageConfigContainerConfig,
    SagemakerAppImageConfigCodeEditorAppImageConfigFileSystemConfig,
    SagemakerAppImageConfigJupyterLabImageConfig,
    SagemakerAppImageConfigJupyterLabImageConfigContainerConfig,
    SagemakerAppImageConfigJupyterLabImageConfigFileSystemConfig,
)
from .._aws.sagemaker_image import SagemakerImage
from .._aws.sagemaker_image_version import SagemakerImageVersion
from .._core import at_most, matches, one_of, record, refuse, when
from .._core.checks import no_longer_than, printable

APP_TYPES = ("CodeEditor", "JupyterLab")
BASE_IMAGE = (
    r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}"
)
USERS = {"sagemaker-user": (1000, 100), "root": (0, 0)}
"""Users that an app may run as: POSIX user and group.

https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-jl-admin-guide-custom-images.html
"""


@record
class Image:
    """A container image that an app of Studio runs in.

    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-jl-admin-guide-custom-images.html
    """

    base_image: str
    """Image in Amazon ECR by digest, `<registry>/<repository>@sha256:<64 hexadecimal digits>`: a tag may be
    moved."""
    app_type: Literal["CodeEditor", "JupyterLab"] = "JupyterLab"
    """Kind of app that offers it."""
    display_name: str | None = None
    """What people see, at most 128 characters; the image's name if none is given."""
    description: str | None = None
    """What is in it, at most 512 characters."""
    user: Literal["sagemaker-user", "root"] = "sagemaker-user"
    """POSIX user that the app runs as; 1000 of group 100, unless it is root."""
    mount_path: str = "/home/sagemaker-user"
    """Where the user's home is in the container."""
    container_entrypoint: str | None = None
    """Command that starts the app; the image's own if none is given."""
    container_arguments: tuple[str, ...] = ()
    """Its arguments, at most 50; the image's own if there are none."""
    container_environment_variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables, at most 25."""

    def __post_init__(self) -> None:
        refuse(
            matches(
                "base_image",
                self.base_image,
                BASE_IMAGE,
                "111122223333.dkr.ecr.eu-west-1.amazonaws.com/lab@sha256:<64 hexadecimal digits>",
            ),
            no_longer_than("base_image", self.base_image, 255),
            one_of("app_type", self.app_type, APP_TYPES),
            matches("display_name", self.display_name, r"\S(.*\S)?", "PyTorch 2"),
            no_longer_than("display_name", self.display_name, 128),
            when(self.description == "", "description: supply a text or leave it out, got ''"),
            no_longer_than("description", self.description, 512),
            printable("description", self.description),
            one_of("user", self.user, USERS),
            matches("mount_path", self.mount_path, "/.*", "/home/sagemaker-user"),
            no_longer_than("mount_path", self.mount_path, 1024),
            matches("container_entrypoint", self.container_entrypoint, r"\S+", "jupyter-lab"),
            no_longer_than("container_entrypoint", self.container_entrypoint, 256),
            at_most("container_arguments: number of arguments", len(self.container_arguments), 50),
            *(no_longer_than("container_arguments", each, 64) for each in self.container_arguments),
            at_most(
                "container_environment_variables: number of variables",
                len(self.container_environment_variables),
                25,
            ),
            *(
                problem
                for key, value in self.container_environment_variables.items()
                for problem in (
                    matches("container_environment_variables: key", key, r"(?!\s*$).+", "LOG_LEVEL"),
                    no_longer_than("container_environment_variables: key", key, 256),
                    no_longer_than(f"container_environment_variables.{key}", value, 256),
                )
            ),
        )


@record
class StudioImageConfig:
    """An image, and the role with which SageMaker fetches it."""

    name: str
    """The image's name, at most 63 characters."""
    role_arn: str
    """Role that SageMaker takes to fetch the container image: `Role.outputs.arn` of one with `fetch(…)`.
    Another one replaces the image."""
    image: Image
    """Container image, and how an app runs in it."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-lab"),
            no_longer_than("name", self.name, 63),
            matches(
                "role_arn",
                self.role_arn,
                r"arn:aws[a-z-]*:iam::\d{12}:role/.+",
                "arn:aws:iam::111122223333:role/acme-dev-studio-image",
            ),
        )


@record
class StudioImageOutputs:
    """What others need of an image; a domain takes all of it."""

    name: str
    """The image's name."""
    arn: str
    """The image's ARN."""
    version: float
    """Number of the version that is there; another one for each container image."""
    app_image_config_name: str
    """How an app runs in it."""
    app_type: str
    """Kind of app that offers it."""


class StudioImage(Construct):
    """One image, one version: the container image that is declared.

    Provider 5.100 knows a version by its image's name alone and always reads the newest. With two of one
    image it replaces the older for ever and fails, and with create-before-destroy it deletes the wrong one.
    So a new container image removes the version and adds another, one after the other, which also keeps
    SageMaker from answering ResourceInUse.
    https://github.com/hashicorp/terraform-provider-aws/issues/40597
    """

    def __init__(self, scope: Construct, id_: str, config: StudioImageConfig) -> None:
        super().__init__(scope, id_)
        image = SagemakerImage(
            self,
            "this",
            image_name=config.name,
            role_arn=config.role_arn,
            display_name=config.image.display_name,
            description=config.image.description,
        )
        version = SagemakerImageVersion(
            self, "version", image_name=image.image_name, base_image=config.image.base_image
        )
        app = SagemakerAppImageConfig(
            self,
            "app_image_config",
            app_image_config_name=config.name,
            code_editor_app_image_config=_code_editor(config.image)
            if config.image.app_type == "CodeEditor"
            else None,
            jupyter_lab_image_config=_jupyter_lab(config.image)
            if config.image.app_type == "JupyterLab"
            else None,
        )
        self.outputs = StudioImageOutputs(
            name=version.image_name,
            arn=image.arn,
            version=version.version,
            app_image_config_name=app.app_image_config_name,
            app_type=config.image.app_type,
        )


def _code_editor(image: Image) -> SagemakerAppImageConfigCodeEditorAppImageConfig:
    uid, gid = USERS[image.user]
    return SagemakerAppImageConfigCodeEditorAppImageConfig(
        file_system_config=SagemakerAppImageConfigCodeEditorAppImageConfigFileSystemConfig(
            default_uid=uid, default_gid=gid, mount_path=image.mount_path
        ),
        container_config=SagemakerAppImageConfigCodeEditorAppImageConfigContainerConfig(
            container_entrypoint=_listed(image.container_entrypoint),
            container_arguments=list(image.container_arguments) or None,
            container_environment_variables=dict(sorted(image.container_environment_variables.items()))
            or None,
        )
        if _has_container_config(image)
        else None,
    )


def _jupyter_lab(image: Image) -> SagemakerAppImageConfigJupyterLabImageConfig:
    uid, gid = USERS[image.user]
    return SagemakerAppImageConfigJupyterLabImageConfig(
        file_system_config=SagemakerAppImageConfigJupyterLabImageConfigFileSystemConfig(
            default_uid=uid, default_gid=gid, mount_path=image.mount_path
        ),
        container_config=SagemakerAppImageConfigJupyterLabImageConfigContainerConfig(
            container_entrypoint=_listed(image.container_entrypoint),
            container_arguments=list(image.container_arguments) or None,
            container_environment_variables=dict(sorted(image.container_environment_variables.items()))
            or None,
        )
        if _has_container_config(image)
        else None,
    )


def _listed(entrypoint: str | None) -> list[str] | None:
    return None if entrypoint is None else [entrypoint]


def _has_container_config(image: Image) -> bool:
    """Tell whether anything of the container is said: an empty block would be a change for ever."""
    return bool(
        image.container_entrypoint or image.container_arguments or image.container_environment_variables
    )
