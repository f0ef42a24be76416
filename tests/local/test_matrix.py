"""What runs the update matrix: what goes wrong in one scenario fails that one, and none goes unnoticed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sagewright.project import Project
from sagewright.terraform import Terraform, TerraformFailed
from tests.conftest import ROOT

from .conftest import Account, Build, Deployment
from .matrix import Gone, Matrix, Refused, Stage, Step

ADDRESS = "terraform_data.it"


@dataclass(frozen=True, kw_only=True)
class Fake(Deployment):
    """Does what Terraform does with resources whose input says what goes wrong with them.

    `refused` fails the plan, `broken` the apply, `kept` the destruction; `restless` always changes.
    """

    live: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)

    def plan(self, build: Build, *arguments: str) -> bool:
        self.wanted.clear()
        for file in sorted(self.terraform.folder.glob("*/cdk.tf.json")):
            resources: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")).get("resource", {})
            if resources and "-destroy" not in arguments:
                self.wanted[f"module.{file.parent.name}.{ADDRESS}"] = resources["terraform_data"]["it"][
                    "input"
                ]
        self._fail("refused")
        return bool(self.actions())

    def actions(self) -> dict[str, list[str]]:
        changed = {
            one for one, value in self.wanted.items() if value == "restless" or value != self.live.get(one)
        }
        return {
            **{one: ["update" if one in self.live else "create"] for one in sorted(changed)},
            **{one: ["delete"] for one in sorted(self.live.keys() - self.wanted)},
        }

    def apply(self) -> None:
        kept = {one: value for one, value in self.live.items() if value == "kept"}
        self.live.clear()
        self.live.update({one: value for one, value in self.wanted.items() if value != "broken"})
        self._fail("broken")
        if kept.keys() - self.wanted:
            self.live.update(kept)
            raise TerraformFailed("stack: it failed\nit is kept")

    def modules(self) -> list[str]:
        return [one.removesuffix(f".{ADDRESS}") for one in self.live]

    def _fail(self, how: str) -> None:
        failed = [one for one, value in self.wanted.items() if value == how]
        if failed:
            raise TerraformFailed("\n".join(["stack: it failed", *(f"{one}: it is {how}" for one in failed)]))


Scenario = Callable[[Account], Iterator[Step]]
Run = Callable[..., Matrix]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run scenarios by their names."""
    terraform = Terraform(Project(root=ROOT), tmp_path, {})
    fake = Fake(account_id="111122223333", variables={}, terraform=terraform)

    def run(**scenarios: Scenario) -> Matrix:
        matrix = Matrix(deployment=fake, scenarios={name: one(fake) for name, one in scenarios.items()})
        matrix.run()
        return matrix

    return run


def build(value: str) -> Build:
    return lambda stack: stack.add_override("resource.terraform_data.it.input", value)


def good(account: Account) -> Iterator[Step]:
    yield Stage(build("first"))
    yield Stage(build("second"), {ADDRESS: ["update"]})
    yield Refused(build("refused"), "it is refused")
    yield Gone()


def test_a_scenario_sees_what_was_deployed_and_that_it_is_gone(run: Run) -> None:
    seen: list[dict[str, str]] = []

    def watching(account: Account) -> Iterator[Step]:
        assert isinstance(account, Fake)
        for step in good(account):
            yield step
            seen.append(dict(account.live))

    matrix = run(one=watching)
    address = f"module.one.{ADDRESS}"
    assert matrix.outcomes == {"one": None}
    assert matrix.updated == {"terraform_data"}
    assert seen == [{address: "first"}, {address: "second"}, {address: "second"}, {}]


def test_a_refusal_may_be_all_there_is(run: Run) -> None:
    def refused(account: Account) -> Iterator[Step]:
        yield Refused(build("refused"), "it is refused")
        yield Gone()

    assert run(one=refused).outcomes == {"one": None}


def unprepared(account: Account) -> Iterator[Step]:
    raise ValueError("no role")
    yield Gone()


def unbuilt(account: Account) -> Iterator[Step]:
    yield Stage(lambda stack: int("no stack"))


def idle(account: Account) -> Iterator[Step]:
    yield Stage(build("first"))
    yield Stage(build("first"), {})


def otherwise(account: Account) -> Iterator[Step]:
    yield Stage(build("first"))
    yield Stage(build("second"), {ADDRESS: ["delete", "create"]})


def unlike(account: Account) -> Iterator[Step]:
    yield Stage(build("first"))
    assert account.account_id == "222233334444"


def unplanned(account: Account) -> Iterator[Step]:
    yield Stage(build("refused"))


def unapplied(account: Account) -> Iterator[Step]:
    yield Stage(build("first"))
    yield Stage(build("broken"), {ADDRESS: ["update"]})


def restless(account: Account) -> Iterator[Step]:
    yield Stage(build("restless"))


def accepted(account: Account) -> Iterator[Step]:
    yield Refused(build("first"), "it is refused")


def endless(account: Account) -> Iterator[Step]:
    yield Stage(build("first"))


def kept(account: Account) -> Iterator[Step]:
    yield Stage(build("kept"))
    yield Gone()


def left(account: Account) -> Iterator[Step]:
    yield Gone()
    assert not account.account_id


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (unprepared, "no role"),
        (unbuilt, "no stack"),
        (idle, "the plan does nothing"),
        (otherwise, "delete"),
        (unlike, "222233334444"),
        (unplanned, f"module.bad.{ADDRESS}: it is refused"),
        (unapplied, f"module.bad.{ADDRESS}: it is broken"),
        (restless, "the second plan is not empty"),
        (accepted, "refused"),
        (endless, "supply Gone as the last step"),
        (kept, "something of it could not be destroyed"),
        (left, "111122223333"),
    ],
)
def test_what_goes_wrong_fails_its_own_scenario_only(bad: Scenario, problem: str, run: Run) -> None:
    outcomes = run(bad=bad, good=good).outcomes
    assert outcomes["good"] is None
    assert problem in str(outcomes["bad"])


def test_what_terraform_says_of_no_scenario_fails_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def apply(fake: Fake) -> None:
        raise TerraformFailed("no disk")

    monkeypatch.setattr(Fake, "apply", apply)
    outcomes = run(one=good, other=good).outcomes
    assert {str(problem and problem.__cause__) for problem in outcomes.values()} == {"no disk"}
    assert len(outcomes) == 2
