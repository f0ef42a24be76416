"""Tags of every resource in the control plane; those of the resources that moto holds are moto's."""

from __future__ import annotations

from sagewright.local.control_plane import ControlPlane
from sagewright.local.kinds import Members
from sagewright.local.listing import paginate
from sagewright.local.refusal import Refused

MOST_TAGS = 50
DEFAULT_PAGE_LENGTH = 50


def _add(plane: ControlPlane, request: Members) -> Members | None:
    record = plane.by_arn(request["ResourceArn"])
    if record is None:
        return None
    tags = record.tags | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    if len(tags) > MOST_TAGS:
        raise Refused(
            "ValidationException", f"A resource can have {MOST_TAGS} tags at most, got {len(tags)}."
        )
    record.tags = tags
    return {"Tags": _listed(tags)}


def _delete(plane: ControlPlane, request: Members) -> Members | None:
    record = plane.by_arn(request["ResourceArn"])
    if record is None:
        return None
    record.tags = {key: value for key, value in record.tags.items() if key not in request["TagKeys"]}
    return {}


def _list(plane: ControlPlane, request: Members) -> Members | None:
    record = plane.by_arn(request["ResourceArn"])
    if record is None:
        return None
    page, token = paginate(_listed(record.tags), request, DEFAULT_PAGE_LENGTH)
    return {"Tags": page} | ({"NextToken": token} if token else {})


def _listed(tags: dict[str, str]) -> list[Members]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS = {"AddTags": _add, "DeleteTags": _delete, "ListTags": _list}
