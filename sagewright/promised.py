"""Whether a plan does what another one, which was reviewed, said that it would do.

Plans are compared by address and argument. Of a preview, what it did not know may turn out in any way: values
that are unknown in it, and the placeholders in texts where it had to assume an output of another stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagewright.gate.identity import does_something
from sagewright.gate.redaction import HIDDEN, Redactor, below, names_a_secret

NOTHING = "nothing"
UNKNOWN = "known after apply"
LONGEST = 300
"""Characters of a value that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One argument, or one resource as a whole, that is planned otherwise than it was reviewed; redacted."""

    stack: str
    address: str
    argument: str
    """With dots, such as `production_variants.0.instance_type`; empty for what is done to the resource."""
    reviewed: str
    now: str

    def __str__(self) -> str:
        argument = f"{self.argument}: " if self.argument else ""
        return f"{self.stack}: {self.address}: {argument}reviewed {self.reviewed}, now {self.now}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A value of a plan, with Terraform's marks on it."""

    value: Any
    unknown: Any = None
    sensitive: Any = None

    def member(self, key: str | int) -> Side:
        """Return a member or an element; one that is not there is `None`."""
        return Side(
            value=below(self.value, key),
            unknown=below(self.unknown, key),
            sensitive=below(self.sensitive, key),
        )


def differences(
    stack: str,
    reviewed: Mapping[str, Any],
    now: Mapping[str, Any],
    assumed: Collection[str] | None = None,
) -> tuple[Difference, ...]:
    """Return how what a stack's plan JSON does now differs from what was reviewed, sorted by address.

    `assumed` are the placeholders that the reviewed plan was made with, where it is a preview; what follows
    one may also change less.
    """
    redactor = Redactor()
    for document in (reviewed, now):
        redactor.learn(document)
    pattern = re.compile("|".join(map(re.escape, sorted(assumed or (), key=len, reverse=True))) or r"(?!)")
    before, after = changes(reviewed), changes(now)
    found = []
    for key in sorted({*before, *after}):
        one, other = before.get(key), after.get(key)
        if any(entry and does_something(entry) for entry in (one, other)):
            for argument, said, is_ in differing(one, other, pattern, assumed is not None):
                found.append(
                    Difference(
                        stack=stack,
                        address=redactor.hide(" ".join(filter(None, key))),
                        argument=redactor.hide(argument),
                        reviewed=redactor.hide(said)[:LONGEST],
                        now=redactor.hide(is_)[:LONGEST],
                    )
                )
    return tuple(found)


def changes(document: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return what a plan says of each managed resource, by address and key of a deposed object."""
    return {
        (entry["address"], entry.get("deposed") or ""): entry
        for entry in document.get("resource_changes") or ()
        if entry.get("mode") != "data"
    }


def differing(
    reviewed: Mapping[str, Any] | None, now: Mapping[str, Any] | None, pattern: re.Pattern[str], preview: bool
) -> Iterator[tuple[str, str, str]]:
    """Yield argument and both sides of each difference in what is done to one resource."""
    said, is_ = done(reviewed), done(now)
    if said != is_ and not (preview and reviewed and now and milder(reviewed, now)):
        yield "", said, is_
        return
    if reviewed and now:
        one, other = (
            Side(
                value=entry["change"].get("after"),
                unknown=entry["change"].get("after_unknown"),
                sensitive=entry["change"].get("after_sensitive"),
            )
            for entry in (reviewed, now)
        )
        yield from walk(one, other, "", "", pattern)


def done(entry: Mapping[str, Any] | None) -> str:
    """Return in words what a plan does to a resource."""
    if entry is None or not does_something(entry):
        return NOTHING
    words = [" then ".join(action for action in entry["change"]["actions"] if action != "no-op")]
    if entry.get("previous_address"):
        words.append(f"move from {entry['previous_address']}")
    if importing := entry["change"].get("importing"):
        words.append(f"import {importing.get('id')}")
    return ", ".join(filter(None, words))


def milder(reviewed: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether a resource is left alone, or only updated, which was to be changed, or to be replaced."""
    said, is_ = reviewed["change"]["actions"], now["change"]["actions"]
    replaced = len(said) == 2
    less = (is_ == ["no-op"] and (replaced or said == ["update"])) or (is_ == ["update"] and replaced)
    return less and reviewed.get("previous_address") == now.get("previous_address")


def walk(
    one: Side, other: Side, path: str, name: str, pattern: re.Pattern[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield path and both values of each smallest part that differs."""
    if one.unknown is True:
        return
    hidden = names_a_secret(name) or any(side.sensitive is True for side in (one, other))
    if other.unknown is True:
        yield path, HIDDEN if hidden else json.dumps(one.value), UNKNOWN
    elif hidden:
        if not same(one, other, pattern):
            yield path, HIDDEN, f"another {HIDDEN}"
    elif isinstance(one.value, dict) and isinstance(other.value, dict):
        marks = (side.unknown for side in (one, other))
        for key in sorted(
            {*one.value, *other.value}.union(*(mark for mark in marks if isinstance(mark, dict)))
        ):
            yield from walk(
                one.member(key), other.member(key), f"{path}.{key}" if path else key, key, pattern
            )
    elif isinstance(one.value, list) and isinstance(other.value, list) and not same(one, other, pattern):
        if len(one.value) != len(other.value):
            yield path, json.dumps(one.value), json.dumps(other.value)
            return
        for index in range(len(one.value)):
            yield from walk(one.member(index), other.member(index), f"{path}.{index}", name, pattern)
    elif not same(one, other, pattern):
        yield path, json.dumps(one.value), json.dumps(other.value)


def same(one: Side, other: Side, pattern: re.Pattern[str]) -> bool:
    """Tell whether a value is as it was reviewed, as far as that was known.

    Elements of a list that holds a placeholder may be in another order: Terraform sorts sets by their values.
    """
    if one.unknown is True:
        return True
    if other.unknown is True:
        return False
    if isinstance(one.value, dict) and isinstance(other.value, dict):
        keys = {*one.value, *other.value, *(one.unknown if isinstance(one.unknown, dict) else ())}
        return all(same(one.member(key), other.member(key), pattern) for key in keys)
    if isinstance(one.value, list) and isinstance(other.value, list):
        if len(one.value) != len(other.value):
            return False
        elements = [one.member(index) for index in range(len(one.value))]
        others = [other.member(index) for index in range(len(other.value))]
        if all(same(*pair, pattern) for pair in zip(elements, others, strict=True)):
            return True
        return bool(pattern.search(json.dumps(one.value))) and paired(elements, others, pattern)
    if isinstance(one.value, str) and isinstance(other.value, str):
        return bool(re.fullmatch(".+".join(map(re.escape, pattern.split(one.value))), other.value, re.DOTALL))
    return type(one.value) is type(other.value) and bool(one.value == other.value)


def paired(elements: list[Side], others: list[Side], pattern: re.Pattern[str]) -> bool:
    """Tell whether each element has another one that is the same; those without placeholders choose first."""
    for element in sorted(elements, key=lambda side: bool(pattern.search(json.dumps(side.value)))):
        match = next((other for other in others if same(element, other, pattern)), None)
        if match is None:
            return False
        others = [other for other in others if other is not match]
    return True
