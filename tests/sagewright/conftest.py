"""A checkout in miniature: real Terraform, no provider, states in files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

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
