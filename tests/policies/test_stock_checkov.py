"""Our checkov checks run under stock checkov too, and checkov's own say the same in the gate as there."""

from __future__ import annotations

import pytest

from sagewright.gate.catalog import POLICIES, Rule

from .conftest import RULES, Found, example, judged, stock_checkov

CHECKOV_RULES = [rule for rule in RULES if rule.kind in ("builtin", "checkov")]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What stock checkov says: pass or fail by example, rule and address."""
    folder = tmp_path_factory.mktemp("plans")
    for rule in CHECKOV_RULES:
        for which in ("pass", "fail"):
            (folder / f"{rule.id}.{which}.json").write_bytes(example(rule.id, which).read_bytes())
    ids = ",".join(rule.id for rule in CHECKOV_RULES)
    return stock_checkov(folder, "--external-checks-dir", str(POLICIES / "checkov"), "--check", ids)


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
    assert ours == theirs
    assert which == "pass" or "fail" in theirs.values()
