"""The benchmark of the gate: one plan, the same verdicts, and the promise that it keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import gate, plans
from sagewright.gate.catalog import POLICIES, read_catalog

RULES = [rule for rule in read_catalog(POLICIES).rules if rule.id in ("CKV_AWS_51", "CKV_AWS_163")]
CHURN = "aws_ecr_repository.churn"


def test_a_plan_of_any_size_has_every_example_under_names_of_its_own() -> None:
    document = plans.plan(1)
    addresses = [change["address"] for change in document["resource_changes"]]
    assert len(addresses) == len(set(addresses)) > 300
    named = {each["address"]: each["name"] for each in document["resource_changes"]}
    assert all(address.partition(".")[2].startswith(name) for address, name in named.items())


def write(folder: Path, ours: dict[str, str], theirs: dict[str, str], errors: int = 0) -> Path:
    """Write what the gate and checkov say of one repository, by check."""
    results: list[dict[str, Any]] = [
        {"rule": rule, "address": CHURN, "state": state, "message": "gone"} for rule, state in ours.items()
    ]
    report = {"counts": {"error": errors}, "results": results}
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    said: dict[str, list[dict[str, str]]] = {"passed_checks": [], "failed_checks": []}
    for rule, key in theirs.items():
        said[key].append({"check_id": rule, "resource": CHURN})
    (folder / "results_json.json").write_text(json.dumps({"results": said}), encoding="utf-8")
    return folder


def test_equal_verdicts_are_counted_and_what_is_unknown_to_the_gate_alone_is_no_difference(
    tmp_path: Path,
) -> None:
    theirs = {"CKV_AWS_51": "failed_checks", "CKV_AWS_163": "passed_checks"}
    folder = write(tmp_path, {"CKV_AWS_51": "fail", "CKV_AWS_163": "unknown"}, theirs)
    assert gate.compared(folder, RULES) == {"pass": 0, "fail": 1, "unknown": 1}


@pytest.mark.parametrize(
    ("ours", "theirs", "errors", "said"),
    [
        ({"CKV_AWS_51": "pass"}, {"CKV_AWS_51": "failed_checks"}, 0, "churn: the gate pass, checkov fail"),
        ({"CKV_AWS_51": "pass"}, {}, 0, "the gate pass, checkov None"),
        ({"CKV_AWS_51": "pass"}, {"CKV_AWS_51": "passed_checks", "CKV_AWS_163": "passed_checks"}, 0, "None"),
        ({"CKV_AWS_51": "pass"}, {"CKV_AWS_51": "passed_checks"}, 1, "the gate could not judge: gone"),
        ({}, {}, 0, "do not say the same"),
    ],
)
def test_the_benchmark_stops_where_the_two_differ(
    tmp_path: Path, ours: dict[str, str], theirs: dict[str, str], errors: int, said: str
) -> None:
    with pytest.raises(SystemExit, match=said):
        gate.compared(write(tmp_path, ours, theirs, errors), RULES)


def test_the_committed_figures_keep_the_promise() -> None:
    found = json.loads(gate.RESULTS.read_text(encoding="utf-8"))
    assert found["resources"] >= gate.RESOURCES
    assert found["share"] == pytest.approx(
        found["gate"]["median"]["wall_seconds"] / found["checkov"]["median"]["wall_seconds"]
    )
    assert found["share"] <= gate.SHARE
    assert min(found["same"]["pass"], found["same"]["fail"]) > 100
