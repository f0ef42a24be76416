"""Role: trust, boundary, and what is too wide to be granted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cdktf import TerraformOutput

from modules._core import Statement
from modules.role import Principals, Role, RoleConfig, Services, execution, fetch
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/acme-prod-boundary"
READ = Statement(actions=("s3:GetObject",), resources=("arn:aws:s3:::acme-prod-artifacts/*",))
SAGEMAKER = Services(names=("sagemaker.amazonaws.com",))


def config(**changes: Any) -> RoleConfig:
    values = {
        "name": "acme-prod-training",
        "description": "Training jobs",
        "trust": SAGEMAKER,
        "statements": (READ,),
        "permissions_boundary_arn": BOUNDARY,
        "account_id": ACCOUNT,
    }
    return RoleConfig(**{**values, **changes})


def trust(synth: Synth, **changes: Any) -> list[dict[str, Any]]:
    return synth(Role, config(**changes)).policy("aws_iam_role", attribute="assume_role_policy")


def test_it_has_a_boundary_and_a_short_session(synth: Synth) -> None:
    role = synth(Role, config()).one("aws_iam_role")
    assert role["permissions_boundary"] == BOUNDARY
    assert role["max_session_duration"] == 3600


def test_a_service_takes_it_for_resources_of_its_account_only(synth: Synth) -> None:
    (statement,) = trust(synth)
    assert statement["Principal"] == {"Service": ["sagemaker.amazonaws.com"]}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_a_service_that_tells_no_account_is_not_locked_out(synth: Synth) -> None:
    services = Services(names=("sagemaker.amazonaws.com", "lambda.amazonaws.com"))
    conditions = {
        one["Principal"]["Service"][0]: one.get("Condition") for one in trust(synth, trust=services)
    }
    assert conditions["lambda.amazonaws.com"] is None
    assert conditions["sagemaker.amazonaws.com"] is not None


def test_principals_take_it_by_name(synth: Synth) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/lead"
    (statement,) = trust(synth, trust=Principals(arns=(arn,)))
    assert statement["Principal"] == {"AWS": [arn]}
    assert statement["Action"] == ["sts:AssumeRole"]


def test_what_takes_the_role_waits_for_its_permissions(synth: Synth) -> None:
    def build(stack: Any) -> None:
        TerraformOutput(stack, "arn", value=Role(stack, "training_role", config()).outputs.arn)

    expected = f"arn:aws:iam::{ACCOUNT}:role/${{aws_iam_role_policy.training_role_policy.role}}"
    assert synth(build).outputs == {"arn": expected}


def test_its_policy_holds_what_it_was_given(synth: Synth) -> None:
    (statement,) = synth(Role, config()).policy("aws_iam_role_policy")
    assert statement == {"Effect": "Allow", "Action": list(READ.actions), "Resource": list(READ.resources)}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "a role"}, "name: supply a value such as acme-prod-training, got 'a role'"),
        ({"max_session_seconds": 900}, "max_session_seconds: supply at least 3600, got 900"),
        ({"max_session_seconds": 90000}, "max_session_seconds: supply at most 43200, got 90000"),
        ({"statements": ()}, "statements: supply at least one, got none"),
        (
            {"statements": (Statement(actions=("*",), resources=("arn:aws:s3:::a",)),)},
            "statements: supply the actions that are needed, got '*'",
        ),
        (
            {"statements": (Statement(actions=("s3:*",), resources=("arn:aws:s3:::a",)),)},
            "statements: supply the actions that are needed, got 's3:*'",
        ),
        (
            {"statements": (Statement(actions=("s3:Get*",), resources=("arn:aws:s3:::a",)),)},
            "statements: supply the actions that are needed, got 's3:Get*'",
        ),
        (
            {"statements": (Statement(actions=("s3:GetObjec?",), resources=("arn:aws:s3:::a",)),)},
            "statements: supply the actions that are needed, got 's3:GetObjec?'",
        ),
        (
            {"statements": (Statement(actions=("s3:GetObject",), resources=("*",)),)},
            "statements: supply the ARNs that s3:GetObject is for, got '*'",
        ),
        (
            {"statements": (Statement(actions=("ec2:CreateNetworkInterface",), resources=("*",)),)},
            "statements: supply the ARNs that ec2:CreateNetworkInterface is for, got '*'",
        ),
        (
            {"statements": (Statement(actions=("s3:GetObject", "s3:PutObject")),)},
            "statements: supply the resources of s3:GetObject, s3:PutObject, got none",
        ),
        (
            {
                "statements": (
                    Statement(actions=("s3:GetObject",), resources=(f"arn:aws:s3:::{'a' * 10240}",)),
                )
            },
            "statements: supply at most 10240 characters without white space, got 10352",
        ),
    ],
)
def test_a_role_that_is_too_wide_or_illegal_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        config(**changes)
    assert str(refused.value) == problem


def test_a_policy_whose_length_terraform_knows_later_passes() -> None:
    config(statements=(Statement(actions=("s3:GetObject",), resources=(f"${{{'a' * 10240}}}",)),))


def test_an_action_on_no_one_resource_may_have_the_resource_star() -> None:
    config(statements=(Statement(actions=("ecr:GetAuthorizationToken",), resources=("*",)),))


def test_a_denial_may_be_as_wide_as_it_likes() -> None:
    config(statements=(READ, Statement(effect="Deny", actions=("iam:*",), resources=("*",))))


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ((), "names: supply at least one, got none"),
        (("lambda.amazonaws.com",) * 2, "names: supply each once, got 'lambda.amazonaws.com' twice"),
        (("sagemaker",), "names: supply a value such as sagemaker.amazonaws.com, got 'sagemaker'"),
    ],
)
def test_a_service_that_is_none_is_refused(names: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        Services(names=names)
    assert str(refused.value) == problem


@pytest.mark.parametrize(
    ("arns", "problem"),
    [
        ((), "arns: supply at least one, got none"),
        (
            (f"arn:aws:iam::{ACCOUNT}:role/a",) * 2,
            f"arns: supply each once, got 'arn:aws:iam::{ACCOUNT}:role/a' twice",
        ),
        (("*",), "arns: supply a value such as arn:aws:iam::111122223333:role/lead, got '*'"),
    ],
)
def test_principals_that_are_no_roles_or_users_are_refused(arns: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        Principals(arns=arns)
    assert str(refused.value) == problem


def test_execution_is_narrow_enough_for_a_role() -> None:
    grants = execution(account_id=ACCOUNT, region="eu-central-1", log_group_names=("/aws/sagemaker/*",))
    config(statements=grants)
    resources = json.dumps([grant.to_dict() for grant in grants])
    assert f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/aws/sagemaker/*:*" in resources


def test_execution_writes_metrics_of_sagemaker_only() -> None:
    grants = execution(account_id=ACCOUNT, region="eu-central-1", log_group_names=("a",))
    (metrics,) = (grant for grant in grants if grant.actions == ("cloudwatch:PutMetricData",))
    assert metrics.conditions == {
        "StringLike": {"cloudwatch:namespace": ("/aws/sagemaker/*", "AWS/SageMaker")}
    }


IMAGE = "222233334444.dkr.ecr.eu-west-1.amazonaws.com/team/churn@sha256:" + "0" * 64


def test_execution_outside_of_a_vpc_touches_no_network() -> None:
    grants = execution(account_id=ACCOUNT, region="eu-central-1", log_group_names=("a",), in_vpc=False)
    assert not [action for grant in grants for action in grant.actions if action.startswith("ec2:")]


@pytest.mark.parametrize(("prefix", "objects"), [("models/", "models/*"), ("", "*")])
def test_many_artifacts_are_listed_and_fetched_under_their_prefix(prefix: str, objects: str) -> None:
    listing, reading, _ = fetch(None, f"s3://acme-models/{prefix}", "eu-west-1")
    assert (listing.actions, listing.resources) == (("s3:ListBucket",), ("arn:aws:s3:::acme-models",))
    assert listing.conditions == {"StringLike": {"s3:prefix": objects}}
    assert reading.resources == (f"arn:aws:s3:::acme-models/{objects}",)


def test_an_image_and_an_artifact_are_fetched_and_no_other() -> None:
    grants = fetch(IMAGE, "s3://acme-models/churn/v4/model.tar.gz", "eu-west-1")
    config(statements=grants)
    assert [(grant.actions[0], grant.resources) for grant in grants] == [
        ("ecr:BatchGetImage", ("arn:aws:ecr:eu-west-1:222233334444:repository/team/churn",)),
        ("ecr:GetAuthorizationToken", ("*",)),
        ("s3:GetObject", ("arn:aws:s3:::acme-models/churn/v4/model.tar.gz",)),
        ("kms:Decrypt", ("arn:aws:kms:eu-west-1:*:key/*",)),
    ]
    context = {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::acme-models*"}
    assert grants[-1].conditions == {"StringLike": context}


def test_an_image_of_another_registry_needs_no_iam_and_without_an_artifact_there_is_none_to_read() -> None:
    latest = IMAGE.partition("@")[0]
    assert fetch(latest, None, "eu-west-1") == fetch(IMAGE, None, "eu-west-1")
    assert fetch("registry.acme.example/churn@sha256:" + "0" * 64, None, "eu-west-1") == ()


@pytest.mark.parametrize(
    ("image", "model_data_url", "problem"),
    [
        ("${var.image}", None, "image: supply what is known before the plan, got '${var.image}'"),
        (IMAGE, "${var.url}", "model_data_url: supply what is known before the plan, got '${var.url}'"),
    ],
)
def test_a_grant_is_not_made_of_what_only_terraform_knows(
    image: str, model_data_url: str | None, problem: str
) -> None:
    with pytest.raises(ValueError) as refused:
        fetch(image, model_data_url, "eu-west-1")
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/role", synth(Role, config()))


SHARED = f"arn:aws:iam::{ACCOUNT}:policy/acme-prod-studio-data"


def test_it_has_the_policies_that_it_shares_with_other_roles(synth: Synth) -> None:
    attached = synth(Role, config(shared_policy_arns={"data": SHARED}))
    assert attached.one("aws_iam_role_policy_attachment", "data") == {
        "policy_arn": SHARED,
        "role": "${aws_iam_role.this.name}",
    }


@pytest.mark.parametrize(
    ("policies", "problem"),
    [
        (
            {"all": "arn:aws:iam::aws:policy/AdministratorAccess"},
            "shared_policy_arns.all: supply a value such as arn:aws:iam::111122223333:policy/acme-data, "
            "got 'arn:aws:iam::aws:policy/AdministratorAccess'",
        ),
        (
            {str(place): SHARED for place in range(11)},
            "shared_policy_arns: number of policies: supply at most 10, got 11",
        ),
    ],
)
def test_a_policy_of_aws_and_more_than_iam_takes_are_refused(policies: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        config(shared_policy_arns=policies)
    assert str(refused.value) == problem
