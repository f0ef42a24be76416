"""Which resource refers to which, for a picture of the plans; references between stacks are followed, too.

A stack reads what another puts out by `terraform_remote_state`:
https://developer.hashicorp.com/terraform/language/state/remote-state-data
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from policies.plan.model import resource_of
from sagewright.gate.expressions import without_indexes
from sagewright.gate.plan import Plan

STATE = "data.terraform_remote_state."


def edges(plans: Sequence[Plan]) -> Iterator[tuple[str, str]]:
    """Yield who refers to whom, as `stack/address`; an instance of many refers to all of another's."""
    outputs = {plan.stack: exported(plan) for plan in plans}
    instances: dict[str, list[str]] = {}
    for plan in plans:
        for change in plan.changes:
            if not change.deposed:
                base = f"{plan.stack}/{without_indexes(change.address)}"
                instances.setdefault(base, []).append(f"{plan.stack}/{change.address}")
    for plan in plans:
        upstream = remote_states(plan)
        for source, reference in referring(plan):
            targets = [f"{plan.stack}/{reference}"]
            if reference.startswith(STATE):
                name, _, output = reference.removeprefix(STATE).partition(".outputs.")
                stack = upstream.get(name, "")
                targets = [f"{stack}/{one}" for one in outputs.get(stack, {}).get(output, ())]
            for one in instances.get(f"{plan.stack}/{source}", ()):
                for target in targets:
                    yield from ((one, other) for other in instances.get(target, ()) if other != one)


def referring(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield address and reference of everything that a managed resource refers to, both without indexes."""

    def walk(module: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
        for resource in module.get("resources", ()):
            if resource.get("mode") != "managed":
                continue
            given = [*references(resource.get("expressions")), *(resource.get("depends_on") or ())]
            for reference in given:
                if reference.startswith(STATE):
                    yield prefix + resource["address"], reference
                else:
                    yield prefix + resource["address"], prefix + without_indexes(resource_of(reference))
        for name, call in (module.get("module_calls") or {}).items():
            yield from walk(call.get("module") or {}, f"{prefix}module.{name}.")

    yield from walk(plan.document["configuration"].get("root_module") or {}, "")


def references(expression: Any) -> Iterator[str]:
    """Yield every reference in an expression."""
    if isinstance(expression, Mapping):
        for key, value in expression.items():
            if key == "references" and isinstance(value, list):
                yield from map(str, value)
            elif key != "constant_value":
                yield from references(value)
    elif isinstance(expression, list):
        for item in expression:
            yield from references(item)


def exported(plan: Plan) -> dict[str, list[str]]:
    """Return which resources each output of a stack tells of."""
    root = plan.document["configuration"].get("root_module") or {}
    return {
        name: [without_indexes(resource_of(one)) for one in references(output.get("expression"))]
        for name, output in (root.get("outputs") or {}).items()
    }


def remote_states(plan: Plan) -> dict[str, str]:
    """Return which stack each remote state is of: its file is named after it."""
    found: dict[str, str] = {}
    root = plan.document["configuration"].get("root_module") or {}
    for resource in root.get("resources", ()):
        if resource["address"].startswith(STATE):
            config = (resource.get("expressions") or {}).get("config") or {}
            place = config.get("constant_value") or {}
            path = place.get("path") or place.get("key") or ""
            found[resource["name"]] = PurePosixPath(path).name.partition(".")[0]
    return found
