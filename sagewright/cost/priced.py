"""What the priced types of resources cost in a month: how much of what, from a plan's values and the prices.

Each function is asked about one resource as it is before the plan, and as it is after. It returns `None` for
what is free, and raises `Unpriced`, or `Undecided` where the plan does not know a value that counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policies.plan.endpoints import CONFIGURATION, DIMENSION, MONITORED, actions_of, bounds, named, targets_of
from policies.plan.model import Block, Planned, Resource
from sagewright.cost.model import HOURS_PER_MONTH, Amount
from sagewright.cost.prices import Rates, Unpriced

CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
EVERY_HOURS = re.compile(r"cron\(0 (?:(\*)|(\d{1,2})(?:/(\d{1,2}))?) \? \* \* \*\)")
"""Every time that SageMaker takes for a monitor:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-schedule-expression.html"""
LONGEST_STANDARD_PERIOD_SECONDS = 60
"""An alarm that looks more often than this is of high resolution, and dearer."""
ANOMALY_METRICS = 3
"""What an alarm on an anomaly is charged for: the metric, and both edges of the band that is expected.
https://aws.amazon.com/cloudwatch/pricing/"""
KEY_VERSIONS = 3
"""What a rotated key is charged for at most: itself and two rotations. https://aws.amazon.com/kms/pricing/"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """Instances of one type that an update can keep twice."""

    low: int
    """How few there may be."""
    high: int
    usd_per_month: float
    """What one of them costs."""

    def amount(self, low: int, high: int) -> Amount:
        """Return what so many of them cost."""
        return Amount(
            low_usd_per_month=low * self.usd_per_month, high_usd_per_month=high * self.usd_per_month
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What one resource costs on one side of a plan."""

    what: str
    amount: Amount
    fleets: tuple[Fleet, ...] = ()


def certain(what: str, usd_per_month: float) -> Estimate:
    """Return an estimate of which nothing depends on usage."""
    return Estimate(what=what, amount=ranging(usd_per_month, usd_per_month))


def ranging(low: float, high: float) -> Amount:
    """Return an amount, in dollars per month."""
    return Amount(low_usd_per_month=low, high_usd_per_month=high)


