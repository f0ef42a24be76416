"""Models, endpoint configurations and endpoints: what SageMaker hosting does beyond storing them."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import sagewright
from sagewright.local import references, registry, scaling
from sagewright.local.control_plane import ControlPlane, Hooks, Record
from sagewright.local.faults import FAULTS
from sagewright.local.kinds import Members
from sagewright.local.refusal import Refused

VARIANTS = ("ProductionVariants", "ShadowProductionVariants")


def refused(message: str) -> Refused:
    """Return the refusal with which SageMaker answers most that it does not accept."""
    return Refused("ValidationException", message)


@cache
def instance_families(trait: str) -> frozenset[str]:
    """Return the instance families with a trait, `burstable` or `nvme`, from the modules' own table."""
    package = Path(sagewright.__file__).parent
    places = [root / "modules" / "_core" / "instance_types.json" for root in (package.parent, package)]
    table = next(place for place in places if place.exists())
    return frozenset(json.loads(table.read_text(encoding="utf-8"))[f"{trait}_families"])


def has_trait(instance_type: str, trait: str) -> bool:
    """Return whether an instance type, such as ml.g4dn.xlarge, is of a family with that trait."""
    return instance_type.split(".")[1] in instance_families(trait)


def _check_model(plane: ControlPlane, model: Members) -> None:
    containers = model.get("Containers") or []
    primary = model.get("PrimaryContainer")
    if (primary is None) == (not containers):
        raise refused("You must provide either PrimaryContainer or Containers in a CreateModel request.")
    for container in containers if primary is None else [primary]:
        if not container.get("Image") and not container.get("ModelPackageName"):
            raise refused("A container must have an Image or a ModelPackageName.")
        if package := container.get("ModelPackageName"):
            if "Image" in container or "ModelDataUrl" in container:
                raise refused("You cannot provide Image or ModelDataUrl along with ModelPackageName.")
            registry.find_package(plane, package)
        in_vpc = (container.get("ImageConfig") or {}).get("RepositoryAccessMode") == "Vpc"
        if in_vpc and not model.get("VpcConfig"):
            raise refused("VpcConfig is required when RepositoryAccessMode of an ImageConfig is Vpc.")
        container.setdefault("Mode", "SingleModel")


def _check_configuration(plane: ControlPlane, configuration: Members) -> None:
    production, shadow = (configuration.get(member) or [] for member in VARIANTS)
    if shadow and len(production) != 1:
        raise refused(f"ShadowProductionVariants need exactly one production variant, got {len(production)}.")
    variants = [*production, *shadow]
    for name, count in Counter(variant["VariantName"] for variant in variants).items():
        if count > 1:
            raise refused(f'The variant name "{name}" was non-unique within the request.')
    for variant in variants:
        _check_variant(configuration, variant)
        variant.setdefault("InitialVariantWeight", 1.0)
    if len({"ServerlessConfig" in variant for variant in variants}) > 1:
        raise refused("Serverless and instance-based variants cannot be mixed in an endpoint configuration.")
    for member in VARIANTS:
        weights = [variant["InitialVariantWeight"] for variant in configuration.get(member) or []]
        if weights and not any(weights):
            raise refused(f"The sum of InitialVariantWeight over {member} must be greater than 0.")


def _check_variant(configuration: Members, variant: Members) -> None:
    name, serverless = variant["VariantName"], variant.get("ServerlessConfig")
    instance_type = variant.get("InstanceType")
    for_components = bool(configuration.get("ExecutionRoleArn"))
    if not variant.get("ModelName") and not for_components:
        raise refused(f'ModelName is required for variant "{name}".')
    if serverless and instance_type:
        raise refused(f'Variant "{name}" cannot have both ServerlessConfig and InstanceType.')
    if (
        not serverless
        and not variant.get("InstancePools")
        and (not instance_type or not variant.get("InitialInstanceCount"))
    ):
        raise refused(f'InstanceType and InitialInstanceCount are required for variant "{name}".')
    if variant.get("ManagedInstanceScaling") and not for_components:
        raise refused("ManagedInstanceScaling is only supported for inference component endpoints.")
    if serverless:
        _check_serverless(configuration, name, serverless)
    if instance_type and configuration.get("KmsKeyId") and has_trait(instance_type, "nvme"):
        raise refused(
            f"KmsKeyId cannot be specified: instance type {instance_type} of variant "
            f'"{name}" uses local storage that the hardware encrypts.'
        )


def _check_serverless(configuration: Members, name: str, serverless: Members) -> None:
    if configuration.get("DataCaptureConfig"):
        raise refused("DataCaptureConfig is not supported for serverless endpoints.")
    if configuration.get("KmsKeyId"):
        raise refused("KmsKeyId is not supported for serverless endpoints.")
    if serverless["MemorySizeInMB"] % 1024:
        raise refused(f'MemorySizeInMB of variant "{name}" must be a multiple of 1024.')
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise refused(f'ProvisionedConcurrency of variant "{name}" must not be greater than MaxConcurrency.')


