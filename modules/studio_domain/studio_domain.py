"""SageMaker Studio: a domain in a VPC, its people and spaces, and what they find there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from cdktf import TerraformResource, TerraformResourceLifecycle
from constructs import Construct

from .._aws.sagemaker_domain import SagemakerDomain, SagemakerDomainRetentionPolicy
from .._aws.sagemaker_space import (
    SagemakerSpace,
    SagemakerSpaceOwnershipSettings,
    SagemakerSpaceSpaceSettings,
    SagemakerSpaceSpaceSharingSettings,
)
from .._aws.sagemaker_user_profile import SagemakerUserProfile, SagemakerUserProfileUserSettings
from .._core import (
    Statement,
    at_least,
    at_most,
    distinct,
    matches,
    one_of,
    record,
    refuse,
    when,
)
from .._core.checks import no_longer_than
from .._core.revision import Revision
from ..code_repository import CodeRepository, CodeRepositoryConfig
from ..studio_image import StudioImage, StudioImageConfig
from ..studio_lifecycle_config import StudioLifecycleConfig, StudioLifecycleConfigConfig
from . import blocks
from .decisions import PERSONAS, App, AppType, Persona, Profile, Space, Studio

ROLE_ARN = (r"arn:aws[a-z-]*:iam::\d{12}:role/.+", "arn:aws:iam::111122223333:role/acme-dev-studio-viewer")
S3_URI = (r"s3://[^/]+(/.*)?", "s3://bucket/studio")

CLASSIC = "JupyterServer"
"""Studio Classic, which is hidden: it has no spaces, and AWS no longer works on it."""


@record
class StudioDomainConfig:
    """What a domain is made of."""

    name: str
    """The domain's name, at most 63 characters; images, scripts and repositories have it before theirs."""
    vpc_id: str
    """VPC of apps and homes."""
    subnet_ids: tuple[str, ...]
    """Private subnets, 2 to 16, in as many Availability Zones: each gets a mount target of the homes."""
    security_group_ids: tuple[str, ...]
    """Security groups of apps, 1 to 4; SageMaker adds one for the homes."""
    kms_key_arn: str
    """Key for homes, volumes, shared outputs and Canvas."""
    execution_role_arns: Mapping[Persona, str]
    """Role that apps have, by persona: `Role.outputs.arn` of one with `statements(persona, …)`. Needed for
    all of `Studio.personas`; `Viewer` is also that of a profile which others make."""
    studio: Studio
    """All decisions."""
    image_role_arn: str | None = None
    """Role that SageMaker takes to fetch container images; needed when there are `images`."""
    shared_outputs_s3_uri: str | None = None
    """Where outputs of shared notebooks go; needed when `share_notebook_outputs` is true."""
    canvas_s3_uri: str | None = None
    """Where Canvas keeps its files; needed when there is `canvas`."""
    canvas_bedrock_role_arn: str | None = None
    """Role with which Canvas tunes foundation models in Amazon Bedrock; needed for `GenerativeAi`."""
    canvas_emr_serverless_role_arn: str | None = None
    """Role of Canvas's jobs in EMR Serverless; needed for `EmrServerless`."""
    canvas_forecast_role_arn: str | None = None
    """Role that Canvas hands to Amazon Forecast; the profile's own by default."""

    def __post_init__(self) -> None:
        studio = self.studio
        features = studio.canvas.features if studio.canvas else ()
        roles = {
            **{f"execution_role_arns.{persona}": arn for persona, arn in self.execution_role_arns.items()},
            "image_role_arn": self.image_role_arn,
            "canvas_bedrock_role_arn": self.canvas_bedrock_role_arn,
            "canvas_emr_serverless_role_arn": self.canvas_emr_serverless_role_arn,
            "canvas_forecast_role_arn": self.canvas_forecast_role_arn,
        }
        needed = (
            ("image_role_arn", self.image_role_arn, studio.images, "there are images"),
            (
                "shared_outputs_s3_uri",
                self.shared_outputs_s3_uri,
                studio.share_notebook_outputs,
                "share_notebook_outputs is true",
            ),
            ("canvas_s3_uri", self.canvas_s3_uri, studio.canvas, "there is canvas"),
            (
                "canvas_bedrock_role_arn",
                self.canvas_bedrock_role_arn,
                "GenerativeAi" in features,
                "canvas has GenerativeAi",
            ),
            (
                "canvas_emr_serverless_role_arn",
                self.canvas_emr_serverless_role_arn,
                "EmrServerless" in features,
                "canvas has EmrServerless",
            ),
        )
        refuse(
            matches("name", self.name, "[a-zA-Z0-9](-*[a-zA-Z0-9])*", "acme-dev-studio"),
            no_longer_than("name", self.name, 63),
            matches("vpc_id", self.vpc_id, r"vpc-[0-9a-f]{8,17}", "vpc-0a1b2c3d4e5f67890"),
            at_least("subnet_ids: number of subnets", len(self.subnet_ids), 2),
            at_most("subnet_ids: number of subnets", len(self.subnet_ids), 16),
            distinct("subnet_ids", self.subnet_ids),
            when(
                not studio.public_internet and not self.security_group_ids,
                "security_group_ids: supply at least one, since apps are in the VPC, got none",
            ),
            at_most("security_group_ids: number of groups", len(self.security_group_ids), 4),
            distinct("security_group_ids", self.security_group_ids),
            matches(
                "kms_key_arn",
                self.kms_key_arn,
                r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-zA-Z0-9-]+",
                "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ),
            *(
                one_of("execution_role_arns: persona", persona, PERSONAS)
                for persona in self.execution_role_arns
            ),
            *(
                when(
                    persona not in self.execution_role_arns,
                    f"execution_role_arns.{persona}: supply a role, since the persona is in use, got none",
                )
                for persona in studio.personas
            ),
            *(matches(name, arn, *ROLE_ARN) for name, arn in roles.items()),
            *(
                when(use and value is None, f"{name}: supply it, since {why}; got none")
                for name, value, use, why in needed
            ),
            *(
                problem
                for name, uri in (
                    ("shared_outputs_s3_uri", self.shared_outputs_s3_uri),
                    ("canvas_s3_uri", self.canvas_s3_uri),
                )
                for problem in (matches(name, uri, *S3_URI), no_longer_than(name, uri, 1024))
            ),
            *(
                no_longer_than(
                    f"studio.{kind}: name with the domain's before it", f"{self.name}-{key}", longest
                )
                for kind, keys, longest in (
                    ("images", studio.images, 63),
                    ("lifecycle_configs", studio.lifecycle_configs, 54),
                    ("code_repositories", studio.code_repositories, 63),
                )
                for key in keys
            ),
        )


