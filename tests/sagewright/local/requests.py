"""Makes the smallest request that a service model allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagewright.local.service_models import ListShape, MapShape, Shape, StringShape, StructureShape
from sagewright.local.validation import scalar_constraints

_CANDIDATES = (
    *("churn", "1", "s3://data/key", "https://git.example/x", "/path", "text/csv", "2.16.2"),
    "arn:aws:sagemaker:eu-west-1:111122223333:workteam/private-crowd/churn",
    "arn:aws:sagemaker:eu-west-1:111122223333:human-task-ui/churn",
    "arn:aws:sagemaker:eu-west-1:111122223333:cluster/aaaaaaaaaaaa",
)


def minimal(shape: Shape, fixed: Mapping[str, Any]) -> Any:
    """Return the smallest value of a shape; `fixed` has values by the name of a shape."""
    if shape.name in fixed:
        return fixed[shape.name]
    if isinstance(shape, StructureShape):
        return {name: minimal(shape.members[name], fixed) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [minimal(shape.member, fixed)] * max(1, shape.metadata.get("min", 1))
    if isinstance(shape, MapShape):
        return {}
    if isinstance(shape, StringShape):
        return _string(shape)
    return {"boolean": True, "timestamp": 0}.get(shape.type_name, shape.metadata.get("min", 1))


def _string(shape: StringShape) -> str:
    if shape.enum:
        return str(shape.enum[0])
    constraints = [holds for _, holds in scalar_constraints(shape)]
    for candidate in _CANDIDATES:
        if all(holds(candidate) for holds in constraints):
            return candidate
    raise LookupError(f"add a candidate for {shape.name}: {shape.metadata}")
