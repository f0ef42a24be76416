"""What a plan costs: an estimate from its JSON and a dated price file, where nothing is guessed."""

from __future__ import annotations

from sagewright.cost.estimate import estimate
from sagewright.cost.model import Amount, Cost, Row
from sagewright.cost.prices import Prices

__all__ = ["Amount", "Cost", "Prices", "Row", "estimate"]
