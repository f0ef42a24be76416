"""Every rule fires on its bad example and is silent on its good one."""

from __future__ import annotations

import dataclasses
import re

import pytest

from sagewright.gate import PlanInput, gate
from sagewright.gate.catalog import Rule
from sagewright.gate.checks import Verdict
from sagewright.gate.judge import Judgement

from .conftest import CATALOG, EXAMPLES, PROD, RULES, example, judged

ELSEWHERE = dataclasses.replace(PROD, production=False, protected=False)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_silent_on_its_good_example_and_fires_on_its_bad_one(rule: Rule) -> None:
    good = [result for result in judged(rule.id, "pass").results if result.rule == rule.id]
    assert good, "the good example must hold a resource that the rule is for"
    assert {result.state for result in good} == {"pass"}
    assert judged(rule.id, "pass").verdict != "error"
    report = judged(rule.id, "fail")
    bad = [result for result in report.results if result.rule == rule.id and result.state == "fail"]
    assert bad
    assert all(result.denies == (rule.mode != "advise") for result in bad)
    assert all(result.remedy for result in bad)
    if rule.mode != "advise":
        assert report.exit_code == 1


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.environments != "all"], ids=lambda rule: rule.id
)
def test_a_rule_for_some_environments_is_not_asked_in_others(rule: Rule) -> None:
    report = gate([PlanInput(path=example(rule.id, "fail"))], ELSEWHERE)
    assert not [result for result in report.results if result.rule == rule.id]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_is_not_known_denies_in_production_as_a_failure_would_and_advises_elsewhere(
    rule: Rule,
) -> None:
    unknown = Verdict(state="unknown", message="")
    assert Judgement(PROD, b"", ()).mode(rule, unknown) == rule.mode
    assert Judgement(ELSEWHERE, b"", ()).mode(rule, unknown) == "advise"


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.id.startswith("SW_")], ids=lambda rule: rule.id
)
def test_each_rule_of_ours_says_which_value_is_wrong(rule: Rule) -> None:
    messages = {result.message for result in judged(rule.id, "fail").results if result.rule == rule.id}
    assert all(messages - {""}) and messages != {""}


def test_every_folder_of_examples_is_of_a_rule() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_described_in_the_house_style(rule: Rule) -> None:
    first_word = rule.title.split()[0]
    assert (
        first_word[0].islower()
        or first_word[1:2].isupper()
        or first_word in ("AdministratorAccess", "GitHub", "IAMFullAccess")
    )
    assert not rule.title.endswith(".")
    for text in (rule.why, rule.mend):
        assert re.fullmatch(r"[A-Z].*\.", text, re.DOTALL), text


def test_the_ids_of_ours_and_of_checkov_do_not_meet() -> None:
    ours = {rule.id for rule in CATALOG.rules if rule.kind != "builtin"}
    assert all(id_.startswith("SW_") for id_ in ours)
