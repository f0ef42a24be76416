"""Texts of a review: what comes from a plan is made harmless here, once, before anything keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from policies.plan.model import Template, Unknown
from sagewright.gate.judge import plain
from sagewright.gate.redaction import Redactor

LONGEST = 400
"""Characters of a value that a review keeps; cut after redaction."""
LONGEST_WORD = 200
"""Characters of a value within a sentence."""
NAMED = 4
"""Values that a sentence names; it counts the others."""


class Teller:
    """Says what plans hold, without secrets, line breaks, control characters and backticks."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._told: dict[str, str] = {}

    def text(self, value: str, longest: int = LONGEST) -> str:
        """Return a text as it may be shown, on one line."""
        if value not in self._told:
            hidden = plain(self._redactor.hide(value).replace("\r\n", "\n"))
            self._told[value] = hidden.replace("\n", "\N{RETURN SYMBOL}").replace("`", "'")
        told = self._told[value]
        return told if len(told) <= longest else f"{told[:longest]}…"

    def value(self, value: Any) -> str:
        """Return a value, which is masked already, as it may be shown: a text as it is, all else as JSON."""
        return self.text(written(value))

    def quoted(self, value: Any) -> str:
        """Return a value for a sentence: between backticks."""
        return f"`{self.text(written(value), LONGEST_WORD) or ' '}`"

    def listed(self, values: Iterable[Any]) -> str:
        """Return values for a sentence: the first few, and how many more there are."""
        quoted = [self.quoted(value) for value in values]
        if len(quoted) > NAMED + 1:
            return f"{', '.join(quoted[:NAMED])} and {len(quoted) - NAMED} more"
        return " and ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))


def written(value: Any) -> str:
    """Return a text as it is, and all else as JSON on one line; what is not known yet is said so."""
    if isinstance(value, Unknown):
        return unknown(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=unknown)


def unknown(value: Any) -> str:
    """Return what stands for a value that only an apply tells."""
    references = value.references if isinstance(value, (Template, Unknown)) else ()
    return f"known after apply, from {' and '.join(references)}" if references else "known after apply"


def counted(number: int, what: str) -> str:
    """Return a number with its noun: `1 resource`, `2 resources`."""
    return f"{number} {what}{'s' * (number != 1)}"
