"""Whole environments, synthesized as `main.py` does it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from cdktf import App

from modules.pipeline import Drift
from stacks.bootstrap import Bootstrap
from stacks.environment import Environment, read
from stacks.parts import build
from tests.conftest import ROOT, Synthesized

Stacks = dict[str, Synthesized]
"""The stacks of an environment by their part: `foundation`, `training`, …"""


def synthesize(folder: Path, name: str, environment: Environment) -> Stacks:
    """Synthesize an environment into a folder and return what was written."""
    app = App(outdir=str(folder))
    build(app, name, environment)
    app.synth()
    return written(folder, name)


def written(folder: Path, name: str) -> Stacks:
    """Return the stacks of an environment that was synthesized into a folder."""
    return {
        path.name.removeprefix(f"{name}-"): Synthesized(
            json.loads((path / "cdk.tf.json").read_text(encoding="utf-8"))
        )
        for path in sorted((folder / "stacks").iterdir())
    }


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stacks]:
    """Return the stacks of a committed environment, synthesized once for all workers of the run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    @cache
    def stacks(name: str) -> Stacks:
        folder = shared / f"committed-{name}"
        with (shared / f"committed-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                made = tmp_path_factory.mktemp(name)
                synthesize(made, name, read(name, ROOT / "environments"))
                made.rename(folder)
        return written(folder, name)

    return stacks


def unmonitored(environment: Environment) -> Environment:
    """Return an environment without monitors, and without what they start."""
    pipelines = {
        name: replace(
            pipeline,
            triggers={key: one for key, one in pipeline.triggers.items() if not isinstance(one, Drift)},
        )
        for name, pipeline in environment.pipelines.items()
    }
    return replace(environment, monitors={}, pipelines=pipelines)


def bootstrap(folder: Path, name: str, environment: Environment) -> Synthesized:
    """Synthesize what comes before an environment's stacks."""
    app = App(outdir=str(folder))
    Bootstrap(app, name, environment)
    app.synth()
    document = json.loads((folder / "stacks" / f"{name}-bootstrap" / "cdk.tf.json").read_text("utf-8"))
    return Synthesized(document)


@pytest.fixture(scope="session")
def bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Synthesized]:
    """Return what comes before the stacks of a committed environment, synthesized once per session."""

    @cache
    def stack(name: str) -> Synthesized:
        return bootstrap(tmp_path_factory.mktemp(name), name, read(name, ROOT / "environments"))

    return stack
