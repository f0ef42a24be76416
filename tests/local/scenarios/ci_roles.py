"""CI's roles and the issuer that they trust: audiences, runs and reach change in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from cdktf import TerraformStack

from modules.ci_roles import CiRoles, CiRolesConfig, GitHub
from modules.oidc_provider import OidcProvider, OidcProviderConfig

from ..conftest import REGION, Account, Build
from ..matrix import Gone, Stage, Step

IN_PLACE = ["update"]


def steps(account: Account) -> Iterator[Step]:
    iam, account_id = account.client("iam"), account.account_id
    trust = GitHub(repository="acme/ml-platform").trust("ci")
    config = CiRolesConfig(
        prefix="acme-ci-",
        tags={"Organization": "acme", "Environment": "ci"},
        parameter_path="/sagewright/ci",
        trust=trust,
        provider_arn=f"arn:aws:iam::{account_id}:oidc-provider/{trust.issuer}",
        state_bucket_name="acme-ci-terraform-state",
        state_key_prefix="ci-",
        own_state_key="ci-bootstrap.tfstate",
        state_kms_key_arn=account.key(),
        plans_context={"environment": "ci"},
        roles_boundary_name="acme-ci-boundary",
        account_id=account_id,
        region=REGION,
    )

    def build(config: CiRolesConfig, *audiences: str) -> Build:
        def both(stack: TerraformStack) -> None:
            OidcProvider(stack, "issuer", OidcProviderConfig(url=trust.url, audiences=audiences))
            CiRoles(stack, "ci", config)

        return both

    yield Stage(build(config, "sts.amazonaws.com"))
    before = iam.get_role(RoleName="acme-ci-apply")["Role"]

    moved = replace(
        config,
        trust=GitHub(repository="acme/ml-platform", branch="trunk").trust("live"),
        state_kms_key_arn=account.key(),
        closed_bucket_names=("acme-ci-state-logs",),
    )
    yield Stage(
        build(moved, "sts.amazonaws.com", "acme"),
        {
            "aws_iam_openid_connect_provider.issuer": IN_PLACE,
            "aws_iam_policy.ci_boundary": IN_PLACE,
            "aws_iam_role.ci_apply": IN_PLACE,
            "aws_iam_role.ci_plan": IN_PLACE,
            "aws_iam_role_policy.ci_apply_state": IN_PLACE,
            "aws_iam_role_policy.ci_plan_state": IN_PLACE,
        },
    )
    after = iam.get_role(RoleName="acme-ci-apply")["Role"]
    assert (after["RoleId"], after["CreateDate"]) == (before["RoleId"], before["CreateDate"])
    assert "repo:acme/ml-platform:environment:live" in json.dumps(after["AssumeRolePolicyDocument"])
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=config.provider_arn)
    assert set(provider["ClientIDList"]) == {"sts.amazonaws.com", "acme"}

    yield Gone()
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert not [one for one in iam.list_roles()["Roles"] if one["RoleName"].startswith("acme-ci-")]
    policies = iam.list_policies(Scope="Local")["Policies"]
    assert not [one for one in policies if one["PolicyName"].startswith("acme-ci-")]
