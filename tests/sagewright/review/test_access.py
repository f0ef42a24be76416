"""What changes in access is told by what is granted, not by how it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.plan.model import Template, Unknown
from sagewright.gate.redaction import Redactor
from sagewright.review.access import changes
from sagewright.review.model import NOWHERE, Action
from sagewright.review.subject import Names, Subject
from sagewright.review.words import Teller

Json = dict[str, Any]


def subject(type_: str, before: Json, after: Json, action: Action = "change", name: str = "a") -> Subject:
    return Subject(
        environment="prod",
        stack="prod-serving",
        address=f"{type_}.{name}",
        type=type_,
        action=action,
        place=NOWHERE,
        before=before,
        after=after,
    )


def told(one: Subject, *others: Subject) -> list[str]:
    """Return what is said of a change of access: direction and sentence."""
    names = Names([one, *others])
    return [f"{each.direction}: {each.said}" for each in changes(one, names, Teller(Redactor()))]


def statement(**members: Any) -> Json:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", **members}


def role(before: list[Json] | None, after: list[Json] | None) -> Subject:
    """Return a change of the policy of a role that is there."""
    one, other = (
        {"role": "acme", "policy": json.dumps({"Statement": each})} if each is not None else {}
        for each in (before, after)
    )
    action: Action = "add" if before is None else "destroy" if after is None else "change"
    return subject("aws_iam_role_policy", one, other, action)


OLD = [statement()]
SAID: dict[str, tuple[list[Json], list[str]]] = {
    "nothing": (OLD, []),
    "another spelling": ([statement(Action=["s3:GetObject"], Resource=["arn:aws:s3:::a/*"], Sid="x")], []),
    "the same in two statements": ([statement(), statement(Sid="again")], []),
    "what is covered already": ([statement(), statement(Resource="arn:aws:s3:::a/b/*")], []),
    "another action": (
        [statement(Action=["s3:GetObject", "s3:PutObject"])],
        ["widened: may now `s3:PutObject` on `arn:aws:s3:::a/*`"],
    ),
    "another resource": (
        [statement(Resource="arn:aws:s3:::b/*")],
        [
            "widened: may now `s3:GetObject` on `arn:aws:s3:::b/*`",
            "narrowed: may no longer `s3:GetObject` on `arn:aws:s3:::a/*`",
        ],
    ),
    "a star, which holds what was": (
        [statement(Action="s3:*", Resource="*")],
        ["widened: may now `s3:*` on `*`"],
    ),
    "a condition": (
        [statement(Condition={"StringEquals": {"aws:SourceAccount": "1"}})],
        ["narrowed: may `s3:GetObject` on `arn:aws:s3:::a/*` only if `StringEquals aws:SourceAccount = 1`"],
    ),
    "a denial": (
        [statement(), statement(Effect="Deny", Action="s3:*")],
        ["narrowed: is now denied `s3:*` on `arn:aws:s3:::a/*`"],
    ),
    "all but something": (
        [statement(), {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        ["widened: may now all but `iam:*` on `*`"],
    ),
}


@pytest.mark.parametrize(("after", "said"), SAID.values(), ids=SAID.keys())
def test_a_policy_is_compared_by_what_it_grants(after: list[Json], said: list[str]) -> None:
    assert told(role(OLD, after)) == said


def test_a_condition_that_goes_or_gets_another_value_widens() -> None:
    tied = [statement(Condition={"StringEquals": {"aws:SourceAccount": ["1"]}})]
    both = [statement(Condition={"StringEquals": {"aws:SourceAccount": ["1", "2"]}})]
    test = "`StringEquals aws:SourceAccount ="
    grant = "may `s3:GetObject` on `arn:aws:s3:::a/*`"
    assert told(role(tied, OLD)) == [f"widened: {grant} no longer only if {test} 1`"]
    assert told(role(tied, both)) == [f"widened: {grant} also if {test} 2`"]
    assert told(role(both, tied)) == [f"narrowed: {grant} no longer if {test} 2`"]


def test_a_lifted_denial_widens() -> None:
    denied = [statement(Effect="Deny")]
    assert told(role(denied, [])) == ["widened: is no longer denied `s3:GetObject` on `arn:aws:s3:::a/*`"]


def test_trust_is_told_by_who_may_take_the_role() -> None:
    trust = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ["*"], "Service": "x.aws"}}]
    before = {"name": "acme", "assume_role_policy": json.dumps({"Statement": []})}
    after = {"name": "acme", "assume_role_policy": json.dumps({"Statement": trust})}
    said = ["widened: `*` and `x.aws` may now take this role"]
    assert told(subject("aws_iam_role", before, after)) == said


def test_everybody_is_called_anybody() -> None:
    open_ = statement(Principal="*")
    after = {"bucket": "acme", "policy": json.dumps({"Statement": [open_]})}
    said = ["widened: anybody may now `s3:GetObject` on `arn:aws:s3:::a/*`"]
    assert told(subject("aws_s3_bucket_policy", {}, after, "add")) == said


def test_a_policy_that_only_an_apply_tells_is_said_to_change() -> None:
    after = {"role": "acme", "policy": Unknown(("aws_x.a.arn",))}
    before = {"role": "acme", "policy": json.dumps({"Statement": OLD})}
    said = ["changed: its policy is known only after apply"]
    assert told(subject("aws_iam_role_policy", before, after)) == said


def test_a_policy_that_grants_too_much_to_be_told_is_said_to_change() -> None:
    many = [statement(Action=[f"s3:a{n}" for n in range(200)], Resource=[f"r{n}" for n in range(200)])]
    assert told(role(OLD, many)) == ["changed: it grants too much to be told in words"]


def test_what_is_new_is_fresh_and_a_policy_of_what_is_there_is_not() -> None:
    new = subject("aws_iam_role", {}, {"name": "acme"}, "add")
    policy = role(None, OLD)
    teller = Teller(Redactor())
    (fresh,) = changes(policy, Names([policy, new]), teller)
    (known,) = changes(policy, Names([policy]), teller)
    assert (fresh.fresh, known.fresh) == (True, False)


def test_what_is_destroyed_with_its_policy_is_told_of_no_more() -> None:
    gone = subject("aws_s3_bucket", {"bucket": "acme"}, {}, "destroy")
    denial = statement(Effect="Deny", Principal="*")
    before = {"bucket": "acme", "policy": json.dumps({"Statement": [denial]})}
    policy = subject("aws_s3_bucket_policy", before, {}, "destroy")
    assert told(policy, gone) == []
    assert told(policy) == ["widened: anybody is no longer denied `s3:GetObject` on `arn:aws:s3:::a/*`"]


def test_a_boundary_and_an_attached_policy_are_access() -> None:
    assert told(subject("aws_iam_role", {"name": "a", "permissions_boundary": "b"}, {"name": "a"})) == [
        "widened: has no permissions boundary any more, `b` was one"
    ]
    attached = subject("aws_iam_role_policy_attachment", {}, {"role": "a", "policy_arn": "p"}, "add")
    assert told(attached) == ["widened: has the policy `p`"]


def test_security_groups_are_told_by_ports_and_peers() -> None:
    rule = {"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"]}
    wide = {**rule, "from_port": 0, "to_port": 65535, "cidr_blocks": ["0.0.0.0/0"]}
    before, after = {"name": "a", "ingress": [rule]}, {"name": "a", "ingress": [wide]}
    assert told(subject("aws_security_group", before, after)) == [
        "widened: lets in `tcp 0-65535` from `0.0.0.0/0`",
        "narrowed: no longer lets in `tcp 443` from `10.0.0.0/8`",
    ]


def test_a_peer_that_is_a_resource_is_told_by_its_name() -> None:
    group = subject("aws_security_group", {}, {"name": "acme-endpoints"}, "add", "endpoints")
    peer = Template("${aws_security_group.endpoints.id}")
    after = {"security_group_id": "sg-1", "ip_protocol": "-1", "referenced_security_group_id": peer}
    rule = subject("aws_vpc_security_group_egress_rule", {}, after, "add")
    assert told(rule, group) == ["widened: lets out `all traffic` to `acme-endpoints`"]


@pytest.mark.parametrize(
    ("type_", "before", "after", "said"),
    [
        (
            "aws_s3_bucket_public_access_block",
            {"bucket": "a", "block_public_acls": True},
            {"bucket": "a", "block_public_acls": False},
            ["widened: `block_public_acls` is off: it can be opened to the public"],
        ),
        (
            "aws_sagemaker_domain",
            {"app_network_access_type": "PublicInternetOnly"},
            {"app_network_access_type": "VpcOnly"},
            ["narrowed: its apps reach the internet by the VPC only"],
        ),
        (
            "aws_api_gateway_method",
            {"http_method": "POST", "authorization": "AWS_IAM"},
            {"http_method": "POST", "authorization": "NONE"},
            ["widened: `POST` asks callers for nothing, no longer for `AWS_IAM`"],
        ),
        (
            "aws_kms_grant",
            {},
            {"key_id": "k", "grantee_principal": "role", "operations": ["Decrypt", "CreateGrant"]},
            ["widened: may now be used: `role: CreateGrant, Decrypt`"],
        ),
        (
            "aws_lambda_permission",
            {"function_name": "f", "principal": "events.amazonaws.com", "source_arn": "rule"},
            {},
            ["narrowed: may not be called by `events.amazonaws.com of rule`"],
        ),
    ],
)
def test_switches_and_single_grants_are_access(
    type_: str, before: Json, after: Json, said: list[str]
) -> None:
    assert told(subject(type_, before, after)) == said
