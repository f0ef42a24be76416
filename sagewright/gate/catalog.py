"""The catalogue of rules and the waivers from them, read strictly: what is not understood closes the gate."""

from __future__ import annotations

import datetime
import fnmatch
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from policies.plan.model import Change, Configured, Resource
from sagewright.gate.report import Mode, Severity
from sagewright.synth import Place

POLICIES = Path(__file__).resolve().parents[2] / "policies"
"""The policies that ship with Sagewright."""

Kind = Literal["builtin", "checkov", "plan"]
Where = Literal["all", "production", "protected"]
Text = Annotated[str, Field(min_length=10)]
TERRAFORM_TYPE = re.compile(r"[a-z0-9]+_[a-z0-9_]+|data\.[a-z0-9_]+")
WAIVED = re.compile(r"(.*\.)?[a-z0-9]+(_[a-z0-9]+)+\.[^.\[]*[A-Za-z0-9]{2}[^.\[]*(\[.*\])?")
"""A pattern that names a whole type and some of a name: `aws_ecr_repository.churn*`."""


class PolicyError(Exception):
    """The policies cannot be read; the text says where and what is right."""


class Strict(BaseModel):
    """What a file may say, and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def matches(pattern: str, address: str) -> bool:
    """Tell whether a pattern names an address; `*` stands for any characters."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), address) is not None


class Rule(Strict):
    """One rule of the catalogue."""

    id: str = Field(pattern=r"^(SW_[A-Z0-9]+(_[A-Z0-9]+)*|CKV2?_AWS_\d+)$")
    """`SW_…` for ours; checkov's own id for one of its built-in checks."""
    kind: Kind
    """`builtin`: in checkov; `checkov`: ours, in policies/checkov; `plan`: ours, in policies/plan."""
    title: str = Field(min_length=10, max_length=100)
    """What is so when all is well; lower case, no full stop."""
    severity: Severity
    environments: Where = "all"
    mode: Mode
    elsewhere: Mode | None = None
    """Its mode where neither production nor protected, if that is another."""
    override: Text | None = None
    """When to override it, for the mode `deny unless overridden`, and only for it."""
    subject: Literal["resource", "change", "configured"] = "resource"
    """What the rule is asked about: planned resources, changes (deletions too), or what is configured."""
    types: dict[str, str] | list[str] = Field(min_length=1)
    """Resource types that it is for, `*` allowed; a mapping gives the reason for each."""
    taggable: bool = False
    """Only resources that can carry tags (that have `tags_all`)."""
    reads: list[str] = []
    """Arguments that decide, for checkov: where one is unknown at plan, the result is unknown."""
    leaves_out: dict[str, Text] = {}
    """Types that the check of checkov is for as well and is not asked about, each with the reason."""
    why: Text
    mend: Text
    security_hub: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9]+\.\d+$")]] = []
    """Controls of AWS Security Hub that look for the same: `SageMaker.1`."""
    config_rules: list[Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)+$")]] = []
    """Rules of AWS Config that look for the same, by name: `sagemaker-model-in-vpc`."""
    references: list[Annotated[str, Field(pattern=r"^https://")]] = Field(min_length=1)

    @field_validator("types")
    @classmethod
    def _types_are_terraform_types(cls, types: dict[str, str] | list[str]) -> dict[str, str] | list[str]:
        for type_ in types:
            if not TERRAFORM_TYPE.fullmatch(type_.replace("*", "x")):
                raise ValueError(f"supply Terraform resource types such as aws_s3_bucket, got {type_!r}")
        return types

    @model_validator(mode="after")
    def _kind_fits(self) -> Rule:
        if (self.kind == "builtin") == self.id.startswith("SW_"):
            raise ValueError(f"kind {self.kind} does not fit the id {self.id}")
        if self.kind == "plan" and (self.reads or self.leaves_out):
            raise ValueError("reads and leaves_out are for checkov; a plan rule reads what it needs")
        if self.kind != "plan" and (self.subject != "resource" or self.taggable):
            raise ValueError("subject and taggable are for plan rules; checkov sees planned resources only")
        if self.overridable != (self.override is not None):
            raise ValueError(f"override says when, for mode 'deny unless overridden' only, got {self.mode!r}")
        return self

    @property
    def overridable(self) -> bool:
        """Whether an approver may open the gate for it."""
        return self.mode == "deny unless overridden"

    def applies(self, production: bool, protected: bool) -> bool:
        """Tell whether the rule is for an environment."""
        return {"all": True, "production": production, "protected": protected}[self.environments]

    def is_for(self, type_: str) -> bool:
        """Tell whether the rule is for resources of a type."""
        if type_ in self.types:
            return True
        return any("*" in pattern and fnmatch.fnmatchcase(type_, pattern) for pattern in self.types)

    def reason(self, type_: str) -> str:
        """Return why a type is listed, or nothing."""
        return self.types.get(type_, "") if isinstance(self.types, dict) else ""


