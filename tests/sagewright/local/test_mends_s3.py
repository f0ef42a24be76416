"""S3: what a bucket's policy denies, and the little that moto lacks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.local.mends import s3 as mend
from sagewright.local.service_models import service_model
from tests.sagewright.local.conftest import Account, refused


def deny(account: Account, bucket: str, **changes: Any) -> None:
    """Put a policy with one statement."""
    arn = f"arn:aws:s3:::{bucket}"
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        **changes,
    }
    statement = {name: value for name, value in statement.items() if value is not None}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


def put(account: Account, bucket: str, **members: Any) -> None:
    account.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x", **members)


DENIED = "with an explicit deny in a resource-based policy"


def test_put_object_in_a_bucket_that_demands_tls(account: Account) -> None:
    """Loopback counts as TLS; stock moto denies everything in such a bucket."""
    bucket = account.bucket()
    deny(account, bucket, Condition={"Bool": {"aws:SecureTransport": "false"}})
    put(account, bucket)
    assert account.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    deny(account, bucket, Condition={"NumericLessThan": {"s3:TlsVersion": 1.2}})
    put(account, bucket)


def test_get_object_that_a_policy_denies(account: Account) -> None:
    bucket = account.bucket()
    put(account, bucket)
    deny(account, bucket, Action="s3:GetObject")
    with refused(f's3:GetObject on resource: "arn:aws:s3:::{bucket}/k" {DENIED}', "AccessDenied", 403):
        account.client("s3").get_object(Bucket=bucket, Key="k")
    put(account, bucket)
    account.client("s3").list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("list_objects_v2", "s3:ListBucket"),
        ("head_bucket", "s3:ListBucket"),
        ("get_bucket_encryption", "s3:GetEncryptionConfiguration"),
        ("delete_bucket_lifecycle", "s3:PutLifecycleConfiguration"),
        ("get_bucket_versioning", "s3:GetBucketVersioning"),
        ("delete_bucket", "s3:DeleteBucket"),
    ],
)
def test_operations_of_a_bucket_are_denied_by_the_action_that_allows_them(
    account: Account, operation: str, action: str
) -> None:
    bucket = account.bucket()
    deny(account, bucket, Action=action)
    code = "403" if operation == "head_bucket" else "AccessDenied"
    with refused("", code, 403):
        getattr(account.client("s3"), operation)(Bucket=bucket)


def test_deletes_that_a_state_bucket_denies(account: Account) -> None:
    bucket = account.bucket()
    account.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(account, bucket)
    deny(account, bucket, Action=["s3:DeleteObject*", "s3:DeleteBucket"])
    with refused(DENIED, "AccessDenied", 403):
        account.client("s3").delete_object(Bucket=bucket, Key="k")
    answer = account.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [("k", "AccessDenied")]
    assert "Deleted" not in answer


def test_delete_objects_looks_at_each_key_and_version(account: Account) -> None:
    s3, bucket = account.client("s3"), account.bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    versions = {
        key: s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"] for key in ("a b&c", "kept/k")
    }
    deny(account, bucket, Action="s3:DeleteObjectVersion", Resource=f"arn:aws:s3:::{bucket}/kept/*")
    wanted = [
        *({"Key": key, "VersionId": version} for key, version in versions.items()),
        {"Key": "kept/k"},
    ]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})
    assert [error["Key"] for error in answer["Errors"]] == ["kept/k"]
    assert [deleted["Key"] for deleted in answer["Deleted"]] == ["a b&c", "kept/k"]
    assert [each["Key"] for each in s3.list_object_versions(Bucket=bucket)["Versions"]] == ["kept/k"]


def test_an_operation_on_a_version_is_another_action(account: Account) -> None:
    s3, bucket = account.client("s3"), account.bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    deny(account, bucket, Action=["s3:GetObjectVersion*", "s3:DeleteObjectVersion"])
    s3.get_object(Bucket=bucket, Key="k")
    for call, action in (
        ("get_object", "GetObjectVersion"),
        ("get_object_tagging", "GetObjectVersionTagging"),
        ("delete_object", "DeleteObjectVersion"),
    ):
        with refused(f"s3:{action} on resource", "AccessDenied", 403):
            getattr(s3, call)(Bucket=bucket, Key="k", VersionId=version)
    with refused("", "403", 403):
        s3.head_object(Bucket=bucket, Key="k", VersionId=version)
    s3.delete_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", "must be valid JSON"),
        ("[]", "must be valid JSON"),
        ("{}", "Missing required field Statement"),
        ('{"Statement": []}', "Missing required field Statement"),
        ('{"Statement": ["all"]}', "Invalid policy syntax"),
        ('{"Version": "2024-01-01", "Statement": [{}]}', "valid version string"),
        ('{"Statements": []}', "Unknown field Statements"),
        ({"Effect": None}, "Missing required field Effect"),
        ({"Effect": "deny"}, "Invalid effect: deny"),
        ({"Principal": None}, "Missing required field Principal"),
        ({"Principal": {"AWS": "ada"}}, "Invalid principal in policy"),
        ({"NotPrincipal": "*"}, "Invalid policy syntax"),
        ({"Action": None}, "Missing required field Action"),
        ({"Action": "ec2:RunInstances"}, "Policy has invalid action"),
        ({"Resource": None}, "Missing required field Resource"),
        ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
        ({"Resource": "*"}, "Policy has invalid resource"),
        ({"Condition": {"Bool": "true"}}, "Invalid policy syntax"),
    ],
)
def test_put_bucket_policy_refuses_what_is_none(account: Account, policy: Any, message: str) -> None:
    bucket = account.bucket()
    with refused(message, "MalformedPolicy"):
        if isinstance(policy, dict):
            deny(account, bucket, **policy)
        else:
            account.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    put(account, bucket)


def test_the_root_of_the_owner_is_never_locked_out_of_the_policy(account: Account) -> None:
    s3, bucket = account.client("s3"), account.bucket()
    deny(account, bucket)
    with refused(DENIED, "AccessDenied", 403):
        put(account, bucket)
    assert "Deny" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    deny(account, bucket, Condition={"DateLessThan": {"aws:CurrentTime": "2020"}})
    other = account.client("s3", aws_access_key_id="000000000001")
    with refused("DateLessThan", "NotImplemented", 501):
        other.get_bucket_policy(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    put(account, bucket)


ENCRYPTED = {"ServerSideEncryption": "aws:kms"}
HEADER = "s3:x-amz-server-side-encryption"


@pytest.mark.parametrize(
    ("condition", "without", "with_kms"),
    [
        ({"StringNotEquals": {HEADER: "aws:kms"}}, True, False),
        ({"StringNotEqualsIfExists": {HEADER: "aws:kms"}}, True, False),
        ({"StringEquals": {HEADER: "aws:kms"}}, False, True),
        ({"StringEqualsIfExists": {HEADER: "AES256"}}, True, False),
        ({"Null": {HEADER: "true"}}, True, False),
        ({"Null": {HEADER: "false"}}, False, True),
        ({"StringLike": {HEADER: "aws:*"}}, False, True),
        ({"StringNotLike": {HEADER: ["aws:*", "AES*"]}}, True, False),
        ({"StringEqualsIgnoreCase": {HEADER: "AWS:KMS"}}, False, True),
        ({"Bool": {"aws:SecureTransport": True}, "Null": {HEADER: "true"}}, True, False),
        ({"Bool": {"aws:SecureTransport": False}, "Null": {HEADER: "true"}}, False, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True, True),
        ({"NotIpAddress": {"aws:SourceIp": ["127.0.0.0/8", "10.0.0.0/8"]}}, False, False),
        ({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, True, True),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, False, False),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}, False, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, False, False),
    ],
)
def test_conditions(account: Account, condition: dict[str, Any], without: bool, with_kms: bool) -> None:
    """An absent key fails a condition, unless its operator negates: that is IAM's rule."""
    bucket = account.bucket()
    deny(account, bucket, Action="s3:PutObject", Condition=condition)
    for members, denied in (({}, without), (ENCRYPTED, with_kms)):
        if denied:
            with refused(DENIED, "AccessDenied", 403):
                put(account, bucket, **members)
        else:
            put(account, bucket, **members)


