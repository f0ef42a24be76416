"""The report for a reviewer with two minutes: what stops, what to do, and the rest in one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sagewright.gate.report import Report, Result

VERDICTS = {
    "open": ("open", "bold green"),
    "denied": ("denied", "bold red"),
    "error": ("closed by an error", "bold red"),
}
ERRORS = 10
"""Errors that are shown; the first tell the cause."""
FOLDED = 3
"""Addresses that are named where many results say the same."""


def show(report: Report, console: Console) -> None:
    """Print a report: errors, denials and advice in full, everything else counted; it is redacted already."""
    stopping = [result for result in report.results if result.state == "error" or result.denies]
    overridden = [result for result in report.results if result.override]
    advice = [
        result
        for result in report.results
        if result.state in ("fail", "unknown") and not result.denies and not result.override
    ]
    waived = [result for result in report.results if result.state == "waived"]
    broken = [result for result in stopping if result.state == "error"]
    for result in broken[:ERRORS]:
        show_error(result, console)
    if len(broken) > ERRORS:
        console.print(Text(f"and {len(broken) - ERRORS} more errors", style="bold red"))
    for results in alike(result for result in stopping if result.denies):
        show_finding(results, "DENIED", "bold red", console)
    for results in alike(overridden):
        show_finding(results, "OVERRIDDEN", "bold magenta", console)
        console.print(Padding(Text(f"because: {results[0].override}"), (0, 0, 0, 4)))
    for results in alike(advice):
        show_finding(results, "advice", "yellow", console)
    for result in waived:
        said = f"{result.rule} {result.address}{made_at(result)}: {result.waiver}, {result.ticket}"
        console.print(Text.assemble(("waived ", "cyan"), f"{said}, {result.waived_in}"))
    word, style = VERDICTS[report.verdict]
    console.print(Text.assemble("gate ", (word, style), f": {summary(report)}"))


def show_error(result: Result, console: Console) -> None:
    """Print what kept the gate from judging."""
    place = " ".join(filter(None, (result.stack, result.address)))
    console.print(Text.assemble(("ERROR ", "bold red"), result.title, f" ({place})" if place else ""))
    console.print(Padding(Text(result.message), (0, 0, 0, 2)))
    console.print(Padding(Text(f"do: {result.remedy}", style="bold"), (0, 0, 0, 2)))


def show_finding(results: Sequence[Result], word: str, style: str, console: Console) -> None:
    """Print one rule's results that say the same: the rule, the places, the value, and what to do, once."""
    first = results[0]
    console.print(
        Text.assemble((f"{word} ", style), (first.rule, "bold"), f" {first.title} [{first.severity}]")
    )
    for result in results[:FOLDED]:
        unchanged = "" if result.touched else " (not changed by this plan)"
        said = f"{result.stack}: {result.address}{made_at(result)}{unchanged}"
        console.print(Padding(Text(said), (0, 0, 0, 2)))
    if len(results) > FOLDED:
        console.print(Padding(Text(f"and {len(results) - FOLDED} more"), (0, 0, 0, 2)))
    if first.message:
        console.print(Padding(Text(first.message), (0, 0, 0, 4)))
    console.print(Padding(Text(f"do: {' '.join(first.remedy.split())}", style="bold"), (0, 0, 0, 4)))


def made_at(result: Result) -> str:
    """Return where in Python a resource is made, for the end of its address."""
    return f" ({result.place})" if result.place else ""


def alike(results: Iterable[Result]) -> Iterable[Sequence[Result]]:
    """Group results, which are sorted, by rule, state and message."""
    groups: dict[tuple[str, str, str, bool], list[Result]] = {}
    for result in results:
        groups.setdefault((result.rule, result.state, result.message, result.touched), []).append(result)
    return groups.values()


def summary(report: Report) -> str:
    """Return the closing line: how much was judged, and with what result."""
    counts = report.counts
    failing = counts["fail"] + counts["unknown"]
    denied = sum(result.denies for result in report.results)
    overridden = sum(bool(result.override) for result in report.results)
    said = [f"{counts['pass']} passed"]
    if denied:
        said.append(f"{denied} denied")
    if overridden:
        said.append(f"{overridden} overridden")
    if failing - denied - overridden:
        said.append(f"{failing - denied - overridden} advised")
    if counts["waived"]:
        said.append(f"{counts['waived']} waived")
    if counts["error"]:
        said.append(f"{counts['error']} error{'s' * (counts['error'] > 1)}")
    stacks = ", ".join(report.stacks) or "no stack"
    changing = f"{report.touched} resource{'s change' if report.touched != 1 else ' changes'}"
    return f"{', '.join(said)}; {report.rules} rules on {stacks}; {changing}"
