"""Plan rules: loaded from a policies folder, asked one subject at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from policies.plan.model import Change, Configured, Finding, Planned, Resource, Undecided
from sagewright.gate.checks import CheckError, Verdict, load

PlanRule = Callable[[Resource | Change | Configured, Planned], Finding]


def own_rules(folder: Path) -> dict[str, PlanRule]:
    """Load the rules of a policies folder's `plan`, by id.

    Raises `CheckError`: no folder, a file that cannot be imported, the same id twice.
    """
    rules_folder = folder / "plan"
    if not rules_folder.is_dir():
        raise CheckError(f"{rules_folder}: there is no such folder")
    found: dict[str, PlanRule] = {}
    for path in sorted(rules_folder.glob("*.py")):
        if path.name in ("__init__.py", "model.py"):
            continue
        module = load(f"sagewright_plan_{path.stem}", path)
        for value in vars(module).values():
            id_ = getattr(value, "rule_id", None)
            if isinstance(id_, str) and callable(value):
                if id_ in found:
                    raise CheckError(f"{path}: {id_} is there twice")
                found[id_] = value
    return found


def ask(function: PlanRule, subject: Resource | Change | Configured, planned: Planned) -> Verdict:
    """Ask a rule about a resource or a change; whatever it raises becomes an `error`."""
    try:
        finding = function(subject, planned)
    except Undecided as error:
        return Verdict(state="unknown", message=error.told_to(subject.address))
    except (Exception, SystemExit) as error:
        return Verdict(state="error", message=f"the rule failed: {type(error).__name__}: {error}")
    if not isinstance(finding, Finding):
        return Verdict(state="error", message=f"the rule failed: expected a Finding, got {finding!r}")
    return Verdict(state=finding.state, message=finding.message)
