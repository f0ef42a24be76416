"""Models: which approved version of the registry an environment serves, pinned in its file.

A version is an input, and Terraform owns what is deployed: an approval reaches an endpoint by a change of the
environment file, a plan and its gate. The change is made here, in place, so that not a character of the rest
of the file moves; a YAML library's round trip would write `null`, line breaks and indentation in its own way.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import yaml
from rich.console import Console
from rich.text import Text

from sagewright import registry
from sagewright.environment import Environment
from sagewright.errors import SagewrightError, Usage
from sagewright.registry import VERSION, Version
from sagewright.target import Target
from sagewright.verify import Aws, NotAnswered

ARN = "model_package_arn"
EXAMPLE = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/churn/7"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A model of an environment file, and the version that it is to be of."""

    file: str
    """The environment file, as errors name it."""
    model: str
    before: str
    """ARN of the version that the file has."""
    version: Version
    old: str
    """The file's text."""
    new: str
    """The file's text with the version in it."""

    @property
    def changed(self) -> bool:
        """Whether the file is to be changed."""
        return self.old != self.new

    @property
    def difference(self) -> list[str]:
        """The lines that go, with `-` before them, and those that come, with `+`."""
        lines = difflib.unified_diff(self.old.splitlines(), self.new.splitlines(), lineterm="", n=0)
        return [line for line in lines if not re.match(r"---|\+\+\+|@@", line)]

    def to_dict(self) -> dict[str, Any]:
        """Return the pin for a program."""
        return {
            "file": self.file,
            "model": self.model,
            "before": self.before,
            "after": self.version.arn,
            "changed": self.changed,
            "difference": self.difference,
            "version": asdict(self.version),
        }


def prepare(target: Target, model: str, wanted: str | None) -> Pin:
    """Return what pins a model of the target's environment; writes nothing.

    `wanted` is the number or the ARN of a version of the group that the file names; without it, it is the
    highest that is approved. Images and artifacts of the version are pinned too: the model's role may fetch
    these and no other.

    Raises `Usage` where the file has no such model, or none of the registry, where `wanted` is no version of
    its group, and where that is not approved; `SagewrightError` where the group has no approved version,
    where a version cannot be deployed, and where AWS does not answer.
    """
    environment = target.environment
    with environment.path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    before = pinned(environment, yaml.safe_load(text), model)
    group = before.rpartition("/")[0]
    asked = chosen(group, wanted)
    with target.session() as session:
        aws = Aws(session)
        try:
            arn = asked or registry.newest_approved(aws, group)
            version = registry.describe(aws, arn) if arn else None
        except NotAnswered as error:
            raise SagewrightError(f"{asked or group}: {error}{foreign(environment, group)}") from None
    if version is None:
        raise SagewrightError(f"{group}: it has no approved version; have one approved first")
    check(version)
    new = written(environment, text, model, version)
    return Pin(file=environment.file, model=model, before=before, version=version, old=text, new=new)


def write(pin: Pin, environment: Environment) -> None:
    """Write the file; raises `SagewrightError` where it is not as it was read any more."""
    with environment.path.open("r+", encoding="utf-8", newline="") as file:
        if file.read() != pin.old:
            raise SagewrightError(f"{pin.file}: changed by somebody else meanwhile; run the command again")
        file.seek(0)
        file.write(pin.new)
        file.truncate()


def show(pin: Pin, written: bool, console: Console) -> None:
    """Print what changes in the file, and what the registry says of the version."""
    version = pin.version
    if not pin.changed:
        console.print(Text(f"{pin.file}: {pin.model} is already pinned to {version.arn}"))
    else:
        console.print(Text(f"{pin.file}: {pin.model} {'is' if written else 'would be'} pinned"))
        for line in pin.difference:
            console.print(Text(f"  {line}", style="green" if line.startswith("+") else "red"), soft_wrap=True)
    by = f" by {version.modified_by}" if version.modified_by else ""
    at = f" on {version.modified_at}" if version.modified_at else ""
    because = f": {version.reason}" if version.reason else ""
    console.print(Text(f"  {version.approval}{by}{at}{because}"), soft_wrap=True)
    for name, value in version.metrics.items():
        console.print(Text(f"  {name}  {value}"), soft_wrap=True)


def pinned(environment: Environment, document: Mapping[str, Any], model: str) -> str:
    """Return the ARN of the version that a model of an environment file has; raises `Usage`."""
    models = document.get("models")
    models = models if isinstance(models, dict) else {}
    if model not in models:
        known = ", ".join(map(str, models)) or "none is described"
        raise Usage(f"{environment.file}: models: supply one of the models ({known}), got {model!r}")
    definition = models[model]
    kind = definition.get("kind") if isinstance(definition, dict) else definition
    if kind != "ModelPackage":
        raise Usage(f"{environment.file}: models.{model}: supply a model of kind ModelPackage, got {kind}")
    arn, place = definition.get(ARN), f"{environment.file}: models.{model}.{ARN}"
    found = VERSION.fullmatch(arn) if isinstance(arn, str) else None
    if found is None:
        raise Usage(f"{place}: supply a version such as {EXAMPLE}, whose group is meant, got {arn!r}")
    if found["region"] != environment.region:
        raise Usage(f"{place}: supply a version in {environment.region}, got {arn!r}")
    return found[0]


