"""The Terraform that CDKTF runs: it asks as Terraform asks, and changes nothing without a yes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewright import wrapper
from sagewright.deploy import GateClosed
from sagewright.errors import SagewrightError, Usage
from sagewright.local.process import Running
from sagewright.project import Project

from .conftest import ENVIRONMENT, ROOT, remote_state, write_stack
from .ungated import Open, judge


@pytest.fixture
def stack(checkout: Project, embedded_aws: Running, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack's folder in a checkout with an embedded AWS, and a gate that is open."""
    monkeypatch.setattr("sagewright.gate.gate", judge)
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
    return checkout.output / "stacks" / "small-first"


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


@pytest.mark.local
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


@pytest.mark.local
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
    assert list(stack.parents[2].rglob("*.tfplan")) == []


def test_a_stack_with_nothing_in_it_has_no_changes(stack: Path) -> None:
    write_stack(Project(root=stack.parents[2]), "small-third", {})
    code, said = terraform(stack.parent / "small-third", "plan", "-input=false")
    assert (code, said) == (0, "No changes. There is nothing in small-third.\n")


def test_a_saved_plan_is_not_applied_past_the_gate(stack: Path) -> None:
    with pytest.raises(Usage, match="a saved plan is applied by `sagewright deploy`, got plan"):
        terraform(stack, "apply", "plan")


@pytest.mark.local
@pytest.mark.parametrize("option", ["-out", "--out", "-out=", "--out="])
def test_a_plan_is_saved_nowhere_else(stack: Path, option: str) -> None:
    for command in ("plan", "apply"):
        elsewhere = [f"{option}elsewhere"] if option.endswith("=") else [option, "elsewhere"]
        assert terraform(stack, command, *elsewhere, "-auto-approve")[0] == 0
        assert not (stack / "elsewhere").exists()


@pytest.mark.local
def test_another_folder_is_no_way_past_the_gate(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    with pytest.raises(SagewrightError, match="apply cancelled: nothing was changed"):
        terraform(stack.parent, f"-chdir={stack.name}", "apply")
    with pytest.raises(Usage, match="a saved plan is applied by `sagewright deploy`"):
        terraform(stack.parent, f"-chdir={stack.name}", "apply", "-auto-approve", "plan")
    assert terraform(stack.parent, f"-chdir={stack.name}", "apply", "-auto-approve")[0] == 0
    assert things(stack) == ["thing"]


class Became(Exception):
    """What stands for the program that takes this one's place."""


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The arguments, folder and environment with which Terraform took over."""
    seen: list[Any] = []

    def become(program: Path, arguments: Any, folder: Path, variables: Any) -> None:
        seen.extend([list(arguments), folder, variables])
        raise Became

    monkeypatch.setattr(wrapper, "become", become)
    return seen


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["version"],
        ["-version"],
        ["-v"],
        ["-help"],
        ["--help"],
        ["fmt"],
        ["validate"],
        ["-chdir=.", "fmt"],
    ],
)
def test_what_needs_no_account_goes_to_terraform_as_it_is(
    checkout: Project, became: list[Any], arguments: list[str]
) -> None:
    with pytest.raises(Became):
        terraform(checkout.root, *arguments)
    assert became[:2] == [arguments, checkout.root]
    assert "TF_VAR_plan_gate" not in became[2]


def test_with_local_every_other_command_is_led_to_the_embedded_aws(
    stack: Path, became: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {**ENVIRONMENT, "embedded": False, "state": {"bucket": "states"}}
    (stack.parents[2] / "environments" / "small.yaml").write_text(json.dumps(document))
    monkeypatch.setenv("SAGEWRIGHT_LOCAL", "1")
    monkeypatch.setenv("AWS_PROFILE", "real")
    for command in ("providers", "workspace", "force-unlock", "taint", "test", "output", "state", "import"):
        became.clear()
        with pytest.raises(Became):
            terraform(stack.parent, f"-chdir={stack.name}", command, "-json")
        arguments, folder, variables = became
        assert (arguments, folder) == ([command, "-json"], stack)
        assert variables["AWS_ACCESS_KEY_ID"] == ENVIRONMENT["account_id"]
        assert "AWS_PROFILE" not in variables
        assert ("TF_VAR_plan_gate" in variables) == (command in wrapper.STATE)


def test_it_becomes_terraform_itself(checkout: Project) -> None:
    write_stack(checkout, "small-first", {})
    program = "from sagewright.start import wrapper; wrapper()"
    done = subprocess.run(
        [sys.executable, "-c", program, "-chdir=cdktf.out/stacks/small-first", "version", "-json"],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout)["terraform_version"], done.stderr


INTERRUPTED = """
import sys
from sagewright import wrapper
from tests.sagewright.ungated import open_gate, show
open_gate()
wrapper.show = show
sys.exit(wrapper.main())
"""


@pytest.mark.local
@pytest.mark.parametrize("after", ["plan small-first", "gate"])
def test_an_interrupt_ends_it_cleanly_and_it_can_be_run_again(stack: Path, after: str) -> None:
    slow = {"input": "a", "provisioner": {"local-exec": {"command": "sleep 1"}}}
    document = json.loads((stack / "cdk.tf.json").read_text())
    document["resource"]["terraform_data"]["thing"] = slow
    (stack / "cdk.tf.json").write_text(json.dumps(document))
    with subprocess.Popen(
        [sys.executable, "-u", "-c", INTERRUPTED, "apply", "-auto-approve"],
        cwd=stack,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        for line in program.stdout:
            if line.startswith(f"✓ {after}"):
                break
        program.send_signal(signal.SIGINT)
        output, errors = program.communicate(timeout=60)
    assert program.returncode in (130, -signal.SIGINT), output + errors
    assert "interrupted; run the command again to go on" in output
    assert errors == ""
    assert list(stack.parents[2].rglob("*.tfplan")) == []
    assert terraform(stack, "apply", "-auto-approve")[0] == 0
    assert things(stack) == ["thing"]


def test_a_closed_gate_changes_nothing(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Denied(Open):
        verdict = "denied"
        exit_code = 1

    monkeypatch.setattr("sagewright.gate.gate", lambda *_, **__: Denied())
    with pytest.raises(GateClosed, match="nothing was changed"):
        terraform(stack, "apply", "-auto-approve")
    assert things(stack) == []


def test_a_folder_that_is_no_stack_is_refused(stack: Path) -> None:
    elsewhere = stack.parent / "small-third"
    elsewhere.mkdir()
    with pytest.raises(Usage, match="there is no stack 'small-third'"):
        terraform(elsewhere, "apply")
