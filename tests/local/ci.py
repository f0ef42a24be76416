"""What was asked of the embedded AWS, against what CI's roles may do there."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

from sagewright.local.authorization import action
from sagewright.local.mends.s3 import _ACTIONS

from .checkout import Checkout

SERVICES = {"autoscaling": "application-autoscaling", "monitoring": "cloudwatch"}
"""Services whose actions begin with another name than their requests."""
FREE = {"sts:GetCallerIdentity"}
"""Needs no permission."""


def requests(checkout: Checkout) -> list[dict[str, Any]]:
    """Return all requests so far."""
    log = checkout.project.work / "embedded-aws-requests.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()]


def actions(asked: list[dict[str, Any]]) -> set[str]:
    """Return the actions that allow some requests; where IAM has other names than the APIs, these."""
    return {
        f"{SERVICES.get(one['service'], one['service'])}:"
        + (_ACTIONS if one["service"] == "s3" else {}).get(
            one["operation"], action(one["service"], one["operation"])
        )
        for one in asked
    } - FREE


def lacking(checkout: Checkout, environment: str, role: str, asked: list[dict[str, Any]]) -> list[str]:
    """Return the actions behind some requests that a role of CI could not have made, as it is live."""
    iam = checkout.client("iam", environment)
    limits = list(policies(iam, role)), [boundary(iam, role)]
    return sorted(
        action for action in actions(asked) if not all(allowed(action, documents) for documents in limits)
    )


def allowed(action: str, documents: list[dict[str, Any]]) -> bool:
    """Tell whether one of some policies allows an action on anything at all."""
    return any(
        statement["Effect"] == "Allow" and fnmatch.fnmatchcase(action.lower(), pattern.lower())
        for document in documents
        for statement in document["Statement"]
        for pattern in statement["Action"]
    )


def policies(iam: Any, role: str) -> Iterator[dict[str, Any]]:
    """Yield the policies of a role."""
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        yield document(iam, attached["PolicyArn"])
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def boundary(iam: Any, role: str) -> dict[str, Any]:
    """Return the boundary of a role."""
    described = iam.get_role(RoleName=role)["Role"]
    return document(iam, described["PermissionsBoundary"]["PermissionsBoundaryArn"])


def document(iam: Any, arn: str) -> dict[str, Any]:
    """Return a managed policy as it is in force."""
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found: dict[str, Any] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
        "Document"
    ]
    return found
