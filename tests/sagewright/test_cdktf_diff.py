"""`cdktf diff` with a pattern: one synthesis, one diff for each stack that matches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from sagewright.project import Project

from .conftest import ROOT, write_stack

CDKTF = """#!/bin/sh
echo "$@"
case "$*" in "diff small-bad"*) exit 7 ;; *slow*) trap 'kill $!; exit 130' INT; sleep 30 & wait ;; esac
"""


@pytest.fixture
def project(checkout: Project) -> Project:
    """A checkout with three stacks and a cdktf that says what it is asked."""
    for name in ("small-bad", "small-first", "other-slow"):
        write_stack(checkout, name, {})
    program = checkout.bin / "cdktf"
    program.write_text(CDKTF)
    program.chmod(0o755)
    return checkout


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """Run the program as .sagewright/bin/cdktf does."""
    return subprocess.Popen(
        [sys.executable, "-m", "sagewright.cdktf_diff", *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def diff(project: Project, *arguments: str) -> tuple[int, list[str], str]:
    """Return the exit code, what cdktf was asked, and the error."""
    with start(project, *arguments) as program:
        output, errors = program.communicate(timeout=30)
    return program.returncode, output.splitlines(), errors


def test_every_stack_that_matches_is_shown_after_one_synthesis(project: Project) -> None:
    code, asked, errors = diff(project, "small-*", "--no-color")
    assert asked == [
        "synth",
        "diff small-bad --no-color --skip-synth",
        "diff small-first --no-color --skip-synth",
    ]
    assert (code, errors) == (7, "")


def test_a_pattern_that_matches_none_is_refused(project: Project) -> None:
    code, asked, errors = diff(project, "nope-*", "--skip-synth")
    assert (code, asked) == (2, [])
    assert errors == "error: no stack matches 'nope-*'; there are: small-bad, small-first, other-slow\n"


def test_an_interrupt_ends_it_when_cdktf_has_ended(project: Project) -> None:
    with start(project, "other-*", "--skip-synth") as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "diff other-slow --skip-synth\n"
        os.killpg(program.pid, signal.SIGINT)
        _, errors = program.communicate(timeout=20)
    assert (program.returncode, errors) == (130, "")
