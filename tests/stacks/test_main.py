"""`main.py` as it is run: which stacks it writes, the same bytes each time, and what it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import main
from tests.conftest import ROOT

DEV = (ROOT / "environments" / "dev.yaml").read_text(encoding="utf-8")
ELSEWHERE = ("SAGEWRIGHT_ENVIRONMENT", "CDKTF_OUTDIR", "TERRAFORM_BINARY_NAME")
"""Variables that may be set already where the tests are run."""
EQUAL_ADDRESSES = """
endpoints:
  a:
    kind: RealTime
    variants:
      b-endpoint-c: &variant
        model: churn-v4
        scaling: {min_capacity: 1, max_capacity: 2, invocations_per_instance_per_minute: 600}
  a-endpoint-b:
    kind: RealTime
    variants:
      c: *variant
"""


def run(
    folder: Path, environment: str | None = None, program: Path = ROOT / "main.py"
) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    variables["PYTHONPATH"] = str(ROOT)
    if environment is not None:
        variables["SAGEWRIGHT_ENVIRONMENT"] = environment
    return subprocess.run(
        [sys.executable, "-O", str(program)], cwd=folder, env=variables, capture_output=True, text=True
    )


def written(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_synthesis_twice_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        folder = tmp_path / seed
        folder.mkdir()
        done = run(folder)
        assert done.returncode == 0, done.stderr
        folders.append(folder)
    first, second = map(written, folders)
    assert first == second
    assert len([name for name in first if name.endswith("cdk.tf.json")]) == 20


def test_only_the_stacks_of_the_named_environment_are_written(tmp_path: Path) -> None:
    done = run(tmp_path, "dev")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    stacks = {path.parent.name for path in tmp_path.rglob("cdk.tf.json")}
    assert stacks == {f"dev-{part}" for part in PARTS}


def test_the_bootstrap_is_written_alone_and_only_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEWRIGHT_BOOTSTRAP", "yes")
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    stacks = {path.parent.name for path in tmp_path.rglob("cdk.tf.json")}
    assert stacks == {"dev-bootstrap", "staging-bootstrap", "prod-bootstrap"}


def refusal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    environment: str | None = None,
) -> str:
    """Run main.py in this process on a folder of environments that it refuses; return what it says."""

    def written() -> NoReturn:
        raise AssertionError("something would be written")

    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    if environment is not None:
        monkeypatch.setenv("SAGEWRIGHT_ENVIRONMENT", environment)
    monkeypatch.setattr(main, "FOLDER", folder)
    monkeypatch.setattr(main, "App", written)
    assert main.main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_an_unknown_environment_is_answered_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(monkeypatch, capsys, ROOT / "environments", "production") == (
        "environments/production.yaml: supply the name of an environment that is there: "
        "dev, local, prod, staging; got 'production'\n"
    )


PARTS = ("features", "foundation", "serving", "studio", "training")


def checkout_with(tmp_path: Path, dev: str) -> Path:
    """Make a checkout with an environment of our own alone, `dev`; return its main.py."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text(dev, encoding="utf-8")
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines")
    return Path(shutil.copy(ROOT / "main.py", tmp_path))


def test_a_wrong_file_is_refused_in_one_line_per_problem_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = DEV.replace("weight: 50 #", 'weight: "50" #').replace("protected: false", "protected: no thanks")
    checkout_with(tmp_path, wrong)
    assert sorted(refusal(monkeypatch, capsys, tmp_path / "environments").splitlines()) == [
        "environments/dev.yaml: endpoints.churn.variants.challenger.weight: supply an integer, got '50'",
        "environments/dev.yaml: protected: supply true or false, got 'no thanks'",
    ]


def test_what_only_the_stacks_refuse_is_told_in_a_line_too(tmp_path: Path) -> None:
    start, _, _ = DEV.replace("      drift: {kind: Drift, monitor: churn-data}\n", "").partition(
        "\nendpoints:"
    )
    (tmp_path / "out").mkdir()
    done = run(tmp_path / "out", program=checkout_with(tmp_path, start + EQUAL_ADDRESSES))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "environments/dev.yaml: terraform_data.a_endpoint_b_endpoint_c_instance_type: "
        "supply construct ids that give different names, "
        "got dev-serving/a_endpoint/b-endpoint-c_instance_type "
        "and dev-serving/a-endpoint-b_endpoint/c_instance_type\n"
    )
    assert written(tmp_path / "out") == {}
