"""Image of Studio: one version by digest, how an app runs in it, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import botocore.session
import pytest
from cdktf import Token

from modules.studio_image import Image, StudioImage, StudioImageConfig
from tests.conftest import Synth
from tests.inventory import Inventory

BASE = f"222233334444.dkr.ecr.eu-west-1.amazonaws.com/acme/lab@sha256:{'0123456789abcdef' * 4}"
IMAGE = Image(
    base_image=BASE,
    display_name="PyTorch 2",
    description="PyTorch and friends",
    container_environment_variables={"LOG_LEVEL": "info"},
)
CONFIG = StudioImageConfig(
    name="acme-dev-lab", role_arn="arn:aws:iam::111122223333:role/acme-dev-studio-image", image=IMAGE
)


def test_an_image_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/studio_image", synth(StudioImage, CONFIG))


def test_an_old_version_goes_before_a_new_one_comes(synth: Synth) -> None:
    version = synth(StudioImage, CONFIG).one("aws_sagemaker_image_version")
    assert "lifecycle" not in version
    assert version["image_name"] == "${aws_sagemaker_image.this.image_name}"


@pytest.mark.parametrize(
    ("app_type", "block"),
    [("CodeEditor", "code_editor_app_image_config"), ("JupyterLab", "jupyter_lab_image_config")],
)
def test_an_app_runs_as_the_user_of_studio(synth: Synth, app_type: str, block: str) -> None:
    config = replace(CONFIG, image=replace(IMAGE, app_type=app_type))  # type: ignore[arg-type]
    app = synth(StudioImage, config).one("aws_sagemaker_app_image_config")
    assert app[block]["file_system_config"] == {
        "default_uid": 1000,
        "default_gid": 100,
        "mount_path": "/home/sagemaker-user",
    }
    assert app[block]["container_config"] == {"container_environment_variables": {"LOG_LEVEL": "info"}}


def test_root_is_possible(synth: Synth) -> None:
    app = synth(StudioImage, replace(CONFIG, image=replace(IMAGE, user="root"))).one(
        "aws_sagemaker_app_image_config"
    )
    files = app["jupyter_lab_image_config"]["file_system_config"]
    assert (files["default_uid"], files["default_gid"]) == (0, 0)


def test_the_containers_own_entrypoint_is_taken_unless_another_is_named(synth: Synth) -> None:
    own = replace(CONFIG, image=Image(base_image=BASE))
    assert "container_config" not in str(synth(StudioImage, own).one("aws_sagemaker_app_image_config"))
    named = Image(base_image=BASE, container_entrypoint="jupyter-lab", container_arguments=("--no-browser",))
    app = synth(StudioImage, replace(CONFIG, image=named)).one("aws_sagemaker_app_image_config")
    assert app["jupyter_lab_image_config"]["container_config"] == {
        "container_entrypoint": ["jupyter-lab"],
        "container_arguments": ["--no-browser"],
    }


def test_values_that_terraform_knows_later_pass(synth: Synth) -> None:
    text = Token.as_string({"Ref": "text"})
    later = StudioImageConfig(
        name=text, role_arn=text, image=Image(base_image=text, display_name=text, description=text)
    )
    assert len(synth(StudioImage, later).addresses) == 3


def test_limits_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert model.shape_for("ImageBaseImage").metadata["max"] == 255
    assert model.shape_for("ImageDisplayName").metadata["max"] == 128
    assert model.shape_for("ImageDescription").metadata["max"] == 512
    assert model.shape_for("AppImageConfigName").metadata["max"] == 63
    assert model.shape_for("CustomImageContainerArguments").metadata["max"] == 50
    assert model.shape_for("CustomImageContainerEnvironmentVariables").metadata["max"] == 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"base_image": BASE.partition("@")[0] + ":1"},
            "base_image: supply a value such as 111122223333.dkr",
        ),
        ({"base_image": f"docker.io/lab@sha256:{'0' * 64}"}, "base_image: supply a value such as"),
        ({"base_image": BASE.replace("lab", "l" * 200)}, "base_image: supply at most 255 characters"),
        ({"app_type": "KernelGateway"}, "app_type: supply one of CodeEditor, JupyterLab"),
        ({"display_name": " "}, "display_name: supply a value such as PyTorch 2, got ' '"),
        ({"display_name": "d" * 129}, "display_name: supply at most 128 characters, got 129"),
        ({"description": ""}, "description: supply a text or leave it out, got ''"),
        ({"description": "d" * 513}, "description: supply at most 512 characters, got 513"),
        ({"description": "a\nb"}, "description: supply a text without line breaks"),
        ({"user": "ada"}, "user: supply one of sagemaker-user, root, got 'ada'"),
        ({"mount_path": "home"}, "mount_path: supply a value such as /home/sagemaker-user, got 'home'"),
        ({"mount_path": "/" + "h" * 1024}, "mount_path: supply at most 1024 characters, got 1025"),
        ({"container_entrypoint": ""}, "container_entrypoint: supply a value such as jupyter-lab, got ''"),
        ({"container_entrypoint": "e" * 257}, "container_entrypoint: supply at most 256 characters, got 257"),
        ({"container_arguments": ("a",) * 51}, "container_arguments: number of arguments: supply at most 50"),
        ({"container_arguments": ("a" * 65,)}, "container_arguments: supply at most 64 characters, got 65"),
        (
            {"container_environment_variables": {f"V{number}": "" for number in range(26)}},
            "container_environment_variables: number of variables: supply at most 25, got 26",
        ),
        (
            {"container_environment_variables": {" ": "x"}},
            "container_environment_variables: key: supply a value such as LOG_LEVEL, got ' '",
        ),
        (
            {"container_environment_variables": {"K" * 257: "x"}},
            "container_environment_variables: key: supply at most 256 characters, got 257",
        ),
        (
            {"container_environment_variables": {"KEY": "x" * 257}},
            r"container_environment_variables\.KEY: supply at most 256 characters, got 257",
        ),
    ],
    ids=[
        "an image by tag",
        "an image in another registry",
        "an image whose name is too long",
        "an app of Studio Classic",
        "a display name of nothing",
        "a display name that is too long",
        "an empty description",
        "a description that is too long",
        "a description with a line break",
        "a user that Studio does not take",
        "a relative mount path",
        "a mount path that is too long",
        "an empty entrypoint",
        "an entrypoint that is too long",
        "too many arguments",
        "an argument that is too long",
        "too many variables",
        "a variable without a name",
        "a variable's name that is too long",
        "a variable's value that is too long",
    ],
)
def test_an_image_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(IMAGE, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "acme_lab"}, "name: supply a value such as acme-dev-lab, got 'acme_lab'"),
        ({"name": "l" * 64}, "name: supply at most 63 characters, got 64"),
        ({"role_arn": "studio-image"}, "role_arn: supply a value such as arn:aws:iam::"),
    ],
    ids=["a name with an underscore", "a name that is too long", "a role without its ARN"],
)
def test_a_config_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]
