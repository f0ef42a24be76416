"""The Terraform that CDKTF runs (`TERRAFORM_BINARY_NAME`): what it applies went through the gate.

`cdktf deploy` calls `terraform apply` in a stack's folder, without a plan. Here that becomes: plan the
stack and all that depends on it, gate them, apply just that saved plan, verify. `cdktf diff` calls `plan`:
it is planned and judged, and what Terraform could apply is removed. Every other command goes to the real
Terraform, with the settings of the stack's target: SAGEWRIGHT_LOCAL=1 leads each to the embedded AWS.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from sagewright import bootstrap, gate, overrides, project, synth, target
from sagewright import environment as environments
from sagewright.deploy import GateClosed, NotLive, Planned, Run
from sagewright.errors import SagewrightError, Usage, unforeseen
from sagewright.gate import show
from sagewright.steps import Steps
from sagewright.terraform import GATE_VARIABLE, handle_interrupts

HARMLESS = ("", "version", "-v", "-version", "--version", "-h", "-help", "--help", "fmt", "validate")
"""What needs no account and no state; all other commands are given the target's environment."""

STATE = ("init", "output", "refresh", "import", "state", "console")
"""What reads or changes the state only; the lock in the stack is opened for it."""

OURS = ("auto-approve", "detailed-exitcode", "input", "json", "no-color", "out")
"""Options that are set here, whatever CDKTF says; a plan is saved nowhere else."""

QUESTION = {
    "apply": "Do you want to perform these actions?",
    "destroy": "Do you really want to destroy all resources?",
}
"""Terraform's own words: CDKTF recognises its question by them, and asks in its own way."""


def main() -> int:
    """Run as Terraform; returns its exit code, or that of the gate."""
    handle_interrupts()
    console = Console(highlight=False, soft_wrap=True, force_terminal=False)
    try:
        return run(sys.argv[1:], Path.cwd(), console)
    except GateClosed as closed:
        show(closed.report, console)
        console.print(str(closed), markup=False)
        return closed.exit_code
    except NotLive as wrong:
        for finding in wrong.findings:
            if not finding.ok:
                console.print(str(finding), markup=False)
        console.print(str(wrong), markup=False)
        return wrong.exit_code
    except SagewrightError as error:
        console.print(str(error), markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        console.print("interrupted; run the command again to go on")
        return 130
    except Exception as error:
        console.print(unforeseen(error), markup=False)
        return SagewrightError.exit_code


def run(arguments: Sequence[str], start: Path, console: Console) -> int:
    """Do one Terraform command in a stack's folder."""
    folder, command, rest = understood(arguments, start)
    checkout = project.find(folder)
    if command in HARMLESS:
        become(checkout.terraform, arguments, start, checkout.variables())
    assembly = synth.read(checkout)
    stack = assembly.get(folder.name)
    environment = environments.read(stack.environment, checkout.environments)
    chosen = target.choose(checkout, environment, target.local(os.environ))
    work = Run(
        project=checkout,
        target=chosen,
        assembly=assembly,
        steps=Steps(console),
        overrides=overrides.asked(os.environ, chosen) if command in ("apply", "plan") else (),
    )
    if command == "apply":
        bootstrap.ready(checkout, chosen, work.steps)
    if command in ("apply", "destroy"):
        return change(work, stack, command, rest, console)
    if command == "plan":
        return diff(work, stack, theirs(rest), console)
    if command == "init" and not theirs(rest):
        work.terraform(stack).init()
        return 0
    key = GATE_VARIABLE if command in STATE else {}
    become(checkout.terraform, [command, *rest], folder, {**chosen.variables, **key})


def understood(arguments: Sequence[str], start: Path) -> tuple[Path, str, list[str]]:
    """Return the folder, the command and its arguments, as Terraform reads them: global options come first.

    https://developer.hashicorp.com/terraform/cli/commands#switching-working-directory-with-chdir
    """
    folder = start
    for position, one in enumerate(arguments):
        if one in HARMLESS or not one.startswith("-"):
            return folder, one, list(arguments[position + 1 :])
        if one.startswith("-chdir="):
            folder = (start / one.removeprefix("-chdir=")).resolve()
    return folder, "", []


def theirs(arguments: Sequence[str]) -> list[str]:
    """Return the arguments but `OURS`, each with its value."""
    kept = []
    waiting = iter(arguments)
    for one in waiting:
        name, equals, _ = one.lstrip("-").partition("=")
        if not one.startswith("-") or name not in OURS:
            kept.append(one)
        elif name == "out" and not equals:
            next(waiting, None)
    return kept


def become(program: Path, arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> NoReturn:
    """Go on as Terraform itself: the terminal and every signal are its own."""
    os.chdir(folder)
    os.execve(program, [str(program), *arguments], dict(variables))


def change(work: Run, stack: synth.Stack, command: str, arguments: Sequence[str], console: Console) -> int:
    """Apply or destroy one stack, through the gate, with the question that Terraform would ask."""
    approved = "-auto-approve" in arguments
    kept = theirs(arguments)
    if any(not one.startswith("-") for one in kept):
        raise Usage(
            f"terraform {command}: a saved plan is applied by `sagewright deploy`, got {' '.join(arguments)}"
        )

    def approve(plans: Sequence[Planned]) -> None:
        if approved:
            return
        for plan in plans:
            console.print(shown(work, plan), markup=False)
        console.print(f"\n{QUESTION[command]}\n  Only 'yes' is accepted.\n\n  Enter a value: ", markup=False)
        if sys.stdin.readline().strip() != "yes":
            raise SagewrightError(f"{command} cancelled: {work.so_far}")

    threading.Thread(target=gate.preload, daemon=True).start()
    if command == "destroy":
        work.destroy([stack], approve, *kept)
        return 0
    work.deploy([stack], approve, *kept, seen=work.assembly.downstream(stack))
    work.verify([stack])
    return 0


def shown(work: Run, plan: Planned) -> str:
    """Return a plan as Terraform prints it, without what is secret by its mark, its name or its look."""
    return gate.redacted_text(work.terraform(plan.stack).text(plan.path), plan.document)


def diff(work: Run, stack: synth.Stack, arguments: Sequence[str], console: Console) -> int:
    """Plan one stack, and say what the gate thinks of it; nothing is applied, so nothing is stopped."""
    threading.Thread(target=gate.preload, daemon=True).start()
    if stack.empty and not work.is_made(stack):
        console.print(f"No changes. There is nothing in {stack.name}.")
        return 0
    upstream = work.assembly.upstream(stack)
    missing = any(not one.empty and not work.is_made(one) for one in upstream)
    with work.saved_plans([*upstream, stack]):
        plans = work.plan([*upstream, stack])[-1:] if missing else work.plan([stack], *arguments)
        console.print(shown(work, plans[-1]), markup=False)
        try:
            show(work.gate(plans), console)
        except GateClosed as closed:
            show(closed.report, console)
    return 0
