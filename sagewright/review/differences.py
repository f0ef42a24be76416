"""What differs between a resource before and after; JSON texts are compared as documents.

Values are compared in clear, so that a changed secret shows as changed, and told masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.plan.model import Template, Unknown
from sagewright.gate.redaction import below, inner_name, is_secret, masked, parsed
from sagewright.review.model import Attribute, Value
from sagewright.review.words import Teller, unknown

ABSENT: tuple[Any, ...] = (None, "", [], {})
"""What Terraform plans where nothing is configured."""
NOTHING = (*ABSENT, 0)
"""What the provider reads where nothing is configured; `False` is a zero too."""
IDENTIFYING = ("variant_name", "Sid", "name", "Name", "key", "Key", "id")
"""Members by which an element of a list is known again in another order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A value on one side of a change, with Terraform's mark on it."""

    value: Any
    mark: Any = None

    def member(self, key: str | int) -> Side:
        """Return a member or an element; one that is not there is absent."""
        value: Any = None
        if isinstance(self.value, Mapping):
            value = self.value.get(key)
        elif isinstance(self.value, list) and isinstance(key, int):
            value = self.value[key]
        return Side(value=value, mark=True if self.mark is True else below(self.mark, key))


class Differ:
    """Lists differences for a review."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    def attributes(self, before: Side, after: Side, forcing: Sequence[str]) -> Iterator[Attribute]:
        """Yield what differs; `forcing` are the paths of arguments that force a replacement, with dots."""
        for path, name, one, other in self._walk(before, after, "", ""):
            yield Attribute(
                path=self._teller.text(path),
                before=self._told(one, name, other),
                after=self._told(other, name, one),
                forces=any(within(path, force) or within(force, path) for force in forcing),
            )

    def _told(self, side: Side, name: str, other: Side) -> Value:
        """Return one side as it may be shown."""
        if isinstance(side.value, Unknown) or is_reference(side.value):
            return Value(nature="unknown", text=self._teller.text(unknown(side.value)))
        if side.value in ABSENT:
            return Value(nature="absent", text="")
        if is_secret(side.value, side.mark, name) or is_secret(other.value, other.mark, name):
            both = other.value not in ABSENT
            return Value(nature="sensitive", text="sensitive, changed" if both else "sensitive")
        return Value(nature="value", text=self._teller.value(pruned(masked(side.value, side.mark, name))))

    def _walk(self, before: Side, after: Side, path: str, name: str) -> Iterator[tuple[str, str, Side, Side]]:
        """Yield path, name and both sides of each smallest part that differs."""
        if same(before.value, after.value) or (path != name and left_to_aws(after.value)):
            return
        if is_secret(before.value, before.mark, name) or is_secret(after.value, after.mark, name):
            yield path, name, before, after
            return
        one, other = opened(before.value), opened(after.value)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            before, after = Side(value=one, mark=before.mark), Side(value=other, mark=after.mark)
            for key in {**one, **other}:
                inner = inner_name(name, str(key), {**one, **other})
                place = f"{path}.{key}" if path else str(key)
                yield from self._walk(before.member(key), after.member(key), place, inner)
        elif isinstance(one, list) and isinstance(other, list):
            before, after = Side(value=one, mark=before.mark), Side(value=other, mark=after.mark)
            yield from self._elements(before, after, path, name)
        else:
            yield path, name, before, after

    def _elements(
        self, before: Side, after: Side, path: str, name: str
    ) -> Iterator[tuple[str, str, Side, Side]]:
        """Yield what differs in a list: blocks by what names them, plain elements as they come and go."""
        if all(isinstance(item, Mapping) for item in (*before.value, *after.value)):
            for label, old, new in pairs(before.value, after.value):
                one = Side(value={}) if old is None else before.member(old)
                other = Side(value={}) if new is None else after.member(new)
                yield from self._walk(one, other, f"{path}[{label}]", name)
            return
        gone = [index for index, item in enumerate(before.value) if item not in after.value]
        come = [index for index, item in enumerate(after.value) if item not in before.value]
        if not (gone or come) or len(gone) + len(come) == 2 == len(before.value) + len(after.value):
            yield path, name, before, after
            return
        for index in gone:
            yield f"{path}[]", name, before.member(index), Side(value=None)
        for index in come:
            yield f"{path}[]", name, Side(value=None), after.member(index)


def pruned(value: Any) -> Any:
    """Return a value without the members that say nothing."""
    if isinstance(value, dict):
        return {key: pruned(item) for key, item in value.items() if item not in NOTHING}
    return [pruned(item) for item in value] if isinstance(value, list) else value


def same(before: Any, after: Any) -> bool:
    """Tell whether two values mean the same.

    Terraform plans "nothing" in several spellings, and most of the provider keeps it as a zero.
    """
    if before == after and isinstance(before, bool) == isinstance(after, bool):
        return True
    return after in ABSENT and (before in ABSENT or before == 0)


def left_to_aws(value: Any) -> bool:
    """Tell whether a value is not configured, and AWS chooses it."""
    return isinstance(value, Unknown) and value.computed


def is_reference(value: Any) -> bool:
    """Tell whether a text is nothing but what another resource will tell."""
    return isinstance(value, Template) and [f"${{{one}}}" for one in value.references] == [value]


def within(path: str, outer: str) -> bool:
    """Tell whether a path lies in another, whichever element of a list is meant."""
    return f"{plain(path)}.".startswith(f"{plain(outer)}.")


def plain(path: str) -> str:
    """Return a path without the elements of lists: of `production_variants.0.model_name` two words."""
    return re.sub(r"\[[^\]]*\]|\.\d+(?=\.|$)", "", path)


def opened(value: Any) -> Any:
    """Return the document in a JSON text, an empty one for what is absent, and anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        document = parsed(value)
        return value if document is None else document
    return value


def pairs(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[str, int | None, int | None]]:
    """Yield which block of one list is which of the other, with a label: its name, else its number."""
    for member in IDENTIFYING:
        old, new = names(before, member), names(after, member)
        if old is not None and new is not None:
            for label in {**old, **new}:
                yield label, old.get(label), new.get(label)
            return
    for index in range(max(len(before), len(after))):
        yield str(index), index if index < len(before) else None, index if index < len(after) else None


def names(blocks: Sequence[Any], member: str) -> dict[str, int] | None:
    """Return the blocks' numbers by a member that names them all apart, or nothing where none does."""
    found = {
        block[member]: index
        for index, block in enumerate(blocks)
        if type(block.get(member)) is str and block[member]
    }
    return found if len(found) == len(blocks) else None