def test_principals(account: Account) -> None:
    bucket = account.bucket()
    deny(account, bucket, Principal={"AWS": "arn:aws:iam::123456789012:root"})
    put(account, bucket)
    deny(account, bucket, Principal={"AWS": [f"arn:aws:iam::{account.id}:root"]}, Action="s3:PutObject")
    with refused(DENIED, "AccessDenied", 403):
        put(account, bucket)


def test_not_action_and_not_resource(account: Account) -> None:
    bucket = account.bucket()
    deny(account, bucket, Action=None, NotAction=["s3:PutObject", "s3:PutBucketPolicy"])
    put(account, bucket)
    with refused(DENIED, "AccessDenied", 403):
        account.client("s3").get_object(Bucket=bucket, Key="k")
    arn = f"arn:aws:s3:::{bucket}"
    deny(account, bucket, Resource=None, NotResource=[arn, f"{arn}/k"])
    put(account, bucket)
    with refused(DENIED, "AccessDenied", 403):
        account.client("s3").put_object(Bucket=bucket, Key="other", Body=b"x")


def test_what_cannot_be_evaluated_is_said(account: Account) -> None:
    bucket = account.bucket()
    deny(account, bucket, Action="s3:PutObject", Condition={"DateLessThan": {"aws:CurrentTime": "2020"}})
    with refused("a bucket policy with the condition operator DateLessThan", "NotImplemented", 501):
        put(account, bucket)
    deny(account, bucket, Action="s3:PutObject", Principal=None, NotPrincipal={"AWS": "*"})
    with refused("a bucket policy with NotPrincipal", "NotImplemented", 501):
        put(account, bucket)


def test_get_bucket_request_payment(account: Account) -> None:
    """Stock moto answers with the list of objects."""
    bucket = account.bucket()
    assert account.client("s3").get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"


def test_every_sub_resource_that_is_served_is_in_the_service_model() -> None:
    for names in mend._SERVED.values():
        assert set(names) <= mend._sub_resources()
    assert set(mend._ACTIONS) <= set(service_model("s3").operation_names)


def test_head_bucket_of_an_owner_who_has_it_not(account: Account) -> None:
    """moto does not look at the owner that a caller expects."""
    client = account.client("s3")
    bucket = account.bucket()
    client.head_bucket(Bucket=bucket, ExpectedBucketOwner=account.id)
    with pytest.raises(ClientError) as denied:
        client.head_bucket(Bucket=bucket, ExpectedBucketOwner="999999999999")
    assert denied.value.response["Error"]["Code"] == "403"
