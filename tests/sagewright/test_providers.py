"""Providers that are lent to one Terraform after another: each to one at a time, and none is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sagewright.errors import SagewrightError
from sagewright.project import Project, embedded
from sagewright.providers import Providers
from sagewright.terraform import Terraform

from .conftest import ROOT

PROVIDER = """#!/bin/sh
echo a line before
address="{\\"Network\\": \\"unix\\", \\"String\\": \\"$PLUGIN_UNIX_SOCKET_DIR/plugin\\"}"
echo "	TF_REATTACH_PROVIDERS='{\\"aws\\": {\\"Pid\\": $$, \\"folder\\": \\"$PWD\\", \\"Addr\\": $address}}'"
exec sleep 600
"""
"""Says what the AWS provider says, and waits as it does."""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    program = tmp_path / "terraform-provider-aws_v5.100.0_x5"
    program.write_text(PROVIDER)
    program.chmod(0o700)
    return program


@pytest.fixture
def providers() -> Iterator[Providers]:
    made = Providers()
    yield made
    made.close()


def lent(providers: Providers, program: Path, folder: Path) -> dict[str, Any]:
    with providers.lend(program, folder, os.environ, None) as told:
        return provider(told)


def provider(told: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told["TF_REATTACH_PROVIDERS"])["aws"]
    return found


def ended(pid: int) -> bool:
    """Tell whether a process ends within seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_one_terraform_after_another_has_the_same_provider(
    providers: Providers, program: Path, tmp_path: Path
) -> None:
    first = lent(providers, program, tmp_path)
    assert first["folder"] == str(tmp_path)
    assert lent(providers, program, tmp_path) == first


