"""What people decide about SageMaker Studio: value objects, as they stand in an environment file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from typing import Literal

from .._core import (
    at_least,
    at_most,
    distinct,
    matches,
    one_of,
    record,
    refuse,
    unresolved,
    when,
)
from .._core.checks import no_longer_than
from ..code_repository import GitRepository
from ..studio_image import Image
from ..studio_lifecycle_config import Script

NAME = "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
"""What SageMaker allows as the name of a profile or a space, of up to 63 characters, with single hyphens:
two names never give one Terraform address."""

Persona = Literal["Approver", "DataScientist", "MlEngineer", "Viewer"]
PERSONAS: tuple[Persona, ...] = ("Approver", "DataScientist", "MlEngineer", "Viewer")

AppType = Literal["CodeEditor", "JupyterLab"]
APP_TYPES: tuple[AppType, ...] = ("CodeEditor", "JupyterLab")

CanvasFeature = Literal[
    "DirectDeploy", "EmrServerless", "GenerativeAi", "Kendra", "ModelRegister", "TimeSeriesForecasting"
]
CANVAS_FEATURES: tuple[CanvasFeature, ...] = (
    "DirectDeploy",
    "EmrServerless",
    "GenerativeAi",
    "Kendra",
    "ModelRegister",
    "TimeSeriesForecasting",
)
INSTANCE_TYPE = r"ml\.[a-z0-9-]+\.[a-z0-9]+"


@record
class PublicInternet:
    """Apps reach the internet past the VPC, its security groups and its flow logs."""

    reason: str
    """Why it must be so; for those who review it."""

    def __post_init__(self) -> None:
        refuse(when(not self.reason.strip(), "reason: supply why apps must reach the internet, got nothing"))


@record
class IdleShutdown:
    """When an app that nobody uses is shut down; people may choose another time within the bounds.

    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-idle-shutdown.html
    """

    idle_timeout_minutes: int = 120
    """How long an app may be idle, 60 to 525600."""
    min_idle_timeout_minutes: int = 60
    """The shortest time that people may choose."""
    max_idle_timeout_minutes: int = 480
    """The longest time that people may choose."""

    def __post_init__(self) -> None:
        shortest, chosen, longest = (
            self.min_idle_timeout_minutes,
            self.idle_timeout_minutes,
            self.max_idle_timeout_minutes,
        )
        refuse(
            at_least("min_idle_timeout_minutes", shortest, 60),
            at_most("max_idle_timeout_minutes", longest, 525_600),
            None if unresolved(shortest) else at_least("idle_timeout_minutes", chosen, shortest),
            None if unresolved(longest) else at_most("idle_timeout_minutes", chosen, longest),
        )


@record
class App:
    """How an app starts, JupyterLab or Code Editor, unless people choose otherwise."""

    instance_type: str = "ml.t3.medium"
    """Machine that it runs on; `limits` tell which ones people may choose."""
    idle_shutdown: IdleShutdown | None = IdleShutdown()
    """`null` lets it run, and cost, until somebody stops it."""
    default_lifecycle_config: str | None = None
    """Script that runs at its start: a key of `lifecycle_configs`, of this kind of app; people may choose
    another one, or none."""

    def __post_init__(self) -> None:
        refuse(matches("instance_type", self.instance_type, INSTANCE_TYPE, "ml.t3.medium"))


@record
class Canvas:
    """SageMaker Canvas: models without code. These are settings; what they do needs permissions, too.

    https://docs.aws.amazon.com/sagemaker/latest/dg/canvas-getting-started.html
    """

    features: tuple[CanvasFeature, ...] = ()
    """What is enabled; all else is disabled. `EmrServerless` and `GenerativeAi` need roles of their own."""
    identity_providers: Mapping[Literal["SalesforceGenie", "Snowflake"], str] = field(default_factory=dict)
    """Data sources that people sign in to by OAuth, each with the ARN of its secret in Secrets Manager."""

    def __post_init__(self) -> None:
        refuse(
            *(one_of("features", feature, CANVAS_FEATURES) for feature in self.features),
            distinct("features", self.features),
            *(
                problem
                for source, secret_arn in self.identity_providers.items()
                for problem in (
                    one_of("identity_providers", source, ("SalesforceGenie", "Snowflake")),
                    matches(
                        f"identity_providers.{source}",
                        secret_arn,
                        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+",
                        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:snowflake-AbCdEf",
                    ),
                )
            ),
        )


@record
class Docker:
    """Containers may be built and run in apps, from the images of these accounts alone.

    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-local.html
    """

    trusted_account_ids: tuple[str, ...] = ()
    """Accounts of Amazon ECR beside the domain's own, at most 20."""

    def __post_init__(self) -> None:
        refuse(
            at_most("trusted_account_ids: number of accounts", len(self.trusted_account_ids), 20),
            distinct("trusted_account_ids", self.trusted_account_ids),
            *(
                matches("trusted_account_ids", each, r"\d{12}", "111122223333")
                for each in self.trusted_account_ids
            ),
        )


