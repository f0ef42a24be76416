"""From plans, and what the gate says of them, to a review; nothing is asked but the registry of models."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from policies.plan.endpoints import CONFIGURATION
from policies.plan.model import Change, Planned, Resource, Unknown
from policies.plan.models import MODEL
from sagewright.cost import Amount, Cost, Row
from sagewright.gate.catalog import Catalog
from sagewright.gate.expressions import without_indexes
from sagewright.gate.plan import Plan
from sagewright.gate.redaction import Redactor, masked
from sagewright.gate.report import EXIT_CODES, Report, Result
from sagewright.review import access, model
from sagewright.review.differences import NOTHING, Differ, Side, left_to_aws, pruned
from sagewright.review.graph import edges
from sagewright.review.losses import STATEFUL, loss, why
from sagewright.review.model import NOWHERE, Action, Review
from sagewright.review.subject import NAMED, Names, Subject
from sagewright.review.traffic import ENDPOINT, TARGET, Router, Versions, not_asked
from sagewright.review.words import Teller
from sagewright.synth import Place

ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("create",): "add",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("forget",): "forget",
    ("update",): "change",
}
NOISE = ("tags_all",)
"""Attributes that repeat others."""
URGENCY: tuple[Action, ...] = ("destroy", "forget", "replace", "change", "move", "import", "add", "none")
DIRECTIONS: tuple[model.Direction, ...] = ("widened", "changed", "narrowed")
ANSWERING = frozenset({ENDPOINT, CONFIGURATION, MODEL, TARGET})
"""Types that tell who answers, those that do not change too."""
COUNTED: Mapping[str, Callable[[Result], bool]] = {
    "denied": lambda result: result.denies,
    "advised": lambda result: failing(result) and not result.denies and not result.override,
    "overridden": lambda result: bool(result.override),
    "waived": lambda result: result.state == "waived",
    "errors": lambda result: result.state == "error",
}
LONGEST_ERROR = 3000
"""Characters of a message that a review keeps: an error may list all that is wrong in a file."""
WAIVED = re.compile(r"(?s)(?P<reason>.*) \((?P<owner>[^()]*), until (?P<expires>\d{4}-\d{2}-\d{2})\)")
"""How the gate's results tell of a waiver (sagewright/gate/judge.py)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One environment's plans, and what is known of them."""

    report: Report
    plans: Sequence[Plan]
    """Those that could be read; why another could not is in the report."""
    costs: Mapping[str, Cost] = field(default_factory=dict)
    """By stack, what its plan costs; empty where that was not asked for."""
    previews: frozenset[str] = frozenset()
    """Stacks that were planned against outputs that are not there yet."""


def build(
    environments: Sequence[Judged],
    catalog: Catalog,
    today: datetime.date,
    versions: Versions = not_asked,
) -> Review:
    """Return the review of the plans of one or several environments.

    `catalog` tells what holds data, `today` counts the days that waivers have left, `versions` is asked for
    the approval and the metrics of versions of models. Nothing in the review is secret.
    """
    redactor = Redactor()
    for judged in environments:
        for plan in judged.plans:
            redactor.learn(plan.document)
    builder = Builder(environments, catalog, today, versions, Teller(redactor))
    return builder.review()


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A resource of a plan: what happens to it, masked to be told of and in clear to be compared."""

    subject: Subject
    change: Change
    resource: Resource | None
    """As it will be; nothing where none is left, or where the object is a left-over."""
    marks: Mapping[str, Any]
    """`change` of the plan, with Terraform's marks."""
    previous_address: str


