"""What is known only after apply never passes for what is good (PITFALLS P3)."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from policies.plan.model import Planned
from sagewright.gate import PlanInput, checks, ledger, rules
from sagewright.gate.catalog import POLICIES, Rule
from sagewright.gate.plan import read

from .conftest import PROD, RULES, example

Json = dict[str, Any]
Steps = tuple[str | int, ...]
LAUNDRY = {"address": "terraform_data.it", "mode": "managed", "type": "terraform_data", "name": "it"}
PLAN_RULES = rules.own_rules(POLICIES)
EXPRESSIONS: dict[str, Json] = {
    "json": {"constant_value": "${terraform_data.it.output}"},
    "hcl": {"references": ["terraform_data.it.output", "terraform_data.it"]},
}


@pytest.mark.parametrize("syntax", EXPRESSIONS)
@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.subject == "resource"], ids=lambda rule: rule.id
)
def test_an_argument_that_is_not_known_yet_never_makes_a_bad_example_pass(
    tmp_path: Path, rule: Rule, syntax: str
) -> None:
    document = json.loads(example(rule.id, "fail").read_bytes())
    failing = stopped(tmp_path, document, rule)
    assert failing
    for entry in document["resource_changes"]:
        for steps in arguments(entry["change"]["after"] or {}):
            changed = unknown(document, entry["address"], steps, EXPRESSIONS[syntax])
            passing = failing - stopped(tmp_path, changed, rule)
            assert not passing, f"{steps} of {entry['address']}"


@functools.cache
def checkov() -> dict[str, Any]:
    """Return the checks of checkov and ours by id."""
    return {**checks.builtin_checks(rule.id for rule in RULES), **checks.own_checks(POLICIES)}


def stopped(tmp_path: Path, document: Json, rule: Rule) -> set[str]:
    """Return the addresses that a rule does not pass."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    plan = read(PlanInput(path=path), PROD, lambda path: {})
    if rule.kind == "plan":
        planned = Planned(plan.resources, plan.changes, limits=PROD.limits)
        function = PLAN_RULES[rule.id]
        found = [(one, rules.ask(function, one, planned)) for one in ledger.subjects(rule, plan)]
    else:
        found = [(one, verdict) for _, one, verdict in checks.run(plan, [(rule, checkov()[rule.id])])]
    assert {verdict.state for _, verdict in found} <= {"pass", "fail", "unknown"}
    return {one.address for one, verdict in found if verdict.state != "pass"}


def arguments(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """Yield the way to every argument of a resource and of its blocks."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in members:
        if isinstance(key, str) and inner not in (None, [], {}):
            yield (*steps, key)
        if isinstance(inner, (dict, list)):
            yield from arguments(inner, (*steps, key))


def unknown(document: Json, address: str, steps: Steps, expression: Json) -> Json:
    """Return a plan in which an argument comes from a resource of which nothing is known."""
    document = with_laundry(document)
    for resource in document["planned_values"]["root_module"]["resources"]:
        if resource["address"] == address:
            put(resource["values"], steps, None)
    for entry in document["resource_changes"]:
        if entry["address"] == address:
            put(entry["change"]["after"], steps, None)
            entry["change"]["after_unknown"] = marked(
                entry["change"]["after"], entry["change"]["after_unknown"], steps
            )
    for resource in document["configuration"]["root_module"]["resources"]:
        if resource["address"] == address:
            put(resource.setdefault("expressions", {}), steps, expression)
    return document


def with_laundry(document: Json) -> Json:
    """Return a copy of a plan that has a resource which hands on what it is given, after apply."""
    document = json.loads(json.dumps(document))  # faster than a deep copy
    values, unknown = {"input": "x"}, {"output": True}
    change = {"actions": ["create"], "before": None, "after": values, "after_unknown": unknown}
    root = document["planned_values"]["root_module"]
    root.setdefault("resources", []).append({**LAUNDRY, "values": values})
    document["resource_changes"].append({**LAUNDRY, "change": change})
    document["configuration"]["root_module"]["resources"].append(
        {**LAUNDRY, "expressions": {"input": {"constant_value": "x"}}}
    )
    return document


def put(target: Any, steps: Sequence[str | int], value: Any) -> None:
    """Set what stands at the end of some steps, or at the last of them that is there."""
    for step, following in pairwise(steps):
        inner = target[step] if isinstance(step, int) or step in target else None
        if not isinstance(inner, (dict, list)) or {"constant_value", "references"} & set(map(str, inner)):
            target[step] = value
            return
        target = [inner] if isinstance(inner, dict) and isinstance(following, int) else inner
    target[steps[-1]] = value


def marked(value: Any, marks: Any, steps: Sequence[str | int]) -> Any:
    """Return Terraform's marks on a value with one more, at the end of some steps."""
    if not steps:
        return True
    if isinstance(steps[0], int):
        marks = marks if isinstance(marks, list) else [{} for _ in value]
        return [marked(value[n], mark, steps[1:]) if n == steps[0] else mark for n, mark in enumerate(marks)]
    marks = marks if isinstance(marks, dict) else {}
    return {**marks, steps[0]: marked(value[steps[0]], marks.get(steps[0]), steps[1:])}
