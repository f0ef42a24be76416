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
from sagewright.local import monitoring, references, registry, scaling
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
    _check_containers(model, containers)


def _check_containers(model: Members, containers: list[Members]) -> None:
    """Refuse what does not go together in a model of several containers.

    https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-create.html
    """
    mode = (model.get("InferenceExecutionConfig") or {}).get("Mode", "Serial")
    hostnames = [one["ContainerHostname"] for one in containers if "ContainerHostname" in one]
    if mode == "Direct" and len(hostnames) != len(containers):
        raise refused("ContainerHostname is required for every container when the inference mode is Direct.")
    if hostnames and len(hostnames) != len(containers):
        raise refused("ContainerHostname must be specified for all containers of the model or for none.")
    if len(set(hostnames)) != len(hostnames):
        raise refused("ContainerHostname must be unique for each container of the model.")
    every = containers or [model["PrimaryContainer"]]
    multi = [container for container in every if container["Mode"] == "MultiModel"]
    if any(not container.get("ModelDataUrl") for container in multi):
        raise refused("ModelDataUrl is required for a container of mode MultiModel.")
    if len(multi) > 1 or (multi and mode == "Direct" and len(containers) > 1):
        raise refused("Only one container of a serial inference pipeline can be of mode MultiModel.")
    if any(container.get("MultiModelConfig") for container in every if container not in multi):
        raise refused("MultiModelConfig is only supported for a container of mode MultiModel.")


def _check_configuration(plane: ControlPlane, configuration: Members) -> None:
    production, shadow = (configuration.get(member) or [] for member in VARIANTS)
    if shadow and len(production) != 1:
        raise refused(f"ShadowProductionVariants need exactly one production variant, got {len(production)}.")
    if len(shadow) > 1:
        raise refused(f"ShadowProductionVariants can have one variant, got {len(shadow)}.")
    variants = [*production, *shadow]
    for name, count in Counter(variant["VariantName"] for variant in variants).items():
        if count > 1:
            raise refused(f'The variant name "{name}" was non-unique within the request.')
    for variant in variants:
        _check_variant(plane, configuration, variant)
        variant.setdefault("InitialVariantWeight", 1.0)
    if len({"ServerlessConfig" in variant for variant in variants}) > 1:
        raise refused("Serverless and instance-based variants cannot be mixed in an endpoint configuration.")
    if len(variants) > 1 and "ServerlessConfig" in variants[0]:
        raise refused("A serverless endpoint can have one production variant and no shadow variant.")
    if configuration.get("AsyncInferenceConfig"):
        _check_asynchronous(configuration, variants)
    for name in [variant["ModelName"] for variant in variants if shadow and "ModelName" in variant]:
        if _is_of_several(plane.get("Model", name).members):
            raise refused(f'Model "{name}" has several containers or models, which shadow variants exclude.')
    for member in VARIANTS:
        weights = [variant["InitialVariantWeight"] for variant in configuration.get(member) or []]
        if weights and not any(weights):
            raise refused(f"The sum of InitialVariantWeight over {member} must be greater than 0.")


def _check_asynchronous(configuration: Members, variants: list[Members]) -> None:
    if configuration.get("ShadowProductionVariants"):
        raise refused("ShadowProductionVariants are not supported for asynchronous inference endpoints.")
    if any("ServerlessConfig" in variant for variant in variants):
        raise refused("AsyncInferenceConfig is not supported for serverless endpoints.")


def _is_of_several(model: Members) -> bool:
    """Tell whether a model has several containers, or a container several models."""
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    return len(containers) > 1 or containers[0]["Mode"] == "MultiModel"


def _check_variant(plane: ControlPlane, configuration: Members, variant: Members) -> None:
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
        _check_serverless_model(plane.get("Model", variant["ModelName"]))
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


