"""Whole environments, synthesized as `main.py` does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cdktf import App

from stacks.environment import Environment, read
from stacks.foundation import Foundation
from stacks.serving import Serving
from stacks.training import Training
from tests.conftest import ROOT, Synthesized

Stacks = dict[str, Synthesized]
"""The stacks of an environment by their part: `foundation`, `training`, `serving`."""


def synthesize(folder: Path, name: str, environment: Environment) -> Stacks:
    """Synthesize an environment into a folder and return what was written."""
    app = App(outdir=str(folder))
    foundation = Foundation(app, name, environment)
    Training(app, name, environment, foundation)
    Serving(app, name, environment, foundation)
    app.synth()
    return {
        path.name.removeprefix(f"{name}-"): Synthesized(
            json.loads((path / "cdk.tf.json").read_text(encoding="utf-8"))
        )
        for path in sorted((folder / "stacks").iterdir())
    }


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stacks]:
    """Return the stacks of a committed environment, synthesized once per session."""

    @cache
    def stacks(name: str) -> Stacks:
        environment = read(name, ROOT / "environments")
        return synthesize(tmp_path_factory.mktemp(name), name, environment)

    return stacks
