"""What the command line knows of an environment: who it is, where it lives, how it is protected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sagewright.errors import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """The facts of `environments/<name>.yaml` that the gate, Terraform and verify need.

    The rest of the file is the stacks' business and is checked by synthesis.
    """

    name: str
    organization: str
    account_id: str
    region: str
    production: bool
    """Production rules apply: capacity, scaling, and unknown values are denied."""
    protected: bool
    """Stateful resources can be neither deleted nor replaced."""
    embedded: bool
    """Lives on the embedded AWS only; its state is a local file."""
    state_bucket: str | None
    """S3 bucket of the Terraform state; `None` where the state is a local file."""
    path: Path
    override_approvers: Mapping[str, str] = field(default_factory=dict)
    """Groups that may open the gate for one rule and one run, each with the ARN of its role."""

    @property
    def guarded(self) -> bool:
        """Whether what is not known, or not approved, is denied."""
        return self.production or self.protected

    @property
    def file(self) -> str:
        """The file, as errors name it: `environments/dev.yaml`."""
        return f"{self.path.parent.name}/{self.path.name}"


def names(folder: Path) -> list[str]:
    """Return the environments that `folder` describes, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(name: str, folder: Path) -> Environment:
    """Read the facts of one environment.

    Raises `Usage` when there is no such file, when it is not a YAML mapping, or when a fact is
    missing or of the wrong type; the error names the file, the key, the value and what is right.
    """
    path = folder / f"{name}.yaml"
    shown = f"{folder.name}/{path.name}"
    if name not in names(folder) or not path.is_file():
        known = ", ".join(names(folder)) or "none"
        raise Usage(f"{shown}: there is no environment {name!r}; there are: {known}")
    try:
        node, document = parse(path.read_text(encoding="utf-8"))
        problems = [f"{shown}: {problem}" for problem in repeated(node)]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Usage(f"{shown}: not a YAML file: {error}") from None
    if not isinstance(document, dict):
        got = "an empty file" if document is None else repr(document)
        raise Usage(f"{shown}: supply a mapping of settings, got {got}")

    def fact(key: str, pattern: str) -> str:
        value = document.get(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            problems.append(f"{shown}: {key}: supply a string that matches {pattern}, got {value!r}")
            return ""
        return value

    def flag(key: str, default: bool | None = None) -> bool:
        value = document.get(key, default)
        if not isinstance(value, bool):
            problems.append(f"{shown}: {key}: supply true or false, got {value!r}")
        return value is True

    approvers = document.get("override_approvers", {})
    if not isinstance(approvers, dict) or not all(isinstance(arn, str) for arn in approvers.values()):
        problems.append(f"{shown}: override_approvers: supply the ARN of a role by group, got {approvers!r}")
    state = document.get("state")
    bucket = state.get("bucket") if isinstance(state, dict) else None
    environment = Environment(
        name=name,
        organization=fact("organization", r"[a-z][a-z0-9-]{1,19}"),
        account_id=fact("account_id", r"[0-9]{12}"),
        region=fact("region", r"[a-z]{2}(-[a-z]+)+-\d"),
        production=flag("production"),
        protected=flag("protected"),
        embedded=flag("embedded", False),
        state_bucket=bucket,
        path=path,
        override_approvers=approvers,
    )
    if bucket is None and not environment.embedded:
        problems.append(f"{shown}: state.bucket: supply the S3 bucket of the Terraform state, got {state!r}")
    if bucket is not None and not isinstance(bucket, str):
        problems.append(f"{shown}: state.bucket: supply a string, got {bucket!r}")
    if problems:
        raise Usage("\n".join(problems))
    return environment


def parse(text: str) -> tuple[yaml.Node | None, Any]:
    """Return a YAML document as nodes, which know the keys that stand twice, and as plain values.

    libyaml takes a tenth of the time; where it finds no YAML, PyYAML's own loader says better why.
    """
    fast: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=fast), yaml.load(text, Loader=fast)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)


def repeated(node: yaml.Node | None, path: str = "") -> Iterator[str]:
    """Yield a problem for each fact that stands twice; YAML itself would keep the last in silence."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        here, line = f"{path}{key.value}", key.start_mark.line + 1
        if here in seen and key.value != "<<":
            yield f"{here}: supply each key once, got it on lines {seen[here]} and {line}"
        seen[here] = line
        if here in ("state", "override_approvers"):
            yield from repeated(value, f"{here}.")