def _live_variants(plane: ControlPlane, configuration: Record, retained: Mapping[str, Members]) -> Members:
    """Return the variants that a configuration brings, by name, as DescribeEndpoint shows them."""
    return {
        member: {
            variant["VariantName"]: _live_variant(plane, variant) | retained.get(variant["VariantName"], {})
            for variant in configuration.members[member]
        }
        for member in VARIANTS
        if configuration.members.get(member)
    }


def _live_variant(plane: ControlPlane, variant: Members) -> Members:
    live: Members = {"VariantName": variant["VariantName"]}
    if model_name := variant.get("ModelName"):
        model = plane.get("Model", model_name).members
        containers = (
            [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])
        )
        images = [container["Image"] for container in containers if "Image" in container]
        live["DeployedImages"] = [references.deployed_image(plane.account_id, image) for image in images]
    live |= {
        "CurrentWeight": variant["InitialVariantWeight"],
        "DesiredWeight": variant["InitialVariantWeight"],
    }
    if serverless := variant.get("ServerlessConfig"):
        return live | {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    count = variant.get("InitialInstanceCount", 0)
    live |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    return live | {
        name: variant[name] for name in ("ManagedInstanceScaling", "RoutingConfig") if name in variant
    }


def _deploy(plane: ControlPlane, endpoint: Record, configuration: Record, live: Members) -> None:
    """Put a configuration into service."""
    members = endpoint.members
    members["EndpointConfigName"] = configuration.name
    endpoint.hidden["Configuration"] = copy.deepcopy(configuration.members)
    endpoint.hidden["Live"] = live
    members.pop("PendingDeploymentSummary", None)
    members.pop("FailureReason", None)
    for name in ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig", "CrossRegionTrafficConfig"):
        members[name] = configuration.members.get(name)
    members["DataCaptureConfig"] = _capture(configuration.members.get("DataCaptureConfig"))


def _capture(configured: Members | None) -> Members | None:
    if configured is None:
        return None
    enabled = configured.get("EnableCapture", False)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": configured["InitialSamplingPercentage"],
        "DestinationS3Uri": configured["DestinationS3Uri"],
        "KmsKeyId": configured.get("KmsKeyId", ""),
    }


def _created_endpoint(plane: ControlPlane, endpoint: Record) -> None:
    configuration = plane.get("EndpointConfig", endpoint.members["EndpointConfigName"])
    live = _live_variants(plane, configuration, {})
    endpoint.members["LastDeploymentConfig"] = endpoint.hidden.get("DeploymentConfig")
    endpoint.members["PendingDeploymentSummary"] = _pending(configuration, live)
    fault = FAULTS.failure("CreateEndpoint", endpoint.name)
    if fault is None:
        endpoint.begin("Creating", "InService", lambda: _deploy(plane, endpoint, configuration, live))
        return

    def fail() -> None:
        endpoint.members.pop("PendingDeploymentSummary")
        endpoint.members["FailureReason"] = fault.reason or None

    endpoint.begin("Creating", "Failed", fail)


def _pending(configuration: Record, live: Members) -> Members:
    shown = {member: list(variants.values()) for member, variants in live.items()}
    return {"EndpointConfigName": configuration.name, "StartTime": time.time()} | shown


def _describe_endpoint(plane: ControlPlane, endpoint: Record, description: Members) -> None:
    for member, variants in endpoint.hidden.get("Live", {}).items():
        description[member] = list(variants.values())


def update_endpoint(plane: ControlPlane, request: Members) -> Members:
    """Roll a new configuration out; on failure SageMaker rolls back to the old one, and is InService again.

    Counts and weights become those of the configuration, unless the request retains them. The old
    configuration must still be there: https://github.com/hashicorp/terraform-provider-aws/issues/40048.
    """
    endpoint = _endpoint_at_rest(plane, request)
    configuration = plane.get("EndpointConfig", request["EndpointConfigName"])
    plane.get("EndpointConfig", endpoint.members["EndpointConfigName"])
    _refuse_other_variants(endpoint, configuration, request)
    _refuse_scaled_type_change(plane, endpoint, configuration)
    live = _live_variants(plane, configuration, _retained(endpoint, request))
    if not request.get("RetainDeploymentConfig"):
        endpoint.members["LastDeploymentConfig"] = request.get("DeploymentConfig")
    endpoint.members["PendingDeploymentSummary"] = _pending(configuration, live)
    endpoint.members["LastModifiedTime"] = time.time()
    fault = FAULTS.failure("UpdateEndpoint", endpoint.name)

    def finish() -> None:
        if fault is None:
            _deregister_removed(plane, endpoint, configuration)
            _deploy(plane, endpoint, configuration, live)
        else:
            endpoint.members.pop("PendingDeploymentSummary")
            endpoint.members["FailureReason"] = fault.reason or None

    endpoint.begin("Updating", "InService", finish)
    return {"EndpointArn": endpoint.arn}


