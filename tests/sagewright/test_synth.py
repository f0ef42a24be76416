"""What is read of an assembly: the stacks, in order."""

from __future__ import annotations

import pytest

from sagewright import synth
from sagewright.errors import SagewrightError, Usage
from sagewright.project import Project

from .conftest import write_stack


def test_each_stack_comes_after_those_it_depends_on(checkout: Project) -> None:
    write_stack(checkout, "small-last", {}, "small-first", "small-middle")
    write_stack(checkout, "small-middle", {}, "small-first")
    write_stack(checkout, "small-first", {})
    write_stack(checkout, "other-first", {})
    assembly = synth.read(checkout)
    assert [stack.name for stack in assembly.of("small")] == ["small-first", "small-middle", "small-last"]
    assert [stack.name for stack in assembly.upstream(assembly.get("small-last"))] == [
        "small-first",
        "small-middle",
    ]
    assert [stack.name for stack in assembly.downstream(assembly.get("small-first"))] == [
        "small-middle",
        "small-last",
    ]


def test_an_unknown_stack_is_refused_with_those_that_exist(checkout: Project) -> None:
    write_stack(checkout, "small-first", {})
    with pytest.raises(Usage, match="there is no stack 'small-x'; there are: small-first"):
        synth.read(checkout).get("small-x")


def test_nothing_synthesized_says_what_to_run(checkout: Project) -> None:
    with pytest.raises(Usage, match=r"manifest\.json: nothing is synthesized yet; run `sagewright synth`"):
        synth.read(checkout)


def test_a_broken_manifest_is_refused(checkout: Project) -> None:
    checkout.output.mkdir()
    (checkout.output / "manifest.json").write_text('{"stacks": ')
    with pytest.raises(Usage, match=r"manifest\.json: not a CDKTF manifest"):
        synth.read(checkout)


def test_stacks_that_depend_on_each_other_are_refused(checkout: Project) -> None:
    write_stack(checkout, "small-a", {}, "small-b")
    write_stack(checkout, "small-b", {}, "small-a")
    with pytest.raises(SagewrightError, match="in a circle: small-a, small-b"):
        synth.read(checkout)


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        (
            "import sys; print('environments/x.yaml: weight: …', file=sys.stderr); sys.exit(2)",
            Usage,
            "weight: …",
        ),
        ("raise RuntimeError('boom')", SagewrightError, "(?s)synthesis failed.*boom"),
    ],
)
def test_what_main_says_is_what_the_user_reads(
    checkout: Project, program: str, error: type[Exception], message: str
) -> None:
    (checkout.root / "main.py").write_text(program)
    with pytest.raises(error, match=message):
        synth.synthesize(checkout, "small")
