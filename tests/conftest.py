"""Fixtures that all tests share: synthesis to a dict, and inventories."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from sagewright.project import GOGC
from tests.inventory import Inventory

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / ".sagewright" / "bin"
if NODE.is_dir():
    os.environ["PATH"] = f"{NODE}{os.pathsep}{os.environ['PATH']}"
    os.environ["JSII_NODE"] = str(NODE / "jsii-node")

os.environ.setdefault("GOGC", GOGC)  # for a Terraform that a test starts by itself

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts a background job so, and what a test starts and interrupts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if sys.dont_write_bytecode:
    # Tests start Python many times: to compile all packages each time takes longer than most tests.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".sagewright" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass(frozen=True)
class Synthesized:
    """The Terraform JSON of one stack, with ways to look into it."""

    document: dict[str, Any]

    def all(self, type_: str) -> dict[str, dict[str, Any]]:
        """Return all resources of a type, by Terraform name; empty when there is none."""
        resources: dict[str, dict[str, Any]] = self.document.get("resource", {}).get(type_, {})
        return resources

    def one(self, type_: str, name: str | None = None) -> dict[str, Any]:
        """Return the only resource of a type, or the one of that name; fail with what there is."""
        found = self.all(type_)
        if name is None:
            assert len(found) == 1, f"{type_}: expected one, got {sorted(found) or 'none'}"
            return next(iter(found.values()))
        assert name in found, f"{type_}.{name}: not found, got {sorted(found) or 'none'}"
        return found[name]

    @property
    def addresses(self) -> list[str]:
        """Return the addresses of all resources, sorted."""
        resources = self.document.get("resource", {})
        return sorted(f"{type_}.{name}" for type_, named in resources.items() for name in named)

    @property
    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs: the expression of each, by name."""
        return {name: output["value"] for name, output in self.document.get("output", {}).items()}

    def policy(self, type_: str, name: str | None = None, attribute: str = "policy") -> list[dict[str, Any]]:
        """Return the statements of a resource's policy document."""
        statements: list[dict[str, Any]] = json.loads(self.one(type_, name)[attribute])["Statement"]
        return statements


class Synth(Protocol):
    """Type of the fixture `synth`."""

    def __call__(self, construct: Callable[..., object], config: object = None) -> Synthesized: ...


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """Synthesize one construct from its config, or whatever a function puts into a stack.

    `synth(Key, KeyConfig(…)).one("aws_kms_key")` makes `Key(stack, "this", config)`; without a
    config, `synth(function)` calls `function(stack)`. All share the session's one jsii kernel; a
    call takes milliseconds.
    """
    from cdktf import Testing

    from stacks.base import AddressedStack

    folder = str(tmp_path_factory.mktemp("synth"))  # CDKTF would leave one for each app

    def run(construct: Callable[..., object], config: object = None) -> Synthesized:
        stack = AddressedStack(Testing.app(outdir=folder), "test")
        if config is None:
            construct(stack)
        else:
            construct(stack, "this", config)
        return Synthesized(json.loads(Testing.synth(stack)))

    return run


LONGEST = ("test_newcomer.py", "test_update_matrix.py", "test_prod.py")
"""Stories of many minutes: each of three workers begins with one."""
LONG = ("sagewright", "policies", "stacks")
"""Folders of tests of which some start programs; those of modules take milliseconds each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, so that no worker waits for another at the end."""

    def after(item: pytest.Item) -> list[bool]:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        deploys = item.get_closest_marker("local") is not None
        return [*(item.path.name != name for name in LONGEST), not deploys, folder not in LONG]

    items.sort(key=after)


def pytest_collection_finish() -> None:
    """Leave what is imported now to no garbage collection: it stays, and there is much of it."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites inventories."""
    parser.addoption(
        "--regenerate", action="store_true", help="write what is found into the inventories that are compared"
    )


@pytest.fixture
def inventory(request: pytest.FixtureRequest) -> Iterator[Inventory]:
    """Compare a synthesis with `tests/inventories/<name>.yaml`: `inventory("modules/key", synthesized)`."""
    command = f"pytest '{request.node.nodeid}' --regenerate"
    yield Inventory(ROOT / "tests" / "inventories", command, request.config.getoption("--regenerate"))
