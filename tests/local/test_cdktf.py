"""Plain `cdktf`, as a user types it: through the gate, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sagewright.local import process

from .checkout import Checkout, left_over, make

pytestmark = pytest.mark.local

BARE = {"TERRAFORM_BINARY_NAME": "terraform", "SAGEWRIGHT_ENVIRONMENT": "local"}
"""The settings of who did not read `.sagewright/env`."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout that all tests here may share: nothing in it is deployed."""
    project = make(tmp_path_factory.mktemp("checkout"))
    yield Checkout(project=project, running=process.up(project.work))
    process.down(project.work)


@pytest.fixture(scope="module")
def listed(checkout: Checkout) -> str:
    """What `cdktf list` says, which synthesizes first."""
    return checkout.cdktf("list", SAGEWRIGHT_ENVIRONMENT="local").stdout


def test_cdktf_lists_the_stacks_of_the_named_environment(listed: str) -> None:
    names = [line.split()[0] for line in listed.splitlines() if re.match(r"\w+-", line)]
    assert names == ["local-features", "local-foundation", "local-serving", "local-studio", "local-training"]


@pytest.mark.usefixtures("listed")
def test_a_pattern_that_matches_no_stack_is_refused(checkout: Checkout) -> None:
    diff = checkout.run("cdktf", "diff", "nope-*", "--skip-synth")
    assert diff.returncode == 2
    assert "no stack matches 'nope-*'; there are: local-foundation" in diff.stderr


def test_who_forgets_the_gate_is_told_at_synthesis(checkout: Checkout) -> None:
    deployed = checkout.cdktf("deploy", "local-foundation", "--auto-approve", **BARE)
    assert deployed.returncode != 0
    assert "not the plan gate; run this first: . .sagewright/env" in deployed.stdout
    assert left_over(checkout, "local") == {}


@pytest.mark.usefixtures("listed")
def test_who_skips_synthesis_too_is_stopped_by_terraform_itself(checkout: Checkout) -> None:
    own = checkout.running.environment("111122223333", "eu-central-1")
    arguments = ("deploy", "local-foundation", "--auto-approve", "--skip-synth")
    assert checkout.cdktf(*arguments, **BARE, **own).returncode != 0
    assert left_over(checkout, "local") == {}
