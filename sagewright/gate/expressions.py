"""What a plan does not know yet, read from the expressions of its configuration where they tell.

A configuration in Terraform's JSON syntax, such as CDKTF writes, keeps the text of every expression in
the plan: `{"Action": "s3:*", "Resource": "${aws_s3_bucket.data.arn}"}` is unknown as a whole, yet its
action is plain. For HCL the plan names references only.
https://developer.hashicorp.com/terraform/internals/json-format#expression-representation
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from policies.plan.model import Template, Unknown

TRAVERSAL = re.compile(r"""[A-Za-z_][\w-]*(?:\.[\w-]+|\[(?:\d+|"[^"$%\\]*")\])*""")
STEP = re.compile(r"""\.?([\w-]+)|\[(\d+)\]|\["([^"]*)"\]""")
INSTANCE = re.compile(r'(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?$')
UNMANAGED = ("var", "local", "each", "count", "self", "path", "terraform", "module", "data", "ephemeral")
"""First words of references to anything but a managed resource."""
DEPTH = 20
"""How far references are followed; Terraform refuses cycles, so that this bounds odd input only."""


@dataclass(frozen=True)
class Scope:
    """One module of the configuration, as its own expressions see it."""

    configuration: Mapping[str, Any]
    """`configuration.root_module`, or `module` of a module call."""
    address: str = ""
    """`module.name` for a child module, empty for the root."""
    parent: Scope | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Expressions that the parent hands in."""
    repeated: bool = False
    """Called with count or for_each: what it is handed may differ from instance to instance."""

    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the configured resources and data sources by their address in the module."""
        return {resource["address"]: resource for resource in self.configuration.get("resources", ())}


@dataclass(frozen=True)
class Place:
    """Where an expression stands: in which module, and in which instance of a resource."""

    scope: Scope
    module: str = ""
    """Address of the module, with the keys of its instance."""
    key: str = ""
    """Key of the resource's instance as an address has it: `[0]`, `["a"]`; empty where there is just one."""
    depth: int = 0


class Expressions:
    """The configuration of a plan, and the values that the plan does know."""

    def __init__(
        self,
        plan: Mapping[str, Any],
        planned: Mapping[str, Mapping[str, Any]],
        unknown: Mapping[str, Any],
        locals_: Mapping[str, Any],
    ) -> None:
        """Take the plan, its known values and its marks of the unknown by address, and the root's locals."""
        self._planned = planned
        self._unknown = unknown
        self._locals = locals_
        self._variables = plan.get("variables") or {}
        self._scopes: dict[str, tuple[Scope, Mapping[str, Mapping[str, Any]]]] = {}
        self._add(Scope((plan.get("configuration") or {}).get("root_module") or {}))

    def _add(self, scope: Scope) -> None:
        self._scopes[scope.address] = (scope, scope.resources())
        for name, call in (scope.configuration.get("module_calls") or {}).items():
            self._add(
                Scope(
                    configuration=call.get("module") or {},
                    address=f"{scope.address}.module.{name}".lstrip("."),
                    parent=scope,
                    arguments=call.get("expressions") or {},
                    repeated=scope.repeated or "count_expression" in call or "for_each_expression" in call,
                )
            )

    def complete(self, address: str, module: str, values: Any, marks: Any) -> Any:
        """Return a resource's planned values with what is unknown resolved, or marked as `Unknown`."""
        scope, resource = self._configured(address, module)
        if scope is None or resource is None:
            return fill(values, marks)
        expressions = resource.get("expressions") or {}
        instance = INSTANCE.search(address)
        place = Place(scope, module, instance[0] if instance else "")
        return self._fill(values, marks, expressions, place)

    def configured(self, address: str, module: str, values: Mapping[str, Any]) -> frozenset[str]:
        """Return the arguments that the configuration sets; all of them where it does not tell."""
        _, resource = self._configured(address, module)
        return frozenset(values if resource is None else resource.get("expressions") or ())

    def _configured(self, address: str, module: str) -> tuple[Scope | None, Mapping[str, Any] | None]:
        scope, resources = self._scopes.get(without_indexes(module), (None, {}))
        return scope, resources.get(
            without_indexes(address.removeprefix(f"{module}.") if module else address)
        )

    def _fill(self, value: Any, marks: Any, expression: Any, place: Place) -> Any:
        if not marks:
            return value
        if marks is True:
            return self._expression(expression, place)
        if isinstance(marks, Mapping):
            members = value if isinstance(value, Mapping) else {}
            inner = alone(within(expression))
            return {
                key: Unknown(computed=True)
                if mark is True and isinstance(inner, Mapping) and key not in inner
                else self._fill(members.get(key), mark, member(inner, key), place)
                for key, mark in {**dict.fromkeys(members), **marks}.items()
            }
        inner = within(expression)
        return [
            self._fill(one, mark, element(inner, index, one, mark), place)
            for index, (one, mark) in enumerate(paired(value, marks))
        ]

    def _expression(self, expression: Any, place: Place) -> Any:
        """Return what an expression comes to: a value, a `Template`, or `Unknown`."""
        if not isinstance(expression, Mapping):
            return Unknown() if expression is None else self._text(expression, place)
        if "constant_value" in expression:
            return self._text(expression["constant_value"], place)
        return Unknown(referred(expression.get("references") or (), place.key))

    def _text(self, value: Any, place: Place) -> Any:
        """Return a constant of the JSON syntax, in which every string is a template, evaluated."""
        if isinstance(value, Mapping):
            return {key: self._text(item, place) for key, item in value.items()}
        if isinstance(value, list):
            return [self._text(item, place) for item in value]
        if not isinstance(value, str):
            return value
        parts = split(value)
        if parts is None:
            return Unknown()
        evaluated = [part if literal else self._reference(part, place) for literal, part in parts]
        if len(evaluated) == 1:
            return evaluated[0]
        unknown = [part for part in evaluated if isinstance(part, Unknown)]
        if unknown or any(isinstance(part, Mapping | list) for part in evaluated):
            return Unknown(
                tuple(dict.fromkeys(reference for part in unknown for reference in part.references))
            )
        text = "".join(as_text(part) for part in evaluated)
        return Template(text) if any(isinstance(part, Template) for part in evaluated) else text

    def _reference(self, expression: str, place: Place) -> Any:
        """Return what `${expression}` comes to; anything but a plain reference is `Unknown`."""
        expression = re.sub(r"\[(each\.key|count\.index)\]", lambda _: place.key or "[?]", expression)
        if expression in ("each.key", "count.index") and place.key:
            return json.loads(place.key)[0]
        if place.depth > DEPTH or not TRAVERSAL.fullmatch(expression):
            return Unknown()
        steps: list[str | int] = [
            int(index) if index else name or key for name, index, key in STEP.findall(expression)
        ]
        if steps[0] == "var" and len(steps) > 1:
            return self._variable(steps[1:], place)
        scope, deeper = place.scope, replace(place, depth=place.depth + 1)
        if steps[0] == "local" and len(steps) > 1 and scope.parent is None and steps[1] in self._locals:
            return descend(self._text(self._locals[str(steps[1])], replace(deeper, key="")), steps[2:])
        if steps[0] in ("local", "each", "count", "self", "path", "terraform", "module", "ephemeral"):
            return Unknown()
        return self._attribute(expression, steps, deeper)

    def _variable(self, steps: list[str | int], place: Place) -> Any:
        name, scope, module = str(steps[0]), place.scope, place.module
        if scope.parent is None:
            variable = self._variables.get(name)
            return Unknown() if variable is None else descend(variable.get("value"), steps[1:])
        if scope.repeated:
            return Unknown()
        outer = module.rpartition(".module.")[0] if ".module." in module else ""
        given = scope.arguments.get(name)
        if given is None:
            declared = (scope.configuration.get("variables") or {}).get(name, {})
            return descend(declared["default"], steps[1:]) if "default" in declared else Unknown()
        caller = Place(scope.parent, outer, depth=place.depth + 1)
        return descend(self._expression(given, caller), steps[1:])

    def _attribute(self, expression: str, steps: list[str | int], place: Place) -> Any:
        """Return an attribute of a resource: as planned, else by its own expression, else left in place."""
        data = steps[0] == "data"
        head, rest = ([*steps[1:3]], steps[3:]) if data else ([*steps[:2]], steps[2:])
        local = ".".join(["data"] * data + [str(step) for step in head])
        configured = self._scopes[place.scope.address][1].get(local)
        if configured is None or not rest:
            return Unknown()
        index = ""
        if "count_expression" in configured or "for_each_expression" in configured:
            index, rest = (f"[{rest[0]}]" if isinstance(rest[0], int) else f'["{rest[0]}"]'), rest[1:]
        address = ".".join(filter(None, (place.module, local))) + index
        known = self._planned.get(address)
        if known is None or not rest:
            return Unknown()
        marks = self._unknown.get(address) or {}
        value, mark = known.get(str(rest[0])), marks.get(str(rest[0]), False)
        if not mark:
            return descend(value, rest[1:])
        if data:
            return Unknown()
        given = (configured.get("expressions") or {}).get(str(rest[0]))
        if given is not None:
            completed = descend(self._fill(value, mark, given, replace(place, key=index)), rest[1:])
            if not isinstance(completed, Unknown):
                return completed
        return Template("${" + expression + "}") if mark is True else Unknown((expression,))


def fill(values: Any, marks: Any) -> Any:
    """Return planned values with every unknown one marked, where no expression is at hand."""
    if marks is True:
        return Unknown()
    if not marks:
        return values
    if isinstance(marks, Mapping):
        members = values if isinstance(values, Mapping) else {}
        return {key: fill(members.get(key), marks.get(key)) for key in {**members, **marks}}
    return [fill(one, mark) for one, mark in paired(values, marks)]


def paired(values: Any, marks: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return the elements of a planned list with the marks on them; either may be the shorter one."""
    elements = values if isinstance(values, list) else []
    return list(zip_longest(elements, marks))


def within(expression: Any) -> Any:
    """Return what a nested value's expression holds: blocks, or the members of a constant."""
    if isinstance(expression, Mapping) and "constant_value" in expression:
        return expression["constant_value"]
    if isinstance(expression, Mapping) and set(expression) == {"references"}:
        return None
    return expression


def alone(expression: Any) -> Any:
    """Return the one block of a list, or anything else as it is."""
    return expression[0] if isinstance(expression, list) and len(expression) == 1 else expression


def member(expression: Any, key: str) -> Any:
    """Return the expression of one argument or map element."""
    return expression.get(key) if isinstance(expression, Mapping) else None


def element(expression: Any, index: int, value: Any, mark: Any) -> Any:
    """Return the expression of one block or list element.

    A set of blocks is planned in another order than it is written in: a block is matched by what is
    known of it, and where that fits more than one, or none, there is no expression.
    """
    if isinstance(expression, Mapping):
        return expression if index == 0 else None
    if not isinstance(expression, list):
        return None
    if not isinstance(value, Mapping):
        return expression[index] if index < len(expression) else None
    fitting = [block for block in expression if isinstance(block, Mapping) and fits(block, value, mark)]
    return fitting[0] if fitting and all(block == fitting[0] for block in fitting) else None


def fits(block: Mapping[str, Any], value: Mapping[str, Any], mark: Any) -> bool:
    """Tell whether a written block can be the planned one: no plain constant of it is planned otherwise."""
    for name, expression in block.items():
        if (
            not isinstance(expression, Mapping)
            or "constant_value" not in expression
            or expression.get("references")
        ):
            continue
        constant = expression["constant_value"]
        if isinstance(mark, Mapping) and mark.get(name):
            continue
        if isinstance(constant, str | int | float | bool) and as_text(constant) != as_text(value.get(name)):
            return False
    return True


def descend(value: Any, steps: Sequence[str | int]) -> Any:
    """Follow the rest of a reference into a value; what is not there is `Unknown`."""
    for step in steps:
        if isinstance(value, Mapping) and str(step) in value:
            value = value[str(step)]
        elif isinstance(value, list) and str(step).isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return value if isinstance(value, Unknown) else Unknown()
    return value


def split(text: str) -> list[tuple[bool, str]] | None:
    """Split a template into literal texts (True) and interpolated expressions (False).

    Returns `None` for what is not just interpolation: directives, strip marks, unbalanced braces.
    https://developer.hashicorp.com/terraform/language/expressions/strings#string-templates
    """
    parts: list[tuple[bool, str]] = []
    literal = ""
    position = 0
    while position < len(text):
        if text.startswith(("$${", "%%{"), position):
            literal += text[position] + "{"
            position += 3
        elif text.startswith("%{", position) or text.startswith("${~", position):
            return None
        elif text.startswith("${", position):
            end = closing(text, position + 2)
            if end is None:
                return None
            if literal:
                parts.append((True, literal))
                literal = ""
            parts.append((False, text[position + 2 : end].strip()))
            position = end + 1
        else:
            literal += text[position]
            position += 1
    if literal or not parts:
        parts.append((True, literal))
    return parts


def closing(text: str, start: int) -> int | None:
    """Return where the brace that was opened before `start` closes; quotes are respected."""
    depth = 1
    quoted = False
    position = start
    while position < len(text):
        character = text[position]
        if quoted and character == "\\":
            position += 1
        elif character == '"':
            quoted = not quoted
        elif not quoted and character == "{":
            depth += 1
        elif not quoted and character == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return None


def as_text(value: Any) -> str:
    """Return a value as Terraform interpolates it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def without_indexes(address: str) -> str:
    """Return an address without the keys of count and for_each."""
    return re.sub(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]', "", address)


def referred(references: Sequence[str], key: str) -> tuple[str, ...]:
    """Return the attributes that an expression refers to; none unless all are of managed resources.

    The plan lists `a.b.c` together with `a.b`. For `a.b[each.key].c` it lists `a.b` and `each.key`: that
    means the instance of the same key as the one that refers to it.
    """
    own = [reference for reference in references if reference in ("each.key", "count.index")]
    others = [reference for reference in references if reference not in own]
    named = [
        reference
        for reference in dict.fromkeys(others)
        if not any(other.startswith((f"{reference}.", f"{reference}[")) for other in others)
    ]
    if any(reference.split(".", 1)[0] in UNMANAGED or "." not in reference for reference in named):
        return ()
    if own:
        return (f"{named[0]}{key}",) if key and len(named) == 1 and named[0].count(".") == 1 else ()
    return tuple(named)
