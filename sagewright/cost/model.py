"""What a plan costs: amounts per month, row by row; what has no figure says why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

HOURS_PER_MONTH = 730
"""A year's hours by twelve, as AWS's own calculator counts: https://docs.aws.amazon.com/pricing-calculator/."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """US dollars per month, from the least to the most; both are equal where nothing depends on usage."""

    low_usd_per_month: float = 0.0
    high_usd_per_month: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            low_usd_per_month=self.low_usd_per_month + other.low_usd_per_month,
            high_usd_per_month=self.high_usd_per_month + other.high_usd_per_month,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What one resource costs before and after a plan; free ones have no row."""

    address: str
    """Terraform address."""
    type: str
    what: str
    """What is paid for: `2 × ml.m5.xlarge`; `… → …` where the plan changes it."""
    before: Amount | None = None
    """Nothing (0) where the plan makes the resource."""
    after: Amount | None = None
    """Nothing (0) where the plan deletes it."""
    during: Amount | None = None
    """While an update runs that keeps old and new instances side by side; the same unit, for that time."""
    unknown: str = ""
    """Why there is no figure; then all amounts are `None`, since a part of one would mislead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a plan's resources cost, those that do not change too."""

    rows: tuple[Row, ...]
    """In the order of the plan."""
    before: Amount
    """Sum of the rows that have a figure."""
    after: Amount
    unknown: int
    """How many rows have none."""
    source: str
    """Where the prices of the region are from, addresses joined by a comma."""
    price_date: date
    """Day of the oldest of them."""
    stale: bool
    """Whether that is longer ago than `sagewright.cost.prices.STALE_DAYS`."""
