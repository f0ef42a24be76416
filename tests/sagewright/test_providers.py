"""Providers that are lent to one Terraform after another: each to one at a time, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagewright.project import Project
from sagewright.providers import Providers
from sagewright.terraform import Terraform

from .conftest import ROOT

PROVIDER = """#!/bin/sh
echo a line before
echo "	TF_REATTACH_PROVIDERS='{\\"pid\\": $$, \\"folder\\": \\"$PWD\\"}'"
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


def lent(providers: Providers, program: Path, folder: Path) -> str:
    with providers.lend(program, folder, os.environ) as told:
        return told["TF_REATTACH_PROVIDERS"]


def pid(told: str) -> int:
    return int(told.split()[1].rstrip(","))


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
    assert first == f'{{"pid": {pid(first)}, "folder": "{tmp_path}"}}'
    assert lent(providers, program, tmp_path) == first


def test_no_two_at_once_have_the_same_and_each_is_in_its_folder(
    providers: Providers, program: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with providers.lend(program, tmp_path, os.environ) as first:
        second = lent(providers, program, tmp_path)
        assert second != first["TF_REATTACH_PROVIDERS"]
    assert f'"folder": "{other}"' in lent(providers, program, other)


def test_none_is_left_when_they_are_closed(providers: Providers, program: Path, tmp_path: Path) -> None:
    told = lent(providers, program, tmp_path)
    providers.close()
    assert ended(pid(told))
    assert lent(providers, program, tmp_path) != told


def test_none_is_left_by_a_command_that_is_killed(program: Path, tmp_path: Path) -> None:
    code = f"""
import os, pathlib, time
from sagewright.providers import Providers
with Providers().lend(pathlib.Path({str(program)!r}), pathlib.Path({str(tmp_path)!r}), os.environ) as told:
    print(told["TF_REATTACH_PROVIDERS"], flush=True)
    time.sleep(600)
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        told = killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
    assert ended(pid(told))


@pytest.fixture
def folder(program: Path, tmp_path: Path) -> Path:
    """A stack's folder after `terraform init`."""
    folder = tmp_path / "stack"
    installed = folder / ".terraform" / "providers" / "registry" / "hashicorp" / "aws" / "5.100.0" / "linux"
    installed.mkdir(parents=True)
    (installed / program.name).symlink_to(program)
    return folder


@pytest.mark.parametrize(
    ("command", "variables", "lends"),
    [
        ("plan", {}, True),
        ("show", {}, True),
        ("apply", {}, True),
        ("init", {}, False),
        ("state", {}, False),
        ("plan", {"TF_LOG_PROVIDER": "debug"}, False),
    ],
)
def test_a_provider_is_lent_to_what_uses_one_unless_its_log_is_wanted(
    command: str, variables: dict[str, str], lends: bool, providers: Providers, folder: Path
) -> None:
    terraform = Terraform(Project(root=ROOT), folder, {**os.environ, **variables}, providers=providers)
    with terraform._provider(command) as told:
        assert bool(told) is lends


def test_a_provider_finds_the_assets_of_a_stack(providers: Providers, folder: Path) -> None:
    terraform = Terraform(Project(root=ROOT), folder, os.environ, providers=providers)
    with terraform._provider("apply") as told:
        assert f'"folder": "{ROOT}"' in told["TF_REATTACH_PROVIDERS"], "any stack may have it next"
    (folder / "assets").mkdir()
    with terraform._provider("apply") as told:
        assert f'"folder": "{folder}"' in told["TF_REATTACH_PROVIDERS"]