def endpoint(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count the instances of all variants, shadow variants too, within what scales them.

    Volumes and data are not counted. https://aws.amazon.com/sagemaker-ai/pricing/
    """
    configuration = planned.find(resource, "endpoint_config_name", CONFIGURATION, "name")
    if configuration is None:
        raise Unpriced("its endpoint configuration is not in this plan")
    kind = "asynchronous" if configuration.block.blocks("async_inference_config") else "hosting"
    whats: list[str] = []
    fleets: list[Fleet] = []
    amount = Amount()
    for name in ("production_variants", "shadow_production_variants"):
        for variant in configuration.block.blocks(name):
            if serverless_config := variant.blocks("serverless_config"):
                found = serverless(resource, variant, serverless_config[0], planned, rates)
                whats.append(found.what)
                amount += found.amount
                continue
            fleet = fleet_of(resource, variant, kind, planned, rates)
            whats.append(times(fleet.low, fleet.high, variant["instance_type"]))
            fleets.append(fleet)
            amount += fleet.amount(fleet.low, fleet.high)
    return Estimate(what=" + ".join(whats), amount=amount, fleets=tuple(fleets))


def fleet_of(endpoint: Resource, variant: Block, kind: str, planned: Planned, rates: Rates) -> Fleet:
    """Return a variant's instances: as many as it begins with, or as its scaling allows."""
    counts = [variant.get("initial_instance_count") or 0]
    counts += scaled(endpoint, variant, DIMENSION, planned)
    for scaling in variant.blocks("managed_instance_scaling"):
        if scaling.get("status") == "ENABLED":
            counts += [scaling["min_instance_count"], scaling["max_instance_count"]]
    return Fleet(
        low=min(counts), high=max(counts), usd_per_month=rates.per_month(f"{kind}/{variant['instance_type']}")
    )


def scaled(endpoint: Resource, variant: Block, dimension: str, planned: Planned) -> Iterator[int]:
    """Yield the bounds that scaling and scheduled actions set for a variant."""
    for target in targets_of(endpoint, named(variant, "variant_name"), planned, dimension):
        yield int(target.block["min_capacity"])
        yield int(target.block["max_capacity"])
        for action in actions_of(target, planned):
            yield from bounds(action)


def serverless(endpoint: Resource, variant: Block, config: Block, planned: Planned, rates: Rates) -> Estimate:
    """Count from no request at all to as many at once as are allowed, without a pause.

    Provisioned concurrency costs while nobody asks, too.
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """
    memory = f"{config['memory_size_in_mb'] // 1024}GB"
    at_once = config["max_concurrency"]
    kept = [config.get("provisioned_concurrency") or 0]
    kept += scaled(endpoint, variant, CONCURRENCY, planned)
    idle = used = 0.0
    if max(kept):
        idle = rates.per_month(f"serverless-provisioned/{memory}")
        used = idle + rates.per_month(f"serverless-provisioned-used/{memory}")
    on_demand = rates.per_month(f"serverless/{memory}")
    what = f"serverless of {memory.replace('GB', ' GB')}, up to {at_once} at once"
    return Estimate(
        what=f"{what}, {times(min(kept), max(kept), 'provisioned')}" if max(kept) else what,
        amount=ranging(
            min(kept) * idle,
            max(count * used + (at_once - count) * on_demand for count in (min(kept), max(kept))),
        ),
    )


def times(low: int, high: int, what: str) -> str:
    """Return a number of something in words: `2 × ml.m5.xlarge`, `2 to 6 × ml.m5.xlarge`."""
    return f"{low} × {what}" if low == high else f"{low} to {high} × {what}"


def notebook_instance(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count every hour: it runs until somebody stops it. Its volume is not counted."""
    instance_type = resource.block["instance_type"]
    return certain(f"1 × {instance_type}", rates.per_month(f"notebook/{instance_type}"))


APPS: Mapping[str, str] = {
    "jupyter_lab_app_settings": "studio-jupyterlab",
    "code_editor_app_settings": "studio-codeeditor",
    "kernel_gateway_app_settings": "studio-kernelgateway",
}
"""What a space can run, and its kind of price."""
OF_ITS_USER = "its instance type is its user's choice"


def space(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count from no app at all to its apps in every hour; its files are not counted."""
    found = [
        (kind, spec["instance_type"])
        for settings in resource.block.blocks("space_settings")
        for name, kind in APPS.items()
        for app in settings.blocks(name)
        for spec in app.blocks("default_resource_spec")
        if spec.get("instance_type")
    ]
    return apps(found, rates)


def app(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count from no hour to every hour."""
    found = [
        (f"studio-{resource.block['app_type'].lower()}", spec["instance_type"])
        for spec in resource.block.blocks("resource_spec")
        if spec.get("instance_type")
    ]
    return apps(found, rates)


def apps(found: Sequence[tuple[str, str]], rates: Rates) -> Estimate:
    """Return what apps cost, by their kinds of price and instance types."""
    if not found:
        raise Unpriced(OF_ITS_USER)
    return Estimate(
        what=" + ".join(f"{instance_type} while in use" for _, instance_type in found),
        amount=ranging(0, sum(rates.per_month(f"{kind}/{instance_type}") for kind, instance_type in found)),
    )


def tracking_server(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count every hour: it runs until somebody stops it."""
    size = resource.block.get("tracking_server_size") or "Small"
    return certain(f"1 × {size} tracking server", rates.per_month(f"mlflow/{size}"))


def nat_gateway(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count every hour; the data that goes through is not counted."""
    return certain("1 × NAT gateway", rates.per_month("nat-gateway"))


def vpc_endpoint(resource: Resource, planned: Planned, rates: Rates) -> Estimate | None:
    """Count every hour of an interface in each of its subnets; the data that goes through is not counted."""
    kind = resource.block.get("vpc_endpoint_type") or "Gateway"
    if kind == "Gateway":
        return None
    if kind != "Interface":
        raise Unpriced(f"endpoints of type {kind} cost by the data that goes through")
    zones = len(resource.block.get("subnet_ids") or ())
    return certain(f"{zones} × interface", zones * rates.per_month("vpc-endpoint"))


def kms_key(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count a key, and what its rotation adds with the years; requests are not counted."""
    usd = rates.per_month("kms-key")
    if resource.block.get("enable_key_rotation"):
        return Estimate(what="1 × key, rotated", amount=ranging(usd, KEY_VERSIONS * usd))
    return certain("1 × key", usd)


def metric_alarm(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count the metrics that an alarm looks at."""
    block = resource.block
    metrics = [metric for query in block.blocks("metric_query") for metric in query.blocks("metric")]
    periods = [metric["period"] for metric in metrics]
    if block.get("metric_name"):
        periods.append(block.get("period") or LONGEST_STANDARD_PERIOD_SECONDS)
    if not periods:
        raise Unpriced("its metrics are what its expression finds")
    high = min(periods) < LONGEST_STANDARD_PERIOD_SECONDS
    count = len(periods) * (ANOMALY_METRICS if block.get("threshold_metric_id") else 1)
    what = f"{count} × alarm metric{' of high resolution' if high else ''}"
    return certain(what, count * rates.per_month("alarm-high-resolution" if high else "alarm"))


def dashboard(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count a dashboard."""
    return certain("1 × dashboard", rates.per_month("dashboard"))


def web_acl(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count a web ACL and its rules; requests, and rule groups that are subscribed to, are not counted."""
    if resource.block.get("rule_json"):
        raise Unpriced("its rules are written as JSON")
    rules = len(resource.block.blocks("rule"))
    usd = rates.per_month("web-acl") + (rules * rates.per_month("web-acl-rule") if rules else 0)
    return certain(f"1 × web ACL with {rules} rule{'s' * (rules != 1)}", usd)


def stage(resource: Resource, planned: Planned, rates: Rates) -> None:
    """Tell that a stage is free, but for its cache, which is not priced."""
    if resource.block.get("cache_cluster_enabled"):
        raise Unpriced("the price of its cache is not in the price file")


def parameter(resource: Resource, planned: Planned, rates: Rates) -> None:
    """Tell that a parameter is free in the standard tier, which AWS takes where none is set.

    https://aws.amazon.com/systems-manager/pricing/
    """
    if not resource.block.computed("tier") and resource.block.get("tier") in (
        "Advanced",
        "Intelligent-Tiering",
    ):
        raise Unpriced("the price of advanced parameters is not in the price file")


def monitoring_schedule(resource: Resource, planned: Planned, rates: Rates) -> Estimate:
    """Count from no time at all to the longest that each job may run, on all of its instances."""
    config = resource.block["monitoring_schedule_config"][0]
    definition = planned.find(resource, "monitoring_job_definition_name", MONITORED, "name", config)
    if definition is None:
        raise Unpriced("its job definition is not in this plan")
    runs = runs_per_month(config)
    conditions = definition.block.blocks("stopping_condition")
    if not (conditions and conditions[0].get("max_runtime_in_seconds")):
        raise Unpriced("its jobs may run for as long as they like")
    hours = conditions[0]["max_runtime_in_seconds"] / 3600
    cluster = definition.block["job_resources"][0]["cluster_config"][0]
    count, instance_type = cluster["instance_count"], cluster["instance_type"]
    usd_per_hour = rates.per_month(f"processing/{instance_type}") / HOURS_PER_MONTH
    return Estimate(
        what=f"{count} × {instance_type}, {runs:.0f} times a month for up to {hours:g} h",
        amount=ranging(0, runs * hours * count * usd_per_hour),
    )


def runs_per_month(config: Block) -> float:
    """Return how often a monitoring schedule runs; raises `Unpriced`."""
    schedules = config.blocks("schedule_config")
    expression = schedules[0]["schedule_expression"] if schedules else ""
    match = EVERY_HOURS.fullmatch(expression)
    if match is None:
        raise Unpriced("how often it runs is not told by an hourly or daily schedule")
    every_hour, first, step = match.groups()
    if every_hour:
        return HOURS_PER_MONTH
    return len(range(int(first), 24, int(step or 24))) * DAYS_PER_MONTH


PRICED: Mapping[str, Callable[[Resource, Planned, Rates], Estimate | None]] = {
    "aws_api_gateway_stage": stage,
    "aws_cloudwatch_dashboard": dashboard,
    "aws_cloudwatch_metric_alarm": metric_alarm,
    "aws_kms_key": kms_key,
    "aws_nat_gateway": nat_gateway,
    "aws_sagemaker_app": app,
    "aws_sagemaker_endpoint": endpoint,
    "aws_sagemaker_mlflow_tracking_server": tracking_server,
    "aws_sagemaker_monitoring_schedule": monitoring_schedule,
    "aws_sagemaker_notebook_instance": notebook_instance,
    "aws_sagemaker_space": space,
    "aws_ssm_parameter": parameter,
    "aws_vpc_endpoint": vpc_endpoint,
    "aws_wafv2_web_acl": web_acl,
}
"""Who is asked about a type."""


def beside(resource: Resource, before: Estimate, after: Estimate) -> Amount | None:
    """Return what an endpoint costs between two configurations; `None` where one is without instances.

    Blue/green, which is what SageMaker does where nothing is said, keeps both fleets; a rolling update adds a
    batch of the new one to the old.
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    """
    if not (before.fleets and after.fleets):
        return None
    for deployment in resource.block.blocks("deployment_config"):
        for policy in deployment.blocks("rolling_update_policy"):
            size = policy["maximum_batch_size"][0]
            return sum((batch(size, fleet) for fleet in after.fleets), before.amount)
    return before.amount + after.amount


def batch(size: Block, fleet: Fleet) -> Amount:
    """Return what the first instances of a rolling update cost, at the fewest and the most."""
    if size["type"] == "INSTANCE_COUNT":
        return fleet.amount(size["value"], size["value"])
    low, high = (math.ceil(count * size["value"] / 100) for count in (fleet.low, fleet.high))
    return fleet.amount(low, high)
