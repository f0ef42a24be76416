"""Operations of KMS and S3 that moto answers wrongly."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from .conftest import Account


def test_get_key_rotation_status_tells_the_period(account: Account) -> None:
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert "RotationPeriodInDays" not in kms.get_key_rotation_status(KeyId=key)
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 365
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=120)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 120


def test_enable_key_rotation_refuses_a_period_below_90_days(account: Account) -> None:
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="ValidationException"):
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=89)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_sign_uses_a_pair_of_keys_that_create_key_does_not_wait_for(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    kms = account.client("kms")
    with monkeypatch.context() as patch:
        patch.setattr("moto.kms.utils.RSAPrivateKey", None)
        key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["KeyId"]
    what = {"KeyId": key, "Message": b"one", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    signature = kms.sign(**what)["Signature"]
    assert kms.verify(**what, Signature=signature)["SignatureValid"] is True
    assert kms.get_public_key(KeyId=key)["PublicKey"] == kms.get_public_key(KeyId=key)["PublicKey"]


@pytest.mark.parametrize("resources", ["{arn}/*", ["{arn}/*"], ["{arn}/logs/*", "{arn}/other/*"]])
def test_put_bucket_logging_reads_the_target_buckets_policy(
    account: Account, resources: str | list[str]
) -> None:
    s3 = account.client("s3")
    place = {"LocationConstraint": s3.meta.region_name}
    names = [f"{part}-{account.id}" for part in ("source", "target")]
    for name in names:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    logging = {"LoggingEnabled": {"TargetBucket": names[1], "TargetPrefix": "logs/"}}
    with pytest.raises(ClientError, match="InvalidTargetBucketForLogging"):
        s3.put_bucket_logging(Bucket=names[0], BucketLoggingStatus=logging)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["logging.s3.amazonaws.com"]},
        "Action": ["s3:PutObject"],
        "Resource": json.loads(json.dumps(resources).replace("{arn}", f"arn:aws:s3:::{names[1]}")),
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=names[1], Policy=policy)
    s3.put_bucket_logging(Bucket=names[0], BucketLoggingStatus=logging)
    assert s3.get_bucket_logging(Bucket=names[0])["LoggingEnabled"]["TargetBucket"] == names[1]
