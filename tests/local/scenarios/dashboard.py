"""A dashboard: another endpoint and other limits are shown in place; what says the same changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from modules.dashboard import Dashboard, DashboardConfig
from modules.endpoint import RealTime, Scaling, Serverless, Variant

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-overview"


def steps(account: Account) -> Iterator[Step]:
    cloudwatch = account.client("cloudwatch")
    scaling = Scaling(min_capacity=2, max_capacity=4, invocations_per_instance_per_minute=600)
    churn = RealTime(variants={"champion": Variant(model="churn", scaling=scaling)})
    config = DashboardConfig(name=NAME, region=REGION, endpoints={"acme-test-churn": churn})
    yield Stage(lambda stack: Dashboard(stack, "dashboard", config))
    body = json.loads(cloudwatch.get_dashboard(DashboardName=NAME)["DashboardBody"])
    assert len(body["widgets"]) == 5

    backoffice = Serverless(model="churn", max_concurrency=5)
    more = replace(
        config,
        endpoints={"acme-test-churn": churn, "acme-test-backoffice": backoffice},
        pipeline_names=("acme-test-churn",),
    )
    yield Stage(
        lambda stack: Dashboard(stack, "dashboard", more),
        {"aws_cloudwatch_dashboard.dashboard": ["update"]},
    )
    body = json.loads(cloudwatch.get_dashboard(DashboardName=NAME)["DashboardBody"])
    assert len(body["widgets"]) == 15

    yield Gone()
    assert cloudwatch.list_dashboards(DashboardNamePrefix=NAME)["DashboardEntries"] == []
