"""An environment's way to AWS: plan every stack, gate them all, apply what was gated, verify what is live."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sagewright import gate, preview, verify
from sagewright.errors import Denied, SagewrightError
from sagewright.gate import PlanInput, Report
from sagewright.project import Project
from sagewright.steps import Steps
from sagewright.synth import Assembly, Stack
from sagewright.target import Target
from sagewright.terraform import Clock, Terraform, private

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 2
"""Terraform processes side by side: each starts a provider of 320 MB (PITFALLS in docs/)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A stack's saved plan."""

    stack: Stack
    path: Path
    json_path: Path
    document: Mapping[str, Any]
    preview: bool
    """Planned against outputs that are not there yet: to be gated, never applied."""

    @property
    def counts(self) -> dict[str, int]:
        """How many resources the plan adds, changes, replaces and destroys."""
        counted = {"add": 0, "change": 0, "replace": 0, "destroy": 0}
        for change in self.document.get("resource_changes", []):
            actions = change["change"]["actions"]
            if len(actions) == 2:
                counted["replace"] += 1
            elif kind := {"create": "add", "update": "change", "delete": "destroy"}.get(actions[0]):
                counted[kind] += 1
        return counted

    @property
    def changes(self) -> bool:
        """Tell whether applying the plan does anything, outputs included."""
        return any(self.counts.values()) or preview.changes_outputs(self.document)

    def __str__(self) -> str:
        words = {"add": "to add", "change": "to change", "replace": "to replace", "destroy": "to destroy"}
        said = [f"{count} {words[kind]}" for kind, count in self.counts.items() if count]
        if not said:
            said = ["outputs change"] if self.changes else ["no changes"]
        return ", ".join(said) + (" (preview)" if self.preview else "")


