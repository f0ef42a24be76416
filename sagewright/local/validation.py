"""Checks a request against the service's own model, with the words of AWS.

botocore leaves enumerations, patterns and most limits to the server, and moto does not check them:
without this, a value that AWS rejects would pass. Services word their refusals differently, see `WORDING`.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sagewright.local.refusal import Refused
from sagewright.local.service_models import (
    ListShape,
    MapShape,
    Shape,
    StringShape,
    StructureShape,
    service_model,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """How a service refuses a request that its model does not allow."""

    code: str
    one_by_one: bool = False
    """ECR names the first parameter only; the others count and list all of them."""


WORDING: Mapping[str, Wording] = {
    "sagemaker": Wording(code="ValidationException"),
    "apigateway": Wording(code="ValidationException"),
    "application-autoscaling": Wording(code="ValidationException"),
    "athena": Wording(code="InvalidRequestException"),
    "budgets": Wording(code="InvalidParameterException"),
    "cognito-idp": Wording(code="InvalidParameterException"),
    "ecr": Wording(code="InvalidParameterException", one_by_one=True),
    "events": Wording(code="ValidationException"),
    "logs": Wording(code="InvalidParameterException"),
    "kms": Wording(code="ValidationException"),
    "lambda": Wording(code="ValidationException"),
    "ssm": Wording(code="ValidationException"),
    "states": Wording(code="ValidationException"),
    "wafv2": Wording(code="ValidationException"),
}
"""The services of the JSON protocols whose requests are checked, by their signing name."""
REST = frozenset({"apigateway", "lambda"})
"""Those of them whose requests are REST."""


Constraint = tuple[str, Callable[[Any], bool]]
"""What AWS says of a value that breaks it, and the test of a value."""


@dataclass(frozen=True, slots=True)
class _Violation:
    path: str
    value: str
    """As AWS shows it; empty where it must not be shown."""
    constraint: str


def read_request(service: str, operation: str, body: bytes) -> dict[str, Any]:
    """Parse the body of a JSON request and check it; raises `Refused`."""
    model = service_model(service)
    if operation not in model.operation_names:
        raise Refused("UnknownOperationException", f"the model of {service} has no operation {operation!r}")
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        raise Refused("SerializationException", "the body is not JSON") from None
    if not isinstance(request, dict):
        raise Refused("SerializationException", f"Start of structure expected, got {_json_type(request)}")
    check_request(service, operation, request)
    return request


def check_request(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Check a request by the names of the service's model; raises `Refused`."""
    shape = service_model(service).operation_model(operation).input_shape
    violations = list(_check(request, shape, "")) if shape is not None else []
    if violations:
        raise _refusal(WORDING[service], violations)


def _refusal(wording: Wording, violations: list[_Violation]) -> Refused:
    if wording.one_by_one:
        first = violations[0]
        constraint = first.constraint.removeprefix("Member ")
        constraint = re.sub("expression pattern: (.*)", r"expression '\1'", constraint)
        message = f"Invalid parameter at '{first.path}' failed to satisfy constraint: '{constraint}'"
        return Refused(wording.code, message)
    listed = "; ".join(
        f"Value {violation.value + ' ' if violation.value else ''}at '{violation.path}' "
        f"failed to satisfy constraint: {violation.constraint}"
        for violation in violations
    )
    count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected"
    return Refused(wording.code, f"{count}: {listed}")


def _check(value: Any, shape: Shape, path: str) -> Iterator[_Violation]:
    if isinstance(shape, StructureShape):
        yield from _check_structure(_typed(value, dict, shape, path), shape, path)
    elif isinstance(shape, ListShape):
        elements = _typed(value, list, shape, path)
        yield from _check_length(elements, shape, path)
        yield from _check_elements(elements, shape.member, path, "Member")
    elif isinstance(shape, MapShape):
        entries = _typed(value, dict, shape, path)
        yield from _check_length(entries, shape, path)
        yield from _check_elements(list(entries), shape.key, path, "Map keys", of=entries)
        yield from _check_elements(list(entries.values()), shape.value, path, "Map value", of=entries)
    else:
        yield from _check_scalar(_typed(value, _PYTHON_TYPES[shape.type_name], shape, path), shape, path)


def _check_elements(
    elements: list[Any], shape: Shape, path: str, who: str, of: dict[str, Any] | None = None
) -> Iterator[_Violation]:
    """Check the elements of a list or a map: AWS names the element only where it is a structure."""
    found = [
        violation
        for index, element in enumerate(elements, start=1)
        for violation in _check(element, shape, f"{path}.{index}.member")
    ]
    if isinstance(shape, (StructureShape, ListShape, MapShape)):
        yield from found
    elif found:
        constraint = f"{who} must satisfy constraint: [{', '.join(_constraints(shape))}]"
        yield _Violation(path, _shown(elements if of is None else of, shape), constraint)


