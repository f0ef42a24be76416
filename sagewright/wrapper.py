"""The Terraform that CDKTF runs (`TERRAFORM_BINARY_NAME`): what it applies went through the gate.

`cdktf deploy` calls `terraform apply` in a stack's folder, without a plan. Here that becomes: plan the
stack and all that depends on it, gate them, apply just that saved plan, verify. Every other command
goes to the real Terraform, in the project's environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from sagewright import environment as environments
from sagewright import gate, project, synth, target
from sagewright.deploy import GateClosed, NotLive, Planned, Run
from sagewright.errors import SagewrightError, Usage
from sagewright.gate import show
from sagewright.steps import Steps
from sagewright.terraform import GATE_VARIABLE, NOT_DEPLOYED, TerraformFailed, handle_interrupts

LOCAL = "SAGEWRIGHT_LOCAL"
"""Set to put any environment on the embedded AWS, as `--local` does for the command line."""

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


def run(arguments: Sequence[str], folder: Path, console: Console) -> int:
    """Do one Terraform command in a stack's folder."""
    checkout = project.find(folder)
    command = arguments[0] if arguments else ""
    if command not in ("init", "plan", "apply", "destroy", "output", "refresh", "import", "state", "console"):
        return subprocess.call([str(checkout.terraform), *arguments], env=checkout.variables())
    assembly = synth.read(checkout)
    stack = assembly.get(folder.name)
    environment = environments.read(stack.environment, checkout.environments)
    chosen = target.choose(checkout, environment, local=bool(os.environ.get(LOCAL)))
    work = Run(project=checkout, target=chosen, assembly=assembly, steps=Steps(console))
    if command in ("apply", "destroy"):
        return change(work, stack, command, list(arguments[1:]), console)
    if command == "init" and not set(arguments[1:]) - {"-no-color", "-input=false"}:
        work.terraform(stack).init()
        return 0
    variables = {**chosen.variables, **GATE_VARIABLE}
    if command != "plan":
        return subprocess.call([str(checkout.terraform), *arguments], cwd=folder, env=variables)
    own = ("-input=false", "-no-color", "-out", "plan")
    return diff(work, stack, [one for one in arguments[1:] if one not in own], console)


def change(work: Run, stack: synth.Stack, command: str, arguments: list[str], console: Console) -> int:
    """Apply or destroy one stack, through the gate, with the question that Terraform would ask."""
    approved = "-auto-approve" in arguments
    kept = [
        one for one in arguments if one not in ("-auto-approve", "-no-color") and not one.startswith("-input")
    ]
    if any(not one.startswith("-") for one in kept):
        raise Usage(
            f"terraform {command}: a saved plan is applied by `sagewright deploy`, got {' '.join(arguments)}"
        )

    def approve(plans: Sequence[Planned]) -> None:
        if approved:
            return
        for plan in plans:
            console.print(work.terraform(plan.stack).text(plan.path), markup=False)
        console.print(f"\n{QUESTION[command]}\n  Only 'yes' is accepted.\n\n  Enter a value: ", markup=False)
        if sys.stdin.readline().strip() != "yes":
            raise SagewrightError(f"{command} cancelled: nothing was changed")

    threading.Thread(target=gate.preload, daemon=True).start()
    if command == "destroy":
        work.destroy([stack], approve, *kept)
        return 0
    work.deploy([stack], approve, *kept, seen=work.assembly.downstream(stack))
    work.verify([stack])
    return 0


def diff(work: Run, stack: synth.Stack, arguments: Sequence[str], console: Console) -> int:
    """Plan one stack, and say what the gate thinks of it; nothing is applied, so nothing is stopped."""
    threading.Thread(target=gate.preload, daemon=True).start()
    try:
        plans = work.plan([stack], *arguments)
    except TerraformFailed as error:
        if NOT_DEPLOYED not in str(error):
            raise
        plans = work.plan([*work.assembly.upstream(stack), stack])[-1:]
    console.print(work.terraform(stack).text(plans[-1].path), markup=False)
    try:
        show(work.gate(plans), console)
    except GateClosed as closed:
        show(closed.report, console)
    return 0
