"""Key: rotation, deletion, and who its policy lets in."""

from __future__ import annotations

from typing import Any

import pytest

from modules._core import Statement
from modules.key import Key, KeyConfig, read_by_accounts, use_by_log_groups, use_by_service
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"


def config(**changes: Any) -> KeyConfig:
    return KeyConfig(**{"alias": "acme-prod-data", "description": "Data", "account_id": ACCOUNT, **changes})


def test_it_rotates_and_cannot_be_deleted_at_once(synth: Synth) -> None:
    key = synth(Key, config()).one("aws_kms_key")
    assert key["enable_key_rotation"] is True
    assert key["rotation_period_in_days"] == 365
    assert key["deletion_window_in_days"] == 30


def test_only_the_iam_of_its_account_may_delegate_its_use(synth: Synth) -> None:
    (statement,) = synth(Key, config()).policy("aws_kms_key")
    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}


def test_in_another_partition_the_root_is_of_that_partition(synth: Synth) -> None:
    (statement,) = synth(Key, config(partition="aws-us-gov")).policy("aws_kms_key")
    assert statement["Principal"] == {"AWS": [f"arn:aws-us-gov:iam::{ACCOUNT}:root"]}


def test_log_groups_of_one_account_region_and_prefix_may_be_encrypted(synth: Synth) -> None:
    grant = use_by_log_groups("eu-central-1", ACCOUNT, prefix="/aws/sagemaker/")
    statement = synth(Key, config(statements=(grant,))).policy("aws_kms_key")[1]
    assert statement["Principal"] == {"Service": ["logs.eu-central-1.amazonaws.com"]}
    groups = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/aws/sagemaker/*"
    assert statement["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}


def test_a_service_may_use_it_on_behalf_of_its_account_only(synth: Synth) -> None:
    grant = use_by_service("sns.amazonaws.com", ACCOUNT)
    statement = synth(Key, config(statements=(grant,))).policy("aws_kms_key")[1]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert "kms:*" not in statement["Action"]


def test_other_accounts_read_the_objects_of_one_bucket() -> None:
    grant = read_by_accounts(("222233334444", "333344445555"), "acme-prod-artifacts")
    assert grant.actions == ("kms:Decrypt",)
    assert [principal.identifiers for principal in grant.principals] == [
        ("arn:aws:iam::222233334444:root", "arn:aws:iam::333344445555:root")
    ]
    bucket = "arn:aws:s3:::acme-prod-artifacts"
    assert grant.conditions == {"StringLike": {"kms:EncryptionContext:aws:s3:arn": (bucket, f"{bucket}/*")}}


def test_the_alias_names_the_key(synth: Synth) -> None:
    alias = synth(Key, config()).one("aws_kms_alias")
    assert alias == {"name": "alias/acme-prod-data", "target_key_id": "${aws_kms_key.this.key_id}"}


def test_grants_are_for_this_key_and_no_grant_lets_anyone_manage_it(synth: Synth) -> None:
    grants: list[Statement] = []

    def build(stack: Any) -> None:
        key = Key(stack, "data_key", config())
        grants.extend([key.encrypt(), key.decrypt(), key.attach_volumes()])

    synth(build)
    actions = {action for grant in grants for action in grant.actions}
    assert len({grant.resources for grant in grants}) == 1
    assert not actions & {"kms:*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey"}


def test_a_grant_for_volumes_is_for_aws_resources_only(synth: Synth) -> None:
    made: list[Statement] = []
    synth(lambda stack: made.append(Key(stack, "data_key", config()).attach_volumes()))
    assert made[0].conditions == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"alias": "aws/s3"}, "alias: supply a value such as acme-prod-data, got 'aws/s3'"),
        ({"deletion_window_days": 6}, "deletion_window_days: supply at least 7, got 6"),
        ({"deletion_window_days": 31}, "deletion_window_days: supply at most 30, got 31"),
        ({"rotation_period_days": 89}, "rotation_period_days: supply at least 90, got 89"),
        ({"rotation_period_days": 2561}, "rotation_period_days: supply at most 2560, got 2561"),
    ],
)
def test_what_kms_refuses_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        config(**changes)
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/key", synth(Key, config(statements=(use_by_log_groups("eu-central-1", ACCOUNT),))))
