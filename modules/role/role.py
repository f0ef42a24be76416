"""IAM role: who may take it, what it may do, and the boundary that it cannot cross."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from constructs import Construct

from .._aws.iam_role import IamRole
from .._aws.iam_role_policy import IamRolePolicy
from .._aws.iam_role_policy_attachment import IamRolePolicyAttachment
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

SERVICE = r"[a-z0-9.-]+\.amazonaws\.com"
PRINCIPAL = r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+"

LONGEST_POLICY = 10240
"""Characters of a role's inline policies, white space left out.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

CUSTOMER_MANAGED = r"arn:aws[a-z-]*:iam::\d{12}:policy/[\w+=,.@/-]+"

WITHOUT_SOURCE_ACCOUNT = frozenset({"ec2.amazonaws.com", "edgelambda.amazonaws.com", "lambda.amazonaws.com"})
"""Services that assume a role without telling for which account: a condition would lock them out."""

UNSCOPED = frozenset(
    {
        "cloudwatch:PutMetricData",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcEndpoints",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "sagemaker-mlflow:AccessUI",
        "sagemaker:ListApps",
        "sagemaker:ListDomains",
        "sagemaker:ListEndpoints",
        "sagemaker:ListHyperParameterTuningJobs",
        "sagemaker:ListModelPackageGroups",
        "sagemaker:ListModels",
        "sagemaker:ListPipelines",
        "sagemaker:ListProcessingJobs",
        "sagemaker:ListSpaces",
        "sagemaker:ListTrainingJobs",
        "sagemaker:ListTransformJobs",
        "sagemaker:ListUserProfiles",
        "sagemaker:Search",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
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
    """`aws` or `aws-us-gov`."""
    max_session_seconds: int = 3600
    """Longest time for which the role can be taken at once."""
    shared_policy_arns: Mapping[str, str] = field(default_factory=dict)
    """Customer-managed policies that the role has as well, at most 10, by a name of yours: what the module
    `policy` makes. Those of AWS are refused."""

    def __post_init__(self) -> None:
        policy = document(*self.statements)
        length = len("".join(policy.split()))
        refuse(
            matches("name", self.name, r"[\w+=,.@-]{1,64}", "acme-prod-training"),
            at_least("max_session_seconds", self.max_session_seconds, 3600),
            at_most("max_session_seconds", self.max_session_seconds, 43200),
            not_empty("statements", self.statements),
            *(
                when(
                    not statement.resources,
                    f"statements: supply the resources of {', '.join(statement.actions)}, got none",
                )
                for statement in self.statements
            ),
            *(problem for statement in self.statements for problem in too_wide(statement)),
            when(
                not unresolved(policy) and length > LONGEST_POLICY,
                f"statements: supply at most {LONGEST_POLICY} characters without white space, got {length}",
            ),
            at_most("shared_policy_arns: number of policies", len(self.shared_policy_arns), 10),
            *(
                matches(
                    f"shared_policy_arns.{key}",
                    arn,
                    CUSTOMER_MANAGED,
                    "arn:aws:iam::111122223333:policy/acme-data",
                )
                for key, arn in self.shared_policy_arns.items()
            ),
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
            not unresolved(action) and ("*" in action or "?" in action),
            f"statements: supply the actions that are needed, got {action!r}",
        )
        yield when(
            "*" in statement.resources and action not in UNSCOPED and not unresolved(action),
            f"statements: supply the ARNs that {action} is for, got '*'",
        )


class Role(Construct):
    """No policy of AWS's, no `*` where an ARN can be written, a boundary on top."""

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
        for key, policy_arn in sorted(config.shared_policy_arns.items()):
            IamRolePolicyAttachment(self, key, role=role.name, policy_arn=policy_arn)
        name = policy.role
        self.outputs = RoleOutputs(
            arn=f"arn:{config.partition}:iam::{config.account_id}:role/{name}", name=name
        )
