"""The locks: fresh, without addresses, one version of each package for all groups, in step with npm."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tools import bindings, lock

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = (
    *("requirements.lock", "requirements-bench.lock", "requirements-ml.lock"),
    *("requirements-runtime.lock", "tools/uv.lock"),
)


def versions(name: str) -> dict[str, set[str]]:
    """The versions of each package in a lock file; several where the Python version decides."""
    found: dict[str, set[str]] = {}
    for entry in lock.packages((ROOT / name).read_text(encoding="utf-8")):
        package, version = entry.split(";")[0].strip().split("==")
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_hashes_and_none_an_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = lock.packages(text)
    assert entries
    assert [first for first, entry in entries.items() if "--hash=sha256:" not in entry] == []
    assert re.search(r"://|@ ", text) is None


def test_a_package_has_one_version_in_all_groups() -> None:
    installed, ml, bench = (versions(f"requirements{group}.lock") for group in ("", "-ml", "-bench"))
    assert {name for name in ml if name in installed and not ml[name] <= installed[name]} == set()
    assert "sagemaker" in ml
    assert set(bench) == {"cdktf-cdktf-provider-aws"}


def test_functions_run_here_with_the_packages_that_they_have_in_lambda() -> None:
    installed, layer = versions("requirements.lock"), versions("requirements-runtime.lock")
    assert {name for name in layer if not layer[name] <= installed[name]} == set()
    assert {"aws-lambda-powertools", "aws-xray-sdk", "pyjwt", "cryptography"} <= set(layer)
    assert set(lock.PROVIDED) & set(layer) == set()


def test_the_constructs_and_the_cli_are_of_one_version() -> None:
    cli = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]["cdktf-cli"]
    assert versions("requirements.lock")["cdktf"] == {cli}


def test_the_bindings_are_made_from_the_locked_provider() -> None:
    text = (ROOT / ".terraform.lock.hcl").read_text(encoding="utf-8")
    assert f'version     = "{bindings.VERSION}"' in text
    assert f'constraints = "{bindings.CONSTRAINT}"' in text


def test_one_release_of_terraform_is_pinned_for_each_platform() -> None:
    lines = (ROOT / "tools" / "terraform.sha256").read_text(encoding="utf-8").splitlines()
    matches = [re.fullmatch(r"[0-9a-f]{64}  terraform_([\d.]+)_(\w+)\.zip", line) for line in lines]
    assert {match and match[1] for match in matches} == {"1.11.4"}
    assert [match and match[2] for match in matches] == [
        "linux_amd64",
        "linux_arm64",
        "darwin_arm64",
    ]


def test_npms_lock_has_a_hash_and_no_address_for_every_package() -> None:
    document = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {
        name: entry for name, entry in document["packages"].items() if name and not entry.get("inBundle")
    }
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with pyproject.toml and its locks."""
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", *LOCKS):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_locks_are_fresh(copy: Path) -> None:
    assert lock.stale(copy) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"rich>=14"', '"rich>=15"'),
        ("checkov==3.3.30", "checkov==3.3.29"),
        ('"packaging>=24.2"', '"packaging>=25"'),
        (">=3.10,<3.14", ">=3.10,<3.15"),
    ],
)
def test_a_changed_requirement_makes_the_locks_stale(copy: Path, old: str, new: str) -> None:
    project = copy / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    assert old in text
    project.write_text(text.replace(old, new), encoding="utf-8")
    assert lock.stale(copy) == list(LOCKS)


def test_other_changes_of_pyproject_leave_the_locks_fresh(copy: Path) -> None:
    project = copy / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("line-length = 110", "line-length = 100"), encoding="utf-8")
    assert lock.stale(copy) == []


def test_a_missing_lock_is_stale(copy: Path) -> None:
    (copy / "requirements-ml.lock").unlink()
    assert lock.stale(copy) == ["requirements-ml.lock"]
