"""A review as the comment on a pull request: what a reader needs to know in two minutes, first things first.

Everything that comes from a plan stands in a code span, in which Markdown means nothing, GitHub mentions
nobody and links nothing; no such text holds a backtick or a line break (sagewright/review/words.py). What
does not fit into a comment is left out by priority, and said to be. https://github.github.com/gfm/
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sagewright.cost import Amount
from sagewright.gate.report import Verdict
from sagewright.review.model import (
    Access,
    Action,
    Attribute,
    Cost,
    Drift,
    Failure,
    Group,
    Loss,
    Override,
    ResourceChange,
    Review,
    Served,
    StackRow,
    Traffic,
    Value,
    Variant,
    Waiver,
)
from sagewright.review.words import counted
from sagewright.synth import Place

LIMIT = 60_000
"""Characters of a comment. GitHub takes 65,536; the rest is for whoever wraps it."""
ELSEWHERE = "the JSON of this review: `sagewright review --json FILE`"
LONGEST_CELL = 120
MOST_STACKS = 100
NAMED = 5
"""Addresses that are shown where many are alike; the others are folded."""
ARROW = " → "
VERDICTS: Mapping[Verdict, str] = {
    "open": "✅ Plan review: the gate is open",
    "denied": "⛔ Plan review: the gate is closed",
    "error": "⚠️ Plan review: the gate could not judge, and is closed",
}
DONE: Mapping[Action, str] = {
    "add": "added",
    "change": "changed",
    "replace": "replaced",
    "destroy": "destroyed",
    "forget": "dropped from the state",
    "move": "moved",
    "import": "imported",
    "none": "not changed",
}
SPECIAL = re.compile(r"[\\`*_\[\]<>|~&#]")
"""Characters that mean something within a line of Markdown."""
ADDRESS = re.compile(r"https://[^\s<>()`|]+")
NOBODY = "@\N{ZERO WIDTH SPACE}"
"""What GitHub takes for nobody's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of the comment: a heading, what always stands under it, and items that may be left out."""

    title: str
    lead: str = ""
    items: Sequence[str]
    what: str
    """What one item is, to say how many are left out."""
    priority: int
    """Which section gets what room there is first."""
    fold: str = ""
    """What stands on the fold, where the items are folded."""

    def text(self, taken: int, elsewhere: str) -> str:
        """Return the section with its first items, and a note on the others."""
        lines = [f"### {self.title}", ""]
        lines += [self.lead] if self.lead else []
        lines += [""] if self.lead and not self.lead.endswith(">") else []
        lines += [f"<details><summary>{self.fold}</summary>", ""] if self.fold else []
        lines += self.items[:taken]
        lines += ["", "</details>"] if self.fold else []
        if left := len(self.items) - taken:
            lines += ["", f"*{counted(left, self.what)} left out here: see {elsewhere}.*"]
        return "\n".join(lines).rstrip()


def render(review: Review, *, elsewhere: str = ELSEWHERE, limit: int = LIMIT) -> str:
    """Return the comment, with its hidden key in the first line, within `limit` characters.

    `elsewhere` is Markdown that says where the whole review is, for what is left out.
    """
    head = "\n\n".join([key(review), *heading(review), stacks(review.stacks)])
    sections = [section for section in parts(review) if section.items or section.lead]
    room = limit - len(head) - len(closing(elsewhere, ["x" * 40] * len(sections))) - 2
    kept: dict[str, str] = {}
    missing: dict[str, str] = {}
    for section in sorted(sections, key=lambda one: one.priority):
        text, left_out = fitted(section, room, elsewhere)
        kept[section.title] = text
        room -= len(text) + 2
        if left_out:
            missing[section.title] = f"{left_out} of {counted(len(section.items), section.what)}"
    body = [kept[section.title] for section in sections if kept[section.title]]
    left = [missing[section.title] for section in sections if section.title in missing]
    return "\n\n".join([head, *body, *([closing(elsewhere, left)] if left else [])]) + "\n"


def key(review: Review) -> str:
    """Return the hidden first line by which the comment on some environments is found, and replaced.

    A comment is ours when it *begins* with it; no plan can put it anywhere.
    """
    names = sorted({re.sub(r"[^A-Za-z0-9_.]+", "-", gate.environment) for gate in review.gates})
    return f"<!-- sagewright-review: {' '.join(names)} -->"


