"""AWS Budgets budget: what an environment may cost in a month, and who is told when it costs more."""

from .budget import Budget, BudgetConfig, BudgetOutputs, MonthlyBudget

__all__ = ["Budget", "BudgetConfig", "BudgetOutputs", "MonthlyBudget"]
