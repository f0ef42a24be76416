"""A role, a policy that it shares and its boundary: what each allows changes in place."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from cdktf import TerraformStack

from modules._core import Statement
from modules.permissions_boundary import PermissionsBoundary, PermissionsBoundaryConfig
from modules.policy import Policy, PolicyConfig
from modules.role import Role, RoleConfig, Services

from ..conftest import REGION, Account, Build
from ..matrix import Gone, Stage, Step

NAME = "acme-test-training"


def read(*buckets: str) -> tuple[Statement, ...]:
    """Return what reads the objects of some buckets."""
    return (
        Statement(actions=("s3:GetObject",), resources=tuple(f"arn:aws:s3:::{one}/*" for one in buckets)),
    )


def steps(account: Account) -> Iterator[Step]:
    iam, account_id = account.client("iam"), account.account_id

    def build(own: tuple[Statement, ...], shared: tuple[Statement, ...], *closed: str, hours: int) -> Build:
        def all_three(stack: TerraformStack) -> None:
            boundary = PermissionsBoundary(
                stack,
                "boundary",
                PermissionsBoundaryConfig(
                    name="acme-test-boundary",
                    prefix="acme-test-",
                    account_id=account_id,
                    region=REGION,
                    closed_bucket_names=closed,
                ),
            )
            policy = Policy(
                stack,
                "data",
                PolicyConfig(name="acme-test-data", description="Reads data", statements=shared),
            )
            Role(
                stack,
                "training",
                RoleConfig(
                    name=NAME,
                    description=f"Trains for {hours} h",
                    trust=Services(names=("sagemaker.amazonaws.com",)),
                    statements=own,
                    permissions_boundary_arn=boundary.outputs.arn,
                    account_id=account_id,
                    max_session_seconds=hours * 3600,
                    shared_policy_arns={"data": policy.outputs.arn},
                ),
            )

        return all_three

    yield Stage(build(read("acme-test-code"), read("acme-test-data"), hours=1))
    before = iam.get_role(RoleName=NAME)["Role"]
    assert before["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(":policy/acme-test-boundary")

    yield Stage(
        build(
            read("acme-test-code", "acme-test-more"),
            read("acme-test-data", "acme-test-more"),
            "acme-test-terraform-state",
            hours=2,
        ),
        {
            "aws_iam_policy.boundary": ["update"],
            "aws_iam_policy.data": ["update"],
            "aws_iam_role.training": ["update"],
            "aws_iam_role_policy.training_policy": ["update"],
        },
    )
    after = iam.get_role(RoleName=NAME)["Role"]
    assert (after["RoleId"], after["CreateDate"]) == (before["RoleId"], before["CreateDate"])
    assert after["MaxSessionDuration"] == 7200
    own = iam.get_role_policy(RoleName=NAME, PolicyName="permissions")["PolicyDocument"]
    assert "arn:aws:s3:::acme-test-more/*" in own["Statement"][0]["Resource"]
    (shared,) = iam.list_attached_role_policies(RoleName=NAME)["AttachedPolicies"]
    version = iam.get_policy(PolicyArn=shared["PolicyArn"])["Policy"]["DefaultVersionId"]
    text = iam.get_policy_version(PolicyArn=shared["PolicyArn"], VersionId=version)
    assert "acme-test-more" in json.dumps(text["PolicyVersion"]["Document"])

    yield Gone()
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=NAME)
    left = {one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]}
    assert not left & {"acme-test-boundary", "acme-test-data"}
