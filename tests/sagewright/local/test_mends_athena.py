"""Athena workgroups, which moto cannot change, named by operation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sagewright.local.conftest import Account, refused

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONFIGURATION = {
    "BytesScannedCutoffPerQuery": 10_000_000,
    "EnforceWorkGroupConfiguration": True,
    "ResultConfiguration": {
        "OutputLocation": "s3://results/",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": KEY},
    },
}


def described(account: Account) -> dict[str, Any]:
    found: dict[str, Any] = account.client("athena").get_work_group(WorkGroup="features")["WorkGroup"]
    return found


@pytest.fixture
def athena(account: Account) -> Any:
    """A client in an account with one workgroup."""
    client = account.client("athena")
    client.create_work_group(Name="features", Configuration=CONFIGURATION)
    return client


def test_create_work_group_tells_the_engine_and_refuses_a_name_in_use(athena: Any, account: Account) -> None:
    engine = described(account)["Configuration"]["EngineVersion"]
    assert engine["EffectiveEngineVersion"] == "Athena engine version 3"
    with refused("already created", "InvalidRequestException"):
        athena.create_work_group(Name="features")
    with refused("not supported", "InvalidRequestException"):
        engine = {"SelectedEngineVersion": "Athena engine version 1"}
        athena.create_work_group(Name="old", Configuration={"EngineVersion": engine})
    with refused("greater than or equal to 10000000", "InvalidRequestException"):
        athena.create_work_group(Name="small", Configuration={"BytesScannedCutoffPerQuery": 1})


def test_update_work_group_changes_what_it_names(athena: Any, account: Account) -> None:
    athena.update_work_group(
        WorkGroup="features",
        Description="training",
        State="DISABLED",
        ConfigurationUpdates={
            "BytesScannedCutoffPerQuery": 20_000_000,
            "ResultConfigurationUpdates": {
                "OutputLocation": "s3://other/",
                "ExpectedBucketOwner": account.id,
            },
        },
    )
    group = described(account)
    assert (group["Description"], group["State"]) == ("training", "DISABLED")
    assert group["Configuration"]["BytesScannedCutoffPerQuery"] == 20_000_000
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is True
    assert group["Configuration"]["ResultConfiguration"] == {
        **CONFIGURATION["ResultConfiguration"],  # type: ignore[dict-item]
        "OutputLocation": "s3://other/",
        "ExpectedBucketOwner": account.id,
    }
    athena.update_work_group(
        WorkGroup="features", ConfigurationUpdates={"RemoveBytesScannedCutoffPerQuery": True}
    )
    assert "BytesScannedCutoffPerQuery" not in described(account)["Configuration"]


def test_update_work_group_does_not_pretend(athena: Any) -> None:
    with refused("UpdateWorkGroup with AdditionalConfiguration", "NotImplemented", 501):
        athena.update_work_group(WorkGroup="features", ConfigurationUpdates={"AdditionalConfiguration": "x"})


def test_delete_work_group_refuses_one_that_is_not_empty(athena: Any) -> None:
    athena.create_named_query(Name="all", Database="features", QueryString="SELECT 1", WorkGroup="features")
    with refused("WorkGroup features is not empty", "InvalidRequestException"):
        athena.delete_work_group(WorkGroup="features")
    athena.delete_work_group(WorkGroup="features", RecursiveDeleteOption=True)
    assert athena.list_named_queries(WorkGroup="primary")["NamedQueryIds"] == []


def test_delete_work_group_refuses_the_primary_one(athena: Any) -> None:
    with refused("primary WorkGroup cannot be deleted", "InvalidRequestException"):
        athena.delete_work_group(WorkGroup="primary")


def test_a_work_group_that_is_not_there(account: Account) -> None:
    athena = account.client("athena")
    for call in (athena.get_work_group, athena.update_work_group, athena.delete_work_group):
        with refused("WorkGroup nobody is not found.", "InvalidRequestException"):
            call(WorkGroup="nobody")