_PYTHON_TYPES: Mapping[str, Any] = {
    "string": str,
    "character": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


def _typed(value: Any, expected: Any, shape: Shape, path: str) -> Any:
    is_flag_as_number = isinstance(value, bool) and expected is not bool
    if isinstance(value, expected) and not is_flag_as_number:
        return value
    if expected is int and isinstance(value, float) and value.is_integer():
        return int(value)
    raise Refused(
        "SerializationException", f"{_json_type(value)} can not be converted to {shape.type_name} at '{path}'"
    )


def _json_type(value: Any) -> str:
    if value is None:
        return "NULL_VALUE"
    names = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}
    return names.get(type(value), "START_ARRAY" if isinstance(value, list) else "START_OBJECT")


def _check_structure(members: dict[str, Any], shape: StructureShape, path: str) -> Iterator[_Violation]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if members.get(name) is None:
            yield _Violation(prefix + _lower_first(name), "null", "Member must not be null")
    for name, value in members.items():
        if name not in shape.members:
            yield _Violation(prefix + _lower_first(name), "", "Member is not in the model of this operation")
        elif value is not None:
            yield from _check(value, shape.members[name], prefix + _lower_first(name))


def _check_length(value: Any, shape: Shape, path: str) -> Iterator[_Violation]:
    for constraint, holds in _limits(shape, "length"):
        if not holds(len(value)):
            yield _Violation(path, _shown(value, shape), constraint)


def _check_scalar(value: Any, shape: Shape, path: str) -> Iterator[_Violation]:
    for constraint, holds in scalar_constraints(shape):
        if not holds(value):
            yield _Violation(path, _shown(value, shape), constraint)


def _constraints(shape: Shape) -> list[str]:
    return [constraint for constraint, _ in scalar_constraints(shape)]


def scalar_constraints(shape: Shape) -> Iterator[Constraint]:
    """Yield what the model demands of a text or a number: the words of AWS, and a test of a value."""
    if isinstance(shape, StringShape):
        yield from ((constraint, _of_length(holds)) for constraint, holds in _limits(shape, "length"))
        if pattern := shape.metadata.get("pattern"):
            constraint = f"Member must satisfy regular expression pattern: {pattern}"
            yield constraint, lambda value: _compiled(pattern).fullmatch(value) is not None
        if allowed := shape.enum:
            constraint = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
            yield constraint, lambda value: value in allowed
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _limits(shape, "value")
    elif shape.type_name == "blob":
        for constraint, holds in _limits(shape, "length"):
            yield constraint, _of_octets(holds)


def _of_length(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: holds(len(value))


def _of_octets(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: holds(len(base64.b64decode(value)))


def _limits(shape: Shape, measure: str) -> Iterator[Constraint]:
    most, least = shape.metadata.get("max"), shape.metadata.get("min")
    if most is not None:
        yield f"Member must have {measure} less than or equal to {most}", lambda size: size <= most
    if least is not None:
        yield f"Member must have {measure} greater than or equal to {least}", lambda size: size >= least


def _shown(value: Any, shape: Shape) -> str:
    if shape.metadata.get("sensitive"):
        return ""
    return f"'{json.dumps(value) if isinstance(value, (list, dict)) else value}'"


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a service model, which is written for Java."""
    for java, python in _DIALECT:
        pattern = java.sub(python, pattern)
    return re.compile(_PROPERTY.sub(_property, pattern), re.ASCII)


_DIALECT = (
    (re.compile(r"\\uD800\\uDC00-\\uDBFF\\uDFFF"), r"\\U00010000-\\U0010FFFF"),
    (re.compile(r"(\\[wds])-(?=[^]])"), r"\1\\-"),
    (re.compile(r"\$\{\d+,\d+\}"), "$"),
    (re.compile(r"\|\(\?i\)([^()|]*)"), r"|(?i:\1)"),
)
"""A surrogate pair is one character in Python; a hyphen after a class is literal; `$` is not repeated; where
case is ignored from a place on, it is within a group."""

_PROPERTY = re.compile(r"\\p\{(\w+)\}")
_ASCII_PROPERTIES = {"ASCII": r"\x00-\x7F", "Alnum": "a-zA-Z0-9", "Print": r"\x20-\x7E"}


def _property(found: re.Match[str]) -> str:
    """Translate `\\p{…}` to the ranges of its characters, in brackets unless it stands in some."""
    ranges = _ASCII_PROPERTIES.get(found.group(1)) or _unicode_ranges(found.group(1)[0])
    before = found.string[: found.start()]
    return ranges if before.rfind("[") > before.rfind("]") else f"[{ranges}]"


@cache
def _unicode_ranges(category: str) -> str:
    """Return the characters of a general category, such as L for letters."""
    ranges = _categories()[category]
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)


@cache
def _categories() -> dict[str, list[tuple[int, int]]]:
    ranges: dict[str, list[tuple[int, int]]] = {}
    for code_point in range(sys.maxunicode + 1):
        found = ranges.setdefault(unicodedata.category(chr(code_point))[0], [])
        if found and found[-1][1] == code_point - 1:
            found[-1] = (found[-1][0], code_point)
        else:
            found.append((code_point, code_point))
    return ranges
