"""Buckets: encrypted with a key of ours, and logged, except those that receive the access logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from policies.plan.documents import listed, statements
from policies.plan.keys import lacks_key
from policies.plan.model import Finding, Planned, Resource, Undecided, failed, passed, rule

ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration"
POLICY = "aws_s3_bucket_policy"
LOGGING = "aws_s3_bucket_logging"
ENDS = ("bucket", "target_bucket")
Candidate = TypeVar("Candidate")


@rule("SW_BUCKET_KMS")
def buckets_have_a_key(bucket: Resource, planned: Planned) -> Finding:
    """Ask for default encryption with a key of ours; S3 delivers access logs under its own key only."""
    problem = f"no {ENCRYPTION} is for it"
    for encryption in fitting(
        planned.having(ENCRYPTION, "bucket", bucket.values.get("bucket")),
        lambda one: names(one, "bucket", bucket, planned),
    ):
        for by_default in (
            default
            for entry in encryption.block.blocks("rule")
            for default in entry.blocks("apply_server_side_encryption_by_default")
        ):
            if not str(by_default["sse_algorithm"]).startswith("aws:kms"):
                problem = f"sse_algorithm is {by_default['sse_algorithm']}, without a key of ours"
            elif not (problem := lacks_key(by_default, "kms_master_key_id", planned)):
                return passed()
    if receives_logs(bucket, planned):
        return passed("receives access logs, which S3 writes under its own key only")
    return failed(problem)


@rule("SW_BUCKET_TLS")
def buckets_take_tls_only(bucket: Resource, planned: Planned) -> Finding:
    """Ask for a policy that denies everything to whoever does not use TLS."""
    found = fitting(
        planned.having(POLICY, "bucket", bucket.values.get("bucket")),
        lambda one: names(one, "bucket", bucket, planned),
    )
    if any(denies_plain(statement) for policy in found for statement in statements(policy.block, "policy")):
        return passed()
    return failed("its policy denies no requests without TLS" if found else f"no {POLICY} is for it")


@rule("SW_BUCKET_ACCESS_LOG")
def buckets_are_logged(bucket: Resource, planned: Planned) -> Finding:
    """Ask for server access logging, except for the bucket that receives the logs."""
    name = bucket.values.get("bucket")
    loggings = [
        (logging, argument) for argument in ENDS for logging in planned.having(LOGGING, argument, name)
    ]
    if fitting(loggings, lambda end: names(*end, bucket, planned)):
        return passed()
    return failed(f"no {LOGGING} is for it")


def denies_plain(statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement denies all that is asked without TLS, whoever asks."""
    condition = statement.get("Condition")
    if not isinstance(condition, Mapping) or [*condition] != ["Bool"]:
        return False
    tested = {
        key.lower(): [str(one).lower() for one in listed(value)] for key, value in condition["Bool"].items()
    }
    return (
        tested == {"aws:securetransport": ["false"]}
        and statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and any(action in ("*", "s3:*") for action in listed(statement.get("Action")))
        and any(str(resource).endswith("*") for resource in listed(statement.get("Resource")))
    )


def receives_logs(bucket: Resource, planned: Planned) -> bool:
    """Tell whether a bucket is where another one's access logs go."""

    def receives(logging: Resource) -> bool:
        of, to = (names(logging, argument, bucket, planned) for argument in ENDS)
        return to and not of

    return bool(fitting(planned.having(LOGGING, ENDS[1], bucket.values.get("bucket")), receives))


def fitting(candidates: Iterable[Candidate], fits: Callable[[Candidate], bool]) -> list[Candidate]:
    """Return the candidates that fit; raises `Undecided` when none does, and of one it cannot be told."""
    found: list[Candidate] = []
    undecided: Undecided | None = None
    for candidate in candidates:
        try:
            if fits(candidate):
                found.append(candidate)
        except Undecided as error:
            undecided = undecided or error
    if undecided and not found:
        raise undecided
    return found


def names(other: Resource, argument: str, bucket: Resource, planned: Planned) -> bool:
    """Tell whether an argument of another resource names a bucket."""
    return planned.find(other, argument, "aws_s3_bucket", "bucket") is bucket
