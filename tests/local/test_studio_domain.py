"""Studio on the embedded AWS: made, changed in place, and gone without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cdktf import TerraformStack

from modules._aws.iam_role_policy import IamRolePolicy
from modules._core import document
from modules.code_repository import GitRepository
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

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

NAME = "acme-test-studio"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    ],
}
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
class Account:
    """What stands in the account before the stack: roles, key, network."""

    account_id: str
    role_arns: dict[Persona, str]
    key_arn: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_id: str

    def stack(self, studio: Studio) -> Callable[[TerraformStack], object]:
        """Return what builds a domain, and the policies of its personas."""

        def build(stack: TerraformStack) -> None:
            for persona in PERSONAS:
                scope = PersonaScope(
                    role_name=persona,
                    prefix="acme-test-",
                    account_id=self.account_id,
                    region=REGION,
                    subnet_ids=self.subnet_ids,
                    security_group_ids=(self.security_group_id,),
                    kms_key_arn=self.key_arn,
                )
                policy = document(*statements(persona, scope))
                IamRolePolicy(stack, f"{persona}_policy", name="permissions", role=persona, policy=policy)
            StudioDomain(
                stack,
                "studio",
                StudioDomainConfig(
                    name=NAME,
                    vpc_id=self.vpc_id,
                    subnet_ids=self.subnet_ids,
                    security_group_ids=(self.security_group_id,),
                    kms_key_arn=self.key_arn,
                    execution_role_arns=self.role_arns,
                    image_role_arn=self.role_arns["Viewer"],
                    shared_outputs_s3_uri="s3://acme-test-data/shared",
                    canvas_s3_uri="s3://acme-test-data/canvas",
                    studio=studio,
                ),
            )

        return build


@pytest.fixture
def account(deployment: Deployment) -> Account:
    """An account with what a domain needs."""
    iam, ec2 = deployment.client("iam"), deployment.client("ec2")
    roles = {
        persona: iam.create_role(RoleName=persona, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        for persona in PERSONAS
    }
    subnets = ec2.describe_subnets()["Subnets"][:2]
    vpc_id = subnets[0]["VpcId"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return Account(
        account_id=deployment.account_id,
        role_arns=roles,
        key_arn=deployment.client("kms").create_key()["KeyMetadata"]["Arn"],
        vpc_id=vpc_id,
        subnet_ids=tuple(subnet["SubnetId"] for subnet in subnets),
        security_group_id=groups["SecurityGroups"][0]["GroupId"],
    )


def live(deployment: Deployment) -> dict[str, Any]:
    """Return the domain as AWS describes it."""
    sagemaker = deployment.client("sagemaker")
    (domain,) = sagemaker.list_domains()["Domains"]
    described: dict[str, Any] = sagemaker.describe_domain(DomainId=domain["DomainId"])
    return described


def left(deployment: Deployment) -> list[Any]:
    """Return all that Studio is made of and that is there."""
    sagemaker, ec2 = deployment.client("sagemaker"), deployment.client("ec2")
    nfs = [{"Name": "group-name", "Values": ["security-group-for-*"]}]
    return [
        *sagemaker.list_domains()["Domains"],
        *sagemaker.list_user_profiles()["UserProfiles"],
        *sagemaker.list_spaces()["Spaces"],
        *sagemaker.list_images()["Images"],
        *sagemaker.list_app_image_configs()["AppImageConfigs"],
        *sagemaker.list_studio_lifecycle_configs()["StudioLifecycleConfigs"],
        *sagemaker.list_code_repositories()["CodeRepositorySummaryList"],
        *deployment.client("efs").describe_file_systems()["FileSystems"],
        *ec2.describe_security_groups(Filters=nfs)["SecurityGroups"],
    ]


def test_a_domain_is_changed_in_place_and_what_cannot_be_is_replaced_without_it(
    deployment: Deployment, account: Account
) -> None:
    deployment.plan(account.stack(STUDIO))
    deployment.apply()
    before = live(deployment)
    assert not deployment.plan(account.stack(STUDIO))

    iam = deployment.client("iam")
    policy = iam.get_role_policy(RoleName="Viewer", PolicyName="permissions")["PolicyDocument"]
    assert "user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}" in json.dumps(policy)

    jupyter_lab = replace(STUDIO.jupyter_lab or App(), idle_shutdown=IdleShutdown(idle_timeout_minutes=90))
    second = replace(
        STUDIO,
        profiles={**STUDIO.profiles, "eve": Profile(persona="Approver")},
        spaces={
            "churn": replace(STUDIO.spaces["churn"], ebs_volume_size_gb=40),
            "common": replace(STUDIO.spaces["common"], owner="ada"),
        },
        jupyter_lab=jupyter_lab,
        canvas=None,
        images={**STUDIO.images, "lab": image("b", display_name="PyTorch 2")},
        lifecycle_configs={**STUDIO.lifecycle_configs, "setup": Script(content=f"{SCRIPT}true\n")},
    )
    deployment.plan(account.stack(second))
    assert deployment.actions() == {
        "aws_sagemaker_app_image_config.studio_lab_image_app_image_config": IN_PLACE,
        "aws_sagemaker_domain.studio": IN_PLACE,
        "aws_sagemaker_image_version.studio_lab_image_version": ANEW,
        "aws_sagemaker_space.studio_churn_space": IN_PLACE,
        "aws_sagemaker_space.studio_common_space": ANEW,
        "aws_sagemaker_studio_lifecycle_config.studio_setup_script": BESIDE,
        "aws_sagemaker_user_profile.studio_eve_profile": ["create"],
        "terraform_data.studio_common_space_fixed": BESIDE,
        "terraform_data.studio_setup_script_revision": BESIDE,
    }
    deployment.apply()
    after = live(deployment)
    assert after["DomainId"] == before["DomainId"]
    assert after["HomeEfsFileSystemId"] == before["HomeEfsFileSystemId"]
    lab = after["DefaultUserSettings"]["JupyterLabAppSettings"]
    assert lab["AppLifecycleManagement"]["IdleSettings"]["IdleTimeoutInMinutes"] == 90
    assert lab["LifecycleConfigArns"] == [lab["DefaultResourceSpec"]["LifecycleConfigArn"]]
    assert [one["ImageVersionNumber"] for one in lab["CustomImages"]] == [2]
    sagemaker = deployment.client("sagemaker")
    scripts = sagemaker.list_studio_lifecycle_configs()["StudioLifecycleConfigs"]
    assert len(scripts) == len(STUDIO.lifecycle_configs)
    space = sagemaker.describe_space(DomainId=after["DomainId"], SpaceName="common")
    assert space["OwnershipSettings"] == {"OwnerUserProfileName": "ada"}
    assert not deployment.plan(account.stack(second))

    deployment.destroy()
    assert left(deployment) == []
