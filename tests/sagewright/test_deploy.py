"""An environment's way: everything planned and gated before anything is applied."""

from __future__ import annotations

import io
import stat
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from sagewright import environment, synth
from sagewright.deploy import GateClosed, NotLive, Planned, Run
from sagewright.errors import SagewrightError
from sagewright.gate import Override, Report, Result
from sagewright.project import Project
from sagewright.steps import Steps
from sagewright.target import Target
from sagewright.terraform import TerraformFailed

from .conftest import Verdict, remote_state, write_stack

OUTPUT = "${data.terraform_remote_state.small-first.outputs.id}"


def saved_plans(checkout: Project) -> list[str]:
    """What is left that Terraform could apply."""
    return sorted(path.name for path in checkout.work.rglob("*.tfplan"))


def run(checkout: Project) -> Run:
    facts = environment.read("small", checkout.environments)
    return Run(
        project=checkout,
        target=Target(environment=facts, variables=checkout.variables(), running=None),
        assembly=synth.read(checkout),
        steps=Steps(Console(file=io.StringIO())),
    )


def yes(plans: Sequence[Planned]) -> None:
    """Approve."""


def two_stacks(checkout: Project, second: str = "user", value: str = "a") -> None:
    first = {
        "resource": {"terraform_data": {"thing": {"input": value}}},
        "output": {"id": {"value": "${terraform_data.thing.id}"}},
    }
    write_stack(checkout, "small-first", first)
    using = {
        "data": remote_state("small-first"),
        "resource": {"terraform_data": {second: {"input": OUTPUT}}},
    }
    write_stack(checkout, "small-second", using, "small-first")


def addresses(work: Run, name: str) -> set[str]:
    state = work.state(work.assembly.get(name))
    module = state.get("values", {}).get("root_module", {})
    return {each["address"] for each in module.get("resources", [])}


def values(checkout: Project) -> list[dict[str, Any]]:
    """What Terraform says of the states now, stack by stack."""
    work = run(checkout)
    return [work.state(stack)["values"] for stack in work.assembly.stacks]


def test_a_new_environment_is_deployed_in_order_and_a_second_time_nothing_changes(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout)
    work = run(checkout)
    assert work.deploy(work.assembly.stacks, yes)
    assert gated == [["small-first", "small-second"], ["small-second"]]
    assert addresses(work, "small-second") >= {"terraform_data.user"}
    again = run(checkout)
    assert not again.deploy(again.assembly.stacks, yes)
    assert saved_plans(checkout) == []


