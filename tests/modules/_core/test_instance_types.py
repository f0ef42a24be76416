"""The table of instance families is complete, and read as it stands."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import botocore.session
import moto
import pytest

from modules._core import instance_types

TABLE = json.loads(Path(instance_types.__file__).with_suffix(".json").read_text(encoding="utf-8"))


def hosting_types() -> list[str]:
    """Return all types that SageMaker hosts on, as AWS lists them."""
    return types_of("ProductionVariantInstanceType")


def hosting_families() -> set[str]:
    """Return the families of all types that SageMaker hosts on."""
    return families_of("ProductionVariantInstanceType")


def families_of(shape: str) -> set[str]:
    return {name.split(".")[1] for name in types_of(shape)}


def types_of(shape: str) -> list[str]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    enum: list[str] = model.shape_for(shape).enum  # type: ignore[attr-defined]
    return enum


def test_every_family_that_sagemaker_hosts_on_has_its_kind_of_storage() -> None:
    assert set(TABLE["ebs_families"]) | set(TABLE["nvme_families"]) == hosting_families()


def test_families_of_transform_jobs_are_those_that_aws_lists() -> None:
    assert set(TABLE["transform_families"]) == families_of("TransformInstanceType")


def test_no_family_has_two_kinds_of_storage() -> None:
    assert not set(TABLE["ebs_families"]) & set(TABLE["nvme_families"])


def test_families_whose_name_says_local_disk_store_on_nvme() -> None:
    with_disk = {family for family in hosting_families() if family[:1] in "cmr" and family.endswith("d")}
    assert with_disk <= set(TABLE["nvme_families"])


def test_burstable_families_are_those_of_general_purpose_t() -> None:
    assert set(TABLE["burstable_families"]) == {name for name in hosting_families() if name.startswith("t2")}


def test_every_fact_has_its_source() -> None:
    assert set(TABLE["source"]) == {
        "burstable",
        "guardrails",
        "kms_key",
        "nvme",
        "nvme_encryption",
        "processing",
        "transform",
        "vcpus",
    }
    assert all(url.startswith("https://docs.aws.amazon.com/") for url in TABLE["source"].values())


def test_lists_are_sorted() -> None:
    for kind in (one for one in TABLE if one.endswith("_families")):
        assert TABLE[kind] == sorted(TABLE[kind])


def test_the_processors_of_every_type_that_sagemaker_hosts_on_are_those_of_ec2() -> None:
    path = Path(moto.__file__).parent / "ec2" / "resources" / "instance_types.json.gz"
    known = json.loads(gzip.decompress(path.read_bytes()))
    compared = 0
    for type_ in hosting_types():
        vcpus = instance_types.vcpus(type_)
        assert vcpus, type_
        if ec2 := known.get(type_.removeprefix("ml.")):
            assert vcpus == ec2["VCpuInfo"]["DefaultVCpus"], type_
            compared += 1
    assert compared > 200


def test_a_type_is_judged_by_its_family_and_not_by_letters_in_its_name() -> None:
    assert instance_types.nvme("ml.g4dn.xlarge")
    assert not instance_types.nvme("ml.inf2.24xlarge")
    assert instance_types.burstable("ml.t2.medium")
    assert not instance_types.burstable("ml.trn1.2xlarge")
    assert instance_types.unguarded("ml.inf1.xlarge")
    assert not instance_types.unguarded("ml.inf2.xlarge")


@pytest.mark.parametrize(
    "instance_type", ["m5.large", "ml.m5", "ml.m99.large", "ml.m5.large.2", "ml.m5.huge"]
)
def test_a_type_that_sagemaker_does_not_host_on_is_refused(instance_type: str) -> None:
    assert instance_types.known("instance_type", instance_type) == (
        f"instance_type: supply a SageMaker hosting instance type such as ml.m5.large, got '{instance_type}'"
    )


def test_a_type_that_transform_jobs_do_not_have_is_refused() -> None:
    assert instance_types.transforms("instance_type", "ml.m5.large") is None
    for other in ("ml.p5.48xlarge", "ml.t2.medium", "m5.large"):
        problem = instance_types.transforms("instance_type", other)
        assert problem == (
            f"instance_type: supply an instance type of transform jobs such as ml.m5.xlarge, got {other!r}"
        )


def test_a_type_that_terraform_knows_later_passes() -> None:
    token = "${var.instance_type}"
    assert instance_types.known("instance_type", token) is None
    assert not instance_types.nvme(token)
    assert not instance_types.burstable(token)
    assert instance_types.vcpus(token) is None