class Builder:
    """Collects the parts of one review."""

    def __init__(
        self,
        environments: Sequence[Judged],
        catalog: Catalog,
        today: datetime.date,
        versions: Versions,
        teller: Teller,
    ) -> None:
        self._environments = environments
        self._today = today
        self._teller = teller
        self._differ = Differ(teller)
        self._stateful = next(rule for rule in catalog.rules if rule.id == STATEFUL)
        self._items = [item for judged in environments for item in self._read(judged)]
        answering = [item for item in self._items if item.subject.type in ANSWERING]
        planned = Planned(
            tuple(replace(item.resource, values=item.subject.after) for item in answering if item.resource),
            tuple(replace(item.change, before=item.subject.before) for item in answering),
        )
        self._router = Router(planned, versions, teller)

    def review(self) -> Review:
        """Return the review."""
        reports = [judged.report for judged in self._environments]
        failures = tuple(self._failures())
        nodes, edges = self._graph(failures)
        return Review(
            verdict=max((report.verdict for report in reports), key=EXIT_CODES.__getitem__, default="error"),
            digest=digest(reports),
            gates=tuple(map(gate, reports)),
            stacks=tuple(self._stacks()),
            losses=tuple(self._losses()),
            traffic=tuple(self._traffic()),
            access=tuple(self._access()),
            failures=failures,
            checks=tuple(self._checks()),
            cost=self._cost(),
            changes=tuple(self._changes()),
            waivers=tuple(self._waivers()),
            overrides=tuple(self._overrides()),
            drift=tuple(self._drift()),
            nodes=nodes,
            edges=edges,
        )

    def _read(self, judged: Judged) -> Iterator[Item]:
        """Yield the resources of an environment's plans."""
        for plan in judged.plans:
            resources = {resource.address: resource for resource in plan.resources}
            changes = {(change.address, change.deposed): change for change in plan.changes}
            for entry in plan.document["resource_changes"]:
                if entry.get("mode") != "managed":
                    continue
                address, deposed = entry["address"], entry.get("deposed", "")
                resource = None if deposed else resources.get(address)
                change, marks = changes[address, deposed], entry["change"]
                action = acted(change, entry)
                told = action != "none" or change.type in ANSWERING | NAMED
                yield Item(
                    subject=Subject(
                        environment=judged.report.environment,
                        stack=plan.stack,
                        address=address,
                        type=change.type,
                        action=action,
                        place=self._place(judged, plan.stack, address),
                        before=masked(change.before, marks.get("before_sensitive")) if told else {},
                        after=masked(resource.values, marks.get("after_sensitive"))
                        if told and resource
                        else {},
                    ),
                    change=change,
                    resource=resource,
                    marks=marks,
                    previous_address=entry.get("previous_address", ""),
                )

    def _place(self, judged: Judged, stack: str, address: str) -> Place:
        """Return where a resource is made, if that is known."""
        here = next((plan for plan in judged.plans if plan.stack == stack), None)
        place = here.places.get(without_indexes(address), NOWHERE) if here else NOWHERE
        lines = tuple(map(self._teller.text, place.lines))
        return Place(construct=self._teller.text(place.construct), lines=lines)

    def _stacks(self) -> Iterator[model.StackRow]:
        """Yield a row for each stack."""
        for judged in self._environments:
            report = judged.report
            for plan, sum_ in zip(judged.plans, digests(judged), strict=True):
                actions = [
                    item.subject.action
                    for item in self._items
                    if (item.subject.environment, item.subject.stack) == (report.environment, plan.stack)
                ]
                outputs = (plan.document.get("output_changes") or {}).values()
                cost = judged.costs.get(plan.stack)
                here = [result for result in report.results if result.stack == plan.stack]
                yield model.StackRow(
                    environment=self._teller.text(report.environment),
                    stack=self._teller.text(plan.stack),
                    digest=sum_,
                    preview=plan.stack in judged.previews,
                    add=actions.count("add"),
                    change=actions.count("change"),
                    replace=actions.count("replace"),
                    destroy=actions.count("destroy"),
                    forget=actions.count("forget"),
                    move=actions.count("move"),
                    imports=actions.count("import"),
                    outputs=sum(change["actions"] != ["no-op"] for change in outputs),
                    **{name: sum(map(test, here)) for name, test in COUNTED.items()},
                    before=cost.before if cost else None,
                    after=cost.after if cost else None,
                    unpriced=cost.unknown if cost else 0,
                )

    def _losses(self) -> Iterator[model.Loss]:
        """Yield the stateful resources that end."""
        denied = {
            (judged.report.environment, result.stack, result.address)
            for judged in self._environments
            for result in judged.report.results
            if result.rule == STATEFUL and result.denies
        }
        for item in self._items:
            subject = item.subject
            if item.change.removes and self._stateful.is_for(subject.type):
                address = self._teller.text(subject.address)
                closed = (subject.environment, subject.stack, address) in denied
                yield loss(subject, item.change, self._stateful, closed, self._teller)

    def _traffic(self) -> Iterator[model.Traffic]:
        """Yield the endpoints at which something changes."""
        for item in self._items:
            here = item.subject.type == ENDPOINT and not item.change.deposed
            if here and (traffic := self._router.traffic(item.subject)):
                yield traffic

    def _access(self) -> list[model.Access]:
        """Return what is opened and closed: openings first, and of them what is not new altogether."""
        names = Names(item.subject for item in self._items if not item.change.deposed)
        found = [
            one
            for item in self._items
            if item.subject.action in ("add", "change", "replace", "destroy", "forget")
            for one in access.changes(item.subject, names, self._teller)
        ]
        return sorted(found, key=lambda one: (DIRECTIONS.index(one.direction), one.fresh))

    def _failures(self) -> Iterator[model.Failure]:
        """Yield what stops the plans, and advice, in the gate's order."""
        for judged in self._environments:
            for result in judged.report.results:
                if result.state == "pass" or result.state == "waived" or result.override:
                    continue
                yield model.Failure(
                    environment=judged.report.environment,
                    stack=self._teller.text(result.stack),
                    address=self._teller.text(result.address),
                    place=self._place(judged, result.stack, result.address),
                    rule=result.rule,
                    title=result.title,
                    severity=result.severity,
                    state=result.state,
                    mode=result.mode,
                    denies=result.denies or result.state == "error",
                    touched=result.touched,
                    message=self._teller.text(result.message, LONGEST_ERROR),
                    remedy=" ".join(result.remedy.split()),
                )

    def _checks(self) -> Iterator[model.Check]:
        """Yield how each rule did on each stack."""
        for judged in self._environments:
            asked: dict[tuple[str, str], list[Result]] = {}
            for result in sorted(judged.report.results, key=lambda one: (one.stack, one.rule)):
                asked.setdefault((result.stack, result.rule), []).append(result)
            for (stack, rule), results in asked.items():
                yield model.Check(
                    environment=judged.report.environment,
                    stack=self._teller.text(stack),
                    rule=rule,
                    title=results[0].title,
                    severity=results[0].severity,
                    passed=sum(result.state == "pass" for result in results),
                    **{name: sum(map(test, results)) for name, test in COUNTED.items()},
                )

    def _cost(self) -> model.Cost | None:
        """Return what all plans cost, if that was asked for."""
        costs = [
            (judged.report.environment, stack, cost)
            for judged in self._environments
            for stack, cost in judged.costs.items()
        ]
        if not costs:
            return None
        rows = [
            self._cost_row(environment, stack, row) for environment, stack, cost in costs for row in cost.rows
        ]
        return model.Cost(
            before=sum((cost.before for _, _, cost in costs), Amount()),
            after=sum((cost.after for _, _, cost in costs), Amount()),
            unknown=sum(cost.unknown for _, _, cost in costs),
            source=", ".join(dict.fromkeys(cost.source for _, _, cost in costs)),
            price_date=min(cost.price_date for _, _, cost in costs).isoformat(),
            stale=any(cost.stale for _, _, cost in costs),
            rows=tuple(sorted(rows, key=dear_first)),
        )

    def _cost_row(self, environment: str, stack: str, row: Row) -> model.CostRow:
        return model.CostRow(
            environment=environment,
            stack=self._teller.text(stack),
            address=self._teller.text(row.address),
            type=self._teller.text(row.type),
            what=self._teller.text(row.what),
            before=row.before,
            after=row.after,
            during=row.during,
            unknown=self._teller.text(row.unknown),
        )

    def _changes(self) -> list[model.Group]:
        """Return the changes by construct, what ends something first."""
        groups: dict[tuple[str, str, str], list[model.ResourceChange]] = {}
        for item in self._items:
            subject = item.subject
            if subject.action != "none":
                name = construct(subject.place) or subject.address
                key = subject.environment, subject.stack, self._teller.text(name)
                groups.setdefault(key, []).append(self._change(item))
        for judged in self._environments:
            for plan in judged.plans:
                if outputs := list(self._outputs(plan)):
                    groups[judged.report.environment, plan.stack, "outputs"] = outputs
        made = [
            model.Group(
                environment=environment,
                stack=self._teller.text(stack),
                construct=name,
                changes=tuple(sorted(changes, key=urgency)),
            )
            for (environment, stack, name), changes in groups.items()
        ]
        return sorted(made, key=lambda group: min(map(urgency, group.changes)))

    def _change(self, item: Item) -> model.ResourceChange:
        """Return what happens to one resource."""
        subject = item.subject
        said = why(item.change, self._teller) if item.change.removes else ""
        return model.ResourceChange(
            address=self._teller.text(subject.address),
            type=self._teller.text(subject.type),
            action=subject.action,
            why=said,
            previous_address=self._teller.text(item.previous_address),
            attributes=tuple(self._attributes(item)),
            line=subject.place.line,
        )

    def _attributes(self, item: Item) -> Iterator[model.Attribute]:
        """Yield what differs, without what only AWS chooses; of a new resource, what is configured."""
        change, resource = item.change, item.resource
        if resource is None or item.subject.action not in ("add", "change", "replace"):
            return
        forcing = {path.partition(".")[0] for path in change.replace_paths}
        names = [name for name in (*change.before, *resource.values) if name not in NOISE]
        if item.subject.action == "add":
            names = [name for name in names if name in resource.configured]
        chosen = [name for name in names if name in forcing or not left_to_aws(resource.values.get(name))]
        before = Side(
            value={name: change.before.get(name) for name in chosen}, mark=item.marks.get("before_sensitive")
        )
        after = Side(
            value={name: resource.values.get(name) for name in chosen}, mark=item.marks.get("after_sensitive")
        )
        yield from self._differ.attributes(before, after, change.replace_paths)

    def _outputs(self, plan: Plan) -> Iterator[model.ResourceChange]:
        """Yield the outputs that change."""
        for name, change in (plan.document.get("output_changes") or {}).items():
            action = ACTIONS.get(tuple(change["actions"]))
            if not action:
                continue
            value = Unknown() if change.get("after_unknown") is True else change.get("after")
            before = Side(value={name: change.get("before")}, mark={name: change.get("before_sensitive")})
            after = Side(value={name: value}, mark={name: change.get("after_sensitive")})
            yield model.ResourceChange(
                address=self._teller.text(f"output.{name}"),
                type="output",
                action=action,
                why="",
                previous_address="",
                attributes=tuple(self._differ.attributes(before, after, ())),
                line="",
            )

    def _waivers(self) -> list[model.Waiver]:
        """Return the waivers in use, those that end first on top."""
        found = []
        for judged in self._environments:
            for result in judged.report.results:
                if result.state != "waived":
                    continue
                parts = WAIVED.fullmatch(result.waiver)
                expires = parts["expires"] if parts else ""
                days = (datetime.date.fromisoformat(expires) - self._today).days if expires else 0
                found.append(
                    model.Waiver(
                        environment=judged.report.environment,
                        stack=self._teller.text(result.stack),
                        address=self._teller.text(result.address),
                        place=self._place(judged, result.stack, result.address),
                        rule=result.rule,
                        severity=result.severity,
                        reason=self._teller.text(parts["reason"] if parts else result.waiver),
                        owner=self._teller.text(parts["owner"] if parts else ""),
                        ticket=self._teller.text(result.ticket),
                        written=self._teller.text(result.waived_in),
                        expires=expires,
                        days_left=days,
                    )
                )
        return sorted(found, key=lambda waiver: waiver.days_left)

    def _overrides(self) -> Iterator[model.Override]:
        """Yield what would deny, and was opened for these plans."""
        for judged in self._environments:
            given = {override.rule: override for override in judged.report.overrides}
            for result in judged.report.results:
                if result.override:
                    override = given[result.rule]
                    yield model.Override(
                        environment=judged.report.environment,
                        stack=self._teller.text(result.stack),
                        address=self._teller.text(result.address),
                        place=self._place(judged, result.stack, result.address),
                        rule=result.rule,
                        severity=result.severity,
                        message=self._teller.text(result.message),
                        reason=self._teller.text(override.reason),
                        group=self._teller.text(override.group),
                        approver=self._teller.text(override.approver),
                    )

    def _drift(self) -> Iterator[model.Drift]:
        """Yield what differs in AWS from what Terraform made, the same differences together.

        Only what is configured counts: AWS's own attributes change without anybody's doing.
        """
        found: dict[tuple[Any, ...], list[str]] = {}
        for judged in self._environments:
            for plan in judged.plans:
                configured = {resource.address: resource.configured for resource in plan.resources}
                for entry in plan.document.get("resource_drift") or ():
                    gone = entry["change"]["actions"] == ["delete"]
                    names = () if gone else self._drifted(entry, configured.get(entry["address"]))
                    if gone or names:
                        key = judged.report.environment, plan.stack, entry["type"], gone, names
                        found.setdefault(key, []).append(self._teller.text(entry["address"]))
        for (environment, stack, type_, gone, names), addresses in found.items():
            yield model.Drift(
                environment=environment,
                stack=self._teller.text(stack),
                type=self._teller.text(type_),
                action="deleted" if gone else "changed",
                attributes=names,
                addresses=tuple(addresses),
            )

    def _drifted(self, entry: Mapping[str, Any], configured: frozenset[str] | None) -> tuple[str, ...]:
        """Return the arguments that were changed; of what the plan ends, those that had a value."""
        before, after = (entry["change"].get(side) or {} for side in ("before", "after"))
        names = sorted(configured or (name for name in before if before[name] not in NOTHING))
        return tuple(
            self._teller.text(name)
            for name in names
            if name not in NOISE and differ(before.get(name), after.get(name))
        )

    def _graph(
        self, failures: Iterable[model.Failure]
    ) -> tuple[tuple[model.Node, ...], tuple[model.Edge, ...]]:
        """Return the resources, and who refers to whom."""
        failing = {(one.stack, one.address) for one in failures}
        nodes = [
            model.Node(
                id=self._teller.text(f"{subject.stack}/{subject.address}"),
                environment=subject.environment,
                stack=self._teller.text(subject.stack),
                address=self._teller.text(subject.address),
                construct=self._teller.text(subject.place.construct),
                type=self._teller.text(subject.type),
                action=subject.action,
                failing=(subject.stack, self._teller.text(subject.address)) in failing,
            )
            for subject in (item.subject for item in self._items if not item.change.deposed)
        ]
        known = {node.id for node in nodes}
        plans = [plan for judged in self._environments for plan in judged.plans]
        told = [tuple(map(self._teller.text, edge)) for edge in edges(plans)]
        there = [pair for pair in dict.fromkeys(told) if set(pair) <= known]
        return tuple(nodes), tuple(model.Edge(source=source, target=target) for source, target in there)


