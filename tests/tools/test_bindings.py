"""The generated bindings: just the listed types, under a name of their own."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools import bindings


def test_the_bindings_are_fresh() -> None:
    assert bindings.fresh()


def test_the_list_is_sorted_and_without_doubles() -> None:
    assert bindings.wanted() == sorted(set(bindings.wanted()))


def test_each_listed_type_is_bound_and_no_other() -> None:
    folders = {path.name for path in bindings.TARGET.iterdir() if (path / "__init__.py").is_file()}
    assert folders - {"provider", "_jsii"} == {name.removeprefix("aws_") for name in bindings.wanted()}


def test_the_assembly_cannot_collide_with_a_consumers_own_bindings() -> None:
    (archive,) = (bindings.TARGET / "_jsii").glob("*.tgz")
    with tarfile.open(archive) as opened:
        texts = {
            member.name: opened.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in opened.getmembers()
            if member.name.endswith((".js", "package.json"))
        }
    named = [re.findall(r'fqn: "([^".]+)\.', text) for text in texts.values()]
    assert {name for names in named for name in names} == {bindings.ASSEMBLY}
    assert json.loads(texts["package/package.json"])["name"] == bindings.ASSEMBLY
    for path in bindings.TARGET.rglob("*.py"):
        assert 'jsii_type="aws.' not in path.read_text(encoding="utf-8"), path


def test_a_class_tells_the_type_of_its_resources_without_a_question_to_cdktf() -> None:
    for name in bindings.wanted():
        path = bindings.TARGET / name.removeprefix("aws_") / "__init__.py"
        assert path.read_text(encoding="utf-8").count(f'        return "{name}"\n') == 1, name


@pytest.mark.parametrize("change", [bindings.placed, bindings.quick])
def test_bindings_of_another_layout_are_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(SystemExit, match="in another way now:\nimport cdktf as other"):
        change("import cdktf as other\n")


def test_the_bindings_publish_a_floor_for_the_provider() -> None:
    (archive,) = (bindings.TARGET / "_jsii").glob("*.tgz")
    with tarfile.open(archive) as opened:
        text = opened.extractfile("package/providers/aws/provider/index.js").read().decode()  # type: ignore[union-attr]
    assert f"providerVersionConstraint: '{bindings.CONSTRAINT}'" in text


def test_a_type_that_the_provider_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document: dict[str, Any] = {
        "provider_schemas": {bindings.PROVIDER: {"resource_schemas": {"aws_kms_key": {}}}}
    }
    monkeypatch.setattr(bindings, "run", lambda *_: json.dumps(document))
    monkeypatch.setattr(bindings, "wanted", lambda: ["aws_kms_key", "aws_kms_kye"])
    with pytest.raises(SystemExit, match=r"the AWS provider 5\.100\.0 has no aws_kms_kye"):
        bindings.schema(tmp_path)


def test_the_schema_keeps_the_listed_types_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = {
        "resource_schemas": {"aws_kms_key": {"a": 1}, "aws_vpc": {}},
        "data_source_schemas": {"aws_vpc": {}},
    }
    document: dict[str, Any] = {"provider_schemas": {bindings.PROVIDER: {**schemas, "functions": {"f": {}}}}}
    monkeypatch.setattr(bindings, "run", lambda *_: json.dumps(document))
    monkeypatch.setattr(bindings, "wanted", lambda: ["aws_kms_key"])
    filtered = bindings.schema(tmp_path)
    assert filtered["provider_schemas"][bindings.PROVIDER] == {
        "resource_schemas": {"aws_kms_key": {"a": 1}},
        "data_source_schemas": {},
    }
    assert filtered["provider_versions"] == {bindings.PROVIDER: "5.100.0"}


def test_what_a_failed_program_said_is_shown(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no luck"):
        bindings.run(["sh", "-c", "echo no luck; exit 1"], tmp_path)


def test_a_check_of_stale_bindings_tells_what_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bindings, "key", lambda: "another")
    monkeypatch.setattr("sys.argv", ["bindings.py", "--check"])
    assert bindings.main() == 1
    assert "run: make setup" in capsys.readouterr().err


def test_a_check_of_fresh_bindings_is_silent() -> None:
    done = subprocess.run(
        ["python", bindings.__file__, "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