class LeftOut(Strict):
    """A built-in check of checkov for one of our types that is left off, and why."""

    id: str = Field(pattern=r"^CKV2?_AWS_\d+$")
    reason: Text
    fails: list[str] = []
    """Addresses in the stacks of `prod` that stock checkov fails by it; `*` stands for any characters."""


class Catalog(Strict):
    """`policies/catalog.yaml`."""

    rules: list[Rule] = Field(min_length=1)
    left_out: list[LeftOut] = []

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Catalog:
        ids = [rule.id for rule in self.rules] + [check.id for check in self.left_out]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return self


class Standard(Strict):
    """A list of what AWS itself asks, as it was on a day."""

    name: str = Field(min_length=10)
    source: str = Field(pattern=r"^https://")
    """Where the list is published."""
    date: datetime.date
    """Day on which the list was taken from there."""
    controls: dict[str, Annotated[str, Field(pattern=r"^(|[A-Z].{15,}\.)$")]] = Field(min_length=1)
    """Every control, and why no rule of the catalogue names it; nothing where one does."""


class Standards(Strict):
    """`policies/standards.yaml`."""

    standards: list[Standard] = Field(min_length=1)


class Waiver(Strict):
    """One exception to one rule: for whom, why, by whom, and until when."""

    rule: str
    environments: list[str] = Field(min_length=1)
    """Environments that it holds for, by name."""
    stack: str = Field(min_length=1)
    """Stack that it is for, with or without the name of the environment before it."""
    address: str = ""
    """Terraform address; `*` stands for any characters."""
    path: str = Field(default="", alias="construct", pattern=r"^([^/*]+(/[^/*]+)*)?$")
    """Construct path in the stack, of a module or a resource, instead of an address: `churn_endpoint`."""
    reason: Text
    owner: str = Field(min_length=3)
    """Who answers for it: a team or a mail address."""
    ticket: str = Field(min_length=2)
    """Where it is followed up: a number or an address."""
    expires: datetime.date
    """Last day that it holds."""

    @field_validator("address")
    @classmethod
    def _address_names_something(cls, address: str) -> str:
        if "*" in address and not WAIVED.fullmatch(address):
            raise ValueError(f"name what is waived, its whole type and some of its name: got {address!r}")
        return address

    @model_validator(mode="after")
    def _it_is_for_one_thing(self) -> Waiver:
        if bool(self.address) == bool(self.path):
            got = f"{self.address!r} and {self.path!r}"
            raise ValueError(f"supply either an address or a construct, got {got}")
        return self

    @property
    def written(self) -> str:
        """Where it is written."""
        return "policies/waivers.yaml"

    def covers(self, rule: str, subject: Resource | Change | Configured, construct: str) -> bool:
        """Tell whether a result of a rule is waived; `construct` is the path of what it is about."""
        return rule == self.rule and self.stack_in({subject.stack}) and self.names(subject.address, construct)

    def names(self, address: str, construct: str) -> bool:
        """Tell whether an address, or the path of a construct, is meant."""
        if self.address:
            return matches(self.address, address)
        return f"{construct.partition('/')[2]}/".startswith(f"{self.path}/")

    def stack_in(self, stacks: set[str]) -> bool:
        """Tell whether the stack is among some, which begin with the environment's name."""
        return bool(stacks & {self.stack, *(f"{name}-{self.stack}" for name in self.environments)})

    def __str__(self) -> str:
        return f"{self.rule} for {self.address or self.path} in {self.stack}"


class NotedWaiver(Waiver):
    """A waiver that is written in code, by `waive` in modules/_core/waivers.py."""

    lines: list[str]
    """Where in Python, innermost first."""

    @property
    def written(self) -> str:
        """The line in Python."""
        return Place(construct=self.path, lines=tuple(self.lines)).line


class Waivers(Strict):
    """`policies/waivers.yaml`."""

    waivers: list[Waiver] = []


Document = TypeVar("Document", Catalog, Standards, Waivers)


