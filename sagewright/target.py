"""Where a command acts: on AWS with the user's credentials, or on the embedded AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagewright.environment import Environment
from sagewright.errors import SagewrightError, Usage
from sagewright.local import process
from sagewright.project import Project, embedded

QUICK = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})

CLOSED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
"""A bucket that can be opened to nobody.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

LOCAL = "SAGEWRIGHT_LOCAL"
"""Set to put any environment on the embedded AWS, as `--local` does."""
NO = ("", "0", "f", "false", "n", "no", "off")
"""What the command line reads as no in the value of `LOCAL`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One environment's AWS, and the process environment that leads there."""

    environment: Environment
    variables: Mapping[str, str]
    running: process.Running | None
    """The embedded AWS; `None` where the target is AWS itself."""

    @property
    def name(self) -> str:
        """Who is changed, in words."""
        if self.running is not None:
            return f"the embedded AWS at {self.running.url}"
        return f"AWS account {self.environment.account_id}, {self.environment.region}"

    @contextmanager
    def session(self) -> Iterator[boto3.session.Session]:
        """Give a boto3 session whose clients talk to the target, as long as the block lasts."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.variables)
        try:
            yield boto3.session.Session(region_name=self.environment.region)
        finally:
            os.environ.clear()
            os.environ.update(before)


def local(variables: Mapping[str, str]) -> bool:
    """Tell whether the process environment asks for the embedded AWS."""
    return variables.get(LOCAL, "").strip().lower() not in NO


def choose(project: Project, environment: Environment, local: bool) -> Target:
    """Return the target of a command, its account checked, before anything is planned.

    Raises `Usage` when the credentials are of another account than the environment file names, when
    there are none, or when the embedded AWS is meant and does not run.
    """
    variables = {**project.variables(), "AWS_REGION": environment.region}
    if not (local or environment.embedded):
        target = Target(environment=environment, variables=variables, running=None)
        check_account(target)
        return target
    running = process.status(project.work)
    if running is None:
        raise Usage("the embedded AWS does not run; start it with `sagewright local up`")
    settings = running.environment(environment.account_id, environment.region)
    target = Target(environment=environment, variables=embedded(variables, settings), running=running)
    if environment.state_bucket is not None:
        make_state_bucket(target, environment.state_bucket)
    return target


def check_account(target: Target) -> None:
    """Refuse credentials of another account than the environment file names."""
    environment = target.environment
    try:
        with target.session() as session:
            account = session.client("sts", config=QUICK).get_caller_identity()["Account"]
    except ValueError as error:
        raise Usage(f"no AWS for {environment.name}: {error}; mend or unset AWS_ENDPOINT_URL") from None
    except (BotoCoreError, ClientError) as error:
        raise Usage(
            f"no AWS credentials for {environment.name}: {error}; supply credentials of account "
            f"{environment.account_id}, or use --local for the embedded AWS"
        ) from None
    if account != environment.account_id:
        raise Usage(
            f"{environment.file}: account_id: the file names {environment.account_id}, the credentials are "
            f"of {account}; use credentials of {environment.account_id}"
        )


def has_state_bucket(target: Target, bucket: str) -> bool:
    """Tell whether the bucket of the Terraform state is there.

    Raises `Usage` when the name is another account's, or the bucket is in another region.
    """
    wanted = target.environment.region
    with state_bucket_client(target, bucket) as client:
        region = find_bucket(client, bucket, target.environment.account_id)
    if region not in (None, wanted):
        place = f"{target.environment.file}: state.bucket"
        raise Usage(f"{place}: supply a bucket in {wanted}, got {bucket} in {region}")
    return region is not None


def make_state_bucket(target: Target, bucket: str) -> None:
    """Make the bucket of the Terraform state where it is not there yet, closed and with versions.

    It can be done again after any failure. What else belongs to it is Terraform's (stacks/bootstrap.py).
    """
    there = has_state_bucket(target, bucket)
    with state_bucket_client(target, bucket) as client:
        if not there:
            create_bucket(client, bucket, target.environment.region)
        if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=CLOSED)
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@contextmanager
def state_bucket_client(target: Target, bucket: str) -> Iterator[Any]:
    """Give a client of S3; what S3 says of the bucket becomes one clear error."""
    try:
        with target.session() as session:
            yield session.client("s3", config=QUICK)
    except (BotoCoreError, ClientError, ValueError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in ("403", "AccessDenied", "BucketAlreadyExists"):
            raise Usage(
                f"{target.environment.file}: state.bucket: supply a name that no other account has, and "
                f"credentials that may look at it and make it, got {bucket}: {error}"
            ) from None
        raise SagewrightError(f"{target.name} refused the state bucket {bucket}: {error}") from None


def find_bucket(client: Any, bucket: str, account_id: str) -> str | None:
    """Return the region of a bucket of the account; `None` where nobody has one of this name.

    Raises `ClientError` when another account has it.
    """
    try:
        found = client.head_bucket(Bucket=bucket, ExpectedBucketOwner=account_id)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return None
        raise
    region: str = found["BucketRegion"]
    return region


def create_bucket(client: Any, bucket: str, region: str) -> None:
    """Make a bucket; the oldest region must not be named."""
    if region == "us-east-1":
        client.create_bucket(Bucket=bucket)
    else:
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
