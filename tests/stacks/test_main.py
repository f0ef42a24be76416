"""`main.py` as it is run: which stacks it writes, the same bytes each time, and what it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run(
    folder: Path, environment: str | None = None, main: Path = ROOT / "main.py"
) -> subprocess.CompletedProcess[str]:
    set_elsewhere = ("SAGEWRIGHT_ENVIRONMENT", "CDKTF_OUTDIR", "TERRAFORM_BINARY_NAME")
    variables = {name: value for name, value in os.environ.items() if name not in set_elsewhere}
    variables["PYTHONPATH"] = str(ROOT)
    if environment is not None:
        variables["SAGEWRIGHT_ENVIRONMENT"] = environment
    return subprocess.run(
        [sys.executable, str(main)], cwd=folder, env=variables, capture_output=True, text=True
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
    assert len([name for name in first if name.endswith("cdk.tf.json")]) == 12


def test_only_the_stacks_of_the_named_environment_are_written(tmp_path: Path) -> None:
    done = run(tmp_path, "dev")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    stacks = {path.parent.name for path in tmp_path.rglob("cdk.tf.json")}
    assert stacks == {"dev-foundation", "dev-training", "dev-serving"}


def test_an_unknown_environment_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    done = run(tmp_path, "production")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "environments/production.yaml: supply the name of an environment that is there: "
        "dev, local, prod, staging; got 'production'\n"
    )
    assert written(tmp_path) == {}


def test_a_wrong_file_is_refused_in_one_line_per_problem_and_nothing_is_written(tmp_path: Path) -> None:
    main = tmp_path / "main.py"
    shutil.copy(ROOT / "main.py", main)
    (tmp_path / "environments").mkdir()
    text = (ROOT / "environments" / "dev.yaml").read_text(encoding="utf-8")
    wrong = text.replace("weight: 50 #", 'weight: "50" #').replace("protected: false", "protected: no thanks")
    (tmp_path / "environments" / "dev.yaml").write_text(wrong, encoding="utf-8")
    folder = tmp_path / "out"
    folder.mkdir()
    done = run(folder, main=main)
    assert done.returncode == 2
    assert sorted(done.stderr.splitlines()) == [
        "environments/dev.yaml: endpoints.churn.variants.challenger.weight: supply an integer, got '50'",
        "environments/dev.yaml: protected: supply true or false, got 'no thanks'",
    ]
    assert written(folder) == {}
