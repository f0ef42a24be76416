"""Synthesis as a program: `main.py` writes Terraform JSON, this reads what it wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagewright.errors import SagewrightError, Usage
from sagewright.project import Project

MODULES = ("modules/", "sagewright/modules/")
"""Where the lines of our own modules begin, here and where Sagewright is installed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where in Python a resource is made."""

    construct: str
    """Construct path: `local-serving/churn_endpoint/this`."""
    lines: tuple[str, ...]
    """`path/in/the/checkout.py:123`, innermost first; none for a resource that is not of our bindings."""

    @property
    def line(self) -> str:
        """The innermost line of whoever uses the modules: what to change; empty where no line is known."""
        theirs = (line for line in self.lines if not line.startswith(MODULES))
        return next(theirs, self.lines[0] if self.lines else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """One Terraform state: `<environment>-<part>`."""

    name: str
    folder: Path
    dependencies: tuple[str, ...]

    @property
    def environment(self) -> str:
        """The environment that the stack is part of."""
        return self.name.rpartition("-")[0]

    @property
    def synthesized(self) -> Path:
        """Its Terraform configuration."""
        return self.folder / "cdk.tf.json"

    @property
    def types(self) -> frozenset[str]:
        """The types of its resources."""
        return frozenset(self._read().get("resource", {}))

    @property
    def empty(self) -> bool:
        """Whether it has neither a resource nor an output: then applying it leaves no state."""
        return not self.types and not self._read().get("output")

    def places(self) -> Mapping[str, Place]:
        """Return where in Python each resource is made, by its Terraform address without an index."""
        return places(self._read())

    def _read(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.synthesized.read_text(encoding="utf-8"))
        return document


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """The synthesized stacks, each after those it depends on."""

    stacks: tuple[Stack, ...]

    def of(self, environment: str) -> tuple[Stack, ...]:
        """Return an environment's stacks in the order of deployment."""
        return tuple(stack for stack in self.stacks if stack.environment == environment)

    def get(self, name: str) -> Stack:
        """Return one stack; raises `Usage` with the known names where there is none of this name."""
        for stack in self.stacks:
            if stack.name == name:
                return stack
        raise Usage(
            f"there is no stack {name!r}; there are: {', '.join(stack.name for stack in self.stacks)}"
        )

    def upstream(self, stack: Stack) -> tuple[Stack, ...]:
        """Return what a stack depends on, directly or not, in order."""
        wanted: set[str] = set()
        waiting = list(stack.dependencies)
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting.extend(self.get(name).dependencies)
        return tuple(other for other in self.stacks if other.name in wanted)

    def downstream(self, stack: Stack) -> tuple[Stack, ...]:
        """Return what depends on a stack, directly or not, in order."""
        return tuple(other for other in self.stacks if stack in self.upstream(other))


def synthesize(project: Project, environment: str | None = None, bootstrap: bool = False) -> Assembly:
    """Run `main.py` for one environment, or for all, and return the stacks.

    With `bootstrap` it is the one stack that comes before them, in a folder of its own.

    Raises `Usage` with main.py's own words when it refuses an environment file, and
    `SagewrightError` when it fails in any other way.
    """
    output = project.work / "bootstrap" if bootstrap else project.output
    variables = project.variables()
    variables["SAGEWRIGHT_ENVIRONMENT"] = environment or ""
    variables["SAGEWRIGHT_BOOTSTRAP"] = "yes" if bootstrap else ""
    variables["CDKTF_OUTDIR"] = str(output)
    done = subprocess.run(
        [sys.executable, "-O", str(project.root / "main.py")],
        cwd=project.root,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode == Usage.exit_code:
        raise Usage(done.stderr.strip())
    if done.returncode:
        raise SagewrightError(f"synthesis failed\n{(done.stderr or done.stdout).strip()}")
    return read(project, output)


def read(project: Project, output: Path | None = None) -> Assembly:
    """Return the stacks of the last synthesis; raises `Usage` where there was none."""
    output = output or project.output
    manifest = output / "manifest.json"
    try:
        document = json.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Usage(f"{manifest}: nothing is synthesized yet; run `sagewright synth`") from None
    except ValueError as error:
        raise Usage(f"{manifest}: not a CDKTF manifest ({error}); run `sagewright synth`") from None
    stacks = [
        Stack(
            name=entry["name"],
            folder=output / entry["workingDirectory"],
            dependencies=tuple(entry["dependencies"]),
        )
        for entry in document["stacks"].values()
    ]
    return Assembly(stacks=tuple(ordered(stacks)))


def places(synthesized: Mapping[str, Any]) -> dict[str, Place]:
    """Return where in Python each resource of a synthesized configuration is made, by its address.

    CDKTF notes the construct path with each resource, modules/_core/notes.py the lines with the stack. A
    configuration that was not made by CDKTF has no places.
    """
    noted = notes(synthesized).get("places", {})
    paths = {
        f"{type_}.{name}": resource["//"]["metadata"]["path"]
        for type_, named in synthesized.get("resource", {}).items()
        for name, resource in named.items()
        if "//" in resource
    }
    return {
        address: Place(construct=path, lines=tuple(noted.get(path, ()))) for address, path in paths.items()
    }


def notes(synthesized: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a stack noted for its readers (modules/_core/notes.py); nothing where it noted nothing."""
    found: Mapping[str, Any] = synthesized.get("//", {}).get("sagewright", {})
    return found


def ordered(stacks: Iterable[Stack]) -> list[Stack]:
    """Return the stacks so that each comes after what it depends on."""
    waiting = {stack.name: stack for stack in stacks}
    placed: list[Stack] = []
    while waiting:
        free = [
            stack for stack in waiting.values() if not any(name in waiting for name in stack.dependencies)
        ]
        if not free:
            raise SagewrightError(f"stacks depend on each other in a circle: {', '.join(waiting)}")
        for stack in free:
            placed.append(waiting.pop(stack.name))
    return placed
