"""Bucket: encryption, retention, access logs, grants, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modules._core import Statement
from modules.bucket import AccessLogs, Bucket, BucketConfig, Data, Logging, Retention, States
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NAME = "acme-prod-artifacts"
LOGS = AccessLogs(source_bucket_names=(NAME,), account_id=ACCOUNT)


def config(**changes: Any) -> BucketConfig:
    return BucketConfig(**{"name": NAME, "content": Data(kms_key_arn=KEY), **changes})


def policy(synth: Synth, **changes: Any) -> dict[str, dict[str, Any]]:
    return {one["Sid"]: one for one in synth(Bucket, config(**changes)).policy("aws_s3_bucket_policy")}


def test_it_is_closed_to_the_public_in_all_four_ways(synth: Synth) -> None:
    block = synth(Bucket, config()).one("aws_s3_bucket_public_access_block")
    assert {key for key, value in block.items() if value is True} == {
        "block_public_acls",
        "block_public_policy",
        "ignore_public_acls",
        "restrict_public_buckets",
    }


def test_its_owner_owns_every_object(synth: Synth) -> None:
    ownership = synth(Bucket, config()).one("aws_s3_bucket_ownership_controls")
    assert ownership["rule"] == {"object_ownership": "BucketOwnerEnforced"}


def test_it_keeps_versions(synth: Synth) -> None:
    versioning = synth(Bucket, config()).one("aws_s3_bucket_versioning")
    assert versioning["versioning_configuration"] == {"status": "Enabled"}


def test_data_is_encrypted_under_the_key_by_way_of_a_bucket_key(synth: Synth) -> None:
    (rule,) = synth(Bucket, config()).one("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["bucket_key_enabled"] is True
    assert rule["apply_server_side_encryption_by_default"] == {
        "sse_algorithm": "aws:kms",
        "kms_master_key_id": KEY,
    }


@pytest.mark.parametrize(
    ("sid", "condition"),
    [
        ("DenyInsecureTransport", {"Bool": {"aws:SecureTransport": "false"}}),
        ("DenyOldTls", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ],
)
def test_requests_without_tls_1_2_are_denied(synth: Synth, sid: str, condition: dict[str, Any]) -> None:
    statement = policy(synth)[sid]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == {"AWS": ["*"]}
    assert statement["Resource"] == [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]
    assert statement["Condition"] == condition


@pytest.mark.parametrize(
    ("sid", "header", "value"),
    [
        ("DenyOtherEncryption", "s3:x-amz-server-side-encryption", "aws:kms"),
        ("DenyOtherKey", "s3:x-amz-server-side-encryption-aws-kms-key-id", KEY),
    ],
)
def test_another_encryption_is_denied_and_none_asked_for_is_not(
    synth: Synth, sid: str, header: str, value: str
) -> None:
    statement = policy(synth)[sid]
    assert statement["Effect"] == "Deny"
    assert statement["Action"] == ["s3:PutObject"]
    assert statement["Condition"] == {"StringNotEquals": {header: value}, "Null": {header: "false"}}


def test_other_accounts_list_and_read_where_they_are_named_and_change_nothing(synth: Synth) -> None:
    shared = policy(synth, content=Data(kms_key_arn=KEY, reader_account_ids=("222233334444",)))
    assert shared["ReadByAccounts"] == {
        "Sid": "ReadByAccounts",
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::222233334444:root"]},
        "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"],
    }
    assert "ReadByAccounts" not in policy(synth)


def test_the_policy_waits_for_the_public_access_block(synth: Synth) -> None:
    made = synth(Bucket, config()).one("aws_s3_bucket_policy")
    assert made["depends_on"] == ["aws_s3_bucket_public_access_block.public_access_block"]


def test_old_versions_and_unfinished_uploads_are_removed_and_objects_stay(synth: Synth) -> None:
    (rule,) = synth(Bucket, config()).one("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90}]
    assert rule["abort_incomplete_multipart_upload"] == [{"days_after_initiation": 7}]
    assert "expiration" not in rule


def test_objects_expire_where_that_is_asked_for(synth: Synth) -> None:
    made = synth(Bucket, config(retention=Retention(expiration_days=30)))
    assert made.one("aws_s3_bucket_lifecycle_configuration")["rule"][0]["expiration"] == [{"days": 30}]


def test_without_retention_nothing_is_removed(synth: Synth) -> None:
    assert not synth(Bucket, config(retention=None)).all("aws_s3_bucket_lifecycle_configuration")


def test_access_is_logged_where_that_is_asked_for(synth: Synth) -> None:
    content = Data(kms_key_arn=KEY, logging=Logging(bucket_name="acme-prod-access-logs", prefix="artifacts/"))
    logging = synth(Bucket, config(content=content)).one("aws_s3_bucket_logging")
    assert (logging["target_bucket"], logging["target_prefix"]) == ("acme-prod-access-logs", "artifacts/")


def test_eventbridge_is_told_where_that_is_asked_for(synth: Synth) -> None:
    told = synth(Bucket, config(content=Data(kms_key_arn=KEY, event_bridge=True)))
    assert told.one("aws_s3_bucket_notification") == {
        "bucket": "${aws_s3_bucket.this.id}",
        "eventbridge": True,
    }
    assert not synth(Bucket, config()).all("aws_s3_bucket_notification")


def test_access_logs_come_from_the_named_buckets_of_one_account_under_the_key_of_s3(synth: Synth) -> None:
    made = synth(Bucket, config(name="acme-prod-access-logs", content=LOGS))
    (rule,) = made.one("aws_s3_bucket_server_side_encryption_configuration")["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}
    (statement,) = (one for one in made.policy("aws_s3_bucket_policy") if one["Effect"] == "Allow")
    assert statement["Principal"] == {"Service": ["logging.s3.amazonaws.com"]}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": [f"arn:aws:s3:::{NAME}"]},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_nobody_deletes_a_state_a_version_or_the_bucket_of_states_and_locks_come_and_go(synth: Synth) -> None:
    statements = policy(synth, content=States(kms_key_arn=KEY))
    denied = {sid: one for sid, one in statements.items() if sid.endswith("Deletion")}
    assert {one["Effect"] for one in denied.values()} == {"Deny"}
    assert {tuple(one["Principal"]["AWS"]) for one in denied.values()} == {("*",)}
    assert not any("Condition" in one for one in denied.values())
    assert {(*one["Action"], *one["Resource"]) for one in denied.values()} == {
        ("s3:DeleteBucket", f"arn:aws:s3:::{NAME}"),
        ("s3:DeleteObjectVersion", f"arn:aws:s3:::{NAME}/*"),
        ("s3:DeleteObject", f"arn:aws:s3:::{NAME}/*.tfstate"),
    }
    assert set(policy(synth)) < set(statements)


def test_it_is_not_deleted_with_objects_in_it(synth: Synth) -> None:
    assert synth(Bucket, config()).one("aws_s3_bucket")["force_destroy"] is False


def grants(synth: Synth, **changes: Any) -> dict[str, tuple[Statement, ...]]:
    made: dict[str, tuple[Statement, ...]] = {}

    def build(stack: Any) -> None:
        bucket = Bucket(stack, "artifacts_bucket", config(**changes))
        made.update(read=bucket.read("churn/"), write=bucket.write("churn/"))

    synth(build)
    return made


def test_a_reader_lists_and_reads_under_its_prefix_only(synth: Synth) -> None:
    listing, reading, key = grants(synth)["read"]
    assert listing.conditions == {"StringLike": {"s3:prefix": "churn/*"}}
    assert reading.resources == (f"arn:aws:s3:::{NAME}/churn/*",)
    assert key.actions == ("kms:Decrypt",)


def test_a_writer_does_not_read(synth: Synth) -> None:
    actions = {action for grant in grants(synth)["write"] for action in grant.actions}
    assert "s3:PutObject" in actions
    assert not actions & {"s3:GetObject", "s3:ListBucket", "s3:DeleteObject"}


def test_the_key_may_be_used_for_this_bucket_alone(synth: Synth) -> None:
    for made in grants(synth).values():
        assert made[-1].resources == (KEY,)
        assert made[-1].conditions == {
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{NAME}*"}
        }


def test_access_logs_need_no_key_to_be_read(synth: Synth) -> None:
    assert all("kms" not in action for one in grants(synth, content=LOGS)["read"] for action in one.actions)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        *(
            (
                lambda name=name: config(name=name),
                f"name: supply a value such as acme-prod-artifacts, got {name!r}",
            )
            for name in (
                "Acme",
                "ab",
                "a" * 64,
                "xn--acme",
                "sthree-acme",
                "amzn-s3-demo-acme",
                "acme..prod",
                "10.0.0.1",
            )
        ),
        (lambda: Retention(noncurrent_days=0), "noncurrent_days: supply at least 1, got 0"),
        (lambda: Retention(incomplete_upload_days=0), "incomplete_upload_days: supply at least 1, got 0"),
        (lambda: Retention(expiration_days=0), "expiration_days: supply at least 1, got 0"),
        (
            lambda: config(content=States(kms_key_arn=KEY), force_destroy=True),
            "force_destroy: supply false where states are held, got true",
        ),
        (
            lambda: Data(kms_key_arn=KEY, reader_account_ids=("acme",)),
            "reader_account_ids: supply a value such as 111122223333, got 'acme'",
        ),
        (
            lambda: Data(kms_key_arn=KEY, reader_account_ids=(ACCOUNT, ACCOUNT)),
            f"reader_account_ids: supply each once, got {ACCOUNT!r} twice",
        ),
        (
            lambda: AccessLogs(source_bucket_names=(), account_id=ACCOUNT),
            "source_bucket_names: supply at least one, got none",
        ),
        (
            lambda: AccessLogs(source_bucket_names=("a", "a"), account_id=ACCOUNT),
            "source_bucket_names: supply each once, got 'a' twice",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        make()
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/bucket", synth(Bucket, config()))
