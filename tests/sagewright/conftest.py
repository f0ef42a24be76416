"""A checkout in miniature: real Terraform, no provider, states in files."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import botocore.session
import pytest

from sagewright import environment
from sagewright.local import process
from sagewright.local.process import RECORD, Running
from sagewright.project import Project

ROOT = Path(__file__).resolve().parents[2]

ENVIRONMENT = {
    "organization": "acme",
    "account_id": "111122223333",
    "region": "eu-west-1",
    "production": False,
    "protected": False,
    "embedded": True,
}


@pytest.fixture
def checkout(tmp_path: Path) -> Project:
    """A checkout with one environment, `small`, and the tools of this one."""
    project = Project(root=tmp_path)
    (tmp_path / "cdktf.json").write_text("{}")
    project.environments.mkdir()
    (project.environments / "small.yaml").write_text(json.dumps(ENVIRONMENT))
    project.bin.mkdir(parents=True)
    terraform = shutil.which("terraform", path=str(ROOT / ".sagewright" / "bin")) or shutil.which("terraform")
    assert terraform is not None
    project.terraform.symlink_to(terraform)
    (project.work / "terraform.rc").symlink_to(ROOT / ".sagewright" / "terraform.rc")
    shutil.copyfile(ROOT / ".terraform.lock.hcl", project.provider_lock)
    return project


@pytest.fixture(scope="session", autouse=True)
def service_models() -> Iterator[None]:
    """Let all sessions of boto3 share what they read: each would find and parse the services' models anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def shared_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An embedded AWS in a process of its own, for all tests that do not stop it."""
    folder = tmp_path_factory.mktemp("embedded-aws")
    yield process.up(folder)
    process.down(folder)


@pytest.fixture
def empty_aws(shared_aws: Running) -> Running:
    """The shared embedded AWS, with nothing in it and no fault waiting."""
    with urlopen(Request(f"{shared_aws.url}/moto-api/reset", method="POST")):
        return shared_aws


@pytest.fixture
def embedded_aws(empty_aws: Running, checkout: Project) -> Running:
    """The same, recorded in the checkout as the one that was started there."""
    shutil.copy(empty_aws.log.parent / RECORD, checkout.work)
    return empty_aws


def write_stack(project: Project, name: str, configuration: dict[str, Any], *dependencies: str) -> None:
    """Add a stack to the checkout's assembly, as synthesis would."""
    folder = project.output / "stacks" / name
    folder.mkdir(parents=True, exist_ok=True)
    state = f"../../../.sagewright/state/{name}.tfstate"
    settings = {
        "terraform": {"backend": {"local": {"path": state}}},
        "variable": {
            "plan_gate": {
                "default": "",
                "type": "string",
                "validation": {
                    "condition": '${var.plan_gate == "sagewright"}',
                    "error_message": "Go through the gate.",
                },
            }
        },
    }
    (folder / "cdk.tf.json").write_text(json.dumps({**settings, **configuration}))
    path = project.output / "manifest.json"
    stacks: dict[str, Any] = json.loads(path.read_text())["stacks"] if path.exists() else {}
    stacks[name] = {
        "name": name,
        "workingDirectory": f"stacks/{name}",
        "dependencies": list(dependencies),
    }
    path.write_text(json.dumps({"version": "0.21.0", "stacks": stacks}))


def remote_state(upstream: str) -> dict[str, Any]:
    """What CDKTF writes for a reference to another stack."""
    config = {"path": f"../../../.sagewright/state/{upstream}.tfstate"}
    return {"terraform_remote_state": {upstream: {"backend": "local", "config": config}}}


@dataclass(frozen=True)
class Verdict:
    """What a gate says, as far as a run looks at it."""

    verdict: str
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        return {"verdict": self.verdict}


@pytest.fixture
def gated(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """A gate that denies whatever has `forbidden` in it, and a record of what it saw."""
    seen: list[list[str]] = []

    def gate(plans: Sequence[Any], facts: environment.Environment, **_: Any) -> Verdict:
        seen.append([plan.stack for plan in plans])
        denied = any('"forbidden"' in Path(plan.path).read_text() for plan in plans)
        return Verdict("denied", 1) if denied else Verdict("open", 0)

    monkeypatch.setattr("sagewright.gate.gate", gate)
    yield seen
