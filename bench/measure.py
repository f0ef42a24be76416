"""Measure a program and all that it starts: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
"""Where Linux shows its processes; elsewhere ps is asked."""
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
    """Run a program to its end and measure it; stop with what it said if it fails."""
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
            peak = max(peak, resident_mib(family))
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
    for child, parent in parents():
        children.setdefault(parent, []).append(child)
    family = [pid]
    for member in family:
        family.extend(children.get(member, []))
    return family


def parents() -> Iterator[tuple[int, int]]:
    """Yield every process that there is, and its parent."""
    if not PROC.is_dir():
        for line in ps("-A", "-o", "pid=,ppid="):
            pid, parent = map(int, line.split())
            yield pid, parent
        return
    for stat in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):  # it is gone
            text = stat.read_text(encoding="ascii", errors="replace")
            yield int(stat.parent.name), int(text.rpartition(")")[2].split()[1])


def resident_mib(family: Sequence[int]) -> float:
    """Return the resident memory of some processes together; those that are gone have none."""
    if not PROC.is_dir():
        return sum(map(int, ps("-o", "rss=", "-p", ",".join(map(str, family))))) / 1024
    pages = 0
    for pid in family:
        with suppress(OSError, IndexError):
            pages += int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_MIB


def ps(*options: str) -> list[str]:
    """Return the lines that ps prints."""
    return subprocess.run(
        ["ps", *options], stdout=subprocess.PIPE, text=True, check=False
    ).stdout.splitlines()
