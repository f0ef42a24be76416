"""What a plan rule sees: planned resources and changes, in which unknown values cannot be misread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

REFERENCE = re.compile(
    r"\$\{((?:module\.[\w-]+(?:\[[^\]]*\])?\.)*(?:data\.)?\w+\.[\w-]+)((?:\[[^\]]*\])?)([^}]*)\}"
)


class Template(str):
    """A text that Terraform completes at apply: what is known of it, with `${type.name.argument}` left in."""

    __slots__ = ()

    @property
    def references(self) -> tuple[str, ...]:
        """Addresses of the resources that the text refers to, in order."""
        return tuple(address + index for address, index, _ in REFERENCE.findall(self))


@dataclass(frozen=True)
class Unknown:
    """A value that Terraform will know only after apply, and that the configuration does not tell either."""

    references: tuple[str, ...] = ()
    """Addresses of the resources that the value will come from, where the plan names them."""
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


class Block(Mapping[str, Any]):
    """Arguments of a resource or of a nested block; reading an unknown one raises `Undecided`.

    A rule can therefore not mistake an unknown value for a missing one: it reads what it needs, and
    what it needs but cannot know becomes its result.
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

    def has(self, name: str) -> bool:
        """Tell whether an argument has a value, for which a reference to another resource is enough.

        Raises `Undecided` when it is unknown and refers to no resource.
        """
        value = self._values.get(name)
        if isinstance(value, Unknown):
            if value.references or value.computed:
                return not value.computed
            raise Undecided(self._at(name), self._address)
        return value not in (None, "", [], {})

    def references(self, name: str) -> tuple[str, ...]:
        """Return the addresses of the resources that an argument refers to, known or not."""
        value = self._values.get(name)
        return value.references if isinstance(value, (Template, Unknown)) else ()


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
    if isinstance(value, Unknown):
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

    @property
    def block(self) -> Block:
        """The resource's arguments, safe to read."""
        return Block(self.values, self.address)


@dataclass(frozen=True)
class Planned:
    """Every resource that the gated plans leave behind, all stacks together."""

    resources: tuple[Resource, ...]

    @cached_property
    def by_type(self) -> Mapping[str, Sequence[Resource]]:
        """The resources by type, in plan order."""
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return found

    def of(self, type_: str) -> Sequence[Resource]:
        """Return the planned resources of one type, in plan order."""
        return self.by_type.get(type_, ())

    def find(
        self, resource: Resource, argument: str, type_: str, name: str, block: Block | None = None
    ) -> Resource | None:
        """Return the resource of `type_` that an argument of `resource` means, by its argument `name`.

        By reference where the plan has one, else by equal value; `block` is the nested block that holds the
        argument, if any. Raises `Undecided` when the argument is unknown and refers to none.
        """
        block = resource.block if block is None else block
        references = block.references(argument)
        for candidate in self.of(type_):
            here = (candidate.stack, candidate.module) == (resource.stack, resource.module)
            if here and relative(candidate) in references:
                return candidate
        value = block.get(argument)
        if value is None:
            return None
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


Subject = TypeVar("Subject", Resource, Change)


def rule(
    id_: str,
) -> Callable[[Callable[[Subject, Planned], Finding]], Callable[[Subject, Planned], Finding]]:
    """Register a function as the rule `id_` of the catalogue.

    It is called once for every resource (or change, if the catalogue says `subject: change`) of the
    catalogue's types and returns a `Finding`. Reading an unknown value ends it with `unknown`; any other
    exception closes the gate.
    """

    def register(function: Callable[[Subject, Planned], Finding]) -> Callable[[Subject, Planned], Finding]:
        function.rule_id = id_  # type: ignore[attr-defined]
        return function

    return register
