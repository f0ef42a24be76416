"""The README is true: its commands, in a fresh copy of the repository, as a newcomer runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("AWS_", "TF_", "CDKTF_", "VIRTUAL_ENV", "PYTHON", "PYTEST_", "MAKE", "MFLAGS")
"""Beginnings of variables that a newcomer does not have."""
SET_UP_SECONDS = 180.0
REPEATED_SET_UP_SECONDS = 1.0

Run = Callable[..., str]

pytestmark = [pytest.mark.newcomer, pytest.mark.local]


def commands(title: str) -> list[str]:
    """Return the commands that the README shows in a section."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]
    return [line.split("#")[0].strip() for line in section.splitlines() if line.startswith("    ")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would clone: all files but the ignored ones."""
    folder = tmp_path_factory.mktemp("clone") / "sagewright"
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def run(clone: Path) -> Iterator[Run]:
    """Run a shell command in the clone, nothing of this checkout in its environment; return what it said."""
    ours = {str(ROOT / ".sagewright" / "bin"), str(ROOT / ".venv" / "bin")}
    variables = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    variables["PATH"] = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if folder not in ours
    )

    def shell(command: str) -> str:
        done = subprocess.run(
            command,
            shell=True,
            cwd=clone,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    yield shell
    if (clone / ".venv").is_dir():
        shell("make down")


def set_up_seconds(said: str) -> float:
    """Return the time that the steps of set-up took together."""
    return sum(float(seconds) for seconds in re.findall(r"^✓ set-up: \w+ +([\d.]+) s", said, re.MULTILINE))


def test_the_readme_shows_two_commands() -> None:
    assert commands("Try it") == ["make demo", "make test"]


def test_the_demo_deploys_and_what_it_says_next_works(clone: Path, run: Run) -> None:
    said = run("make demo")
    assert 0 < set_up_seconds(said) < SET_UP_SECONDS
    assert "is deployed and verified" in said
    look = said[said.index("Look at it") : said.index("Change something")].splitlines()
    exports = [line for line in look if line.startswith(("unset ", "export "))]
    (python,) = (line for line in look if "import boto3" in line)
    assert "InService" in run("\n".join([*exports, python]))

    again = run("make demo")
    assert set_up_seconds(again) == 0
    assert "nothing changes" in again

    environment = clone / "environments" / "local.yaml"
    text = environment.read_text(encoding="utf-8")
    assert text.count("weight: 90") == text.count("weight: 10\n") == 1
    moved = text.replace("weight: 90", "weight: 70").replace("weight: 10\n", "weight: 30\n")
    environment.write_text(moved, encoding="utf-8")
    assert "is deployed and verified" in run("make deploy ENV=local")
    described = run("\n".join([*exports, python]))
    assert re.search(r"'CurrentWeight': 70(\.0)?[,}]", described)

    run("make down")


def test_a_repeated_set_up_takes_no_time(run: Run) -> None:
    run("make setup")
    start = time.monotonic()
    run("make setup")
    assert time.monotonic() - start < REPEATED_SET_UP_SECONDS


def test_make_test_runs_the_checks_and_all_tests(run: Run) -> None:
    said = run("make --dry-run test")
    for program in ("ruff format --check", "ruff check", "mypy", "test_layers.py", "--check", "pytest -n"):
        assert program in said
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "make test"
