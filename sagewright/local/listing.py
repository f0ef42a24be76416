"""Lists: filters, order and pages, read from the service model of each List operation."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sagewright.local.kinds import FACTS, Kind, Members
from sagewright.local.refusal import Refused
from sagewright.local.service_models import ListShape, StructureShape, service_model

if TYPE_CHECKING:
    from sagewright.local.control_plane import Record

T = TypeVar("T")

DEFAULT_PAGE_LENGTH = 10
"""Most List operations return ten when the request does not say: a client that does not paginate notices."""

_PLURALS = {"CodeRepository": "CodeRepositories"}
KINDS: Mapping[str, str] = {f"List{_PLURALS.get(of, f'{of}s')}": of for of in FACTS}
"""List operation → kind."""

_ASCENDING = frozenset(
    {
        *(
            "ListAlgorithms",
            "ListApps",
            "ListCodeRepositories",
            "ListModelPackageGroups",
            "ListModelPackages",
        ),
        *("ListNotebookInstances", "ListProjects", "ListSpaces", "ListUserProfiles", "ListWorkteams"),
    }
)
"""Operations whose documented default order is ascending; it is descending elsewhere."""
_BY_NAME = frozenset({"ListCodeRepositories", "ListNotebookInstances"})
"""Operations that sort by name by default; the others sort by time of creation."""

_NO_FILTER = ("MaxResults", "NextToken", "SortBy", "SortOrder")
_SUMMARY_NAMES = {
    "MonitoringJobDefinitionName": "JobDefinitionName",
    "MonitoringJobDefinitionArn": "JobDefinitionArn",
}
"""Summary member → description member, where they differ."""


def answer(operation: str, of: Kind, records: Sequence[Record], request: Members) -> Members:
    """Answer a List operation; raises `Refused`, and `NotImplementedError` for a filter that is not known."""
    output = service_model("sagemaker").operation_model(operation).output_shape
    assert output is not None
    result, shape = next((name, s) for name, s in output.members.items() if isinstance(s, ListShape))
    rows = [record.hidden | record.description() for record in records]
    for name, value in request.items():
        if name not in _NO_FILTER and value is not None:
            rows = list(filter(_filter(operation, of, name, value), rows))
    by = request.get("SortBy") or ("Name" if operation in _BY_NAME else "CreationTime")
    order = request.get("SortOrder") or ("Ascending" if operation in _ASCENDING else "Descending")
    member, descending = _sort_member(operation, of, by), order.lower() == "descending"
    page, token = paginate(
        rows, request, DEFAULT_PAGE_LENGTH, lambda row: position(row, member, of), descending=descending
    )
    return {result: [_summary(shape, row) for row in page]} | ({"NextToken": token} if token else {})


def position(row: Members, member: str, of: Kind) -> list[Any]:
    """Return where a description stands in a list that is sorted by a member; no two stand in one place."""
    value = row.get(member)
    return [value is not None, "" if value is None else value, row[of.arn_member]]


def paginate(
    rows: Iterable[T],
    request: Members,
    default_length: int,
    position_of: Callable[[T], list[Any]],
    *,
    descending: bool = False,
) -> tuple[list[T], str | None]:
    """Sort a list and cut one page out of it.

    The token has the position of the last row of a page, so that none is skipped when rows are deleted
    meanwhile. It is bound to the other parameters of the request.
    """
    query = json.dumps({name: value for name, value in request.items() if name not in _NO_FILTER[:2]})
    rows = sorted(rows, key=position_of, reverse=descending)
    if token := request.get("NextToken"):
        try:
            last, asked = json.loads(base64.urlsafe_b64decode(token))
        except (ValueError, TypeError, binascii.Error):
            asked = None
        if asked != query:
            raise Refused("ValidationException", "Invalid NextToken: it belongs to another request.")
        rows = [row for row in rows if (position_of(row) < last if descending else position_of(row) > last)]
    page = rows[: int(request.get("MaxResults") or default_length)]
    if len(page) == len(rows):
        return page, None
    following = json.dumps([position_of(page[-1]), query])
    return page, base64.urlsafe_b64encode(following.encode()).decode()


def _summary(shape: ListShape, row: Members) -> Any:
    assert isinstance(shape.member, StructureShape)
    names = {name: _SUMMARY_NAMES.get(name, name) for name in shape.member.members}
    return {name: row[shown] for name, shown in names.items() if shown in row}


def _filter(operation: str, of: Kind, name: str, value: Any) -> Callable[[Members], bool]:
    if found := re.fullmatch(r"(\w*?)(?:Time)?(Before|After)", name):
        member, earlier = _time_member(of, found.group(1)), found.group(2) == "Before"
        limit = _seconds(value)
        return lambda row: row[member] < limit if earlier else row[member] > limit
    if name.endswith("NameContains"):
        member = of.key[-1] if name == "NameContains" else name.removesuffix("Contains")
        return lambda row: value.lower() in str(row.get(member, "")).lower()
    member = name.removesuffix("Equals")
    member = of.status_member if member == "Status" else member
    if member not in (*of.description.members, *of.key):
        raise NotImplementedError(f"{operation} with {name}")
    return lambda row: _short(row.get(member)) == _short(value)


def _short(value: Any) -> Any:
    is_arn = isinstance(value, str) and value.startswith("arn:")
    return value.rpartition("/")[2] if is_arn else value


def _time_member(of: Kind, name: str) -> str:
    candidates = ("CreationTime", "CreateDate") if name.startswith("Creat") else ("LastModifiedTime",)
    return next(member for member in candidates if member in of.description.members)


def _seconds(value: Any) -> float:
    """Read a time stamp of a JSON request: a number, or ISO 8601."""
    if isinstance(value, str):
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    return float(value)


def _sort_member(operation: str, of: Kind, by: str) -> str:
    wanted = by.replace("_", "").lower()
    if wanted == "name":
        return of.key[-1]
    if wanted == "status":
        return of.status_member
    if wanted in ("creationtime", "createdate"):
        return _time_member(of, "Creation")
    for member in of.description.members:
        if member.lower() == wanted:
            return member
    raise NotImplementedError(f"{operation} sorted by {by}")
