"""Inventories: a partial expected plan in YAML, and the comparison with what was synthesized.

`values` holds, by address, just the attributes that matter; `counts` the number of resources by type;
`outputs` the names of the outputs. A mapping is compared by the keys that the inventory names, all
else in whole. What stands in the file before the first key is kept when it is regenerated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""By libyaml where PyYAML has it: in Python itself it takes ten times as long."""


class Found(Protocol):
    """What is compared: the Terraform JSON of one stack."""

    @property
    def document(self) -> dict[str, Any]: ...


def differences(expected: Any, got: Any, path: str) -> Iterator[str]:
    """Yield a line for each place where what was got is not what was expected."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key, value in expected.items():
            if key not in got:
                yield f"{path}.{key}: got nothing, expected {value!r}"
            else:
                yield from differences(value, got[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (left, right) in enumerate(zip(expected, got, strict=True)):
            yield from differences(left, right, f"{path}[{index}]")
    elif expected != got:
        yield f"{path}: got {got!r}, expected {expected!r}"


def selection(expected: Any, got: Any) -> Any:
    """Return from `got` what `expected` names: the same choice of attributes, with today's values."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return {key: selection(value, got[key]) for key, value in expected.items() if key in got}
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return [selection(left, right) for left, right in zip(expected, got, strict=True)]
    return got


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """Return a synthesized stack in the shape of an inventory, with every value."""
    resources = document.get("resource", {})
    return {
        "values": {
            f"{type_}.{name}": {key: value for key, value in body.items() if key != "//"}
            for type_, named in sorted(resources.items())
            for name, body in sorted(named.items())
        },
        "counts": {type_: len(named) for type_, named in sorted(resources.items())},
        "outputs": sorted(document.get("output", {})),
    }


@dataclass(frozen=True)
class Inventory:
    """The inventories in a folder; `regenerate` writes instead of comparing."""

    folder: Path
    command: str
    """What a reader runs to accept the present state."""
    regenerate: bool

    def __call__(self, name: str, found: Found) -> None:
        """Fail with every difference between the inventory and what was found."""
        path = self.folder / f"{name}.yaml"
        got = summary(found.document)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        expected = yaml.load(text, Loader=LOADER) or {"values": {}}
        if self.regenerate:
            head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
            body = {**got, "values": selection(expected.get("values", {}), got["values"])}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head + yaml.safe_dump(body, sort_keys=False, width=110), encoding="utf-8")
            return
        problems = list(differences(expected.get("values", {}), got["values"], "values"))
        for type_ in sorted({*expected.get("counts", {}), *got["counts"]}):
            left, right = expected.get("counts", {}).get(type_, 0), got["counts"].get(type_, 0)
            problems += differences(left, right, f"counts.{type_}")
        for output in sorted({*expected.get("outputs", ())} ^ {*got["outputs"]}):
            here = output in got["outputs"]
            problems.append(
                f"outputs.{output}: got {'it' if here else 'nothing'}, expected {'nothing' if here else 'it'}"
            )
        assert not problems, "\n".join([f"{path.name}:", *problems, f"to accept: {self.command}"])
