"""checkov in process: its own checks and ours, on plans that are read already, without a word or a packet.

checkov's plan runner reads the file with PyYAML (most of its time), keeps the code lines, prints, and
passes over what it cannot read. Here its parser is given the plan as JSON gave it, its graph is built once,
and each check of the catalogue is asked about each resource; what a check cannot say is said.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.util
import itertools
import json
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from policies.plan.documents import statements
from policies.plan.model import Block, Resource, Template, Undecided, Unknown
from sagewright.gate.catalog import Rule
from sagewright.gate.plan import Plan

LOCK = threading.RLock()
"""checkov keeps its registries, and here its parser, in module variables."""
RUNS = itertools.count(1)
"""Every run has a file name of its own: some checks keep what they parsed, by file, type and name."""
UNREADABLE = {"CKV_AWS_217", "CKV_AWS_233", "CKV_AWS_237"}
"""Checks of `lifecycle`, which plan JSON does not hold; checkov's runner drops their results."""


def load(name: str, path: Path) -> ModuleType:
    """Import a policy's file under a name of its own; raises `CheckError` with what it raises."""
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None and specification.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(specification)  # where dataclasses look
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CheckError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from None
    return module


class CheckError(Exception):
    """A check is missing or cannot be loaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a check says of one resource."""

    state: Literal["pass", "fail", "unknown", "error"]
    message: str


def preload() -> None:
    """Import checkov (1.5 to 5 seconds), once, and leave logging as it was.

    What is imported stays, so Python's collector is told to leave it out: looking through it takes a second
    when the program ends.
    """
    with LOCK, quiet():
        if "checkov.terraform.plan_runner" not in sys.modules:
            importlib.import_module("checkov.terraform.plan_runner")
            keep_actions()
            gc.freeze()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep checkov from what it does at import and at work: root handlers, log level, warnings on stderr.

    `EVAL_TF_PLAN_AFTER_UNKNOWN` is taken away: with it, checkov takes unknown values for good ones. Python's
    collector waits meanwhile: it would look through all that checkov builds, again and again, for a fifth of
    the time, and find next to nothing.
    """
    root = logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, logging.root.manager.disable
    taken = {name: os.environ.pop(name, None) for name in ("EVAL_TF_PLAN_AFTER_UNKNOWN", "LOG_LEVEL")}
    collecting = gc.isenabled()
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if collecting:
            gc.enable()
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)
        os.environ.update({name: value for name, value in taken.items() if value is not None})


def own_checks(folder: Path) -> dict[str, Any]:
    """Load the checks of a policies folder's `checkov`, by id.

    Raises `CheckError` for whatever checkov itself would pass over: no folder, no `__init__.py` in it, a
    file that cannot be imported, a file without a check, the same id twice.
    """
    from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck

    checks_folder = folder / "checkov"
    if not checks_folder.is_dir():
        raise CheckError(f"{checks_folder}: there is no such folder")
    if not (checks_folder / "__init__.py").is_file():
        raise CheckError(f"{checks_folder}: __init__.py is missing, without it checkov loads nothing")
    found: dict[str, Any] = {}
    for path in sorted(checks_folder.glob("*.py")):
        if path.name.startswith("__"):
            continue
        module = load(f"sagewright_checkov_{path.stem}", path)
        checks = [value for value in vars(module).values() if isinstance(value, BaseResourceCheck)]
        if not checks:
            raise CheckError(f"{path}: holds no check; end it with check = YourCheck()")
        for check in checks:
            if check.id in found:
                raise CheckError(f"{path}: {check.id} is there twice")
            found[check.id] = check
    return found


def builtin_checks(ids: Iterable[str]) -> dict[str, Any]:
    """Return checkov's own checks by id, on resources and on the graph; unknown ids are left out."""
    preload()
    from checkov.common.checks_infra.registry import get_graph_checks_registry
    from checkov.common.graph.graph_builder.consts import GraphSource
    from checkov.terraform.checks.resource.registry import resource_registry

    graph = get_graph_checks_registry(GraphSource.TERRAFORM.value.lower())
    graph.load_checks()
    by_id: dict[str, Any] = {check.id: check for check in graph.checks}
    by_id.update({check.id: check for _, check in resource_registry.all_checks()})
    return {id_: by_id[id_] for id_ in ids if id_ in by_id and id_ not in UNREADABLE}


def keep_actions() -> None:
    """Keep what cloudsplaining learns of AWS's actions: a policy that allows all asks for each of 18,000.

    policy_sentry's own cache holds 1,024 of them, and so the next such policy finds none of them.
    """
    utils: Any = importlib.import_module("cloudsplaining.shared.utils")
    utils.get_action_data = functools.cache(utils.get_action_data.__wrapped__)