def parts(review: Review) -> Iterator[Section]:
    """Yield the sections in the order of reading."""
    if review.losses:
        yield Section(
            title="Data loss",
            lead=f"> [!CAUTION]\n> **{counted(len(review.losses), 'stateful resource')} at an end**\n>",
            items=[loss_line(loss) for loss in review.losses],
            what="stateful resource",
            priority=0,
        )
    yield Section(
        title="Traffic",
        items=[traffic_lines(one) for one in review.traffic],
        what="endpoint",
        priority=2,
    )
    known = [access_line(one) for one in review.access if not one.fresh]
    fresh = access_lines([one for one in review.access if one.fresh])
    yield Section(title="Access", items=known, what="change of access", priority=3)
    yield Section(
        title="Access of what is new",
        items=fresh,
        what="resource",
        fold=f"who may do what: {counted(len(fresh), 'resource')}",
        priority=6,
    )
    stopping = [one for one in review.failures if one.denies]
    advice = [one for one in review.failures if not one.denies]
    yield Section(title="Stopped by the policies", items=failure_lines(stopping), what="failure", priority=1)
    yield Section(title="Advice", items=failure_lines(advice), what="piece of advice", priority=5)
    if review.cost:
        yield Section(
            title="Cost per month",
            lead=cost_lead(review.cost),
            items=cost_lines(review.cost),
            what="row",
            priority=7,
        )
    yield Section(
        title="Changes", items=[group_lines(one) for one in review.changes], what="construct", priority=9
    )
    yield Section(
        title="Overrides", items=[override_line(one) for one in review.overrides], what="override", priority=4
    )
    yield Section(
        title="Waivers in use",
        items=[waiver_line(one) for one in review.waivers],
        what="waiver",
        priority=4,
    )
    yield Section(
        title="Drift",
        lead="Changed in AWS outside of Terraform, whatever the plans say of it." if review.drift else "",
        items=[drift_line(one) for one in review.drift],
        what="kind of drift",
        priority=8,
    )


def fitted(section: Section, room: int, elsewhere: str) -> tuple[str, int]:
    """Return as much of a section as there is room for, and how many items are left out."""
    whole = section.text(len(section.items), elsewhere)
    if len(whole) <= room:
        return whole, 0
    size, taken = len(section.text(0, elsewhere)), 0
    for item in section.items:
        size += len(item) + 1
        if size > room:
            break
        taken += 1
    text = section.text(taken, elsewhere)
    return text if len(text) <= room else "", len(section.items) - taken


def closing(elsewhere: str, left: Sequence[str]) -> str:
    """Return the last line: all that is left out."""
    return f"---\n*Left out, for want of room: {', '.join(left)}. It is all in {elsewhere}.*"


def heading(review: Review) -> Iterator[str]:
    """Yield the verdict, what the plans do in one line, and the digest."""
    yield f"## {VERDICTS[review.verdict]}"
    done: dict[str, int] = {
        "added": sum(row.add for row in review.stacks),
        "changed": sum(row.change for row in review.stacks),
        "replaced": sum(row.replace for row in review.stacks),
        "destroyed": sum(row.destroy for row in review.stacks),
        "dropped from the state": sum(row.forget for row in review.stacks),
        "moved": sum(row.move for row in review.stacks),
        "imported": sum(row.imports for row in review.stacks),
    }
    changes = ", ".join(f"{count} {what}" for what, count in done.items() if count) or "no resource changes"
    said = [changes]
    said += [f"**data lost with {counted(len(review.losses), 'resource')}**"] if review.losses else []
    denied = sum(gate.denied for gate in review.gates)
    errors = sum(gate.errors for gate in review.gates)
    said += [f"**{denied} denied**"] if denied else []
    said += [f"**{counted(errors, 'error')}**"] if errors else []
    overridden = sum(gate.overridden for gate in review.gates)
    said += [f"**{overridden} overridden**"] if overridden else []
    advised = sum(gate.advised for gate in review.gates)
    said += [f"{advised} advised"] if advised else []
    said.append(f"{counted(sum(gate.passed for gate in review.gates), 'check')} passed")
    if review.cost:
        said.append(f"{money(review.cost.before, review.cost.after)} per month{unpriced(review.cost)}")
    yield "; ".join(said) + "."
    if review.digest:
        yield f"Digest `{review.digest}`: plans with another one are not those that were reviewed."
    if previews := [row.stack for row in review.stacks if row.preview]:
        names = ", ".join(map(code, previews))
        yield f"Previewed, since what they read is not there yet, and planned once more later: {names}."


