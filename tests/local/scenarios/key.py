"""A key: description, users and rotation change in place; deleted after its window, its alias at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from modules.key import Key, KeyConfig, use_by_log_groups, use_by_service

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step


def steps(account: Account) -> Iterator[Step]:
    kms = account.client("kms")
    config = KeyConfig(
        alias="acme-test-data",
        description="Data",
        account_id=account.account_id,
        statements=(use_by_log_groups(REGION, account.account_id),),
    )
    yield Stage(lambda stack: Key(stack, "data", config))
    before = kms.describe_key(KeyId="alias/acme-test-data")["KeyMetadata"]

    opened = replace(
        config,
        description="Data of models",
        statements=(*config.statements, use_by_service("sns.amazonaws.com", account.account_id)),
        rotation_period_days=180,
    )
    yield Stage(lambda stack: Key(stack, "data", opened), {"aws_kms_key.data": ["update"]})
    after = kms.describe_key(KeyId="alias/acme-test-data")["KeyMetadata"]
    assert (after["KeyId"], after["CreationDate"]) == (before["KeyId"], before["CreationDate"])
    assert after["Description"] == "Data of models"
    policy = json.loads(kms.get_key_policy(KeyId=after["KeyId"], PolicyName="default")["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["DelegateToIam", "UseByLogs", "UseBySns"]
    assert kms.get_key_rotation_status(KeyId=after["KeyId"])["RotationPeriodInDays"] == 180

    yield Gone()
    assert kms.describe_key(KeyId=after["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert "alias/acme-test-data" not in {one["AliasName"] for one in kms.list_aliases()["Aliases"]}
