"""AWS Budgets: moto changes none, tells no subscribers, has no tags, and serves other accounts' budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from moto.budgets.models import Budget, budgets_backends
from moto.core.utils import unix_time
from moto.utilities.utils import get_partition

from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused

MOST_NOTIFICATIONS = 10
"""https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html"""
MOST_SUBSCRIBERS = {"EMAIL": 10, "SNS": 1}
"""https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_NotificationWithSubscribers.html"""

ACTIONS = {
    **dict.fromkeys(("CreateBudget", "DeleteBudget", "UpdateBudget"), "ModifyBudget"),
    **dict.fromkeys(("CreateNotification", "DeleteNotification"), "ModifyBudget"),
    **dict.fromkeys(("DescribeBudget", "DescribeNotificationsForBudget"), "ViewBudget"),
    "DescribeSubscribersForNotification": "ViewBudget",
}
"""Operation → the action that allows it, where it has another name.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html
"""

IDENTITY = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
"""What tells one notification of a budget from another."""


def _create(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """Make a budget, its notifications one by one, and its tags."""
    name = request["Budget"]["BudgetName"]
    backend = _backend(account_id, region, request)
    backend.create_budget(account_id, request["Budget"], [])
    try:
        for one in request.get("NotificationsWithSubscribers", []):
            _notify({**request, "BudgetName": name, **one}, backend.budgets[account_id][name])
    except Refused:
        backend.delete_budget(account_id, name)
        raise
    _tags(backend.budgets[account_id][name]).update(_as_map(request.get("ResourceTags", [])))
    return {}


def _describe(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"Budget": _budget(account_id, region, request).to_dict()}


def _delete(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _budget(account_id, region, request)
    _backend(account_id, region, request).delete_budget(account_id, request["BudgetName"])
    return {}


def _update(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """Make a budget what the request says; notifications and tags stay."""
    new = request["NewBudget"]
    budget = _budget(account_id, region, {**request, "BudgetName": new["BudgetName"]})
    if "BudgetLimit" not in new and "PlannedBudgetLimits" not in new:
        raise Refused("InvalidParameterException", "Budget Limit or Planned Budget Limits is required")
    budget.budget = {"TimePeriod": budget.budget["TimePeriod"], **new, "LastUpdatedTime": unix_time()}
    return {}


def _create_notification(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _notify(request, _budget(account_id, region, request))
    return {}


def _notify(request: dict[str, Any], budget: Budget) -> None:
    if any(_identity(one.details) == _identity(request["Notification"]) for one in budget.notifications):
        raise Refused("DuplicateRecordException", "Error creating notification - it already exists.")
    if len(budget.notifications) >= MOST_NOTIFICATIONS:
        message = f"The budget has {MOST_NOTIFICATIONS} notifications, and can have no more."
        raise Refused("CreationLimitExceededException", message)
    kinds = Counter(one["SubscriptionType"] for one in request["Subscribers"])
    for kind, most in MOST_SUBSCRIBERS.items():
        if kinds[kind] > most:
            message = f"A notification can have {most} subscribers of type {kind}, not {kinds[kind]}."
            raise Refused("CreationLimitExceededException", message)
    budget.add_notification(request["Notification"], request["Subscribers"])


def _delete_notification(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    budget = _budget(account_id, region, request)
    budget.notifications.remove(_notification(budget, request))
    return {}


def _describe_notifications(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"Notifications": list(_budget(account_id, region, request).get_notifications())}


def _describe_subscribers(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    found = _notification(_budget(account_id, region, request), request)
    return {"Subscribers": found.subscribers}


def _list_tags(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    tags = _tags(_tagged(account_id, region, request))
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _tag(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _tags(_tagged(account_id, region, request)).update(_as_map(request["ResourceTags"]))
    return {}


def _untag(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    tags = _tags(_tagged(account_id, region, request))
    for key in request["ResourceTagKeys"]:
        tags.pop(key, None)
    return {}


def _backend(account_id: str, region: str, request: dict[str, Any]) -> Any:
    """Return what the account has; it is asked of no other one."""
    if request.get("AccountId", account_id) != account_id:
        message = f"Account {account_id} is not allowed to access the budgets of {request['AccountId']}."
        raise Refused("AccessDeniedException", message)
    return budgets_backends[account_id][get_partition(region)]


def _budget(account_id: str, region: str, request: dict[str, Any]) -> Budget:
    name = request["BudgetName"]
    budget: Budget | None = _backend(account_id, region, request).budgets[account_id].get(name)
    if budget is None:
        message = f"Unable to get budget: {name} - the budget doesn't exist."
        raise Refused("NotFoundException", message)
    return budget


def _notification(budget: Budget, request: dict[str, Any]) -> Any:
    for one in budget.notifications:
        if _identity(one.details) == _identity(request["Notification"]):
            return one
    raise Refused("NotFoundException", "Unable to get notification - the notification doesn't exist.")


def _identity(notification: dict[str, Any]) -> tuple[Any, ...]:
    return tuple({"ThresholdType": "PERCENTAGE", **notification}[name] for name in IDENTITY)


def _tagged(account_id: str, region: str, request: dict[str, Any]) -> Budget:
    name = request["ResourceARN"].partition(":budget/")[2]
    return _budget(account_id, region, {"BudgetName": name})


def _tags(budget: Budget) -> dict[str, str]:
    tags: dict[str, str] = budget.__dict__.setdefault("tags", {})
    return tags


def _as_map(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


OPERATIONS: Mapping[str, Operation] = {
    "CreateBudget": _create,
    "DescribeBudget": _describe,
    "DeleteBudget": _delete,
    "UpdateBudget": _update,
    "CreateNotification": _create_notification,
    "DeleteNotification": _delete_notification,
    "DescribeNotificationsForBudget": _describe_notifications,
    "DescribeSubscribersForNotification": _describe_subscribers,
    "ListTagsForResource": _list_tags,
    "TagResource": _tag,
    "UntagResource": _untag,
}
