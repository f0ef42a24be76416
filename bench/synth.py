"""Measure synthesis, and write what was found to bench/results/synth.json.

First tables: one endpoint, and the stacks of environments/local.yaml, with the slim bindings as Sagewright
runs them, and with the stock package cdktf-cdktf-provider-aws, which is installed into an environment of its
own, as jsii runs it; both must give the same Terraform. Last table: how synthesis grows with the number of
endpoints in one stack.
Each figure is the median of three runs, after one that is not counted and compiles the Python; what is
compared runs in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Measurement, measure, medians
from tools import setup

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "synth.json"
STOCK = setup.WORK / "bench"
LOCKS = ("requirements.lock", "requirements-bench.lock")
ENVIRONMENT = "local"
RUNS = 3
BUSY = 1.0
"""Load average above which other work makes wall times useless."""
COMPARED = {"one endpoint": ("bench/endpoints.py", "1"), "environments/local.yaml": ("main.py",)}
"""The programs that make the stacks to compare: the least, where nearly all is start-up, and the most."""
SIZES = (1, 10, 50, 100, 250, 500)


def install_stock() -> Path:
    """Make an environment of the project's packages and the stock provider; return its Python."""
    python, stamp = STOCK / "bin" / "python", STOCK / "made-from"
    key = hashlib.sha256(setup.read(*LOCKS) + platform.python_version().encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != key:
        with setup.scratch() as folder:
            new = folder / "stock"
            setup.uv("venv", "--relocatable", "--python", str(setup.PYTHON), str(new))
            target = str(new / "bin" / "python")
            setup.uv("pip", "sync", "--python", target, "--require-hashes", "--no-build", *LOCKS)
            (new / "made-from").write_text(key, encoding="utf-8")
            setup.put(new, STOCK)
    return python


def variables(output: Path) -> dict[str, str]:
    """Return the process environment of a synthesis into a folder."""
    return {
        **setup.environment(),
        "CDKTF_OUTDIR": str(output),
        "SAGEWRIGHT_ENVIRONMENT": ENVIRONMENT,
        "TERRAFORM_BINARY_NAME": str(setup.VENV / "bin" / "sagewright-terraform"),
        "PYTHONPATH": str(ROOT),
    }


def as_it_comes(output: Path) -> dict[str, str]:
    """Return the process environment of a synthesis as jsii starts it by itself."""
    return {name: value for name, value in variables(output).items() if name != "JSII_NODE"}


def repeat(console: Console, programs: Mapping[str, tuple[list[str], dict[str, str]]]) -> dict[str, Any]:
    """Run each synthesis once uncounted, then three times in turns; return medians and runs of each."""
    taken: dict[str, list[Measurement]] = {name: [] for name in programs}
    for number in range(RUNS + 1):
        for name, (command, settings) in programs.items():
            with console.status(f"{name}, run {number} of {RUNS}"):
                one = measure(command, ROOT, settings)
            if number:
                taken[name].append(one)
    return {
        name: {"median": asdict(medians(runs)), "runs": [asdict(run) for run in runs]}
        for name, runs in taken.items()
    }


def synthesized(output: Path) -> list[Path]:
    """Return the stacks in an output folder, relative to it."""
    return sorted(path.relative_to(output) for path in output.glob("stacks/*/cdk.tf.json"))


def compare(console: Console, folder: Path, stock_python: Path, program: tuple[str, ...]) -> dict[str, Any]:
    """Measure slim against stock on the same stacks; stop if they do not give the same Terraform."""
    folder.mkdir()
    slim, stock = folder / "slim", folder / "stock"
    found = repeat(
        console,
        {
            "slim": ([str(setup.PYTHON), "-O", *program], variables(slim)),
            "stock": ([str(stock_python), "bench/stock.py", *program], as_it_comes(stock)),
        },
    )
    stacks = synthesized(slim)
    different = [str(path) for path in stacks if terraform(slim / path) != terraform(stock / path)]
    if not stacks or different or stacks != synthesized(stock):
        raise SystemExit(f"bench: the two give different Terraform: {different or stacks}")
    ours, theirs = found["slim"]["median"], found["stock"]["median"]
    return {
        "resources": sum(resources(slim / path) for path in stacks),
        **found,
        "faster": theirs["wall_seconds"] / ours["wall_seconds"],
        "less_cpu": theirs["cpu_seconds"] / ours["cpu_seconds"],
        "memory_share": ours["peak_mib"] / theirs["peak_mib"],
    }


def terraform(stack: Path) -> dict[str, Any]:
    """Return a synthesized stack without comments: only our bindings note where a resource is made.

    The stock package names the provider `aws`, short for `hashicorp/aws`.
    """
    document: dict[str, Any] = json.loads(stack.read_text(encoding="utf-8"))
    del document["//"]
    required = document["terraform"]["required_providers"]["aws"]
    required["source"] = required["source"].removeprefix("hashicorp/")
    return document


def resources(stack: Path) -> int:
    """Return the number of resources in a synthesized stack."""
    return sum(len(named) for named in terraform(stack).get("resource", {}).values())


def grow(console: Console, folder: Path) -> list[dict[str, Any]]:
    """Measure the synthesis of one stack with more and more endpoints."""
    folder.mkdir()
    found = []
    for number in SIZES:
        output = folder / str(number)
        name = f"{number} endpoints"
        command = [str(setup.PYTHON), "-O", "bench/endpoints.py", str(number)]
        taken = repeat(console, {name: (command, variables(output))})[name]
        (stack,) = synthesized(output)
        found.append(
            {
                "endpoints": number,
                "resources": resources(output / stack),
                "kib": (output / stack).stat().st_size / 1024,
                **taken,
            }
        )
    return found


def show(console: Console, results: Mapping[str, Any]) -> None:
    """Print all tables."""
    for of, comparison in results["comparisons"].items():
        console.print(f"Synthesis of {of}, {comparison['resources']} resources")
        table = Table("bindings")
        for column in ("wall s", "CPU s", "peak MiB"):
            table.add_column(column, justify="right")
        for name in ("slim", "stock"):
            table.add_row(name, *figures(comparison[name]["median"]))
        console.print(table)
        faster, less, share = (comparison[name] for name in ("faster", "less_cpu", "memory_share"))
        console.print(
            f"slim: {faster:.1f} times as fast, {less:.1f} times less CPU, {share:.0%} of the memory\n"
        )
    console.print("Growth with the number of endpoints in one stack, slim bindings")
    table = Table()
    for column in ("endpoints", "resources", "KiB of JSON", "wall s", "CPU s", "peak MiB"):
        table.add_column(column, justify="right")
    for row in results["growth"]:
        counts = (f"{row['endpoints']}", f"{row['resources']}", f"{row['kib']:.0f}")
        table.add_row(*counts, *figures(row["median"]))
    console.print(table)


def figures(taken: Mapping[str, float]) -> tuple[str, str, str]:
    """Return a measurement as the cells of a table."""
    return f"{taken['wall_seconds']:.2f}", f"{taken['cpu_seconds']:.2f}", f"{taken['peak_mib']:.0f}"


def main() -> int:
    """Measure, print, write."""
    console = Console()
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average_before": os.getloadavg()[0],
    }
    if os.getloadavg()[0] > BUSY:
        console.print(
            f"[yellow]the machine is busy, load {os.getloadavg()[0]:.1f}: trust the CPU times only[/]"
        )
    with console.status("installing the stock package"):
        stock_python = install_stock()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        results = {
            "machine": machine,
            "comparisons": {
                of: compare(console, Path(name) / str(number), stock_python, program)
                for number, (of, program) in enumerate(COMPARED.items())
            },
            "growth": grow(console, Path(name) / "growth"),
        }
    show(console, results)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {RESULTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
