"""Studio: a closed domain, its people and spaces, what it offers, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import botocore.session
import pytest
import yaml
from cdktf import Token
from pydantic import TypeAdapter, ValidationError

from modules import studio_domain
from modules.code_repository import GitRepository
from modules.studio_domain import (
    PERSONAS,
    App,
    Canvas,
    Docker,
    EbsStorage,
    IdleShutdown,
    Limits,
    Persona,
    Profile,
    PublicInternet,
    SharedSpaces,
    Space,
    Studio,
    StudioDomain,
    StudioDomainConfig,
)
from modules.studio_image import Image
from modules.studio_lifecycle_config import Script
from tests.conftest import Synth, Synthesized
from tests.inventory import Inventory

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLES: Mapping[Persona, str] = {
    persona: f"arn:aws:iam::111122223333:role/acme-dev-studio-{persona}" for persona in PERSONAS
}
BASE = f"222233334444.dkr.ecr.eu-west-1.amazonaws.com/lab@sha256:{'0123456789abcdef' * 4}"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:snowflake-AbCdEf"
SCRIPT = Script(content="#!/bin/bash\ntrue\n")
STUDIO = Studio(
    profiles={"ada": Profile(persona="DataScientist"), "eve": Profile(persona="Approver")},
    spaces={
        "churn": Space(owner="ada", ebs_volume_size_gb=50),
        "common": Space(owner="ada", sharing_type="Shared"),
    },
    shared_spaces=SharedSpaces(),
)
FULL = replace(
    STUDIO,
    jupyter_lab=App(default_lifecycle_config="setup"),
    images={"lab": Image(base_image=BASE), "code": Image(base_image=BASE, app_type="CodeEditor")},
    lifecycle_configs={"setup": SCRIPT, "code": replace(SCRIPT, app_type="CodeEditor")},
    code_repositories={"churn": GitRepository(repository_url="https://git.example.com/acme/churn.git")},
)
CONFIG = StudioDomainConfig(
    name="acme-dev-studio",
    vpc_id="vpc-0a1b2c3d4e5f67890",
    subnet_ids=("subnet-0a1b2c3d", "subnet-4e5f6a7b"),
    security_group_ids=("sg-0a1b2c3d",),
    kms_key_arn=KEY,
    execution_role_arns=ROLES,
    studio=STUDIO,
    image_role_arn="arn:aws:iam::111122223333:role/acme-dev-studio-image",
)


def domain(synth: Synth, studio: Studio = STUDIO, **wiring: Any) -> dict[str, Any]:
    """Return the domain of a studio."""
    return synth(StudioDomain, replace(CONFIG, studio=studio, **wiring)).one("aws_sagemaker_domain")


def settings(synth: Synth, studio: Studio = STUDIO, **wiring: Any) -> dict[str, Any]:
    """Return what a profile has that says nothing else."""
    found: dict[str, Any] = domain(synth, studio, **wiring)["default_user_settings"]
    return found


def from_file(decisions: object) -> Studio:
    """Read decisions as an environment file is read."""
    return TypeAdapter(Studio).validate_json(json.dumps(decisions))


def test_a_domain_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/studio_domain", synth(StudioDomain, replace(CONFIG, studio=FULL)))


def test_addresses_are_made_of_the_construct_ids_and_the_names(synth: Synth) -> None:
    made = synth(lambda stack: StudioDomain(stack, "studio", replace(CONFIG, studio=FULL)))
    assert made.addresses == [
        "aws_sagemaker_app_image_config.studio_code_image_app_image_config",
        "aws_sagemaker_app_image_config.studio_lab_image_app_image_config",
        "aws_sagemaker_code_repository.studio_churn_repository",
        "aws_sagemaker_domain.studio",
        "aws_sagemaker_image.studio_code_image",
        "aws_sagemaker_image.studio_lab_image",
        "aws_sagemaker_image_version.studio_code_image_version",
        "aws_sagemaker_image_version.studio_lab_image_version",
        "aws_sagemaker_space.studio_churn_space",
        "aws_sagemaker_space.studio_common_space",
        "aws_sagemaker_studio_lifecycle_config.studio_code_script",
        "aws_sagemaker_studio_lifecycle_config.studio_setup_script",
        "aws_sagemaker_user_profile.studio_ada_profile",
        "aws_sagemaker_user_profile.studio_eve_profile",
        "terraform_data.studio_churn_space_fixed",
        "terraform_data.studio_code_script_revision",
        "terraform_data.studio_common_space_fixed",
        "terraform_data.studio_setup_script_revision",
    ]


def test_what_is_made_stays_when_it_is_written_in_another_order(synth: Synth) -> None:
    def reversed_(found: Mapping[str, Any]) -> dict[str, Any]:
        return dict(reversed(list(found.items())))

    kinds = ("profiles", "spaces", "images", "lifecycle_configs", "code_repositories")
    changed: dict[str, Any] = {kind: reversed_(getattr(FULL, kind)) for kind in kinds}
    other = replace(FULL, **changed)
    assert (
        synth(StudioDomain, replace(CONFIG, studio=other)).document
        == synth(StudioDomain, replace(CONFIG, studio=FULL)).document
    )


def test_all_traffic_stays_in_the_vpc(synth: Synth) -> None:
    made = domain(synth)
    assert made["app_network_access_type"] == "VpcOnly"
    assert made["default_user_settings"]["security_groups"] == ["sg-0a1b2c3d"]
    assert made["default_space_settings"]["security_groups"] == ["sg-0a1b2c3d"]


def test_the_internet_is_reached_only_for_a_reason(synth: Synth) -> None:
    open_ = replace(STUDIO, public_internet=PublicInternet(reason="a workshop without data"))
    made = domain(synth, open_, security_group_ids=())
    assert made["app_network_access_type"] == "PublicInternetOnly"
    assert "security_groups" not in made["default_user_settings"]


def test_homes_volumes_outputs_and_canvas_are_encrypted_with_the_key(synth: Synth) -> None:
    open_ = replace(STUDIO, share_notebook_outputs=True, canvas=Canvas())
    made = domain(
        synth, open_, shared_outputs_s3_uri="s3://acme-dev-data/shared", canvas_s3_uri="s3://acme-dev-data/c"
    )
    user = made["default_user_settings"]
    assert made["kms_key_id"] == KEY
    assert user["sharing_settings"] == {
        "notebook_output_option": "Allowed",
        "s3_output_path": "s3://acme-dev-data/shared",
        "s3_kms_key_id": KEY,
    }
    assert user["canvas_app_settings"]["workspace_settings"] == {
        "s3_artifact_path": "s3://acme-dev-data/c",
        "s3_kms_key_id": KEY,
    }


@pytest.mark.parametrize(("retain", "policy"), [(True, "Retain"), (False, "Delete")])
def test_homes_outlive_the_domain_unless_it_is_said(synth: Synth, retain: bool, policy: str) -> None:
    studio = replace(STUDIO, retain_home_efs_file_system=retain)
    assert domain(synth, studio)["retention_policy"] == {"home_efs_file_system": policy}
    assert Studio().retain_home_efs_file_system


def test_outputs_docker_and_canvas_are_off_by_default(synth: Synth) -> None:
    made = domain(synth)
    assert made["default_user_settings"]["sharing_settings"] == {"notebook_output_option": "Disabled"}
    assert made["domain_settings"]["docker_settings"] == {"enable_docker_access": "DISABLED"}
    assert "canvas_app_settings" not in made["default_user_settings"]


def test_docker_takes_images_of_accounts_that_are_trusted(synth: Synth) -> None:
    trusting = replace(STUDIO, docker=Docker(trusted_account_ids=("222233334444",)))
    assert domain(synth, trusting)["domain_settings"]["docker_settings"] == {
        "enable_docker_access": "ENABLED",
        "vpc_only_trusted_accounts": ["222233334444"],
    }


@pytest.mark.parametrize("app", ["jupyter_lab_app_settings", "code_editor_app_settings"])
def test_idle_apps_are_shut_down(synth: Synth, app: str) -> None:
    assert settings(synth)[app]["app_lifecycle_management"]["idle_settings"] == {
        "lifecycle_management": "ENABLED",
        "idle_timeout_in_minutes": 120,
        "min_idle_timeout_in_minutes": 60,
        "max_idle_timeout_in_minutes": 480,
    }


def test_idle_shutdown_can_be_switched_off_with_times_that_aws_takes(synth: Synth) -> None:
    endless = replace(STUDIO, jupyter_lab=App(idle_shutdown=None))
    idle = settings(synth, endless)["jupyter_lab_app_settings"]["app_lifecycle_management"]["idle_settings"]
    assert idle["lifecycle_management"] == "DISABLED"
    assert idle["idle_timeout_in_minutes"] >= 60


def test_what_is_not_there_is_hidden_and_so_is_studio_classic(synth: Synth) -> None:
    def hidden(studio: Studio, **wiring: Any) -> list[str]:
        listed: list[str] = settings(synth, studio, **wiring)["studio_web_portal_settings"][
            "hidden_app_types"
        ]
        return listed

    assert hidden(STUDIO) == ["Canvas", "JupyterServer"]
    only_canvas = Studio(jupyter_lab=None, code_editor=None, canvas=Canvas())
    assert hidden(only_canvas, canvas_s3_uri="s3://data/canvas") == [
        "CodeEditor",
        "JupyterLab",
        "JupyterServer",
    ]


def test_each_kind_of_app_offers_its_own_images_and_scripts(synth: Synth) -> None:
    user = settings(synth, FULL)
    lab, code = user["jupyter_lab_app_settings"], user["code_editor_app_settings"]
    assert lab["custom_image"] == [
        {
            "image_name": "${aws_sagemaker_image_version.lab_image_version.image_name}",
            "image_version_number": "${aws_sagemaker_image_version.lab_image_version.version}",
            "app_image_config_name": (
                "${aws_sagemaker_app_image_config.lab_image_app_image_config.app_image_config_name}"
            ),
        }
    ]
    assert [one["image_name"] for one in code["custom_image"]] == [
        "${aws_sagemaker_image_version.code_image_version.image_name}"
    ]
    assert lab["lifecycle_config_arns"] == ["${aws_sagemaker_studio_lifecycle_config.setup_script.arn}"]
    assert code["lifecycle_config_arns"] == ["${aws_sagemaker_studio_lifecycle_config.code_script.arn}"]


def test_a_default_script_runs_on_the_default_machine(synth: Synth) -> None:
    user = settings(synth, FULL)
    assert user["jupyter_lab_app_settings"]["default_resource_spec"] == {
        "instance_type": "ml.t3.medium",
        "lifecycle_config_arn": "${aws_sagemaker_studio_lifecycle_config.setup_script.arn}",
    }
    assert user["code_editor_app_settings"]["default_resource_spec"] == {"instance_type": "ml.t3.medium"}


def test_jupyter_lab_offers_repositories_in_private_and_shared_spaces(synth: Synth) -> None:
    made = domain(synth, FULL)
    offered = [{"repository_url": "https://git.example.com/acme/churn.git"}]
    assert made["default_user_settings"]["jupyter_lab_app_settings"]["code_repository"] == offered
    assert (
        made["default_space_settings"]["jupyter_lab_app_settings"]
        == made["default_user_settings"]["jupyter_lab_app_settings"]
    )


def test_names_have_the_domains_before_theirs(synth: Synth) -> None:
    made = synth(StudioDomain, replace(CONFIG, studio=FULL))
    assert made.one("aws_sagemaker_image", "lab_image")["image_name"] == "acme-dev-studio-lab"
    assert made.one("aws_sagemaker_code_repository")["code_repository_name"] == "acme-dev-studio-churn"


def test_whoever_has_no_profile_of_ours_may_only_look(synth: Synth) -> None:
    assert settings(synth)["execution_role"] == ROLES["Viewer"]


def test_each_profile_has_its_personas_role(synth: Synth) -> None:
    profiles = synth(StudioDomain, CONFIG).all("aws_sagemaker_user_profile")
    assert {name: body["user_settings"] for name, body in profiles.items()} == {
        "ada_profile": {"execution_role": ROLES["DataScientist"]},
        "eve_profile": {"execution_role": ROLES["Approver"]},
    }


def test_people_are_those_of_the_identity_center_where_they_sign_in_there(synth: Synth) -> None:
    sso = Studio(
        auth_mode="SSO", profiles={"ada": Profile(persona="Viewer", sso_user_name="ada@acme.example")}
    )
    made = synth(StudioDomain, replace(CONFIG, studio=sso))
    assert made.one("aws_sagemaker_domain")["auth_mode"] == "SSO"
    profile = made.one("aws_sagemaker_user_profile")
    assert profile["single_sign_on_user_identifier"] == "UserName"
    assert profile["single_sign_on_user_value"] == "ada@acme.example"


def test_shared_spaces_exist_only_where_they_are_allowed(synth: Synth) -> None:
    assert "default_space_settings" not in domain(synth, Studio())
    assert domain(synth)["default_space_settings"]["execution_role"] == ROLES["DataScientist"]
    studio = replace(STUDIO, shared_spaces=SharedSpaces(persona="Viewer"))
    assert domain(synth, studio)["default_space_settings"]["execution_role"] == ROLES["Viewer"]


def test_a_space_waits_for_its_owner_and_is_replaced_when_what_is_fixed_changes(synth: Synth) -> None:
    made = synth(StudioDomain, CONFIG)
    space = made.one("aws_sagemaker_space", "churn_space")
    assert space["ownership_settings"] == {
        "owner_user_profile_name": "${aws_sagemaker_user_profile.ada_profile.user_profile_name}"
    }
    assert space["space_sharing_settings"] == {"sharing_type": "Private"}
    assert space["lifecycle"] == {"replace_triggered_by": ["terraform_data.churn_space_fixed.id"]}
    fixed = made.one("terraform_data", "churn_space_fixed")
    assert fixed["triggers_replace"] == {"app_type": "JupyterLab", "owner": "ada", "sharing_type": "Private"}


def test_volumes_have_the_default_size_unless_another_is_named(synth: Synth) -> None:
    def size(synthesized: Synthesized, name: str) -> int:
        storage = synthesized.one("aws_sagemaker_space", name)["space_settings"]["space_storage_settings"]
        return int(storage["ebs_storage_settings"]["ebs_volume_size_in_gb"])

    made = synth(StudioDomain, CONFIG)
    assert size(made, "churn_space") == 50
    assert size(made, "common_space") == 20
    assert made.one("aws_sagemaker_domain")["default_user_settings"]["space_storage_settings"] == {
        "default_ebs_storage_settings": {
            "default_ebs_volume_size_in_gb": 20,
            "maximum_ebs_volume_size_in_gb": 100,
        }
    }


def test_tags_are_passed_on_and_names_are_not_in_sessions(synth: Synth) -> None:
    made = domain(synth)
    assert made["tag_propagation"] == "ENABLED"
    assert made["domain_settings"]["execution_role_identity_config"] == "DISABLED"
    other = domain(synth, replace(STUDIO, tag_propagation=False, name_in_sessions=True))
    assert other["tag_propagation"] == "DISABLED"
    assert other["domain_settings"]["execution_role_identity_config"] == "USER_PROFILE_NAME"


def test_canvas_names_every_feature_as_enabled_or_disabled(synth: Synth) -> None:
    features = Canvas(
        features=("DirectDeploy", "EmrServerless", "GenerativeAi", "TimeSeriesForecasting"),
        identity_providers={"Snowflake": SECRET},
    )
    role = "arn:aws:iam::111122223333:role/acme-dev-canvas"
    canvas = settings(
        synth,
        replace(STUDIO, canvas=features),
        canvas_s3_uri="s3://data/canvas",
        canvas_bedrock_role_arn=f"{role}-bedrock",
        canvas_emr_serverless_role_arn=f"{role}-emr",
        canvas_forecast_role_arn=f"{role}-forecast",
    )["canvas_app_settings"]
    assert canvas["direct_deploy_settings"] == {"status": "ENABLED"}
    assert canvas["kendra_settings"] == {"status": "DISABLED"}
    assert canvas["model_register_settings"] == {"status": "DISABLED"}
    assert canvas["emr_serverless_settings"] == {"status": "ENABLED", "execution_role_arn": f"{role}-emr"}
    assert canvas["generative_ai_settings"] == {"amazon_bedrock_role_arn": f"{role}-bedrock"}
    assert canvas["time_series_forecasting_settings"] == {
        "status": "ENABLED",
        "amazon_forecast_role_arn": f"{role}-forecast",
    }
    assert canvas["identity_provider_oauth_settings"] == [
        {"data_source_name": "Snowflake", "secret_arn": SECRET, "status": "ENABLED"}
    ]


def test_a_person_is_let_in_as_one_profile(synth: Synth) -> None:
    made: list[StudioDomain] = []
    synth(lambda stack: made.append(StudioDomain(stack, "studio", CONFIG)))
    statement = made[0].open("ada")
    assert statement.actions == ("sagemaker:CreatePresignedDomainUrl", "sagemaker:DescribeUserProfile")
    assert statement.resources == (made[0].outputs.profile_arns["ada"],)


def test_personas_are_those_in_use_and_the_viewer() -> None:
    assert Studio().personas == ("Viewer",)
    assert STUDIO.personas == ("Approver", "DataScientist", "Viewer")
    assert Studio(shared_spaces=SharedSpaces()).personas == ("DataScientist", "Viewer")
    assert get_args(Persona) == PERSONAS


def test_tags_come_from_the_provider_alone(synth: Synth) -> None:
    resources = synth(StudioDomain, replace(CONFIG, studio=FULL)).document["resource"]
    assert not [name for named in resources.values() for name, body in named.items() if "tags" in body]


def test_values_that_terraform_knows_later_pass(synth: Synth) -> None:
    text, number = Token.as_string({"Ref": "text"}), Token.as_number({"Ref": "number"})
    studio = Studio(
        profiles={"ada": Profile(persona="Viewer")},
        spaces={"churn": Space(owner="ada", display_name=text, ebs_volume_size_gb=number)},  # type: ignore[arg-type]
        jupyter_lab=App(
            instance_type=text,
            idle_shutdown=IdleShutdown(
                idle_timeout_minutes=number,  # type: ignore[arg-type]
                min_idle_timeout_minutes=number,  # type: ignore[arg-type]
                max_idle_timeout_minutes=number,  # type: ignore[arg-type]
            ),
        ),
        ebs_storage=EbsStorage(default_volume_size_gb=number, maximum_volume_size_gb=number),  # type: ignore[arg-type]
    )
    config = StudioDomainConfig(
        name=text,
        vpc_id=text,
        subnet_ids=(text, Token.as_string({"Ref": "other"})),
        security_group_ids=(text,),
        kms_key_arn=text,
        execution_role_arns={"Viewer": text},
        studio=studio,
    )
    assert len(synth(StudioDomain, config).addresses) == 4


def test_limits_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    for shape in ("DomainName", "UserProfileName", "SpaceName"):
        assert model.shape_for(shape).metadata["max"] == 63
    assert model.shape_for("IdleTimeoutInMinutes").metadata == {"min": 60, "max": 525_600}
    assert model.shape_for("SpaceEbsVolumeSizeInGb").metadata == {"min": 5, "max": 16_384}
    assert model.shape_for("CodeRepositories").metadata["max"] == 10
    assert model.shape_for("CustomImages").metadata["max"] == 200
    assert model.shape_for("VpcOnlyTrustedAccounts").metadata["max"] == 20
    assert model.shape_for("Subnets").metadata["max"] == 16
    assert model.shape_for("SecurityGroupIds").metadata["max"] - 1 == 4


def test_the_readmes_environment_file_says_the_same_as_its_python() -> None:
    text = Path(studio_domain.__file__).with_name("README.md").read_text(encoding="utf-8")
    (in_yaml,) = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert from_file(yaml.safe_load(in_yaml)) == STUDIO


def test_all_decisions_are_read_from_a_file_as_they_stand() -> None:
    assert (
        from_file(
            {
                "profiles": {"ada": {"persona": "DataScientist"}, "eve": {"persona": "Approver"}},
                "spaces": {
                    "churn": {"owner": "ada", "ebs_volume_size_gb": 50},
                    "common": {"owner": "ada", "sharing_type": "Shared"},
                },
                "shared_spaces": {"persona": "DataScientist"},
                "jupyter_lab": {"default_lifecycle_config": "setup"},
                "images": {
                    "lab": {"base_image": BASE},
                    "code": {"base_image": BASE, "app_type": "CodeEditor"},
                },
                "lifecycle_configs": {
                    "setup": {"content": SCRIPT.content},
                    "code": {"content": SCRIPT.content, "app_type": "CodeEditor"},
                },
                "code_repositories": {"churn": {"repository_url": "https://git.example.com/acme/churn.git"}},
            }
        )
        == FULL
    )


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ({"profiles": {"ada": {}}}, "Field required"),
        ({"profiles": {"ada": {"persona": "Admin"}}}, "Input should be"),
        ({"public_internet": {}}, "Field required"),
        ({"jupyter_lab": {"idle_shutdown": {"idle_timeout_minutes": "90"}}}, "valid integer"),
        ({"colour": "red"}, "Unexpected keyword"),
    ],
    ids=[
        "a profile without a persona",
        "a persona that there is not",
        "an open domain without a reason",
        "a number as text",
        "an unknown key",
    ],
)
def test_decisions_in_a_file_are_refused(decisions: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        from_file(decisions)


@pytest.mark.parametrize(
    ("made", "change", "message"),
    [
        (PublicInternet(reason="x"), {"reason": " "}, "reason: supply why apps must reach the internet"),
        (IdleShutdown(), {"min_idle_timeout_minutes": 59}, "min_idle_timeout_minutes: supply at least 60"),
        (
            IdleShutdown(),
            {"max_idle_timeout_minutes": 525601},
            "max_idle_timeout_minutes: supply at most 525600",
        ),
        (IdleShutdown(), {"idle_timeout_minutes": 59}, "idle_timeout_minutes: supply at least 60, got 59"),
        (IdleShutdown(), {"idle_timeout_minutes": 481}, "idle_timeout_minutes: supply at most 480, got 481"),
        (App(), {"instance_type": "t3.medium"}, "instance_type: supply a value such as ml.t3.medium"),
        (Canvas(), {"features": ("Magic",)}, "features: supply one of DirectDeploy, EmrServerless"),
        (Canvas(), {"features": ("Kendra", "Kendra")}, "features: supply each once, got 'Kendra' twice"),
        (
            Canvas(),
            {"identity_providers": {"Oracle": SECRET}},
            "identity_providers: supply one of Salesforce",
        ),
        (
            Canvas(),
            {"identity_providers": {"Snowflake": "x"}},
            r"identity_providers\.Snowflake: supply a value",
        ),
        (Docker(), {"trusted_account_ids": ("1234",)}, "trusted_account_ids: supply a value such as 1111"),
        (Docker(), {"trusted_account_ids": ("111122223333",) * 2}, "trusted_account_ids: supply each once"),
        (
            Docker(),
            {"trusted_account_ids": tuple(f"{number:012d}" for number in range(21))},
            "trusted_account_ids: number of accounts: supply at most 20, got 21",
        ),
        (EbsStorage(), {"default_volume_size_gb": 4}, "default_volume_size_gb: supply at least 5, got 4"),
        (EbsStorage(), {"maximum_volume_size_gb": 16385}, "maximum_volume_size_gb: supply at most 16384"),
        (
            EbsStorage(),
            {"default_volume_size_gb": 101},
            "default_volume_size_gb: supply at most 100, got 101",
        ),
        (SharedSpaces(), {"persona": "Approver"}, "persona: supply one of DataScientist, Viewer, got 'Appr"),
        (Profile(persona="Viewer"), {"persona": "Admin"}, "persona: supply one of Approver, DataScientist"),
        (Profile(persona="Viewer"), {"sso_user_name": "a b"}, "sso_user_name: supply a value such as ada@"),
        (Profile(persona="Viewer"), {"sso_user_name": "a" * 257}, "sso_user_name: supply at most 256"),
        (Space(owner="ada"), {"sharing_type": "Public"}, "sharing_type: supply one of Private, Shared"),
        (Space(owner="ada"), {"app_type": "RStudio"}, "app_type: supply one of CodeEditor, JupyterLab"),
        (
            Space(owner="ada"),
            {"sharing_type": "Shared", "app_type": "CodeEditor"},
            "app_type: supply JupyterLab for a shared space, got 'CodeEditor'",
        ),
        (Space(owner="ada"), {"display_name": " "}, "display_name: supply a value such as Churn, got ' '"),
        (
            Space(owner="ada"),
            {"display_name": "d" * 65},
            "display_name: supply at most 64 characters, got 65",
        ),
        (Space(owner="ada"), {"ebs_volume_size_gb": 4}, "ebs_volume_size_gb: supply at least 5, got 4"),
        (Space(owner="ada"), {"ebs_volume_size_gb": 16385}, "ebs_volume_size_gb: supply at most 16384"),
        (Limits(), {"app_instance_types": ()}, "app_instance_types: supply at least one, got none"),
        (Limits(), {"job_instance_types": ("*",)}, r"job_instance_types: supply a value such as ml.m5.\*"),
        (Limits(), {"job_instance_types": ("ml.m5.*",) * 2}, "job_instance_types: supply each once"),
        (Limits(), {"max_runtime_seconds": 0}, "max_runtime_seconds: supply at least 1, got 0"),
    ],
    ids=[
        "an open domain without a reason",
        "a shortest time of less than an hour",
        "a longest time of more than a year",
        "a time below the shortest",
        "a time above the longest",
        "a machine that is not SageMaker's",
        "a feature that Canvas does not have",
        "a feature twice",
        "a data source that Canvas does not have",
        "a secret without its ARN",
        "an account id that is too short",
        "an account twice",
        "more accounts than SageMaker takes",
        "a volume that is too small",
        "a volume that is too large",
        "a default above the maximum",
        "shared spaces in which everybody approves models",
        "a persona that there is not",
        "a user name with a space",
        "a user name that is too long",
        "a way of sharing that there is not",
        "a space for an app that there is not",
        "a shared space for Code Editor",
        "a display name of nothing",
        "a display name that is too long",
        "a space with a volume that is too small",
        "a space with a volume that is too large",
        "no machine at all",
        "every machine of AWS",
        "a machine twice",
        "no time at all",
    ],
)
def test_a_decision_is_refused(made: Any, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(made, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"auth_mode": "LDAP"}, "auth_mode: supply one of IAM, SSO, got 'LDAP'"),
        (
            {"auth_mode": "SSO"},
            r"profiles\.ada\.sso_user_name: supply the person's user name in IAM Identity Center",
        ),
        (
            {"profiles": {"ada": Profile(persona="Viewer", sso_user_name="ada")}},
            r"profiles\.ada\.sso_user_name: supply none, since auth_mode is IAM; got 'ada'",
        ),
        ({"profiles": {"a_b": Profile(persona="Viewer")}}, "profiles: name: supply a value such as churn"),
        ({"profiles": {"a" * 64: Profile(persona="Viewer")}}, "profiles: name: supply at most 63 characters"),
        (
            {"profiles": {**STUDIO.profiles, "Ada": Profile(persona="Viewer")}},
            "profiles: names, whatever their case: supply each once, got 'ada' twice",
        ),
        ({"spaces": {"a--b": Space(owner="ada")}}, "spaces: name: supply a value such as churn, got 'a--b'"),
        (
            {"spaces": {"churn": Space(owner="bob")}},
            r"spaces\.churn\.owner: supply one of the profiles ada, eve, got 'bob'",
        ),
        (
            {"code_editor": None, "spaces": {"churn": Space(owner="ada", app_type="CodeEditor")}},
            r"spaces\.churn\.app_type: supply a kind of app that is there, got 'CodeEditor'",
        ),
        ({"shared_spaces": None}, r"spaces\.common\.sharing_type: supply shared_spaces, or Private"),
        (
            {"ebs_storage": EbsStorage(maximum_volume_size_gb=40)},
            r"spaces\.churn\.ebs_volume_size_gb: supply at most 40, got 50",
        ),
        (
            {"jupyter_lab": App(default_lifecycle_config="setup")},
            r"jupyter_lab\.default_lifecycle_config: supply one of the JupyterLab scripts none, got 'setup'",
        ),
        (
            {"code_editor": App(default_lifecycle_config="setup"), "lifecycle_configs": {"setup": SCRIPT}},
            r"code_editor\.default_lifecycle_config: supply one of the CodeEditor scripts none, got 'setup'",
        ),
        (
            {"jupyter_lab": App(instance_type="ml.p5.48xlarge")},
            r"jupyter_lab\.instance_type: supply one that limits.app_instance_types allow, ml.t3.\*",
        ),
        (
            {"code_editor": None, "images": {"code": Image(base_image=BASE, app_type="CodeEditor")}},
            r"images\.code\.app_type: supply a kind of app that is there, got 'CodeEditor'",
        ),
        (
            {
                "code_editor": None,
                "lifecycle_configs": {"code": replace(SCRIPT, app_type="CodeEditor")},
            },
            r"lifecycle_configs\.code\.app_type: supply a kind of app that is there, got 'CodeEditor'",
        ),
        (
            {
                "public_internet": PublicInternet(reason="x"),
                "docker": Docker(trusted_account_ids=("222233334444",)),
            },
            r"docker\.trusted_account_ids: supply none together with public_internet",
        ),
        (
            {"images": {f"i{number}": Image(base_image=BASE) for number in range(201)}},
            "images: number of images: supply at most 200, got 201",
        ),
        (
            {
                "code_repositories": {
                    f"r{number}": GitRepository(repository_url="https://git.example.com/x")
                    for number in range(11)
                }
            },
            "code_repositories: number of repositories: supply at most 10, got 11",
        ),
    ],
    ids=[
        "a way in that there is not",
        "a profile without a user name where people sign in",
        "a user name where nobody signs in",
        "a profile's name with an underscore",
        "a profile's name that is too long",
        "two profiles that differ in case only",
        "a space's name with two hyphens in a row",
        "a space whose owner is no profile",
        "a space for an app that is hidden",
        "a shared space where there are none",
        "a volume above the maximum",
        "a default script that there is not",
        "a default script of another kind of app",
        "a default machine that is not allowed",
        "an image for an app that is hidden",
        "a script for an app that is hidden",
        "trusted accounts outside of the VPC",
        "more images than SageMaker takes",
        "more repositories than SageMaker takes",
    ],
)
def test_a_studio_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(STUDIO, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "acme_studio"}, "name: supply a value such as acme-dev-studio, got 'acme_studio'"),
        ({"name": "s" * 64}, "name: supply at most 63 characters, got 64"),
        ({"vpc_id": "default"}, "vpc_id: supply a value such as vpc-0a1b2c3d4e5f67890, got 'default'"),
        ({"subnet_ids": ("subnet-1",)}, "subnet_ids: number of subnets: supply at least 2, got 1"),
        ({"subnet_ids": tuple(map(str, range(17)))}, "subnet_ids: number of subnets: supply at most 16"),
        ({"subnet_ids": ("subnet-1", "subnet-1")}, "subnet_ids: supply each once, got 'subnet-1' twice"),
        ({"security_group_ids": ()}, "security_group_ids: supply at least one, since apps are in the VPC"),
        ({"security_group_ids": tuple("abcde")}, "security_group_ids: number of groups: supply at most 4"),
        ({"security_group_ids": ("sg-1", "sg-1")}, "security_group_ids: supply each once, got 'sg-1' twice"),
        ({"kms_key_arn": "alias/data"}, "kms_key_arn: supply a value such as arn:aws:kms:"),
        (
            {"execution_role_arns": {"Viewer": ROLES["Viewer"]}},
            r"execution_role_arns\.DataScientist: supply a role, since the persona is in use, got none",
        ),
        (
            {"execution_role_arns": dict([*ROLES.items(), ("Admin", ROLES["Viewer"])])},
            "execution_role_arns: persona: supply one of Approver, DataScientist",
        ),
        (
            {"execution_role_arns": {**ROLES, "Viewer": "viewer"}},
            r"execution_role_arns\.Viewer: supply a value such as arn:aws:iam::",
        ),
        ({"image_role_arn": "image"}, "image_role_arn: supply a value such as arn:aws:iam::"),
        (
            {"studio": FULL, "image_role_arn": None},
            "image_role_arn: supply it, since there are images; got none",
        ),
        (
            {"studio": Studio(share_notebook_outputs=True)},
            "shared_outputs_s3_uri: supply it, since share_notebook_outputs is true; got none",
        ),
        ({"shared_outputs_s3_uri": "bucket"}, "shared_outputs_s3_uri: supply a value such as s3://bucket"),
        ({"shared_outputs_s3_uri": f"s3://{'b' * 1024}"}, "shared_outputs_s3_uri: supply at most 1024"),
        ({"studio": Studio(canvas=Canvas())}, "canvas_s3_uri: supply it, since there is canvas; got none"),
        (
            {"studio": Studio(canvas=Canvas(features=("GenerativeAi",))), "canvas_s3_uri": "s3://b/c"},
            "canvas_bedrock_role_arn: supply it, since canvas has GenerativeAi; got none",
        ),
        (
            {"studio": Studio(canvas=Canvas(features=("EmrServerless",))), "canvas_s3_uri": "s3://b/c"},
            "canvas_emr_serverless_role_arn: supply it, since canvas has EmrServerless; got none",
        ),
        (
            {"studio": replace(FULL, images={"i" * 48: Image(base_image=BASE)})},
            r"studio\.images: name with the domain's before it: supply at most 63 characters, got 64",
        ),
        (
            {"studio": replace(STUDIO, lifecycle_configs={"s" * 39: SCRIPT})},
            r"studio\.lifecycle_configs: name with the domain's before it: supply at most 54 characters",
        ),
    ],
    ids=[
        "a name with an underscore",
        "a name that is too long",
        "a VPC without its id",
        "one subnet",
        "more subnets than SageMaker takes",
        "a subnet twice",
        "no security group in the VPC",
        "more security groups than SageMaker takes",
        "a security group twice",
        "an alias instead of a key",
        "a persona without a role",
        "a role for a persona that there is not",
        "a role without its ARN",
        "an image role without its ARN",
        "images without a role",
        "shared outputs to nowhere",
        "shared outputs to what is no S3 address",
        "shared outputs to an address that is too long",
        "canvas without a place",
        "foundation models without a role",
        "EMR Serverless without a role",
        "an image's name that gets too long",
        "a script's name that gets too long",
    ],
)
def test_a_domain_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ValueError) as refusal:
        replace(CONFIG, name="a_b", subnet_ids=("subnet-1",), security_group_ids=())
    assert len(str(refusal.value).splitlines()) == 3
