"""The SageMaker control plane: create, describe, update, delete, list and tag every kind of `kinds.FACTS`.

This is what all kinds share; what a kind does beyond it is in its `Hooks`.
"""

from __future__ import annotations

import copy
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from moto.moto_api._internal.managed_state_model import ManagedState
from moto.utilities.utils import get_partition

from sagewright.local import listing, references
from sagewright.local.kinds import FACTS, Kind, Members, hexadecimal, kind
from sagewright.local.refusal import Refused
from sagewright.local.service_models import service_model

Key = tuple[str, ...]

_TIMES_OF_CREATION = ("CreationTime", "LastModifiedTime", "CreateDate", "LastUpdatedDate")
_TIMES_OF_UPDATE = ("LastModifiedTime", "LastUpdatedDate")


@dataclass(slots=True)
class Record:
    """One resource."""

    kind: Kind
    key: Key
    members: Members
    """What Describe shows, but for the status."""
    tags: dict[str, str]
    hidden: Members = field(default_factory=dict)
    """What the request held and Describe does not show, and what the hooks keep."""
    transitions: int = 0
    """How often a creation or an update began."""
    _state: ManagedState | None = None
    _settled_status: str = ""
    _then: Callable[[], None] | None = None

    @property
    def arn(self) -> str:
        """Amazon Resource Name."""
        return str(self.members[self.kind.arn_member])

    @property
    def name(self) -> str:
        """Last part of the key: what a person calls it."""
        return self.key[-1]

    @property
    def status(self) -> str | None:
        """Current status."""
        return self.settle()

    def settle(self) -> str | None:
        """Let a transition that is due take place; return the status then."""
        if self._state is None:
            return None
        status = self._state.status
        if status == self._settled_status and self._then:
            then, self._then = self._then, None
            then()
        return status

    @property
    def in_progress(self) -> bool:
        """Whether a creation or an update has not settled yet."""
        return self.status != (self._settled_status or None)

    def begin(self, during: str, settled: str, then: Callable[[], None] | None = None) -> None:
        """Enter one status that settles in another, and do something then.

        It settles at once, unless moto's state transition API says otherwise for `sagemaker::<kind>`:
        https://docs.getmoto.org/en/latest/docs/configuration/state_transition/index.html.
        """
        name = self.kind.arn_type.partition("/")[0].replace("-", "_")
        self._state = ManagedState(f"sagemaker::{name}", [(during, settled)])
        self._settled_status = settled
        self._then = then
        self.transitions += 1
        self.settle()

    def described(self) -> None:
        """Count one description: moto's "manual" transitions wait for a number of them."""
        if self._state is not None:
            self._state.advance()

    def description(self) -> Members:
        """Return what Describe answers: all members of its shape that have a value."""
        status = self.status
        members = self.members | ({self.kind.status_member: status} if status else {})
        return {
            name: members[name] for name in self.kind.description.members if members.get(name) is not None
        }


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What a kind does beyond what all kinds do. Each may refuse by raising `Refused`."""

    creating: Callable[[ControlPlane, Members], None] = _nothing
    """Checks the request, and adds to it what the key needs."""
    created: Callable[[ControlPlane, Record], None] = _nothing
    describing: Callable[[ControlPlane, Record, Members], None] = _nothing
    """Changes what is shown."""
    updating: Callable[[ControlPlane, Record, Members], None] = _nothing
    """Takes from the request what it handles itself."""
    deleting: Callable[[ControlPlane, Record], None] = _nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Behaviour:
    """All hooks by kind, and the operations that are no verb on a kind."""

    hooks: Mapping[str, Hooks]
    operations: Mapping[str, Callable[[ControlPlane, Members], Members | None]]
    """Those that answer `None` leave the answer to moto."""


class ControlPlane:
    """SageMaker in one account and region."""

    def __init__(self, account_id: str, region: str, behaviour: Behaviour) -> None:
        self.account_id = account_id
        self.region = region
        self._behaviour = behaviour
        self._records: dict[str, dict[Key, Record]] = {}
        self._by_token: dict[tuple[str, str], tuple[Members, Record]] = {}
        self._lock = threading.RLock()
        self._verbs = {
            "Create": self._create,
            "Describe": self._describe,
            "Update": self._update,
            "Delete": self._delete,
            "List": self._list,
            "Stop": self._stop,
            "Start": self._start,
        }

    def answer(self, operation: str, request: Members) -> Members | None:
        """Answer a request that the service model allows, or return `None` where moto is to answer.

        Raises `Refused` when AWS would refuse it, and `NotImplementedError` when it cannot be answered truly.
        """
        with self.settled():
            references.check(self, operation, request)
            if operation in self._behaviour.operations:
                return self._behaviour.operations[operation](self, request)
            verb, of = _verb(operation)
            if verb not in self._verbs:
                return None
            return self._verbs[verb](operation, of, request)

    @contextmanager
    def settled(self) -> Iterator[ControlPlane]:
        """Let all transitions that are due take place, and let nobody else change anything meanwhile."""
        with self._lock:
            for record in self._all():
                record.settle()
            yield self

    def records(self, of: str) -> list[Record]:
        """Return all resources of a kind, oldest first."""
        return list(self._records.get(of, {}).values())

    def find(self, of: str, *key: str) -> Record | None:
        """Return the resource with this key, or with the ARN in its last part, or `None`."""
        if key[-1].startswith("arn:"):
            return next((record for record in self.records(of) if record.arn == key[-1]), None)
        return self._records.get(of, {}).get(_comparable(kind(of), key))

    def get(self, of: str, *key: str) -> Record:
        """Return the resource with this key; raises `Refused` as Describe of that kind does."""
        record = self.find(of, *key)
        if record is None:
            found = kind(of)
            name = key[-1].rpartition("/")[2]
            message = found.facts.missing.format(kind=of, name=name, arn=self.arn(found, *key))
            raise Refused(found.missing_code, message)
        return record

    def by_arn(self, arn: str) -> Record | None:
        """Return the resource with this ARN, or `None`."""
        return next((record for record in self._all() if record.arn == arn), None)

    def of_request(self, of: str, request: Members) -> Record:
        """Return the resource that a request names."""
        return self.get(of, *_key(kind(of), request))

    def arn(self, of: Kind, *key: str) -> str:
        """Build the ARN of a resource."""
        if key[-1].startswith("arn:"):
            return key[-1]
        resource = "/".join((of.arn_type, *key))
        resource = resource.lower() if of.facts.arn_in_lower_case else resource
        return f"arn:{get_partition(self.region)}:sagemaker:{self.region}:{self.account_id}:{resource}"

    def delete(self, record: Record) -> None:
        """Remove a resource without further checks."""
        del self._records[record.kind.name][_comparable(record.kind, record.key)]

    def _all(self) -> Iterator[Record]:
        for records in list(self._records.values()):
            yield from list(records.values())

    def _create(self, operation: str, of: str, request: Members) -> Members:
        found, hooks = kind(of), self._behaviour.hooks.get(of, Hooks())
        if made := self._made_before(of, request):
            return _answer(operation, made)
        asked, request = request, copy.deepcopy(request)
        tags = read_tags(request.pop("Tags", None) or [])
        hooks.creating(self, request)
        members, hidden = self._new_members(found, request)
        if found.arn_member in found.key:
            members.setdefault(found.arn_member, self.arn(found, hexadecimal(12)))
        key = _key(found, members | hidden)
        members.setdefault(found.arn_member, self.arn(found, *key))
        if found.facts.parent:
            parent = kind(found.facts.parent)
            self.of_request(parent.name, members | hidden)
        if self.find(of, *key) or self.by_arn(members[found.arn_member]):
            message = found.facts.taken.format(kind=of, arn=members[found.arn_member], name=key[-1])
            raise Refused(found.taken_code, message)
        record = Record(found, key, members, tags, hidden)
        if found.created and found.status_member not in members:
            record.begin(*found.created)
        hooks.created(self, record)
        _refuse_to_pretend(record)
        self._records.setdefault(of, {})[_comparable(found, key)] = record
        if token := asked.get("ClientToken"):
            self._by_token[of, token] = (asked, record)
        return _answer(operation, record)

    def _made_before(self, of: str, request: Members) -> Record | None:
        """Return the resource that the same request with the same token made, while it is there."""
        asked, made = self._by_token.get((of, request.get("ClientToken", "")), (None, None))
        if made is None or self.find(of, *made.key) is not made:
            return None
        if asked != request:
            message = f"ClientToken {request['ClientToken']} was used with other parameters."
            raise Refused("ValidationException", message)
        return made

    def _new_members(self, found: Kind, request: Members) -> tuple[Members, Members]:
        now = time.time()
        members = {name: now for name in _TIMES_OF_CREATION if name in found.description.members}
        members |= copy.deepcopy(dict(found.facts.defaults))
        hidden: Members = {}
        for name, value in request.items():
            shown = found.facts.renamed.get(name, name)
            (members if shown in found.description.members else hidden)[shown] = value
        for name, make in found.facts.generated.items():
            members[name] = make(members)
        return members, hidden

    def _describe(self, operation: str, of: str, request: Members) -> Members:
        record = self.of_request(of, request)
        record.described()
        description = record.description()
        self._behaviour.hooks.get(of, Hooks()).describing(self, record, description)
        return {record.kind.wrapper: description} if record.kind.wrapper else description

    def _update(self, operation: str, of: str, request: Members) -> Members:
        record, found = self.of_request(of, request), kind(of)
        request, transitions = copy.deepcopy(request), record.transitions
        self._behaviour.hooks.get(of, Hooks()).updating(self, record, request)
        for name, value in request.items():
            self._change(operation, record, name, value)
        for name in _TIMES_OF_UPDATE:
            if name in found.description.members:
                record.members[name] = time.time()
        if found.updated and record.transitions == transitions:
            record.begin(*found.updated)
        return _answer(operation, record)

    def _change(self, operation: str, record: Record, name: str, value: object) -> None:
        facts, members = record.kind.facts, record.members
        shown = facts.renamed.get(name, name)
        if name in ("DeleteProperties", "PropertiesToRemove") and isinstance(value, list):
            within = members if name == "DeleteProperties" else members.get("Properties", {})
            for property_name in value:
                within.pop(property_name, None)
        elif name == "Tags" and isinstance(value, list):
            record.tags |= read_tags(value)
        elif name in ("ClientToken", *record.kind.key):
            return
        elif shown not in record.kind.description.members:
            raise NotImplementedError(f"{operation} with {name}")
        elif shown in facts.merged and isinstance(value, dict):
            members[shown] = members.get(shown, {}) | value
        else:
            members[shown] = value

    def _delete(self, operation: str, of: str, request: Members) -> Members:
        record = self.of_request(of, request)
        self.refuse_children(record)
        self._behaviour.hooks.get(of, Hooks()).deleting(self, record)
        self.delete(record)
        return {}

    def refuse_children(self, record: Record) -> None:
        """Raise `Refused` if others depend on a resource."""
        of = record.kind.name
        for child_kind in (name for name, facts in FACTS.items() if facts.parent == of):
            named = [child.members.get(record.kind.key[-1]) for child in self.records(child_kind)]
            if FACTS[child_kind].blocks_parent and record.name in named:
                raise in_use(record, child_kind)

    def _list(self, operation: str, of: str, request: Members) -> Members:
        return listing.answer(operation, kind(of), self.records(of), request)

    def _stop(self, operation: str, of: str, request: Members) -> Members:
        self.of_request(of, request).begin("Stopping", "Stopped")
        return {}

    def _start(self, operation: str, of: str, request: Members) -> Members:
        record = self.of_request(of, request)
        settled = record.kind.status("Started", "InService", "Scheduled")
        assert settled is not None
        record.begin(record.kind.status("Starting", "Pending") or settled, settled)
        return {}


def read_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags by key; raises `Refused` for a key that comes twice, or that AWS keeps for itself."""
    for key, count in Counter(tag["Key"] for tag in tags).items():
        if count > 1:
            raise Refused("ValidationException", f"Duplicate tag key: {key}")
        if key.lower().startswith("aws:"):
            message = f'Tag keys cannot start with "aws:", which is reserved for AWS use, got {key}.'
            raise Refused("ValidationException", message)
    return {tag["Key"]: tag["Value"] for tag in tags}


