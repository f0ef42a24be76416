"""The command line as a user meets it: its words, its exit code, what it leaves when it is interrupted."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import boto3
import pytest

from sagewright import cli, gate, synth
from sagewright.cost.refresh import Refreshed
from sagewright.local import process
from sagewright.project import Project
from sagewright.terraform import Terraform

from .conftest import ENVIRONMENT, ROOT, remote_state, write_stack
from .ungated import OPEN, READY

PROGRAM = [sys.executable, "-u", "-m", "tests.sagewright.ungated"]
GATED = [sys.executable, "-m", "sagewright"]
"""The real one."""

MAIN = """
import os, shutil, sys
here = os.path.dirname(os.path.abspath(__file__))
shutil.copytree(os.path.join(here, "assembly"), os.environ["CDKTF_OUTDIR"], dirs_exist_ok=True)
"""
"""A main.py that synthesizes what was prepared."""

NOBODY = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Where no credentials are found."""

FOREIGN = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "planned_values": {},
    "resource_changes": [
        {
            "address": "aws_s3_bucket.data",
            "mode": "managed",
            "type": "aws_s3_bucket",
            "change": {"actions": ["create"], "after": {"tags_all": {"Environment": "big"}}},
        }
    ],
    "configuration": {"root_module": {}},
}
"""A plan of another environment."""


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
def own_aws(project: Project) -> Iterator[process.Running]:
    """An embedded AWS of the project's own, which a test may stop."""
    yield process.up(project.work)
    process.down(project.work)


