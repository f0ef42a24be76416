"""Terraform as a program: plans, errors, the lock, interrupts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sagewright import deploy, synth
from sagewright.project import Project
from sagewright.terraform import Terraform, TerraformFailed

from .conftest import ROOT, remote_state, write_stack


def terraform(checkout: Project, name: str = "small-first") -> Terraform:
    made = Terraform(checkout, synth.read(checkout).get(name).folder, checkout.variables())
    made.init()
    return made


def test_a_plan_tells_whether_it_changes_anything_and_is_private(checkout: Project) -> None:
    write_stack(checkout, "small-first", {"resource": {"terraform_data": {"thing": {"input": "a"}}}})
    runner = terraform(checkout)
    path = checkout.work / "plans" / "p.tfplan"
    assert runner.plan(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    runner.apply(path)
    assert not runner.plan(path)
    assert runner.clock.seconds > 0


def test_a_terraform_that_does_not_come_through_the_gate_is_refused(checkout: Project) -> None:
    write_stack(checkout, "small-first", {"resource": {"terraform_data": {"thing": {"input": "a"}}}})
    runner = terraform(checkout)
    bare = subprocess.run(
        [checkout.terraform, "apply", "-auto-approve", "-no-color"],
        cwd=runner.folder,
        env=checkout.variables(),
        capture_output=True,
        text=True,
    )
    assert bare.returncode == 1
    assert "Go through the gate." in bare.stderr
    assert "values" not in runner.show()


def test_an_error_of_terraform_is_one_text_with_the_stack_and_the_address(checkout: Project) -> None:
    failing = {"terraform_data": {"thing": {"provisioner": {"local-exec": {"command": "exit 7"}}}}}
    write_stack(checkout, "small-first", {"resource": failing})
    runner = terraform(checkout)
    path = checkout.work / "plans" / "p.tfplan"
    runner.plan(path)
    with pytest.raises(
        TerraformFailed, match=r"(?s)small-first: terraform apply failed.*thing.*exit status 7"
    ):
        runner.apply(path)


def test_a_stack_whose_input_is_not_deployed_says_so(checkout: Project) -> None:
    write_stack(checkout, "small-second", {"data": remote_state("small-first")})
    with pytest.raises(TerraformFailed, match="Unable to find remote state"):
        terraform(checkout, "small-second").plan(checkout.work / "plans" / "p.tfplan")


def test_a_truncated_plan_is_refused(checkout: Project) -> None:
    write_stack(checkout, "small-first", {"resource": {"terraform_data": {"thing": {"input": "a"}}}})
    runner = terraform(checkout)
    path = checkout.work / "plans" / "p.tfplan"
    runner.plan(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TerraformFailed, match="small-first: terraform apply failed"):
        runner.apply(path)
    assert "values" not in runner.show()


def test_a_second_init_does_nothing_and_a_new_backend_is_noticed(checkout: Project) -> None:
    write_stack(checkout, "small-first", {})
    runner = terraform(checkout)
    before = runner.clock.seconds
    runner.init()
    assert runner.clock.seconds == before
    synthesized = runner.folder / "cdk.tf.json"
    synthesized.write_text(synthesized.read_text().replace("small-first.tfstate", "elsewhere.tfstate"))
    runner.init()
    assert runner.clock.seconds > before


@pytest.mark.parametrize("place", ["project", "folder"])
def test_another_lock_is_replaced_by_the_projects_and_the_stack_initialized_again(
    checkout: Project, place: str
) -> None:
    write_stack(checkout, "small-first", {})
    runner = terraform(checkout)
    lock = runner.folder / ".terraform.lock.hcl"
    left = lock.read_bytes()
    changed = checkout.provider_lock if place == "project" else lock
    changed.write_bytes(changed.read_bytes() + b"# changed\n")
    before = runner.clock.seconds
    runner.init()
    assert runner.clock.seconds > before
    assert lock.read_bytes() == left
    before = runner.clock.seconds
    runner.init()
    assert runner.clock.seconds == before


INTERRUPTED = """
import sys
from pathlib import Path
from sagewright import project, synth
from sagewright.terraform import Terraform, handle_interrupts
handle_interrupts()
checkout = project.find(Path(sys.argv[1]))
runner = Terraform(checkout, synth.read(checkout).stacks[0].folder, checkout.variables())
runner.init()
runner.plan(checkout.work / "plans" / "p.tfplan")
print("applying", flush=True)
try:
    runner.apply(checkout.work / "plans" / "p.tfplan")
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_an_interrupted_apply_ends_in_terraforms_own_way_and_can_be_run_again(checkout: Project) -> None:
    slow = checkout.root / "slow"
    things = {
        "done": {"input": "a"},
        "slow": {
            "depends_on": ["terraform_data.done"],
            "provisioner": {"local-exec": {"command": f"touch '{slow}'; sleep 3"}},
        },
        "never": {"depends_on": ["terraform_data.slow"]},
    }
    write_stack(checkout, "small-first", {"resource": {"terraform_data": things}})
    command = [sys.executable, "-c", INTERRUPTED, str(checkout.root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "applying\n"
        while not slow.exists() and program.poll() is None:
            time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        assert program.wait(30) == 130
    runner = terraform(checkout)
    state = runner.show()["values"]["root_module"]["resources"]
    names = {each["name"] for each in state}
    assert "done" in names
    assert "never" not in names
    path: Path = checkout.work / "plans" / "again.tfplan"
    assert runner.plan(path)
    runner.apply(path)
    assert not runner.plan(path)


INTERRUPTED_AT_THE_START = """
import os, signal, subprocess, sys
from pathlib import Path
from sagewright import deploy, project, synth
from sagewright.terraform import Terraform, handle_interrupts
handle_interrupts()
checkout = project.find(Path(sys.argv[1]))
runner = Terraform(checkout, synth.read(checkout).stacks[0].folder, checkout.variables())
runner.init()
runner.plan(checkout.work / "plans" / "p.tfplan")

class Late(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(command, **options)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGINT)

subprocess.Popen = Late
try:
    deploy.side_by_side(lambda _: runner.apply(checkout.work / "plans" / "p.tfplan"), range(int(sys.argv[2])))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("side_by_side", ["1", "3"])
def test_an_interrupt_while_an_apply_starts_orphans_none_and_starts_no_other(
    checkout: Project, side_by_side: str
) -> None:
    slow = {"provisioner": {"local-exec": {"command": "sleep 90"}}}
    write_stack(checkout, "small-first", {"resource": {"terraform_data": {"slow": slow}}})
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_THE_START, str(checkout.root), side_by_side],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (130, "")
    started = [int(pid) for pid in done.stdout.split()]
    assert 1 <= len(started) <= deploy.AT_ONCE
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