@dataclass(slots=True)
class Run:
    """One command's work on one environment."""

    project: Project
    target: Target
    assembly: Assembly
    steps: Steps
    clock: Clock = field(default_factory=Clock)
    pending: dict[str, Planned] = field(default_factory=dict)
    """The plans by stack that are not applied yet: what depends on their outputs gets a preview."""
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The states by stack that were verified last."""

    def terraform(self, stack: Stack) -> Terraform:
        """Return the Terraform of a stack's folder."""
        return Terraform(self.project, stack.folder, self.target.variables, self.clock)

    def plan(self, stacks: Sequence[Stack], *arguments: str) -> list[Planned]:
        """Plan the stacks, each after those it depends on, independent ones side by side.

        A stack whose inputs wait for the plan of another gets a preview.
        """
        done: list[Planned] = []
        for wave in waves(self.assembly, stacks):
            done.extend(side_by_side(lambda stack: self._plan(stack, arguments), wave))
        return done

    def _plan(self, stack: Stack, arguments: Sequence[str]) -> Planned:
        waiting = {
            other.name: preview.state(self.pending[other.name].document, self.target.environment)
            for other in self.assembly.upstream(stack)
            if other.name in self.pending and preview.changes_outputs(self.pending[other.name].document)
        }
        with self.steps.step(f"plan {stack.name}") as step:
            terraform = self.terraform(stack)
            terraform.init()
            if waiting:
                terraform = preview.prepare(stack, waiting, terraform)
                terraform.init()
            path = private(self.project.work / "plans" / f"{stack.name}.tfplan")
            terraform.plan(path, *arguments)
            document = terraform.show(path)
            planned = Planned(
                stack=stack,
                path=path,
                json_path=write_private(path.with_suffix(".json"), document),
                document=document,
                preview=bool(waiting),
            )
            self.pending[stack.name] = planned
            step.note = str(planned)
        return planned

    def gate(self, plans: Iterable[Planned]) -> Report:
        """Put plans through the gate; raises `GateClosed` with the report where it does not open."""
        inputs = [
            PlanInput(path=plan.json_path, stack=plan.stack.name, synthesized=plan.stack.synthesized)
            for plan in plans
        ]
        with self.steps.step("gate") as step:
            report = gate.gate(inputs, self.target.environment)
            step.note = report.verdict
            if report.exit_code:
                raise GateClosed(report)
        return report

    def apply(self, plan: Planned) -> None:
        """Apply a plan that the gate let through, then verify what is live."""
        if plan.preview:
            raise SagewrightError(f"{plan.stack.name}: a preview cannot be applied; plan it again")
        terraform = self.terraform(plan.stack)
        with self.steps.step(f"apply {plan.stack.name}") as step:
            terraform.apply(plan.path, say=step.say)
            step.note = str(plan)
        del self.pending[plan.stack.name]
        for path in (plan.path, plan.json_path):
            path.unlink(missing_ok=True)

    def verify(self, stacks: Sequence[Stack]) -> tuple[verify.Finding, ...]:
        """Compare what is live with what was applied; raises `NotLive` where it differs."""
        with self.steps.step("verify") as step:
            findings: list[verify.Finding] = []
            states = side_by_side(lambda stack: self.state(stack), stacks)
            self.states.update({stack.name: state for stack, state in zip(stacks, states, strict=True)})
            with self.target.session() as session:
                for stack, state in zip(stacks, states, strict=True):
                    findings.extend(verify.verify(stack.name, state, session))
            wrong = [finding for finding in findings if not finding.ok]
            step.note = f"{len(findings)} checks, {len(wrong)} failed" if wrong else f"{len(findings)} checks"
            if wrong:
                raise NotLive(tuple(findings))
        return tuple(findings)

    def state(self, stack: Stack) -> dict[str, Any]:
        """Return a stack's state as Terraform's JSON."""
        terraform = self.terraform(stack)
        terraform.init()
        return terraform.show()

    def deploy(
        self,
        stacks: Sequence[Stack],
        approve: Callable[[Sequence[Planned]], None],
        *arguments: str,
        seen: Sequence[Stack] = (),
    ) -> bool:
        """Bring the stacks to what is synthesized; tell whether anything changed.

        All, and those that are only to be `seen`, are planned and gated before the first is applied:
        what the gate denies in the last stack leaves the first untouched. `approve` raises where a
        person says no; `arguments` are handed to every plan.
        """
        plans = self.plan(stacks, *arguments)
        if any(plan.changes for plan in plans):
            self.gate([*plans, *self.plan(seen)])
        else:
            self.gate(plans)
        changing = [plan for plan in plans if plan.changes]
        if not changing:
            return False
        approve(changing)
        for wave in waves(self.assembly, stacks):
            previews = [stack for stack in wave if self.pending[stack.name].preview]
            if previews:
                self.gate(self.plan(previews, *arguments))
            side_by_side(
                self.apply, [self.pending[stack.name] for stack in wave if self.pending[stack.name].changes]
            )
        return True

    def destroy(
        self, stacks: Sequence[Stack], approve: Callable[[Sequence[Planned]], None], *arguments: str
    ) -> bool:
        """Destroy the stacks, last first; every plan is gated before the first is applied."""
        made = [stack for stack in reversed(stacks) if self.state(stack).get("values")]
        plans = [self._plan(stack, ["-destroy", *arguments]) for stack in made]
        if not plans:
            return False
        self.gate(plans)
        approve(plans)
        for plan in plans:
            self.apply(plan)
        return True


class GateClosed(Denied):
    """The gate did not open; carries its report and its exit code."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.exit_code = report.exit_code
        super().__init__("the gate is closed: nothing was changed")


class NotLive(SagewrightError):
    """What is live is not what was applied; carries the findings."""

    def __init__(self, findings: tuple[verify.Finding, ...]) -> None:
        self.findings = findings
        super().__init__("what is live is not what was planned")


def waves(assembly: Assembly, stacks: Sequence[Stack]) -> list[list[Stack]]:
    """Return the stacks in groups: each group depends on earlier ones only."""
    made: list[list[Stack]] = []
    waiting = list(stacks)
    while waiting:
        names = {stack.name for stack in waiting}
        wave = [stack for stack in waiting if not names & {other.name for other in assembly.upstream(stack)}]
        made.append(wave)
        waiting = [stack for stack in waiting if stack not in wave]
    return made


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do the same with every item, a few at once; the first failure is raised when all have ended."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, items))


def write_private(path: Path, document: Mapping[str, Any]) -> Path:
    """Write JSON that may hold secrets, readable by its owner only."""
    private(path)
    path.touch(mode=0o600)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
