"""Where in Python resources are made: noted at synthesis, read by the command line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from cdktf import App, TerraformStack
from constructs import Construct

from modules._aws.provider import AwsProvider
from modules._aws.sns_topic import SnsTopic
from modules._core import keep_notes, places
from modules._core.notes import MADE, PATHS
from modules._core.revision import Revision
from modules.topic import Topic, TopicConfig
from sagewright.project import Project
from sagewright.synth import Place, read
from stacks.base import AddressedStack
from tests.conftest import ROOT

HERE = Path(__file__).relative_to(ROOT).as_posix()
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1"


def line() -> str:
    """Return the line that asks, as a place names it."""
    return f"{HERE}:{sys._getframe(1).f_lineno}"


def test_a_resource_is_placed_in_its_module_then_at_its_user(tmp_path: Path) -> None:
    stack = AddressedStack(App(outdir=str(tmp_path)), "test")
    config = TopicConfig(name="alarms", kms_key_arn=KEY, account_id="111122223333", region="eu-central-1")
    _, here = Topic(stack, "alarms", config), line()
    made = stack.to_terraform()["//"]["sagewright"]["places"]["test/alarms/this"]
    assert made[0].startswith("modules/topic/topic.py:")
    assert made[1] == here
    assert not [one for one in made if one.startswith(("/", "..", "modules/_core", "modules/_aws"))]


def test_a_resource_of_every_type_is_noted_when_it_is_made() -> None:
    for name in (ROOT / "modules" / "_aws" / "resources.txt").read_text(encoding="utf-8").split():
        path = ROOT / "modules" / "_aws" / name.removeprefix("aws_") / "__init__.py"
        noted = re.findall(
            r"^        remember\(self, scope_?, id_?\)$", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert len(noted) == 1, name


def test_a_stack_of_any_class_can_note_its_resources(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path / "cdktf.out"))
    stack = TerraformStack(app, "theirs")
    keep_notes(stack)
    AwsProvider(stack, "aws", region="eu-central-1")
    (here, _) = line(), SnsTopic(Construct(stack, "odd/id"), "topic")
    app.synth()
    assembly = read(Project(root=tmp_path))
    ((address, place),) = assembly.get("theirs").places().items()
    assert address.startswith("aws_sns_topic.odd--id_topic_")
    assert place.construct == "theirs/odd--id/topic"
    assert place.lines[0] == place.line == here


def test_the_path_of_a_resource_is_the_one_that_constructs_gives_it(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = AddressedStack(app, "test")
    scope = Construct(Construct(stack, "a"), "b/c")
    made = [SnsTopic(stack, "d"), SnsTopic(scope, "e/f"), Revision(scope, "g", {"content": 1})]
    assert [PATHS[one] for one in made] == [one.node.path for one in made]
    assert [places.path_of(one) for one in (app, stack, scope)] == ["", "test", "test/a/b--c"]


def test_a_comprehension_is_no_function_of_its_own_whatever_the_python(tmp_path: Path) -> None:
    stack = AddressedStack(App(outdir=str(tmp_path)), "test")
    topics, here = [SnsTopic(stack, name) for name in ("a", "b")], line()
    assert [MADE[topic].count(here) for topic in topics] == [1, 1]


@pytest.mark.parametrize(
    ("file", "module", "name"),
    [
        ("venv/lib/python3.11/site-packages/acme_ml/api.py", "acme_ml.api", "acme_ml/api.py"),
        ("site-packages/acme_ml/__init__.py", "acme_ml", "acme_ml/__init__.py"),
        ("site-packages/sagewright/modules/key/key.py", "sagewright.modules.key.key", "…/modules/key/key.py"),
        ("stray.py", "__main__", "stray.py"),
        ("site-packages/cdktf/__init__.py", "cdktf", ""),
        ("lib/python3.11/functools.py", "functools", ""),
        ("modules/_core/failures.py", f"{places.__package__}.failures", ""),
        ("theirs/stacks/serving.py", "stacks.serving", "stacks/serving.py"),
    ],
)
def test_a_file_has_the_same_name_on_every_machine(file: str, module: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "cdktf.json").touch()
    shown, in_checkout = places.source(str(tmp_path / file), module)
    assert shown == name.replace("…", "sagewright")
    assert in_checkout == file.startswith("theirs")


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (("modules/key/key.py:1", "stacks/serving.py:2", "main.py:3"), "stacks/serving.py:2"),
        (("sagewright/modules/key/key.py:1", "ours.py:2"), "ours.py:2"),
        (("modules/key/key.py:1",), "modules/key/key.py:1"),
        ((), ""),
    ],
)
def test_the_line_to_change_is_that_of_the_modules_user(lines: tuple[str, ...], line: str) -> None:
    assert Place(construct="test/key/this", lines=lines).line == line
