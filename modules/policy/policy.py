"""Customer-managed IAM policy: statements that several roles share."""

from __future__ import annotations

from constructs import Construct

from .._aws.iam_policy import IamPolicy
from .._core import Statement, document, matches, not_empty, record, refuse, unresolved, when
from ..role import too_wide

LONGEST_POLICY = 6144
"""Characters of a customer-managed policy, white space left out.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


@record
class PolicyConfig:
    """A policy; it does nothing until a role has it: `RoleConfig.shared_policy_arns`."""

    name: str
    description: str
    statements: tuple[Statement, ...]
    """What whoever has it may do: `Bucket.read()`, `Key.decrypt()`, …"""

    def __post_init__(self) -> None:
        text = document(*self.statements)
        length = len("".join(text.split()))
        refuse(
            matches("name", self.name, r"[\w+=,.@-]{1,128}", "acme-prod-studio-data"),
            not_empty("statements", self.statements),
            *(problem for statement in self.statements for problem in too_wide(statement)),
            when(
                not unresolved(text) and length > LONGEST_POLICY,
                f"statements: supply at most {LONGEST_POLICY} characters without white space, got {length}",
            ),
        )


@record
class PolicyOutputs:
    """What roles need of a policy."""

    arn: str


class Policy(Construct):
    """For statements that several roles share, or that IAM's limit for a role's own policy leaves no room."""

    def __init__(self, scope: Construct, id_: str, config: PolicyConfig) -> None:
        super().__init__(scope, id_)
        policy = IamPolicy(
            self,
            "this",
            name=config.name,
            description=config.description,
            policy=document(*config.statements),
        )
        self.outputs = PolicyOutputs(arn=policy.arn)