def update_weights_and_capacities(plane: ControlPlane, request: Members) -> Members:
    """Change weights and instance counts of variants in place; all or none."""
    endpoint = _endpoint_at_rest(plane, request)
    variants = endpoint.hidden["Live"]["ProductionVariants"]
    wanted = request["DesiredWeightsAndCapacities"]
    seen: set[str] = set()
    for change in wanted:
        name = change["VariantName"]
        if name in seen:
            raise refused(f'The variant name "{name}" was non-unique within the request.')
        if name not in variants:
            raise refused(
                f'The variant name(s) "{name}" is/are not present within endpoint configuration '
                f'"{endpoint.members["EndpointConfigName"]}".'
            )
        if "DesiredInstanceCount" in change and "CurrentInstanceCount" not in variants[name]:
            raise refused(f'Variant "{name}" is serverless and has no instances.')
        seen.add(name)
    changed = {
        change["VariantName"]: change["DesiredWeight"] for change in wanted if "DesiredWeight" in change
    }
    weights = [changed.get(name, variant["DesiredWeight"]) for name, variant in variants.items()]
    if not any(weights):
        raise refused("The sum of DesiredWeight over ProductionVariants must be greater than 0.")
    for change in wanted:
        for name in ("Weight", "InstanceCount"):
            if (value := change.get(f"Desired{name}")) is not None:
                variants[change["VariantName"]] |= {f"Desired{name}": value, f"Current{name}": value}
    endpoint.members["LastModifiedTime"] = time.time()
    endpoint.begin("Updating", "InService")
    return {"EndpointArn": endpoint.arn}


def _endpoint_at_rest(plane: ControlPlane, request: Members) -> Record:
    endpoint = plane.of_request("Endpoint", request)
    if endpoint.in_progress:
        raise refused(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    if "Live" not in endpoint.hidden:
        raise refused(f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}.')
    return endpoint


def _retained(endpoint: Record, request: Members) -> dict[str, Members]:
    """Return what each variant keeps of its weight and its count."""
    if not request.get("RetainAllVariantProperties"):
        return {}
    excluded = {each["VariantPropertyType"] for each in request.get("ExcludeRetainedVariantProperties") or []}
    names = [
        *(("CurrentWeight", "DesiredWeight") if "DesiredWeight" not in excluded else ()),
        *(("CurrentInstanceCount", "DesiredInstanceCount") if "DesiredInstanceCount" not in excluded else ()),
    ]
    return {
        variant["VariantName"]: {name: variant[name] for name in names if name in variant}
        for variants in endpoint.hidden["Live"].values()
        for variant in variants.values()
    }


def instance_type_of(endpoint: Record, variant_name: str) -> str | None:
    """Return the instance type of a live variant; `None` when there is no such variant or no instance."""
    configured = endpoint.hidden.get("Configuration", {}).get("ProductionVariants", [])
    return next((v.get("InstanceType") for v in configured if v["VariantName"] == variant_name), None)


def _refuse_other_variants(endpoint: Record, configuration: Record, request: Members) -> None:
    """Refuse to change the names of the variants where a deployment configuration guards the rollout.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
    """
    retained = endpoint.members.get("LastDeploymentConfig") if request.get("RetainDeploymentConfig") else None
    live, new = (
        sorted(variant["VariantName"] for variant in members["ProductionVariants"])
        for members in (endpoint.hidden["Configuration"], configuration.members)
    )
    if (request.get("DeploymentConfig") or retained) and live != new:
        raise refused(
            f"A deployment configuration needs the same variant names in the new endpoint configuration "
            f'"{configuration.name}" as in the live one: {", ".join(live)}; got {", ".join(new)}.'
        )


def _refuse_scaled_type_change(plane: ControlPlane, endpoint: Record, configuration: Record) -> None:
    """Refuse to change the type of an instance that is scaled.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
    """
    new_types = {v["VariantName"]: v.get("InstanceType") for v in configuration.members["ProductionVariants"]}
    for target in scaling.targets_of(plane.account_id, plane.region, endpoint.name):
        name = target.variant_name
        if name in new_types and new_types[name] != instance_type_of(endpoint, name):
            raise refused(
                f'Cannot change the instance type of variant "{name}" of endpoint "{endpoint.arn}" '
                f"while it is a target for automatic scaling; deregister {target.resource_id} first."
            )


def _deregister_removed(plane: ControlPlane, endpoint: Record, configuration: Record | None) -> None:
    """Deregister the scalable targets of variants that are no more, as SageMaker does."""
    kept = configuration.members["ProductionVariants"] if configuration else []
    names = {variant["VariantName"] for variant in kept}
    for target in list(scaling.targets_of(plane.account_id, plane.region, endpoint.name)):
        if target.variant_name not in names:
            scaling.deregister(plane.account_id, plane.region, target)


def _delete_endpoint(plane: ControlPlane, endpoint: Record) -> None:
    if endpoint.in_progress:
        raise refused(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    _deregister_removed(plane, endpoint, None)


HOOKS = {
    "Model": Hooks(creating=_check_model),
    "EndpointConfig": Hooks(creating=_check_configuration),
    "Endpoint": Hooks(created=_created_endpoint, describing=_describe_endpoint, deleting=_delete_endpoint),
}
OPERATIONS = {
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_weights_and_capacities,
}