def run(plan: Plan, rules: Sequence[tuple[Rule, Any]]) -> Iterator[tuple[Rule, Resource, Verdict]]:
    """Ask each check about each resource of its rule's types, and yield what it says."""
    with LOCK, quiet():
        verdicts = list(_run(plan, rules))
    yield from verdicts


def _run(plan: Plan, rules: Sequence[tuple[Rule, Any]]) -> Iterator[tuple[Rule, Resource, Verdict]]:
    from checkov.common.graph.checks_infra.base_check import BaseGraphCheck
    from checkov.terraform import plan_parser
    from checkov.terraform.plan_runner import Runner

    template = for_checkov(plan)
    file = f"/plan-{next(RUNS)}.json"
    parser: Any = plan_parser
    parse, parser.parse = parser.parse, lambda *_: (template, [(1, "")])
    try:
        definition: dict[str, Any] = parser.parse_tf_plan(file, {})[0]
    finally:
        parser.parse = parse
    runner = Runner()
    graph_rules = [(rule, check) for rule, check in rules if isinstance(check, BaseGraphCheck)]
    resource_rules = [(rule, check) for rule, check in rules if not isinstance(check, BaseGraphCheck)]
    looked_at = in_graph(definition, graph_rules, resource_rules)
    runner.graph_manager.save_graph(
        runner.graph_manager.build_graph_from_definitions({file: looked_at}, render_variables=False)
    )
    graph = runner.graph_manager.get_reader_endpoint()
    resources = {resource.address: resource for resource in plan.resources}
    registry = runner.block_type_registries["resource"]
    for entity in definition["resource"]:
        type_, _, configuration = registry.extract_entity_details(entity)
        resource = resources.get(configuration["__address__"])
        if resource is None:
            continue
        for rule, check in resource_rules:
            if rule.is_for(type_):
                check.graph = graph
                yield rule, resource, ask(check, rule, resource, file, configuration)
    for rule, check in graph_rules:
        yield from ask_graph(check, rule, graph, resources)


def in_graph(
    definition: dict[str, Any],
    graph_rules: Sequence[tuple[Rule, Any]],
    resource_rules: Sequence[tuple[Rule, Any]],
) -> dict[str, Any]:
    """Return what the checks on the graph look at: to connect every resource takes longer than to check it.

    A check in Python that reads the graph may look at anything in it.
    """
    if any("graph" in check.scan_resource_conf.__code__.co_names for _, check in resource_rules):
        return definition
    types: set[str] = set()
    waiting = [check for _, check in graph_rules]
    while waiting:
        check = waiting.pop()
        types.update(check.resource_types or (), check.connected_resources_types or ())
        waiting.extend(check.sub_checks)
    if "all" in types:
        return definition
    return {**definition, "resource": [one for one in definition["resource"] if not types.isdisjoint(one)]}


def for_checkov(plan: Plan) -> dict[str, Any]:
    """Return a plan as checkov's parser would hand it on, with what was resolved filled in."""
    values = {resource.address: plain(resource.values) for resource in plan.resources}

    def module(node: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **node,
            "resources": [
                {**resource, "values": {**values[resource["address"]], "start_line": 0, "end_line": 0}}
                for resource in node.get("resources", ())
                if resource["address"] in values
            ],
            "child_modules": [module(child) for child in node.get("child_modules", ())],
        }

    return {
        "terraform_version": plan.document["terraform_version"],
        "planned_values": {"root_module": module(plan.document["planned_values"].get("root_module") or {})},
        "configuration": plan.document["configuration"],
        "resource_changes": [
            dict(change) for change in plan.document["resource_changes"] if not change.get("deposed")
        ],
    }


