"""Exceptions from policies, written in code."""

from __future__ import annotations

from pathlib import Path

import pytest
from cdktf import App, TerraformStack
from constructs import Construct

from modules._core import waive
from sagewright.synth import notes

SCALING = {
    "rule": "SW_ENDPOINT_SCALING",
    "reason": "the load test needs a fixed fleet",
    "owner": "ml-platform",
    "ticket": "ML-4711",
    "expires": "2031-01-31",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> TerraformStack:
    return TerraformStack(App(outdir=str(tmp_path_factory.mktemp("out"))), "prod-serving")


def test_a_waiver_is_noted_with_its_construct_and_its_line(stack: TerraformStack) -> None:
    waive(Construct(stack, "churn_endpoint"), **SCALING)
    (noted,) = notes(stack.to_terraform())["waivers"]
    (first, *_) = noted.pop("lines")
    assert first.startswith(f"tests/modules/_core/{Path(__file__).name}:")
    assert noted == {**SCALING, "construct": "prod-serving/churn_endpoint"}


def test_a_whole_stack_is_not_waived(stack: TerraformStack) -> None:
    with pytest.raises(ValueError, match="construct: supply the module or resource that is excused"):
        waive(stack, **SCALING)


def test_all_that_is_wrong_is_said_at_once(stack: TerraformStack) -> None:
    with pytest.raises(ValueError) as refused:
        waive(
            Construct(stack, "wrong"),
            rule="SCALING",
            reason="later",
            owner="x",
            ticket=" ",
            expires="20310131",
        )
    assert str(refused.value).splitlines() == [
        "rule: supply a value such as SW_ENDPOINT_SCALING, got 'SCALING'",
        "reason: supply at least 10 characters, got 'later'",
        "owner: supply at least 3 characters, got 'x'",
        "ticket: supply at least 2 characters, got ' '",
        "expires: supply a day such as 2027-01-31, got '20310131'",
    ]
