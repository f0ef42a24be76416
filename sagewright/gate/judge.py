"""The gate itself: plans in, a report out; what cannot be judged closes it."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.plan.model import Change, Configured, Planned, Registry, Resource
from sagewright.gate import checks, ledger, rules
from sagewright.gate.catalog import (
    Catalog,
    NotedWaiver,
    PolicyError,
    Rule,
    Waiver,
    noted_waivers,
    read_catalog,
    read_waivers,
)
from sagewright.gate.checks import CheckError, Verdict
from sagewright.gate.identity import identity
from sagewright.gate.plan import Plan, PlanError, PlanInput, Show, read
from sagewright.gate.redaction import Redactor
from sagewright.gate.report import GATE, Mode, Override, Report, Result, rank
from sagewright.synth import Place

if TYPE_CHECKING:
    from sagewright.environment import Environment

Subject = Resource | Change | Configured
LONGEST = 300
"""Characters of a finding that are shown; cut after redaction."""
LONGEST_ERROR = 3000
"""Characters of an error that are shown: one may list all that is wrong in a file."""


class Judgement:
    """One run of the gate: collects results and errors, and says nothing that is secret."""

    def __init__(self, environment: Environment, key: bytes, overrides: Sequence[Override]) -> None:
        self.environment = environment
        self.key = key
        self.overrides = {override.rule: override for override in overrides}
        self.results: list[Result] = []
        self.redactor = Redactor()

    def error(self, title: str, message: str, remedy: str, stack: str = "", address: str = "") -> None:
        """Record what keeps the gate from judging."""
        self.results.append(
            Result(
                rule=GATE,
                title=title,
                severity="critical",
                state="error",
                mode="deny",
                stack=stack,
                address=address,
                message=message,
                remedy=remedy,
                touched=True,
            )
        )

    def record(
        self, rule: Rule, subject: Subject, verdict: Verdict, waiver: Waiver | None, place: str
    ) -> None:
        """Record what a rule says of a resource, which is made at a place in Python."""
        failing = verdict.state in ("fail", "unknown")
        waiver = waiver if failing else None
        override = self.overrides.get(rule.id) if failing and rule.overridable and not waiver else None
        self.results.append(
            Result(
                rule=rule.id,
                title=rule.title,
                severity=rule.severity,
                state="waived" if waiver else verdict.state,
                mode=self.mode(rule, verdict),
                stack=subject.stack,
                address=subject.address,
                message=verdict.message,
                remedy="" if verdict.state == "pass" else rule.mend,
                touched=subject.touched,
                waiver=f"{waiver.reason} ({waiver.owner}, until {waiver.expires})" if waiver else "",
                ticket=waiver.ticket if waiver else "",
                waived_in=waiver.written if waiver else "",
                place="" if verdict.state == "pass" else place,
                override=str(override or ""),
            )
        )

    def mode(self, rule: Rule, verdict: Verdict) -> Mode:
        """Return what a result does: an unknown value denies where it matters, and advises elsewhere."""
        if self.environment.guarded:
            return rule.mode
        return "advise" if verdict.state == "unknown" else rule.elsewhere or rule.mode

    def report(self, plans: Sequence[Plan], applied: int) -> Report:
        """Return the report, sorted and redacted."""
        return Report(
            environment=self.environment.name,
            stacks=tuple(plain(plan.stack) for plan in plans),
            digests=tuple(identity(plan.document, self.key) for plan in plans),
            results=tuple(sorted(map(self.redacted, self.results), key=rank)),
            touched=sum(change.touched for plan in plans for change in plan.changes),
            rules=applied,
            overrides=tuple(
                dataclasses.replace(override, reason=plain(self.redactor.hide(override.reason)))
                for override in self.overrides.values()
            ),
        )

    def redacted(self, result: Result) -> Result:
        """Return a result with every secret hidden, then cut to a readable length, in plain characters."""
        message = self.redactor.hide(result.message)
        longest = LONGEST_ERROR
        if result.state != "error":
            message, longest = " ".join(message.splitlines()), LONGEST
        if len(message) > longest:
            message = f"{message[:longest]}…"
        return dataclasses.replace(
            result,
            message=plain(message),
            address=plain(self.redactor.hide(result.address)),
            stack=plain(result.stack),
            waiver=plain(self.redactor.hide(result.waiver)),
            ticket=plain(result.ticket),
            waived_in=plain(result.waived_in),
            place=plain(result.place),
            override=plain(self.redactor.hide(result.override)),
        )


def plain(text: str) -> str:
    """Return a text with control and direction characters written out, so that it cannot forge others."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def judge(
    sources: Sequence[PlanInput],
    environment: Environment,
    policies: Path,
    today: datetime.date,
    show: Show,
    key: bytes,
    registry: Registry,
    overrides: Sequence[Override],
) -> Report:
    """Judge an environment's plans by the rules of a policies folder; `key` is for their digests."""
    judgement = Judgement(environment, key, overrides)
    plans = list(read_plans(judgement, sources, show))
    try:
        catalog = read_catalog(policies)
        waivers = [
            *read_waivers(policies, catalog),
            *(
                noted
                for plan in plans
                for noted in noted_waivers(plan.waivers, plan.stack, environment.name, catalog)
            ),
        ]
    except PolicyError as error:
        judgement.error("the policies can be read", str(error), "mend the file")
        return judgement.report(plans, 0)
    check_overrides(judgement, catalog)
    applying = [rule for rule in catalog.rules if rule.applies(environment.production, environment.protected)]
    waiving = [waiver for waiver in waivers if environment.name in waiver.environments]
    verdicts = list(ask_all(judgement, catalog, applying, plans, policies, registry))
    made = {plan.stack: plan for plan in plans}
    for rule, subject, verdict in verdicts:
        place = made[subject.stack].place(subject.address)
        waiver = in_force(waiving, rule, subject, place, today)
        judgement.record(rule, subject, verdict, waiver, place.line)
    check_ledger(judgement, applying, plans, verdicts)
    check_waivers(judgement, waiving, verdicts, applying, plans, today)
    return judgement.report(plans, len(applying))


