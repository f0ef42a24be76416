"""Where a command acts: on AWS with the user's credentials, or on the embedded AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagewright.environment import Environment
from sagewright.errors import SagewrightError, Usage
from sagewright.local import process
from sagewright.project import Project, embedded

QUICK = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})


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


def make_state_bucket(target: Target, bucket: str) -> None:
    """Make the bucket of the Terraform state on the embedded AWS; in an account it is there already."""
    region = target.environment.region
    try:
        with target.session() as session:
            client = session.client("s3", config=QUICK)
            if any(entry["Name"] == bucket for entry in client.list_buckets()["Buckets"]):
                return
            place = (
                {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            )
            client.create_bucket(Bucket=bucket, **place)
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    except (BotoCoreError, ClientError) as error:
        raise SagewrightError(f"the embedded AWS refused the state bucket {bucket}: {error}") from None
