"""Reading a plan, and refusing what is none, is not whole, or is another's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.plan.model import Change, Configured, Resource
from sagewright.gate.expressions import Expressions
from sagewright.synth import Place, notes, places

if TYPE_CHECKING:
    from sagewright.environment import Environment

FORMAT = 1
"""Major version of Terraform's plan JSON: https://developer.hashicorp.com/terraform/internals/json-format."""
ZIP = b"PK\x03\x04"
"""First bytes of a saved plan."""
USE = "use terraform show -json PLAN"
OTHER = "supply the plan of the right stack, environment and account"
SYNTHESIZE = "synthesize and plan again"
OF_OTHERS = frozenset(
    {"aws_cloudwatch_event_target", "aws_lakeformation_resource", "aws_notifications_channel_association"}
)
"""Types of which `arn` is not their own, but of what they are about: perhaps of another account."""
NOWHERE = Place(construct="", lines=())
PARTS: dict[str, type] = {"planned_values": dict, "resource_changes": list, "configuration": dict}


class PlanError(Exception):
    """A plan cannot be judged; the text says why, `remedy` what to do."""

    def __init__(self, message: str, remedy: str = "make the plan again") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanInput:
    """A plan that is to go through the gate."""

    path: Path
    """Plan JSON (`terraform show -json`) or a saved plan (`terraform plan -out`)."""
    stack: str | None = None
    """Stack that the plan must be of; `None` for a plan of any origin."""
    synthesized: Path | None = None
    """The stack's `cdk.tf.json`: its resources must be the planned ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A plan that is whole, and of the stack and environment that it should be of."""

    stack: str
    path: Path
    document: Mapping[str, Any]
    resources: tuple[Resource, ...]
    changes: tuple[Change, ...]
    configured: tuple[Configured, ...]
    aws_keys: frozenset[str]
    """Ids and ARNs of keys that data sources show to be AWS's own."""
    places: Mapping[str, Place]
    """Where in Python each resource is made, by address without index; none for a plan of other origin."""
    waivers: Sequence[Mapping[str, Any]]
    """The exceptions that are written in code, as synthesis noted them."""

    def place(self, address: str) -> Place:
        """Return where in Python a resource is made; an empty place where that is not known."""
        return self.places.get(address.partition("[")[0], NOWHERE)


Show = Callable[[Path], dict[str, Any]]
"""Turns a saved plan into plan JSON; raises `PlanError` when it cannot."""


def read(source: PlanInput, environment: Environment, show: Show) -> Plan:
    """Read one plan and check that it can be trusted to say everything that applying it would do.

    Raises `PlanError`: missing, truncated, no plan, of another format, errored or incomplete, of another
    stack, environment or account, or at odds with itself or with the synthesized configuration.
    """
    document = load(source.path, show)
    whole(document)
    once(document)
    stack = belongs(document, source, environment)
    synthesized = load_synthesized(source.synthesized) if source.synthesized else {}
    if source.synthesized:
        same_resources(document, synthesized, source.synthesized)
    changes = {change.address: change for change in read_changes(document, stack) if not change.deposed}
    deposed = [change for change in read_changes(document, stack) if change.deposed]
    planned = {resource["address"]: resource for resource, _ in managed(document["planned_values"])}
    consistent(document, planned, changes)
    return Plan(
        stack=stack,
        path=source.path,
        document=document,
        resources=tuple(read_resources(document, stack, changes, locals_of(synthesized))),
        changes=(*changes.values(), *deposed),
        configured=tuple(read_configured(document, stack)),
        aws_keys=frozenset(keys_of_aws(document)),
        places=places(synthesized),
        waivers=notes(synthesized).get("waivers", ()),
    )


