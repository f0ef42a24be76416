"""Our checkov checks run under stock checkov too, and checkov's own say the same in the gate as there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sagewright.gate.catalog import POLICIES, Rule

from .conftest import RULES, example, judged

CHECKOV_RULES = [rule for rule in RULES if rule.kind in ("builtin", "checkov")]
Found = dict[tuple[str, str, str], str]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What stock checkov says: pass or fail by example, rule and address."""
    folder = tmp_path_factory.mktemp("plans")
    for rule in CHECKOV_RULES:
        for which in ("pass", "fail"):
            (folder / f"{rule.id}.{which}.json").write_bytes(example(rule.id, which).read_bytes())
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("checkov")),
            *("--directory", str(folder), "--framework", "terraform_plan"),
            *("--external-checks-dir", str(POLICIES / "checkov")),
            *("--check", ",".join(rule.id for rule in CHECKOV_RULES)),
            *("--skip-download", "--compact", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"},
    )
    results: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)["results"]
    assert not results["parsing_errors"]
    return {
        (check["file_path"].strip("/").removesuffix(".json"), check["check_id"], check["resource"]): said
        for said, key in (("pass", "passed_checks"), ("fail", "failed_checks"))
        for check in results[key]
    }


@pytest.mark.parametrize("which", ["pass", "fail"])
@pytest.mark.parametrize("rule", CHECKOV_RULES, ids=lambda rule: rule.id)
def test_stock_checkov_says_the_same(stock: Found, rule: Rule, which: str) -> None:
    report = judged(rule.id, which)
    ours = {
        result.address: result.state
        for result in report.results
        if result.rule == rule.id and result.state != "unknown"
    }
    theirs = {
        address: said
        for (plan, id_, address), said in stock.items()
        if (plan, id_) == (f"{rule.id}.{which}", rule.id) and rule.is_for(address.split(".")[0])
    }
    if rule.refers:
        # What refers to a resource is good enough for us; checkov cannot tell, and keeps silent.
        ours = {address: said for address, said in ours.items() if address in theirs}
    assert ours == theirs
    assert which == "pass" or "fail" in theirs.values()
