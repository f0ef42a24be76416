"""Athena workgroup: what binds its users, what they may do, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.athena_workgroup import AthenaWorkgroup, AthenaWorkgroupConfig, Queries
from tests.conftest import Synth
from tests.inventory import Inventory

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BUCKET = "arn:aws:s3:::acme-dev-artifacts"
CONFIG = AthenaWorkgroupConfig(
    name="acme-dev-features",
    description="Training sets",
    output_s3_uri="s3://acme-dev-artifacts/athena/",
    kms_key_arn=KEY,
    account_id="111122223333",
    region="eu-west-1",
)


def made(synth: Synth, config: AthenaWorkgroupConfig) -> AthenaWorkgroup:
    workgroups: list[AthenaWorkgroup] = []
    synth(lambda stack: workgroups.append(AthenaWorkgroup(stack, "features", config)))
    return workgroups[0]


def test_a_workgroup_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/athena_workgroup", synth(AthenaWorkgroup, CONFIG))


def test_clients_cannot_choose_place_and_encryption_of_results(synth: Synth) -> None:
    configuration = synth(AthenaWorkgroup, CONFIG).one("aws_athena_workgroup")["configuration"]
    assert configuration["enforce_workgroup_configuration"] is True
    assert configuration["result_configuration"] == {
        "output_location": "s3://acme-dev-artifacts/athena/",
        "expected_bucket_owner": "111122223333",
        "encryption_configuration": {"encryption_option": "SSE_KMS", "kms_key_arn": KEY},
    }


def test_a_query_may_not_read_without_end(synth: Synth) -> None:
    queries = Queries(bytes_scanned_cutoff_per_query=2_000_000_000_000, engine_version="AUTO")
    configuration = synth(AthenaWorkgroup, replace(CONFIG, queries=queries)).one("aws_athena_workgroup")[
        "configuration"
    ]
    assert configuration["bytes_scanned_cutoff_per_query"] == 2_000_000_000_000
    assert configuration["engine_version"] == {"selected_engine_version": "AUTO"}


def test_who_queries_uses_this_workgroup_and_its_results_only(synth: Synth) -> None:
    queries, bucket, listing, results, key = made(synth, CONFIG).query()
    assert "athena:StartQueryExecution" in queries.actions
    assert queries.resources == ("arn:aws:athena:eu-west-1:111122223333:workgroup/acme-dev-features",)
    assert bucket.resources == (BUCKET,)
    assert listing.conditions == {"StringLike": {"s3:prefix": "athena/*"}}
    assert results.resources == (f"{BUCKET}/athena/*",)
    assert "s3:DeleteObject" not in results.actions
    assert key.conditions == {"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{BUCKET}*"}}


def test_results_may_have_a_bucket_to_themselves(synth: Synth) -> None:
    *_, listing, results, _ = made(synth, replace(CONFIG, output_s3_uri="s3://acme-dev-artifacts/")).query()
    assert listing.conditions == {"StringLike": {"s3:prefix": "*"}}
    assert results.resources == (f"{BUCKET}/*",)


def test_arns_are_written_for_the_partition(synth: Synth) -> None:
    for statement in made(synth, replace(CONFIG, partition="aws-us-gov")).query():
        for arn in statement.resources:
            assert arn == KEY or arn.startswith("arn:aws-us-gov:")


def test_what_terraform_knows_later_passes(synth: Synth) -> None:
    token = "${aws_ssm_parameter.x.value}"
    config = replace(CONFIG, name=token, output_s3_uri=f"s3://{token}/athena/", kms_key_arn=token)
    workgroup = synth(AthenaWorkgroup, config).one("aws_athena_workgroup")
    assert workgroup["name"] == token
    assert made(synth, config).query()[1].resources == (f"arn:aws:s3:::{token}",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "acme dev"}, "name: supply a value such as acme-dev-features, got 'acme dev'"),
        ({"output_s3_uri": "bucket/athena/"}, "output_s3_uri: supply what starts with s3://"),
        (
            {"output_s3_uri": "s3://bucket/athena"},
            "output_s3_uri: supply a value such as s3://bucket/athena/",
        ),
        ({"description": "d" * 1025}, "description: supply at most 1024 characters, got 1025"),
    ],
    ids=["a space", "no S3 URI", "no slash at the end", "a description that is too long"],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)


def test_too_low_a_limit_and_an_engine_that_there_is_not_are_refused() -> None:
    with pytest.raises(ValueError, match="bytes_scanned_cutoff_per_query: supply at least 10485760, got 1"):
        Queries(bytes_scanned_cutoff_per_query=1)
    with pytest.raises(ValueError, match="engine_version: supply one of Athena engine version 3, AUTO"):
        Queries(engine_version="Athena engine version 2")  # type: ignore[arg-type]