def read_catalog(folder: Path) -> Catalog:
    """Read the catalogue of a policies folder; raises `PolicyError`, with all that is wrong at once."""
    return read(folder / "catalog.yaml", Catalog)


def read_standards(folder: Path, catalog: Catalog) -> list[tuple[Standard, dict[str, list[str]]]]:
    """Read what AWS asks, each list with the ids of the rules that name a control.

    Raises `PolicyError`, also for a control that neither a rule names nor a reason excuses, or both do.
    """
    path = folder / "standards.yaml"
    found: list[tuple[Standard, dict[str, list[str]]]] = []
    problems: list[str] = []
    for standard in read(path, Standards).standards:
        named: dict[str, list[str]] = {control: [] for control in standard.controls}
        for rule in catalog.rules:
            for control in (*rule.security_hub, *rule.config_rules):
                if control in named:
                    named[control].append(rule.id)
        for control, reason in standard.controls.items():
            if not named[control] and not reason:
                problems.append(f"{control}: supply a rule that names it, or a reason, got neither")
            if named[control] and reason:
                problems.append(f"{control}: supply no reason, as {', '.join(named[control])} name it")
        found.append((standard, named))
    if problems:
        raise PolicyError("\n".join(f"{path}: {problem}" for problem in problems))
    return found


def read_waivers(folder: Path, catalog: Catalog) -> list[Waiver]:
    """Read the waivers of a policies folder; raises `PolicyError`, also for a waiver of an unknown rule."""
    waivers = read(folder / "waivers.yaml", Waivers).waivers
    known = {rule.id for rule in catalog.rules}
    if unknown := sorted({waiver.rule for waiver in waivers} - known):
        raise PolicyError(f"{folder / 'waivers.yaml'}: no such rule: {', '.join(unknown)}")
    return waivers


def noted_waivers(
    notes: Iterable[Mapping[str, Any]], stack: str, environment: str, catalog: Catalog
) -> Iterator[Waiver]:
    """Yield the waivers that are written in a stack's code; raises `PolicyError` for one that is wrong."""
    known = {rule.id for rule in catalog.rules}
    for note in notes:
        construct = str(note.get("construct")).partition("/")[2]
        said = {**note, "construct": construct, "stack": stack, "environments": [environment]}
        try:
            waiver = NotedWaiver.model_validate_json(json.dumps(said))
        except ValidationError as error:
            lines = [problem(detail, said) for detail in error.errors(include_url=False)]
            raise PolicyError("\n".join(f"{stack}: waiver in code: {line}" for line in lines)) from None
        if waiver.rule not in known:
            raise PolicyError(f"{waiver.written}: no such rule: {waiver.rule}")
        yield waiver


def read(path: Path, kind: type[Document]) -> Document:
    """Read a YAML file into a document; raises `PolicyError` naming every wrong value and its place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: cannot be read: {error}") from None
    document: Document = understood(path, text, kind)
    return document


@functools.lru_cache(maxsize=4)
def understood(path: Path, text: str, kind: type[Document]) -> Document:
    """Return what the text of a file says, once for each text; raises as `read` does."""
    try:
        content: Any = yaml.load(text, Loader=UniqueKeys)
    except yaml.YAMLError as error:
        raise PolicyError(f"{path}: not YAML: {error}") from None
    if not isinstance(content, dict):
        raise PolicyError(f"{path}: supply a mapping, got {type(content).__name__}")
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = [problem(detail, content) for detail in error.errors(include_url=False)]
        raise PolicyError("\n".join(f"{path}: {line}" for line in lines)) from None


def problem(detail: Mapping[str, Any], content: Any) -> str:
    """Return one validation error as text: which entry, which key, what is wrong."""
    place = list(detail["loc"])
    names: list[str] = []
    for step in place:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            content = None
        name = content.get("id", content.get("rule")) if isinstance(content, dict) else None
        names.append(f"{step} ({name})" if isinstance(step, int) and name else str(step))
    got = (
        ""
        if detail["type"] == "missing" or isinstance(detail["input"], dict)
        else f", got {detail['input']!r}"
    )
    return f"{'.'.join(names) or 'document'}: {detail['msg'].removeprefix('Value error, ')}{got}"


class UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which the same key twice is an error instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; raises a YAML error for a key that is there twice."""
        keys = [key.value for key, _ in node.value]
        for key, (key_node, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is there twice", key_node.start_mark
                )
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping
