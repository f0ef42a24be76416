"""An environment's way to AWS: plan every stack, gate them all, apply what was gated, verify what is live."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sagewright import gate, preview, registry, verify
from sagewright.errors import Denied, SagewrightError
from sagewright.gate import Override, PlanInput, Report, Result
from sagewright.project import Project
from sagewright.promised import Difference
from sagewright.providers import Providers
from sagewright.steps import Steps
from sagewright.synth import Assembly, Stack
from sagewright.target import Target
from sagewright.terraform import Clock, Terraform, private, sha256

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
    sums: Mapping[Path, str]
    """SHA-256 of both files: other commands write to the same paths."""
    document: Mapping[str, Any]
    changes: bool
    """Terraform's own word on whether applying it does anything; new addresses and outputs count."""
    preview: bool
    """Planned against outputs that are not there yet: to be gated, never applied."""

    @property
    def counts(self) -> dict[str, int]:
        """How many resources the plan adds, changes, replaces, destroys, moves, imports and forgets."""
        counted = dict.fromkeys(("add", "change", "replace", "destroy", "move", "import", "forget"), 0)
        kinds = {"create": "add", "update": "change", "delete": "destroy", "forget": "forget"}
        for change in self.document.get("resource_changes", []):
            actions = change["change"]["actions"]
            if len(actions) == 2:
                counted["replace"] += 1
            elif kind := kinds.get(actions[0]):
                counted[kind] += 1
            counted["move"] += "previous_address" in change
            counted["import"] += "importing" in change["change"]
        return counted

    @property
    def warnings(self) -> list[str]:
        """What the stack's own checks find wrong; Terraform goes on in spite of it.

        https://developer.hashicorp.com/terraform/internals/json-format#checks-representation
        """
        return [
            problem["message"]
            for check in self.document.get("checks", [])
            if check["address"]["kind"] == "check"
            for instance in check.get("instances", [])
            for problem in instance.get("problems", [])
        ]

    @property
    def prior_state(self) -> dict[str, Any]:
        """The state before the plan is applied, just read from AWS, as `terraform show -json` gives a state.

        https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
        """
        nothing = {"format_version": self.document["format_version"]}
        return dict(self.document.get("prior_state", nothing))

    def __str__(self) -> str:
        said = [f"{count} to {kind}" for kind, count in self.counts.items() if count]
        if not said and preview.changes_outputs(self.document):
            said = ["outputs change"]
        if not said:
            said = ["the state changes"] if self.changes else ["no changes"]
        return ", ".join(said) + (" (preview)" if self.preview else "")