def load(path: Path, show: Show) -> dict[str, Any]:
    """Return a plan's JSON from plan JSON or from a saved plan."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PlanError(f"cannot be read: {error.strerror or error}") from None
    if content.startswith(ZIP):
        return show(path)
    if not content.strip():
        raise PlanError("is empty")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"is neither a saved plan nor whole JSON ({error})") from None
    if not isinstance(document, dict):
        raise PlanError(f"is no plan: expected a JSON object, got {type(document).__name__}", USE)
    if "planned_values" in document:
        document.setdefault("resource_changes", [])  # Terraform leaves out an empty list
    return document


def whole(document: Mapping[str, Any]) -> None:
    """Check that a document is a plan, and all of one."""
    version = document.get("format_version")
    if version is None or "terraform_version" not in document:
        raise PlanError("is no plan: format_version and terraform_version are missing", USE)
    if "planned_values" not in document and "values" in document:
        raise PlanError("is a state, not a plan", USE)
    if str(version).partition(".")[0] != str(FORMAT):
        raise PlanError(
            f"has format_version {version!r}, expected {FORMAT}.x", "use a Terraform that writes it"
        )
    if document.get("errored") is True:
        raise PlanError(
            "is of a terraform plan that failed (errored is true)", "mend the error and plan again"
        )
    if document.get("complete") is False or document.get("deferred_changes"):
        raise PlanError("is not complete: made with -target, or with deferred changes", "plan without them")
    for part, kind in PARTS.items():
        if not isinstance(document.get(part), kind):
            raise PlanError(f"is not whole: {part} is missing or no {'list' if kind is list else 'object'}")
    if not document["configuration"].get("root_module") and not document["resource_changes"]:
        raise PlanError("says nothing: no configuration, no changes", "plan in the folder of the stack")


def once(document: Mapping[str, Any]) -> None:
    """Check that a plan says one thing only of every object."""
    counted = Counter(
        (change["address"], change.get("deposed", "")) for change in document["resource_changes"]
    )
    if twice := {
        f"{address} {deposed}".strip() for (address, deposed), count in counted.items() if count > 1
    }:
        raise PlanError(f"says two things of {listed(twice)}")


def belongs(document: Mapping[str, Any], source: PlanInput, environment: Environment) -> str:
    """Return the stack that a plan is of; refuse a plan of another stack, environment or account.

    A plan has no name. It tells by the provider's default tags and by the tags of what it changes, `Stack`
    and `Environment`, by `allowed_account_ids`, and by the ARNs of what it changes.
    """
    environments = tag_values(document, "Environment")
    if environments - {environment.name}:
        raise PlanError(
            f"is of environment {listed(environments)}, expected {environment.name}",
            "name the environment that it is of",
        )
    for accounts in (*allowed_accounts(document), *({account} for account in changed_accounts(document))):
        if environment.account_id not in accounts:
            raise PlanError(
                f"is for account {listed(accounts)}, but {environment.name} is {environment.account_id}",
                OTHER,
            )
    stacks = {full_name(stack, environments) for stack in tag_values(document, "Stack")}
    declared = {full_name(stack, environments) for stack in default_tags(document, "Stack")}
    if source.stack is None:
        if declared and stacks != declared:
            raise PlanError(f"is of stack {listed(stacks)}, expected {listed(declared)}", OTHER)
        return stacks.pop() if len(stacks) == 1 else source.path.stem
    if not stacks:
        raise PlanError(f"does not say its stack: no default tag Stack, expected {source.stack}", OTHER)
    if stacks != {full_name(source.stack, environments)}:
        raise PlanError(f"is of stack {listed(stacks)}, expected {source.stack}", OTHER)
    return source.stack


def full_name(stack: str, environments: set[str]) -> str:
    """Return a stack's name with its environment: the tag says `serving`, the stack is `dev-serving`."""
    for environment in environments:
        if not stack.startswith(f"{environment}-"):
            return f"{environment}-{stack}"
    return stack


def tag_values(document: Mapping[str, Any], key: str) -> set[str]:
    """Return a tag's values: of the providers' default tags, and of what changes, before and after.

    Where there are no default tags, what does not change tells too.
    """
    found = default_tags(document, key)
    for values in sides(document, unchanged=not found):
        tags = values.get("tags_all")
        if isinstance(tags, dict) and isinstance(tags.get(key), str):
            found.add(tags[key])
    return found


def default_tags(document: Mapping[str, Any], key: str) -> set[str]:
    """Return a tag's values in the default tags of all providers."""
    found: set[str] = set()
    for provider in aws_providers(document):
        for default in blocks(provider.get("default_tags")):
            tags = default.get("tags", {}).get("constant_value")
            if isinstance(tags, dict) and isinstance(tags.get(key), str):
                found.add(tags[key])
    return found


def sides(
    document: Mapping[str, Any], unchanged: bool, without: frozenset[str] = frozenset()
) -> Iterator[Mapping[str, Any]]:
    """Yield what managed resources, but of some types, are before and after a change, `unchanged` ones too if
    asked."""
    for entry in document["resource_changes"]:
        change = entry["change"]
        if entry.get("mode") != "managed" or entry.get("type") in without:
            continue
        if unchanged or change["actions"] != ["no-op"]:
            yield from (
                values for side in ("before", "after") if isinstance(values := change.get(side), dict)
            )


