"""What a plan rule sees: planned resources and changes, in which unknown values cannot be misread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

INTERPOLATION = re.compile(r"\$\{(\w+\.[\w-]+(?:\[[^\]]*\])?[^}]*)\}")
ADDRESS = re.compile(r'(\w+)\.[\w-]+(?:\[(?:\d+|"[^"]*")\])?')
IDENTIFIERS = ("arn", "bucket", "id", "key_id", "name", "target_key_arn", "target_key_id")
"""Attributes by which one resource names itself to another."""


class Template(str):
    """A text that Terraform completes at apply: what is known of it, with `${type.name.argument}` left in."""

    __slots__ = ()

    @property
    def references(self) -> tuple[str, ...]:
        """Attributes that the text refers to, in order: `aws_kms_key.data.arn`."""
        return tuple(INTERPOLATION.findall(self))


@dataclass(frozen=True)
class Unknown:
    """A value that Terraform will know only after apply, and that the configuration does not tell either."""

    references: tuple[str, ...] = ()
    """Attributes of the resources that the value will come from, where the plan names them all."""
    computed: bool = False
    """Not configured at all: AWS chooses the value."""


class Undecided(Exception):
    """A rule needs a value that is unknown; the result of the rule is `unknown`."""

    def __init__(self, path: str, address: str = "") -> None:
        super().__init__(f"{address}: {path}" if address else path)
        self.path = path
        self.address = address
        """Resource that the value is of."""

    def told_to(self, address: str) -> str:
        """Return what is unknown, for a reader who looks at the resource of that address."""
        what = self.path if self.address in ("", address) else f"{self.path} of {self.address}"
        return f"{what} is known only after apply"


class Unanswered(Undecided):
    """A rule needs what only AWS can tell, and AWS was not asked, or did not tell."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what)
        self.why = why
        """In AWS's own words, if it said any."""

    def told_to(self, address: str) -> str:
        """Return what is not known, and why, whatever resource the reader looks at."""
        return f"{self.path} is not known: {self.why}"


def resource_of(reference: str) -> str:
    """Return the resource that a reference means: `aws_kms_key.data.arn` is of `aws_kms_key.data`."""
    address = ADDRESS.match(reference)
    return address[0] if address else reference


def identifies(reference: str, *types: str) -> bool:
    """Tell whether a reference is the ARN, id or name of a resource of some types; `aws_*` is any of AWS."""
    address = resource_of(reference)
    type_, _, _ = address.partition(".")
    attribute = reference.removeprefix(address).removeprefix(".")
    return attribute in IDENTIFIERS and (type_ in types or ("aws_*" in types and type_.startswith("aws_")))


def stands_for(value: Template | Unknown, *types: str) -> bool:
    """Tell whether a value that is not known yet is nothing but the ARN, id or name of a resource."""
    if isinstance(value, Template) and [f"${{{reference}}}" for reference in value.references] != [value]:
        return False
    return bool(value.references) and all(identifies(reference, *types) for reference in value.references)


