"""IAM statements: how they are spelt, and how few of them a document has."""

from __future__ import annotations

import json
from typing import Any

from modules._core import Principal, Statement, document

READ = ("s3:GetObject",)
TLS = {"Bool": {"aws:SecureTransport": "true"}}


def statements(*given: Statement) -> list[dict[str, Any]]:
    """Return the statements of a document made of these."""
    written: list[dict[str, Any]] = json.loads(document(*given))["Statement"]
    return written


def test_two_principals_of_one_kind_stand_side_by_side() -> None:
    statement = Statement(
        actions=("sts:AssumeRole",),
        principals=(
            Principal(kind="AWS", identifiers=("111122223333",)),
            Principal(kind="Service", identifiers=("sagemaker.amazonaws.com",)),
            Principal(kind="AWS", identifiers=("222233334444",)),
        ),
    )
    assert statement.to_dict()["Principal"] == {
        "AWS": ["111122223333", "222233334444"],
        "Service": ["sagemaker.amazonaws.com"],
    }


def test_statements_that_differ_in_their_resources_only_become_one() -> None:
    (statement,) = statements(
        Statement(actions=READ, resources=("b", "a"), conditions=TLS),
        Statement(actions=READ, resources=("c", "b"), conditions=TLS),
    )
    assert statement["Resource"] == ["b", "a", "c"]


def test_statements_that_differ_in_anything_else_stay_apart() -> None:
    first = Statement(actions=READ, resources=("a",))
    others = (
        Statement(actions=(*READ, "s3:PutObject"), resources=("a",)),
        Statement(actions=READ, resources=("a",), effect="Deny"),
        Statement(actions=READ, resources=("a",), conditions=TLS),
        Statement(actions=READ, resources=("a",), sid="Read"),
        Statement(actions=READ, resources=("a",), principals=(Principal(kind="AWS", identifiers=("*",)),)),
        Statement(actions=READ),
    )
    assert statements(first, *others) == [one.to_dict() for one in (first, *others)]
