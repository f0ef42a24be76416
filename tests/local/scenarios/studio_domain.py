"""Studio: a domain changes in place, and what cannot be is replaced without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from cdktf import TerraformStack

from modules._aws.iam_role_policy import IamRolePolicy
from modules._core import document
from modules.code_repository import GitRepository
from modules.network import ExistingNetwork
from modules.studio_domain import (
    PERSONAS,
    App,
    Canvas,
    IdleShutdown,
    Persona,
    PersonaScope,
    Profile,
    SharedSpaces,
    Space,
    Studio,
    StudioDomain,
    StudioDomainConfig,
    statements,
)
from modules.studio_image import Image
from modules.studio_lifecycle_config import Script

from ..conftest import REGION, Account, Build
from ..matrix import Gone, Stage, Step

NAME = "acme-test-studio"
IN_PLACE = ["update"]
BESIDE = ["create", "delete"]
ANEW = ["delete", "create"]
SCRIPT = "#!/bin/bash\necho ${HOME}\n"


def image(digest: str, **decisions: Any) -> Image:
    """Return an image of another account, which the embedded AWS takes on trust."""
    return Image(
        base_image=f"222233334444.dkr.ecr.{REGION}.amazonaws.com/lab@sha256:{digest * 64}", **decisions
    )


STUDIO = Studio(
    retain_home_efs_file_system=False,
    profiles={"ada": Profile(persona="DataScientist"), "bob": Profile(persona="MlEngineer")},
    spaces={
        "churn": Space(owner="ada", ebs_volume_size_gb=20),
        "common": Space(owner="bob", sharing_type="Shared", display_name="For all"),
    },
    shared_spaces=SharedSpaces(),
    jupyter_lab=App(default_lifecycle_config="setup"),
    code_editor=App(idle_shutdown=None),
    canvas=Canvas(features=("DirectDeploy", "ModelRegister")),
    share_notebook_outputs=True,
    images={
        "lab": image("a", display_name="PyTorch 2", container_environment_variables={"LOG_LEVEL": "info"}),
        "code": image("c", app_type="CodeEditor"),
    },
    lifecycle_configs={
        "setup": Script(content=SCRIPT),
        "code": Script(content=SCRIPT, app_type="CodeEditor"),
    },
    code_repositories={"churn": GitRepository(repository_url="https://git.example.com/acme/churn.git")},
)


@dataclass(frozen=True)
class Surroundings:
    """What stands in the account beforehand: roles, key, network."""

    account_id: str
    role_arns: dict[Persona, str]
    key_arn: str
    network: ExistingNetwork

    def stack(self, studio: Studio) -> Build:
        """Return what builds a domain, and the policies of its personas."""

        def build(stack: TerraformStack) -> None:
            for persona in PERSONAS:
                scope = PersonaScope(
                    role_name=persona,
                    prefix="acme-test-",
                    account_id=self.account_id,
                    region=REGION,
                    subnet_ids=self.network.subnet_ids,
                    security_group_ids=self.network.security_group_ids,
                    kms_key_arn=self.key_arn,
                )
                policy = document(*statements(persona, scope))
                IamRolePolicy(stack, f"{persona}_policy", name="permissions", role=persona, policy=policy)
            StudioDomain(
                stack,
                "studio",
                StudioDomainConfig(
                    name=NAME,
                    vpc_id=self.network.vpc_id,
                    subnet_ids=self.network.subnet_ids,
                    security_group_ids=self.network.security_group_ids,
                    kms_key_arn=self.key_arn,
                    execution_role_arns=self.role_arns,
                    image_role_arn=self.role_arns["Viewer"],
                    shared_outputs_s3_uri="s3://acme-test-data/shared",
                    canvas_s3_uri="s3://acme-test-data/canvas",
                    studio=studio,
                ),
            )

        return build


def live(account: Account) -> dict[str, Any]:
    """Return the domain as AWS describes it."""
    sagemaker = account.client("sagemaker")
    (domain,) = sagemaker.list_domains()["Domains"]
    described: dict[str, Any] = sagemaker.describe_domain(DomainId=domain["DomainId"])
    return described


def left(account: Account) -> list[Any]:
    """Return all that Studio is made of and that is there."""
    sagemaker, ec2 = account.client("sagemaker"), account.client("ec2")
    nfs = [{"Name": "group-name", "Values": ["security-group-for-*"]}]
    return [
        *sagemaker.list_domains()["Domains"],
        *sagemaker.list_user_profiles()["UserProfiles"],
        *sagemaker.list_spaces()["Spaces"],
        *sagemaker.list_images()["Images"],
        *sagemaker.list_app_image_configs()["AppImageConfigs"],
        *sagemaker.list_studio_lifecycle_configs()["StudioLifecycleConfigs"],
        *sagemaker.list_code_repositories()["CodeRepositorySummaryList"],
        *account.client("efs").describe_file_systems()["FileSystems"],
        *ec2.describe_security_groups(Filters=nfs)["SecurityGroups"],
    ]


def steps(account: Account) -> Iterator[Step]:
    sagemaker, iam = account.client("sagemaker"), account.client("iam")
    around = Surroundings(
        account_id=account.account_id,
        role_arns={persona: account.role(persona, "sagemaker") for persona in PERSONAS},
        key_arn=account.key(),
        network=account.network(),
    )
    yield Stage(around.stack(STUDIO))
    before = live(account)
    policy = iam.get_role_policy(RoleName="Viewer", PolicyName="permissions")["PolicyDocument"]
    assert "user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}" in json.dumps(policy)

    secret = f"arn:aws:secretsmanager:{REGION}:{account.account_id}:secret:git-AbCdEf"
    jupyter_lab = replace(STUDIO.jupyter_lab or App(), idle_shutdown=IdleShutdown(idle_timeout_minutes=90))
    second = replace(
        STUDIO,
        profiles={
            "ada": STUDIO.profiles["ada"],
            "bob": Profile(persona="Approver"),
            "eve": Profile(persona="Approver"),
        },
        spaces={
            "churn": replace(STUDIO.spaces["churn"], ebs_volume_size_gb=40),
            "common": replace(STUDIO.spaces["common"], owner="ada"),
        },
        jupyter_lab=jupyter_lab,
        canvas=None,
        images={
            "lab": image("b", display_name="PyTorch 2"),
            "code": replace(STUDIO.images["code"], display_name="Code"),
        },
        lifecycle_configs={**STUDIO.lifecycle_configs, "setup": Script(content=f"{SCRIPT}true\n")},
        code_repositories={"churn": replace(STUDIO.code_repositories["churn"], secret_arn=secret)},
    )
    yield Stage(
        around.stack(second),
        {
            "aws_sagemaker_app_image_config.studio_lab_image_app_image_config": IN_PLACE,
            "aws_sagemaker_code_repository.studio_churn_repository": IN_PLACE,
            "aws_sagemaker_domain.studio": IN_PLACE,
            "aws_sagemaker_image.studio_code_image": IN_PLACE,
            "aws_sagemaker_image_version.studio_lab_image_version": ANEW,
            "aws_sagemaker_space.studio_churn_space": IN_PLACE,
            "aws_sagemaker_space.studio_common_space": ANEW,
            "aws_sagemaker_studio_lifecycle_config.studio_setup_script": BESIDE,
            "aws_sagemaker_user_profile.studio_bob_profile": IN_PLACE,
            "aws_sagemaker_user_profile.studio_eve_profile": ["create"],
            "terraform_data.studio_common_space_fixed": BESIDE,
            "terraform_data.studio_setup_script_revision": BESIDE,
        },
    )
    after = live(account)
    assert after["DomainId"] == before["DomainId"]
    assert after["HomeEfsFileSystemId"] == before["HomeEfsFileSystemId"]
    lab = after["DefaultUserSettings"]["JupyterLabAppSettings"]
    assert lab["AppLifecycleManagement"]["IdleSettings"]["IdleTimeoutInMinutes"] == 90
    assert lab["LifecycleConfigArns"] == [lab["DefaultResourceSpec"]["LifecycleConfigArn"]]
    assert [one["ImageVersionNumber"] for one in lab["CustomImages"]] == [2]
    scripts = sagemaker.list_studio_lifecycle_configs()["StudioLifecycleConfigs"]
    assert len(scripts) == len(STUDIO.lifecycle_configs)
    space = sagemaker.describe_space(DomainId=after["DomainId"], SpaceName="common")
    assert space["OwnershipSettings"] == {"OwnerUserProfileName": "ada"}

    yield Gone()
    assert left(account) == []