def failing(result: Result) -> bool:
    """Tell whether a result is not as it should be."""
    return result.state in ("fail", "unknown")


def acted(change: Change, entry: Mapping[str, Any]) -> Action:
    """Return what happens to a resource; what only moves or is only imported is told so."""
    if action := ACTIONS.get(change.actions):
        return action
    if "importing" in entry["change"]:
        return "import"
    return "move" if entry.get("previous_address") else "none"


def differ(before: Any, after: Any) -> bool:
    """Tell whether a value that was read is another one; a zero and nothing are the same to the provider."""
    nothing = before in NOTHING and after in NOTHING
    return not nothing and bool(pruned(before) != pruned(after))


def construct(place: Place) -> str:
    """Return the construct that a resource is part of: of `stack/churn_endpoint/this` the first two."""
    parts = place.construct.split("/")
    return "/".join(parts[:-1] if len(parts) > 2 else parts)


def urgency(change: model.ResourceChange) -> int:
    """Order changes: what ends something first."""
    return URGENCY.index(change.action)


def dear_first(row: model.CostRow) -> tuple[Any, ...]:
    """Order costs: what changes first, then the dearest, what has no figure last."""
    most = max((one.high_usd_per_month for one in (row.before, row.after) if one), default=0.0)
    return row.before == row.after, bool(row.unknown), -most, row.address


def gate(report: Report) -> model.Gate:
    """Return what the gate says of one environment."""
    return model.Gate(
        environment=report.environment,
        verdict=report.verdict,
        rules=report.rules,
        touched=report.touched,
        passed=report.counts["pass"],
        **{name: sum(map(test, report.results)) for name, test in COUNTED.items()},
    )


def digests(judged: Judged) -> Iterator[str]:
    """Yield the digest of each plan."""
    known = dict(zip(judged.report.stacks, judged.report.digests, strict=True))
    yield from (known.get(plan.stack, "") for plan in judged.plans)


def digest(reports: Iterable[Report]) -> str:
    """Return one digest of all plans."""
    lines = sorted(
        f"{report.environment} {stack} {sum_}"
        for report in reports
        for stack, sum_ in zip(report.stacks, report.digests, strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""
