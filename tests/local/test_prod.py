"""Production, whole, on the embedded AWS: what CI's roles may do is enough, and what is kept is kept.

All of checkov's own rules are run on its plans by stock checkov: no failure without a reason.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from sagewright.deploy import Planned
from sagewright.gate.catalog import matches
from tests.policies.conftest import CATALOG, stock_checkov

from .checkout import Checkout, left_over
from .ci import lacking, requests

pytestmark = pytest.mark.local

NAMED = {"SAGEWRIGHT_ENVIRONMENT": "prod", "SAGEWRIGHT_LOCAL": "1"}
STACKS = {f"prod-{part}" for part in ("bootstrap", "features", "foundation", "serving", "studio", "training")}
LISTED = {(check.id, pattern) for check in CATALOG.left_out for pattern in check.fails}
"""What stock checkov may fail: its check, and a pattern of addresses."""


def planned(checkout: Checkout) -> dict[str, set[str]]:
    """Return what the plans that were made last do, by type of resource."""
    actions: dict[str, set[str]] = {}
    for path in (checkout.project.work / "plans").glob("*.json"):
        for change in json.loads(path.read_text())["resource_changes"]:
            if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]:
                actions.setdefault(change["type"], set()).update(change["change"]["actions"])
    return actions


def test_prod_converges_and_the_gate_stops_a_plain_cdktf_deploy_that_deletes(
    checkout: Checkout, tmp_path: Path
) -> None:
    plans = tmp_path / "plans"
    plans.mkdir()

    def keep(seen: Sequence[Planned]) -> None:
        for plan in seen:
            first = plans / plan.json_path.name
            if not first.exists():
                shutil.copy(plan.json_path, first)

    checkout.bootstrap("prod", keep)
    whole = checkout.document("prod")
    checkout.write("prod", {**whole, "repositories": {**whole["repositories"], "scratch": {}}})
    before = len(requests(checkout))
    checkout.deploy("prod", keep)
    assert lacking(checkout, "prod", "acme-prod-apply", requests(checkout)[before:]) == []

    said = stock_checkov(plans)
    assert {plan for plan, _, _ in said} == STACKS
    failing = {(id_, address) for (_, id_, address), result in said.items() if result == "fail"}
    assert not without_a_reason(failing), (
        "mend the stack, or list the address under left_out in policies/catalog.yaml"
    )
    assert not needless(failing), "take it out of fails in policies/catalog.yaml"

    there = left_over(checkout, "prod")
    checkout.write("prod", whole)
    before = len(requests(checkout))
    denied = checkout.cdktf("deploy", "prod-*", "--auto-approve", **NAMED)
    assert denied.returncode != 0
    assert "DENIED" in denied.stdout
    assert "aws_ecr_repository.scratch" in denied.stdout
    assert "the gate is closed: nothing was changed" in denied.stdout
    assert lacking(checkout, "prod", "acme-prod-plan", requests(checkout)[before:]) == []
    assert planned(checkout) == {
        "aws_ecr_repository": {"delete"},
        "aws_ecr_lifecycle_policy": {"delete"},
        "aws_ssm_parameter": {"delete"},
        "aws_iam_role_policy": {"update"},
    }, "nothing changes but what the repository was for"
    assert left_over(checkout, "prod") == there


def without_a_reason(failing: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return what fails, check and address, and is not listed."""
    return {
        (id_, address)
        for id_, address in failing
        if not any(id_ == listed and matches(pattern, address) for listed, pattern in LISTED)
    }


def needless(failing: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return what is listed, check and pattern, and does not fail."""
    return {
        (listed, pattern)
        for listed, pattern in LISTED
        if not any(id_ == listed and matches(pattern, address) for id_, address in failing)
    }
