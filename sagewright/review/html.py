"""A review as one HTML file: what the comment says, and all that it leaves out, to search and to filter.

The file asks nothing of anybody: its style and its script are in it, and its Content-Security-Policy allows
these two by their hashes and nothing else. Whatever comes from a plan is text: Jinja escapes it.
https://www.w3.org/TR/CSP3/ https://jinja.palletsprojects.com/en/stable/api/#autoescaping
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from sagewright.cost import Amount
from sagewright.gate.report import SEVERITIES
from sagewright.review.build import URGENCY
from sagewright.review.markdown import DONE, VERDICTS, dollars, share, short, unpriced
from sagewright.review.model import Access, Action, Failure, Group, Review
from sagewright.review.picture import HEIGHT, WIDTH, Box, picture
from sagewright.review.words import counted

FOLDER = Path(__file__).parent / "page"
"""The template, the style and the script."""
SIGNS: Mapping[Action, str] = {
    "add": "+",
    "change": "~",
    "replace": "±",
    "destroy": "\N{MINUS SIGN}",
    "forget": "\N{EMPTY SET}",
    "move": "→",
    "import": "↓",
}
"""What stands in a box, for those to whom colours say nothing."""
SMALLEST = 0.7
"""To what share of its size a picture shrinks to fit into the window; then it is scrolled."""
NAMED = 8
"""Resources that the title of a box names; it counts the others."""


def page(review: Review) -> str:
    """Return the file; the same review gives the same bytes."""
    drawn = picture(review.nodes, review.edges)
    style, script = (Markup((FOLDER / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    rows = review.cost.rows if review.cost else ()
    style += f"svg {{ min-width: {round(drawn.width * SMALLEST)}px; max-width: {drawn.width}px; }}\n"
    return template().render(
        review=review,
        style=style,
        script=script,
        policy=f"default-src 'none'; script-src '{sha256(script)}'; style-src '{sha256(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        verdict=VERDICTS[review.verdict].partition(" ")[2],
        marks=Marks(review),
        picture=drawn,
        stopping=alike(one for one in review.failures if one.denies),
        advice=alike(one for one in review.failures if not one.denies),
        priced=[row for row in rows if row.before != row.after],
        unchanged=[row for row in rows if row.before == row.after],
        fresh=by_subject(one for one in review.access if one.fresh),
        total=sum(gate.passed for gate in review.gates),
    )


@cache
def template() -> Template:
    """Return the template, with all that it may call."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(DONE=DONE, SIGNS=SIGNS, WIDTH=WIDTH, HEIGHT=HEIGHT)
    filters = (actions, by, counted, dollars, prose, said, share, short, title, unpriced)
    environment.filters.update({one.__name__: one for one in filters})
    return environment.get_template("page.html.jinja")


class Marks:
    """What the filters go by: of every resource its stack, action, type, and how severe its failures are.

    Stacks and types are numbered, so that their names are text alone.
    """

    def __init__(self, review: Review) -> None:
        changes = [(group.stack, change) for group in review.changes for change in group.changes]
        self._types = {(node.stack, node.address): node.type for node in review.nodes}
        self._actions = {(node.stack, node.address): str(node.action) for node in review.nodes}
        for stack, change in changes:
            self._types[stack, change.address] = change.type
            self._actions[stack, change.address] = change.action
        for one in review.drift:
            self._types.update({(one.stack, address): one.type for address in one.addresses})
        self._severities: dict[tuple[str, str], set[str]] = {}
        for failure in review.failures:
            self._severities.setdefault((failure.stack, failure.address), set()).add(failure.severity)
        self.stacks = {
            name: number for number, name in enumerate(sorted({row.stack for row in review.stacks}))
        }
        shown = {(stack, change.address) for stack, change in changes} | self._severities.keys()
        names = {self._types[key] for key in shown if key in self._types}
        self.types = {name: number for number, name in enumerate(sorted(names))}
        present = set(self._actions.values())
        self.actions = [action for action in URGENCY if action in present]
        found = set().union(*self._severities.values())
        self.severities = [severity for severity in SEVERITIES if severity in found]
        self.changes = len(changes)
        self._anchors: dict[tuple[str, str], str] = {}
        for number, (stack, change) in enumerate(changes):  # a left-over object has the same address
            self._anchors.setdefault((stack, change.address), f"c{number}")

    def of(self, stack: str, addresses: str | Sequence[str], severity: str = "") -> Markup:
        """Return the attributes of an entry that is about some resources of a stack: no text of a plan."""
        keys = [(stack, one) for one in ([addresses] if isinstance(addresses, str) else addresses)]
        severities = {severity} if severity else set().union(*(self._severities.get(one, ()) for one in keys))
        types = {str(self.types.get(self._types.get(one, ""), "")) for one in keys}
        actions = {self._actions.get(one, "none") for one in keys}
        told = {
            "stack": str(self.stacks.get(stack, "")),
            "action": " ".join(sorted(actions)),
            "type": " ".join(sorted(types)),
            "severity": " ".join(sorted(severities)),
        }
        return Markup("".join(f' data-{name}="{value}"' for name, value in told.items()))

    def of_box(self, box: Box) -> Markup:
        """Return the attributes of a box of the picture, with the changes that it stands for and leads to."""
        addresses = [one.address for one in box.members]
        found = [self._anchors[box.stack, one] for one in addresses if (box.stack, one) in self._anchors]
        link = f' href="#{found[0]}"' if found else ""
        return Markup(f'{self.of(box.stack, addresses)} data-changes="{" ".join(found)}"{link}')


def sha256(text: str) -> str:
    """Return how a Content-Security-Policy names an inline style or script."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def prose(words: str) -> Markup:
    """Return a sentence with its values as code."""
    parts = [
        Markup(f"<code>{escape(part)}</code>") if number % 2 else escape(part)
        for number, part in enumerate(words.split("`"))
    ]
    return Markup("").join(parts)


def alike(failures: Iterable[Failure]) -> list[list[Failure]]:
    """Put the failures of one rule together."""
    groups: dict[tuple[str, ...], list[Failure]] = {}
    for one in failures:
        groups.setdefault((one.rule, one.state, one.title, str(one.touched)), []).append(one)
    return list(groups.values())


def by_subject(changes: Iterable[Access]) -> list[list[Access]]:
    """Put all together that somebody new may do."""
    groups: dict[tuple[str, str], list[Access]] = {}
    for one in changes:
        groups.setdefault((one.stack, one.subject), []).append(one)
    return list(groups.values())


def actions(group: Group) -> list[Action]:
    """Return what happens to a construct, each once."""
    return list(dict.fromkeys(change.action for change in group.changes))


def said(group: Group) -> str:
    """Return what happens to the resources of a construct."""
    counts: dict[str, int] = {}
    for change in group.changes:
        counts[DONE[change.action]] = counts.get(DONE[change.action], 0) + 1
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def title(box: Box) -> str:
    """Return all that a box stands for, as far as a reader takes it in."""
    named = [f"{one.address}: {DONE[one.action]}" for one in box.members[:NAMED]]
    more = len(box.members) - NAMED
    return "\n".join([box.stack, *named, *([f"and {more} more"] if more > 0 else [])])


def by(after: Amount, before: Amount) -> str:
    """Return by how much a cost differs."""
    low = after.low_usd_per_month - before.low_usd_per_month
    high = after.high_usd_per_month - before.high_usd_per_month
    return f"{low:+,.0f}" if round(low) == round(high) else f"{low:+,.0f} to {high:+,.0f}"
