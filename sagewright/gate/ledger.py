"""The ledger: which results must be there, counted from the plans and the catalogue alone.

What runs the rules cannot vouch for itself: checkov ends well with a check that raised, was not found, or
skipped a resource. So every rule is owed one result for every resource that it is for, and each one that
did not come is an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from policies.plan.model import Change, Configured, Resource
from sagewright.gate.catalog import Rule
from sagewright.gate.plan import Plan


class Entry(NamedTuple):
    """One result that is owed."""

    rule: str
    stack: str
    address: str
    deposed: str


def subjects(rule: Rule, plan: Plan) -> Sequence[Resource | Change | Configured]:
    """Return what a rule is to be asked about in a plan."""
    everything: Sequence[Resource | Change | Configured] = plan.resources
    if rule.subject != "resource":
        everything = plan.changes if rule.subject == "change" else plan.configured
    types = {type_ for type_ in {one.type for one in everything} if rule.is_for(type_)}
    return [
        one
        for one in everything
        if one.type in types
        and not (rule.taggable and isinstance(one, Resource) and "tags_all" not in one.values)
    ]


def entry(rule: Rule, subject: Resource | Change | Configured) -> Entry:
    """Return the ledger's entry for a rule and a subject."""
    deposed = subject.deposed if isinstance(subject, Change) else ""
    return Entry(rule.id, subject.stack, subject.address, deposed)


def owed(rules: Iterable[Rule], plans: Iterable[Plan]) -> set[Entry]:
    """Return every result that must come."""
    plans = list(plans)
    return {entry(rule, subject) for rule in rules for plan in plans for subject in subjects(rule, plan)}


def missing(owed: set[Entry], got: Iterable[Entry]) -> dict[tuple[str, str], list[str]]:
    """Return the addresses without a result, by rule and stack."""
    absent: dict[tuple[str, str], list[str]] = defaultdict(list)
    for rule, stack, address, _ in sorted(owed - set(got)):
        absent[rule, stack].append(address)
    return dict(absent)
