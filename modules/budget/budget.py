"""AWS Budgets budget: what bears a tag may cost so much in a month; who is told when it does, or will.

A budget stops nothing. AWS adds costs up a few times a day, and forecasts after some five weeks of them.
https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html
"""

from __future__ import annotations

from collections.abc import Iterator

from cdktf import Fn
from constructs import Construct

from .._aws.budgets_budget import BudgetsBudget, BudgetsBudgetCostFilter, BudgetsBudgetNotification
from .._core import at_least, at_most, distinct, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from ..topic import ENDPOINTS, TOPIC_ARN

MOST_NOTIFICATIONS = 10
"""https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html"""
MOST_ADDRESSES = 10
"""https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_NotificationWithSubscribers.html"""


@record
class MonthlyBudget:
    """How much a month may cost, and when somebody is told."""

    limit_usd_per_month: int
    """Costs of a calendar month, in US dollars."""
    actual_percents: tuple[int, ...] = (80, 100)
    """Shares of the limit at which it is told that so much was spent."""
    forecast_percents: tuple[int, ...] = (100,)
    """Shares of the limit at which it is told that so much will have been spent when the month ends."""
    email_addresses: tuple[str, ...] = ()
    """Who is told by e-mail, besides the topic; at most 10, who need not confirm it."""

    def __post_init__(self) -> None:
        percents = (("actual_percents", self.actual_percents), ("forecast_percents", self.forecast_percents))
        pattern, example = ENDPOINTS["email"]
        refuse(
            at_least("limit_usd_per_month", self.limit_usd_per_month, 1),
            *(
                problem
                for name, values in percents
                for problem in (
                    *(at_least(name, value, 1) for value in values),
                    *(at_most(name, value, 1000) for value in values),
                    distinct(name, values),
                )
            ),
            when(
                not self.actual_percents and not self.forecast_percents,
                "actual_percents, forecast_percents: supply at least one, got none",
            ),
            at_most(
                "actual_percents, forecast_percents: number of shares",
                len(self.actual_percents) + len(self.forecast_percents),
                MOST_NOTIFICATIONS,
            ),
            *(matches("email_addresses", address, pattern, example) for address in self.email_addresses),
            distinct("email_addresses", self.email_addresses),
            at_most("email_addresses: number of addresses", len(self.email_addresses), MOST_ADDRESSES),
        )


@record
class BudgetConfig:
    """What is counted, and who is told."""

    name: str
    """The budget's name, at most 100 characters, without colon and backslash; it never changes."""
    tag_key: str
    """Key of the tag that resources have whose costs count. The account that pays has to activate it as a
    cost allocation tag; until then nothing counts, and nobody is told.
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html"""
    tag_value: str
    """Its value."""
    budget: MonthlyBudget
    """How much, and when."""
    topic_arn: str | None = None
    """SNS topic that is told; its policy and its key let `budgets.amazonaws.com` in. Supply this, addresses
    in `budget`, or both."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[^:\\]+", "acme-dev-monthly"),
            no_longer_than("name", self.name, 100),
            matches("tag_key", self.tag_key, r"(?!aws:)[\w .:/=+@-]{1,128}", "Environment"),
            matches("tag_value", self.tag_value, r"[\w .:/=+@-]{1,256}", "dev"),
            matches(
                "topic_arn", self.topic_arn, TOPIC_ARN, "arn:aws:sns:eu-west-1:111122223333:acme-dev-alarms"
            ),
            when(
                self.topic_arn is None and not self.budget.email_addresses,
                "topic_arn, budget.email_addresses: supply at least one of them, got none",
            ),
        )


@record
class BudgetOutputs:
    """What a budget gives."""

    name: str
    arn: str


class Budget(Construct):
    """A cost budget that begins anew with each calendar month."""

    def __init__(self, scope: Construct, id_: str, config: BudgetConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        budget = BudgetsBudget(
            self,
            "this",
            name=config.name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(config.budget.limit_usd_per_month),
            limit_unit="USD",
            cost_filter=[BudgetsBudgetCostFilter(name="TagKeyValue", values=[self._tag()])],
            notification=list(self._notifications()),
        )
        self.outputs = BudgetOutputs(name=budget.name, arn=budget.arn)

    def _tag(self) -> str:
        """Return the filter `user:Environment$dev`; `$` before a Token would be Terraform's escape."""
        parts = (f"user:{self.config.tag_key}", self.config.tag_value)
        return Fn.join("$", list(parts)) if unresolved(parts) else "$".join(parts)

    def _notifications(self) -> Iterator[BudgetsBudgetNotification]:
        config, budget = self.config, self.config.budget
        for type_, percents in (("ACTUAL", budget.actual_percents), ("FORECASTED", budget.forecast_percents)):
            for percent in sorted(percents):
                yield BudgetsBudgetNotification(
                    notification_type=type_,
                    comparison_operator="GREATER_THAN",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    subscriber_email_addresses=sorted(budget.email_addresses) or None,
                    subscriber_sns_topic_arns=[config.topic_arn] if config.topic_arn else None,
                )
