"""The first moments of a program: Ctrl-C while Python imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

SLOW = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "sagewright", "synth"],
        ["-c", "from sagewright.start import cli; cli()"],
        ["-c", "from sagewright.start import wrapper; wrapper()"],
    ],
)
def test_an_interrupt_while_python_imports_ends_a_program_in_silence(
    tmp_path: Path, command: list[str]
) -> None:
    for name in ("typer", "rich"):
        (tmp_path / f"{name}.py").write_text(SLOW)
    variables = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [sys.executable, *command],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "importing\n"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=20)
    assert program.returncode == -signal.SIGINT
    assert errors == ""
