"""IAM policy statements, and the document that holds them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from .checks import not_empty, one_of, refuse
from .record import record


@record
class Principal:
    """Who a resource policy speaks of: `Principal(kind="Service", identifiers=("logs.amazonaws.com",))`."""

    kind: str
    """`AWS`, `Service` or `Federated`."""
    identifiers: tuple[str, ...]

    def __post_init__(self) -> None:
        refuse(
            one_of("kind", self.kind, ("AWS", "Service", "Federated")),
            not_empty("identifiers", self.identifiers),
        )

    @classmethod
    def accounts(cls, account_ids: Iterable[str], partition: str = "aws") -> Principal:
        """Return whole accounts; in each, its own IAM decides who it is.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
        """
        return cls(kind="AWS", identifiers=tuple(f"arn:{partition}:iam::{one}:root" for one in account_ids))


@record
class Statement:
    """One statement; modules hand these out as grants, `Role(statements=…)` takes them."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    """Empty only in trust policies, which speak of no resource."""
    sid: str | None = None
    effect: str = "Allow"
    principals: tuple[Principal, ...] = ()
    conditions: Mapping[str, Mapping[str, str | tuple[str, ...]]] = field(default_factory=dict)
    """Operator, then key, then value: `{"Bool": {"aws:SecureTransport": "false"}}`."""

    def __post_init__(self) -> None:
        refuse(not_empty("actions", self.actions), one_of("effect", self.effect, ("Allow", "Deny")))

    def to_dict(self) -> dict[str, object]:
        """Return the statement as IAM spells it."""
        made: dict[str, object] = {"Effect": self.effect, "Action": list(self.actions)}
        if self.sid:
            made["Sid"] = self.sid
        if self.resources:
            made["Resource"] = list(self.resources)
        if self.principals:
            made["Principal"] = {
                kind: [one for other in self.principals if other.kind == kind for one in other.identifiers]
                for kind in dict.fromkeys(principal.kind for principal in self.principals)
            }
        if self.conditions:
            made["Condition"] = {
                operator: {
                    key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()
                }
                for operator, keys in self.conditions.items()
            }
        return made


def merged(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return the statements with those in one that differ in their resources only: IAM limits the length."""
    made: dict[str, Statement] = {}
    for statement in statements:
        rest = json.dumps({**statement.to_dict(), "Resource": bool(statement.resources)}, sort_keys=True)
        resources = (*made[rest].resources, *statement.resources) if rest in made else statement.resources
        made[rest] = replace(statement, resources=tuple(dict.fromkeys(resources)))
    return tuple(made.values())


def document(*statements: Statement) -> str:
    """Return the policy document of these statements as JSON, the same text for the same input."""
    body = {"Version": "2012-10-17", "Statement": [statement.to_dict() for statement in merged(statements)]}
    return json.dumps(body, sort_keys=True)