def plain(value: Any) -> Any:
    """Return values without what is unknown, as plan JSON has them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if not isinstance(item, Unknown)}
    if isinstance(value, list):
        return [None if isinstance(item, Unknown) else plain(item) for item in value]
    return str(value) if isinstance(value, Template) else value


def ask(check: Any, rule: Rule, resource: Resource, file: str, configuration: dict[str, Any]) -> Verdict:
    """Run a check on one resource; whatever it raises becomes an `error`.

    The check is told the address as the name: checkov's own runner gives it the name alone, and so a check
    that keeps what it parsed takes the second instance of a resource for the first.
    """
    from checkov.common.models.enums import CheckResult

    try:
        answer = check.run(file, configuration, resource.address, resource.type, {})
    except (Exception, SystemExit) as error:
        return Verdict(state="error", message=f"the check failed: {type(error).__name__}: {error}")
    said = answer["result"]
    said = said[0] if isinstance(said, tuple) else said
    if said not in (CheckResult.PASSED, CheckResult.FAILED):
        return undecided(rule, resource, "the check cannot tell")
    details = "; ".join(check.details) or evaluated(answer.get("evaluated_keys") or (), resource)
    return decided(rule, resource, said == CheckResult.PASSED, details)


def ask_graph(
    check: Any, rule: Rule, graph: Any, resources: Mapping[str, Resource]
) -> Iterator[tuple[Rule, Resource, Verdict]]:
    """Run a check on the graph; if it raises, every resource that it is for gets an `error`."""
    try:
        passed, failed, unknown = check.run(graph)
    except (Exception, SystemExit) as error:
        verdict = Verdict(state="error", message=f"the check failed: {type(error).__name__}: {error}")
        yield from (
            (rule, resource, verdict) for resource in resources.values() if rule.is_for(resource.type)
        )
        return
    for state, vertices in (("pass", passed), ("fail", failed), ("unknown", unknown)):
        for vertex in vertices:
            resource = resources.get(vertex.get("__address__", ""))
            if resource is None or not rule.is_for(resource.type):
                continue
            if state == "unknown":
                yield rule, resource, undecided(rule, resource, "the check cannot tell")
            else:
                yield rule, resource, decided(rule, resource, state == "pass", "")


def decided(rule: Rule, resource: Resource, good: bool, message: str) -> Verdict:
    """Return a verdict, unless what it rests on is unknown."""
    try:
        for path in rule.reads:
            need(resource.block, path)
    except Undecided as error:
        return Verdict(state="unknown", message=error.told_to(resource.address))
    return Verdict(state="pass" if good else "fail", message="" if good else message)


def undecided(rule: Rule, resource: Resource, message: str) -> Verdict:
    """Return the verdict for a check that gives none: `unknown`, with what is unknown if that can be told."""
    verdict = decided(rule, resource, True, "")
    return Verdict(state="unknown", message=message) if verdict.state == "pass" else verdict


def need(block: Block, path: str) -> None:
    """Read everything that a path such as `rule.status` leads to.

    Raises `Undecided` on what is unknown. A policy with references in it is known well enough where they
    decide nothing. What is not configured, and left to AWS, is not set as far as a check is concerned.
    """
    name, _, rest = path.partition(".")
    if block.computed(name):
        return
    if rest:
        for inner in block.blocks(name):
            need(inner, rest)
        return
    value = block.text(name)
    if isinstance(value, Template):
        statements(block, name)
    else:
        settle(value)


def settle(value: Any) -> None:
    """Read all of a value; raises `Undecided` on what is unknown in it."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            settle(item)


def evaluated(keys: Sequence[str], resource: Resource) -> str:
    """Return the arguments that a check looked at, each with its value, a policy as what it says."""
    said: dict[str, str] = {}
    for key in keys:
        path, value = lookup(resource.values, re.split(r"[/.]", key))
        said.setdefault(path, words(value, statement_of(key)))
    told = [f"{path} {text}" for path, text in said.items() if text]
    return ", ".join(told) or ", ".join(f"{path} is not set" for path in said if path)


def lookup(value: Any, steps: Sequence[str]) -> tuple[str, Any]:
    """Follow a key of checkov, such as `rule/[0]/filter`, to a value; a policy stays whole."""
    taken: list[str] = []
    for step in steps:
        if re.fullmatch(r"\[.*\]|", step):
            continue
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, str):
            break
        value = value.get(step) if isinstance(value, Mapping) else None
        taken.append(step)
    return ".".join(taken), value


def statement_of(key: str) -> int | None:
    """Return the number of the policy statement that a key of checkov means, if it means one."""
    number = re.search(r"Statement/\[(\d+)\]", key)
    return int(number[1]) if number else None


def words(value: Any, statement: int | None = None) -> str:
    """Return a value as the rest of a sentence, of a policy one or all statements; nothing if not set."""
    if isinstance(value, str) and (statements := said_by(value)):
        one = statement is not None and statement < len(statements)
        return statements[statement] if one and statement is not None else "; ".join(statements)
    if value in (None, "", [], {}) or isinstance(value, Unknown):
        return ""
    if isinstance(value, (Mapping, list)):
        return "is set"
    return f"is {str(value).lower() if isinstance(value, bool) else value}"


def said_by(document: str) -> list[str]:
    """Return what each statement of a policy allows or denies, in a few words; of no policy nothing."""
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, TypeError, KeyError):
        return []
    said = []
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict):
            return []
        text = "denies" if statement.get("Effect") == "Deny" else "allows"
        text += f" {few(statement.get('Action', statement.get('NotAction')))}"
        for key, joint in (("Resource", "on"), ("Principal", "to")):
            if key in statement:
                text += f" {joint} {few(statement[key])}"
        said.append(text)
    return said


def few(value: Any) -> str:
    """Return the first of several values, and how many more there are."""
    if isinstance(value, dict):
        value = [item for items in value.values() for item in (items if isinstance(items, list) else [items])]
    if not isinstance(value, list):
        return str(value)
    return f"{value[0]} and {len(value) - 1} more" if len(value) > 1 else str(*value)