def read_plans(judgement: Judgement, sources: Sequence[PlanInput], show: Show) -> Iterator[Plan]:
    """Yield the plans that can be judged, and record why others cannot."""
    title = "the plan can be judged"
    if not sources:
        judgement.error(title, "there is no plan", "supply at least one plan")
    seen: set[str] = set()
    for source in sources:
        try:
            plan = read(source, judgement.environment, show)
            judgement.redactor.learn(plan.document)
        except PlanError as error:
            judgement.error(title, f"{source.path}: {error}", error.remedy, source.stack or "")
            continue
        except (Exception, SystemExit) as error:
            message = f"{source.path}: is not laid out as a plan: {type(error).__name__}: {error}"
            judgement.error(
                title, message, "make its JSON again: terraform show -json PLAN", source.stack or ""
            )
            continue
        if plan.stack in seen:
            message = f"{source.path}: is a second plan of stack {plan.stack}"
            judgement.error(title, message, "supply one plan for each stack", plan.stack)
            continue
        seen.add(plan.stack)
        yield plan


def ask_all(
    judgement: Judgement,
    catalog: Catalog,
    applying: Sequence[Rule],
    plans: Sequence[Plan],
    policies: Path,
    registry: Registry,
) -> Iterator[tuple[Rule, Subject, Verdict]]:
    """Yield what every rule says of every subject; record the rules that cannot be asked."""
    found: dict[str, dict[str, Any]] = {"checkov": {}, "plan": {}, "builtin": {}}
    try:
        with checks.LOCK, checks.quiet():
            found["builtin"] = checks.builtin_checks(rule.id for rule in catalog.rules)
            found["checkov"] = checks.own_checks(policies)
        found["plan"] = rules.own_rules(policies)
    except CheckError as error:
        judgement.error("every rule can be asked", str(error), "mend the policies")
    check_rules(judgement, catalog, found)
    planned = Planned(
        tuple(resource for plan in plans for resource in plan.resources),
        tuple(change for plan in plans for change in plan.changes),
        frozenset(key for plan in plans for key in plan.aws_keys),
        registry,
        judgement.environment.limits,
    )
    asked = [
        (rule, found[rule.kind][rule.id])
        for rule in applying
        if rule.kind != "plan" and rule.id in found[rule.kind]
    ]
    for plan in plans:
        try:
            yield from checks.run(plan, asked)
        except (Exception, SystemExit) as error:
            message = f"checkov failed: {type(error).__name__}: {error}"
            judgement.error("every rule can be asked", message, "report it, with the plan", plan.stack)
        for rule in applying:
            if function := found["plan"].get(rule.id):
                for subject in ledger.subjects(rule, plan):
                    yield rule, subject, rules.ask(function, subject, planned)


