"""Search over the kinds of the control plane; over experiments, pipelines and jobs it is moto's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sagewright.local.control_plane import ControlPlane, Record
from sagewright.local.kinds import FACTS, Members
from sagewright.local.listing import paginate, position
from sagewright.local.refusal import Refused
from sagewright.local.service_models import StructureShape, service_model

DEFAULT_PAGE_LENGTH = 10

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda actual, wanted: str(actual) == wanted,
    "NotEquals": lambda actual, wanted: str(actual) != wanted,
    "Contains": lambda actual, wanted: wanted in str(actual or ""),
    "Exists": lambda actual, _: actual is not None,
    "NotExists": lambda actual, _: actual is None,
    "In": lambda actual, wanted: str(actual) in wanted.split(","),
}


def _search(plane: ControlPlane, request: Members) -> Members | None:
    of = request["Resource"]
    if of not in FACTS:
        return None
    expression = request.get("SearchExpression") or {}
    records = [record for record in plane.records(of) if _matches(record, expression)]
    by, descending = request.get("SortBy", "LastModifiedTime"), request.get("SortOrder") != "Ascending"
    page, token = paginate(
        records,
        request,
        DEFAULT_PAGE_LENGTH,
        lambda record: position(record.description(), by, record.kind),
        descending=descending,
    )
    return {"Results": [{of: _shown(of, record)} for record in page]} | (
        {"NextToken": token} if token else {}
    )


def _shown(of: str, record: Record) -> Members:
    result = service_model("sagemaker").shape_for("SearchRecord")
    assert isinstance(result, StructureShape)
    shape = result.members[of]
    assert isinstance(shape, StructureShape)
    tags = [{"Key": key, "Value": value} for key, value in record.tags.items()]
    described = record.description() | {"Tags": tags}
    return {name: described[name] for name in shape.members if name in described}


def _matches(record: Record, expression: Members) -> bool:
    if expression.get("NestedFilters"):
        raise NotImplementedError("Search with NestedFilters")
    outcomes = [
        *(_passes(record, each) for each in expression.get("Filters") or []),
        *(_matches(record, each) for each in expression.get("SubExpressions") or []),
    ]
    return any(outcomes) if expression.get("Operator") == "Or" else all(outcomes)


def _passes(record: Record, wanted: Members) -> bool:
    name, operator = wanted["Name"], wanted.get("Operator", "Equals")
    if operator not in _OPERATORS:
        raise NotImplementedError(f"Search with the operator {operator}")
    if name.startswith("Tags."):
        actual: Any = record.tags.get(name.removeprefix("Tags."))
    elif name in record.kind.description.members:
        actual = record.description().get(name)
    else:
        raise Refused("ValidationException", f"Unknown property name: {name}")
    return _OPERATORS[operator](actual, wanted.get("Value", ""))


OPERATIONS = {"Search": _search}
