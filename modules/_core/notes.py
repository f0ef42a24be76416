"""What a stack tells the readers of its Terraform JSON, and Terraform does not: under `//`, a comment.

It is in the same file as the resources that it is about, so that it is never about others.
https://developer.hashicorp.com/terraform/language/syntax/json#comment-properties
"""

from __future__ import annotations

from typing import Any, TypedDict

import jsii
from cdktf import IAnyProducer, Lazy, TerraformStack
from constructs import IConstruct

KEY = "sagewright"
"""Key of the notes among a stack's comments."""
MADE: dict[IConstruct, list[str]] = {}
"""The lines that made each resource, innermost first; jsii keeps every construct, too."""
PATHS: dict[IConstruct, str] = {}
"""The construct path of each resource, and of what it is in: each question to CDKTF takes time."""


class Waiver(TypedDict):
    """An exception from a policy."""

    rule: str
    construct: str
    """Path of the construct that is excused."""
    reason: str
    owner: str
    ticket: str
    expires: str
    """Last day, in ISO 8601."""
    lines: list[str]
    """Where it is written, innermost first."""


@jsii.implements(IAnyProducer)
class Notes:
    """The notes of one stack; CDKTF asks for them when it writes the stack."""

    def __init__(self, stack: TerraformStack) -> None:
        self.stack = stack
        self.paths: dict[IConstruct, str] = {}
        """The construct path of each resource, where the stack names its resources itself."""
        self.waivers: list[Waiver] = []

    def produce(self, context: Any) -> dict[str, Any]:
        """Return the lines that made each resource, by its construct path, and the waivers."""
        paths = self.paths or {one: PATHS[one] for one in self.stack.node.find_all() if one in MADE}
        places = {path: MADE[one] for one, path in paths.items() if one in MADE}
        return {"places": places, "waivers": self.waivers}


NOTES: dict[TerraformStack, Notes] = {}


def keep_notes(stack: TerraformStack) -> Notes:
    """Return the notes of a stack, which it will write from now on.

    Sagewright's own stacks do so; in another a line in its `__init__` is enough: `keep_notes(self)`.
    """
    if stack not in NOTES:
        NOTES[stack] = Notes(stack)
        stack.add_override(f"//.{KEY}", Lazy.any_value(NOTES[stack]))
    return NOTES[stack]