def _check_serverless_model(model: Record) -> None:
    """Refuse a model that serverless inference cannot run.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """
    members = model.members
    containers = members.get("Containers") or [members["PrimaryContainer"]]
    for excluded, what in (
        (members.get("VpcConfig"), "VpcConfig"),
        (members.get("EnableNetworkIsolation"), "Network isolation"),
        (len(containers) > 1, "An inference pipeline"),
        (any(container["Mode"] == "MultiModel" for container in containers), "A multi-model container"),
    ):
        if excluded:
            raise refused(f'{what} is not supported for serverless endpoints: model "{model.name}".')


def _check_deployment(configuration: Record, deployment: Members | None) -> None:
    """Refuse a way of rollout that AWS does not take, or not for what is rolled out.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
    """
    if not deployment:
        return
    variants = [variant for member in VARIANTS for variant in configuration.members.get(member) or []]
    blue_green, rolling = deployment.get("BlueGreenUpdatePolicy"), deployment.get("RollingUpdatePolicy")
    if any("ServerlessConfig" in variant for variant in variants):
        raise refused("DeploymentConfig is not supported for serverless endpoints.")
    if blue_green and rolling:
        raise refused("Specify only one of BlueGreenUpdatePolicy and RollingUpdatePolicy.")
    if rolling and len(variants) > 1:
        raise refused(f"RollingUpdatePolicy needs an endpoint with one variant, got {len(variants)}.")
    if rolling:
        _check_batch("MaximumBatchSize", rolling["MaximumBatchSize"], 5, 50)
        waited = rolling["WaitIntervalInSeconds"]
    else:
        routing = (blue_green or {}).get("TrafficRoutingConfiguration", {})
        sizes = {"CANARY": ("CanarySize", 1), "LINEAR": ("LinearStepSize", 10)}
        for type_, (member, smallest) in sizes.items():
            if (routing.get("Type") == type_) != (member in routing):
                raise refused(f"{member} is required for the traffic routing type {type_}, and for no other.")
            if member in routing:
                _check_batch(member, routing[member], smallest, 50)
        waited = routing.get("WaitIntervalInSeconds", 0) + (blue_green or {}).get(
            "TerminationWaitInSeconds", 0
        )
    timeout = (rolling or blue_green or {}).get("MaximumExecutionTimeoutInSeconds")
    if timeout is not None and timeout <= waited:
        raise refused("MaximumExecutionTimeoutInSeconds must be larger than the total waiting time.")


def _check_batch(member: str, size: Members, smallest: int, largest: int) -> None:
    """Refuse a batch that is no such share; how many instances are one depends on the fleet."""
    if size["Type"] == "CAPACITY_PERCENT" and not smallest <= size["Value"] <= largest:
        raise refused(f"{member} must be between {smallest} and {largest} percent, got {size['Value']}.")


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
    _check_deployment(configuration, endpoint.hidden.get("DeploymentConfig"))
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
    _check_deployment(configuration, request.get("DeploymentConfig"))
    _refuse_conversion(endpoint, configuration)
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


def scales_to_zero(endpoint: Record) -> bool:
    """Tell whether a live endpoint may have no instance: requests wait, if it is asynchronous."""
    return bool(endpoint.members.get("AsyncInferenceConfig"))


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


def _refuse_conversion(endpoint: Record, configuration: Record) -> None:
    """Refuse to make an endpoint on instances serverless, which is possible the other way round, once; and to
    make one asynchronous, or no longer so.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-update-delete.html
    https://github.com/aws/sagemaker-python-sdk/pull/3124
    """
    live, new = endpoint.hidden["Configuration"], configuration.members
    if bool(live.get("AsyncInferenceConfig")) != bool(new.get("AsyncInferenceConfig")):
        how = "removed from" if live.get("AsyncInferenceConfig") else "added to"
        raise refused(f"The AsyncInferenceConfig parameter cannot be {how} this endpoint {endpoint.name}.")
    was, becomes = ("ServerlessConfig" in members["ProductionVariants"][0] for members in (live, new))
    if becomes and not was:
        raise refused(f'Cannot update endpoint "{endpoint.arn}" from instances to serverless.')


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
    monitoring.refuse_monitored(plane, endpoint)
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