@record
class EbsStorage:
    """Volumes of spaces, encrypted with the domain's key.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DefaultEbsStorageSettings.html
    """

    default_volume_size_gb: int = 20
    """Size if nobody says otherwise, 5 to 16384."""
    maximum_volume_size_gb: int = 100
    """The most that people may choose."""

    def __post_init__(self) -> None:
        maximum = self.maximum_volume_size_gb
        refuse(
            at_least("default_volume_size_gb", self.default_volume_size_gb, 5),
            at_most("maximum_volume_size_gb", maximum, 16_384),
            None
            if unresolved(maximum)
            else at_most("default_volume_size_gb", self.default_volume_size_gb, maximum),
        )


@record
class SharedSpaces:
    """Spaces that several people work in at once, all with the rights of one persona.

    https://docs.aws.amazon.com/sagemaker/latest/dg/domain-space.html
    """

    persona: Literal["DataScientist", "Viewer"] = "DataScientist"
    """Whose execution role their apps have, whoever uses them; none that has rights which others lack."""

    def __post_init__(self) -> None:
        refuse(one_of("persona", self.persona, ("DataScientist", "Viewer")))


@record
class Profile:
    """One person in Studio."""

    persona: Persona
    """What the person may do: `Viewer` looks; `DataScientist` runs apps and jobs, and registers models;
    `MlEngineer` also makes models, transforms data, runs pipelines and calls endpoints; `Approver` looks,
    and alone approves models."""
    sso_user_name: str | None = None
    """User name in IAM Identity Center; needed where `auth_mode` is SSO, and only there."""

    def __post_init__(self) -> None:
        refuse(
            one_of("persona", self.persona, PERSONAS),
            matches("sso_user_name", self.sso_user_name, r"\S+", "ada@acme.example"),
            no_longer_than("sso_user_name", self.sso_user_name, 256),
        )


@record
class Space:
    """A volume and an app on it. Owner, sharing and kind of app are fixed: another one replaces the space.

    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-spaces.html
    """

    owner: str
    """Whose it is: a key of `profiles`."""
    sharing_type: Literal["Private", "Shared"] = "Private"
    """`Private`: only the owner uses it. `Shared`: whoever may run apps in shared spaces."""
    app_type: AppType = "JupyterLab"
    """Kind of app; a shared space is for JupyterLab only."""
    display_name: str | None = None
    """What people see, at most 64 characters; the space's name if none is given."""
    ebs_volume_size_gb: int | None = None
    """Size of its volume; it can grow in place, and never shrinks. That of `ebs_storage` by default."""

    def __post_init__(self) -> None:
        refuse(
            one_of("sharing_type", self.sharing_type, ("Private", "Shared")),
            one_of("app_type", self.app_type, APP_TYPES),
            when(
                self.sharing_type == "Shared" and self.app_type == "CodeEditor",
                "app_type: supply JupyterLab for a shared space, got 'CodeEditor'",
            ),
            matches("display_name", self.display_name, r"(?!\s*$).+", "Churn"),
            no_longer_than("display_name", self.display_name, 64),
            at_least("ebs_volume_size_gb", self.ebs_volume_size_gb, 5),
            at_most("ebs_volume_size_gb", self.ebs_volume_size_gb, 16_384),
        )


