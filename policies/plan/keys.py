"""Encryption with keys of ours: a key of AWS can be neither audited, disabled nor denied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from policies.plan.jobs import Call, jobs
from policies.plan.model import Block, Finding, Planned, Resource, failed, judged, passed, rule

ROOTS = Path(__file__).resolve().parents[2], Path(__file__).resolve().parents[2] / "sagewright"
"""Where modules/ lies: beside policies/ in a checkout, in the package when installed."""
KEYS = ("aws_kms_key", "aws_kms_alias", "aws_kms_external_key", "aws_kms_replica_key")
"""Resources that name a key of ours."""
OF_WORKFLOWS = {
    "aws_cloudwatch_event_bus": "kms_key_identifier",
    "aws_scheduler_schedule": "kms_key_arn",
    "aws_sns_topic": "kms_master_key_id",
    "aws_sqs_queue": "kms_master_key_id",
}
"""The argument that names the key, by type; a state machine has a block."""
OF_AWS = re.compile(r"(.*:)?alias/aws/.*")


def nvme_families() -> frozenset[str]:
    """Return the instance families whose volumes are local NVMe: AWS encrypts those and refuses a key."""
    path = next(
        path for root in ROOTS if (path := root / "modules" / "_core" / "instance_types.json").is_file()
    )
    return frozenset(json.loads(path.read_text(encoding="utf-8"))["nvme_families"])


NVME_FAMILIES = nvme_families()


def lacks_key(block: Block, name: str, planned: Planned) -> str:
    """Return why an argument names no customer-managed key, or nothing if it does."""
    if not block.has(name, *KEYS):
        return f"{name} is not set"
    of_aws = [key for key in block.known(name) if OF_AWS.fullmatch(str(key)) or key in planned.aws_keys]
    return f"{name} is {of_aws[0]}, a key of AWS" if of_aws else ""


@rule("SW_ENDPOINT_KMS")
def volumes_have_a_key(configuration: Resource, planned: Planned) -> Finding:
    """Ask for `kms_key_arn` where a volume can take it, and for none where AWS refuses it."""
    block = configuration.block
    types = sorted(
        {
            str(variant["instance_type"])
            for name in ("production_variants", "shadow_production_variants")
            for variant in block.blocks(name)
            if not variant.blocks("serverless_config")
        }
    )
    local = [type_ for type_ in types if family(type_) in NVME_FAMILIES]
    others = [type_ for type_ in types if type_ not in local]
    if not types:
        if block.has("kms_key_arn", *KEYS):
            return failed("kms_key_arn is set, and AWS refuses it for serverless variants")
        return passed()
    problem = lacks_key(block, "kms_key_arn", planned)
    if local and not problem.endswith("is not set"):
        return failed(f"kms_key_arn is set, and AWS refuses it with the NVMe type {', '.join(local)}")
    if local and others:
        without = ", ".join(others)
        return failed(
            f"kms_key_arn cannot be set with {', '.join(local)}, which leaves {without} without a key"
        )
    if local or not problem:
        return passed()
    return failed(f"{problem}, for {', '.join(types)}")


@rule("SW_ENDPOINT_OUTPUT_KMS")
def outputs_have_a_key(configuration: Resource, planned: Planned) -> Finding:
    """Ask for a key for captures, core dumps, and the results of asynchronous inference."""
    problems = [
        f"data_capture_config.{problem}"
        for capture in configuration.block.blocks("data_capture_config")
        if (problem := lacks_key(capture, "kms_key_id", planned))
    ]
    problems += [
        f"async_inference_config.output_config.{problem}"
        for asynchronous in configuration.block.blocks("async_inference_config")
        for output in asynchronous.blocks("output_config")
        if (problem := lacks_key(output, "kms_key_id", planned))
    ]
    problems += [
        f"{variants}.core_dump_config.{problem}"
        for variants in ("production_variants", "shadow_production_variants")
        for variant in configuration.block.blocks(variants)
        for dump in variant.blocks("core_dump_config")
        if (problem := lacks_key(dump, "kms_key_id", planned))
    ]
    return failed("; ".join(problems)) if problems else passed()


@rule("SW_MONITOR_KMS")
def monitors_have_a_key(definition: Resource, planned: Planned) -> Finding:
    """Ask for a key for the reports of monitoring jobs, and for their volumes where they can take one."""

    def problem(place: tuple[str, Block, str]) -> str:
        path, block, name = place
        said = lacks_key(block, name, planned)
        return f"{path}.{said}" if said else ""

    return judged(keys_of_monitor(definition), problem)


def keys_of_monitor(definition: Resource) -> Iterator[tuple[str, Block, str]]:
    """Yield the path, the block and the name of every argument that must name a key."""
    for output in definition.block.blocks("data_quality_job_output_config"):
        yield "data_quality_job_output_config", output, "kms_key_id"
    for resources in definition.block.blocks("job_resources"):
        for cluster in resources.blocks("cluster_config"):
            if family(cluster["instance_type"]) not in NVME_FAMILIES:
                yield "job_resources.cluster_config", cluster, "volume_kms_key_id"


@rule("SW_JOB_KMS")
def jobs_have_a_key(resource: Resource, planned: Planned) -> Finding:
    """Ask for a key for what jobs write, and for their volumes where they can take one."""

    def problem(job: Call) -> str:
        ways = [(*job.form.output, "KmsKeyId")] if job.form and job.form.output else []
        if job.form and any(family(type_) not in NVME_FAMILIES for type_ in job.instance_types):
            ways.append((*job.form.cluster, "VolumeKmsKeyId"))
        for way in ways:
            if not job.has(*way, types=KEYS):
                return f"{job.place(way)} is not set"
            key = str(job.at(*way))
            if OF_AWS.fullmatch(key) or key in planned.aws_keys:
                return f"{job.place(way)} is {key}, a key of AWS"
        return ""

    return judged(jobs(resource), problem)


@rule("SW_LOG_KMS")
def logs_have_a_key(group: Resource, planned: Planned) -> Finding:
    """Ask for a key for a log group."""
    problem = lacks_key(group.block, "kms_key_id", planned)
    return failed(problem) if problem else passed()


@rule("SW_REPOSITORY_KMS")
def images_have_a_key(repository: Resource, planned: Planned) -> Finding:
    """Ask for encryption with KMS and a key; the type KMS alone means the key of AWS. So for a template."""
    for encryption in repository.block.blocks("encryption_configuration"):
        if not str(encryption.get("encryption_type")).startswith("KMS"):
            return failed(f"encryption_configuration.encryption_type is {encryption.get('encryption_type')}")
        if problem := lacks_key(encryption, "kms_key", planned):
            return failed(f"encryption_configuration.{problem}")
        return passed()
    return failed("encryption_configuration is missing")


@rule("SW_PARAMETER_KMS")
def secret_parameters_have_a_key(parameter: Resource, planned: Planned) -> Finding:
    """Ask for a key where a parameter is secret; names and ARNs that are published need none."""
    if parameter.block.get("type") != "SecureString":
        return passed()
    problem = lacks_key(parameter.block, "key_id", planned)
    return failed(problem) if problem else passed()


@rule("SW_STUDIO_KMS")
def studio_has_a_key(resource: Resource, planned: Planned) -> Finding:
    """Ask for a key for homes and volumes, and for what shared notebooks and Canvas write to S3."""

    def problem(place: tuple[str, Block, str]) -> str:
        path, block, name = place
        said = lacks_key(block, name, planned)
        return f"{path}{said}" if said else ""

    return judged(keys_of_studio(resource), problem)


def keys_of_studio(resource: Resource) -> Iterator[tuple[str, Block, str]]:
    """Yield the path, the block and the name of every argument that must name a key; a profile has no
    storage of its own."""
    block = resource.block
    if resource.type != "aws_sagemaker_user_profile":
        yield "", block, "kms_key_id"
    for kind in ("default_user_settings", "user_settings"):
        for settings in block.blocks(kind):
            for sharing in settings.blocks("sharing_settings"):
                if sharing.get("notebook_output_option") == "Allowed":
                    yield f"{kind}.sharing_settings.", sharing, "s3_kms_key_id"
            for canvas in settings.blocks("canvas_app_settings"):
                for workspace in canvas.blocks("workspace_settings"):
                    yield f"{kind}.canvas_app_settings.workspace_settings.", workspace, "s3_kms_key_id"


@rule("SW_FEATURE_STORE_KMS")
def feature_stores_have_a_key(group: Resource, planned: Planned) -> Finding:
    """Ask for a key for both stores of a feature group, where it has them."""
    problems: list[str] = []
    for online in group.block.blocks("online_store_config"):
        if online.get("enable_online_store"):
            problems += lacking(online, "online_store_config", "security_config", planned)
    for offline in group.block.blocks("offline_store_config"):
        problems += lacking(offline, "offline_store_config", "s3_storage_config", planned)
    return failed("; ".join(problems)) if problems else passed()


def lacking(store: Block, path: str, name: str, planned: Planned) -> list[str]:
    """Return why a nested block of a store names no key, if it does not."""
    blocks = store.blocks(name)
    if not blocks:
        return [f"{path}.{name} is missing"]
    problems = [lacks_key(block, "kms_key_id", planned) for block in blocks]
    return [f"{path}.{name}.{problem}" for problem in problems if problem]


@rule("SW_QUERY_KMS")
def results_have_a_key(workgroup: Resource, planned: Planned) -> Finding:
    """Ask for encryption of query results with KMS and a key."""
    path = "configuration.result_configuration.encryption_configuration"
    for encryption in (
        encryption
        for configuration in workgroup.block.blocks("configuration")
        for results in configuration.blocks("result_configuration")
        for encryption in results.blocks("encryption_configuration")
    ):
        if not str(encryption.get("encryption_option")).endswith("_KMS"):
            return failed(f"{path}.encryption_option is {encryption.get('encryption_option')}")
        problem = lacks_key(encryption, "kms_key_arn", planned)
        return failed(f"{path}.{problem}") if problem else passed()
    return failed(f"{path} is missing")


@rule("SW_WORKFLOW_KMS")
def workflows_have_a_key(resource: Resource, planned: Planned) -> Finding:
    """Ask for a key for messages, events, schedules, and what state machines hold."""
    if name := OF_WORKFLOWS.get(resource.type):
        problem = lacks_key(resource.block, name, planned)
        return failed(problem) if problem else passed()
    for encryption in resource.block.blocks("encryption_configuration"):
        if encryption.get("type") != "CUSTOMER_MANAGED_KMS_KEY":
            return failed(f"encryption_configuration.type is {encryption.get('type')}")
        problem = lacks_key(encryption, "kms_key_id", planned)
        return failed(f"encryption_configuration.{problem}") if problem else passed()
    return failed("encryption_configuration is missing")


def family(instance_type: str) -> str:
    """Return the family of an instance type: `ml.g5.xlarge` is of `g5`."""
    return instance_type.removeprefix("ml.").partition(".")[0]
