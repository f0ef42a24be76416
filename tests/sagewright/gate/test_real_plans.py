"""What Terraform itself writes in odd cases is understood: targets, destruction, moves, modules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sagewright.gate import PlanInput, Report, gate
from sagewright.gate.catalog import POLICIES
from tests.sagewright.gate.conftest import environment, errors

from .test_saved_plan import terraform  # noqa: F401

Json = dict[str, Any]
TWO = {"resource": {"terraform_data": {"a": {"input": "x"}, "b": {"input": "${terraform_data.a.output}"}}}}
REPEATED = {
    "resource": {
        "terraform_data": {
            "none": {"count": 0},
            "two": {"count": 2, "input": "x"},
            "each": {"for_each": {"k": "v"}, "input": "${each.value}"},
        }
    },
    "module": {
        "inner": {"source": "./inner", "name": "x"},
        "many": {"source": "./inner", "count": 2, "name": "y"},
    },
}
INNER = {
    "variable": {"name": {}},
    "resource": {"terraform_data": {"own": {"input": "${var.name}"}, "none": {"count": 0}}},
    "module": {"deeper": {"source": "./deeper"}},
}
NEVER = {"condition": "${terraform_data.a.input == 2}", "error_message": "never"}
FAILING = {
    "resource": {
        "terraform_data": {"a": {"input": "x"}, "b": {"input": "y", "lifecycle": {"precondition": NEVER}}}
    }
}


@pytest.fixture
def stack(terraform: Any, tmp_path: Path) -> Any:  # noqa: F811
    """Apply a configuration, change it, plan it, and gate the plan."""
    folder = tmp_path / "stack"
    (folder / "inner" / "deeper").mkdir(parents=True)
    (folder / "inner" / "main.tf.json").write_text(json.dumps(INNER), encoding="utf-8")
    (folder / "inner" / "deeper" / "main.tf.json").write_text(
        json.dumps({"resource": {"terraform_data": {"leaf": {}}}}), encoding="utf-8"
    )

    def run(before: Json | None, after: Json, *arguments: str, fails: bool = False) -> Report:
        for configuration in (before, after):
            if configuration is None:
                continue
            (folder / "main.tf.json").write_text(json.dumps(configuration), encoding="utf-8")
            terraform(folder, "init", "-input=false")
            if configuration is before:
                terraform(folder, "apply", "-input=false", "-auto-approve")
        plan = ["plan", "-input=false", "-out=saved", *arguments]
        if fails:
            with pytest.raises(AssertionError):
                terraform(folder, *plan)
        else:
            terraform(folder, *plan)
        path = folder / "plan.json"
        path.write_text(terraform(folder, "show", "-json", "saved"), encoding="utf-8")
        return gate([PlanInput(path=path)], environment())

    return run


@pytest.mark.parametrize(
    ("before", "after", "arguments", "touched"),
    [
        (None, TWO, [], 2),
        (TWO, TWO, [], 0),
        (TWO, TWO, ["-destroy"], 2),
        (None, TWO, ["-destroy"], 0),
        (TWO, {"output": {"x": {"value": 1}}}, [], 2),
        (None, REPEATED, [], 9),
        (REPEATED, REPEATED, ["-destroy"], 9),
        (TWO, TWO, ["-replace=terraform_data.a"], 2),
        (
            {"resource": {"terraform_data": {"a": {"input": "x"}}}},
            {
                "resource": {"terraform_data": {"c": {"input": "x"}}},
                "moved": [{"from": "terraform_data.a", "to": "terraform_data.c"}],
            },
            [],
            0,
        ),
    ],
    ids=[
        "new",
        "unchanged",
        "destroyed",
        "nothing to destroy",
        "removed",
        "repeated",
        "repeated, destroyed",
        "replaced",
        "moved",
    ],
)
def test_a_whole_plan_is_judged(
    stack: Any, before: Json | None, after: Json, arguments: list[str], touched: int
) -> None:
    report = stack(before, after, *arguments)
    assert report.verdict == "open", errors(report)
    assert report.touched == touched


def test_a_plan_with_targets_is_not_judged(stack: Any) -> None:
    report = stack(None, TWO, "-target=terraform_data.a")
    assert report.exit_code == 3
    assert "made with -target" in errors(report)


def test_a_plan_that_only_refreshes_does_not_say_what_will_be_and_is_not_judged(stack: Any) -> None:
    report = stack(TWO, TWO, "-refresh-only")
    assert report.exit_code == 3
    assert "plan again, without -target and -refresh-only" in errors(report)


def test_a_plan_that_failed_is_not_judged(stack: Any) -> None:
    report = stack(None, FAILING, fails=True)
    assert report.exit_code == 3
    assert "is of a terraform plan that failed" in errors(report)


def test_what_a_removed_block_drops_from_the_state_is_seen(stack: Any, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(POLICIES, folder, ignore=shutil.ignore_patterns("examples"))
    catalog = (folder / "catalog.yaml").read_text(encoding="utf-8")
    stateful = "      aws_s3_bucket: the objects"
    assert stateful in catalog
    catalog = catalog.replace(stateful, f"      terraform_data: its input is lost\n{stateful}")
    (folder / "catalog.yaml").write_text(catalog, encoding="utf-8")
    removed = {"removed": [{"from": "terraform_data.a", "lifecycle": {"destroy": False}}]}
    one = {"resource": {"terraform_data": {"a": {"input": "x"}}}}
    stack(one, removed)
    report = gate([PlanInput(path=tmp_path / "stack" / "plan.json")], environment())
    assert report.verdict == "open", errors(report)
    data = tmp_path / "modules" / "_core"
    data.mkdir(parents=True)
    shutil.copy(POLICIES.parent / "modules" / "_core" / "instance_types.json", data)
    report = gate([PlanInput(path=tmp_path / "stack" / "plan.json")], environment(), policies=folder)
    assert [result.message for result in report.results if result.denies] == [
        "is dropped from the state, and from then on nobody manages it: it is not configured any more"
    ]
