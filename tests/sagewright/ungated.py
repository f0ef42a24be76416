"""The command line with a gate that is always open: for tests of what it does besides judging.

Stacks of these tests have no AWS resources, so that they need no provider and no minutes; a real gate
rightly refuses plans in which there is nothing to judge. Its tests are elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from sagewright import cli, gate, terraform

READY = "interrupts are handled"
"""What a program says on standard error once it handles them."""


class Open:
    """A report with nothing in it."""

    verdict = "open"
    exit_code = 0

    def to_dict(self) -> dict[str, Any]:
        return {"verdict": self.verdict}


def judge(plans: Sequence[gate.PlanInput], environment: object, **_: object) -> Open:
    """Let every plan pass."""
    return Open()


def show(report: object, console: object) -> None:
    """Say nothing."""


def handle_interrupts() -> None:
    """Handle interrupts, and say so."""
    terraform.handle_interrupts()
    print(READY, file=sys.stderr, flush=True)


OPEN = {"gate": judge, "show": show, "preload": lambda: None}
"""What stands in the place of the real gate's functions, by their names."""


def open_gate() -> None:
    """Put the open gate in the place of the real one."""
    for name, stand_in in OPEN.items():
        setattr(gate, name, stand_in)


if __name__ == "__main__":
    open_gate()
    cli.handle_interrupts = handle_interrupts  # type: ignore[attr-defined]
    cli.main()
