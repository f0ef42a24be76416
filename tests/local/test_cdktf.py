"""Plain `cdktf`, as a user types it: through the gate, or not at all."""

from __future__ import annotations

import re

import pytest

from .checkout import Checkout, left_over

pytestmark = pytest.mark.local


def test_cdktf_lists_the_stacks_of_the_named_environment(checkout: Checkout) -> None:
    listed = checkout.cdktf("list", SAGEWRIGHT_ENVIRONMENT="local")
    names = [line.split()[0] for line in listed.stdout.splitlines() if re.match(r"\w+-", line)]
    assert names == ["local-features", "local-foundation", "local-serving", "local-studio", "local-training"]


def test_a_pattern_that_matches_no_stack_is_refused(checkout: Checkout) -> None:
    checkout.sagewright("synth", "-e", "local")
    diff = checkout.run("cdktf", "diff", "nope-*", "--skip-synth")
    assert diff.returncode == 2
    assert "no stack matches 'nope-*'; there are: local-foundation" in diff.stderr


def test_who_forgets_the_gate_is_told_at_synthesis(checkout: Checkout) -> None:
    bare = {"TERRAFORM_BINARY_NAME": "terraform", "SAGEWRIGHT_ENVIRONMENT": "local"}
    deployed = checkout.cdktf("deploy", "local-foundation", "--auto-approve", **bare)
    assert deployed.returncode != 0
    assert "not the plan gate; run this first: . .sagewright/env" in deployed.stdout
    assert left_over(checkout, "local") == {}


def test_who_skips_synthesis_too_is_stopped_by_terraform_itself(checkout: Checkout) -> None:
    checkout.sagewright("synth", "-e", "local")
    bare = {"TERRAFORM_BINARY_NAME": "terraform", "SAGEWRIGHT_ENVIRONMENT": "local"}
    own = checkout.running.environment("111122223333", "eu-central-1")
    arguments = ("deploy", "local-foundation", "--auto-approve", "--skip-synth")
    assert checkout.cdktf(*arguments, **bare, **own).returncode != 0
    assert left_over(checkout, "local") == {}
