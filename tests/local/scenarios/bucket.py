"""Buckets for data and for its access logs: key, retention and log prefix change in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cdktf import TerraformStack

from modules.bucket import AccessLogs, Bucket, BucketConfig, Data, Logging, Retention

from ..conftest import Account, Build
from ..matrix import Gone, Stage, Step

IN_PLACE = ["update"]


def steps(account: Account) -> Iterator[Step]:
    s3 = account.client("s3")
    name = f"acme-test-artifacts-{account.account_id}"
    logs = BucketConfig(
        name=f"acme-test-logs-{account.account_id}",
        content=AccessLogs(source_bucket_names=(name,), account_id=account.account_id),
        retention=Retention(expiration_days=90),
        force_destroy=True,
    )

    def build(key: str, prefix: str, logs: BucketConfig, force_destroy: bool) -> Build:
        def both(stack: TerraformStack) -> None:
            logging = Logging(bucket_name=Bucket(stack, "logs", logs).outputs.name, prefix=prefix)
            data = Data(kms_key_arn=key, logging=logging, event_bridge=True)
            Bucket(stack, "artifacts", BucketConfig(name=name, content=data, force_destroy=force_destroy))

        return both

    yield Stage(build(account.key(), "artifacts/", logs, force_destroy=False))
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)
    s3.put_object(Bucket=name, Key="model.tar.gz", Body=b"weights")

    key = account.key()
    longer = replace(logs, retention=Retention(expiration_days=365))
    yield Stage(
        build(key, "data/", longer, force_destroy=True),
        {
            "aws_s3_bucket.artifacts": IN_PLACE,
            "aws_s3_bucket_lifecycle_configuration.logs_lifecycle": IN_PLACE,
            "aws_s3_bucket_logging.artifacts_logging": IN_PLACE,
            "aws_s3_bucket_policy.artifacts_policy": IN_PLACE,
            "aws_s3_bucket_server_side_encryption_configuration.artifacts_encryption": IN_PLACE,
        },
    )
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
    assert key in s3.get_bucket_policy(Bucket=name)["Policy"]
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]["TargetPrefix"] == "data/"
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=logs.name)["Rules"]
    assert rule["Expiration"] == {"Days": 365}
    assert s3.get_object(Bucket=name, Key="model.tar.gz")["Body"].read() == b"weights"

    yield Gone()
    assert not {name, logs.name} & {one["Name"] for one in s3.list_buckets()["Buckets"]}
