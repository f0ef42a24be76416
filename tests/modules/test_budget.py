"""Budget: what counts, who is told when, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cdktf import TerraformStack, TerraformVariable

from modules.budget import Budget, BudgetConfig, MonthlyBudget
from tests.conftest import Synth
from tests.inventory import Inventory

TOPIC = "arn:aws:sns:eu-west-1:111122223333:acme-dev-alarms"
CONFIG = BudgetConfig(
    name="acme-dev-monthly",
    tag_key="Environment",
    tag_value="dev",
    budget=MonthlyBudget(limit_usd_per_month=800, email_addresses=("b@acme.example", "a@acme.example")),
    topic_arn=TOPIC,
)


def test_a_budget_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/budget", synth(Budget, CONFIG))


def test_only_what_bears_the_tag_counts(synth: Synth) -> None:
    (filter_,) = synth(Budget, CONFIG).one("aws_budgets_budget")["cost_filter"]
    assert filter_ == {"name": "TagKeyValue", "values": ["user:Environment$dev"]}


def test_a_value_that_terraform_alone_knows_is_not_taken_for_an_escape(synth: Synth) -> None:
    def build(stack: TerraformStack) -> None:
        environment = TerraformVariable(stack, "environment", type="string")
        Budget(stack, "this", replace(CONFIG, tag_value=environment.string_value))

    (filter_,) = synth(build).one("aws_budgets_budget")["cost_filter"]
    assert filter_["values"] == ['${join("$", ["user:Environment", var.environment])}']


def test_it_is_told_of_what_was_spent_and_of_what_will_have_been(synth: Synth) -> None:
    told = synth(Budget, CONFIG).one("aws_budgets_budget")["notification"]
    assert [(one["notification_type"], one["threshold"]) for one in told] == [
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    ]
    for one in told:
        assert one["threshold_type"] == "PERCENTAGE"
        assert one["subscriber_sns_topic_arns"] == [TOPIC]
        assert one["subscriber_email_addresses"] == ["a@acme.example", "b@acme.example"]


@pytest.mark.parametrize(
    ("decided", "problem"),
    [
        ({"limit_usd_per_month": 0}, "limit_usd_per_month: supply at least 1, got 0"),
        ({"actual_percents": (0,)}, "actual_percents: supply at least 1, got 0"),
        ({"forecast_percents": (1001,)}, "forecast_percents: supply at most 1000, got 1001"),
        ({"actual_percents": (80, 80)}, "actual_percents: supply each once, got 80 twice"),
        ({"actual_percents": (), "forecast_percents": ()}, "supply at least one, got none"),
        ({"actual_percents": tuple(range(1, 11))}, "number of shares: supply at most 10, got 11"),
        ({"email_addresses": ("team",)}, "email_addresses: supply a value such as team@example.com"),
        ({"email_addresses": ("a@b.c", "a@b.c")}, "email_addresses: supply each once"),
        (
            {"email_addresses": tuple(f"a{n}@acme.example" for n in range(11))},
            "number of addresses: supply at most 10, got 11",
        ),
    ],
)
def test_a_budget_that_aws_would_not_take_is_refused(decided: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        MonthlyBudget(**{"limit_usd_per_month": 100, **decided})


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": "acme:dev"}, "name: supply a value such as acme-dev-monthly"),
        ({"name": "a" * 101}, "name: supply at most 100 characters, got 101"),
        ({"tag_key": "aws:createdBy"}, "tag_key: supply a value such as Environment"),
        ({"tag_value": ""}, "tag_value: supply a value such as dev"),
        ({"topic_arn": "alarms"}, "topic_arn: supply a value such as arn:aws:sns:"),
        (
            {"topic_arn": None, "budget": MonthlyBudget(limit_usd_per_month=1)},
            "topic_arn, budget.email_addresses: supply at least one of them, got none",
        ),
    ],
)
def test_what_counts_nothing_or_tells_nobody_is_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(CONFIG, **changed)
