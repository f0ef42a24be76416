"""One resource of a plan as a review looks at it: before and after, masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagewright.review.model import Action, Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A managed resource and what happens to it; secrets in its values are masked where they stand."""

    environment: str
    stack: str
    address: str
    type: str
    action: Action
    place: Place
    before: Mapping[str, Any]
    """Empty where there was none."""
    after: Mapping[str, Any]
    """Empty where none is left; may hold `Template` and `Unknown`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments of both sides."""
        return tuple({**self.before, **self.after})

    @property
    def changes(self) -> bool:
        """Whether anything happens to it."""
        return self.action != "none"