def started(
    project: Project, *arguments: str, program: Sequence[str] = PROGRAM, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in the project in a process of its own, as a user would."""
    return subprocess.run(
        [*program, *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def sagewright(project: Project, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the project, in this process, with a gate that is open."""
    with pytest.MonkeyPatch.context() as patch:
        for name, stand_in in OPEN.items():
            patch.setattr(gate, name, stand_in)
        return gated(project, *arguments, **variables)


def gated(project: Project, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the real command line in this process: most commands take less time than Python's start."""
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, Path(os.devnull).open() as nobody:
        patch.chdir(project.root)
        patch.setattr("sys.argv", ["sagewright", *arguments])
        patch.setattr("sys.stdin", nobody)
        patch.setattr(cli, "handle_interrupts", lambda: None)
        for name, value in {"COLUMNS": "200", **variables}.items():
            patch.setenv(name, value)
        with redirect_stdout(output), redirect_stderr(errors), pytest.raises(SystemExit) as ended:
            cli.main()
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


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


@pytest.mark.local
def test_an_environment_is_deployed_changed_verified_and_destroyed(
    project: Project, embedded_aws: process.Running
) -> None:
    first = started(project, "deploy", "-e", "small")
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"small is deployed and verified on the embedded AWS at {embedded_aws.url}" in first.stdout
    for step in ("synth", "plan small-first", "plan small-second", "gate", "apply small-first", "verify"):
        assert f"✓ {step} " in first.stdout
    second = sagewright(project, "deploy", "-e", "small")
    assert "small is up to date: nothing changes" in second.stdout
    assert sagewright(project, "verify", "-e", "small").returncode == 0
    gone = sagewright(project, "destroy", "-e", "small")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert resources(project, "small-first") == resources(project, "small-second") == set()
    assert "nothing is deployed" in sagewright(project, "destroy", "-e", "small").stdout


def test_with_json_standard_output_holds_one_document(
    project: Project, embedded_aws: process.Running
) -> None:
    planned = sagewright(project, "plan", "-e", "small", "--json")
    document = json.loads(planned.stdout)
    assert [(each["stack"], each["add"], each["preview"]) for each in document["stacks"]] == [
        ("small-first", 1, False),
        ("small-second", 1, True),
    ]
    assert resources(project, "small-first") == set()
    for each in document["stacks"]:
        assert stat.S_IMODE(Path(each["path"]).stat().st_mode) == 0o600
        assert json.loads(Path(each["path"]).read_text())["planned_values"]
    assert list((project.work / "plans").glob("*.tfplan")) == []
    deployed = json.loads(sagewright(project, "deploy", "-e", "small", "--json").stdout)
    assert deployed["changed"] is True
    assert deployed["terraform_seconds"] > 0


@pytest.fixture
def saved(project: Project, embedded_aws: process.Running) -> tuple[str, str]:
    """A file with plans and their digest, in a project at a commit."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for command in (["init", "-q"], ["add", "main.py"], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", "-C", str(project.root), *command], check=True, capture_output=True)
    planned = sagewright(project, "plan", "-e", "small", "--json", "--save", "plans")
    assert planned.returncode == 0, planned.stderr
    saved = json.loads(planned.stdout)["saved"]
    assert stat.S_IMODE((project.root / saved["path"]).stat().st_mode) == 0o600
    return saved["path"], saved["digest"]


def test_saved_plans_are_applied_by_their_digest_and_refused_when_they_are_stale(
    project: Project, saved: tuple[str, str]
) -> None:
    path, digest = saved
    options = ("deploy", "-e", "small", "--json", "--reviewed", path, "--digest")
    refused(sagewright(project, *options, "0" * 64), 2, "supply plans of digest 0000", f"of {digest}")
    deployed = sagewright(project, *options, digest)
    assert json.loads(deployed.stdout)["changed"] is True
    assert resources(project, "small-second") == {"user"}
    stale = sagewright(project, *options, digest)
    refused(
        stale, 1, "the plans are stale", "small-first: terraform_data.thing: reviewed create, now nothing"
    )
    assert json.loads(stale.stdout)["differences"][0]["address"] == "terraform_data.thing"


def test_a_digest_without_a_file_is_refused(project: Project) -> None:
    refused(sagewright(project, "deploy", "-e", "small", "--digest", "1a"), 2, "--reviewed: supply the file")


def test_an_unknown_environment_is_refused_with_those_that_exist(project: Project) -> None:
    refused(sagewright(project, "deploy", "-e", "big"), 2, "there is no environment 'big'; there are: small")


def test_a_broken_environment_file_is_refused(project: Project) -> None:
    (project.environments / "small.yaml").write_text("region: [")
    refused(sagewright(project, "deploy", "-e", "small"), 2, "small.yaml: not a YAML file")


def test_an_option_that_does_not_exist_is_refused(project: Project) -> None:
    refused(started(project, "deploy", "-e", "small", "--fast"), 2, "No such option: --fast")


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "nothing"
    elsewhere.mkdir()
    refused(sagewright(Project(root=elsewhere), "synth"), 2, "not in a Sagewright checkout")


def in_an_account(project: Project) -> None:
    """Let the environment be one that lives in an account."""
    document = {**ENVIRONMENT, "embedded": False, "state": {"bucket": "states"}}
    (project.environments / "small.yaml").write_text(json.dumps(document))


def make_boundary(running: process.Running) -> None:
    """Make what tells that the account is bootstrapped."""
    own = running.environment(ENVIRONMENT["account_id"], "eu-west-1")  # type: ignore[arg-type]
    session = boto3.session.Session(own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"], None, "eu-west-1")
    iam = session.client("iam", endpoint_url=running.url)
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_policy(PolicyName="acme-small-boundary", PolicyDocument=policy)


def test_credentials_of_another_account_are_refused_before_anything_is_planned(
    project: Project, embedded_aws: process.Running
) -> None:
    in_an_account(project)
    other = {**embedded_aws.environment("999988887777", "eu-west-1")}
    done = sagewright(project, "deploy", "-e", "small", "--yes", **other)
    refused(done, 2, "account_id: the file names 111122223333, the credentials are of 999988887777")
    assert not (project.work / "plans").exists()


def test_missing_credentials_are_refused_and_local_is_offered(project: Project) -> None:
    in_an_account(project)
    done = sagewright(project, "plan", "-e", "small", **NOBODY)
    refused(done, 2, "no AWS credentials for small", "--local")


def test_an_endpoint_url_that_is_none_is_refused(project: Project) -> None:
    in_an_account(project)
    keys = {"AWS_ACCESS_KEY_ID": "1", "AWS_SECRET_ACCESS_KEY": "2", "AWS_CONFIG_FILE": os.devnull}
    done = sagewright(project, "plan", "-e", "small", **keys, AWS_ENDPOINT_URL="nowhere")
    refused(done, 2, "no AWS for small: Invalid endpoint: nowhere; mend or unset AWS_ENDPOINT_URL")


@pytest.mark.local
def test_with_local_every_command_acts_on_the_embedded_aws(
    project: Project, embedded_aws: process.Running
) -> None:
    in_an_account(project)
    real = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "999988887777"}
    assert sagewright(project, "plan", "-e", "small", "--local", **real).returncode == 0
    deployed = sagewright(project, "deploy", "-e", "small", **real, SAGEWRIGHT_LOCAL="1")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert f"on the embedded AWS at {embedded_aws.url}" in deployed.stdout
    assert resources(project, "small-second") == {"user"}
    assert sagewright(project, "verify", "-e", "small", "--local", **real).returncode == 0
    assert sagewright(project, "destroy", "-e", "small", "--local", **real).returncode == 0
    assert resources(project, "small-first") == resources(project, "small-second") == set()
    away = sagewright(project, "plan", "-e", "small", **real, SAGEWRIGHT_LOCAL="0")
    refused(away, 2, "no AWS credentials for small")


def test_what_nobody_foresaw_is_one_line_and_a_traceback_only_where_it_is_asked_for(
    project: Project, embedded_aws: process.Running
) -> None:
    (project.work / "plans" / "small-first.json").mkdir(parents=True)
    done = sagewright(project, "plan", "-e", "small")
    refused(done, 3, "error: IsADirectoryError: [Errno 21] Is a directory: ")
    assert len(done.stderr.splitlines()) == 1
    asked = started(project, "plan", "-e", "small", SAGEWRIGHT_TRACEBACK="1")
    assert asked.returncode == 3
    assert "Traceback (most recent call last)" in asked.stderr


def test_without_the_embedded_aws_a_local_environment_says_how_to_start_it(project: Project) -> None:
    refused(sagewright(project, "deploy", "-e", "small"), 2, "start it with `sagewright local up`")


@pytest.mark.local
def test_a_killed_embedded_aws_is_noticed_and_a_new_one_is_deployed_to(
    project: Project, own_aws: process.Running
) -> None:
    assert sagewright(project, "deploy", "-e", "small").returncode == 0
    os.kill(own_aws.pid, signal.SIGKILL)
    refused(sagewright(project, "deploy", "-e", "small"), 2, "the embedded AWS does not run")
    process.up(project.work)
    assert sagewright(project, "deploy", "-e", "small").returncode == 0


@pytest.mark.local
def test_down_stops_the_embedded_aws_and_forgets_its_states(
    project: Project, own_aws: process.Running
) -> None:
    assert sagewright(project, "deploy", "-e", "small").returncode == 0
    assert resources(project, "small-first") == {"thing"}
    done = sagewright(project, "local", "down", "--json")
    assert json.loads(done.stdout)["stopped"] is True
    assert resources(project, "small-first") == set()
    assert sagewright(project, "local", "status").returncode == 1
    assert json.loads(sagewright(project, "local", "down", "--json").stdout)["stopped"] is False


@pytest.mark.local
def test_nobody_to_ask_changes_nothing_in_an_account(project: Project, embedded_aws: process.Running) -> None:
    in_an_account(project)
    own = embedded_aws.environment(ENVIRONMENT["account_id"], "eu-west-1")  # type: ignore[arg-type]
    done = sagewright(project, "deploy", "-e", "small", **own)
    refused(done, 2, "is not bootstrapped for small", "run `sagewright bootstrap -e small` first")
    make_boundary(embedded_aws)
    done = sagewright(project, "deploy", "-e", "small", **own)
    refused(done, 2, "nobody is there to ask; pass --yes")
    assert resources(project, "small-first") == set()
    assert sagewright(project, "deploy", "-e", "small", "--yes", **own).returncode == 0
    assert resources(project, "small-first") == {"thing"}


@pytest.mark.local
@pytest.mark.parametrize(
    "after",
    ["", "synth", "plan small-first", "plan small-second", "gate", "apply small-first", "apply small-second"],
)
def test_an_interrupt_in_any_step_ends_cleanly_and_the_command_can_be_run_again(
    project: Project, embedded_aws: process.Running, after: str
) -> None:
    slow = {"provisioner": {"local-exec": {"command": "sleep 1"}}}
    prepare(project, {"thing": {"input": "a", **slow}})
    interrupted(project, after, "deploy", "-e", "small")
    again = sagewright(project, "deploy", "-e", "small")
    assert again.returncode == 0, again.stdout + again.stderr
    assert resources(project, "small-second") == {"user"}


@pytest.mark.local
def test_an_interrupted_destroy_ends_cleanly_and_can_be_run_again(
    project: Project, embedded_aws: process.Running
) -> None:
    slow = {"provisioner": {"local-exec": {"when": "destroy", "command": "sleep 1"}}}
    prepare(project, {"thing": {"input": "a", **slow}})
    assert sagewright(project, "deploy", "-e", "small").returncode == 0
    interrupted(project, "apply small-second", "destroy", "-e", "small")
    again = sagewright(project, "destroy", "-e", "small")
    assert again.returncode == 0, again.stdout + again.stderr
    assert resources(project, "small-first") == resources(project, "small-second") == set()


def interrupted(project: Project, after: str, *arguments: str) -> None:
    """Interrupt a command when a step is done, or when it starts; check that it ends cleanly."""
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None and program.stderr is not None
        assert program.stderr.readline() == f"{READY}\n"
        for line in program.stdout if after else ():
            if line.startswith(f"✓ {after}"):
                break
        program.send_signal(signal.SIGINT)
        output, errors = program.communicate(timeout=60)
    assert program.returncode in (130, -signal.SIGINT), output + errors
    assert "Traceback" not in output + errors
    assert "interrupted; run the command again to go on" in errors
    assert list((project.work / "plans").glob("*.tfplan")) == []


@pytest.fixture
def registered(project: Project, embedded_aws: process.Running) -> str:
    """A model in the environment file, pinned to the first of two approved versions; the group's ARN."""
    own = embedded_aws.environment(ENVIRONMENT["account_id"], "eu-west-1")  # type: ignore[arg-type]
    session = boto3.session.Session(own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"], None, "eu-west-1")
    sagemaker = session.client("sagemaker", endpoint_url=embedded_aws.url)
    sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    image = f"222233334444.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:{'a' * 64}"
    arns = [
        sagemaker.create_model_package(
            ModelPackageGroupName="churn",
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": image}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]
        for _ in range(2)
    ]
    churn = {"kind": "ModelPackage", "model_package_arn": arns[0], "images": [image]}
    (project.environments / "small.yaml").write_text(json.dumps({**ENVIRONMENT, "models": {"churn": churn}}))
    first: str = arns[0]
    return first.removesuffix("/1")


def test_a_version_is_pinned_once_and_a_dry_run_writes_nothing(project: Project, registered: str) -> None:
    file = project.environments / "small.yaml"
    before = file.read_text()
    dry = sagewright(project, "models", "pin", "-e", "small", "churn", "--dry-run")
    assert (dry.returncode, file.read_text()) == (0, before)
    assert "environments/small.yaml: churn would be pinned" in dry.stdout
    done = sagewright(project, "models", "pin", "-e", "small", "churn", "--newest-approved", "--json")
    result = json.loads(done.stdout)
    assert (result["before"], result["after"]) == (f"{registered}/1", f"{registered}/2")
    assert (result["changed"], result["written"], result["version"]["approval"]) == (True, True, "Approved")
    assert file.read_text() == before.replace(f"{registered}/1", f"{registered}/2")
    again = sagewright(project, "models", "pin", "-e", "small", "churn")
    assert (again.returncode, again.stdout.splitlines()[0]) == (
        0,
        f"environments/small.yaml: churn is already pinned to {registered}/2",
    )
    back = sagewright(project, "models", "pin", "-e", "small", "churn", "--version", "1")
    assert (back.returncode, file.read_text()) == (0, before)


def test_the_gate_asks_the_registry_whether_a_version_is_approved(
    project: Project, registered: str, embedded_aws: process.Running
) -> None:
    text = (ROOT / "policies" / "examples" / "SW_MODEL_APPROVAL" / "pass.json").read_text()
    named = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/acme-prod-churn/7"
    small = text.replace('"Environment": "prod"', '"Environment": "small"')
    (project.root / "plan").write_text(small.replace(named, f"{registered}/2"))
    (project.environments / "small.yaml").write_text(json.dumps({**ENVIRONMENT, "protected": True}))

    def judged() -> tuple[int, str]:
        done = gated(project, "gate", "-e", "small", "plan", "--json")
        results = json.loads(done.stdout)["results"]
        (state,) = (one["state"] for one in results if one["rule"] == "SW_MODEL_APPROVAL")
        return done.returncode, state

    assert judged() == (0, "pass")
    own = embedded_aws.environment(ENVIRONMENT["account_id"], "eu-west-1")  # type: ignore[arg-type]
    session = boto3.session.Session(own["AWS_ACCESS_KEY_ID"], own["AWS_SECRET_ACCESS_KEY"], None, "eu-west-1")
    session.client("sagemaker", endpoint_url=embedded_aws.url).update_model_package(
        ModelPackageArn=f"{registered}/2", ModelApprovalStatus="Rejected"
    )
    assert judged() == (1, "fail")


def test_one_version_is_asked_for(project: Project, registered: str) -> None:
    both = ("--version", "1", "--newest-approved")
    done = sagewright(project, "models", "pin", "-e", "small", "churn", *both)
    refused(done, 2, "supply either --version or --newest-approved, got both, and 1")


def test_the_registry_of_another_account_is_not_asked(
    project: Project, registered: str, embedded_aws: process.Running
) -> None:
    in_an_account(project)
    other = embedded_aws.environment("999988887777", "eu-west-1")
    done = sagewright(project, "models", "pin", "-e", "small", "churn", **other)
    refused(done, 2, "account_id: the file names 111122223333, the credentials are of 999988887777")


def test_prices_of_the_environments_regions_are_asked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Refreshed(path=project.prices, regions=("eu-west-1",), prices=1, differences=())
    asked: list[object] = []

    def refresh(_: object, path: Path, regions: Sequence[str], *more: object) -> Refreshed:
        asked.extend((path, regions))
        return found

    monkeypatch.setattr("sagewright.cost.refresh.refresh", refresh)
    done = gated(project, "prices", "refresh", "--json")
    assert json.loads(done.stdout) == found.to_dict()
    assert asked == [project.prices, ["eu-west-1"]]
    gated(project, "prices", "refresh", "--region", "us-east-1", "--region", "eu-central-1")
    assert asked[2:] == [project.prices, ["eu-central-1", "us-east-1"]]


def test_without_credentials_there_are_no_prices(project: Project) -> None:
    done = gated(project, "prices", "refresh", **NOBODY)
    refused(
        done, 3, "AWS gives no prices of AmazonSageMaker in eu-west-1: Unable to locate credentials; supply"
    )
    assert not project.prices.exists()


def test_a_bare_terraform_is_locked_out(project: Project, embedded_aws: process.Running) -> None:
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
    ("plan", "said"),
    [
        ("missing", "cannot be read: No such file or directory"),
        ("truncated", "is a saved plan that is not whole"),
        ("folder", "cannot be read: Is a directory"),
        ("foreign", "is of environment big, expected small"),
    ],
)
def test_a_plan_that_cannot_be_judged_is_an_error_of_the_gate(project: Project, plan: str, said: str) -> None:
    path = project.root / plan
    if plan == "truncated":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tfplan", "…" * 1000)
        path.write_bytes(path.read_bytes()[:500])
    elif plan == "folder":
        path.mkdir()
    elif plan == "foreign":
        path.write_text(json.dumps(FOREIGN))
    done = gated(project, "gate", "-e", "small", plan, "--json")
    refused(done, 3, f"{plan}: {said}")
    assert json.loads(done.stdout)["verdict"] == "error"


def test_the_gate_does_not_know_of_an_approval_where_no_registry_can_be_asked(project: Project) -> None:
    text = (ROOT / "policies" / "examples" / "SW_MODEL_APPROVAL" / "pass.json").read_text()
    (project.root / "plan").write_text(text.replace('"Environment": "prod"', '"Environment": "small"'))
    done = gated(project, "gate", "-e", "small", "plan", "--json")
    (result,) = (one for one in json.loads(done.stdout)["results"] if one["rule"] == "SW_MODEL_APPROVAL")
    assert (result["state"], result["mode"]) == ("unknown", "advise")
    assert result["message"].endswith(
        "is not known: the embedded AWS does not run; start it with `sagewright local up`"
    )


def test_the_gate_refuses_an_environment_that_does_not_exist(project: Project) -> None:
    done = gated(project, "gate", "-e", "big", "plan.json")
    refused(done, 2, "there is no environment 'big'; there are: small")


def test_the_doctor_tells_a_program_and_a_person_what_is_missing(project: Project) -> None:
    done = started(project, "doctor", "--json", program=GATED)
    refused(done, 3)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["environment files"]["found"] == "small"
    assert not checks["plan gate"]["ok"]
    assert "checks failed" in done.stderr
    refused(gated(project, "doctor", "-e", "big"), 2, "there is no environment 'big'")


@pytest.mark.parametrize(
    "command",
    [
        *("synth", "plan", "gate", "deploy", "verify", "destroy", "demo", "doctor"),
        *("local up", "local down", "models pin", "prices refresh"),
    ],
)
def test_every_command_explains_itself(project: Project, command: str) -> None:
    done = sagewright(project, *command.split(), "--help")
    assert done.returncode == 0
    assert len(done.stdout.split()) > 20
