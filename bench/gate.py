"""Measure the plan gate against the stock checkov CLI, and write what was found to bench/results/gate.json.

Both judge one plan of about a thousand resources: the gate by all of its rules, checkov by those of them that
are checks of checkov, its own and ours. What both say of them must be the same. Each figure is the median of
three runs, after one that is not counted; they run in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import plans
from bench.measure import Measurement, measure, medians
from bench.synth import BUSY, ROOT, RUNS, figures
from sagewright.gate.catalog import POLICIES, Rule, read_catalog
from tools import setup

RESULTS = ROOT / "bench" / "results" / "gate.json"
RESOURCES = 1000
SHARE = 1 / 3
"""Of checkov's wall time: what the gate may take at most."""
SETTINGS = {"PYTHONPATH": str(ROOT), "LOG_LEVEL": "ERROR"}

Verdicts = dict[tuple[str, str], str]
"""Pass, fail or unknown, by check and address."""


def programs(folder: Path, rules: Sequence[Rule]) -> dict[str, list[str]]:
    """Return the commands that judge the plan in a folder, and leave what they found there."""
    plan = str(folder / "plan.json")
    return {
        "gate": [str(setup.PYTHON), "bench/judge.py", plan, str(folder / "report.json")],
        "checkov": [
            str(setup.VENV / "bin" / "checkov"),
            *("--file", plan, "--framework", "terraform_plan", "--skip-download", "--compact", "--soft-fail"),
            *("--external-checks-dir", str(POLICIES / "checkov")),
            *("--check", ",".join(rule.id for rule in rules)),
            *("--output", "json", "--output-file-path", str(folder)),
        ],
    }


def compared(folder: Path, rules: Sequence[Rule]) -> dict[str, int]:
    """Return how many results both gave, by what they say; stop where they differ.

    The gate says `unknown` where what a check rests on is known only after apply, which checkov takes for a
    pass or a failure; and it does not ask a check about types that the catalogue leaves out.
    """
    by_id = {rule.id: rule for rule in rules}
    ours = gate_verdicts(json.loads((folder / "report.json").read_text(encoding="utf-8")), by_id)
    theirs = checkov_verdicts(json.loads((folder / "results_json.json").read_text(encoding="utf-8")), by_id)
    different = [
        f"{check} {address}: the gate {ours.get((check, address))}, checkov {theirs.get((check, address))}"
        for check, address in sorted(ours.keys() | theirs.keys())
        if ours.get((check, address)) not in ("unknown", theirs.get((check, address)))
    ]
    if different or not ours:
        raise SystemExit("\n".join(["bench: the two do not say the same:", *different[:20]]))
    return {state: list(ours.values()).count(state) for state in ("pass", "fail", "unknown")}


def gate_verdicts(report: Mapping[str, Any], rules: Mapping[str, Rule]) -> Verdicts:
    """Return what the gate says by the checks of checkov; stop where it could not judge."""
    if report["counts"]["error"]:
        raise SystemExit(f"bench: the gate could not judge: {report['results'][0]['message']}")
    return {
        (result["rule"], result["address"]): result["state"]
        for result in report["results"]
        if result["rule"] in rules
    }


def checkov_verdicts(document: Mapping[str, Any], rules: Mapping[str, Rule]) -> Verdicts:
    """Return what stock checkov says of the types that a rule is for."""
    return {
        (check["check_id"], check["resource"]): said
        for said, key in (("pass", "passed_checks"), ("fail", "failed_checks"))
        for check in document["results"][key]
        if rules[check["check_id"]].is_for(check["resource"].split(".")[-2])
    }


def show(console: Console, results: Mapping[str, Any]) -> None:
    """Print the table."""
    console.print(f"One plan of {results['resources']} resources, {results['mib']:.1f} MiB of JSON")
    table = Table()
    for column in ("", "rules", "results", "wall s", "CPU s", "peak MiB"):
        table.add_column(column, justify="right" if column else "left")
    for name in ("gate", "checkov"):
        counts = (str(results[name]["rules"]), str(results[name]["results"]))
        table.add_row(name, *counts, *figures(results[name]["median"]))
    console.print(table)
    same = ", ".join(f"{count} {state}" for state, count in results["same"].items())
    console.print(f"both say the same by {results['checkov']['rules']} checks of checkov: {same}")
    console.print(
        f"the gate takes {results['share']:.0%} of checkov's time, {results['cpu_share']:.0%} of its CPU"
    )


def main() -> int:
    """Measure, compare, print, write; returns 1 where the gate takes longer than it may."""
    console = Console()
    load = os.getloadavg()[0]
    if load > BUSY:
        console.print(f"[yellow]the machine is busy, load {load:.1f}: trust the ratios only[/]")
    catalog = read_catalog(POLICIES)
    rules = [rule for rule in catalog.rules if rule.kind != "plan"]
    document = plans.plan(RESOURCES)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        plan = folder / "plan.json"
        plan.write_text(json.dumps(document), encoding="utf-8")
        taken: dict[str, list[Measurement]] = {"gate": [], "checkov": []}
        variables = {**setup.environment(), **SETTINGS, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(RUNS + 1):
            for program, command in programs(folder, rules).items():
                with console.status(f"{program}, run {number} of {RUNS}"):
                    one = measure(command, ROOT, variables)
                if number:
                    taken[program].append(one)
        same = compared(folder, rules)
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        figures_of: dict[str, dict[str, Any]] = {
            program: {"median": asdict(medians(runs)), "runs": [asdict(run) for run in runs]}
            for program, runs in taken.items()
        }
        ours, theirs = (figures_of[program]["median"] for program in ("gate", "checkov"))
        results: dict[str, Any] = {
            "machine": {
                "system": f"{platform.system()} {platform.machine()}",
                "cores": os.cpu_count(),
                "python": platform.python_version(),
                "load_average_before": load,
            },
            "resources": len(document["planned_values"]["root_module"]["resources"]),
            "mib": plan.stat().st_size / 2**20,
            "gate": {"rules": report["rules"], "results": len(report["results"]), **figures_of["gate"]},
            "checkov": {"rules": len(rules), "results": sum(same.values()), **figures_of["checkov"]},
            "same": same,
            "share": ours["wall_seconds"] / theirs["wall_seconds"],
            "cpu_share": ours["cpu_seconds"] / theirs["cpu_seconds"],
        }
    show(console, results)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {RESULTS.relative_to(ROOT)}")
    return 0 if results["share"] <= SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
