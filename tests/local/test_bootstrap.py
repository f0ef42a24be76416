"""Bootstrap on the embedded AWS: from nothing, from a half-made bucket, again; and what it protects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.local import process

from .checkout import Checkout, make
from .ci import lacking, requests

pytestmark = pytest.mark.local

STATE = "dev-bootstrap.tfstate"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with an embedded AWS of its own."""
    project = make(tmp_path)
    yield Checkout(project=project, running=process.up(project.work))
    process.down(project.work)


def denied(call: Any, **arguments: str) -> bool:
    """Tell whether the bucket's policy denies a request."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"] == "AccessDenied"


def test_an_account_is_bootstrapped_from_a_half_made_bucket_once_and_its_states_stay(
    checkout: Checkout,
) -> None:
    document = checkout.document("dev")
    bucket = document["state"]["bucket"]
    s3 = checkout.client("s3", "dev")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": document["region"]})

    made = checkout.bootstrap("dev")
    assert made["changed"] is True
    assert made["apply_role_arn"] == f"arn:aws:iam::{document['account_id']}:role/acme-dev-apply"
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [bucket]
    assert checkout.bootstrap("dev") == {**made, "changed": False}

    assert s3.head_object(Bucket=bucket, Key=STATE)["ServerSideEncryption"] == "aws:kms"
    versions = s3.list_object_versions(Bucket=bucket, Prefix=STATE)["Versions"]
    assert denied(s3.delete_object, Bucket=bucket, Key=STATE)
    version = next(one["VersionId"] for one in versions if one["Key"] == STATE)
    assert denied(s3.delete_object, Bucket=bucket, Key=STATE, VersionId=version)
    assert denied(s3.delete_bucket, Bucket=bucket)
    assert denied(s3.put_object, Bucket=bucket, Key="a", ServerSideEncryption="AES256")
    s3.put_object(Bucket=bucket, Key="dev-serving.tfstate.tflock", Body=b"{}")
    s3.delete_object(Bucket=bucket, Key="dev-serving.tfstate.tflock")

    before = len(requests(checkout))
    checkout.sagewright("plan", "-e", "dev", "--local")
    asked = requests(checkout)[before:]
    assert {"PutObject", "DeleteObject"} <= {one["operation"] for one in asked}
    assert lacking(checkout, "dev", "acme-dev-plan", asked) == []
