"""Policies compared by what they grant, not by how they are written, in words.

Each is taken apart into single grants of one action on one resource to one principal, and what both sides
have, or what a wider grant of the other side covers, is no change.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

from policies.plan.documents import listed, policy
from sagewright.review.model import Area, Direction, Words
from sagewright.review.words import Teller

MEMBERS = ("Principal", "Action", "Resource")
NOT = "all but"
"""First part of a member that names what it does not mean: `NotAction` and the like."""
MOST = 20_000
"""Grants of one policy that are compared; who writes more of them is referred to the changes."""
Member = tuple[str, ...]
Test = tuple[str, frozenset[str]]
"""Operator with key, and the values of which one must hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """One action on one resource for one principal, as far as a policy tells them apart."""

    allow: bool
    principal: Member
    action: Member
    resource: Member
    conditions: frozenset[Test]

    @property
    def wide(self) -> bool:
        """Whether it may hold more than it names."""
        return (
            "*" in f"{self.principal}{self.action}{self.resource}" or "?" in f"{self.action}{self.resource}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Grants that are told together."""

    allow: bool
    principals: tuple[Member, ...]
    actions: tuple[Member, ...]
    resources: tuple[Member, ...]
    conditions: tuple[Test, ...]


def has_statements(value: Any) -> bool:
    """Tell whether a value is a policy."""
    return isinstance(value, str) and '"Statement"' in value and policy(value) is not None


def compared(before: Any, after: Any, where: Area, teller: Teller) -> Iterator[tuple[Direction, Words]]:
    """Yield what a policy grants that another did not, and the other way round."""
    if max(size(before), size(after)) > MOST:
        yield "changed", "it grants too much to be told in words"
        return
    old, new = set(grants(before)), set(grants(after))
    kept = [one for one in old & new if one.wide]
    gone, come = uncovered(old - new, kept), uncovered(new - old, kept)
    earlier, later = {bare(one): one for one in gone}, {bare(one): one for one in come}
    both = earlier.keys() & later.keys()
    ties = {one: (earlier[one].conditions, later[one].conditions) for one in both}
    for tests_before, tests_after in sorted(set(ties.values()), key=str):
        tied = [one for one, tests_ in ties.items() if tests_ == (tests_before, tests_after)]
        for group in grouped(tied):
            yield conditioned(group, tests_before, tests_after, where, teller)
    wide_before, wide_after = [one for one in old if one.wide], [one for one in new if one.wide]
    gone = uncovered({one for one in gone if bare(one) not in both}, wide_after)
    come = uncovered({one for one in come if bare(one) not in both}, wide_before)
    for group in grouped(come):
        if group.allow:
            yield "widened", told(group, "may now", where, teller)
        else:
            yield "narrowed", told(group, "is now denied", where, teller)
    for group in grouped(gone):
        if group.allow:
            yield "narrowed", told(group, "may no longer", where, teller)
        else:
            yield "widened", told(group, "is no longer denied", where, teller)


def statements(text: Any) -> list[Mapping[str, Any]]:
    """Return the statements of a policy; what is none has none."""
    document = policy(text) if isinstance(text, str) else None
    return listed((document or {}).get("Statement"))


def size(text: Any) -> int:
    """Return how many single grants a policy has."""
    return sum(math.prod(len(members(one, name)) for name in MEMBERS) for one in statements(text))


def grants(text: Any) -> Iterator[Grant]:
    """Yield the single grants of a policy."""
    for statement in statements(text):
        conditions = frozenset(tests(statement.get("Condition")))
        for principal, action, resource in product(*(members(statement, name) for name in MEMBERS)):
            yield Grant(
                allow=statement.get("Effect") == "Allow",
                principal=principal,
                action=action,
                resource=resource,
                conditions=conditions,
            )


def members(statement: Mapping[str, Any], name: str) -> list[Member]:
    """Return the elements of a member of a statement; what is named by exclusion stays together."""
    if f"Not{name}" in statement:
        return [(NOT, *sorted(elements(statement[f"Not{name}"])))]
    return [(one,) for one in elements(statement.get(name))] or [()]


def elements(value: Any) -> Iterator[str]:
    """Yield the texts in a member, whatever the kind of principal."""
    for kind in value.values() if isinstance(value, Mapping) else [value]:
        yield from map(str, listed(kind))


def tests(condition: Any) -> Iterator[Test]:
    """Yield each test of a condition."""
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            yield f"{operator} {key}", frozenset(map(str, listed(values)))


def bare(grant: Grant) -> Grant:
    """Return a grant without its conditions."""
    return replace(grant, conditions=frozenset())


def uncovered(grants_: set[Grant], wide: Sequence[Grant]) -> set[Grant]:
    """Return the grants that no wider one covers; where there are too many to compare, all."""
    if len(grants_) * len(wide) > MOST * 10:
        return grants_
    return {one for one in grants_ if not any(covers(other, one) for other in wide)}


def covers(wide: Grant, grant: Grant) -> bool:
    """Tell whether a grant holds wherever another does."""
    return (
        wide.allow == grant.allow
        and wide.conditions <= grant.conditions
        and (wide.principal == grant.principal or wide.principal == ("*",))
        and within(wide.action, grant.action, re.IGNORECASE)
        and within(wide.resource, grant.resource)
    )


def within(wide: Member, member: Member, flags: int = 0) -> bool:
    """Tell whether an element means all that another means; `*` and `?` are as in policies."""
    if wide == member:
        return True
    if len(wide) != 1 or len(member) != 1:
        return False
    return re.fullmatch(pattern(wide[0]), member[0], flags) is not None


@cache
def pattern(text: str) -> str:
    """Return an element of a policy as a regular expression."""
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def grouped(grants_: Iterable[Grant]) -> list[Group]:
    """Put grants together again: the same actions on the same resources for the same principals."""
    actions: dict[Any, set[Member]] = {}
    for one in grants_:
        actions.setdefault((one.allow, one.principal, one.resource, one.conditions), set()).add(one.action)
    resources: dict[Any, set[Member]] = {}
    for (allow, principal, resource, conditions), what in actions.items():
        resources.setdefault((allow, principal, frozenset(what), conditions), set()).add(resource)
    principals: dict[Any, set[Member]] = {}
    for (allow, principal, what, conditions), where in resources.items():
        principals.setdefault((allow, what, frozenset(where), conditions), set()).add(principal)
    groups = [
        Group(
            allow=allow,
            principals=tuple(sorted(who)),
            actions=tuple(sorted(what)),
            resources=tuple(sorted(where)),
            conditions=tuple(sorted(conditions, key=str)),
        )
        for (allow, what, where, conditions), who in principals.items()
    ]
    return sorted(groups, key=str)


def told(group: Group, verb: str, where: Area, teller: Teller) -> Words:
    """Return in words what a group of grants allows or denies."""
    conditions = f" if {tested(group.conditions, teller)}" if group.conditions else ""
    return f"{what(group, verb, where, teller)}{conditions}"


def tested(conditions: Iterable[Test], teller: Teller) -> Words:
    """Return tests in words."""
    ordered = sorted((name, ", ".join(sorted(values))) for name, values in conditions)
    return teller.listed(f"{name} = {values}" for name, values in ordered)


def conditioned(
    group: Group, before: frozenset[Test], after: frozenset[Test], where: Area, teller: Teller
) -> tuple[Direction, Words]:
    """Return which way the conditions of a group of grants went, and say so."""
    said = what(group, "may" if group.allow else "is denied", where, teller)
    wider: Direction = "widened" if group.allow else "narrowed"
    narrower: Direction = "narrowed" if group.allow else "widened"
    new, old = after - before, before - after
    if not new:
        return wider, f"{said} no longer only if {tested(old, teller)}"
    if not old:
        return narrower, f"{said} only if {tested(new, teller)}"
    values_before, values_after = dict(old), dict(new)
    if values_before.keys() == values_after.keys() and not any("Not" in name for name in values_after):
        gained = {(name, values_after[name] - values_before[name]) for name in values_after}
        lost = {(name, values_before[name] - values_after[name]) for name in values_after}
        if not any(values for _, values in lost):
            return wider, f"{said} also if {tested(gained, teller)}"
        if not any(values for _, values in gained):
            return narrower, f"{said} no longer if {tested(lost, teller)}"
    return "changed", f"{said} if {tested(new, teller)}, no longer if {tested(old, teller)}"


def what(group: Group, verb: str, where: Area, teller: Teller) -> Words:
    """Return who may do what on what."""
    who = named(group.principals, teller, principals=True) if group.principals != ((),) else ""
    if where == "trust":
        others = [one for one in group.actions if one != ("sts:AssumeRole",)]
        doing = named(others, teller) if others else "take this role"
        return f"{who} {verb} {doing}"
    on = "" if group.resources == ((),) or (who and group.resources == (("*",),)) else None
    on = f" on {named(group.resources, teller)}" if on is None else on
    return f"{who} {verb} {named(group.actions, teller)}{on}".strip()


def named(group: Sequence[Member], teller: Teller, principals: bool = False) -> Words:
    """Return elements in words; those that are named by exclusion come last."""
    if list(group) == [("*",)] and principals:
        return "anybody"
    plain = [one[0] for one in group if len(one) == 1]
    excluding = [f"{NOT} {teller.listed(one[1:])}" for one in group if len(one) > 1]
    return " and ".join(filter(None, (teller.listed(plain), *excluding)))
