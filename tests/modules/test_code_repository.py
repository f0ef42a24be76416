"""Code repository: its address, its secret, and what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cdktf import Token
from pydantic import TypeAdapter

from modules import code_repository
from modules.code_repository import CodeRepository, CodeRepositoryConfig, GitRepository
from tests.conftest import Synth
from tests.inventory import Inventory

SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:git-AbCdEf"
GIT = GitRepository(repository_url="https://git.example.com/acme/churn.git", branch="main", secret_arn=SECRET)
CONFIG = CodeRepositoryConfig(name="acme-dev-churn", git=GIT)


def test_a_repository_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/code_repository", synth(CodeRepository, CONFIG))


def test_a_public_repository_has_neither_branch_nor_secret(synth: Synth) -> None:
    public = replace(CONFIG, git=GitRepository(repository_url=GIT.repository_url))
    assert synth(CodeRepository, public).one("aws_sagemaker_code_repository")["git_config"] == {
        "repository_url": GIT.repository_url
    }


def test_a_role_is_granted_the_secret_and_nothing_where_there_is_none(synth: Synth) -> None:
    made: list[CodeRepository] = []
    public = replace(CONFIG, git=GitRepository(repository_url=GIT.repository_url))
    synth(
        lambda stack: made.extend(
            (CodeRepository(stack, "churn", CONFIG), CodeRepository(stack, "open", public))
        )
    )
    (statement,) = made[0].read_secret()
    assert statement.actions == ("secretsmanager:GetSecretValue",)
    assert statement.resources == (SECRET,)
    assert made[1].read_secret() == ()


def test_values_that_terraform_knows_later_pass(synth: Synth) -> None:
    text = Token.as_string({"Ref": "text"})
    later = CodeRepositoryConfig(
        name=text, git=GitRepository(repository_url=text, branch=text, secret_arn=text)
    )
    assert len(synth(CodeRepository, later).addresses) == 1


def test_the_readmes_environment_file_says_the_same_as_its_python() -> None:
    text = Path(code_repository.__file__).with_name("README.md").read_text(encoding="utf-8")
    (in_yaml,) = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    read = TypeAdapter(GitRepository).validate_json(json.dumps(yaml.safe_load(in_yaml)))
    assert read == replace(GIT, secret_arn=SECRET.replace("eu-west-1", "eu-central-1"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repository_url": "git@example.com:acme/churn.git"}, "repository_url: supply an address without"),
        ({"repository_url": "http://git.example.com/churn"}, "repository_url: supply a value such as https"),
        ({"repository_url": "https://git.example.com"}, "repository_url: supply a value such as https"),
        ({"repository_url": "https://git.example.com:8443/churn"}, "repository_url: supply a value such as"),
        ({"repository_url": f"https://git.example.com/{'c' * 1024}"}, "repository_url: supply at most 1024"),
        ({"branch": "a branch"}, "branch: supply a value such as main, got 'a branch'"),
        ({"branch": "b" * 1025}, "branch: supply at most 1024 characters, got 1025"),
        ({"secret_arn": "git"}, "secret_arn: supply a value such as arn:aws:secretsmanager:"),
        ({"secret_arn": SECRET + "x" * 2048}, "secret_arn: supply at most 2048 characters"),
    ],
    ids=[
        "an address for SSH",
        "an address in clear",
        "a host alone",
        "a port",
        "an address that is too long",
        "a branch with a space",
        "a branch that is too long",
        "a secret without its ARN",
        "a secret's ARN that is too long",
    ],
)
def test_a_git_repository_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(GIT, **change)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="repository_url: supply an address without user") as refusal:
        GitRepository(repository_url="https://ada:hunter2@git.example.com/churn.git")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acme_churn", "name: supply a value such as acme-dev-churn, got 'acme_churn'"),
        ("c" * 64, "name: supply at most 63 characters, got 64"),
    ],
    ids=["a name with an underscore", "a name that is too long"],
)
def test_a_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, name=name)
