"""An account from its bootstrap on: the bucket of its states, and a first diff."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .checkout import Checkout
from .ci import lacking, requests

pytestmark = pytest.mark.local

STATE = "dev-bootstrap.tfstate"
NAMED = {"SAGEWRIGHT_ENVIRONMENT": "dev", "SAGEWRIGHT_LOCAL": "1"}


def denied(call: Any, **arguments: str) -> bool:
    """Tell whether the bucket's policy denies a request."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"] == "AccessDenied"


def test_an_account_is_bootstrapped_its_states_stay_and_a_first_diff_shows_all(checkout: Checkout) -> None:
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

    checkout.slim("dev")
    before = len(requests(checkout))
    diff = checkout.run("cdktf", "diff", "dev-*", **NAMED)
    assert diff.returncode == 0, diff.stdout + diff.stderr
    for created in (
        "aws_vpc.network",
        "aws_sagemaker_model_package_group",
        "aws_sagemaker_endpoint.churn_endpoint",
    ):
        assert f"# {created}" in diff.stdout
    assert "There is nothing in dev-studio" in diff.stdout
    asked = requests(checkout)[before:]
    assert {"PutObject", "DeleteObject"} <= {one["operation"] for one in asked}
    assert lacking(checkout, "dev", "acme-dev-plan", asked) == []
    kept = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert not [key for key in kept if key.endswith(".tflock")], "a lock is left"
