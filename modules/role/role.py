"""IAM role: who may take it, what it may do, and the boundary that it cannot cross."""

from __future__ import annotations

from collections.abc import Iterator

from constructs import Construct

from .._aws.iam_role import IamRole
from .._aws.iam_role_policy import IamRolePolicy
from .._core import (
    Principal,
    Statement,
    at_least,
    at_most,
    distinct,
    document,
    matches,
    not_empty,
    record,
    refuse,
    unresolved,
    when,
)

SERVICE = r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?"
PRINCIPAL = r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+"

WITHOUT_SOURCE_ACCOUNT = frozenset({"ec2.amazonaws.com", "edgelambda.amazonaws.com", "lambda.amazonaws.com"})
"""Services that assume a role without telling for which account: a condition would lock them out."""

UNSCOPED = frozenset(
    {
        "cloudwatch:PutMetricData",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "sagemaker:ListEndpoints",
        "sagemaker:ListModelPackageGroups",
        "sagemaker:ListModels",
        "sagemaker:Search",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions that act on no one resource, so that IAM takes only `*` for them.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""


@record
class Services:
    """AWS services that take the role, on behalf of the account that it is in."""

    names: tuple[str, ...]
    """Service principals, such as `sagemaker.amazonaws.com`."""

    def __post_init__(self) -> None:
        refuse(
            not_empty("names", self.names),
            distinct("names", self.names),
            *(matches("names", name, SERVICE, "sagemaker.amazonaws.com") for name in self.names),
        )

    def statements(self, account_id: str) -> Iterator[Statement]:
        """Yield the trust, with the source account where the service sends it.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
        """
        own_account = {"StringEquals": {"aws:SourceAccount": account_id}}
        for name in self.names:
            yield Statement(
                actions=("sts:AssumeRole",),
                principals=(Principal(kind="Service", identifiers=(name,)),),
                conditions={} if name in WITHOUT_SOURCE_ACCOUNT else own_account,
            )


@record
class Principals:
    """People or programs that take the role, by the ARNs of their roles or users."""

    arns: tuple[str, ...]

    def __post_init__(self) -> None:
        refuse(
            not_empty("arns", self.arns),
            distinct("arns", self.arns),
            *(matches("arns", arn, PRINCIPAL, "arn:aws:iam::111122223333:role/lead") for arn in self.arns),
        )

    def statements(self, account_id: str) -> Iterator[Statement]:
        """Yield the trust; the account of the role is of no matter here."""
        yield Statement(
            actions=("sts:AssumeRole",), principals=(Principal(kind="AWS", identifiers=self.arns),)
        )


@record
class RoleConfig:
    """A role with one inline policy, made of the statements that other modules hand out."""

    name: str
    description: str
    trust: Services | Principals
    statements: tuple[Statement, ...]
    """What the role may do, and what it may not: `Bucket.read()`, `Key.decrypt()`, …"""
    permissions_boundary_arn: str
    """Policy that limits the role, whatever its statements say."""
    account_id: str
    """Account that the role is in."""
    partition: str = "aws"
    """`aws`, `aws-cn` or `aws-us-gov`."""
    max_session_seconds: int = 3600
    """Longest time for which the role can be taken at once."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[\w+=,.@-]{1,64}", "acme-prod-training"),
            at_least("max_session_seconds", self.max_session_seconds, 3600),
            at_most("max_session_seconds", self.max_session_seconds, 43200),
            not_empty("statements", self.statements),
            *(problem for statement in self.statements for problem in too_wide(statement)),
        )


@record
class RoleOutputs:
    """What others need of a role."""

    arn: str
    """Known only when the policy is in place: what takes the role waits for its permissions."""
    name: str


def too_wide(statement: Statement) -> Iterator[str | None]:
    """Yield a problem for every action and resource of an allowance that is wider than it need be."""
    if statement.effect != "Allow":
        return
    for action in statement.actions:
        yield when(
            action == "*" or action.endswith(":*"),
            f"statements: supply the actions that are needed, got {action!r}",
        )
        yield when(
            "*" in statement.resources and action not in UNSCOPED and not unresolved(action),
            f"statements: supply the ARNs that {action} is for, got '*'",
        )


class Role(Construct):
    """No managed policy, no `*` where an ARN can be written, a boundary on top."""

    def __init__(self, scope: Construct, id_: str, config: RoleConfig) -> None:
        super().__init__(scope, id_)
        role = IamRole(
            self,
            "this",
            name=config.name,
            description=config.description,
            assume_role_policy=document(*config.trust.statements(config.account_id)),
            permissions_boundary=config.permissions_boundary_arn,
            max_session_duration=config.max_session_seconds,
        )
        policy = IamRolePolicy(
            self, "policy", name="permissions", role=role.name, policy=document(*config.statements)
        )
        self.outputs = RoleOutputs(
            arn=f"arn:{config.partition}:iam::{config.account_id}:role/{policy.role}", name=policy.role
        )
