"""An Athena workgroup on the embedded AWS: its limit, place and engine change in place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modules.athena_workgroup import AthenaWorkgroup, AthenaWorkgroupConfig, Queries

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

WORKGROUP = "aws_athena_workgroup.features"


def test_a_workgroup_changes_in_place(deployment: Deployment) -> None:
    config = AthenaWorkgroupConfig(
        name="acme-test-features",
        description="Training sets",
        output_s3_uri="s3://acme-test-artifacts/athena/",
        kms_key_arn=f"arn:aws:kms:{REGION}:{deployment.account_id}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        account_id=deployment.account_id,
        region=REGION,
    )
    deployment.plan(lambda stack: AthenaWorkgroup(stack, "features", config))
    deployment.apply()
    assert not deployment.plan(lambda stack: AthenaWorkgroup(stack, "features", config))

    other = replace(
        config,
        description="Training sets and reports",
        output_s3_uri="s3://acme-test-artifacts/queries/",
        queries=Queries(bytes_scanned_cutoff_per_query=2_000_000_000_000, engine_version="AUTO"),
    )
    deployment.plan(lambda stack: AthenaWorkgroup(stack, "features", other))
    assert deployment.actions() == {WORKGROUP: ["update"]}
    deployment.apply()
    athena = deployment.client("athena")
    live = athena.get_work_group(WorkGroup=config.name)["WorkGroup"]
    assert live["Description"] == "Training sets and reports"
    assert live["Configuration"]["BytesScannedCutoffPerQuery"] == 2_000_000_000_000
    assert live["Configuration"]["EngineVersion"]["SelectedEngineVersion"] == "AUTO"
    results = live["Configuration"]["ResultConfiguration"]
    assert results["OutputLocation"] == "s3://acme-test-artifacts/queries/"
    assert results["EncryptionConfiguration"]["KmsKey"] == config.kms_key_arn
    assert not deployment.plan(lambda stack: AthenaWorkgroup(stack, "features", other))

    deployment.destroy()
    assert [group["Name"] for group in athena.list_work_groups()["WorkGroups"]] == ["primary"]
