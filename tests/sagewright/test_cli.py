"""The command line as a user meets it: a process, its words, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagewright import synth
from sagewright.local import process
from sagewright.project import Project
from sagewright.terraform import Terraform

from .conftest import ENVIRONMENT, ROOT, remote_state, write_stack

PROGRAM = [sys.executable, "-u", "-m", "tests.sagewright.ungated"]

MAIN = """
import os, shutil, sys
here = os.path.dirname(os.path.abspath(__file__))
shutil.copytree(os.path.join(here, "assembly"), os.environ["CDKTF_OUTDIR"], dirs_exist_ok=True)
"""
"""A main.py that synthesizes what was prepared."""


@pytest.fixture
def project(checkout: Project) -> Project:
    """A checkout with two stacks and a synthesis of its own."""
    (checkout.root / "main.py").write_text(MAIN)
    prepare(checkout, {"thing": {"input": "a"}})
    return checkout


def prepare(checkout: Project, things: dict[str, Any]) -> None:
    """Let the next synthesis give two stacks: `small-first` with these things, and one that reads it."""
    first = {
        "resource": {"terraform_data": things},
        "output": {"id": {"value": "${terraform_data.thing.id}"}},
    }
    write_stack(checkout, "small-first", first)
    reading = "${data.terraform_remote_state.small-first.outputs.id}"
    second = {
        "data": remote_state("small-first"),
        "resource": {"terraform_data": {"user": {"input": reading}}},
    }
    write_stack(checkout, "small-second", second, "small-first")
    prepared = checkout.root / "assembly"
    if prepared.exists():
        subprocess.run(["rm", "-r", str(prepared)], check=True)
    checkout.output.rename(prepared)


@pytest.fixture
def embedded(project: Project) -> Iterator[process.Running]:
    """An embedded AWS of the project's own."""
    yield process.up(project.work)
    process.down(project.work)