class Block(Mapping[str, Any]):
    """Arguments of a resource or of a nested block; reading an unknown one raises `Undecided`.

    A rule can therefore not mistake an unknown value for a missing one: it reads what it needs, and
    what it needs but cannot know becomes its result. A text of which parts are unknown is one, too,
    unless it is read by `text`.
    """

    def __init__(self, values: Mapping[str, Any], address: str = "", path: str = "") -> None:
        self._values = values
        self._address = address
        self._path = path

    def __getitem__(self, name: str) -> Any:
        return view(self._values[name], self._address, self._at(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Block({self._address} {self._path})"

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def blocks(self, name: str) -> Sequence[Block]:
        """Return the nested blocks of one name; none is an empty sequence.

        Raises `Undecided` when the number of blocks is unknown.
        """
        return self.get(name) or ()

    def computed(self, name: str) -> bool:
        """Tell whether an argument is not configured and its value is left to AWS."""
        value = self._values.get(name)
        return isinstance(value, Unknown) and value.computed

    def text(self, name: str) -> Any:
        """Return an argument in which `${type.name.argument}` may be left, as a `Template`."""
        value = self._values.get(name)
        return value if isinstance(value, Template) else self.get(name)

    def literal(self, name: str, *types: str) -> str:
        """Return an argument as a text, without the ARNs, ids and names of resources of `types` in it.

        Raises `Undecided` when anything else in it is unknown.
        """
        value = self._values.get(name)
        if isinstance(value, Template) and all(identifies(one, *types) for one in value.references):
            return INTERPOLATION.sub("", value)
        return "" if isinstance(value, Unknown) and self.has(name, *types) else str(self.get(name) or "")

    def has(self, name: str, *types: str) -> bool:
        """Tell whether an argument has a value; the ARN, id or name of a resource of `types` is one.

        Raises `Undecided` when it is unknown and comes from anything else.
        """
        value = self._values.get(name)
        if isinstance(value, Unknown) and value.computed:
            return False
        values = value if isinstance(value, list) else [value]
        for one in values:
            if isinstance(one, (Template, Unknown)) and not stands_for(one, *types):
                raise Undecided(self._at(name), self._address)
        return any(one not in (None, "", {}) for one in values)

    def known(self, name: str) -> list[Any]:
        """Return what is known already of an argument or its list."""
        value = self._values.get(name)
        values = value if isinstance(value, list) else [value]
        return [one for one in values if one is not None and not isinstance(one, (Template, Unknown))]

    def references(self, name: str) -> tuple[str, ...]:
        """Return the addresses of the resources that an argument refers to, known or not."""
        value = self._values.get(name)
        return tuple(map(resource_of, value.references)) if isinstance(value, (Template, Unknown)) else ()


def nested(block: Block, *names: str) -> Iterator[Block]:
    """Yield the blocks at the end of a way through nested ones; where AWS chooses a block, there is none.

    Raises `Undecided` when the number of blocks on the way is unknown.
    """
    if not names:
        yield block
    elif not block.computed(names[0]):
        for inner in block.blocks(names[0]):
            yield from nested(inner, *names[1:])


class Items(Sequence[Any]):
    """A list in which reading an unknown element raises `Undecided`."""

    def __init__(self, values: Sequence[Any], address: str, path: str) -> None:
        self._values = values
        self._address = address
        self._path = path

    def __getitem__(self, index: Any) -> Any:
        return view(self._values[index], self._address, f"{self._path}[{index}]")

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Items({self._address} {self._path})"


def view(value: Any, address: str, path: str) -> Any:
    """Wrap a planned value so that unknown parts of it cannot be read; raises `Undecided` on one."""
    if isinstance(value, (Template, Unknown)):
        raise Undecided(path, address)
    if isinstance(value, Mapping):
        return Block(value, address, path)
    if isinstance(value, (list, tuple)):
        return Items(value, address, path)
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What a plan does to one object: an element of `resource_changes`."""

    stack: str
    address: str
    type: str
    actions: tuple[str, ...]
    """Terraform's words: `no-op`, `read`, `create`, `update`, `delete`, `forget`; two for a replacement."""
    deposed: str = ""
    """Key of the left-over object that is meant, when it is not the current one."""
    replace_paths: tuple[str, ...] = ()
    """Arguments that force the replacement."""
    action_reason: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)

    @property
    def touched(self) -> bool:
        """Whether applying the plan does anything to the object."""
        return self.actions not in (("no-op",), ("read",))

    @property
    def removes(self) -> bool:
        """Whether the object of now is deleted, replaced or dropped from the state."""
        return "delete" in self.actions or "forget" in self.actions


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A managed resource as it will be after apply."""

    stack: str
    address: str
    type: str
    name: str
    module: str
    """Address of the module that it is in; empty for the root module."""
    values: Mapping[str, Any]
    """Planned values; what the plan does not know is filled from the configuration, or `Unknown`."""
    change: Change
    configured: frozenset[str] = frozenset()
    """Arguments that the configuration sets; a `dynamic` block is not told. The rest is left to AWS."""

    @property
    def touched(self) -> bool:
        """Whether applying the plan does anything to the resource."""
        return self.change.touched

    @property
    def block(self) -> Block:
        """The resource's arguments, safe to read."""
        return Block(self.values, self.address)


@dataclass(frozen=True, kw_only=True, slots=True)
class Configured:
    """A resource or data source as the configuration writes it, of which there may be many or none."""

    stack: str
    address: str
    type: str
    """With `data.` before it for a data source."""
    provisioners: tuple[str, ...] = ()
    """Programs that Terraform runs beside the provider: `local-exec`, `remote-exec`, `file`."""

    @property
    def touched(self) -> bool:
        """Whether applying the plan does anything with it; that is not told."""
        return True


Registry = Callable[[str], str]
"""Returns the approval status of a version of a model by its ARN; raises `Unanswered`."""


def nobody(arn: str) -> str:
    """Stand for a registry where a plan is judged without AWS."""
    raise Unanswered(f"the approval of {arn}", "the registry was not asked")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one environment allows: facts of its file, and its section `policy`."""

    account_id: str = ""
    """The environment's own account."""
    log_retention_days: int = 365
    """Days for which logs must be kept at least."""
    trusted_account_ids: tuple[str, ...] = ()
    """Other accounts that may be let in."""
    image_account_ids: tuple[str, ...] = ()
    """Other accounts whose repositories images may come from."""
    endpoint_instance_types: tuple[str, ...] = ()
    """Types that endpoints may run on; any without an accelerator where there is none."""
    accelerated_instance_types: tuple[str, ...] = ()
    """Types with a GPU or another accelerator that may be used at all."""
    inexpensive_instance_families: tuple[str, ...] = ("c5", "c6i", "c7i", "m5", "m6i", "m7i", "t2", "t3")
    """Families that notebooks, apps and processing jobs may run on."""
    serverless_max_concurrency: int = 50
    """Most requests that a serverless variant may answer at once."""
    traffic_shift_percent: int = 50
    """Most traffic of an endpoint that one change may move between variants."""


DEFAULTS = Limits()
"""What is allowed where an environment's file says nothing."""


@dataclass(frozen=True)
class Planned:
    """Every resource that the gated plans leave behind, all stacks together."""

    resources: tuple[Resource, ...]
    changes: tuple[Change, ...] = ()
    """What the plans do, deletions too."""
    aws_keys: frozenset[str] = frozenset()
    """Ids and ARNs of keys that data sources show to be AWS's own."""
    registry: Registry = nobody
    """The one thing beyond the plans and the environment's file that a rule may ask for."""
    limits: Limits = DEFAULTS
    """What the environment allows."""

    @cached_property
    def by_type(self) -> Mapping[str, Sequence[Resource]]:
        """The resources by type, in plan order."""
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return found

    @cached_property
    def by_place(self) -> Mapping[tuple[str, str, str], Sequence[Resource]]:
        """The resources by stack, module and type, in plan order."""
        found: dict[tuple[str, str, str], list[Resource]] = {}
        for resource in self.resources:
            found.setdefault((resource.stack, resource.module, resource.type), []).append(resource)
        return found

    def of(self, type_: str) -> Sequence[Resource]:
        """Return the planned resources of one type, in plan order."""
        return self.by_type.get(type_, ())

    @cached_property
    def _by_value(self) -> dict[tuple[str, str], dict[Any, list[Resource]]]:
        return {}

    def having(self, type_: str, argument: str, value: Any) -> Iterator[Resource]:
        """Yield the resources of one type whose argument is a value, and those of which that is not known."""
        groups = self._by_value.get((type_, argument))
        if groups is None:
            groups = self._by_value[type_, argument] = {}
            for resource in self.of(type_):
                found = resource.values.get(argument)
                known = isinstance(found, str) and not isinstance(found, Template)
                groups.setdefault(found if known else None, []).append(resource)
        known = isinstance(value, str) and not isinstance(value, Template)
        for key, group in groups.items():
            if not known or key in (None, value):
                yield from group

    def find(
        self, resource: Resource, argument: str, type_: str, name: str, block: Block | None = None
    ) -> Resource | None:
        """Return the resource of `type_` that an argument of `resource` means, by its argument `name`.

        By reference where the plan has one, else by equal value; `block` is the nested block that holds the
        argument, if any. Raises `Undecided` when the argument is unknown and refers to none.
        """
        block = resource.block if block is None else block
        references = block.references(argument)
        beside = self.by_place.get((resource.stack, resource.module, type_), ())
        for candidate in beside if references else ():
            if relative(candidate) in references:
                return candidate
        value = block.text(argument)
        if value is None:
            return None
        if isinstance(value, Template):
            for candidate in beside:
                if candidate.values.get(name) == value:
                    return candidate
            return block[argument]  # type: ignore[no-any-return]
        return next((found for found in self.of(type_) if found.values.get(name) == value), None)


def relative(resource: Resource) -> str:
    """Return a resource's address within its module, as a reference in that module writes it."""
    return resource.address.removeprefix(f"{resource.module}.") if resource.module else resource.address


State = Literal["pass", "fail"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a rule found on one resource."""

    state: State
    message: str
    """What is so, with the argument and its value; lower case, no full stop."""


def passed(message: str = "") -> Finding:
    """Return the finding of a resource that is as it should be."""
    return Finding(state="pass", message=message)


def failed(message: str) -> Finding:
    """Return the finding of a resource that is not as it should be; `message` names argument and value."""
    return Finding(state="fail", message=message)


Item = TypeVar("Item")


def judged(items: Iterable[Item], problem: Callable[[Item], str]) -> Finding:
    """Ask for the problem of each item: the first one fails, and what is undecided counts if none does."""
    undecided: Undecided | None = None
    for item in items:
        try:
            if said := problem(item):
                return failed(said)
        except Undecided as error:
            undecided = undecided or error
    if undecided:
        raise undecided
    return passed()


Subject = TypeVar("Subject", Resource, Change, Configured)


def rule(
    id_: str,
) -> Callable[[Callable[[Subject, Planned], Finding]], Callable[[Subject, Planned], Finding]]:
    """Register a function as the rule `id_` of the catalogue.

    It is called once for every resource of the catalogue's types (or every change or configured resource, if
    the catalogue says `subject: change` or `subject: configured`) and returns a `Finding`. Reading an unknown
    value ends it with `unknown`; any other exception closes the gate.
    """

    def register(function: Callable[[Subject, Planned], Finding]) -> Callable[[Subject, Planned], Finding]:
        function.rule_id = id_  # type: ignore[attr-defined]
        return function

    return register