@record
class StudioDomainOutputs:
    """What others need of a domain."""

    id: str
    """`d-` and more; part of the ARN of every profile, space and app."""
    arn: str
    """The domain's ARN, which Studio sets as the tag `sagemaker:domain-arn` on what is made in it."""
    url: str
    """Where people come in, if `auth_mode` is SSO."""
    home_efs_file_system_id: str
    """The file system of the homes."""
    profile_arns: Mapping[str, str] = field(default_factory=dict)
    """ARN of each profile, by name."""
    space_arns: Mapping[str, str] = field(default_factory=dict)
    """ARN of each space, by name."""


class StudioDomain(Construct):
    """A domain and all that belongs to it; what people do in it is theirs, and not in Terraform's state.

    AWS deletes no profile, space or domain while apps run in it: `sagewright cleanup studio` comes first.
    https://docs.aws.amazon.com/sagemaker/latest/dg/gs-studio-delete-domain.html
    """

    def __init__(self, scope: Construct, id_: str, config: StudioDomainConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        studio = config.studio
        self._images = {
            key: StudioImage(
                self,
                f"{key}_image",
                StudioImageConfig(name=f"{config.name}-{key}", role_arn=config.image_role_arn, image=image),
            ).outputs
            for key, image in sorted(studio.images.items())
            if config.image_role_arn is not None
        }
        self._scripts = {
            key: StudioLifecycleConfig(
                self, f"{key}_script", StudioLifecycleConfigConfig(name=f"{config.name}-{key}", script=script)
            ).outputs
            for key, script in sorted(studio.lifecycle_configs.items())
        }
        self.code_repositories = {
            key: CodeRepository(
                self, f"{key}_repository", CodeRepositoryConfig(name=f"{config.name}-{key}", git=git)
            )
            for key, git in sorted(studio.code_repositories.items())
        }
        domain = SagemakerDomain(
            self,
            "this",
            domain_name=config.name,
            auth_mode=studio.auth_mode,
            vpc_id=config.vpc_id,
            subnet_ids=list(config.subnet_ids),
            app_network_access_type="PublicInternetOnly" if studio.public_internet else "VpcOnly",
            kms_key_id=config.kms_key_arn,
            tag_propagation=blocks.STATUS[studio.tag_propagation],
            retention_policy=SagemakerDomainRetentionPolicy(
                home_efs_file_system="Retain" if studio.retain_home_efs_file_system else "Delete"
            ),
            domain_settings={
                "docker_settings": blocks.docker(studio.docker),
                "execution_role_identity_config": "USER_PROFILE_NAME"
                if studio.name_in_sessions
                else "DISABLED",
            },
            default_user_settings=self._user_settings(),
            default_space_settings=self._space_settings(),
        )
        profiles = {
            name: self._profile(domain, name, profile) for name, profile in sorted(studio.profiles.items())
        }
        spaces = {
            name: self._space(domain, profiles[space.owner], name, space)
            for name, space in sorted(studio.spaces.items())
        }
        self.outputs = StudioDomainOutputs(
            id=domain.id,
            arn=domain.arn,
            url=domain.url,
            home_efs_file_system_id=domain.home_efs_file_system_id,
            profile_arns={name: profile.arn for name, profile in profiles.items()},
            space_arns={name: space.arn for name, space in spaces.items()},
        )

    def open(self, profile: str) -> Statement:
        """Return what a person's own role needs to come in as one profile, where `auth_mode` is IAM.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePresignedDomainUrl.html
        """
        return Statement(
            actions=("sagemaker:CreatePresignedDomainUrl", "sagemaker:DescribeUserProfile"),
            resources=(self.outputs.profile_arns[profile],),
        )

    def _user_settings(self) -> blocks.Block:
        """Return what a profile has that says nothing else: it may look, and no more."""
        config, studio = self.config, self.config.studio
        hidden = {
            CLASSIC,
            *(app_type for app_type in ("CodeEditor", "JupyterLab") if app_type not in studio.apps),
        }
        if not studio.canvas:
            hidden.add("Canvas")
        return {
            "execution_role": config.execution_role_arns["Viewer"],
            "security_groups": list(config.security_group_ids) or None,
            "default_landing_uri": "studio::",
            "studio_web_portal": blocks.STATUS[True],
            "studio_web_portal_settings": {"hidden_app_types": sorted(hidden)},
            "space_storage_settings": blocks.storage(studio.ebs_storage),
            "sharing_settings": blocks.sharing(
                config.shared_outputs_s3_uri if studio.share_notebook_outputs else None, config.kms_key_arn
            ),
            "jupyter_lab_app_settings": blocks.jupyter_lab_of_users(
                studio.jupyter_lab, self._offer("JupyterLab", studio.jupyter_lab)
            )
            if studio.jupyter_lab
            else None,
            "code_editor_app_settings": blocks.code_editor(
                studio.code_editor, self._offer("CodeEditor", studio.code_editor)
            )
            if studio.code_editor
            else None,
            "canvas_app_settings": self._canvas(),
        }

    def _canvas(self) -> blocks.Block | None:
        config = self.config
        if not config.studio.canvas or config.canvas_s3_uri is None:
            return None
        return blocks.canvas(
            config.studio.canvas,
            config.canvas_s3_uri,
            config.kms_key_arn,
            bedrock_role_arn=config.canvas_bedrock_role_arn,
            emr_serverless_role_arn=config.canvas_emr_serverless_role_arn,
            forecast_role_arn=config.canvas_forecast_role_arn,
        )

    def _space_settings(self) -> blocks.Block | None:
        config, studio = self.config, self.config.studio
        if not studio.shared_spaces:
            return None
        return {
            "execution_role": config.execution_role_arns[studio.shared_spaces.persona],
            "security_groups": list(config.security_group_ids) or None,
            "space_storage_settings": blocks.storage(studio.ebs_storage),
            "jupyter_lab_app_settings": blocks.jupyter_lab_of_spaces(
                studio.jupyter_lab, self._offer("JupyterLab", studio.jupyter_lab)
            )
            if studio.jupyter_lab
            else None,
        }

    def _offer(self, app_type: AppType, app: App) -> blocks.Offer:
        default = app.default_lifecycle_config
        return blocks.Offer(
            images=tuple(image for image in self._images.values() if image.app_type == app_type),
            lifecycle_config_arns=tuple(
                script.arn for script in self._scripts.values() if script.app_type == app_type
            ),
            default_lifecycle_config_arn=self._scripts[default].arn if default else None,
            repository_urls=tuple(
                repository.outputs.repository_url for repository in self.code_repositories.values()
            ),
        )

    def _profile(self, domain: SagemakerDomain, name: str, profile: Profile) -> SagemakerUserProfile:
        sso = profile.sso_user_name
        return SagemakerUserProfile(
            self,
            f"{name}_profile",
            domain_id=domain.id,
            user_profile_name=name,
            single_sign_on_user_identifier="UserName" if sso else None,
            single_sign_on_user_value=sso,
            user_settings=SagemakerUserProfileUserSettings(
                execution_role=self.config.execution_role_arns[profile.persona]
            ),
        )

    def _space(
        self, domain: SagemakerDomain, owner: SagemakerUserProfile, name: str, space: Space
    ) -> SagemakerSpace:
        """Make a space; what AWS fixes for its life, and the provider would change in vain, replaces it.

        https://github.com/hashicorp/terraform-provider-aws/issues/38370
        """
        fixed = Revision(
            self,
            f"{name}_space_fixed",
            {"app_type": space.app_type, "owner": space.owner, "sharing_type": space.sharing_type},
        )
        size = space.ebs_volume_size_gb
        return SagemakerSpace(
            self,
            f"{name}_space",
            domain_id=domain.id,
            space_name=name,
            space_display_name=space.display_name,
            ownership_settings=SagemakerSpaceOwnershipSettings(
                owner_user_profile_name=owner.user_profile_name
            ),
            space_sharing_settings=SagemakerSpaceSpaceSharingSettings(sharing_type=space.sharing_type),
            space_settings=SagemakerSpaceSpaceSettings(
                app_type=space.app_type,
                space_storage_settings={
                    "ebs_storage_settings": {
                        "ebs_volume_size_in_gb": self.config.studio.ebs_storage.default_volume_size_gb
                        if size is None
                        else size
                    }
                },
            ),
            lifecycle=TerraformResourceLifecycle(replace_triggered_by=[_id(fixed)]),
        )


def _id(resource: TerraformResource) -> str:
    """Return the address of a resource's id, unknown to a plan that replaces the resource."""
    return f"{resource.terraform_resource_type}.{resource.friendly_unique_id}.id"
