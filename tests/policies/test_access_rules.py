"""Rules on access and traffic at their edges: spellings of actions, conditions, whose a policy is, shares."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from policies.plan.model import Change, Limits, Planned, Resource, Template, Unknown
from sagewright.gate import rules

from .test_plan_rules import RULES, ask, configuration, endpoint, resource, variant

LIMITS = Limits(account_id="111122223333", trusted_account_ids=("777788889999",))
SAGEMAKER = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def text(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, condition: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": "*",
        **({"Condition": condition} if condition else {}),
        **more,
    }


def deny(action: Any, condition: Any = None) -> dict[str, Any]:
    return {**allow(action, condition), "Effect": "Deny"}


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        (allow("iam:PassRole", SAGEMAKER), "pass"),
        (allow(["s3:GetObject", "IAM:passrole"]), "fail"),
        (allow("iam:P*"), "fail"),
        (allow("iam:GetRole"), "pass"),
        (deny("iam:PassRole"), "pass"),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, "fail"),
        ({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}, "pass"),
        (
            allow("iam:PassRole", {"StringEquals": {"IAM:PassedToService": ["sagemaker.amazonaws.com"]}}),
            "pass",
        ),
        (allow("iam:PassRole", {"StringEqualsIfExists": SAGEMAKER["StringEquals"]}), "fail"),
        (allow("iam:PassRole", {"StringLike": {"iam:PassedToService": "*"}}), "fail"),
        (allow("iam:PassRole", {"StringEquals": {"iam:PassedToService": []}}), "fail"),
        (allow("iam:PassRole", {"StringEquals": {"aws:PrincipalTag/team": "ml"}}), "fail"),
        (allow("${aws_iam_role.a.name}"), "unknown"),
    ],
)
def test_roles_are_passed_by_a_condition(statement: Any, state: str) -> None:
    document = text(statement)
    policy = Template(document) if "${" in document else document
    assert ask("SW_POLICY_PASSROLE", resource("aws_iam_role_policy.a", {"policy": policy}))[0] == state


@pytest.mark.parametrize(
    ("boundary", "state"),
    [
        ("arn:aws:iam::111122223333:policy/acme-prod-boundary", "pass"),
        (Unknown(("aws_iam_policy.boundary.arn",)), "pass"),
        (Template("${aws_iam_policy.boundary.arn}"), "pass"),
        (Unknown(("aws_ssm_parameter.boundary.value",)), "unknown"),
        (None, "fail"),
        ("", "fail"),
    ],
)
def test_a_role_has_a_boundary(boundary: Any, state: str) -> None:
    assert ask("SW_ROLE_BOUNDARY", resource("aws_iam_role.a", {"permissions_boundary": boundary}))[0] == state


PENDING = {"StringEqualsIfExists": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}}
APPROVED = {"StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}}
REGISTER, APPROVE = "sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([allow(REGISTER, PENDING)], "pass"),
        ([allow(APPROVE)], "pass"),
        ([allow(REGISTER)], "fail"),
        ([allow(REGISTER, PENDING), allow(APPROVE)], "fail"),
        ([allow(REGISTER, PENDING), allow(APPROVE, PENDING)], "pass"),
        ([allow([REGISTER, APPROVE]), deny([REGISTER, APPROVE], APPROVED)], "pass"),
        ([allow([REGISTER, APPROVE]), deny(REGISTER, APPROVED)], "fail"),
        ([allow([REGISTER, APPROVE]), deny(REGISTER)], "pass"),
        ([allow("sagemaker:*Package"), deny("sagemaker:Update*")], "fail"),
        ([allow("sagemaker:*Package", PENDING), deny("sagemaker:Update*")], "pass"),
        ([allow("sagemaker:*"), {**deny(REGISTER), "Resource": "arn:aws:sagemaker:::one"}], "fail"),
        ([allow(REGISTER, {"StringLike": {"sagemaker:ModelApprovalStatus": "*"}})], "fail"),
    ],
)
def test_authors_and_approvers_are_apart(statements: Any, state: str) -> None:
    role = resource("aws_iam_role.a", {"name": "acme-prod-a"})
    policy = resource("aws_iam_role_policy.a", {"role": "acme-prod-a", "policy": text(*statements)})
    assert ask("SW_APPROVAL_AUTHOR", role, policy)[0] == state


@pytest.mark.parametrize(
    ("role", "owner", "state"),
    [
        ({"name": "a"}, "a", "fail"),
        ({"name": "a"}, "b", "pass"),
        ({"name": "a"}, Template("${aws_iam_role.a.name}"), "fail"),
        ({"name": "a"}, Unknown(("aws_iam_role.a.id",)), "fail"),
        ({"name": "a"}, Unknown(("aws_iam_role.b.id",)), "pass"),
        ({"name": "a"}, Unknown(), "unknown"),
        ({"name": Unknown(computed=True), "name_prefix": "acme-"}, "acme-1", "unknown"),
        ({"name": Unknown(computed=True), "name_prefix": "acme-"}, "other", "pass"),
    ],
)
def test_it_is_told_whose_a_policy_is(role: Any, owner: Any, state: str) -> None:
    values = {"role": owner, "policy": text(allow(REGISTER))}
    policy = resource("aws_iam_role_policy.a", values)
    assert ask("SW_APPROVAL_AUTHOR", resource("aws_iam_role.a", role), policy)[0] == state


def principal(value: Any, condition: Any = None) -> dict[str, Any]:
    return allow("sagemaker:DescribeModelPackage", condition, Principal=value)


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        (principal({"AWS": "111122223333"}), "pass"),
        (principal({"AWS": ["arn:aws:iam::777788889999:root", "arn:aws:iam::111122223333:role/a"]}), "pass"),
        (principal({"AWS": "arn:aws:iam::999988887777:role/a"}), "fail"),
        (principal({"AWS": "999988887777"}), "fail"),
        (principal({"Service": "sagemaker.amazonaws.com"}), "pass"),
        (principal({"Federated": "arn:aws:iam::999988887777:oidc-provider/example.com"}), "fail"),
        (principal("*", {"StringEquals": {"aws:PrincipalAccount": "999988887777"}}), "fail"),
        (principal("*", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999988887777:role/*"}}), "fail"),
        (principal("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}), "pass"),
        ({**principal({"AWS": "999988887777"}), "Effect": "Deny"}, "pass"),
        (principal({"AWS": "${aws_iam_role.a.arn}"}), "pass"),
        (principal({"AWS": "${var.account}"}), "unknown"),
    ],
)
def test_strangers_are_accounts_that_are_not_named(statement: Any, state: str) -> None:
    document = text(statement)
    policy = Template(document) if "${" in document else document
    group = resource("aws_sagemaker_model_package_group_policy.a", {"resource_policy": policy})
    assert ask("SW_POLICY_STRANGERS", group, limits=LIMITS)[0] == state


PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
OBJECTS = ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "pass"),
        ({"Principal": {"AWS": ["*"]}, "Condition": {"Bool": {"AWS:SecureTransport": [False]}}}, "pass"),
        ({"Principal": {"AWS": "111122223333"}}, "fail"),
        ({"Effect": "Allow"}, "fail"),
        ({"Action": "s3:PutObject"}, "fail"),
        ({"Resource": "arn:aws:s3:::data"}, "fail"),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, "fail"),
        ({"Condition": {**PLAIN, "StringEquals": {"aws:PrincipalTag/team": "ml"}}}, "fail"),
        ({"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}}, "fail"),
        ({"Condition": {}}, "fail"),
    ],
)
def test_all_requests_without_tls_are_denied(changes: Any, state: str) -> None:
    statement = {**deny("s3:*", PLAIN), "Principal": "*", "Resource": OBJECTS, **changes}
    bucket = resource("aws_s3_bucket.data", {"bucket": "data"})
    policy = resource("aws_s3_bucket_policy.data", {"bucket": "data", "policy": text(statement)})
    assert ask("SW_BUCKET_TLS", bucket, policy)[0] == state
    assert ask("SW_BUCKET_TLS", bucket)[0] == "fail"


@pytest.mark.parametrize(
    ("days", "state"), [(365, "pass"), (0, "pass"), (None, "pass"), (364, "fail"), (Unknown(), "unknown")]
)
def test_logs_are_kept_for_as_long_as_the_environments_own(days: Any, state: str) -> None:
    assert (
        ask("SW_LOG_FLOOR", resource("aws_cloudwatch_log_group.a", {"retention_in_days": days}))[0] == state
    )


@pytest.mark.parametrize(
    ("platform", "state"),
    [
        (None, "pass"),
        ("notebook-al2023-v1", "pass"),
        ("notebook-al2-v3", "fail"),
        (Unknown(computed=True), "pass"),
        (Unknown(), "unknown"),
    ],
)
def test_amazon_linux_2_is_over(platform: Any, state: str) -> None:
    notebook = resource("aws_sagemaker_notebook_instance.a", {"platform_identifier": platform})
    assert ask("SW_NOTEBOOK_PLATFORM", notebook)[0] == state


def weighted(**weights: Any) -> list[dict[str, Any]]:
    return [variant(name, initial_variant_weight=weight) for name, weight in weights.items()]


def moved(before: dict[str, Any], after: dict[str, Any], percent: int = 50) -> tuple[str, str]:
    """Return what is said of an update from some weights to others."""
    new = configuration(*weighted(**after), name="churn")
    new.values["name"] = Unknown(computed=True)  # type: ignore[index]
    live = endpoint(configuration_name=Template("${aws_sagemaker_endpoint_configuration.churn.name}"))
    change = dataclasses.replace(live.change, actions=("update",), before={"endpoint_config_name": "churn-0"})
    live = dataclasses.replace(live, change=change)
    old = Change(
        stack=live.stack,
        address=new.address,
        type=new.type,
        actions=("create", "delete"),
        before={"name": "churn-0", "production_variants": weighted(**before)},
    )
    resources: tuple[Resource, ...] = (live, new)
    planned = Planned(resources, (old,), limits=Limits(traffic_shift_percent=percent))
    verdict = rules.ask(RULES["SW_TRAFFIC_SHIFT"], live, planned)
    return verdict.state, verdict.message


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ({"a": 95, "b": 5}, {"a": 45, "b": 55}, "pass"),
        ({"a": 95, "b": 5}, {"a": 44, "b": 56}, "fail"),
        ({"a": 1}, {"a": 1, "b": 0}, "pass"),
        ({"a": 1}, {"b": 1}, "fail"),
        ({"a": 9, "b": 1}, {"a": 0.9, "b": 0.1}, "pass"),
        ({"a": None, "b": None}, {"a": 1, "b": 1}, "pass"),
        ({"a": 1, "b": 1}, {"a": Unknown(), "b": 1}, "unknown"),
    ],
)
def test_shares_are_compared_not_weights(before: Any, after: Any, state: str) -> None:
    assert moved(before, after)[0] == state


def test_it_is_said_which_variant_gets_how_much() -> None:
    assert moved({"a": 95, "b": 5}, {"a": 60, "b": 40}, percent=25) == (
        "fail",
        "moves 35 % of the traffic at once (a 95 % to 60 %, b 5 % to 40 %), expected at most 25 %",
    )
