"""A budget: another limit, and other people who are told otherwise, in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modules.budget import Budget, BudgetConfig, MonthlyBudget

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-monthly"
IN_PLACE = {"aws_budgets_budget.budget": ["update"]}


def steps(account: Account) -> Iterator[Step]:
    budgets, account_id = account.client("budgets"), account.account_id
    topic = f"arn:aws:sns:{REGION}:{account_id}:alarms"

    def told() -> dict[tuple[str, float], list[str]]:
        """Return who is told, by type and threshold."""
        which = {"AccountId": account_id, "BudgetName": NAME}
        return {
            (one["NotificationType"], one["Threshold"]): sorted(
                subscriber["Address"]
                for subscriber in budgets.describe_subscribers_for_notification(Notification=one, **which)[
                    "Subscribers"
                ]
            )
            for one in budgets.describe_notifications_for_budget(**which)["Notifications"]
        }

    config = BudgetConfig(
        name=NAME,
        tag_key="Environment",
        tag_value="test",
        budget=MonthlyBudget(limit_usd_per_month=100),
        topic_arn=topic,
    )
    yield Stage(lambda stack: Budget(stack, "budget", config))
    made = budgets.describe_budget(AccountId=account_id, BudgetName=NAME)["Budget"]
    assert made["CostFilters"] == {"TagKeyValue": ["user:Environment$test"]}
    assert made["BudgetLimit"] == {"Amount": "100", "Unit": "USD"}
    assert told() == {("ACTUAL", 80): [topic], ("ACTUAL", 100): [topic], ("FORECASTED", 100): [topic]}

    more = replace(
        config,
        budget=MonthlyBudget(
            limit_usd_per_month=250, actual_percents=(100,), email_addresses=("team@acme.example",)
        ),
    )
    yield Stage(lambda stack: Budget(stack, "budget", more), IN_PLACE)
    changed = budgets.describe_budget(AccountId=account_id, BudgetName=NAME)["Budget"]
    assert changed["BudgetLimit"] == {"Amount": "250", "Unit": "USD"}
    people = [topic, "team@acme.example"]
    assert told() == {("ACTUAL", 100): people, ("FORECASTED", 100): people}

    alone = replace(more, topic_arn=None)
    yield Stage(lambda stack: Budget(stack, "budget", alone), IN_PLACE)
    assert told() == {
        ("ACTUAL", 100): ["team@acme.example"],
        ("FORECASTED", 100): ["team@acme.example"],
    }

    yield Gone()
    assert budgets.describe_budgets(AccountId=account_id)["Budgets"] == []
