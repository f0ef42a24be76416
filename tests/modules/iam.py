"""What IAM says to a request: allowed unless nothing allows it, or something denies it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase

from modules._core import Statement

Context = Mapping[str, str | tuple[str, ...]]
"""Condition keys of a request, with their values."""

OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda value, wanted: value == wanted,
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": fnmatchcase,
}


def allowed(statements: Iterable[Statement], action: str, resource: str, context: Context) -> bool:
    """Tell whether a role with these statements may do something."""
    applying = [one for one in statements if _applies(one, action, resource, context)]
    return bool(applying) and all(one.effect == "Allow" for one in applying)


def _applies(statement: Statement, action: str, resource: str, context: Context) -> bool:
    return (
        any(fnmatchcase(action.lower(), each.lower()) for each in statement.actions)
        and any(_like(resource, each, context) for each in statement.resources)
        and all(
            _holds(operator, context.get(key), (wanted,) if isinstance(wanted, str) else wanted, context)
            for operator, keys in statement.conditions.items()
            for key, wanted in keys.items()
        )
    )


def _filled(text: str, context: Context) -> str | None:
    """Put policy variables in, as Terraform writes them; `None` where a key is missing: nothing matches."""
    names = re.findall(r"\$\$\{([^}]+)}", text)
    if any(name not in context for name in names):
        return None
    return re.sub(r"\$\$\{([^}]+)}", lambda found: str(context[found[1]]), text)


def _like(value: str, pattern: str, context: Context) -> bool:
    filled = _filled(pattern, context)
    return filled is not None and fnmatchcase(value, filled)


def _holds(
    operator: str, found: str | tuple[str, ...] | None, wanted: tuple[str, ...], context: Context
) -> bool:
    if operator == "Null":
        return (found is None) == (wanted == ("true",))
    of_any, name = operator.startswith("ForAnyValue:"), operator.removeprefix("ForAnyValue:")
    positive = name.removesuffix("IfExists").replace("Not", "", 1)
    negated = positive != name.removesuffix("IfExists")
    if found is None:
        return not of_any and (negated or name.endswith("IfExists"))
    values = (found,) if isinstance(found, str) else found
    filled = [text for each in wanted if (text := _filled(each, context)) is not None]
    matching = [any(OPERATORS[positive](value, each) for each in filled) != negated for value in values]
    return any(matching) if of_any else all(matching)
