"""What SageMaker needs of any role that it runs containers with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._core import Statement, refuse, unresolved, when

NETWORK_INTERFACE = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
)
LOOK_AT_NETWORK = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)


def execution(
    *,
    account_id: str,
    region: str,
    log_group_names: tuple[str, ...],
    partition: str = "aws",
    in_vpc: bool = True,
) -> tuple[Statement, ...]:
    """Return what a container needs: network interfaces in a VPC, its logs, SageMaker's own metrics.

    A log group's name may end with `*`. Image, data and keys are granted by what holds them.
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    here = f"{region}:{account_id}"
    logs = tuple(f"arn:{partition}:logs:{here}:log-group:{name}" for name in log_group_names)
    interfaces = ("network-interface/*", "security-group/*", "subnet/*")
    network = (
        Statement(
            actions=NETWORK_INTERFACE,
            resources=tuple(f"arn:{partition}:ec2:{here}:{kind}" for kind in interfaces),
        ),
        Statement(actions=LOOK_AT_NETWORK, resources=("*",)),
    )
    return (
        *(network if in_vpc else ()),
        Statement(
            actions=(
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ),
            resources=tuple(arn for log in logs for arn in (log, f"{log}:*")),
        ),
        Statement(
            actions=("cloudwatch:PutMetricData",),
            resources=("*",),
            conditions={"StringLike": {"cloudwatch:namespace": ("/aws/sagemaker/*", "AWS/SageMaker")}},
        ),
    )


def fetch(
    image: str | None, model_data_url: str | None, region: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what a container's image in ECR and its artifact in S3 need to be fetched, and no other.

    An image in another registry is fetched without IAM. An address that ends with `/` is that of all
    artifacts under a prefix, which a container of mode `MultiModel` lists as well. Neither may be a Token:
    the ARNs are made of them.
    """
    refuse(
        *(
            when(unresolved(value), f"{name}: supply what is known before the plan, got {value!r}")
            for name, value in (("image", image), ("model_data_url", model_data_url))
        )
    )
    return (*_fetch_image(image or "", partition), *_fetch_artifact(model_data_url, region, partition))


def _fetch_image(image: str, partition: str) -> Iterator[Statement]:
    found = re.fullmatch(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[^/]+/([^@:]+)([@:].+)?", image)
    if found:
        account_id, region, name, _ = found.groups()
        yield Statement(
            actions=("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
            resources=(f"arn:{partition}:ecr:{region}:{account_id}:repository/{name}",),
        )
        yield Statement(actions=("ecr:GetAuthorizationToken",), resources=("*",))


def _fetch_artifact(model_data_url: str | None, region: str, partition: str) -> Iterator[Statement]:
    if model_data_url:
        bucket, _, key = model_data_url.removeprefix("s3://").partition("/")
        arn = f"arn:{partition}:s3:::{bucket}"
        if not key or key.endswith("/"):
            yield Statement(
                actions=("s3:ListBucket",),
                resources=(arn,),
                conditions={"StringLike": {"s3:prefix": f"{key}*"}},
            )
            key = f"{key}*"
        yield Statement(actions=("s3:GetObject",), resources=(f"{arn}/{key}",))
        yield Statement(  # whatever key the bucket has, but for this bucket's objects alone
            actions=("kms:Decrypt",),
            resources=(f"arn:{partition}:kms:{region}:*:key/*",),
            conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{arn}*"}},
        )
