"""Budgets as AWS has them: changed, told of, tagged, and refused where AWS refuses."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Account, refused

NAME = "acme-dev-monthly"
BUDGET = {
    "BudgetName": NAME,
    "BudgetType": "COST",
    "TimeUnit": "MONTHLY",
    "BudgetLimit": {"Amount": "100", "Unit": "USD"},
}
ACTUAL = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
}
EMAIL = {"SubscriptionType": "EMAIL", "Address": "team@acme.example"}
TOPIC = {"SubscriptionType": "SNS", "Address": "arn:aws:sns:eu-west-1:111122223333:alarms"}


@pytest.fixture
def budgets(account: Account) -> Any:
    """A client of an account that has one budget."""
    client = account.client("budgets")
    client.create_budget(AccountId=account.id, Budget=BUDGET)
    return client


def which(account: Account, **members: Any) -> dict[str, Any]:
    return {"AccountId": account.id, "BudgetName": NAME, **members}


def test_update_budget_changes_the_limit_and_keeps_who_is_told(account: Account, budgets: Any) -> None:
    budgets.create_notification(**which(account, Notification=ACTUAL, Subscribers=[EMAIL]))
    start = budgets.describe_budget(**which(account))["Budget"]["TimePeriod"]["Start"]
    more = {**BUDGET, "BudgetLimit": {"Amount": "250", "Unit": "USD"}}
    budgets.update_budget(AccountId=account.id, NewBudget=more)
    found = budgets.describe_budget(**which(account))["Budget"]
    assert found["BudgetLimit"] == {"Amount": "250", "Unit": "USD"}
    assert found["TimePeriod"]["Start"] == start
    assert budgets.describe_notifications_for_budget(**which(account))["Notifications"] == [ACTUAL]


def test_update_budget_refuses_one_that_is_not_there_or_has_no_limit(account: Account, budgets: Any) -> None:
    with refused("the budget doesn't exist", "NotFoundException"):
        budgets.update_budget(AccountId=account.id, NewBudget={**BUDGET, "BudgetName": "other"})
    unlimited = {name: value for name, value in BUDGET.items() if name != "BudgetLimit"}
    with refused("is required", "InvalidParameterException"):
        budgets.update_budget(AccountId=account.id, NewBudget=unlimited)


def test_create_budget_makes_notifications_and_tags_with_it_or_nothing(account: Account) -> None:
    budgets = account.client("budgets")
    told = {"Notification": ACTUAL, "Subscribers": [EMAIL, TOPIC]}
    with refused("it already exists", "DuplicateRecordException"):
        budgets.create_budget(AccountId=account.id, Budget=BUDGET, NotificationsWithSubscribers=[told, told])
    with refused("the budget doesn't exist", "NotFoundException"):
        budgets.describe_budget(**which(account))
    budgets.create_budget(
        AccountId=account.id,
        Budget=BUDGET,
        NotificationsWithSubscribers=[told],
        ResourceTags=[{"Key": "Owner", "Value": "ml"}],
    )
    found = budgets.describe_subscribers_for_notification(**which(account, Notification=ACTUAL))
    assert found["Subscribers"] == [EMAIL, TOPIC]
    arn = f"arn:aws:budgets::{account.id}:budget/{NAME}"
    assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"] == [
        {"Key": "Owner", "Value": "ml"}
    ]


def test_create_notification_refuses_the_same_one_twice_and_two_topics(
    account: Account, budgets: Any
) -> None:
    budgets.create_notification(**which(account, Notification=ACTUAL, Subscribers=[EMAIL]))
    unsaid = {name: value for name, value in ACTUAL.items() if name != "ThresholdType"}
    with refused("it already exists", "DuplicateRecordException"):
        budgets.create_notification(**which(account, Notification=unsaid, Subscribers=[TOPIC]))
    other = {**ACTUAL, "Threshold": 90.0}
    with refused("1 subscribers of type SNS, not 2", "CreationLimitExceededException"):
        budgets.create_notification(
            **which(account, Notification=other, Subscribers=[TOPIC, {**TOPIC, "Address": "x"}])
        )


def test_create_notification_refuses_an_eleventh(account: Account, budgets: Any) -> None:
    for threshold in range(1, 11):
        notification = {**ACTUAL, "Threshold": float(threshold)}
        budgets.create_notification(**which(account, Notification=notification, Subscribers=[EMAIL]))
    with refused("can have no more", "CreationLimitExceededException"):
        budgets.create_notification(**which(account, Notification=ACTUAL, Subscribers=[EMAIL]))


def test_delete_notification_takes_just_that_one_and_refuses_what_is_not_there(
    account: Account, budgets: Any
) -> None:
    forecast = {**ACTUAL, "NotificationType": "FORECASTED"}
    for one in (ACTUAL, forecast):
        budgets.create_notification(**which(account, Notification=one, Subscribers=[EMAIL]))
    budgets.delete_notification(**which(account, Notification=ACTUAL))
    assert budgets.describe_notifications_for_budget(**which(account))["Notifications"] == [forecast]
    with refused("the notification doesn't exist", "NotFoundException"):
        budgets.delete_notification(**which(account, Notification=ACTUAL))
    with refused("the notification doesn't exist", "NotFoundException"):
        budgets.describe_subscribers_for_notification(**which(account, Notification=ACTUAL))


def test_tag_resource_and_untag_resource(account: Account, budgets: Any) -> None:
    arn = f"arn:aws:budgets::{account.id}:budget/{NAME}"
    tags = [{"Key": "Owner", "Value": "ml"}, {"Key": "CostCenter", "Value": "4711"}]
    budgets.tag_resource(ResourceARN=arn, ResourceTags=tags)
    budgets.untag_resource(ResourceARN=arn, ResourceTagKeys=["CostCenter"])
    assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"] == tags[:1]
    with refused("the budget doesn't exist", "NotFoundException"):
        budgets.list_tags_for_resource(ResourceARN=f"{arn}-other")


def test_describe_notifications_for_budget_knows_when_there_is_none(account: Account) -> None:
    with refused("the budget doesn't exist", "NotFoundException"):
        account.client("budgets").describe_notifications_for_budget(**which(account))


def test_nobody_reads_or_deletes_the_budgets_of_another_account(account: Account, budgets: Any) -> None:
    for operation in (budgets.describe_budget, budgets.delete_budget):
        with refused("is not allowed", "AccessDeniedException"):
            operation(AccountId="999988887777", BudgetName=NAME)


def test_delete_budget_refuses_one_that_is_not_there(account: Account, budgets: Any) -> None:
    budgets.delete_budget(**which(account))
    with refused("the budget doesn't exist", "NotFoundException"):
        budgets.delete_budget(**which(account))


@pytest.mark.parametrize("name", ["acme:dev", "a\\b", "x <SCRIPT>alert</script> y", "x/action/y"])
def test_a_name_that_the_model_of_the_service_does_not_allow_is_refused(account: Account, name: str) -> None:
    with refused("regular expression pattern", "InvalidParameterException"):
        account.client("budgets").create_budget(AccountId=account.id, Budget={**BUDGET, "BudgetName": name})