def chosen(group: str, wanted: str | None) -> str | None:
    """Return the ARN of a version that is asked for by number or ARN; raises `Usage` for any other text."""
    if wanted is None:
        return None
    arn = f"{group}/{wanted}" if wanted.isdecimal() else wanted
    found = VERSION.fullmatch(arn)
    if found is None:
        raise Usage(f"--version: supply the number or the ARN of a version, such as 7, got {wanted!r}")
    if found["group"] != group:
        raise Usage(f"--version: supply a version of {group}, got {wanted}")
    return arn


def check(version: Version) -> None:
    """Refuse a version that is not approved, or that nothing can be made of."""
    if version.approval != registry.APPROVED:
        because = f" ({version.reason})" if version.reason else ""
        raise Usage(f"{version.arn}: supply a version that is Approved, got {version.approval}{because}")
    if version.status != "Completed":
        raise SagewrightError(f"{version.arn}: it must be Completed to be deployed, got {version.status}")
    if not version.images:
        raise SagewrightError(f"{version.arn}: it has no InferenceSpecification, hence cannot be deployed")


def foreign(environment: Environment, group: str) -> str:
    """Return what to do when AWS refuses a group of another account; nothing for one of this account."""
    found = VERSION.fullmatch(f"{group}/1")
    if found is None or found["account_id"] == environment.account_id:
        return ""
    return (
        f"; account {found['account_id']} must name {environment.account_id} in deployer_account_ids of the "
        "group, and your own policy must allow it"
    )


def written(environment: Environment, text: str, model: str, version: Version) -> str:
    """Return the text of an environment file with a version in it: only what differs is replaced.

    Raises `Usage` where the model is written so that a change of it would change anything else.
    """
    document = yaml.safe_load(text)
    models = document["models"]
    values = dict(differing(models[model], version))
    try:
        for start, end, replacement in sorted(edits(text, model, values), reverse=True):
            text = text[:start] + replacement + text[end:]
        got = yaml.safe_load(text)
    except (LookupError, yaml.YAMLError):
        got = None
    if got != {**document, "models": {**models, model: {**models[model], **values}}}:
        raise Usage(
            f"{environment.file}: models.{model}: supply a mapping without anchors, folded texts and empty "
            f"keys, or write this into it yourself: {json.dumps(values, indent=2)}"
        )
    return text


def differing(definition: Mapping[str, Any], version: Version) -> Iterator[tuple[str, str | list[str]]]:
    """Yield the settings of a model that are others than the version's; the order of lists is nothing."""
    if definition[ARN] != version.arn:
        yield ARN, version.arn
    for name, wanted in (("images", version.images), ("model_data_urls", version.model_data_urls)):
        got = definition.get(name)
        if sorted(map(str, got if isinstance(got, list) else ())) != sorted(wanted):
            yield name, list(wanted)


def edits(text: str, model: str, values: Mapping[str, str | list[str]]) -> Iterator[tuple[int, int, str]]:
    """Yield where a file's text is to be replaced, from and to, and by what.

    A list that comes anew stands below the ARN; one that is there keeps its style. Raises `LookupError` where
    the model does not stand in the file itself.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    mapping = child(child(root, "models")[1], model)[1]
    key, value = child(mapping, ARN)
    newline = "\r\n" if "\r\n" in text else "\n"
    there = {one.value: node for one, node in mapping.value}
    for name, wanted in values.items():
        node = there.get(name)
        if isinstance(wanted, str):
            quote = value.style or ""
            yield value.start_mark.index, value.end_mark.index, f"{quote}{wanted}{quote}"
        elif node is None and mapping.flow_style:
            yield value.end_mark.index, value.end_mark.index, f", {name}: {json.dumps(wanted)}"
        elif node is None:
            end = text.find(newline, value.end_mark.index)
            end = len(text) if end < 0 else end
            line = f"{newline}{' ' * key.start_mark.column}{name}: {json.dumps(wanted)}"
            yield end, end, line
        elif wanted and node.value and isinstance(node, yaml.SequenceNode) and not node.flow_style:
            dash = f"{newline}{' ' * node.start_mark.column}- "
            yield node.value[0].start_mark.index, node.value[-1].end_mark.index, dash.join(wanted)
        else:
            yield node.start_mark.index, node.end_mark.index, json.dumps(wanted)


def child(node: Any, key: str) -> tuple[Any, Any]:
    """Return the nodes of a key and of its value; raises `LookupError`."""
    pairs: dict[str, tuple[Any, Any]] = {pair[0].value: pair for pair in node.value}
    return pairs[key]
