"""A saved plan is judged wherever it lies, without the folder and the backend that it came from."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sagewright.gate import PlanError, PlanInput, gate
from sagewright.gate.saved_plan import providers, show_saved_plan

from .conftest import environment, errors

ROOT = Path(__file__).resolve().parents[3]
CONFIGURATION = ROOT / ".sagewright" / "terraform.rc"


@pytest.fixture
def terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run Terraform in a folder."""
    program = shutil.which(
        "terraform", path=f"{ROOT / '.sagewright' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    )
    assert program is not None
    monkeypatch.setenv("PATH", f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}")
    if CONFIGURATION.is_file():
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(CONFIGURATION))
    monkeypatch.setenv("CHECKPOINT_DISABLE", "true")

    def run(folder: Path, *arguments: str) -> str:
        done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def save(terraform: Any, folder: Path, configuration: dict[str, Any]) -> tuple[Path, Any]:
    """Return a saved plan, moved away, and its JSON; the folder that it was made in is gone."""
    work = folder / "work"
    (work / "child").mkdir(parents=True)
    (work / "child" / "main.tf.json").write_text(json.dumps({"resource": {"terraform_data": {"inner": {}}}}))
    (work / "main.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
    terraform(work, "init", "-input=false")
    terraform(work, "plan", "-input=false", "-out=saved")
    document = json.loads(terraform(work, "show", "-json", "saved"))
    away = folder / "away" / "any-name"
    away.parent.mkdir()
    shutil.move(work / "saved", away)
    shutil.rmtree(work)
    return away, document


def test_a_saved_plan_is_shown_without_the_folder_that_it_came_from(terraform: Any, tmp_path: Path) -> None:
    configuration = {
        "terraform": {"backend": {"local": {"path": "elsewhere/state"}}},
        "resource": {"terraform_data": {"outer": {"input": "x"}}},
        "module": {"child": {"source": "./child"}},
    }
    path, document = save(terraform, tmp_path, configuration)
    assert show_saved_plan(path) == document
    report = gate([PlanInput(path=path)], environment())
    assert report.verdict == "open", errors(report)
    assert report.touched == 2


@pytest.mark.plan
def test_a_saved_plan_with_providers_is_judged(
    terraform: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = {
        "region": "eu-central-1",
        "access_key": "example",
        "secret_key": "example",
        "skip_credentials_validation": True,
        "skip_requesting_account_id": True,
        "skip_metadata_api_check": "true",
    }
    repository = {"name": "acme-prod-churn", "image_tag_mutability": "MUTABLE"}
    configuration = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
        "provider": {"aws": provider},
        "resource": {"aws_ecr_repository": {"churn": repository}},
    }
    path, document = save(terraform, tmp_path, configuration | {"module": {"child": {"source": "./child"}}})
    shown = []

    def show(path: Path, **how: Any) -> Any:
        shown.append(show_saved_plan(path, **how))
        return shown[-1]

    monkeypatch.setattr("sagewright.gate.saved_plan.show_saved_plan", show)
    report = gate([PlanInput(path=path)], environment())
    assert shown == [document]
    assert report.exit_code == 1, errors(report)
    assert {result.rule for result in report.results if result.denies} >= {"CKV_AWS_51", "SW_TAGS"}


def test_a_zip_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(PlanError, match="is a zip, but no saved plan"):
        show_saved_plan(path)


def test_a_zip_with_a_plan_that_terraform_cannot_read_is_refused(terraform: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tfplan", "hello")
    report = gate([PlanInput(path=path)], environment())
    assert report.exit_code == 3
    assert "terraform show could not show" in errors(report)


def test_a_truncated_saved_plan_is_refused(terraform: Any, tmp_path: Path) -> None:
    path, _ = save(terraform, tmp_path, {"module": {"child": {"source": "./child"}}})
    path.write_bytes(path.read_bytes()[:-40])
    report = gate([PlanInput(path=path)], environment())
    assert report.exit_code == 3
    assert "is a saved plan that is not whole" in errors(report)


def test_without_terraform_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="there is no terraform on PATH"):
        show_saved_plan(tmp_path / "plan", variables={"PATH": str(tmp_path)})


def test_only_the_locked_providers_are_asked_for() -> None:
    lock = """# This file is maintained automatically
provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = ">= 5.100.0"
  hashes = ["h1:x"]
}
"""
    assert providers(lock) == {
        "terraform": {
            "required_providers": {
                "provider0": {"source": "registry.terraform.io/hashicorp/aws", "version": "5.100.0"}
            }
        }
    }


def test_the_name_of_the_plan_does_not_matter(terraform: Any, tmp_path: Path) -> None:
    path, _ = save(terraform, tmp_path, {"module": {"child": {"source": "./child"}}})
    renamed = path.rename(path.with_name("plan.json"))
    report = gate([PlanInput(path=renamed)], dataclasses.replace(environment(), name="dev"))
    assert report.verdict == "open", errors(report)
