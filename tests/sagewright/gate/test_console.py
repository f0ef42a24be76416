"""What a reviewer reads, who has two minutes."""

from __future__ import annotations

import io

from rich.console import Console

from sagewright.gate import Report, show

from .conftest import Judge, plan, planned
from .test_gate import MUTABLE, REPOSITORY


def shown(report: Report, width: int = 100) -> str:
    file = io.StringIO()
    show(report, Console(file=file, width=width, force_terminal=False))
    return file.getvalue()


def test_a_denial_is_four_lines(judge: Judge) -> None:
    *denial, summary = shown(judge(plan(MUTABLE))).splitlines()
    assert [line.rstrip() for line in denial] == [
        "DENIED CKV_AWS_51 image tags are immutable [high]",
        "  prod-serving: aws_ecr_repository.churn",
        "    image_tag_mutability is MUTABLE",
        "    do: Set image_tag_mutability to IMMUTABLE.",
    ]
    assert summary.startswith("gate denied: ")
    assert ", 1 denied; " in summary and summary.endswith("prod-serving; 1 resource changes")


def test_what_passed_is_one_line(judge: Judge) -> None:
    (line,) = shown(judge(plan(REPOSITORY))).splitlines()
    assert line.startswith("gate open: ")


def test_the_same_denial_of_many_resources_is_said_once(judge: Judge) -> None:
    many = [planned(f"aws_ecr_repository.r{number}", MUTABLE.values) for number in range(9)]
    text = shown(judge(plan(*many)))
    assert text.count("DENIED CKV_AWS_51") == 1
    assert "and 6 more" in text


def test_what_the_plan_does_not_change_is_marked(judge: Judge) -> None:
    text = shown(judge(plan(planned("aws_ecr_repository.churn", MUTABLE.values, actions=["no-op"]))))
    assert "aws_ecr_repository.churn (not changed by this plan)" in text


def test_an_address_is_not_taken_for_markup(judge: Judge) -> None:
    values = {**MUTABLE.values, "image_tag_mutability": "[bold]MUTABLE[/bold]"}
    text = shown(judge(plan(planned("aws_ecr_repository.churn", values))))
    assert "image_tag_mutability is [bold]MUTABLE[/bold]" in text


def test_control_characters_cannot_forge_lines(judge: Judge) -> None:
    values = {**MUTABLE.values, "image_tag_mutability": "MUTABLE\r\x1b[2Kgate open: all passed\ngate open"}
    lines = shown(judge(plan(planned("aws_ecr_repository.churn", values)))).splitlines()
    assert not any(line.startswith("gate open") for line in lines)
    assert "\x1b" not in "".join(lines)


def test_an_error_comes_first_with_what_to_do(judge: Judge) -> None:
    document = plan(MUTABLE, errored=True)
    lines = shown(judge(document), width=400).splitlines()
    assert lines[0].startswith("ERROR the plan can be judged")
    assert "terraform plan that failed" in lines[1]
    assert lines[-1].startswith("gate closed by an error: ")
