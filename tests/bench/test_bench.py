"""The benchmark measures what it says, on the same stacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import synth
from bench.measure import Measurement, measure, medians

ROOT = Path(__file__).resolve().parent.parent.parent
HOLD = "held = b'x' * (80 << 20); import time; time.sleep(1)"
"""A program that holds 80 MiB for a second."""


def test_memory_is_that_of_a_program_and_of_what_it_starts(tmp_path: Path) -> None:
    child = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {HOLD!r}]); "
    alone = measure([sys.executable, "-c", HOLD], tmp_path, os.environ)
    together = measure([sys.executable, "-c", f"{child}{HOLD}; child.wait()"], tmp_path, os.environ)
    in_turn = measure([sys.executable, "-c", f"{child}child.wait(); {HOLD}"], tmp_path, os.environ)
    assert 80 < alone.peak_mib < 150
    assert together.peak_mib > 160
    assert 80 < in_turn.peak_mib < 160
    assert in_turn.wall_seconds > 2


def test_processor_time_holds_that_of_children(tmp_path: Path) -> None:
    spin = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    assert measure([sys.executable, "-c", program], tmp_path, os.environ).cpu_seconds > 0.5


def test_a_program_that_fails_ends_the_measurement_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no luck"):
        measure([sys.executable, "-c", "raise SystemExit('no luck')"], tmp_path, os.environ)


def test_the_median_is_taken_of_each_figure() -> None:
    figures = [(1, 9, 5), (2, 7, 4), (9, 8, 6)]
    runs = [Measurement(wall_seconds=wall, cpu_seconds=cpu, peak_mib=peak) for wall, cpu, peak in figures]
    assert medians(runs) == Measurement(wall_seconds=2, cpu_seconds=8, peak_mib=5)


def test_a_stack_of_endpoints_grows_with_their_number(tmp_path: Path) -> None:
    counts = []
    for number in (1, 3):
        output = tmp_path / str(number)
        command = [sys.executable, "bench/endpoints.py", str(number)]
        subprocess.run(command, cwd=ROOT, env=synth.variables(output), check=True)
        (stack,) = synth.synthesized(output)
        counts.append(synth.resources(output / stack))
    assert counts[1] == 3 * counts[0] > 0


def test_the_committed_figures_keep_the_promise() -> None:
    found = json.loads(synth.RESULTS.read_text(encoding="utf-8"))
    assert list(found["comparisons"]) == list(synth.COMPARED)
    for comparison in found["comparisons"].values():
        assert comparison["faster"] == pytest.approx(
            comparison["stock"]["median"]["wall_seconds"] / comparison["slim"]["median"]["wall_seconds"]
        )
        assert comparison["memory_share"] <= 1 / 3
    assert found["comparisons"]["one endpoint"]["faster"] >= 10
    assert found["comparisons"]["environments/local.yaml"]["faster"] >= 5
    assert [row["endpoints"] for row in found["growth"]] == list(synth.SIZES)


def test_a_program_runs_on_the_stock_package(tmp_path: Path) -> None:
    folder = tmp_path / "cdktf_cdktf_provider_aws" / "sns_topic"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").write_text("SnsTopic = 'stock'")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys; from modules._aws.sns_topic import SnsTopic; print(SnsTopic, sys.argv[1:])"
    )
    said = subprocess.check_output(
        [sys.executable, "bench/stock.py", str(program), "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        text=True,
    )
    assert said == "stock ['1']\n"