def in_use(record: Record, child_kind: str) -> Refused:
    """Return the refusal to delete what others depend on."""
    what = f"{record.kind.name} [{record.name}]"
    message = f"Unable to delete {what} because it has {child_kind}(s) associated with it."
    return Refused("ResourceInUse", message)


def _verb(operation: str) -> tuple[str, str]:
    """Split an operation into verb and kind; without a verb where the kind is not in `FACTS`."""
    verb = re.match("[A-Z][a-z]+", operation)
    assert verb is not None
    of = listing.KINDS.get(operation, "") if verb[0] == "List" else operation[verb.end() :]
    return (verb[0], of) if of in FACTS else ("", "")


def _key(of: Kind, members: Members) -> Key:
    parts = (next((members[name] for name in part.split("|") if members.get(name)), "") for part in of.key)
    return tuple(str(part) for part in parts)


def _comparable(of: Kind, key: Key) -> Key:
    return tuple(part.lower() for part in key) if of.facts.any_case else key


def _answer(operation: str, record: Record) -> Members:
    shape = service_model("sagemaker").operation_model(operation).output_shape
    if shape is None:
        return {}
    if record.kind.wrapper in shape.members:
        return {record.kind.wrapper: record.description()}
    return {name: record.members[name] for name in shape.members if name in record.members}


def _refuse_to_pretend(record: Record) -> None:
    """Raise when Describe could not show all that it must show: the kind needs a hook then."""
    missing = set(record.kind.description.required_members) - set(record.description())
    if missing:
        raise NotImplementedError(f"{record.kind.name} without {', '.join(sorted(missing))}")