def stacks(rows: Sequence[StackRow]) -> str:
    """Return the table of environments and stacks."""
    lines = [
        "| environment | stack | add | change | replace | destroy | policy | cost per month |",
        "|---|---|--:|--:|--:|--:|---|--:|",
    ]
    for row in rows[:MOST_STACKS]:
        other = [(row.forget, "dropped"), (row.move, "moved"), (row.imports, "imported")]
        other += [(row.outputs, "outputs")]
        changed = ", ".join([str(row.change), *(f"{count} {what}" for count, what in other if count)])
        denied = [f"⛔ {row.denied} denied"] if row.denied else []
        errors = [f"⚠️ {counted(row.errors, 'error')}"] if row.errors else []
        counts = [(row.overridden, "overridden"), (row.advised, "advised"), (row.waived, "waived")]
        policy = [*errors, *denied, *(f"{count} {what}" for count, what in counts if count)]
        cost = money(row.before, row.after) if row.before and row.after else "not estimated"
        if row.unpriced and row.before:
            cost += f", {row.unpriced} unknown"
        cells = (
            cell(row.environment),
            cell(row.stack),
            str(row.add),
            changed,
            strong(row.replace),
            strong(row.destroy),
            ", ".join(policy) or "✅",
            cost,
        )
        lines.append(f"| {' | '.join(cells)} |")
    if len(rows) > MOST_STACKS:
        lines += ["", f"*and {counted(len(rows) - MOST_STACKS, 'stack')} more.*"]
    return "\n".join(lines)


def loss_line(loss: Loss) -> str:
    """Return one loss, within the box."""
    named = f"{code(loss.name)} " if loss.name else ""
    why = f": {prose(loss.why)}" if loss.why else ""
    denied = " **The gate denies it.**" if loss.denied else ""
    where = f"({code(loss.address)} in {code(loss.stack)}{at(loss.place)})"
    means = f"*What that means:* {prose(loss.means)}."
    return f"> - **{DONE[loss.action]}** {named}{where}{why}. {means}{denied}"


