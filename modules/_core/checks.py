"""Checks of one value each: `None` where it is right, else what to supply and what was got.

A Token stands for a value that only Terraform knows: it passes every check.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping


def unresolved(value: object) -> bool:
    """Tell whether a value is, or holds, a Token: Terraform alone knows what it will be.

    CDKTF encodes Tokens as texts with `${…}`, list elements `#{TfToken[…]}`, map keys `&{TfToken[…]}`
    and numbers below -1e+280; asking it (`Token.is_unresolved`) is a call to another process and
    refuses tuples.
    """
    if isinstance(value, str):
        return any(mark in value for mark in ("${", "#{TfToken[", "&{TfToken["))
    if isinstance(value, float):
        return value < -1e280
    if isinstance(value, Mapping):
        return any(unresolved(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(unresolved(item) for item in value)
    return False


def refuse(*problems: str | None) -> None:
    """Raise one `ValueError` that tells every problem, a line each; do nothing when there is none."""
    found = [problem for problem in problems if problem]
    if found:
        raise ValueError("\n".join(found))


def when(condition: object, problem: str) -> str | None:
    """Return `problem` when the condition holds: for rules between two fields."""
    return problem if condition else None


def at_least(name: str, value: float | None, minimum: float) -> str | None:
    """Check a number against its smallest legal value."""
    if value is None or unresolved(value) or value >= minimum:
        return None
    return f"{name}: supply at least {minimum}, got {value}"


def at_most(name: str, value: float | None, maximum: float) -> str | None:
    """Check a number against its largest legal value."""
    if value is None or unresolved(value) or value <= maximum:
        return None
    return f"{name}: supply at most {maximum}, got {value}"


def one_of(name: str, value: object, legal: Collection[object]) -> str | None:
    """Check a value against the list of legal ones."""
    if value is None or unresolved(value) or value in legal:
        return None
    return f"{name}: supply one of {', '.join(map(str, legal))}, got {value!r}"


def matches(name: str, value: str | None, pattern: str, example: str) -> str | None:
    """Check a whole text against a regular expression; the example shows what would be right."""
    if value is None or unresolved(value) or re.fullmatch(pattern, value):
        return None
    return f"{name}: supply a value such as {example}, got {value!r}"


def not_empty(name: str, values: Collection[object]) -> str | None:
    """Check that there is at least one element."""
    if unresolved(values) or values:
        return None
    return f"{name}: supply at least one, got none"


def distinct(name: str, values: Iterable[object]) -> str | None:
    """Check that no two elements are equal."""
    seen: set[object] = set()
    for value in values:
        if value in seen:
            return f"{name}: supply each once, got {value!r} twice"
        seen.add(value)
    return None


def no_longer_than(name: str, value: str | None, maximum: int) -> str | None:
    """Check the length of a text, in characters."""
    if value is None or unresolved(value) or len(value) <= maximum:
        return None
    return f"{name}: supply at most {maximum} characters, got {len(value)}: {value!r}"


def printable(name: str, value: str | None) -> str | None:
    """Check that a text has no control characters and the like, which SageMaker takes in no description."""
    if value is None or unresolved(value) or not any(unicodedata.category(one)[0] == "C" for one in value):
        return None
    return f"{name}: supply a text without line breaks and other control characters, got {value!r}"
