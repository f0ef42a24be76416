"""What a team writes beside our modules, where the embedded AWS mends moto: all of it changes in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cdktf import TerraformStack

from ..conftest import Account, Build
from ..matrix import Gone, Stage, Step

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
PORTS = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
GROUP = {"security_group_id": "${aws_security_group.models.id}"}


def encrypted_only(bucket: str) -> str:
    """Return a policy that denies what does not come by TLS."""
    arn = f"arn:aws:s3:::{bucket}"
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def written(bucket: str, text: str, hours: int, scans: bool) -> Build:
    """Return what puts the resources into a stack, all that may vary in them being these."""
    resources: dict[str, dict[str, Any]] = {
        "aws_vpc": {"main": {"cidr_block": "10.0.0.0/16"}},
        "aws_security_group": {
            "models": {"name": "by-hand", "description": "models", "vpc_id": "${aws_vpc.main.id}"}
        },
        "aws_vpc_security_group_egress_rule": {
            "own": {
                **GROUP,
                **PORTS,
                "description": text,
                "referenced_security_group_id": GROUP["security_group_id"],
            }
        },
        "aws_vpc_security_group_ingress_rule": {
            "range": {**GROUP, **PORTS, "description": text, "cidr_ipv4": "10.0.0.0/16"}
        },
        "aws_s3_bucket": {"data": {"bucket": bucket, "force_destroy": True}},
        "aws_s3_bucket_policy": {
            "data": {"bucket": "${aws_s3_bucket.data.id}", "policy": encrypted_only(bucket)}
        },
        "aws_s3_object": {
            "model": {
                "bucket": "${aws_s3_bucket_policy.data.bucket}",
                "key": "model.tar.gz",
                "content": text,
            }
        },
        "aws_ecr_repository": {
            "models": {
                "name": "by-hand",
                "force_delete": True,
                "image_scanning_configuration": {"scan_on_push": scans},
            }
        },
        "aws_iam_role": {
            "model": {
                "name": "by-hand",
                "description": text,
                "max_session_duration": hours * 3600,
                "assume_role_policy": json.dumps(TRUST),
            }
        },
    }

    def build(stack: TerraformStack) -> None:
        stack.add_override("resource", resources)

    return build


def steps(account: Account) -> Iterator[Step]:
    bucket = f"by-hand-{account.account_id}"
    s3, ecr = account.client("s3"), account.client("ecr")
    yield Stage(written(bucket, "one", 1, scans=True))

    yield Stage(
        written(bucket, "two", 2, scans=False),
        {
            "aws_ecr_repository.models": ["update"],
            "aws_iam_role.model": ["update"],
            "aws_s3_object.model": ["update"],
            "aws_vpc_security_group_egress_rule.own": ["update"],
            "aws_vpc_security_group_ingress_rule.range": ["update"],
        },
    )
    assert s3.get_object(Bucket=bucket, Key="model.tar.gz")["Body"].read() == b"two"
    (repository,) = ecr.describe_repositories(repositoryNames=["by-hand"])["repositories"]
    assert repository["imageScanningConfiguration"] == {"scanOnPush": False}
    role = account.client("iam").get_role(RoleName="by-hand")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("two", 7200)

    yield Gone()
    assert bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]