@dataclass(slots=True)
class Run:
    """One command's work on one environment."""

    project: Project
    target: Target
    assembly: Assembly
    steps: Steps
    clock: Clock = field(default_factory=Clock)
    providers: Providers = field(default_factory=Providers)
    """Serve every Terraform on the embedded AWS."""
    pending: dict[str, Planned] = field(default_factory=dict)
    """The plans by stack that are not applied yet: what depends on their outputs gets a preview."""
    applied: list[str] = field(default_factory=list)
    """The stacks that were applied."""
    overrides: Sequence[Override] = ()
    """What opens the gate for a rule each, in this run."""
    overridden: list[Result] = field(default_factory=list)
    """What the gate would have denied otherwise."""
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The states by stack as far as they are known: read, or planned and not changed since."""

    def terraform(self, stack: Stack) -> Terraform:
        """Return the Terraform of a stack's folder."""
        providers = self.providers if self.target.running else None
        return Terraform(self.project, stack.folder, self.target.variables, self.clock, providers)

    def plan(self, stacks: Sequence[Stack], *arguments: str) -> list[Planned]:
        """Plan the stacks, each after those it depends on, independent ones side by side.

        A stack whose inputs wait for the plan of another gets a preview; of one with nothing in it there is
        none.
        """
        done: list[Planned] = []
        for wave in waves(self.assembly, self._filled(stacks)):
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
            path = private(self._plans / f"{stack.name}.tfplan")
            changes = terraform.plan(path, *arguments)
            saved = sha256(path.read_bytes())
            planned = self._pending(stack, path, saved, terraform.show(path), changes, bool(waiting))
            step.note = str(planned)
        for warning in planned.warnings:
            self.steps.warn(f"{stack.name}: {warning}")
        return planned

    def restore(self, stack: Stack, plan: bytes, changes: bool) -> Planned:
        """Take up a saved plan of another checkout; Terraform says here what it does."""
        with self.steps.step(f"read {stack.name}") as step:
            terraform = self.terraform(stack)
            terraform.init()
            path = write_private(self._plans / f"{stack.name}.tfplan", plan)
            planned = self._pending(stack, path, sha256(plan), terraform.show(path), changes, False)
            step.note = str(planned)
        return planned

    def restore_preview(self, stack: Stack, document: dict[str, Any]) -> Planned:
        """Take up a preview of another checkout, of which only its JSON was kept."""
        return self._pending(stack, self._plans / f"{stack.name}.tfplan", "", document, True, True)

    def _pending(
        self, stack: Stack, path: Path, saved: str, document: dict[str, Any], changes: bool, preview: bool
    ) -> Planned:
        """Keep a plan until it is applied; `saved` is the SHA-256 of its file."""
        content = json.dumps(document).encode()
        json_path = write_private(path.with_suffix(".json"), content)
        planned = Planned(
            stack=stack,
            path=path,
            json_path=json_path,
            sums={path: saved, json_path: sha256(content)},
            document=document,
            changes=changes,
            preview=preview,
        )
        self.pending[stack.name] = planned
        self.states.pop(stack.name, None)
        if not changes:
            self.states[stack.name] = planned.prior_state
        return planned

    @property
    def _plans(self) -> Path:
        return self.project.work / "plans"

    @contextmanager
    def saved_plans(self, stacks: Iterable[Stack]) -> Iterator[None]:
        """Remove the saved plans of the stacks when the block ends, in whatever way.

        A saved plan carries what opens the lock in its stack: `terraform apply` would take it, denied or not.
        """
        try:
            yield
        finally:
            for stack in stacks:
                (self._plans / f"{stack.name}.tfplan").unlink(missing_ok=True)

    @property
    def so_far(self) -> str:
        """What the run has changed, for whoever is told that it goes no further."""
        if not self.applied:
            return "nothing was changed"
        return f"already applied: {', '.join(self.applied)}; nothing else was changed"

    def gate(self, plans: Iterable[Planned]) -> Report:
        """Put plans through the gate; raises `GateClosed` with the report where it does not open."""
        inputs = [
            PlanInput(path=plan.json_path, stack=plan.stack.name, synthesized=plan.stack.synthesized)
            for plan in plans
        ]
        with self.steps.step("gate") as step:
            report = gate.gate(
                inputs,
                self.target.environment,
                registry=partial(registry.approval, self.target),
                overrides=self.overrides,
            )
            step.note = report.verdict
            if report.exit_code:
                raise GateClosed(report, self.so_far)
        if self.overrides:
            self._keep_overridden(report)
        return report

    def _keep_overridden(self, report: Report) -> None:
        """Keep and say, once, what the gate let through on somebody's word."""
        for result in report.results:
            if result.override and result not in self.overridden:
                self.overridden.append(result)
                what = f"{result.rule} {result.stack}: {result.address}: {result.message}"
                self.steps.warn(f"overridden: {what}; because: {result.override}")

    def apply(self, plan: Planned) -> None:
        """Apply a plan that the gate let through, and no other that has taken its place meanwhile."""
        if plan.preview:
            raise SagewrightError(f"{plan.stack.name}: a preview cannot be applied; plan it again")
        if any(not path.is_file() or sha256(path.read_bytes()) != sum_ for path, sum_ in plan.sums.items()):
            raise SagewrightError(
                f"{plan.stack.name}: planned again by another command meanwhile; run the command again"
            )
        terraform = self.terraform(plan.stack)
        with self.steps.step(f"apply {plan.stack.name}") as step:
            terraform.apply(plan.path, say=step.say)
            step.note = str(plan)
        del self.pending[plan.stack.name]
        self.states.pop(plan.stack.name, None)
        self.applied.append(plan.stack.name)
        for path in plan.sums:
            path.unlink(missing_ok=True)

    def verify(self, stacks: Sequence[Stack]) -> tuple[verify.Finding, ...]:
        """Compare what is live with what was applied; raises `NotLive` where it differs."""
        with self.steps.step("verify") as step:
            findings: list[verify.Finding] = []
            states = side_by_side(self._state_to_verify, stacks)
            with self.target.session() as session:
                for stack, state in zip(stacks, states, strict=True):
                    findings.extend(
                        verify.verify(
                            stack.name,
                            state,
                            session,
                            empty=stack.empty,
                            approved=self.target.environment.guarded,
                        )
                    )
            wrong = [finding for finding in findings if not finding.ok]
            step.note = f"{len(findings)} checks, {len(wrong)} failed" if wrong else f"{len(findings)} checks"
            if wrong:
                raise NotLive(tuple(findings))
        return tuple(findings)

    def _state_to_verify(self, stack: Stack) -> dict[str, Any]:
        """Return a stack's state; of one with nothing in it that is verified, only whether there is any."""
        if stack.name in self.states or stack.types & verify.KINDS.keys():
            return self.state(stack)
        state: dict[str, Any] = {"format_version": "1.0"}
        return {**state, "values": {}} if self.is_made(stack) else state

    def state(self, stack: Stack) -> dict[str, Any]:
        """Return a stack's state as Terraform's JSON; it is read once, until a plan or an apply."""
        if stack.name not in self.states:
            terraform = self.terraform(stack)
            terraform.init()
            self.states[stack.name] = terraform.show()
        return self.states[stack.name]

    def is_made(self, stack: Stack) -> bool:
        """Tell whether a stack's state holds anything; takes no time."""
        terraform = self.terraform(stack)
        terraform.init()
        return terraform.has_state()

    def _filled(self, stacks: Iterable[Stack]) -> list[Stack]:
        """Leave out the stacks with nothing in them, now and as they are deployed."""
        return [stack for stack in stacks if not stack.empty or self.is_made(stack)]

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
        person says no, and is asked again where a stack's plan is another than its preview was; `arguments`
        are handed to every plan.
        """
        stacks = self._filled(stacks)
        if not stacks:
            return False
        with self.saved_plans([*stacks, *seen]):
            plans = self.plan(stacks, *arguments)
            if any(plan.changes for plan in plans):
                self.gate([*plans, *self.plan(seen)])
            else:
                self.gate(plans)
            changing = [plan for plan in plans if plan.changes]
            if not changing:
                return False
            approve(changing)
            self.carry_out(stacks, lambda previews: self._follow(previews, approve, arguments))
        return True

    def carry_out(self, stacks: Sequence[Stack], follow: Callable[[Sequence[Planned]], None]) -> None:
        """Apply the pending plans of the stacks, each after those it depends on.

        `follow` plans what was a preview, its inputs being there, and raises where that must not be applied.
        """
        for wave in waves(self.assembly, stacks):
            previews = [self.pending[stack.name] for stack in wave if self.pending[stack.name].preview]
            if previews:
                follow(previews)
            side_by_side(
                self.apply, [self.pending[stack.name] for stack in wave if self.pending[stack.name].changes]
            )

    def _follow(
        self,
        previews: Sequence[Planned],
        approve: Callable[[Sequence[Planned]], None],
        arguments: Sequence[str],
    ) -> None:
        """Plan what was a preview, now that its inputs are there; gate it, and ask where it differs."""
        plans = self.plan([before.stack for before in previews], *arguments)
        self.gate(plans)
        differing = [
            plan
            for before, plan in zip(previews, plans, strict=True)
            if plan.changes and (plan.counts, plan.changes) != (before.counts, before.changes)
        ]
        if differing:
            approve(differing)

    def destroy(
        self, stacks: Sequence[Stack], approve: Callable[[Sequence[Planned]], None], *arguments: str
    ) -> bool:
        """Destroy the stacks, last first; every plan is gated before the first is applied."""
        made = [stack for stack in reversed(stacks) if self.is_made(stack)]
        if not made:
            return False
        with self.saved_plans(made):
            plans = [self._plan(stack, ["-destroy", *arguments]) for stack in made]
            self.gate(plans)
            changing = [plan for plan in plans if plan.changes]
            approve(changing)
            for plan in changing:
                self.apply(plan)
        return True


class GateClosed(Denied):
    """The gate did not open; carries its report and its exit code."""

    def __init__(self, report: Report, so_far: str) -> None:
        self.report = report
        self.exit_code = report.exit_code
        super().__init__(f"the gate is closed: {so_far}")


class NotReviewed(Denied):
    """What would be applied is not what was reviewed; carries the differences, redacted."""

    def __init__(self, text: str, differences: Sequence[Difference]) -> None:
        self.differences = tuple(differences)
        super().__init__(text)


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


def write_private(path: Path, content: bytes) -> Path:
    """Write a file that may hold secrets, readable by its owner only."""
    private(path)
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
