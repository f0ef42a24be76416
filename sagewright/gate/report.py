"""What the gate found: one result for every rule and every resource that the rule is for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["pass", "fail", "unknown", "waived", "error"]
Mode = Literal["deny", "deny unless overridden", "advise"]
Severity = Literal["critical", "high", "medium", "low"]
Verdict = Literal["open", "denied", "error"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
EXIT_CODES: dict[Verdict, int] = {"open": 0, "denied": 1, "error": 3}
GATE = "SW_GATE"
"""Rule id of what is wrong with the gate's own input: a plan, the catalogue, a waiver."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """One person's word that a rule shall not stop one run; whoever hands it in has proved who it is."""

    rule: str
    reason: str
    group: str
    """The group of approvers, as the environment file calls it."""
    approver: str
    """Who of them: the ARN of their session in AWS."""

    def __str__(self) -> str:
        return f"{self.reason} ({self.group}: {self.approver})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What one rule says of one resource."""

    rule: str
    title: str
    severity: Severity
    state: State
    mode: Mode
    """What a `fail` or an `unknown` does here: `advise` only says so, all else closes the gate."""
    stack: str
    address: str
    message: str
    """What is so, with argument and value; redacted."""
    remedy: str
    """What to do about it."""
    touched: bool
    """Whether the plan changes this resource; what it leaves alone is shown last."""
    waiver: str = ""
    """Reason, owner and last day of the waiver, for the state `waived`."""
    ticket: str = ""
    """Where the waiver is followed up."""
    waived_in: str = ""
    """Where the waiver is written: `policies/waivers.yaml`, or a line in Python."""
    place: str = ""
    """Where in Python the resource is made, as `stacks/serving.py:97`; for what passes it is left out."""
    override: str = ""
    """Reason, group and person of the override that keeps this from closing the gate."""

    @property
    def denies(self) -> bool:
        """Whether this result alone keeps the gate closed."""
        return self.state in ("fail", "unknown") and self.mode != "advise" and not self.override


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The gate's answer to one environment's plans."""

    environment: str
    stacks: tuple[str, ...]
    digests: tuple[str, ...]
    """What each stack's plan changes, as a keyed hash (`identity`)."""
    results: tuple[Result, ...]
    touched: int
    """How many resources the plans change."""
    rules: int
    """How many rules apply to the environment."""
    overrides: tuple[Override, ...] = ()
    """What was handed in to override rules, needed or not."""

    @property
    def verdict(self) -> Verdict:
        """`error` when anything could not be judged, else `denied` when a rule denies, else `open`."""
        if any(result.state == "error" for result in self.results):
            return "error"
        return "denied" if any(result.denies for result in self.results) else "open"

    @property
    def exit_code(self) -> int:
        """0 open, 1 denied, 3 error."""
        return EXIT_CODES[self.verdict]

    @property
    def counts(self) -> dict[str, int]:
        """Number of results by state; every state is there."""
        counts = dict.fromkeys(("pass", "fail", "unknown", "waived", "error"), 0)
        for result in self.results:
            counts[result.state] += 1
        return counts

    def to_dict(self) -> dict[str, Any]:
        """Return the report for a program; `docs/policies.md` describes the format.

        Keys: `format` (1), `environment`, `verdict`, `exit_code`, `stacks`, `plans` (`stack` and `digest`),
        `rules`, `touched`, `counts` by state, `overrides`, and `results`, each with the fields of `Result`.
        Errors come first, then what denies, what advises or is overridden, what is waived, and what passed;
        all of it is redacted.
        """
        return {
            "format": 1,
            "environment": self.environment,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "stacks": list(self.stacks),
            "plans": [
                {"stack": stack, "digest": digest}
                for stack, digest in zip(self.stacks, self.digests, strict=True)
            ],
            "rules": self.rules,
            "touched": self.touched,
            "counts": self.counts,
            "overrides": [asdict(override) for override in self.overrides],
            "results": [asdict(result) for result in self.results],
        }


def rank(result: Result) -> tuple[Any, ...]:
    """Order results for a reader: what stops first, what the change touches before what it leaves alone."""
    group = {"error": 0, "fail": 1, "unknown": 1, "waived": 3, "pass": 4}[result.state]
    if group == 1 and not result.denies:
        group = 2
    return (
        group,
        not result.touched,
        SEVERITIES.index(result.severity),
        result.rule,
        result.stack,
        result.address,
    )
