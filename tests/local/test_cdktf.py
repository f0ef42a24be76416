"""Plain `cdktf`, as a user types it: through the gate, or not at all."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagewright.local import process
from tests.conftest import ROOT

from .checkout import Checkout, left_over, make

pytestmark = pytest.mark.local

CDKTF = ROOT / "node_modules" / "cdktf-cli" / "bundle" / "bin" / "cdktf"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with an embedded AWS of its own."""
    project = make(tmp_path)
    yield Checkout(project=project, running=process.up(project.work))
    process.down(project.work)


def cdktf(checkout: Checkout, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run CDKTF's own command line."""
    return checkout.run("node", str(CDKTF), *arguments, **variables)


def test_cdktf_lists_deploys_diffs_and_destroys_an_environment(checkout: Checkout) -> None:
    checkout.slim("local")
    named = {"SAGEWRIGHT_ENVIRONMENT": "local"}
    listed = cdktf(checkout, "list", **named)
    assert [line.split()[0] for line in listed.stdout.splitlines() if line.startswith("local-")] == [
        "local-features",
        "local-foundation",
        "local-serving",
        "local-studio",
        "local-training",
    ]
    assert "dev-" not in listed.stdout
    deployed = cdktf(checkout, "deploy", "local-*", "--auto-approve", **named)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert "gate" in deployed.stdout
    diff = cdktf(checkout, "diff", "local-serving", **named)
    assert diff.returncode == 0, diff.stdout + diff.stderr
    assert "No changes" in diff.stdout
    destroyed = cdktf(checkout, "destroy", "local-*", "--auto-approve", **named)
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert left_over(checkout, "local") == {}


def test_cdktf_diff_shows_a_whole_environment_that_is_not_deployed_yet(checkout: Checkout) -> None:
    checkout.slim("dev")
    named = {"SAGEWRIGHT_ENVIRONMENT": "dev", "SAGEWRIGHT_LOCAL": "1"}
    diff = checkout.run("cdktf", "diff", "dev-*", **named)
    assert diff.returncode == 0, diff.stdout + diff.stderr
    for created in (
        "aws_vpc.network",
        "aws_sagemaker_model_package_group",
        "aws_sagemaker_endpoint.churn_endpoint",
    ):
        assert f"# {created}" in diff.stdout


def test_a_violating_environment_is_stopped_before_anything_changes(checkout: Checkout) -> None:
    checkout.slim("dev")
    document = checkout.document("dev")
    document["production"] = True
    document["log_retention_days"] = 365
    checkout.write("dev", document)
    named = {"SAGEWRIGHT_ENVIRONMENT": "dev", "SAGEWRIGHT_LOCAL": "1"}
    deployed = cdktf(checkout, "deploy", "dev-*", "--auto-approve", **named)
    assert deployed.returncode != 0
    assert "DENIED" in deployed.stdout
    assert "the gate is closed: nothing was changed" in deployed.stdout
    assert left_over(checkout, "dev") == {"buckets": [document["state"]["bucket"]]}


def test_a_pattern_that_matches_no_stack_is_refused(checkout: Checkout) -> None:
    checkout.sagewright("synth", "-e", "local")
    diff = checkout.run("cdktf", "diff", "nope-*", "--skip-synth")
    assert diff.returncode == 2
    assert "no stack matches 'nope-*'; there are: local-foundation" in diff.stderr


def test_who_forgets_the_gate_is_told_at_synthesis(checkout: Checkout) -> None:
    bare = {"TERRAFORM_BINARY_NAME": "terraform", "SAGEWRIGHT_ENVIRONMENT": "local"}
    deployed = cdktf(checkout, "deploy", "local-foundation", "--auto-approve", **bare)
    assert deployed.returncode != 0
    assert "not the plan gate; run this first: . .sagewright/env" in deployed.stdout
    assert left_over(checkout, "local") == {}


def test_who_skips_synthesis_too_is_stopped_by_terraform_itself(checkout: Checkout) -> None:
    checkout.sagewright("synth", "-e", "local")
    bare = {"TERRAFORM_BINARY_NAME": "terraform", "SAGEWRIGHT_ENVIRONMENT": "local"}
    own = checkout.running.environment("111122223333", "eu-central-1")
    arguments = ("deploy", "local-foundation", "--auto-approve", "--skip-synth")
    assert cdktf(checkout, *arguments, **bare, **own).returncode != 0
    assert left_over(checkout, "local") == {}
