"""An Athena workgroup: its limit, place and engine change in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modules.athena_workgroup import AthenaWorkgroup, AthenaWorkgroupConfig, Queries

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step


def steps(account: Account) -> Iterator[Step]:
    athena = account.client("athena")
    config = AthenaWorkgroupConfig(
        name="acme-test-features",
        description="Training sets",
        output_s3_uri="s3://acme-test-artifacts/athena/",
        kms_key_arn=f"arn:aws:kms:{REGION}:{account.account_id}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        account_id=account.account_id,
        region=REGION,
    )
    yield Stage(lambda stack: AthenaWorkgroup(stack, "features", config))

    other = replace(
        config,
        description="Training sets and reports",
        output_s3_uri="s3://acme-test-artifacts/queries/",
        queries=Queries(bytes_scanned_cutoff_per_query=2_000_000_000_000, engine_version="AUTO"),
    )
    yield Stage(
        lambda stack: AthenaWorkgroup(stack, "features", other),
        {"aws_athena_workgroup.features": ["update"]},
    )
    live = athena.get_work_group(WorkGroup=config.name)["WorkGroup"]
    assert live["Description"] == "Training sets and reports"
    assert live["Configuration"]["BytesScannedCutoffPerQuery"] == 2_000_000_000_000
    assert live["Configuration"]["EngineVersion"]["SelectedEngineVersion"] == "AUTO"
    results = live["Configuration"]["ResultConfiguration"]
    assert results["OutputLocation"] == "s3://acme-test-artifacts/queries/"
    assert results["EncryptionConfiguration"]["KmsKey"] == config.kms_key_arn

    yield Gone()
    assert [group["Name"] for group in athena.list_work_groups()["WorkGroups"]] == ["primary"]
