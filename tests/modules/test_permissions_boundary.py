"""Permissions boundary: what is within it, and what is beyond."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from modules.permissions_boundary import PermissionsBoundary, PermissionsBoundaryConfig
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"


def config(**changes: Any) -> PermissionsBoundaryConfig:
    values = {
        "name": "acme-prod-boundary",
        "prefix": "acme-prod-",
        "account_id": ACCOUNT,
        "region": "eu-central-1",
    }
    return PermissionsBoundaryConfig(**{**values, **changes})


def allowed(synth: Synth, action: str, resource: str) -> bool:
    statements = synth(PermissionsBoundary, config()).policy("aws_iam_policy")
    assert all(one["Effect"] == "Allow" for one in statements)
    return any(
        any(fnmatchcase(action, one) for one in statement["Action"])
        and any(fnmatchcase(resource, one) for one in statement["Resource"])
        for statement in statements
    )


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", "arn:aws:s3:::acme-prod-artifacts/a"),
        ("s3:GetObject", "arn:aws:s3:::acme-central-models/a"),
        (
            "sagemaker:CreateModelPackage",
            f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:model-package/acme-prod-churn/1",
        ),
        ("ecr:BatchGetImage", "arn:aws:ecr:eu-central-1:222233334444:repository/churn"),
        ("kms:Decrypt", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"),
        ("logs:PutLogEvents", f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs:*"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/acme-prod-training"),
        ("ec2:CreateNetworkInterface", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:subnet/subnet-1"),
    ],
)
def test_what_the_environment_needs_is_within_it(synth: Synth, action: str, resource: str) -> None:
    assert allowed(synth, action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", "arn:aws:s3:::acme-dev-artifacts/a"),
        ("sagemaker:DeleteEndpoint", f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:endpoint/acme-dev-churn"),
        ("sagemaker:DeleteEndpoint", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/acme-prod-churn"),
        ("iam:CreateUser", "*"),
        ("iam:DeleteRolePermissionsBoundary", f"arn:aws:iam::{ACCOUNT}:role/acme-prod-training"),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
        ("kms:ScheduleKeyDeletion", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"),
        ("ecr:PutImage", "arn:aws:ecr:eu-central-1:222233334444:repository/churn"),
        ("ec2:RunInstances", "*"),
        (
            "logs:DeleteLogGroup",
            f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/aws/vpc/acme-prod/flow-logs",
        ),
    ],
)
def test_what_is_not_the_environments_is_beyond_it(synth: Synth, action: str, resource: str) -> None:
    assert not allowed(synth, action, resource)


def test_no_role_touches_a_closed_bucket_whatever_its_name(synth: Synth) -> None:
    made = synth(PermissionsBoundary, config(closed_bucket_names=("acme-prod-terraform-state",)))
    (denial,) = (one for one in made.policy("aws_iam_policy") if one["Effect"] == "Deny")
    bucket = "arn:aws:s3:::acme-prod-terraform-state"
    assert (denial["Action"], denial["Resource"]) == (["s3:*"], [bucket, f"{bucket}/*"])
    assert "Condition" not in denial


def test_a_role_is_passed_to_sagemaker_only(synth: Synth) -> None:
    statements = synth(PermissionsBoundary, config()).policy("aws_iam_policy")
    (passing,) = (one for one in statements if "iam:PassRole" in one["Action"])
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "a boundary"}, "name: supply a value such as acme-prod-boundary, got 'a boundary'"),
        ({"prefix": "acme"}, "prefix: supply a value such as acme-prod-, got 'acme'"),
    ],
)
def test_a_name_that_iam_refuses_and_a_prefix_that_others_share_are_refused(
    changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError) as refused:
        config(**changes)
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/permissions_boundary", synth(PermissionsBoundary, config()))
