"""Lifecycle configuration of Studio: its script, a new one beside the old, and what is refused."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import botocore.session
import pytest
import yaml
from cdktf import Token
from pydantic import TypeAdapter

from modules import studio_lifecycle_config
from modules.studio_lifecycle_config import Script, StudioLifecycleConfig, StudioLifecycleConfigConfig
from tests.conftest import Synth
from tests.inventory import Inventory

SCRIPT = Script(content="#!/bin/bash\necho ${HOME}\n")
CONFIG = StudioLifecycleConfigConfig(name="acme-dev-setup", script=SCRIPT)


def test_a_script_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/studio_lifecycle_config", synth(StudioLifecycleConfig, CONFIG))


def test_a_script_is_sent_as_it_stands(synth: Synth) -> None:
    made = synth(StudioLifecycleConfig, CONFIG).one("aws_sagemaker_studio_lifecycle_config")
    assert base64.b64decode(made["studio_lifecycle_config_content"]).decode() == SCRIPT.content


def test_a_new_script_is_made_before_the_old_one_goes_and_under_another_name(synth: Synth) -> None:
    synthesized = synth(StudioLifecycleConfig, CONFIG)
    made = synthesized.one("aws_sagemaker_studio_lifecycle_config")
    assert made["lifecycle"] == {"create_before_destroy": True}
    assert (
        made["studio_lifecycle_config_name"] == "acme-dev-setup-${substr(terraform_data.revision.id, 0, 8)}"
    )
    revision = synthesized.one("terraform_data")
    assert revision["triggers_replace"] == {"content": SCRIPT.base64, "app_type": "JupyterLab"}


def test_a_name_that_terraform_knows_later_passes(synth: Synth) -> None:
    later = replace(CONFIG, name=Token.as_string({"Ref": "name"}))
    assert len(synth(StudioLifecycleConfig, later).addresses) == 2


def test_limits_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert model.shape_for("StudioLifecycleConfigContent").metadata["max"] == 16_384
    assert model.shape_for("StudioLifecycleConfigName").metadata["max"] == 54 + len("-0a1b2c3d")


def test_the_readmes_environment_file_says_the_same_as_its_python() -> None:
    text = Path(studio_lifecycle_config.__file__).with_name("README.md").read_text(encoding="utf-8")
    (in_yaml,) = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    (in_python,) = re.findall(r'content="(.*?)"', text)
    read = TypeAdapter(Script).validate_json(json.dumps(yaml.safe_load(in_yaml)))
    assert read.content == in_python.encode().decode("unicode_escape")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"app_type": "KernelGateway"},
            "app_type: supply one of CodeEditor, JupyterLab, got 'KernelGateway'",
        ),
        ({"content": "echo hello"}, "content: supply a script that begins with #! and its interpreter"),
        ({"content": ""}, "content: supply a script that begins with #! and its interpreter, got ''"),
        ({"content": "#!/bin/bash\r\ntrue\r\n"}, "content: supply a script with line ends of Unix"),
        (
            {"content": "#!/bin/bash\n${TfToken[TOKEN.0]}\n"},
            "content: supply a script that is known before the plan",
        ),
        (
            {"content": "#!/bin/bash\n" + "#" * 12_277},
            "content: supply a script of at most 16384 characters in base64, got 16388",
        ),
    ],
    ids=[
        "an app of Studio Classic",
        "a script without an interpreter",
        "an empty script",
        "line ends of Windows",
        "a value that is known later",
        "a script that is too long",
    ],
)
def test_a_script_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SCRIPT, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acme_setup", "name: supply a value such as acme-dev-setup, got 'acme_setup'"),
        ("s" * 55, "name: supply at most 54 characters, got 55"),
    ],
    ids=["a name with an underscore", "a name that is too long"],
)
def test_a_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, name=name)
