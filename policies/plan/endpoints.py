"""Endpoints: capacity that may lose an Availability Zone and grows with the load; updates that AWS takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policies.plan.model import (
    Block,
    Change,
    Finding,
    Planned,
    Resource,
    Template,
    Undecided,
    Unknown,
    failed,
    identifies,
    passed,
    relative,
    resource_of,
    rule,
)

CONFIGURATION = "aws_sagemaker_endpoint_configuration"
MONITORED = "aws_sagemaker_data_quality_job_definition"
FEWEST_INSTANCES = 2
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
INVOCATIONS = "SageMakerVariantInvocationsPerInstance"
BACKLOG = "HasBacklogWithoutCapacity"
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
        counted.append((named(variant, "variant_name"), lowest_count(configuration, variant, planned)))
    total = sum(count for _, count in counted)
    if total >= FEWEST_INSTANCES:
        return passed()
    shown = ", ".join(f"{name} {count}" for name, count in counted)
    return failed(
        f"{total} instance{'s' * (total != 1)} at the lowest over all variants ({shown}), expected at least 2"
    )


def lowest_count(configuration: Resource, variant: Block, planned: Planned) -> int:
    """Return how few instances a variant may have: its initial count, or less where scaling goes below it."""
    counts = [variant.get("initial_instance_count") or 0]
    for endpoint in endpoints_of(configuration, planned):
        for target in targets_of(endpoint, named(variant, "variant_name"), planned):
            counts.append(target.block["min_capacity"])
            counts += [bound for action in actions_of(target, planned) for bound in bounds(action)]
    return min(map(int, counts))


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
        name = named(variant, "variant_name")
        if family(variant["instance_type"]) in BURSTABLE_FAMILIES:
            problems.append(f"{name} is of the burstable type {variant['instance_type']}, which cannot scale")
            continue
        targets = targets_of(endpoint, name, planned)
        if not targets:
            problems.append(f"{name} has no scalable target")
        elif not any(policies_of(target, planned) for target in targets):
            problems.append(f"{name} has a scalable target without a scaling policy")
        elif lower := [action.address for target in targets for action in lowering(target, planned)]:
            problems.append(f"{name} goes below its minimum by {', '.join(lower)}")
    return failed("variant " + "; variant ".join(problems)) if problems else passed()


@rule("SW_ENDPOINT_QUEUE")
def a_queue_is_worked_on(endpoint: Resource, planned: Planned) -> Finding:
    """Ask that its own metrics scale an asynchronous endpoint, and wake it where it may have no instance."""
    configuration = planned.find(endpoint, "endpoint_config_name", CONFIGURATION, "name")
    if configuration is None:
        raise Undecided("endpoint_config_name", endpoint.address)
    if not configuration.block.blocks("async_inference_config"):
        return passed()
    problems: list[str] = []
    for variant in configuration.block.blocks("production_variants"):
        name = named(variant, "variant_name")
        for target in targets_of(endpoint, name, planned):
            policies = policies_of(target, planned)
            if any(map(follows_invocations, policies)):
                problems.append(f"{name} is scaled by {INVOCATIONS}, which an asynchronous endpoint lacks")
            if least(target, planned) == 0 and not any(woken_by(policy, planned) for policy in policies):
                problems.append(f"{name} may have no instance, and no alarm on {BACKLOG} adds one")
    return failed("variant " + "; variant ".join(problems)) if problems else passed()


@rule("SW_ENDPOINT_MONITOR")
def a_schedule_monitors_it(endpoint: Resource, planned: Planned) -> Finding:
    """Ask for a schedule of a definition that looks at a real-time endpoint."""
    configuration = planned.find(endpoint, "endpoint_config_name", CONFIGURATION, "name")
    if configuration is None:
        raise Undecided("endpoint_config_name", endpoint.address)
    if configuration.block.blocks("async_inference_config"):
        return passed("asynchronous")
    variants = configuration.block.blocks("production_variants")
    if any(variant.blocks("serverless_config") for variant in variants):
        return passed("serverless: it captures nothing")
    scheduled = [
        found
        for schedule in planned.of("aws_sagemaker_monitoring_schedule")
        for config in schedule.block.blocks("monitoring_schedule_config")
        if (found := planned.find(schedule, "monitoring_job_definition_name", MONITORED, "name", config))
    ]
    if any(looks_at(definition, endpoint, planned) for definition in scheduled):
        return passed()
    return failed("no aws_sagemaker_monitoring_schedule monitors it")


def looks_at(definition: Resource, endpoint: Resource, planned: Planned) -> bool:
    """Tell whether a job definition monitors what an endpoint captures."""
    return any(
        planned.find(definition, "endpoint_name", endpoint.type, "name", source) is endpoint
        for input_ in definition.block.blocks("data_quality_job_input")
        for source in input_.blocks("endpoint_input")
    )


def least(target: Resource, planned: Planned) -> int:
    """Return the fewest instances that a target or its scheduled actions allow."""
    lower = (bound for action in actions_of(target, planned) for bound in bounds(action))
    return min([int(target.block["min_capacity"]), *lower])


def follows_invocations(policy: Resource) -> bool:
    """Tell whether a policy tracks the invocations per instance."""
    return any(
        metric.get("predefined_metric_type") == INVOCATIONS
        for tracking in policy.block.blocks("target_tracking_scaling_policy_configuration")
        for metric in tracking.blocks("predefined_metric_specification")
    )


def woken_by(policy: Resource, planned: Planned) -> bool:
    """Tell whether a policy adds instances when an alarm says that requests wait and there is none."""
    adds = any(
        step["scaling_adjustment"] > 0
        for steps in policy.block.blocks("step_scaling_policy_configuration")
        for step in steps.blocks("step_adjustment")
    )
    return adds and any(
        alarm.block.get("metric_name") == BACKLOG and acts_by(alarm, policy)
        for alarm in planned.of("aws_cloudwatch_metric_alarm")
    )


def acts_by(alarm: Resource, policy: Resource) -> bool:
    """Tell whether an alarm starts a policy: by reference, or by its ARN.

    Raises `Undecided` when it cannot be told.
    """
    value = alarm.values.get("alarm_actions")
    beside = (alarm.stack, alarm.module) == (policy.stack, policy.module)
    for action in value if isinstance(value, list) else [value]:
        if isinstance(action, (Template, Unknown)):
            if not action.references:
                raise Undecided("alarm_actions", alarm.address)
            if beside and relative(policy) in map(resource_of, action.references):
                return True
        elif action is not None and action == policy.values.get("arn"):
            return True
    return False


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


def targets_of(
    endpoint: Resource, variant: str, planned: Planned, dimension: str = DIMENSION
) -> list[Resource]:
    """Return the scalable targets of one variant's instance count, or of another dimension of it.

    Raises `Undecided` when there is a target of which it cannot be told what it scales.
    """
    names = {f"${{{relative(endpoint)}.name}}"}
    if not endpoint.block.computed("name"):
        names.add(named(endpoint.block, "name"))
    ids = {f"endpoint/{name}/variant/{variant}" for name in names}
    return [
        target
        for target in planned.of("aws_appautoscaling_target")
        if target.block["scalable_dimension"] == dimension and named(target.block, "resource_id") in ids
    ]


def policies_of(target: Resource, planned: Planned) -> list[Resource]:
    """Return the scaling policies of a target."""
    return [policy for policy in planned.of("aws_appautoscaling_policy") if scales(policy, target)]


def actions_of(target: Resource, planned: Planned) -> list[Resource]:
    """Return the scheduled actions that set other bounds for a target."""
    return [action for action in planned.of("aws_appautoscaling_scheduled_action") if scales(action, target)]


def scales(other: Resource, target: Resource) -> bool:
    """Tell whether a policy or scheduled action is of a target: by reference, or by the same resource id.

    Raises `Undecided` when it cannot be told.
    """
    referred = [one for one in other.block.references("resource_id") if one.startswith(f"{target.type}.")]
    if referred:
        beside = (other.stack, other.module) == (target.stack, target.module)
        return beside and relative(target) in referred
    return bool(named(other.block, "resource_id") == named(target.block, "resource_id"))


def named(block: Block, name: str) -> Any:
    """Return a name that may hold references to what AWS names; raises `Undecided` for any other."""
    value = block.text(name)
    if isinstance(value, Template) and not all(identifies(one, "aws_*") for one in value.references):
        return block[name]
    return value


def bounds(action: Resource) -> Iterator[int]:
    """Yield the capacities that a scheduled action sets, which the provider takes as texts."""
    for bound in action.block.blocks("scalable_target_action"):
        for name in ("min_capacity", "max_capacity"):
            if bound.get(name) not in (None, ""):
                yield int(bound[name])


def lowering(target: Resource, planned: Planned) -> list[Resource]:
    """Return the scheduled actions that take a target below its minimum."""
    lowest = int(target.block["min_capacity"])
    return [action for action in actions_of(target, planned) if any(one < lowest for one in bounds(action))]


@rule("SW_ENDPOINT_VARIANTS")
def variants_keep_their_names(endpoint: Resource, planned: Planned) -> Finding:
    """Ask for the names of now in the configuration that an endpoint is updated to with guardrails."""
    if endpoint.change.actions != ("update",) or not endpoint.block.blocks("deployment_config"):
        return passed()
    rollout = configurations(endpoint, planned)
    if rollout is None:
        return passed()
    old, new = rollout
    before = {variant["variant_name"] for variant in old.before.get("production_variants") or ()}
    after = {variant["variant_name"] for variant in new.block.blocks("production_variants")}
    if before == after:
        return passed()
    moves = [f"{one} would come" for one in sorted(after - before)]
    moves += [f"{one} would go" for one in sorted(before - after)]
    return failed(f"the variants are {', '.join(sorted(before))}, and {', '.join(moves)}")


@rule("SW_ENDPOINT_KIND")
def endpoints_keep_their_kind(endpoint: Resource, planned: Planned) -> Finding:
    """Deny a change of kind, except from serverless to instances in place, which AWS takes."""
    change = endpoint.change
    if not (change.removes or change.actions == ("update",)):
        return passed()
    rollout = configurations(endpoint, planned)
    if rollout is None:
        return passed()
    old, new = rollout
    before, after = kind(old.before), kind(new.block)
    if before == after:
        return passed()
    if change.removes:
        return failed(f"is {before}, and is replaced by one that is {after}")
    if (before, after) == ("serverless", "real-time"):
        return passed("from serverless to instances, which cannot be taken back")
    return failed(f"is {before}, and cannot be updated to {after}")


def kind(configuration: Mapping[str, Any]) -> str:
    """Return what kind of endpoint a configuration, as a block or as values, makes."""
    if configuration.get("async_inference_config"):
        return "asynchronous"
    serverless = any(one.get("serverless_config") for one in configuration.get("production_variants") or ())
    return "serverless" if serverless else "real-time"


def configurations(endpoint: Resource, planned: Planned) -> tuple[Change, Resource] | None:
    """Return the configuration that an endpoint has now, and the one that it gets; nothing if it is the same.

    Raises `Undecided` when one of them is in none of the plans.
    """
    name = endpoint.change.before.get("endpoint_config_name")
    if endpoint.values.get("endpoint_config_name") == name:
        return None
    new = planned.find(endpoint, "endpoint_config_name", CONFIGURATION, "name")
    old = next((one for one in planned.changes if one.type == CONFIGURATION and of_now(one, name)), None)
    if new is None or old is None:
        raise Undecided("endpoint_config_name", endpoint.address)
    return old, new


def of_now(change: Change, name: Any) -> bool:
    """Tell whether a change is of the configuration that is in use under a name."""
    return name is not None and change.before.get("name") == name


def family(instance_type: str) -> str:
    """Return the family of an instance type: `ml.g5.xlarge` is of `g5`."""
    return instance_type.removeprefix("ml.").partition(".")[0]