def allowed_accounts(document: Mapping[str, Any]) -> Iterator[set[str]]:
    """Yield the accounts that each provider accepts, where the configuration names them plainly."""
    for provider in aws_providers(document):
        accounts = (provider.get("allowed_account_ids") or {}).get("constant_value")
        if isinstance(accounts, list) and accounts:
            yield set(map(str, accounts))


def changed_accounts(document: Mapping[str, Any]) -> set[str]:
    """Return the accounts that the ARNs of changed resources name; that of a bucket names none."""
    arns = (values.get("arn") for values in sides(document, unchanged=False, without=OF_OTHERS))
    parts = [arn.split(":") for arn in arns if isinstance(arn, str)]
    return {part[4] for part in parts if len(part) > 5 and part[0] == "arn" and part[4].isdigit()}


def aws_providers(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the expressions of every AWS provider of the configuration."""
    for provider in (document["configuration"].get("provider_config") or {}).values():
        if provider.get("name") == "aws":
            yield provider.get("expressions") or {}


def load_synthesized(path: Path) -> dict[str, Any]:
    """Return the synthesized configuration."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PlanError(
            f"has no synthesized configuration to compare with: {path}: {error}", SYNTHESIZE
        ) from None
    if not isinstance(document, dict):
        raise PlanError(
            f"has no synthesized configuration to compare with: {path}: expected an object", SYNTHESIZE
        )
    return document


def same_resources(document: Mapping[str, Any], synthesized: Mapping[str, Any], path: Path) -> None:
    """Check that the plan was made from the synthesized configuration: both hold the same resources."""
    wanted = {
        f"{type_}.{name}" for type_, named in (synthesized.get("resource") or {}).items() for name in named
    }
    root = document["configuration"].get("root_module") or {}
    got = {resource["address"] for resource in root.get("resources", ()) if resource.get("mode") == "managed"}
    if wanted != got:
        raise PlanError(f"was not made from {path}: only one has {listed(wanted ^ got)}", SYNTHESIZE)


def consistent(
    document: Mapping[str, Any], planned: Mapping[str, Any], changes: Mapping[str, Change]
) -> None:
    """Check that no resource has been left out: values, changes, state and configuration agree.

    Terraform lists every resource of state and configuration under `resource_changes`, unchanged ones too.
    """
    there_after = {change.address for change in changes.values() if there(change)}
    missing = [
        ("planned_values", there_after - set(planned)),
        ("resource_changes", {address for address in planned if address not in changes}),
        ("resource_changes", prior_addresses(document) - known_addresses(document)),
    ]
    nothing_left = not there_after and (changes or document.get("applyable") is False)
    if not nothing_left:
        configured = {address for address in configured_addresses(document) if address not in changes}
        missing.append(("resource_changes", configured))
    for part, addresses in missing:
        if addresses:
            raise PlanError(
                f"is not whole: {part} lacks {listed(addresses)}",
                "plan again, without -target and -refresh-only",
            )


def there(change: Change) -> bool:
    """Tell whether the object exists after apply."""
    return change.actions not in (("delete",), ("forget",))


def prior_addresses(document: Mapping[str, Any]) -> set[str]:
    """Return the addresses of the managed resources of the state."""
    values = (document.get("prior_state") or {}).get("values") or {}
    return {resource["address"] for resource, _ in managed(values) if not resource.get("deposed_key")}


def known_addresses(document: Mapping[str, Any]) -> set[str]:
    """Return the addresses that the plan's changes are about, those before a move too."""
    found: set[str] = set()
    for change in document["resource_changes"]:
        found.update(filter(None, (change["address"], change.get("previous_address"))))
    return found


def configured_addresses(document: Mapping[str, Any]) -> set[str]:
    """Return the addresses of configured resources of which there is exactly one."""

    def walk(module: Mapping[str, Any], prefix: str) -> Iterator[str]:
        for resource in module.get("resources", ()):
            if resource.get("mode") == "managed" and not repeated(resource):
                yield prefix + resource["address"]
        for name, call in (module.get("module_calls") or {}).items():
            if not repeated(call):
                yield from walk(call.get("module") or {}, f"{prefix}module.{name}.")

    return set(walk(document["configuration"].get("root_module") or {}, ""))


