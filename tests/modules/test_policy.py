"""Policy: what several roles share, and what is too wide to be shared."""

from __future__ import annotations

from typing import Any

import pytest

from modules._core import Statement
from modules.policy import Policy, PolicyConfig
from tests.conftest import Synth
from tests.inventory import Inventory

READ = Statement(actions=("s3:GetObject",), resources=("arn:aws:s3:::acme-prod-artifacts/*",))


def config(**changes: Any) -> PolicyConfig:
    given = {"name": "acme-prod-studio-data", "description": "Data", "statements": (READ,)}
    return PolicyConfig(**{**given, **changes})


def test_it_holds_the_statements(synth: Synth) -> None:
    (statement,) = synth(Policy, config()).policy("aws_iam_policy")
    assert statement["Action"] == ["s3:GetObject"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "a b"}, "name: supply a value such as acme-prod-studio-data, got 'a b'"),
        ({"statements": ()}, "statements: supply at least one, got none"),
        (
            {"statements": (Statement(actions=("s3:*",), resources=READ.resources),)},
            "statements: supply the actions that are needed, got 's3:*'",
        ),
        (
            {"statements": (Statement(actions=("s3:GetObject",), resources=("*",)),)},
            "statements: supply the ARNs that s3:GetObject is for, got '*'",
        ),
        (
            {
                "statements": tuple(
                    Statement(actions=(f"s3:Get{'x' * n}",), resources=(f"arn:aws:s3:::{n:060}",))
                    for n in range(100)
                )
            },
            "statements: supply at most 6144 characters without white space, got 17788",
        ),
    ],
)
def test_what_is_too_wide_or_too_long_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        config(**changes)
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/policy", synth(Policy, config()))
