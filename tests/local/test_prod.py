"""Production, whole, on the embedded AWS: what CI's roles may do is enough, and what is kept is kept."""

from __future__ import annotations

import json

import pytest

from .checkout import Checkout
from .ci import lacking, requests

pytestmark = pytest.mark.local


def planned(checkout: Checkout) -> dict[str, set[str]]:
    """Return what the plans that were made last do, by type of resource."""
    actions: dict[str, set[str]] = {}
    for path in (checkout.project.work / "plans").glob("*.json"):
        for change in json.loads(path.read_text())["resource_changes"]:
            if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]:
                actions.setdefault(change["type"], set()).update(change["change"]["actions"])
    return actions


def test_prod_converges_and_the_deletion_of_a_stateful_resource_is_denied(checkout: Checkout) -> None:
    checkout.bootstrap("prod")
    before = len(requests(checkout))
    checkout.sagewright("deploy", "-e", "prod", "--local")
    assert lacking(checkout, "prod", "acme-prod-apply", requests(checkout)[before:]) == []
    assert checkout.sagewright("deploy", "-e", "prod", "--local")["changed"] is False
    document = checkout.document("prod")
    repository, *_ = document["repositories"]
    del document["repositories"][repository]
    checkout.write("prod", document)
    before = len(requests(checkout))
    denied = checkout.run("sagewright", "deploy", "-e", "prod", "--local")
    assert denied.returncode == 1, denied.stdout + denied.stderr
    assert "aws_ecr_repository" in denied.stdout
    assert lacking(checkout, "prod", "acme-prod-plan", requests(checkout)[before:]) == []
    assert planned(checkout) == {
        "aws_ecr_repository": {"delete"},
        "aws_ecr_lifecycle_policy": {"delete"},
        "aws_ssm_parameter": {"delete"},
        "aws_iam_role_policy": {"update"},
    }, "nothing changes but what the repository was for"
    names = checkout.client("ecr", "prod").describe_repositories()["repositories"]
    assert any(repository in each["repositoryName"] for each in names)
