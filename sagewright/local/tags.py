"""Tags of every resource in the control plane; those of the resources that moto holds are moto's."""

from __future__ import annotations

from sagewright.local.control_plane import ControlPlane, Record, read_tags
from sagewright.local.kinds import FACTS, Members, kind
from sagewright.local.listing import paginate
from sagewright.local.refusal import Refused

MOST_TAGS = 50
DEFAULT_PAGE_LENGTH = 50


def _find(plane: ControlPlane, arn: str) -> Record | None:
    """Return the resource with an ARN, or `None` when its kind is moto's; raises `Refused`."""
    resource = arn.split(":", 5)[-1]
    of = next((name for name in FACTS if resource.startswith(f"{kind(name).arn_type}/")), None)
    return plane.get(of, arn) if of else None


def _add(plane: ControlPlane, request: Members) -> Members | None:
    record = _find(plane, request["ResourceArn"])
    if record is None:
        return None
    tags = record.tags | read_tags(request["Tags"])
    if len(tags) > MOST_TAGS:
        raise Refused(
            "ValidationException", f"A resource can have {MOST_TAGS} tags at most, got {len(tags)}."
        )
    record.tags = tags
    return {"Tags": _listed(tags)}


def _delete(plane: ControlPlane, request: Members) -> Members | None:
    record = _find(plane, request["ResourceArn"])
    if record is None:
        return None
    record.tags = {key: value for key, value in record.tags.items() if key not in request["TagKeys"]}
    return {}


def _list(plane: ControlPlane, request: Members) -> Members | None:
    record = _find(plane, request["ResourceArn"])
    if record is None:
        return None
    page, token = paginate(_listed(record.tags), request, DEFAULT_PAGE_LENGTH, lambda tag: [tag["Key"]])
    return {"Tags": page} | ({"NextToken": token} if token else {})


def _listed(tags: dict[str, str]) -> list[Members]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS = {"AddTags": _add, "DeleteTags": _delete, "ListTags": _list}
