"""Cost: what a plan costs before, after and meanwhile; what it cannot tell is unknown, never 0."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sagewright.cost import Amount, Cost, Prices, Row, estimate
from sagewright.cost.classes import FREE, USAGE
from sagewright.cost.priced import PRICED
from sagewright.cost.prices import PriceList
from tests.sagewright.gate.conftest import Planned, plan, planned

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 3, 1)
REGION = "eu-central-1"
MONTH = 730


def prices(**more: Any) -> Prices:
    """Return prices that are easy to reckon with."""
    common = {"region": REGION, "currency": "USD", "date": TODAY, "source": "https://example.com/prices"}
    hour = {
        "hosting/ml.m5.large": 1.0,
        "hosting/ml.m5.xlarge": 2.0,
        "asynchronous/ml.m5.large": 1.0,
        "notebook/ml.t3.medium": 0.5,
        "processing/ml.m5.large": 1.0,
        "studio-jupyterlab/ml.t3.medium": 0.5,
        "mlflow/Small": 0.6,
        "nat-gateway": 0.05,
        "vpc-endpoint": 0.01,
    }
    second = {
        "serverless/2GB": 0.001,
        "serverless-provisioned/2GB": 0.0001,
        "serverless-provisioned-used/2GB": 0.0005,
    }
    month = {"kms-key": 1.0, "alarm": 0.1, "alarm-high-resolution": 0.3, "web-acl": 5.0, "web-acl-rule": 1.0}
    units = {"hour": hour, "second": second, "month": month}
    lists = [{**common, "unit": unit, "prices": of, **more} for unit, of in units.items()]
    everywhere = {**common, "region": "global", "unit": "month", "prices": {"dashboard": 3.0}}
    return Prices(lists=tuple(map(PriceList.model_validate, (*lists, everywhere))))


PRICES = prices()


def cost(*resources: Planned) -> Cost:
    return estimate(plan(*resources), REGION, PRICES, TODAY)


def row(*resources: Planned) -> Row:
    """Return the row of the first resource."""
    return next(each for each in cost(*resources).rows if each.address == resources[0].address)


def usd(low: float, high: float | None = None) -> Amount:
    return Amount(low_usd_per_month=low, high_usd_per_month=low if high is None else high)


def about(amount: Amount | None) -> tuple[float, float]:
    assert amount is not None
    return round(amount.low_usd_per_month, 4), round(amount.high_usd_per_month, 4)


def variant(**more: Any) -> Json:
    return {
        "variant_name": "champion",
        "instance_type": "ml.m5.large",
        "initial_instance_count": 2,
        "serverless_config": [],
        "managed_instance_scaling": [],
        **more,
    }


def configuration(*variants: Json, **more: Any) -> Planned:
    values = {"name": "new", "production_variants": list(variants), "shadow_production_variants": [], **more}
    return planned("aws_sagemaker_endpoint_configuration.churn", values)


ENDPOINT = planned("aws_sagemaker_endpoint.churn", {"name": "churn", "endpoint_config_name": "new"})
ROLLING = {"rolling_update_policy": [{"maximum_batch_size": [{"type": "CAPACITY_PERCENT", "value": 25}]}]}


def target(least: int, most: int, dimension: str = "sagemaker:variant:DesiredInstanceCount") -> Planned:
    values = {
        "resource_id": "endpoint/churn/variant/champion",
        "scalable_dimension": dimension,
        "min_capacity": least,
        "max_capacity": most,
    }
    return planned("aws_appautoscaling_target.churn", values)


def updated(before: Json, after: Json, deployment: Json | None = None) -> Row:
    """Return the row of an endpoint that goes from one variant to another, by a new configuration."""
    endpoint = planned(
        "aws_sagemaker_endpoint.churn",
        {"name": "churn", "deployment_config": [deployment] if deployment else []},
        unknown={"endpoint_config_name": True},
        expressions={
            "endpoint_config_name": {
                "references": [
                    "aws_sagemaker_endpoint_configuration.churn.name",
                    "aws_sagemaker_endpoint_configuration.churn",
                ]
            }
        },
        actions=["update"],
        before={"name": "churn", "endpoint_config_name": "old"},
    )
    replaced = planned(
        "aws_sagemaker_endpoint_configuration.churn",
        {"production_variants": [after]},
        unknown={"name": True},
        actions=["create", "delete"],
        before={"name": "old", "production_variants": [before]},
    )
    return row(endpoint, replaced)


def test_an_endpoint_costs_what_its_instances_cost_all_month() -> None:
    found = row(ENDPOINT, configuration(variant()))
    assert found == Row(
        address="aws_sagemaker_endpoint.churn",
        type="aws_sagemaker_endpoint",
        what="2 × ml.m5.large",
        before=usd(0),
        after=usd(2 * MONTH),
    )


def test_scaling_makes_a_range_from_its_minimum_to_its_maximum() -> None:
    found = row(ENDPOINT, configuration(variant()), target(1, 6))
    assert (found.what, found.after) == ("1 to 6 × ml.m5.large", usd(MONTH, 6 * MONTH))


def test_off_hours_lower_the_range() -> None:
    evening = planned(
        "aws_appautoscaling_scheduled_action.evening",
        {
            "resource_id": "endpoint/churn/variant/champion",
            "scalable_target_action": [{"min_capacity": "0", "max_capacity": None}],
        },
    )
    assert row(ENDPOINT, configuration(variant()), target(2, 4), evening).after == usd(0, 4 * MONTH)


def test_an_asynchronous_endpoint_may_cost_nothing() -> None:
    queued = configuration(variant(), async_inference_config=[{"output_config": []}])
    assert row(ENDPOINT, queued, target(0, 3)).after == usd(0, 3 * MONTH)


def test_every_variant_counts_and_shadow_variants_too() -> None:
    shadow = variant(variant_name="next", instance_type="ml.m5.xlarge", initial_instance_count=1)
    found = row(ENDPOINT, configuration(variant(), shadow_production_variants=[shadow]))
    assert (found.what, found.after) == ("2 × ml.m5.large + 1 × ml.m5.xlarge", usd(4 * MONTH))


def test_a_serverless_endpoint_costs_from_nothing_to_its_cap_in_full_use() -> None:
    serverless = variant(serverless_config=[{"memory_size_in_mb": 2048, "max_concurrency": 5}])
    found = row(ENDPOINT, configuration(serverless))
    assert found.what == "serverless of 2 GB, up to 5 at once"
    assert about(found.after) == (0, 5 * 0.001 * MONTH * 3600)


def test_provisioned_concurrency_costs_while_nobody_asks() -> None:
    config = {"memory_size_in_mb": 2048, "max_concurrency": 5, "provisioned_concurrency": 1}
    scaled = target(1, 2, "sagemaker:variant:DesiredProvisionedConcurrency")
    found = row(ENDPOINT, configuration(variant(serverless_config=[config])), scaled)
    seconds = MONTH * 3600
    assert about(found.after) == (0.0001 * seconds, (0.0006 + 4 * 0.001) * seconds)
    assert found.what.endswith("1 to 2 × provisioned")


def test_blue_green_pays_for_both_fleets_meanwhile() -> None:
    found = updated(variant(), variant(instance_type="ml.m5.xlarge"), {"blue_green_update_policy": [{}]})
    assert found.what == "2 × ml.m5.large → 2 × ml.m5.xlarge"
    assert (found.before, found.after, found.during) == (usd(2 * MONTH), usd(4 * MONTH), usd(6 * MONTH))


def test_without_a_policy_an_update_is_blue_green() -> None:
    assert updated(variant(), variant()).during == usd(4 * MONTH)


def test_a_rolling_update_pays_for_one_batch_more() -> None:
    old, new = variant(initial_instance_count=5), variant(initial_instance_count=5)
    assert updated(old, new, ROLLING).during == usd((5 + 2) * MONTH)
    counted = {"rolling_update_policy": [{"maximum_batch_size": [{"type": "INSTANCE_COUNT", "value": 1}]}]}
    assert updated(old, new, counted).during == usd((5 + 1) * MONTH)


def test_a_change_of_tags_alone_keeps_no_second_fleet() -> None:
    endpoint = planned(
        "aws_sagemaker_endpoint.churn",
        {"name": "churn", "endpoint_config_name": "new"},
        actions=["update"],
        before={"name": "churn", "endpoint_config_name": "new", "tags_all": {}},
    )
    same = configuration(variant())
    same.actions = ["no-op"]
    found = row(endpoint, same)
    assert (found.before, found.after, found.during) == (usd(2 * MONTH), usd(2 * MONTH), None)


def test_an_endpoint_that_is_deleted_costs_nothing_after() -> None:
    endpoint = planned("aws_sagemaker_endpoint.churn", actions=["delete"], before=ENDPOINT.values)
    old = configuration(variant())
    old.actions, old.before = ["delete"], old.values
    found = row(endpoint, old)
    assert (found.before, found.after, found.during) == (usd(2 * MONTH), usd(0), None)


def test_an_instance_type_without_a_price_is_unknown_before_and_after() -> None:
    found = updated(variant(), variant(instance_type="ml.p5.48xlarge"))
    assert (found.before, found.after, found.during) == (None, None, None)
    assert found.unknown == (
        "no price of hosting/ml.p5.48xlarge in eu-central-1; `sagewright prices refresh` asks AWS"
    )


def test_a_value_that_terraform_will_know_later_is_unknown() -> None:
    later = planned("aws_sagemaker_notebook_instance.lab", {}, unknown={"instance_type": True})
    assert row(later).unknown == "instance_type is known only after apply"


def test_an_endpoint_whose_configuration_is_elsewhere_is_unknown() -> None:
    assert row(ENDPOINT).unknown == "its endpoint configuration is not in this plan"


@pytest.mark.parametrize(
    ("type_", "values", "what", "low", "high"),
    [
        ("aws_sagemaker_notebook_instance", {"instance_type": "ml.t3.medium"}, "1 × ml.t3.medium", 365, 365),
        ("aws_sagemaker_mlflow_tracking_server", {}, "1 × Small tracking server", 438, 438),
        (
            "aws_sagemaker_space",
            {
                "space_settings": [
                    {
                        "jupyter_lab_app_settings": [
                            {"default_resource_spec": [{"instance_type": "ml.t3.medium"}]}
                        ]
                    }
                ]
            },
            "ml.t3.medium while in use",
            0,
            365,
        ),
        (
            "aws_sagemaker_app",
            {"app_type": "JupyterLab", "resource_spec": [{"instance_type": "ml.t3.medium"}]},
            "ml.t3.medium while in use",
            0,
            365,
        ),
        ("aws_nat_gateway", {}, "1 × NAT gateway", 36.5, 36.5),
        (
            "aws_vpc_endpoint",
            {"vpc_endpoint_type": "Interface", "subnet_ids": ["a", "b"]},
            "2 × interface",
            14.6,
            14.6,
        ),
        ("aws_kms_key", {"enable_key_rotation": False}, "1 × key", 1, 1),
        ("aws_kms_key", {"enable_key_rotation": True}, "1 × key, rotated", 1, 3),
        ("aws_cloudwatch_dashboard", {}, "1 × dashboard", 3, 3),
        ("aws_cloudwatch_metric_alarm", {"metric_name": "a", "period": 60}, "1 × alarm metric", 0.1, 0.1),
        (
            "aws_cloudwatch_metric_alarm",
            {"metric_name": "a", "period": 10},
            "1 × alarm metric of high resolution",
            0.3,
            0.3,
        ),
        (
            "aws_cloudwatch_metric_alarm",
            {
                "metric_query": [
                    {"metric": [{"period": 60}]},
                    {"metric": [{"period": 300}]},
                    {"expression": "a + b", "metric": []},
                ]
            },
            "2 × alarm metric",
            0.2,
            0.2,
        ),
        (
            "aws_cloudwatch_metric_alarm",
            {"metric_query": [{"metric": [{"period": 60}]}], "threshold_metric_id": "band"},
            "3 × alarm metric",
            0.3,
            0.3,
        ),
        ("aws_wafv2_web_acl", {"rule": [{}, {}]}, "1 × web ACL with 2 rules", 7, 7),
    ],
)
def test_what_is_kept_all_month_has_its_price(
    type_: str, values: Json, what: str, low: float, high: float
) -> None:
    found = row(planned(f"{type_}.it", values))
    assert (found.what, about(found.after)) == (what, (low, high))


@pytest.mark.parametrize(
    ("type_", "values", "unknown"),
    [
        ("aws_s3_bucket", {}, "it costs by use: objects that are kept, and requests"),
        ("aws_db_instance", {}, "what resources of this type cost is not known here"),
        ("aws_sagemaker_space", {"space_settings": []}, "its instance type is its user's choice"),
        ("aws_api_gateway_stage", {"cache_cluster_enabled": True}, "the price of its cache is not in"),
        ("aws_ssm_parameter", {"tier": "Advanced"}, "the price of advanced parameters is not in"),
        ("aws_vpc_endpoint", {"vpc_endpoint_type": "Resource"}, "endpoints of type Resource cost by"),
        ("aws_cloudwatch_metric_alarm", {"metric_query": [{"metric": []}]}, "its metrics are what its"),
        ("aws_wafv2_web_acl", {"rule_json": "[]"}, "its rules are written as JSON"),
    ],
)
def test_what_no_plan_tells_is_unknown_with_the_reason(type_: str, values: Json, unknown: str) -> None:
    found = row(planned(f"{type_}.it", values))
    assert found.unknown.startswith(unknown)
    assert (found.before, found.after) == (None, None)


def test_a_parameter_whose_tier_is_left_to_aws_is_free() -> None:
    assert cost(planned("aws_ssm_parameter.it", {}, unknown={"tier": True})).rows == ()


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("aws_iam_role", {}),
        ("terraform_data", {}),
        ("aws_vpc_endpoint", {"vpc_endpoint_type": "Gateway"}),
        ("aws_api_gateway_stage", {"cache_cluster_enabled": False}),
        ("aws_ssm_parameter", {"tier": "Standard"}),
    ],
)
def test_what_is_free_has_no_row(type_: str, values: Json) -> None:
    assert cost(planned(f"{type_}.it", values)).rows == ()


def monitor(expression: str, **condition: Any) -> Row:
    definition = {
        "name": "drift",
        "job_resources": [{"cluster_config": [{"instance_count": 2, "instance_type": "ml.m5.large"}]}],
        "stopping_condition": [condition] if condition else [],
    }
    config = {
        "monitoring_job_definition_name": "drift",
        "schedule_config": [{"schedule_expression": expression}],
    }
    return row(
        planned("aws_sagemaker_monitoring_schedule.drift", {"monitoring_schedule_config": [config]}),
        planned("aws_sagemaker_data_quality_job_definition.drift", definition),
    )


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("cron(0 * ? * * *)", 730),
        ("cron(0 4 ? * * *)", 730 / 24),
        ("cron(0 0/6 ? * * *)", 4 * 730 / 24),
        ("cron(0 20/2 ? * * *)", 2 * 730 / 24),
    ],
)
def test_a_monitor_costs_up_to_its_time_limit_each_time_it_runs(expression: str, runs: float) -> None:
    found = monitor(expression, max_runtime_in_seconds=1800)
    assert about(found.after) == (0, round(runs * 0.5 * 2, 4))


def test_a_monitor_without_a_limit_or_a_rhythm_is_unknown() -> None:
    assert monitor("cron(0 * ? * * *)").unknown == "its jobs may run for as long as they like"
    assert monitor("NOW", max_runtime_in_seconds=60).unknown.startswith("how often it runs is not told")
    alone = planned(
        "aws_sagemaker_monitoring_schedule.drift",
        {"monitoring_schedule_config": [{"monitoring_job_definition_name": "elsewhere"}]},
    )
    assert row(alone).unknown == "its job definition is not in this plan"


def test_sums_count_what_is_known_and_say_how_much_is_not() -> None:
    deleted = planned("aws_kms_key.old", actions=["delete"], before={"enable_key_rotation": False})
    kept = planned("aws_cloudwatch_dashboard.it", {}, actions=["no-op"])
    found = cost(deleted, kept, planned("aws_s3_bucket.data", {}), planned("aws_nat_gateway.it", {}))
    assert (found.before, about(found.after), found.unknown) == (usd(4), (39.5, 39.5), 1)


def test_left_over_objects_are_not_counted_twice() -> None:
    left = planned("aws_kms_key.it", {}, actions=["delete"], before={}, deposed="abcd1234")
    assert [each.address for each in cost(planned("aws_kms_key.it", {}), left).rows] == ["aws_kms_key.it"]


@pytest.mark.parametrize(("day", "stale"), [(date(2026, 5, 30), False), (date(2026, 5, 31), True)])
def test_prices_are_stale_after_90_days(day: date, stale: bool) -> None:
    found = estimate(plan(planned("aws_kms_key.it", {})), REGION, PRICES, day)
    assert (found.price_date, found.stale, found.source) == (TODAY, stale, "https://example.com/prices")


def test_a_region_without_prices_is_as_old_as_the_oldest_price() -> None:
    old = Prices(lists=prices(date=date(2020, 1, 1)).lists[:-1])
    found = estimate(plan(planned("aws_nat_gateway.it", {})), "ap-south-1", old, TODAY)
    assert found.rows[0].unknown.startswith("no price of nat-gateway in ap-south-1")
    assert (found.price_date, found.source, found.stale) == (date(2020, 1, 1), "", True)


def test_every_type_that_the_modules_make_is_classified_once() -> None:
    classes = [*FREE, *USAGE, *PRICED]
    types = set((ROOT / "modules" / "_aws" / "resources.txt").read_text(encoding="utf-8").split())
    assert types - set(classes) == set()
    assert len(set(classes)) == len(classes)
    others = {
        "aws_cognito_managed_user_pool_client",
        "aws_nat_gateway",
        "aws_sagemaker_app",
        "terraform_data",
    }
    assert set(classes) - types == others


def test_the_plans_of_the_policies_examples_can_be_estimated() -> None:
    """They are Terraform's own, of every kind of resource that a rule is about."""
    paths = (ROOT / "policies" / "examples").glob("*/pass.json")
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    rows = [each for document in documents for each in estimate(document, REGION, PRICES, TODAY).rows]
    endpoints = [each for each in rows if each.type == "aws_sagemaker_endpoint"]
    assert [each for each in endpoints if each.after] != []