def check_rules(judgement: Judgement, catalog: Catalog, found: dict[str, dict[str, Any]]) -> None:
    """Record rules without code, code without a rule, and checks that are not for the types of their rule."""
    title = "every rule can be asked"
    for rule in catalog.rules:
        check = found[rule.kind].get(rule.id)
        if check is None:
            where = "checkov has" if rule.kind == "builtin" else f"policies/{rule.kind} has"
            judgement.error(title, f"{where} no {rule.id}", "mend the id in catalog.yaml, or write the rule")
        elif not set(rule.types) <= supported(check, rule):
            message = f"{rule.id} is not for {', '.join(sorted(set(rule.types) - supported(check, rule)))}"
            judgement.error(title, message, "mend the types in catalog.yaml")
    known = {rule.id for rule in catalog.rules}
    for kind in ("checkov", "plan"):
        for id_ in sorted(set(found[kind]) - known):
            judgement.error(
                title, f"policies/{kind} has {id_}, catalog.yaml has not", "add it to catalog.yaml"
            )


def supported(check: Any, rule: Rule) -> set[str]:
    """Return the types that a check can be asked about; a plan rule leaves that to the catalogue."""
    if rule.kind == "plan":
        return set(rule.types)
    types = getattr(check, "supported_entities", None)
    return set(types if types is not None else check.resource_types)


def in_force(
    waivers: Sequence[Waiver], rule: Rule, subject: Subject, place: Place, today: datetime.date
) -> Waiver | None:
    """Return the waiver that covers a result today, if any."""
    covering = (waiver for waiver in waivers if waiver.covers(rule.id, subject, place.construct))
    return next((waiver for waiver in covering if waiver.expires >= today), None)


def check_overrides(judgement: Judgement, catalog: Catalog) -> None:
    """Record overrides of rules that there are not, or that nobody may override."""
    overridable = {rule.id for rule in catalog.rules if rule.overridable}
    for rule in judgement.overrides:
        if rule not in overridable:
            judgement.error(
                "every override is of a rule that may be overridden",
                f"{rule} may not be overridden",
                f"mend what it denies; these may be: {', '.join(sorted(overridable))}",
            )


def check_ledger(
    judgement: Judgement,
    applying: Sequence[Rule],
    plans: Sequence[Plan],
    verdicts: Sequence[tuple[Rule, Subject, Verdict]],
) -> None:
    """Record every result that is owed and did not come, and every one that came twice."""
    got = [ledger.entry(rule, subject) for rule, subject, _ in verdicts]
    for (rule, stack), addresses in ledger.missing(ledger.owed(applying, plans), got).items():
        shown = ", ".join(addresses[:3]) + (f" and {len(addresses) - 3} more" if len(addresses) > 3 else "")
        judgement.error(
            "every rule gives a result for every resource that it is for",
            f"{rule} gave none for {shown}",
            "mend the rule; the gate stays closed until every result is there",
            stack,
            addresses[0],
        )
    for entry, count in Counter(got).items():
        if count > 1:
            judgement.error(
                "every rule gives one result",
                f"{entry.rule} gave {count} for {entry.address}",
                "mend the rule",
                entry.stack,
                entry.address,
            )


def check_waivers(
    judgement: Judgement,
    waivers: Sequence[Waiver],
    verdicts: Sequence[tuple[Rule, Subject, Verdict]],
    applying: Sequence[Rule],
    plans: Sequence[Plan],
    today: datetime.date,
) -> None:
    """Record waivers that are over, and waivers that nothing needs.

    Code is the same for all environments: where a rule is not for this one, its waivers there are left alone.
    """
    title = "every waiver is in force and needed"
    made = {plan.stack: plan for plan in plans}
    failing = [
        (rule.id, subject, made[subject.stack].place(subject.address).construct)
        for rule, subject, verdict in verdicts
        if verdict.state != "pass"
    ]
    applied = {rule.id for rule in applying}
    for waiver in waivers:
        if waiver.expires < today:
            message = f"the waiver {waiver} of {waiver.owner} ended on {waiver.expires}"
            remedy = f"mend what it excused, or renew it in {waiver.written} with a reason"
        elif (
            waiver.stack_in(set(made) - leaving(waiver, plans))
            and (waiver.rule in applied or not isinstance(waiver, NotedWaiver))
            and not any(waiver.covers(*one) for one in failing)
        ):
            message = f"the waiver {waiver} of {waiver.owner} covers nothing in these plans"
            remedy = f"take it out of {waiver.written}, or mend it"
        else:
            continue
        judgement.error(title, message, remedy, address=waiver.address)


def leaving(waiver: Waiver, plans: Sequence[Plan]) -> set[str]:
    """Return the stacks in which a plan ends what a waiver is for: it is taken out after that, not before."""
    return {
        plan.stack
        for plan in plans
        for change in plan.changes
        if change.removes and waiver.names(change.address, plan.place(change.address).construct)
    }