def repeated(node: Mapping[str, Any]) -> bool:
    """Tell whether a resource or module call has count or for_each."""
    return "count_expression" in node or "for_each_expression" in node


def managed(values: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the managed resources of `planned_values` or of a state, each with its module's address."""
    return ((resource, module) for resource, module in every(values) if resource.get("mode") == "managed")


def every(values: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield resources and data sources of `planned_values` or of a state, each with its module."""

    def walk(module: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
        for resource in module.get("resources", ()):
            yield resource, module.get("address", "")
        for child in module.get("child_modules", ()):
            yield from walk(child)

    yield from walk(values.get("root_module") or {})


def read_changes(document: Mapping[str, Any], stack: str) -> Iterator[Change]:
    """Yield what the plan does to managed resources."""
    for entry in document["resource_changes"]:
        if entry.get("mode") != "managed":
            continue
        change = entry["change"]
        yield Change(
            stack=stack,
            address=entry["address"],
            type=entry["type"],
            actions=tuple(change["actions"]),
            deposed=entry.get("deposed", ""),
            replace_paths=tuple(".".join(map(str, path)) for path in change.get("replace_paths", ())),
            action_reason=entry.get("action_reason", ""),
            before=change.get("before") or {},
        )


def read_resources(
    document: Mapping[str, Any], stack: str, changes: Mapping[str, Change], locals_: Mapping[str, Any]
) -> Iterator[Resource]:
    """Yield the managed resources as they will be, with what the configuration tells of unknown values."""
    marks = {
        entry["address"]: entry["change"].get("after_unknown") or {}
        for entry in document["resource_changes"]
        if not entry.get("deposed")
    }
    prior = (document.get("prior_state") or {}).get("values") or {}
    values = {
        resource["address"]: resource.get("values") or {}
        for source in (prior, document["planned_values"])
        for resource, _ in every(source)
        if resource.get("mode") == "data" or source is not prior
    }
    expressions = Expressions(document, values, marks, locals_)
    for resource, module in managed(document["planned_values"]):
        address = resource["address"]
        if not there(changes[address]):
            continue
        yield Resource(
            stack=stack,
            address=address,
            type=resource["type"],
            name=resource["name"],
            module=module,
            values=expressions.complete(address, module, values[address], marks.get(address)),
            change=changes[address],
            configured=expressions.configured(address, module, values[address]),
        )


def read_configured(document: Mapping[str, Any], stack: str) -> Iterator[Configured]:
    """Yield the resources and data sources that the configuration writes, those of modules too."""

    def walk(module: Mapping[str, Any], prefix: str) -> Iterator[Configured]:
        for resource in module.get("resources", ()):
            data = "data." if resource.get("mode") == "data" else ""
            yield Configured(
                stack=stack,
                address=prefix + resource["address"],
                type=data + resource["type"],
                provisioners=tuple(str(one.get("type")) for one in resource.get("provisioners") or ()),
            )
        for name, call in (module.get("module_calls") or {}).items():
            yield from walk(call.get("module") or {}, f"{prefix}module.{name}.")

    yield from walk(document["configuration"].get("root_module") or {}, "")


def keys_of_aws(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids and ARNs of keys of AWS that data sources have looked up."""
    prior = (document.get("prior_state") or {}).get("values") or {}
    for resource, _ in every(prior):
        values = resource.get("values") or {}
        alias = resource["type"] == "aws_kms_alias" and str(values.get("name")).startswith("alias/aws/")
        key = resource["type"] == "aws_kms_key" and values.get("key_manager") == "AWS"
        if resource.get("mode") == "data" and (alias or key):
            names = ("arn", "id", "key_id", "target_key_arn", "target_key_id")
            yield from (values[name] for name in names if isinstance(values.get(name), str))


def locals_of(synthesized: Mapping[str, Any]) -> dict[str, Any]:
    """Return the locals of a synthesized configuration."""
    found: dict[str, Any] = {}
    for block in blocks(synthesized.get("locals")):
        found.update(block)
    return found


def blocks(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return nested blocks as a list, as Terraform's JSON allows one to stand alone."""
    if isinstance(value, dict):
        return [value]
    return [block for block in value if isinstance(block, dict)] if isinstance(value, list) else []


def listed(names: set[str]) -> str:
    """Return names for a message: sorted, the first few of many."""
    shown = sorted(names)
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return ", ".join(shown[:5]) + more