def test_what_is_denied_in_the_last_stack_leaves_the_first_untouched(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout, second="forbidden")
    work = run(checkout)
    with pytest.raises(GateClosed, match="nothing was changed") as closed:
        work.deploy(work.assembly.stacks, yes)
    assert closed.value.exit_code == 1
    assert addresses(work, "small-first") == set()
    assert saved_plans(checkout) == []
    documents = sorted((checkout.work / "plans").iterdir())
    assert [path.name for path in documents] == ["small-first.json", "small-second.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in documents} == {0o600}


def test_the_gate_may_ask_the_registry_of_the_account_that_is_deployed_to(
    checkout: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_stacks(checkout)
    work = run(checkout)
    asked: list[Any] = []

    def gate(plans: Sequence[Any], facts: environment.Environment, *, registry: Any, **_: Any) -> Verdict:
        asked.append(registry("arn"))
        return Verdict("open", 0)

    monkeypatch.setattr("sagewright.gate.gate", gate)
    monkeypatch.setattr("sagewright.registry.approval", lambda target, arn: (target, arn))
    work.gate([])
    assert asked == [(work.target, "arn")]


def test_what_is_overridden_is_said_and_kept_once(checkout: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    two_stacks(checkout)
    said = io.StringIO()
    override = Override(rule="SW_ENDPOINT_KIND", reason="nobody calls it", group="leads", approver="ada")
    work = replace(run(checkout), steps=Steps(Console(file=said, width=200)), overrides=[override])
    handed: list[Any] = []

    def gate(plans: Sequence[Any], facts: environment.Environment, *, overrides: Any, **_: Any) -> Report:
        handed.append(overrides)
        result = Result(
            rule="SW_ENDPOINT_KIND",
            title="an endpoint keeps its kind",
            severity="high",
            state="fail",
            mode="deny unless overridden",
            stack="small-first",
            address="aws_sagemaker_endpoint.churn",
            message="becomes serverless",
            remedy="leave it",
            touched=True,
            override=str(overrides[0]),
        )
        return Report(environment="small", stacks=(), digests=(), results=(result,), touched=1, rules=1)

    monkeypatch.setattr("sagewright.gate.gate", gate)
    work.gate([])
    work.gate([])
    assert handed == [[override], [override]]
    assert [one.override for one in work.overridden] == ["nobody calls it (leads: ada)"]
    line = (
        "! overridden: SW_ENDPOINT_KIND small-first: aws_sagemaker_endpoint.churn: becomes serverless; "
        "because: nobody calls it (leads: ada)"
    )
    assert said.getvalue().count(line) == 1


def test_a_denied_stack_stops_its_upstream_also_when_only_that_is_deployed(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout, second="forbidden")
    work = run(checkout)
    first, second = work.assembly.stacks
    with pytest.raises(GateClosed):
        work.deploy([first], yes, seen=[second])
    assert addresses(work, "small-first") == set()


def test_nothing_is_applied_when_a_person_says_no(checkout: Project, gated: list[list[str]]) -> None:
    two_stacks(checkout)
    work = run(checkout)

    def no(plans: Sequence[Planned]) -> None:
        raise SagewrightError("not approved")

    with pytest.raises(SagewrightError, match="not approved"):
        work.deploy(work.assembly.stacks, no)
    assert addresses(work, "small-first") == set()
    assert saved_plans(checkout) == []


@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_what_another_command_has_planned_again_meanwhile_is_not_applied(
    checkout: Project, gated: list[list[str]], command: str
) -> None:
    two_stacks(checkout)
    work, other = run(checkout), run(checkout)

    def meanwhile(plans: Sequence[Planned]) -> None:
        two_stacks(checkout, value="b")
        if command == "plan":
            other.plan(other.assembly.stacks)
        else:
            other.deploy(other.assembly.stacks, yes)

    with pytest.raises(SagewrightError, match="small-first: planned again by another command meanwhile"):
        work.deploy(work.assembly.stacks, meanwhile)
    assert bool(addresses(work, "small-first")) == (command == "deploy")
    assert work.applied == []


def test_what_the_gate_judged_is_what_was_planned(checkout: Project, gated: list[list[str]]) -> None:
    two_stacks(checkout)
    work = run(checkout)

    def meanwhile(plans: Sequence[Planned]) -> None:
        plans[0].json_path.write_text("{}")

    with pytest.raises(SagewrightError, match="small-first: planned again by another command meanwhile"):
        work.deploy(work.assembly.stacks, meanwhile)
    assert addresses(work, "small-first") == set()


def late(checkout: Project, word: str, second: dict[str, Any]) -> None:
    """Two stacks; the second reads a word, its hyphen left out, that is known when the first is there."""
    reading = '${replace(terraform_data.thing.output, "-", "")}'
    things = {"terraform_data": {"thing": {"input": word}}}
    write_stack(checkout, "small-first", {"resource": things, "output": {"id": {"value": reading}}})
    using = {"data": remote_state("small-first"), "resource": {"terraform_data": {"user": second}}}
    write_stack(checkout, "small-second", using, "small-first")


def test_a_gate_that_closes_halfway_says_what_is_applied(checkout: Project, gated: list[list[str]]) -> None:
    late(checkout, "for-bidden", {"input": OUTPUT})
    work = run(checkout)
    with pytest.raises(GateClosed) as closed:
        work.deploy(work.assembly.stacks, yes)
    said = "the gate is closed: already applied: small-first; nothing else was changed"
    assert str(closed.value) == said
    assert addresses(work, "small-first") == {"terraform_data.thing"}
    assert saved_plans(checkout) == []


@pytest.mark.parametrize(("ahead", "asked"), [(1, 1), (2, 2)])
def test_a_person_is_asked_again_where_a_plan_is_another_than_its_preview(
    checkout: Project, gated: list[list[str]], ahead: int, asked: int
) -> None:
    preview = '${startswith(data.terraform_remote_state.small-first.outputs.id, "preview") ? '
    late(checkout, "allowed", {"count": f"{preview}{ahead} : 1}}"})
    work = run(checkout)
    shown: list[list[str]] = []
    work.deploy(work.assembly.stacks, lambda plans: shown.append([str(plan) for plan in plans]))
    assert len(shown) == asked
    assert shown[0] == ["1 to add", f"{ahead} to add (preview)"]
    assert shown[1:] == [["1 to add"]] * (asked - 1)


def test_moved_imported_and_forgotten_resources_are_changes_that_are_applied(
    checkout: Project, gated: list[list[str]]
) -> None:
    things = {name: {"input": name} for name in ("a", "c")}
    write_stack(checkout, "small-first", {"resource": {"terraform_data": things}})
    work = run(checkout)
    work.deploy(work.assembly.stacks, yes)
    moved = {
        "resource": {"terraform_data": {"b": things["a"], "c": things["c"]}},
        "moved": [{"from": "terraform_data.a", "to": "terraform_data.b"}],
    }
    write_stack(checkout, "small-first", moved)
    shown: list[str] = []
    work = run(checkout)
    assert work.deploy(work.assembly.stacks, lambda plans: shown.extend(map(str, plans)))
    assert addresses(work, "small-first") == {"terraform_data.b", "terraform_data.c"}
    forgotten = {
        "resource": {"terraform_data": {"b": things["a"], "d": {}}},
        "import": [{"to": "terraform_data.d", "id": "there already"}],
        "removed": [{"from": "terraform_data.c", "lifecycle": {"destroy": False}}],
    }
    write_stack(checkout, "small-first", forgotten)
    work = run(checkout)
    assert work.deploy(work.assembly.stacks, lambda plans: shown.extend(map(str, plans)))
    assert addresses(work, "small-first") == {"terraform_data.b", "terraform_data.d"}
    assert shown == ["1 to move", "1 to import, 1 to forget"]
    assert not run(checkout).deploy(work.assembly.stacks, yes)


def test_a_stack_without_resources_is_deployed_verified_and_destroyed(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout)
    write_stack(checkout, "small-second", {}, "small-first")
    work = run(checkout)
    assert work.deploy(work.assembly.stacks, yes)
    assert work.verify(work.assembly.stacks) == ()
    assert work.destroy(work.assembly.stacks, yes)


def test_a_plan_that_changes_nothing_tells_the_state_too(checkout: Project, gated: list[list[str]]) -> None:
    two_stacks(checkout)
    run(checkout).deploy(synth.read(checkout).stacks, yes)
    work = run(checkout)
    work.deploy(work.assembly.stacks, yes)
    before = work.clock.seconds
    known = [work.state(stack)["values"] for stack in work.assembly.stacks]
    assert work.clock.seconds == before
    assert known == values(checkout)


def test_a_state_that_is_changed_is_read_anew(checkout: Project, gated: list[list[str]]) -> None:
    two_stacks(checkout)
    work = run(checkout)
    work.deploy(work.assembly.stacks, yes)
    before = [work.state(stack)["values"] for stack in work.assembly.stacks]
    two_stacks(checkout, value="b")
    work.deploy(work.assembly.stacks, yes)
    after = [work.state(stack)["values"] for stack in work.assembly.stacks]
    assert after == values(checkout) != before


def test_of_a_stack_with_nothing_in_it_no_provider_is_asked(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout)
    write_stack(checkout, "small-second", {}, "small-first")
    work = run(checkout)
    assert work.deploy(work.assembly.stacks, yes)
    assert gated == [["small-first"]]
    assert [step.name for step in work.steps.done if "small-second" in step.name] == []
    assert not work.deploy([work.assembly.get("small-second")], yes)
    assert gated == [["small-first"]]
    two_stacks(checkout)
    run(checkout).deploy(work.assembly.stacks, yes)
    write_stack(checkout, "small-second", {}, "small-first")
    work = run(checkout)
    assert work.deploy(work.assembly.stacks, yes)
    assert gated[-1] == ["small-first", "small-second"]
    assert addresses(work, "small-second") == set()


def test_what_a_stacks_own_check_finds_is_said_and_stops_nothing(
    checkout: Project, gated: list[list[str]]
) -> None:
    lacks = {"condition": "${terraform_data.thing.input != null}", "error_message": "thing lacks [an] input"}
    write_stack(
        checkout,
        "small-first",
        {"resource": {"terraform_data": {"thing": {}}}, "check": {"thing": {"assert": lacks}}},
    )
    work = run(checkout)
    said = io.StringIO()
    work.steps = Steps(Console(file=said))
    assert work.deploy(work.assembly.stacks, yes)
    assert "! small-first: thing lacks [an] input" in said.getvalue().splitlines()


def test_a_stack_that_has_resources_and_no_state_is_not_live(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout)
    work = run(checkout)
    with pytest.raises(NotLive) as wrong:
        work.verify(work.assembly.stacks)
    assert [finding.live for finding in wrong.value.findings] == ["empty", "empty"]


def test_a_change_upstream_that_changes_no_output_needs_no_preview(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout)
    work = run(checkout)
    work.deploy(work.assembly.stacks, yes)
    two_stacks(checkout, value="b")
    again = run(checkout)
    plans = again.plan(again.assembly.stacks)
    assert [(str(plan), plan.preview) for plan in plans] == [("1 to change", False), ("no changes", False)]


def test_a_preview_is_never_applied(checkout: Project, gated: list[list[str]]) -> None:
    two_stacks(checkout)
    work = run(checkout)
    ahead = work.plan(work.assembly.stacks)[1]
    assert ahead.preview
    with pytest.raises(SagewrightError, match="small-second: a preview cannot be applied"):
        work.apply(ahead)


def test_a_failed_apply_can_be_run_again(checkout: Project, gated: list[list[str]]) -> None:
    flag = checkout.root / "mended"
    provisioner = {"local-exec": {"command": f"test -e {flag}"}}
    write_stack(
        checkout,
        "small-first",
        {"resource": {"terraform_data": {"a": {}, "b": {"provisioner": provisioner}}}},
    )
    work = run(checkout)
    with pytest.raises(TerraformFailed):
        work.deploy(work.assembly.stacks, yes)
    assert "terraform_data.a" in addresses(work, "small-first")
    flag.touch()
    again = run(checkout)
    assert again.deploy(again.assembly.stacks, yes)
    assert not run(checkout).deploy(work.assembly.stacks, yes)


def test_an_environment_is_destroyed_last_stack_first_and_twice_is_no_error(
    checkout: Project, gated: list[list[str]]
) -> None:
    two_stacks(checkout)
    work = run(checkout)
    assert not work.destroy(work.assembly.stacks, yes)
    work.deploy(work.assembly.stacks, yes)
    assert work.destroy(work.assembly.stacks, yes)
    assert gated[-1] == ["small-second", "small-first"]
    assert addresses(work, "small-first") == addresses(work, "small-second") == set()
    assert not run(checkout).destroy(work.assembly.stacks, yes)
