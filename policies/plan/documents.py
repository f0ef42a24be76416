"""IAM policies as a plan has them: parsed, and refused where what decides is not known yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policies.plan.model import INTERPOLATION, Block, Template, Undecided, identifies

FREE = ("Sid", "Id", "Version")
"""Members that decide nothing."""


def statements(block: Block, name: str) -> list[Mapping[str, Any]]:
    """Return the statements of the policy in an argument; none if it is not set.

    Raises `Undecided` when it is unknown, unreadable, or rests on a text that is.
    """
    text = block.text(name)
    if not text:
        return []
    document = policy(text)
    if document is None or (isinstance(text, Template) and not decided(document)):
        raise Undecided(name)
    return [one for one in listed(document.get("Statement")) if isinstance(one, dict)]


def policy(text: str) -> dict[str, Any] | None:
    """Return the policy in a text, or `None` for what is none."""
    try:
        document = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    return document if all(isinstance(one, dict) for one in listed(document.get("Statement"))) else None


def decided(document: Mapping[str, Any]) -> bool:
    """Tell whether what Terraform has yet to fill in cannot change what a policy says.

    An ARN may stand for a resource; the ARN, id or name of one of AWS's may stand for a principal or in a
    condition too; an effect or an action must be plain.
    """
    return all(
        settled(member, text)
        for statement in listed(document.get("Statement"))
        for member, content in statement.items()
        for text in texts(content)
    ) and not any(texts_with_references(document, skip=("Statement", *FREE)))


def settled(member: str, text: str) -> bool:
    """Tell whether a text in a member of a statement is known well enough."""
    references = INTERPOLATION.findall(text)
    if member in FREE or not references:
        return True
    if member in ("Resource", "NotResource") and text.startswith("arn:"):
        return True
    if member in ("Resource", "NotResource", "Principal", "NotPrincipal", "Condition"):
        return all(identifies(reference, "aws_*") for reference in references)
    return False


def texts_with_references(document: Mapping[str, Any], skip: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts in a document's members, but for some, that Terraform has yet to fill in."""
    for name, content in document.items():
        if name not in skip:
            yield from (text for text in texts({name: content}) if INTERPOLATION.search(text))


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, keys too."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    else:
        yield str(value)


def listed(value: Any) -> list[Any]:
    """Return a value as a list, as policies may leave out the brackets."""
    return [] if value is None else value if isinstance(value, list) else [value]