@record
class Limits:
    """What data scientists and ML engineers may choose; in patterns, `*` stands for anything."""

    app_instance_types: tuple[str, ...] = ("ml.t3.*", "ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge")
    """Machines for apps."""
    job_instance_types: tuple[str, ...] = ("ml.m5.*", "ml.c5.*", "ml.g4dn.*", "ml.g5.*")
    """Machines for jobs."""
    max_runtime_seconds: int = 86_400
    """How long a training, tuning or processing job may take at most."""

    def __post_init__(self) -> None:
        refuse(
            *(
                problem
                for name, patterns in (
                    ("app_instance_types", self.app_instance_types),
                    ("job_instance_types", self.job_instance_types),
                )
                for problem in (
                    when(not patterns, f"{name}: supply at least one, got none"),
                    distinct(name, patterns),
                    *(matches(name, each, r"ml\.[a-z0-9*-]+\.[a-z0-9*]+", "ml.m5.*") for each in patterns),
                )
            ),
            at_least("max_runtime_seconds", self.max_runtime_seconds, 1),
        )


@record
class Studio:
    """A domain: who works in it, with which apps, and what they find there.

    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated.html
    """

    auth_mode: Literal["IAM", "SSO"] = "IAM"
    """How people come in: through a role that may open their profile, or through IAM Identity Center.
    Another one replaces the domain."""
    public_internet: PublicInternet | None = None
    """Lets apps out of the VPC; without it, all traffic is there (VpcOnly). A change replaces the domain."""
    retain_home_efs_file_system: bool = True
    """Whether the homes outlive the domain. Their mount targets keep the subnets from being deleted."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """People by the name of their profile."""
    spaces: Mapping[str, Space] = field(default_factory=dict)
    """Spaces by name, beside those that people make themselves."""
    shared_spaces: SharedSpaces | None = None
    """Allows shared spaces; there are none without it."""
    jupyter_lab: App | None = App()
    """JupyterLab; `null` hides it."""
    code_editor: App | None = App()
    """Code Editor; `null` hides it."""
    canvas: Canvas | None = None
    """Canvas, which is hidden without it."""
    docker: Docker | None = None
    """Containers in apps; without it, there are none."""
    ebs_storage: EbsStorage = EbsStorage()
    """Sizes of the spaces' volumes."""
    limits: Limits = Limits()
    """What data scientists and ML engineers may choose."""
    share_notebook_outputs: bool = False
    """Whether shared notebooks show the output of their cells, which may hold data."""
    tag_propagation: bool = True
    """Whether tags of the domain, a profile or a space are set on apps and volumes."""
    name_in_sessions: bool = False
    """Whether CloudTrail shows the profile's name as the source identity of what apps do. The execution
    roles must then trust SageMaker with `sts:SetSourceIdentity`, or no app starts."""
    images: Mapping[str, Image] = field(default_factory=dict)
    """Container images by name; each kind of app offers its own."""
    lifecycle_configs: Mapping[str, Script] = field(default_factory=dict)
    """Scripts by name; each kind of app offers its own."""
    code_repositories: Mapping[str, GitRepository] = field(default_factory=dict)
    """Git repositories by name, at most 10; JupyterLab offers them for cloning."""

    def __post_init__(self) -> None:
        docker = self.docker
        refuse(
            one_of("auth_mode", self.auth_mode, ("IAM", "SSO")),
            *self._names(),
            *(problem for name, profile in self.profiles.items() for problem in self._profile(name, profile)),
            *(problem for name, space in self.spaces.items() for problem in self._space(name, space)),
            *(problem for app_type, app in self.apps.items() for problem in self._app(app_type, app)),
            *(
                when(
                    one.app_type not in self.apps,
                    f"{kind}.{name}.app_type: supply a kind of app that is there, got {one.app_type!r}",
                )
                for kind, named in (("images", self.images), ("lifecycle_configs", self.lifecycle_configs))
                for name, one in named.items()
            ),
            when(
                docker and docker.trusted_account_ids and self.public_internet,
                "docker.trusted_account_ids: supply none together with public_internet, where AWS does not "
                "look at them",
            ),
            at_most("images: number of images", len(self.images), 200),
            at_most("code_repositories: number of repositories", len(self.code_repositories), 10),
        )

    @property
    def apps(self) -> dict[AppType, App]:
        """The kinds of apps that are there, with their settings."""
        found: dict[AppType, App | None] = {"CodeEditor": self.code_editor, "JupyterLab": self.jupyter_lab}
        return {app_type: app for app_type, app in found.items() if app is not None}

    @property
    def personas(self) -> tuple[Persona, ...]:
        """The personas whose roles the domain needs: `Viewer` for whoever has none."""
        used: set[Persona] = {"Viewer", *(profile.persona for profile in self.profiles.values())}
        if self.shared_spaces:
            used.add(self.shared_spaces.persona)
        return tuple(sorted(used))

    def _names(self) -> Iterator[str | None]:
        for kind, names in (
            ("profiles", self.profiles),
            ("spaces", self.spaces),
            ("images", self.images),
            ("lifecycle_configs", self.lifecycle_configs),
            ("code_repositories", self.code_repositories),
        ):
            for name in names:
                yield matches(f"{kind}: name", name, NAME, "churn")
                yield no_longer_than(f"{kind}: name", name, 63)
        yield distinct("profiles: names, whatever their case", map(str.lower, self.profiles))

    def _profile(self, name: str, profile: Profile) -> Iterator[str | None]:
        path = f"profiles.{name}.sso_user_name"
        yield when(
            self.auth_mode == "SSO" and profile.sso_user_name is None,
            f"{path}: supply the person's user name in IAM Identity Center, since auth_mode is SSO",
        )
        yield when(
            self.auth_mode == "IAM" and profile.sso_user_name is not None,
            f"{path}: supply none, since auth_mode is IAM; got {profile.sso_user_name!r}",
        )

    def _space(self, name: str, space: Space) -> Iterator[str | None]:
        path = f"spaces.{name}"
        legal = ", ".join(sorted(self.profiles)) or "none"
        yield when(
            space.owner not in self.profiles,
            f"{path}.owner: supply one of the profiles {legal}, got {space.owner!r}",
        )
        yield when(
            space.app_type not in self.apps,
            f"{path}.app_type: supply a kind of app that is there, got {space.app_type!r}",
        )
        yield when(
            space.sharing_type == "Shared" and not self.shared_spaces,
            f"{path}.sharing_type: supply shared_spaces, or Private, got 'Shared'",
        )
        if not unresolved(self.ebs_storage.maximum_volume_size_gb):
            yield at_most(
                f"{path}.ebs_volume_size_gb",
                space.ebs_volume_size_gb,
                self.ebs_storage.maximum_volume_size_gb,
            )

    def _app(self, app_type: AppType, app: App) -> Iterator[str | None]:
        own = sorted(key for key, one in self.lifecycle_configs.items() if one.app_type == app_type)
        legal = self.limits.app_instance_types
        path = "jupyter_lab" if app_type == "JupyterLab" else "code_editor"
        yield when(
            app.default_lifecycle_config is not None and app.default_lifecycle_config not in own,
            f"{path}.default_lifecycle_config: supply one of the {app_type} scripts "
            f"{', '.join(own) or 'none'}, got {app.default_lifecycle_config!r}",
        )
        yield when(
            not unresolved((app.instance_type, *legal))
            and not any(fnmatchcase(app.instance_type, pattern) for pattern in legal),
            f"{path}.instance_type: supply one that limits.app_instance_types allow, {', '.join(legal)}; "
            f"got {app.instance_type!r}",
        )
