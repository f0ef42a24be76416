"""The gate on the plan: does what Terraform is about to do keep to the policies?

`gate(plans, environment)` reads plans of any origin, asks every rule of `policies/catalog.yaml` that is for
the environment about every resource that it is for, and answers with a `Report`. It fails closed: whatever
cannot be read, asked or understood is an error, and the gate stays shut (exit codes: 0 open, 1 denied,
3 error). checkov, which takes seconds to import, is imported at the first call, or by `preload` meanwhile.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.plan.model import Registry, nobody
from sagewright.gate.plan import PlanError, PlanInput, Show
from sagewright.gate.report import Override, Report, Result

if TYPE_CHECKING:
    from rich.console import Console

    from sagewright.environment import Environment


def gate(
    plans: Sequence[PlanInput],
    environment: Environment,
    *,
    policies: Path | None = None,
    today: datetime.date | None = None,
    show_plan: Show | None = None,
    registry: Registry = nobody,
    overrides: Sequence[Override] = (),
) -> Report:
    """Judge all plans of one environment together, and report.

    `policies` is the folder with the rules (default: those that ship), `today` the day against which
    waivers expire, `show_plan` turns a saved plan into JSON (default: `terraform show` in a folder of its
    own, with the checkout's Terraform), `registry` is asked for the approval of versions of models (default:
    nobody is, and it is unknown), `overrides` open it for rules that may be overridden (whoever hands them in
    has proved who the approver is: sagewright/overrides.py). Raises nothing for bad plans or policies: they
    are results with the state `error`.
    """
    from sagewright.gate.catalog import POLICIES
    from sagewright.gate.identity import key_here
    from sagewright.gate.judge import judge
    from sagewright.gate.saved_plan import show_here

    return judge(
        plans,
        environment,
        policies or POLICIES,
        today or datetime.datetime.now(datetime.timezone.utc).date(),
        show_plan or show_here(),
        key_here(),
        registry,
        overrides,
    )


def preload() -> None:
    """Import checkov, for a background thread to do while Terraform plans."""
    from sagewright.gate import checks

    checks.preload()


def redacted_text(text: str, document: Mapping[str, Any]) -> str:
    """Return a text about a plan, such as Terraform's own, with every secret of the plan's JSON hidden.

    Raises `PlanError` when the JSON is not laid out as a plan: then nobody knows what is secret.
    """
    from sagewright.gate.redaction import Redactor

    redactor = Redactor()
    try:
        redactor.learn(document)
    except Exception as error:
        raise PlanError(f"is not laid out as a plan: {type(error).__name__}: {error}") from None
    return redactor.hide(text)


def show(report: Report, console: Console) -> None:
    """Print a report for a person: what stops first, what passed as one line."""
    from sagewright.gate.console import show as show_report

    show_report(report, console)


__all__ = [
    "Override",
    "PlanError",
    "PlanInput",
    "Report",
    "Result",
    "gate",
    "preload",
    "redacted_text",
    "show",
]
