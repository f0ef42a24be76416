"""Imports run one way: main → stacks → modules → _core, _aws; the command line and the gate import none."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ALLOWED = {
    "main": {"stacks"},
    "stacks": {"stacks", "modules"},
    "modules": {"modules._core", "modules._aws"},
    "modules._core": {"modules._core", "modules._aws"},
    "sagewright": {"sagewright", "policies"},
    "policies": {"policies"},
    "runtime": {"runtime"},
    "pipelines": {"pipelines"},
    "tools": {"tools", "stacks", "policies", "sagewright"},
    "bench": {"bench", "modules", "sagewright", "stacks", "tools"},
}
"""What each layer may import of this repository. A module of modules/ may also import itself, and what
another one offers in its `__init__`, as long as no two need each other."""
OURS = {name.partition(".")[0] for name in ALLOWED} | {"tests"}
CONSTRUCTS = {"cdktf", "constructs", "jsii"}
MAY_CONSTRUCT = {"main", "stacks", "modules", "modules._core", "bench"}
"""Whoever may import cdktf; all others read files and run programs."""


def layer(name: str) -> str:
    """Return the layer of a dotted module name."""
    parts = name.split(".")
    if parts[:2] in (["modules", "_core"], ["modules", "_aws"]):
        return ".".join(parts[:2])
    return parts[0]


def imports(source: str, name: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Return what a module's source imports, in absolute names, with the line; relative ones are resolved."""
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *(node.module or "").split(".")] if node.module else above
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def module(name: str) -> str:
    """Return the module of modules/ that a dotted name is in: `modules.key` for `modules.key.key.Key`."""
    return ".".join(name.split(".")[:2])


def offered(name: str) -> bool:
    """Tell whether a dotted name is what a module offers to others: `modules.key.Key`."""
    return (
        layer(name) == "modules"
        and len(name.split(".")) == 3
        and not (ROOT / f"{name.replace('.', '/')}.py").exists()
    )


def violations(source: str, name: str, is_package: bool = False) -> list[str]:
    """Return the imports of a module that its layer does not allow."""
    importer = layer(name)
    found = []
    for line, imported in imports(source, name, is_package):
        top = imported.partition(".")[0]
        if top in CONSTRUCTS:
            allowed = importer in MAY_CONSTRUCT
        elif top in OURS:
            allowed = any(f"{imported}.".startswith(f"{a}.") for a in ALLOWED[importer])
            allowed = allowed or (
                importer == "modules" and (module(imported) == module(name) or offered(imported))
            )
        else:
            continue
        if not allowed:
            found.append(f"{name}:{line}: {importer} may not import {imported}")
    return found


def sources() -> list[tuple[str, Path]]:
    """Return every module of the repository but the tests and the generated bindings, by dotted name."""
    found = []
    for top in sorted(OURS - {"tests"}):
        for path in [ROOT / f"{top}.py", *sorted((ROOT / top).rglob("*.py"))]:
            parts = path.relative_to(ROOT).with_suffix("").parts
            if path.is_file() and parts[:2] != ("modules", "_aws"):
                found.append((".".join(part for part in parts if part != "__init__"), path))
    return found


@pytest.mark.parametrize(("name", "path"), [pytest.param(*entry, id=entry[0]) for entry in sources()])
def test_imports_run_one_way(name: str, path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8"), name, path.name == "__init__.py") == []


def test_all_layers_are_there() -> None:
    layers = {layer(name) for name, _ in sources()}
    assert layers >= {"main", "stacks", "modules", "modules._core"}
    assert layers >= {"runtime", "sagewright", "policies", "tools"}


def test_no_two_modules_need_each_other() -> None:
    needs: dict[str, set[str]] = {}
    for name, path in sources():
        if layer(name) == "modules":
            source = path.read_text(encoding="utf-8")
            imported = {module(other) for _, other in imports(source, name, path.name == "__init__.py")}
            needs.setdefault(module(name), set()).update(
                other for other in imported if layer(other) == "modules" and other != module(name)
            )
    assert tuple(graphlib.TopologicalSorter(needs).static_order())


def test_modules_import_relatively() -> None:
    """So that the folder can be shipped under another name."""
    for name, path in sources():
        if layer(name).startswith("modules"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            absolute = [ast.unparse(node) for node in ast.walk(tree) if absolute_import_of_modules(node)]
            assert absolute == [], name


def test_a_function_imports_its_own_folder_only() -> None:
    """So that the folder alone can be shipped to Lambda."""
    for name, path in sources():
        if layer(name) == "runtime":
            imported = imports(path.read_text(encoding="utf-8"), name, path.name == "__init__.py")
            ours = [other for _, other in imported if layer(other) == "runtime"]
            assert [other for other in ours if module(other) != module(name)] == [], name


def absolute_import_of_modules(node: ast.AST) -> bool:
    """Tell whether a node is `import modules…` or `from modules… import …`."""
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and (node.module or "").partition(".")[0] == "modules"
    return isinstance(node, ast.Import) and any(
        alias.name.partition(".")[0] == "modules" for alias in node.names
    )


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("modules.network.network", "from ..key.key import Key"),
        ("modules.network.network", "from ..key import key"),
        ("modules.endpoint.endpoint", "from stacks.base import Stack"),
        ("modules._core.names", "from ..key.key import Key"),
        ("stacks.serving", "import sagewright.errors"),
        ("sagewright.cli", "from modules.key import Key"),
        ("sagewright.cli", "import cdktf"),
        ("sagewright.gate.rules", "from modules._core import instance_types"),
        ("policies.plan.deletes", "from sagewright.errors import Usage"),
        ("main", "from modules.key import Key"),
        ("runtime.inference_api.handler", "from sagewright.errors import Usage"),
        ("runtime.inference_api.handler", "from modules._core.record import record"),
        ("runtime.inference_api.handler", "import cdktf"),
        ("policies.catalogue", "def late():\n    import stacks.environment"),
    ],
)
def test_a_wrong_import_is_found(name: str, source: str) -> None:
    assert len(violations(source, name)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "modules.endpoint.endpoint",
            "from .._core.record import record\nfrom .._aws.sagemaker_endpoint import X",
        ),
        ("modules.endpoint.endpoint", "from .scaling import Scaling\nfrom . import scaling\nimport cdktf"),
        ("modules.network.network", "from ..log_group import LogGroup, LogGroupConfig"),
        ("stacks.serving", "from modules.endpoint import Endpoint\nfrom .base import Stack"),
        ("main", "from stacks.environment import read\nfrom cdktf import App"),
        ("sagewright.cli", "import policies.catalogue\nfrom sagewright.errors import Usage"),
        ("policies.plan.deletes", "from policies.plan import rule\nimport json, checkov.common"),
    ],
)
def test_a_right_import_is_allowed(name: str, source: str) -> None:
    assert violations(source, name) == []
