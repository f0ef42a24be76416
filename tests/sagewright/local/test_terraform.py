"""The real Terraform meets the embedded AWS where no stack does: a locked state, and what is not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from sagewright.local.process import Running, down, up
from sagewright.project import Project, embedded
from sagewright.terraform import Terraform, TerraformFailed
from tests.conftest import ROOT
from tests.sagewright.local.conftest import REGION

pytestmark = pytest.mark.local

ACCOUNT_ID = "111122223333"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("embedded-aws")
    yield up(folder)
    down(folder)


@pytest.fixture
def terraform(running: Running, tmp_path: Path) -> Terraform:
    """Terraform in an empty folder, pointed at the embedded AWS by its environment only."""
    project = Project(root=ROOT)
    variables = embedded(project.variables(), running.environment(ACCOUNT_ID, REGION))
    return Terraform(project, tmp_path, variables)


def client(terraform: Terraform, service: str) -> Any:
    variables = terraform.variables
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name=REGION,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="embedded",
    )


def apply(terraform: Terraform, *arguments: str) -> bool:
    """Plan and apply; tell whether anything changed."""
    plan = terraform.folder / "tfplan"
    changed = terraform.plan(plan, *arguments)
    if changed:
        terraform.apply(plan)
    return changed


GATE = {"plan_gate": {"default": ""}}


def test_a_state_that_is_locked_is_not_planned(terraform: Terraform) -> None:
    bucket = "acme-locked-state"
    s3 = client(terraform, "s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    backend = {
        "bucket": bucket,
        "key": "stack.tfstate",
        "region": REGION,
        "encrypt": True,
        "use_lockfile": True,
        "allowed_account_ids": [ACCOUNT_ID],
    }
    document = {
        "terraform": {"backend": {"s3": backend}},
        "variable": GATE,
        "output": {"one": {"value": 1}},
    }
    (terraform.folder / "cdk.tf.json").write_text(json.dumps(document))
    terraform.init()
    lock = {"ID": "0", "Operation": "OperationTypeApply", "Who": "ada@laptop", "Version": "1.11.4"}
    s3.put_object(Bucket=bucket, Key="stack.tfstate.tflock", Body=json.dumps(lock).encode())
    with pytest.raises(TerraformFailed, match="ada@laptop"):
        apply(terraform)
    s3.delete_object(Bucket=bucket, Key="stack.tfstate.tflock")
    assert apply(terraform)


def test_what_is_not_implemented_fails_at_once(terraform: Terraform) -> None:
    """A 500 would be retried for minutes."""
    resource = {"aws_s3_bucket_metric": {"m": {"bucket": "${aws_s3_bucket.b.id}", "name": "all"}}}
    document = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "variable": GATE,
        "provider": {"aws": {"region": REGION}},
        "resource": {"aws_s3_bucket": {"b": {"bucket": "acme-metrics"}}, **resource},
    }
    (terraform.folder / "cdk.tf.json").write_text(json.dumps(document))
    terraform.init()
    with pytest.raises(TerraformFailed, match="does not implement PutBucketMetricsConfiguration"):
        apply(terraform)