def test_no_two_at_once_have_the_same_and_each_is_in_its_folder(
    providers: Providers, program: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with providers.lend(program, tmp_path, os.environ, None) as first:
        assert lent(providers, program, tmp_path)["Pid"] != provider(first)["Pid"]
    assert lent(providers, program, other)["folder"] == str(other)


def test_a_provider_that_does_not_start_is_told_with_what_to_do(
    providers: Providers, program: Path, tmp_path: Path
) -> None:
    program.write_text("#!/bin/sh\necho a line, and no address\nexit 1\n")
    with pytest.raises(SagewrightError) as told:
        lent(providers, program, tmp_path)
    assert str(told.value) == (
        f"{program}: the AWS provider does not start; install it again: "
        "rm -f .sagewright/stamps/provider && make setup"
    )


def test_none_is_left_when_they_are_closed(providers: Providers, program: Path, tmp_path: Path) -> None:
    first = lent(providers, program, tmp_path)
    sockets = Path(first["Addr"]["String"]).parent
    assert sockets.is_dir()
    providers.close()
    assert ended(first["Pid"])
    assert not sockets.exists()
    assert lent(providers, program, tmp_path)["Pid"] != first["Pid"]


def test_none_is_left_by_a_command_that_is_killed(program: Path, tmp_path: Path) -> None:
    code = f"""
import os, pathlib, time
from sagewright.providers import Providers
program, folder = pathlib.Path({str(program)!r}), pathlib.Path({str(tmp_path)!r})
with Providers().lend(program, folder, os.environ, None) as told:
    print(told["TF_REATTACH_PROVIDERS"], flush=True)
    time.sleep(600)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        told = provider({"TF_REATTACH_PROVIDERS": killed.stdout.readline()})
        killed.send_signal(signal.SIGKILL)
    assert ended(told["Pid"])


@pytest.fixture
def stack(program: Path, tmp_path: Path) -> Callable[..., Terraform]:
    """The Terraform of a stack in a checkout where set-up has put the provider in its place."""
    project = Project(root=tmp_path / "checkout")
    installed = project.work / "providers" / "registry" / "hashicorp" / "aws" / "5.100.0" / "linux"
    installed.mkdir(parents=True)
    (installed / program.name).symlink_to(program)
    folder = project.output / "stack"
    folder.mkdir(parents=True)

    def made(providers: Providers | None, needs: Sequence[str] = ("aws",), **variables: str) -> Terraform:
        required: dict[str, Any] = {"required_providers": {name: {} for name in needs}}
        (folder / "cdk.tf.json").write_text(json.dumps({"terraform": required}))
        return Terraform(project, folder, {**os.environ, **variables}, providers=providers)

    return made


@pytest.mark.parametrize(
    ("command", "needs", "variables", "lends"),
    [
        ("init", ["aws"], {}, True),
        ("plan", ["aws"], {}, True),
        ("show", ["aws"], {}, True),
        ("apply", ["aws"], {}, True),
        ("state", ["aws"], {}, False),
        ("plan", ["other"], {}, False),
        ("plan", ["aws"], {"TF_LOG_PROVIDER": "debug"}, False),
    ],
)
def test_a_provider_is_lent_to_what_uses_one_unless_its_log_is_wanted(
    command: str,
    needs: list[str],
    variables: dict[str, str],
    lends: bool,
    providers: Providers,
    stack: Callable[..., Terraform],
) -> None:
    with stack(providers, needs, **variables)._provider(command) as told:
        assert bool(told) is lends


def test_a_provider_finds_the_assets_of_a_stack(
    providers: Providers, stack: Callable[..., Terraform]
) -> None:
    terraform = stack(providers)
    with terraform._provider("apply") as told:
        assert provider(told)["folder"] == str(terraform.project.root), "any stack may have it next"
    (terraform.folder / "assets").mkdir()
    with terraform._provider("apply") as told:
        assert provider(told)["folder"] == str(terraform.folder)


def test_what_was_made_ready_with_a_lent_provider_gets_one_of_its_own_where_none_is_lent(
    providers: Providers, stack: Callable[..., Terraform]
) -> None:
    """As when a stack goes to the embedded AWS first, then to AWS, or its log is wanted."""
    lent = stack(providers)._initialized_by()
    assert stack(None)._initialized_by() != lent
    assert stack(providers, TF_LOG="debug")._initialized_by() != lent
    assert stack(providers)._initialized_by() == lent


def test_a_lent_provider_stands_where_other_commands_of_terraform_look(
    providers: Providers, program: Path, stack: Callable[..., Terraform]
) -> None:
    """Also in a checkout that was moved, where what was installed leads nowhere."""
    terraform = stack(providers)
    terraform._link(terraform.project.work / "gone" / "5.100.0" / "linux" / program.name)
    terraform._link(terraform._lent or program)
    registry = terraform.folder / ".terraform" / "providers" / "registry.terraform.io"
    installed = registry / "hashicorp" / "aws" / "5.100.0" / "linux" / program.name
    assert installed.resolve() == program.resolve()


ALIAS = {"name": "alias/one", "target_key_id": "00000000-0000-4000-8000-000000000000"}
QUEUE = {"name": "one"}


def state_of(type_: str) -> dict[str, Any]:
    """A state as Terraform keeps it, with one resource."""
    resource = {
        "mode": "managed",
        "type": type_,
        "name": "one",
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 0, "attributes": {"id": "one"}}],
    }
    return {"version": 4, "serial": 1, "lineage": "one", "resources": [resource]}


@pytest.mark.plan
@pytest.mark.parametrize(
    ("resources", "state", "knows_all"),
    [
        ({"aws_kms_alias": {"one": ALIAS}}, {}, False),
        ({"aws_sqs_queue": {"one": QUEUE}}, {}, False),
        ({}, state_of("aws_kms_alias"), False),
        ({}, state_of("aws_sqs_queue"), True),
    ],
    ids=["a module's type", "another", "a module's type, in the state only", "another, in the state only"],
)
def test_terraform_knows_the_types_that_a_stack_has(
    resources: dict[str, Any], state: dict[str, Any], knows_all: bool, providers: Providers, tmp_path: Path
) -> None:
    configuration = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
        "provider": {
            "aws": {
                "region": "eu-central-1",
                "access_key": "one",
                "secret_key": "one",
                "skip_credentials_validation": True,
                "skip_metadata_api_check": "true",
                "skip_requesting_account_id": True,
            }
        },
        **({"resource": resources} if resources else {}),
    }
    (tmp_path / "cdk.tf.json").write_text(json.dumps(configuration))
    if state:
        (tmp_path / "terraform.tfstate").write_text(json.dumps(state))
    project = Project(root=ROOT)
    terraform = Terraform(project, tmp_path, embedded(project.variables(), {}), providers=providers)
    terraform.init()
    assert terraform.has_state() is bool(state)
    assert terraform.plan(tmp_path / "plan", "-refresh=false")
    changes = terraform.show(tmp_path / "plan")["resource_changes"]
    assert [change["change"]["actions"] for change in changes] == [["delete"] if state else ["create"]]
    assert terraform._all_types.exists() is knows_all
