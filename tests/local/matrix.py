"""The update matrix: every scenario is a module of one Terraform configuration, and all go on together.

A round is a plan and an apply, for all that have a stage left, and a plan of all, which must be empty. What
goes wrong in one of them is kept for its own test, and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from cdktf import TerraformStack

from sagewright.terraform import TerraformFailed

from .conftest import Build, Deployment, synthesize


@dataclass(frozen=True)
class Stage:
    """What is to be deployed next, and exactly what the plan for it must do, by address.

    Without `actions`, it must create something, and do nothing else.
    """

    build: Build
    actions: Mapping[str, list[str]] | None = None


@dataclass(frozen=True)
class Refused:
    """What cannot be deployed: its plan fails, and the text that says why holds the pattern `match`."""

    build: Build
    match: str


class Gone:
    """The end: everything that any scenario deployed has been destroyed."""


Step = Stage | Refused | Gone
S = TypeVar("S", Stage, Refused, Gone)


@dataclass(kw_only=True)
class Matrix:
    """Scenarios in one account: each is an iterator of steps that, when it is resumed, looks at what is live.

    A refusal waits until no scenario has a stage left, so that all of them take one plan.
    """

    deployment: Deployment
    scenarios: Mapping[str, Iterator[Step]]
    steps: dict[str, Step] = field(default_factory=dict)
    """Where each scenario is that has not failed."""
    deployed: dict[str, str] = field(default_factory=dict)
    """Terraform JSON of the last stage of each scenario that was applied."""
    outcomes: dict[str, BaseException | None] = field(default_factory=dict)
    """What went wrong first in each scenario, `None` where it came to its end."""
    updated: set[str] = field(default_factory=set)
    """Types of resources of which one was changed in place."""

    def run(self) -> None:
        """Take all scenarios to their ends; what can be blamed on none of them fails all."""
        try:
            self.resume(self.scenarios)
            while len(self.at(Gone)) < len(self.steps):
                if stages := self.at(Stage):
                    self.deploy(stages)
                else:
                    self.refuse(self.at(Refused))
            self.destroy()
        except Exception as problem:
            for name in self.scenarios:
                with self.blaming(name):
                    raise RuntimeError("the matrix was not finished") from problem

    def at(self, kind: type[S]) -> dict[str, S]:
        """Return the scenarios that are at a step of a kind."""
        return {name: step for name, step in self.steps.items() if isinstance(step, kind)}

    def deploy(self, stages: Mapping[str, Stage]) -> None:
        """Deploy the stages of some scenarios beside what the others have deployed."""
        documents = self.synthesize(stages)
        while True:
            self.write(documents)
            try:
                self.deployment.plan(self.modules, "-refresh=false", *only(documents))
                break
            except TerraformFailed as problem:
                for name in self.blame(problem):
                    if documents.pop(name, None) is None:
                        raise
        planned = self.actions()
        for name in documents:
            with self.blaming(name):
                actions = planned.get(name, {})
                self.updated |= {one.split(".")[0] for one in actions if actions[one] == ["update"]}
                assert actions, "the plan does nothing"
                expected = stages[name].actions
                assert actions == (
                    {address: ["create"] for address in actions} if expected is None else expected
                )
        unapplied: list[str] = []
        try:
            self.deployment.apply()
        except TerraformFailed as problem:
            unapplied = self.blame(problem)
        self.deployed |= {name: documents[name] for name in documents if name not in unapplied}
        self.write({})
        if self.deployment.plan(self.modules):
            again = self.actions()
            assert again, "the second plan changes something, but no resource"
            for name, actions in again.items():
                with self.blaming(name):
                    assert actions == {}, "the second plan is not empty"
        self.resume(self.at(Stage))

    def refuse(self, refused: Mapping[str, Refused]) -> None:
        """Plan what must be refused."""
        self.write(self.synthesize(refused))
        said: dict[str, str] = {}
        try:
            self.deployment.plan(self.modules, "-refresh=false", *only(refused))
        except TerraformFailed as problem:
            said = by_scenario(problem)
        for name, step in refused.items():
            with self.blaming(name):
                assert re.search(step.match, said.get(name, "")), f"refused: {said}"
        self.write({})
        self.resume(self.at(Refused))

    def destroy(self) -> None:
        """Destroy everything, and let each scenario look whether anything is left."""
        self.deployment.plan(self.modules, "-destroy", "-refresh=false")
        try:
            self.deployment.apply()
        except TerraformFailed as problem:  # it names no address
            for address in self.deployment.modules():
                with self.blaming(address.removeprefix("module.")):
                    raise TerraformFailed("something of it could not be destroyed") from problem
        for name in self.at(Gone):
            with self.blaming(name):
                assert next(self.scenarios[name], None) is None, "supply no step after Gone"
                self.outcomes.setdefault(name, None)

    def resume(self, names: Mapping[str, object]) -> None:
        """Let scenarios look at what is live, and take their next step."""
        for name in names:
            with self.blaming(name):
                step = next(self.scenarios[name], None)
                assert step, "supply Gone as the last step"
                self.steps[name] = step

    def synthesize(self, steps: Mapping[str, Stage | Refused]) -> dict[str, str]:
        """Return the Terraform JSON of each step."""
        documents = {}
        for name, step in steps.items():
            with self.blaming(name):
                documents[name] = synthesize(step.build)
        return documents

    def write(self, documents: Mapping[str, str]) -> None:
        """Write every scenario's module: these, and those of the others as they were deployed."""
        for name in self.scenarios:
            folder = self.deployment.terraform.folder / name
            folder.mkdir(parents=True, exist_ok=True)
            document = documents.get(name) or self.deployed.get(name, "{}")
            (folder / "cdk.tf.json").write_text(document, encoding="utf-8")

    def modules(self, stack: TerraformStack) -> None:
        """Put every scenario into the stack, as a module that takes its provider from there."""
        stack.add_override("module", {name: {"source": f"./{name}"} for name in self.scenarios})

    def actions(self) -> dict[str, dict[str, list[str]]]:
        """Return what the last plan does: by scenario, and by address in it."""
        found: dict[str, dict[str, list[str]]] = {}
        for address, actions in self.deployment.actions().items():
            _, name, within = address.split(".", 2)
            found.setdefault(name, {})[within] = actions
        return found

    def blame(self, problem: TerraformFailed) -> list[str]:
        """Give each scenario what Terraform says of it; raise what is said of none."""
        said = by_scenario(problem)
        if not said:
            raise problem
        for name, text in said.items():
            with self.blaming(name):
                raise TerraformFailed(text) from problem
        return list(said)

    @contextmanager
    def blaming(self, name: str) -> Iterator[None]:
        """Keep what goes wrong for the scenario's own test, and leave it where it is."""
        try:
            yield
        except (Exception, pytest.fail.Exception) as problem:
            self.outcomes.setdefault(name, problem)
            self.steps.pop(name, None)


def only(names: Iterable[str]) -> list[str]:
    """Return what limits a plan to these scenarios: of the others the last plan was empty."""
    return [f"-target=module.{name}" for name in names]


def by_scenario(problem: TerraformFailed) -> dict[str, str]:
    """Return what Terraform says, by the scenario whose resource it names."""
    said: dict[str, str] = {}
    for part in re.split(r"^(?=module\.)", str(problem), flags=re.MULTILINE)[1:]:
        name = part.split(".")[1]
        said[name] = said.get(name, "") + part
    return said
