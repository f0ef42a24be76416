"""Measure a program and all that it starts: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
SAMPLE_SECONDS = 0.02
LOOK_FOR_CHILDREN_SECONDS = 0.2
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one run took, or the medians of several."""

    wall_seconds: float
    cpu_seconds: float
    """User and system time of the program and the children that it waited for."""
    peak_mib: float
    """Highest sum of the resident memory of the program and its descendants."""


def measure(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Measurement:
    """Run a program to its end and measure it; stop with what it said if it fails.

    Memory is read from /proc, so this works on Linux only.
    """
    with tempfile.TemporaryFile() as said:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=dict(variables), stdout=said, stderr=said)
        family, looked, peak = [process.pid], start, 0.0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - looked > LOOK_FOR_CHILDREN_SECONDS:
                family, looked = descendants(process.pid), time.monotonic()
            peak = max(peak, sum(resident_mib(member) for member in family))
            time.sleep(SAMPLE_SECONDS)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')[-3000:]}")
    return Measurement(wall_seconds=wall, cpu_seconds=usage.ru_utime + usage.ru_stime, peak_mib=peak)


def medians(measurements: Sequence[Measurement]) -> Measurement:
    """Return the median of each figure."""
    return Measurement(
        wall_seconds=statistics.median(one.wall_seconds for one in measurements),
        cpu_seconds=statistics.median(one.cpu_seconds for one in measurements),
        peak_mib=statistics.median(one.peak_mib for one in measurements),
    )


def descendants(pid: int) -> list[int]:
    """Return a process and all that it started, directly or not."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            parent = parent_of(int(folder.name))
            if parent is not None:
                children.setdefault(parent, []).append(int(folder.name))
    family = [pid]
    for member in family:
        family.extend(children.get(member, []))
    return family


def parent_of(pid: int) -> int | None:
    """Return a process's parent; `None` when it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[1])


def resident_mib(pid: int) -> float:
    """Return a process's resident memory; 0 when it is gone."""
    try:
        return int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1]) * PAGE_MIB
    except (OSError, IndexError):
        return 0.0
