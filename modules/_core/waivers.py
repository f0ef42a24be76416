"""Exceptions from the policies on plans, written in code, beside what they excuse."""

from __future__ import annotations

import datetime
import sys

from cdktf import TerraformStack
from constructs import Construct

from .checks import matches, refuse, when
from .notes import Waiver, keep_notes
from .places import lines

RULE = r"SW_[A-Z0-9]+(_[A-Z0-9]+)*|CKV2?_AWS_\d+"
SHORTEST = {"reason": 10, "owner": 3, "ticket": 2}
"""Characters that say something."""


def waive(construct: Construct, *, rule: str, reason: str, owner: str, ticket: str, expires: str) -> None:
    """Excuse a module or a resource, and all that is in it, from one rule of docs/policies.md.

    `reason` says why, `owner` who answers for it, `ticket` where it is followed up; `expires` is the last day
    that it holds, such as `2027-01-31`. What is excused stays in every report. The gate, which knows the day,
    is closed by a waiver that has ended, and by one that nothing needs.

    Raises `ValueError` with every argument that is not so, and for a whole stack.
    """
    stack = TerraformStack.of(construct)
    said = {"reason": reason, "owner": owner, "ticket": ticket}
    refuse(
        when(construct is stack, "construct: supply the module or resource that is excused, got the stack"),
        matches("rule", rule, RULE, "SW_ENDPOINT_SCALING"),
        *(
            when(
                len(said[name].strip()) < least,
                f"{name}: supply at least {least} characters, got {said[name]!r}",
            )
            for name, least in SHORTEST.items()
        ),
        when(not is_day(expires), f"expires: supply a day such as 2027-01-31, got {expires!r}"),
    )
    keep_notes(stack).waivers.append(
        Waiver(
            rule=rule,
            construct=construct.node.path,
            reason=reason,
            owner=owner,
            ticket=ticket,
            expires=expires,
            lines=lines(sys._getframe(1)),
        )
    )


def is_day(text: str) -> bool:
    """Tell whether a text is a day as ISO 8601 writes it, with hyphens."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