def traffic_lines(traffic: Traffic) -> str:
    """Return what changes at one endpoint, with a table of its variants."""
    said = [
        f"**{code(traffic.endpoint)}** in {code(traffic.stack)}{at(traffic.place)} is {DONE[traffic.action]}"
    ]
    if traffic.action == "none":
        said = [f"**{code(traffic.endpoint)}** in {code(traffic.stack)}{at(traffic.place)}"]
    if traffic.moved_percent:
        said.append(f"**{traffic.moved_percent:g} % of the traffic moves**")
    said += [prose(traffic.rollout)] if traffic.rollout else []
    said += [f"not all can be told: {code(traffic.unknown)}"] if traffic.unknown else []
    lines = [
        "; ".join(said) + ".",
        "",
        "| variant | traffic | runs on | model | approval and metrics |",
        "|---|---|---|---|---|",
    ]
    for variant in traffic.variants:
        name = cell(variant.name) + (" (shadow)" if variant.shadow else "")
        before, after = variant.before, variant.after
        cells = [
            both(tell(before) if before else None, tell(after) if after else None)
            for tell in (share, runs_on, models, standing)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def share(variant: Variant) -> str:
    """Return a variant's share of the traffic."""
    return "?" if variant.share_percent is None else f"{variant.share_percent:g} %"


def runs_on(variant: Variant) -> str:
    """Return what a variant runs on."""
    return cell(variant.capacity)


def models(variant: Variant) -> str:
    """Return what a variant serves, by short names."""
    return ", ".join(cell(short(one)) for one in variant.served) or "?"


def standing(variant: Variant) -> str:
    """Return what the registry says of the versions that a variant serves."""
    said = []
    for one in variant.served:
        told = [f"{name} {value}" for name, value in one.metrics.items()]
        if one.approval:
            said.append(", ".join(map(cell, [one.approval, *told])))
    return "; ".join(said) or "-"


def short(served: Served) -> str:
    """Return the telling end of an ARN, an image or an address: `churn/3`, `churn@sha256:9681dfccefa9`."""
    if served.kind == "version":
        return served.name.partition(":model-package/")[2] or served.name
    if served.kind == "image":
        return re.sub(r"(sha256:[0-9a-f]{12})[0-9a-f]+$", r"\1", served.name.rpartition("/")[2])
    return served.name


def both(before: str | None, after: str | None) -> str:
    """Return a cell with both sides, or with one where they are alike."""
    if before == after:
        return before or "-"
    return f"{before or 'none'}{ARROW}{f'**{after}**' if after else 'none'}"


def access_line(access: Access) -> str:
    """Return one change of access."""
    where = f"{code(access.address)} in {code(access.stack)}{at(access.place)}"
    return f"- **{access.direction}** ({access.area}): {prose(access.subject)}: {prose(access.said)}; {where}"


def access_lines(changes: Sequence[Access]) -> list[str]:
    """Return all that somebody or something new may do as one line each."""
    groups: dict[tuple[str, str], list[Access]] = {}
    for one in changes:
        groups.setdefault((one.stack, one.subject), []).append(one)
    return [
        f"- {prose(subject)} in {code(stack)}: {'; '.join(prose(one.said) for one in group)}"
        for (stack, subject), group in groups.items()
    ]


def failure_lines(failures: Sequence[Failure]) -> list[str]:
    """Return failures, those of one rule together."""
    groups: dict[tuple[str, ...], list[Failure]] = {}
    for one in failures:
        alike = one.rule, one.state, one.title, str(one.touched)
        groups.setdefault(alike, []).append(one)
    return [failure_line(group) for group in groups.values()]


def failure_line(failures: Sequence[Failure]) -> str:
    """Return what one rule says of some resources: what is wrong, where, and what to do."""
    first = failures[0]
    state = {"fail": "", "unknown": ", not known yet", "error": ", error"}[first.state]
    unchanged = "" if first.touched else ", not changed by this plan"
    lines = [f"- **{code(first.rule)}** {escaped(first.title)} ({first.severity}{state}{unchanged})"]
    lines += [f"  - {wrong(one)}" for one in failures[:NAMED]]
    if len(failures) > NAMED:
        rest = "<br>".join(f"{html_code(one.address)} in {html_code(one.stack)}" for one in failures[NAMED:])
        summary = f"and {len(failures) - NAMED} more"
        lines.append(f"  - <details><summary>{summary}</summary>{rest}</details>")
    lines.append(f"  - to mend it: {escaped(first.remedy)}")
    return "\n".join(lines)


def wrong(failure: Failure) -> str:
    """Return what is wrong with one resource, and where it is."""
    where = f"{code(failure.address)} in {code(failure.stack)}{at(failure.place)}" if failure.address else ""
    return ": ".join(filter(None, (where, code(failure.message) if failure.message else ""))) or "the plans"


def cost_lead(cost: Cost) -> str:
    """Return the sums, where the prices are from, and a banner where they are old."""
    banner = "> [!WARNING]\n> The prices are old.\n\n" if cost.stale else ""
    sources = ", ".join(link(str(number), one) for number, one in enumerate(cost.source.split(", "), start=1))
    prices = f"Prices of {escaped(cost.price_date)}, from {sources}."
    return f"{banner}{money(cost.before, cost.after)}{unpriced(cost)}. {prices}"


def unpriced(cost: Cost) -> str:
    """Return how much a sum leaves out."""
    if not cost.unknown:
        return ""
    return f", without {counted(cost.unknown, 'resource')} of which the cost is not known"


def cost_lines(cost: Cost) -> list[str]:
    """Return the rows that change."""
    rows = [row for row in cost.rows if row.before != row.after]
    lines = []
    for row in rows:
        sums = f"{dollars(row.before)}{ARROW}{dollars(row.after)}"
        if row.unknown:
            sums = f"not known: {code(row.unknown)}"
        during = f", {dollars(row.during)} while both fleets run" if row.during else ""
        lines.append(f"- {code(row.what)} {code(row.address)} in {code(row.stack)}: {sums}{during}")
    return lines


def group_lines(group: Group) -> str:
    """Return a construct's changes: folded, unless one line says them all."""
    first = group.changes[0]
    if len(group.changes) == 1 and not first.attributes:
        return f"- {change_lines(first, group.stack)}"
    counts: dict[str, int] = {}
    for change in group.changes:
        counts[DONE[change.action]] = counts.get(DONE[change.action], 0) + 1
    said = ", ".join(f"{count} {what}" for what, count in counts.items())
    within = "" if group.construct.startswith(f"{group.stack}/") else f" in {html_code(group.stack)}"
    start = f"<details><summary>{html_code(group.construct)}{within}: {said}</summary>"
    return "\n\n".join(["\n" + start, *(change_lines(change) for change in group.changes), "</details>\n"])


def change_lines(change: ResourceChange, stack: str = "") -> str:
    """Return what happens to one resource, with a table of its attributes."""
    line = f" ({code(change.line)})" if change.line else ""
    moved = f" from {code(change.previous_address)}" if change.previous_address else ""
    why = f": {prose(change.why)}" if change.why else ""
    where = f" in {code(stack)}" if stack else ""
    said = f"**{DONE[change.action]}** {code(change.address)}{where}{line}{moved}{why}"
    if not change.attributes:
        return said
    if change.action == "add":
        rows = ["| attribute | value |", "|---|---|"]
        rows += [f"| {cell(one.path)} | {shown(one.after)} |" for one in change.attributes]
    else:
        rows = ["| attribute | before | after |", "|---|---|---|"]
        rows += [attribute_row(one) for one in change.attributes]
    return "\n".join([said, "", *rows])


def attribute_row(attribute: Attribute) -> str:
    """Return one attribute, before and after."""
    forces = " **forces replacement**" if attribute.forces else ""
    return f"| {cell(attribute.path)}{forces} | {shown(attribute.before)} | {shown(attribute.after)} |"


def shown(value: Value) -> str:
    """Return one side of an attribute: a value as code, everything else in words."""
    if value.nature == "value":
        return cell(value.text)
    return "*not set*" if value.nature == "absent" else f"*{cell(value.text)}*"


def override_line(override: Override) -> str:
    """Return one override."""
    where = f"{code(override.address)} in {code(override.stack)}{at(override.place)}"
    return (
        f"- **{code(override.rule)}** ({override.severity}) for {where}, {code(override.message)}: opened by "
        f"{code(override.group)} ({code(override.approver)}), since {code(override.reason)}"
    )


def waiver_line(waiver: Waiver) -> str:
    """Return one waiver."""
    where = f"{code(waiver.address)} in {code(waiver.stack)}{at(waiver.place)}"
    ticket = f", {code(waiver.ticket)}" if waiver.ticket else ""
    written = f", in {code(waiver.written)}" if waiver.written else ""
    ends = f"until {waiver.expires}, {counted(waiver.days_left, 'day')} left" if waiver.expires else "no end"
    return (
        f"- **{code(waiver.rule)}** ({waiver.severity}) for {where}: {code(waiver.reason)} "
        f"({code(waiver.owner)}{ticket}{written}; {escaped(ends)})"
    )


def drift_line(drift: Drift) -> str:
    """Return one kind of drift."""
    what = f": {', '.join(map(code, drift.attributes))}" if drift.attributes else ""
    names = ", ".join(map(code, drift.addresses[:NAMED]))
    more = f" and {len(drift.addresses) - NAMED} more" if len(drift.addresses) > NAMED else ""
    count = len(drift.addresses)
    return f"- {count} of {code(drift.type)} in {code(drift.stack)} {drift.action}{what} ({names}{more})"


def money(before: Amount | None, after: Amount | None) -> str:
    """Return a cost before and after, and by how much it differs."""
    if before is None or after is None:
        return "not known"
    if before == after:
        return dollars(before)
    low = after.low_usd_per_month - before.low_usd_per_month
    high = after.high_usd_per_month - before.high_usd_per_month
    by = f"{low:+,.0f}" if round(low) == round(high) else f"{low:+,.0f} to {high:+,.0f}"
    return f"{dollars(before)}{ARROW}**{dollars(after)}** ({by})"


def dollars(amount: Amount | None) -> str:
    """Return an amount, or its range."""
    if amount is None:
        return "not known"
    low, high = (f"{one:,.0f}" for one in (amount.low_usd_per_month, amount.high_usd_per_month))
    return f"${low}" if low == high else f"${low} to ${high}"


def at(place: Place) -> str:
    """Return where in Python something is made, if that is known."""
    return f" at {code(place.line)}" if place.line else ""


def link(text: str, address: str) -> str:
    """Return a link to where prices are from; what is no plain address stands as it is."""
    return f"[{text}]({address})" if ADDRESS.fullmatch(address) else code(address)


def strong(count: int) -> str:
    """Return a number that must not be overlooked."""
    return f"**{count}**" if count else "0"


def prose(words: str) -> str:
    """Return a sentence with its values as code."""
    parts = words.split("`")
    return "".join(code(part) if number % 2 else escaped(part) for number, part in enumerate(parts))


def code(text: str) -> str:
    """Return a text of a plan as a code span; nothing in it can end the span or open a comment."""
    harmless = text.replace("`", "'").replace("<!--", "<! --")
    return f"`{harmless or ' '}`"


def cell(text: str) -> str:
    """Return a text of a plan for a table, where even a code span ends at a pipe."""
    cut = text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
    return code(cut.replace("|", "¦"))


def html_code(text: str) -> str:
    """Return a text of a plan where Markdown is not read: in the summary of a fold."""
    return f"<code>{html.escape(text)}</code>"


def escaped(text: str) -> str:
    """Return a text of the catalogue or of ours, in which nothing means anything to Markdown."""
    plain = SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text.replace("\n", " "))
    return plain.replace("@", NOBODY)
