"""The Terraform that CDKTF runs: it asks as Terraform asks, and changes nothing without a yes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from sagewright import wrapper
from sagewright.deploy import GateClosed
from sagewright.errors import SagewrightError, Usage
from sagewright.local import process
from sagewright.project import Project

from .conftest import remote_state, write_stack
from .ungated import Open


@pytest.fixture
def stack(checkout: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stack's folder in a checkout with an embedded AWS, and a gate that is open."""
    monkeypatch.setattr("sagewright.gate.gate", lambda plans, facts: Open())
    monkeypatch.setattr("sagewright.gate.preload", lambda: None)
    monkeypatch.setattr(wrapper, "show", lambda report, console: None)
    first = {
        "resource": {"terraform_data": {"thing": {"input": "a"}}},
        "output": {"id": {"value": "${terraform_data.thing.id}"}},
    }
    write_stack(checkout, "small-first", first)
    second = {
        "data": remote_state("small-first"),
        "resource": {
            "terraform_data": {"user": {"input": "${data.terraform_remote_state.small-first.outputs.id}"}}
        },
    }
    write_stack(checkout, "small-second", second, "small-first")
    process.up(checkout.work)
    yield checkout.output / "stacks" / "small-first"
    process.down(checkout.work)


def terraform(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the wrapper in a folder; return its exit code and what it printed."""
    said = io.StringIO()
    code = wrapper.run(arguments, folder, Console(file=said, width=200))
    return code, said.getvalue()


def things(folder: Path) -> list[str]:
    """What the state of a stack holds."""
    state = folder.parents[2] / ".sagewright" / "state" / f"{folder.name}.tfstate"
    if not state.exists():
        return []
    return [each["name"] for each in json.loads(state.read_text())["resources"] if each["mode"] == "managed"]


def test_apply_shows_the_plan_asks_in_terraforms_words_and_obeys(
    stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    with pytest.raises(SagewrightError, match="apply cancelled: nothing was changed"):
        terraform(stack, "apply")
    assert things(stack) == []
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    code, said = terraform(stack, "apply")
    assert code == 0
    assert "# terraform_data.thing will be created" in said
    assert "Do you want to perform these actions?" in said
    assert things(stack) == ["thing"]
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    code, said = terraform(stack, "destroy")
    assert code == 0
    assert "Do you really want to destroy all resources?" in said
    assert things(stack) == []


def test_auto_approve_asks_nothing(stack: Path) -> None:
    code, said = terraform(stack, "apply", "-auto-approve", "-no-color")
    assert code == 0
    assert "Do you want" not in said
    assert things(stack) == ["thing"]


def test_a_plan_of_a_stack_whose_input_is_not_deployed_is_a_preview(stack: Path) -> None:
    code, said = terraform(stack.parent / "small-second", "plan", "-input=false", "-out", "plan")
    assert code == 0
    assert "# terraform_data.user will be created" in said
    assert things(stack) == []


def test_a_saved_plan_is_not_applied_past_the_gate(stack: Path) -> None:
    with pytest.raises(Usage, match="a saved plan is applied by `sagewright deploy`, got plan"):
        terraform(stack, "apply", "plan")


def test_a_closed_gate_changes_nothing(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Denied(Open):
        verdict = "denied"
        exit_code = 1

    monkeypatch.setattr("sagewright.gate.gate", lambda plans, facts: Denied())
    with pytest.raises(GateClosed, match="nothing was changed"):
        terraform(stack, "apply", "-auto-approve")
    assert things(stack) == []


def test_a_folder_that_is_no_stack_is_refused(stack: Path) -> None:
    elsewhere = stack.parent / "small-third"
    elsewhere.mkdir()
    with pytest.raises(Usage, match="there is no stack 'small-third'"):
        terraform(elsewhere, "apply")