def sagewright(project: Project, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the project, as a user would."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def resources(project: Project, stack: str) -> set[str]:
    """What the state of a stack holds."""
    path = project.work / "state" / f"{stack}.tfstate"
    if not path.exists():
        return set()
    return {each["name"] for each in json.loads(path.read_text())["resources"] if each["mode"] == "managed"}


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Check that a command ended with one clear error."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    said = " ".join(done.stderr.split())
    for word in words:
        assert word in said


def test_an_environment_is_deployed_changed_verified_and_destroyed(
    project: Project, embedded: process.Running
) -> None:
    first = sagewright(project, "deploy", "-e", "small")
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"small is deployed and verified on the embedded AWS at {embedded.url}" in first.stdout
    for step in ("synth", "plan small-first", "plan small-second", "gate", "apply small-first", "verify"):
        assert f"✓ {step} " in first.stdout
    second = sagewright(project, "deploy", "-e", "small")
    assert "small is up to date: nothing changes" in second.stdout
    assert sagewright(project, "verify", "-e", "small").returncode == 0
    gone = sagewright(project, "destroy", "-e", "small")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert resources(project, "small-first") == resources(project, "small-second") == set()
    assert "nothing is deployed" in sagewright(project, "destroy", "-e", "small").stdout


def test_with_json_standard_output_holds_one_document(project: Project, embedded: process.Running) -> None:
    planned = sagewright(project, "plan", "-e", "small", "--json")
    document = json.loads(planned.stdout)
    assert [(each["stack"], each["add"], each["preview"]) for each in document["stacks"]] == [
        ("small-first", 1, False),
        ("small-second", 1, True),
    ]
    assert resources(project, "small-first") == set()
    deployed = json.loads(sagewright(project, "deploy", "-e", "small", "--json").stdout)
    assert deployed["changed"] is True
    assert deployed["terraform_seconds"] > 0


def test_an_unknown_environment_is_refused_with_those_that_exist(project: Project) -> None:
    refused(sagewright(project, "deploy", "-e", "big"), 2, "there is no environment 'big'; there are: small")


def test_a_broken_environment_file_is_refused(project: Project) -> None:
    (project.environments / "small.yaml").write_text("region: [")
    refused(sagewright(project, "deploy", "-e", "small"), 2, "small.yaml: not a YAML file")


def test_an_option_that_does_not_exist_is_refused(project: Project) -> None:
    refused(sagewright(project, "deploy", "-e", "small", "--fast"), 2, "No such option: --fast")


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "nothing"
    elsewhere.mkdir()
    refused(sagewright(Project(root=elsewhere), "synth"), 2, "not in a Sagewright checkout")


def test_credentials_of_another_account_are_refused_before_anything_is_planned(
    project: Project, embedded: process.Running
) -> None:
    document = {**ENVIRONMENT, "embedded": False, "state": {"bucket": "states"}}
    (project.environments / "small.yaml").write_text(json.dumps(document))
    other = {**embedded.environment("999988887777", "eu-west-1")}
    done = sagewright(project, "deploy", "-e", "small", "--yes", **other)
    refused(done, 2, "account_id: the file names 111122223333, the credentials are of 999988887777")
    assert not (project.work / "plans").exists()


def test_missing_credentials_are_refused_and_local_is_offered(project: Project) -> None:
    document = {**ENVIRONMENT, "embedded": False, "state": {"bucket": "states"}}
    (project.environments / "small.yaml").write_text(json.dumps(document))
    none = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    none["AWS_EC2_METADATA_DISABLED"] = "true"
    done = sagewright(project, "plan", "-e", "small", **none)
    refused(done, 2, "no AWS credentials for small", "--local")


def test_without_the_embedded_aws_a_local_environment_says_how_to_start_it(project: Project) -> None:
    refused(sagewright(project, "deploy", "-e", "small"), 2, "start it with `sagewright local up`")


def test_a_killed_embedded_aws_is_noticed_and_a_new_one_is_deployed_to(
    project: Project, embedded: process.Running
) -> None:
    assert sagewright(project, "deploy", "-e", "small").returncode == 0
    os.kill(embedded.pid, signal.SIGKILL)
    refused(sagewright(project, "deploy", "-e", "small"), 2, "the embedded AWS does not run")
    process.up(project.work)
    assert sagewright(project, "deploy", "-e", "small").returncode == 0


def test_down_stops_the_embedded_aws_and_forgets_its_states(
    project: Project, embedded: process.Running
) -> None:
    assert sagewright(project, "deploy", "-e", "small").returncode == 0
    assert resources(project, "small-first") == {"thing"}
    done = sagewright(project, "local", "down", "--json")
    assert json.loads(done.stdout)["stopped"] is True
    assert resources(project, "small-first") == set()
    assert sagewright(project, "local", "status").returncode == 1
    assert json.loads(sagewright(project, "local", "down", "--json").stdout)["stopped"] is False


def test_nobody_to_ask_changes_nothing_in_an_account(project: Project, embedded: process.Running) -> None:
    document = {**ENVIRONMENT, "embedded": False, "state": {"bucket": "states"}}
    (project.environments / "small.yaml").write_text(json.dumps(document))
    own = embedded.environment(ENVIRONMENT["account_id"], "eu-west-1")  # type: ignore[arg-type]
    done = sagewright(project, "deploy", "-e", "small", **own)
    refused(done, 2, "nobody is there to ask; pass --yes")
    assert resources(project, "small-first") == set()
    assert sagewright(project, "deploy", "-e", "small", "--yes", **own).returncode == 0
    assert resources(project, "small-first") == {"thing"}


@pytest.mark.parametrize(
    "after",
    ["", "synth", "plan small-first", "plan small-second", "gate", "apply small-first", "apply small-second"],
)
def test_an_interrupt_in_any_step_ends_cleanly_and_the_command_can_be_run_again(
    project: Project, embedded: process.Running, after: str
) -> None:
    slow = {"provisioner": {"local-exec": {"command": "sleep 1"}}}
    prepare(project, {"thing": {"input": "a", **slow}})
    command = [*PROGRAM, "deploy", "-e", "small"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=project.root, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        if after:
            for line in program.stdout:
                if line.startswith(f"✓ {after}"):
                    break
        else:
            wait_until_interrupts_are_handled(program.pid)
        program.send_signal(signal.SIGINT)
        output, errors = program.communicate(timeout=60)
    assert program.returncode in (130, -signal.SIGINT), output + errors
    assert "Traceback" not in output + errors
    assert "interrupted; run the command again to go on" in errors
    again = sagewright(project, "deploy", "-e", "small")
    assert again.returncode == 0, again.stdout + again.stderr
    assert resources(project, "small-second") == {"user"}


def wait_until_interrupts_are_handled(pid: int) -> None:
    """Wait until the program handles interrupts, which it does before it does anything else."""
    mask = 1 << (signal.SIGINT - 1)
    status = Path(f"/proc/{pid}/status")
    while True:
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        hangup = 1 << (signal.SIGHUP - 1)
        if int(caught.split()[1], 16) & mask and int(caught.split()[1], 16) & hangup:
            return


def test_a_bare_terraform_is_locked_out(project: Project, embedded: process.Running) -> None:
    sagewright(project, "synth")
    stack = synth.read(project).get("small-first")
    Terraform(project, stack.folder, project.variables()).init()
    bare = subprocess.run(
        [project.terraform, "apply", "-auto-approve"],
        cwd=stack.folder,
        env=project.variables(),
        capture_output=True,
    )
    assert bare.returncode == 1
    assert resources(project, "small-first") == set()


@pytest.mark.parametrize(
    "command",
    ["synth", "plan", "gate", "deploy", "verify", "destroy", "demo", "doctor", "local up", "local down"],
)
def test_every_command_explains_itself(project: Project, command: str) -> None:
    done = sagewright(project, *command.split(), "--help")
    assert done.returncode == 0
    assert len(done.stdout.split()) > 20
