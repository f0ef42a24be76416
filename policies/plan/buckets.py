"""Buckets: encrypted with a key of ours, and logged, except those that receive the access logs."""

from __future__ import annotations

from policies.plan.model import Finding, Planned, Resource, Undecided, failed, passed, rule

ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration"


@rule("SW_BUCKET_KMS")
def buckets_have_a_key(bucket: Resource, planned: Planned) -> Finding:
    """Ask for default encryption with a key of ours; S3 delivers access logs under its own key only."""
    for encryption in about(bucket, ENCRYPTION, planned):
        for by_default in (
            default
            for entry in encryption.block.blocks("rule")
            for default in entry.blocks("apply_server_side_encryption_by_default")
        ):
            if str(by_default["sse_algorithm"]).startswith("aws:kms") and by_default.has("kms_master_key_id"):
                return passed()
            if receives_logs(bucket, planned):
                return passed("receives access logs, which S3 writes under its own key only")
            return failed(f"sse_algorithm is {by_default['sse_algorithm']}, without a key of ours")
    if receives_logs(bucket, planned):
        return passed("receives access logs, which S3 writes under its own key only")
    return failed(f"no {ENCRYPTION} is for it")


@rule("SW_BUCKET_ACCESS_LOG")
def buckets_are_logged(bucket: Resource, planned: Planned) -> Finding:
    """Ask for server access logging, except for the bucket that receives the logs."""
    if about(bucket, "aws_s3_bucket_logging", planned):
        return passed()
    if receives_logs(bucket, planned):
        return passed("receives access logs")
    return failed("no aws_s3_bucket_logging is for it")


def about(bucket: Resource, type_: str, planned: Planned) -> list[Resource]:
    """Return the resources of a type that configure a bucket; what cannot be told is not about it."""
    return [other for other in planned.of(type_) if means(other, "bucket", bucket, planned)]


def receives_logs(bucket: Resource, planned: Planned) -> bool:
    """Tell whether a bucket is where another one's access logs go."""
    return any(
        means(logging, "target_bucket", bucket, planned) and not means(logging, "bucket", bucket, planned)
        for logging in planned.of("aws_s3_bucket_logging")
    )


def means(other: Resource, argument: str, bucket: Resource, planned: Planned) -> bool:
    """Tell whether an argument of another resource names a bucket."""
    try:
        return planned.find(other, argument, "aws_s3_bucket", "bucket") is bucket
    except Undecided:
        return False
