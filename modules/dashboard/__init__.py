"""CloudWatch dashboard: what endpoints and pipelines do, on one page."""

from .dashboard import Dashboard, DashboardConfig, DashboardOutputs

__all__ = ["Dashboard", "DashboardConfig", "DashboardOutputs"]
