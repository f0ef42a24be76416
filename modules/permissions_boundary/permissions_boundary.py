"""Permissions boundary: the most that any role of an environment can ever do.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from collections.abc import Iterator

from constructs import Construct

from .._aws.iam_policy import IamPolicy
from .._core import Statement, document, matches, record, refuse
from ..role import UNSCOPED

IDENTIFIED = ("app", "domain", "space", "user-profile")
"""Kinds of which the ARN has the domain's id, and no name of ours: personas bind them to their domain."""


@record
class PermissionsBoundaryConfig:
    """A ceiling that is drawn by names: an environment's roles reach what bears its prefix."""

    name: str
    prefix: str
    """Start of the names of everything in the environment, such as `acme-prod-`, and of nothing else."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    closed_bucket_names: tuple[str, ...] = ()
    """Buckets that no role may touch, whatever their names begin with: those of the Terraform states."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[\w+=,.@-]{1,128}", "acme-prod-boundary"),
            matches("prefix", self.prefix, r"[a-z0-9-]+-", "acme-prod-"),
        )


@record
class PermissionsBoundaryOutputs:
    """What every role takes."""

    arn: str


class PermissionsBoundary(Construct):
    """Roles within it cannot manage identities, keys or networks, nor change what bears no such prefix.

    Keys, network interfaces and log groups, which SageMaker names, have none.
    """

    def __init__(self, scope: Construct, id_: str, config: PermissionsBoundaryConfig) -> None:
        super().__init__(scope, id_)
        policy = IamPolicy(
            self,
            "this",
            name=config.name,
            description="The most that any role of this environment can do",
            policy=document(*statements(config)),
        )
        self.outputs = PermissionsBoundaryOutputs(arn=policy.arn)


def statements(config: PermissionsBoundaryConfig) -> Iterator[Statement]:
    """Yield the ceiling: the environment's own resources, others to read, logs and metrics to write."""
    here = f"{config.region}:{config.account_id}"

    def arn(service: str, resource: str, where: str = here) -> str:
        return f"arn:{config.partition}:{service}:{where}:{resource}"

    own = config.prefix
    own_table = own.replace("-", "_")
    yield Statement(sid="Buckets", actions=("s3:*",), resources=(arn("s3", f"{own}*", ":"),))
    yield Statement(
        sid="ReadArtifacts",
        actions=("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"),
        resources=(arn("s3", "*", ":"),),
    )
    yield Statement(
        sid="SageMaker",
        actions=("sagemaker:*", "sagemaker-mlflow:*"),
        resources=(
            *(arn("sagemaker", f"{kind}/*") for kind in IDENTIFIED),
            *(arn("sagemaker", f"*/{start}*") for start in (own, "pipelines-")),
        ),
    )
    yield Statement(
        sid="Workflows",
        actions=(
            "athena:*",
            "events:PutEvents",
            "execute-api:Invoke",
            "sns:Publish",
            "sqs:SendMessage",
            "states:StartExecution",
        ),
        resources=(
            arn("athena", f"workgroup/{own}*"),
            arn("events", "event-bus/*", f"{config.region}:*"),
            arn("execute-api", "*"),
            arn("sns", f"{own}*"),
            arn("sqs", f"{own}*"),
            arn("states", f"stateMachine:{own}*"),
        ),
    )
    yield Statement(
        sid="EndsOfJobs",
        actions=("events:DescribeRule", "events:PutRule", "events:PutTargets"),
        resources=(arn("events", "rule/StepFunctionsGetEventsFor*"),),
    )
    yield Statement(
        sid="Tables",
        actions=("glue:Get*", "glue:UpdateTable"),
        resources=tuple(
            arn("glue", resource)
            for resource in ("catalog", f"database/{own_table}*", f"table/{own_table}*/*")
        ),
    )
    yield Statement(
        sid="Caches",
        actions=("ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"),
        resources=(arn("ecr", f"repository/{own}*"),),
    )
    yield Statement(
        sid="Images",
        actions=(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ),
        resources=(arn("ecr", "repository/*", "*:*"),),
    )
    yield Statement(
        sid="Keys",
        actions=(
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
            "kms:RetireGrant",
        ),
        resources=(arn("kms", "key/*", f"{config.region}:*"),),
    )
    yield Statement(
        sid="Volumes",
        actions=("kms:CreateGrant",),
        resources=(arn("kms", "key/*", f"{config.region}:*"),),
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )
    yield Statement(
        sid="Logs",
        actions=(
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:PutLogEvents",
        ),
        resources=(arn("logs", "log-group:*"),),
    )
    yield Statement(
        sid="PassRole",
        actions=("iam:PassRole",),
        resources=(arn("iam", f"role/{own}*", f":{config.account_id}"),),
        conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    )
    yield Statement(
        sid="NetworkInterfaces",
        actions=(
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
        ),
        resources=tuple(
            arn("ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")
        ),
    )
    yield Statement(
        sid="Alarms",
        actions=("cloudwatch:DescribeAlarms",),
        resources=(arn("cloudwatch", f"alarm:{own}*"),),
    )
    yield Statement(
        sid="Metrics",
        actions=("cloudwatch:PutMetricData",),
        resources=("*",),
        conditions={
            "StringLike": {"cloudwatch:namespace": ("*aws/sagemaker/*", "AWS/SageMaker*", f"{own}*")}
        },
    )
    yield Statement(
        sid="NoResourceLevel",
        actions=tuple(sorted(UNSCOPED - {"cloudwatch:PutMetricData"})),
        resources=("*",),
    )
    if config.closed_bucket_names:
        closed = (arn("s3", name, ":") for name in config.closed_bucket_names)
        yield Statement(
            sid="ClosedBuckets",
            effect="Deny",
            actions=("s3:*",),
            resources=tuple(one for bucket in closed for one in (bucket, f"{bucket}/*")),
        )
