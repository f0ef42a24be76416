"""Notebook instance: closed by default, prepared by scripts, opened by name only."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cdktf import TerraformStack, TerraformVariable

from modules.notebook_instance import LifecycleScripts, Notebook, NotebookInstance, NotebookInstanceConfig
from tests.conftest import Synth
from tests.inventory import Inventory

INSTANCE = "aws_sagemaker_notebook_instance"
LIFECYCLE = "aws_sagemaker_notebook_instance_lifecycle_configuration"
ON_START = "#!/bin/bash\necho ${HOME} %{time}\n"
CONFIG = NotebookInstanceConfig(
    name="acme-dev-churn",
    role_arn="arn:aws:iam::111122223333:role/acme-dev-notebook",
    subnet_id="subnet-0a1b2c3d",
    security_group_ids=("sg-0a1b2c3d",),
    kms_key_arn="arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    account_id="111122223333",
    region="eu-west-1",
)
PREPARED = replace(CONFIG, notebook=Notebook(scripts=LifecycleScripts(on_start=ON_START)))


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/notebook_instance", synth(NotebookInstance, PREPARED))


def test_it_is_closed_and_encrypted_and_small_by_default(synth: Synth) -> None:
    instance = synth(NotebookInstance, CONFIG).one(INSTANCE)
    assert instance["direct_internet_access"] == instance["root_access"] == "Disabled"
    assert instance["instance_metadata_service_configuration"] == {
        "minimum_instance_metadata_service_version": "2"
    }
    assert instance["kms_key_id"] == CONFIG.kms_key_arn
    assert (instance["subnet_id"], instance["security_groups"]) == ("subnet-0a1b2c3d", ["sg-0a1b2c3d"])
    assert (instance["instance_type"], instance["volume_size"]) == ("ml.t3.medium", 5)


def test_the_platform_is_left_to_aws_which_takes_its_newest(synth: Synth) -> None:
    assert "platform_identifier" not in synth(NotebookInstance, CONFIG).one(INSTANCE)


def test_without_scripts_there_is_no_lifecycle_configuration(synth: Synth) -> None:
    made = synth(NotebookInstance, CONFIG)
    assert made.addresses == [f"{INSTANCE}.this"]
    assert "lifecycle_config_name" not in made.one(INSTANCE)


def test_a_script_reaches_the_machine_as_it_is_written(synth: Synth) -> None:
    made = synth(NotebookInstance, PREPARED)
    assert base64.b64decode(made.one(LIFECYCLE)["on_start"]).decode() == ON_START
    assert made.one(INSTANCE)["lifecycle_config_name"] == f"${{{LIFECYCLE}.lifecycle.name}}"


def test_a_script_that_is_taken_away_is_one_that_does_nothing(synth: Synth) -> None:
    on_create = synth(NotebookInstance, PREPARED).one(LIFECYCLE)["on_create"]
    assert base64.b64decode(on_create) == b"#!/bin/bash\n"


def test_the_instance_lets_go_of_its_scripts_before_they_go(synth: Synth) -> None:
    assert synth(NotebookInstance, PREPARED).one(LIFECYCLE)["lifecycle"] == {"create_before_destroy": True}


def test_opening_is_said_by_name(synth: Synth) -> None:
    opened = Notebook(root_access="Enabled", direct_internet_access="Enabled")
    instance = synth(NotebookInstance, replace(CONFIG, notebook=opened)).one(INSTANCE)
    assert instance["direct_internet_access"] == instance["root_access"] == "Enabled"


def test_grants_are_for_this_instance_alone(synth: Synth) -> None:
    made: list[NotebookInstance] = []
    synth(lambda stack: made.append(NotebookInstance(stack, "churn", CONFIG)))
    people, nights = made[0].open(), made[0].start_and_stop()
    arn = "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/acme-dev-churn"
    assert people.resources == nights.resources == (arn,)
    assert people.actions == (
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        "sagemaker:DescribeNotebookInstance",
    )
    assert "sagemaker:CreatePresignedNotebookInstanceUrl" not in nights.actions


def test_what_terraform_knows_later_passes(synth: Synth) -> None:
    def build(stack: TerraformStack) -> None:
        token = TerraformVariable(stack, "late", type="string").string_value
        scripts = LifecycleScripts(on_create=token, on_start=f"#!/bin/bash\necho {token} ${{HOME}}\n")
        notebook = Notebook(instance_type=token, scripts=scripts, default_code_repository=token)
        late = replace(CONFIG, name=token, role_arn=token, kms_key_arn=token, notebook=notebook)
        NotebookInstance(stack, "this", late)

    made = synth(build)
    assert made.one(INSTANCE)["name"] == made.one(INSTANCE)["instance_type"] == "${var.late}"
    assert made.one(LIFECYCLE)["on_create"] == "${base64encode(var.late)}"
    assert made.one(LIFECYCLE)["on_start"] == (
        '${base64encode("#!/bin/bash\\necho ${var.late} $${HOME}\\n")}'
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"instance_type": "t3.medium"},
            "instance_type: supply a value such as ml.t3.medium, got 't3.medium'",
        ),
        ({"volume_size_gb": 4}, "volume_size_gb: supply at least 5, got 4"),
        ({"volume_size_gb": 16385}, "volume_size_gb: supply at most 16384, got 16385"),
        (
            {"default_code_repository": "git@example.com:churn"},
            "default_code_repository: supply a value such as https://git.example.com/churn.git",
        ),
        (
            {"additional_code_repositories": ("http://git.example.com/churn",)},
            "additional_code_repositories: supply a value such as https://git.example.com/churn.git",
        ),
        (
            {"additional_code_repositories": ("https://git.example.com/" + "c" * 1024,)},
            "additional_code_repositories: supply at most 1024 characters, got 1048",
        ),
        (
            {"additional_code_repositories": ("a", "b", "c", "d")},
            "additional_code_repositories: number of repositories: supply at most 3, got 4",
        ),
        (
            {"default_code_repository": "a", "additional_code_repositories": ("a",)},
            "default_code_repository, additional_code_repositories: supply each once, got 'a' twice",
        ),
        ({"root_access": "On"}, "root_access: supply one of Disabled, Enabled, got 'On'"),
        (
            {"direct_internet_access": "On"},
            "direct_internet_access: supply one of Disabled, Enabled, got 'On'",
        ),
    ],
)
def test_decisions_that_sagemaker_refuses_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        Notebook(**change)  # type: ignore[arg-type]
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ({}, "on_create, on_start: supply at least one, got none"),
        ({"on_start": "echo"}, "on_start: supply a script that starts with #! and its interpreter"),
        ({"on_create": "#!/bin/bash\r\n"}, "on_create: supply a script with line ends of Unix"),
        (
            {"on_start": "#!/bin/bash\n${A} " + "x" * 12272},
            "on_start: supply at most 16384 characters in base64, got 16388",
        ),
    ],
    ids=["no script", "no interpreter", "line ends of Windows", "a script that is too long"],
)
def test_scripts_that_cannot_run_are_refused(scripts: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        LifecycleScripts(**scripts)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "churn_notebook"}, "name: supply a value such as acme-dev-churn, got 'churn_notebook'"),
        ({"name": "c" * 64}, "name: supply at most 63 characters, got 64"),
        ({"role_arn": "notebook"}, "role_arn: supply a value such as arn:aws:iam::"),
        ({"security_group_ids": ()}, "security_group_ids: supply at least one, got none"),
        (
            {"security_group_ids": tuple(f"sg-{number}" for number in range(6))},
            "security_group_ids: number of groups: supply at most 5, got 6",
        ),
        ({"kms_key_arn": "alias/aws/sagemaker"}, "kms_key_arn: supply a value such as arn:aws:kms:"),
    ],
)
def test_wiring_that_sagemaker_refuses_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(CONFIG, **change)  # type: ignore[arg-type]
    assert message in str(refused.value)
