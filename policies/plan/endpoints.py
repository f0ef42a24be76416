"""Capacity of endpoints: enough to lose an Availability Zone, and growing with the load."""

from __future__ import annotations

import json
from pathlib import Path

from policies.plan.model import Block, Finding, Planned, Resource, Undecided, failed, passed, relative, rule

CONFIGURATION = "aws_sagemaker_endpoint_configuration"
FEWEST_INSTANCES = 2
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
ROOTS = Path(__file__).resolve().parents[2], Path(__file__).resolve().parents[2] / "sagewright"
"""Where modules/ lies: beside policies/ in a checkout, in the package when installed."""


def burstable_families() -> frozenset[str]:
    """Return the instance families that Application Auto Scaling refuses for endpoints."""
    path = next(
        path for root in ROOTS if (path := root / "modules" / "_core" / "instance_types.json").is_file()
    )
    return frozenset(json.loads(path.read_text(encoding="utf-8"))["burstable_families"])


BURSTABLE_FAMILIES = burstable_families()


@rule("SW_ENDPOINT_INSTANCES")
def a_zone_may_be_lost(configuration: Resource, planned: Planned) -> Finding:
    """Count the instances at the lowest: each variant's minimum, or its count where nothing scales it."""
    block = configuration.block
    if block.blocks("async_inference_config"):
        return passed("asynchronous: requests wait in a queue")
    counted: list[tuple[str, int]] = []
    for variant in block.blocks("production_variants"):
        if variant.blocks("serverless_config"):
            return passed("serverless: AWS keeps it available over zones")
        counted.append((variant["variant_name"], lowest_count(configuration, variant, planned)))
    total = sum(count for _, count in counted)
    if total >= FEWEST_INSTANCES:
        return passed()
    shown = ", ".join(f"{name} {count}" for name, count in counted)
    return failed(
        f"{total} instance{'s' * (total != 1)} at the lowest over all variants ({shown}), expected at least 2"
    )


def lowest_count(configuration: Resource, variant: Block, planned: Planned) -> int:
    """Return how few instances a variant may have: its initial count, or less where scaling goes below it."""
    initial = variant.get("initial_instance_count") or 0
    counts = [initial]
    for endpoint in endpoints_of(configuration, planned):
        for target in targets_of(endpoint, variant["variant_name"], planned):
            counts.append(target.block["min_capacity"])
    return int(min(counts))


@rule("SW_ENDPOINT_SCALING")
def every_variant_scales(endpoint: Resource, planned: Planned) -> Finding:
    """Ask for a scalable target with a policy for every variant that has instances."""
    configuration = planned.find(endpoint, "endpoint_config_name", CONFIGURATION, "name")
    if configuration is None:
        raise Undecided("endpoint_config_name", endpoint.address)
    problems: list[str] = []
    for variant in configuration.block.blocks("production_variants"):
        if variant.blocks("serverless_config"):
            continue
        name = variant["variant_name"]
        if family(variant["instance_type"]) in BURSTABLE_FAMILIES:
            problems.append(f"{name} is of the burstable type {variant['instance_type']}, which cannot scale")
            continue
        targets = targets_of(endpoint, name, planned)
        if not targets:
            problems.append(f"{name} has no scalable target")
        elif not any(policies_of(target, planned) for target in targets):
            problems.append(f"{name} has a scalable target without a scaling policy")
    return failed("variant " + "; variant ".join(problems)) if problems else passed()


def endpoints_of(configuration: Resource, planned: Planned) -> list[Resource]:
    """Return the endpoints that use a configuration; one that cannot be told counts as another's."""
    found = []
    for endpoint in planned.of("aws_sagemaker_endpoint"):
        try:
            used = planned.find(endpoint, "endpoint_config_name", CONFIGURATION, "name")
        except Undecided:
            continue
        if used is configuration:
            found.append(endpoint)
    return found


def targets_of(endpoint: Resource, variant: str, planned: Planned) -> list[Resource]:
    """Return the scalable targets of one variant's instance count.

    Raises `Undecided` when there is a target of which it cannot be told what it scales.
    """
    name = endpoint.values.get("name")
    ids = {f"endpoint/{name}/variant/{variant}"} if isinstance(name, str) else set()
    ids.add(f"endpoint/${{{relative(endpoint)}.name}}/variant/{variant}")
    return [
        target
        for target in planned.of("aws_appautoscaling_target")
        if target.block["scalable_dimension"] == DIMENSION and target.block["resource_id"] in ids
    ]


def policies_of(target: Resource, planned: Planned) -> list[Resource]:
    """Return the scaling policies of a target: by reference, or by the same resource id."""
    return [
        policy
        for policy in planned.of("aws_appautoscaling_policy")
        if policy.stack == target.stack
        and (
            relative(target) in policy.block.references("resource_id")
            or policy.block["resource_id"] == target.block["resource_id"]
        )
    ]


def family(instance_type: str) -> str:
    """Return the family of an instance type: `ml.g5.xlarge` is of `g5`."""
    return instance_type.removeprefix("ml.").partition(".")[0]
