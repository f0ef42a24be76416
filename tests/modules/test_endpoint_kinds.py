"""Endpoints beside the plain real-time one: shadows, rollouts, scaling, serverless, asynchronous."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from cdktf import Token
from pydantic import TypeAdapter, ValidationError

from modules import endpoint
from modules.endpoint import (
    AllAtOnce,
    Asynchronous,
    BacklogScaling,
    Canary,
    ConcurrencyScaling,
    Endpoint,
    EndpointConfig,
    Inference,
    Linear,
    RealTime,
    Rollback,
    Rolling,
    ScheduledAction,
    Serverless,
    Variant,
    invoke,
    watch_rollback_alarms,
)
from tests.conftest import Synth
from tests.inventory import Inventory
from tests.modules.test_endpoint import CHALLENGER, CHAMPION, KEY, NIGHT, SCALING, STEPS

TOPICS = "arn:aws:sns:eu-west-1:111122223333"
CONCURRENCY = ConcurrencyScaling(min_capacity=2, max_capacity=10)
SERVERLESS = Serverless(model="churn", max_concurrency=20, scaling=CONCURRENCY)
BACKLOG = BacklogScaling(max_capacity=4, backlog_size_per_instance=5)
ASYNCHRONOUS = Asynchronous(model="churn", scaling=BACKLOG, max_concurrent_invocations_per_instance=4)
SHADOWED = RealTime(
    variants={"champion": replace(CHALLENGER, weight=100)},
    shadow_variants={"shadow": replace(CHALLENGER, model="churn", weight=20)},
)


def config(inference: Inference, **changes: Any) -> EndpointConfig:
    """Return an endpoint of any kind."""
    made = EndpointConfig(
        name="acme-dev-churn",
        model_names={"churn": "acme-dev-churn-0a1b2c3d", "churn-next": "acme-dev-churn-next-4e5f6a7b"},
        kms_key_arn=KEY,
        inference=inference,
        core_dump_s3_uri="s3://acme-dev-captures/churn/core-dumps",
        output_s3_uri="s3://acme-dev-queue/churn/output",
        failure_s3_uri="s3://acme-dev-queue/churn/failure",
        success_topic_arn=f"{TOPICS}:acme-dev-churn-success",
        error_topic_arn=f"{TOPICS}:acme-dev-churn-error",
    )
    return replace(made, **changes)


def from_file(decisions: object) -> Inference:
    """Read decisions as an environment file is read."""
    read: Inference = TypeAdapter(Inference).validate_json(json.dumps(decisions))
    return read


@pytest.mark.parametrize(
    ("name", "inference"), [("endpoint_serverless", SERVERLESS), ("endpoint_asynchronous", ASYNCHRONOUS)]
)
def test_an_endpoint_is_what_the_inventory_says(
    synth: Synth, inventory: Inventory, name: str, inference: Inference
) -> None:
    inventory(f"modules/{name}", synth(Endpoint, config(inference)))


@pytest.mark.parametrize("inference", [SHADOWED, SERVERLESS, ASYNCHRONOUS], ids=lambda one: str(one.kind))
def test_every_kind_makes_the_new_configuration_before_the_old_one_goes_and_notices_a_roll_back(
    synth: Synth, inference: Inference
) -> None:
    synthesized = synth(Endpoint, config(inference))
    configuration = synthesized.one("aws_sagemaker_endpoint_configuration")
    assert configuration["lifecycle"] == {"create_before_destroy": True}
    assert configuration["name_prefix"] == "acme-dev-churn-"
    assert "postcondition" in synthesized.one("aws_sagemaker_endpoint")["lifecycle"]


# Real-time: shadow variants, core dumps, steps, scheduled actions, ways of rollout.


def test_a_shadow_gets_a_share_of_the_requests_by_its_weight(synth: Synth) -> None:
    configuration = synth(Endpoint, config(SHADOWED)).one("aws_sagemaker_endpoint_configuration")
    (production,), (shadow,) = (configuration[f"{kind}production_variants"] for kind in ("", "shadow_"))
    assert (production["variant_name"], production["initial_variant_weight"]) == ("champion", 100)
    assert (shadow["variant_name"], shadow["initial_variant_weight"]) == ("shadow", 20)
    assert shadow["model_name"] == "acme-dev-churn-0a1b2c3d"


def test_a_rollout_is_not_taken_back_for_what_a_shadow_does(synth: Synth) -> None:
    alarms = synth(Endpoint, config(SHADOWED)).all("aws_cloudwatch_metric_alarm").values()
    assert "shadow" not in json.dumps([alarm["metric_query"] for alarm in alarms])


def test_a_shadow_on_nvme_takes_the_volume_key_away(synth: Synth) -> None:
    gpu = Variant(model="churn", instance_type="ml.g5.xlarge", instance_count=1)
    both = RealTime(variants={"a": gpu}, shadow_variants={"b": gpu})
    assert "kms_key_arn" not in synth(Endpoint, config(both)).one("aws_sagemaker_endpoint_configuration")


def test_core_dumps_are_written_only_when_asked_for_and_under_the_key(synth: Synth) -> None:
    dumping = replace(
        SHADOWED,
        variants={"champion": replace(CHALLENGER, core_dump=True)},
        shadow_variants={"shadow": replace(CHALLENGER, core_dump=True)},
    )
    found = synth(Endpoint, config(dumping)).one("aws_sagemaker_endpoint_configuration")
    for kind in ("production_variants", "shadow_production_variants"):
        assert found[kind][0]["core_dump_config"] == {
            "destination_s3_uri": "s3://acme-dev-captures/churn/core-dumps",
            "kms_key_id": KEY,
        }
    without = synth(Endpoint, config(SHADOWED)).one("aws_sagemaker_endpoint_configuration")
    assert "core_dump_config" not in json.dumps(without)


def test_steps_add_more_the_further_the_load_is_above_the_first(synth: Synth) -> None:
    stepped = RealTime(variants={"champion": replace(CHAMPION, scaling=replace(SCALING, steps=STEPS))})
    synthesized = synth(Endpoint, config(stepped))
    policy = synthesized.one("aws_appautoscaling_policy", "champion_steps")
    assert policy["policy_type"] == "StepScaling"
    assert policy["step_scaling_policy_configuration"]["step_adjustment"] == [
        {
            "metric_interval_lower_bound": "0",
            "metric_interval_upper_bound": "1200",
            "scaling_adjustment": 1,
        },
        {"metric_interval_lower_bound": "1200", "scaling_adjustment": 3},
    ]
    alarm = synthesized.one("aws_cloudwatch_metric_alarm", "champion_steps_alarm")
    assert (alarm["metric_name"], alarm["threshold"]) == ("InvocationsPerInstance", 1200)
    assert alarm["dimensions"] == {"EndpointName": "acme-dev-churn", "VariantName": "champion"}
    assert alarm["alarm_actions"] == ["${aws_appautoscaling_policy.champion_steps.arn}"]


@pytest.mark.parametrize(
    ("inference", "policy"),
    [
        (
            RealTime(
                variants={"champion": replace(CHAMPION, scaling=replace(SCALING, disable_scale_in=True))}
            ),
            "champion_invocations",
        ),
        (
            replace(SERVERLESS, scaling=replace(CONCURRENCY, disable_scale_in=True)),
            "AllTraffic_utilization",
        ),
        (replace(ASYNCHRONOUS, scaling=replace(BACKLOG, disable_scale_in=True)), "AllTraffic_backlog"),
    ],
    ids=["RealTime", "Serverless", "Asynchronous"],
)
def test_removal_can_be_ruled_out(synth: Synth, inference: Inference, policy: str) -> None:
    made = synth(Endpoint, config(inference)).one("aws_appautoscaling_policy", policy)
    assert made["target_tracking_scaling_policy_configuration"]["disable_scale_in"] is True


def test_bounds_change_at_given_times_and_an_apply_does_not_take_them_back(synth: Synth) -> None:
    scheduled = replace(SCALING, scheduled_actions={"night": NIGHT})
    synthesized = synth(
        Endpoint, config(RealTime(variants={"champion": replace(CHAMPION, scaling=scheduled)}))
    )
    action = synthesized.one("aws_appautoscaling_scheduled_action", "champion_night_action")
    assert (action["schedule"], action["timezone"]) == ("cron(0 20 ? * MON-FRI *)", "Europe/Berlin")
    assert action["scalable_target_action"] == {"min_capacity": "1", "max_capacity": "2"}
    lifecycle = synthesized.one("aws_appautoscaling_target")["lifecycle"]
    assert lifecycle["ignore_changes"] == ["min_capacity", "max_capacity"]


def test_other_bounds_take_effect_though_those_of_scheduled_actions_are_ignored(synth: Synth) -> None:
    scheduled = replace(SCALING, scheduled_actions={"night": NIGHT})
    synthesized = synth(
        Endpoint, config(RealTime(variants={"champion": replace(CHAMPION, scaling=scheduled)}))
    )
    lifecycle = synthesized.one("aws_appautoscaling_target")["lifecycle"]
    assert "terraform_data.champion_bounds.id" in lifecycle["replace_triggered_by"]
    bounds = synthesized.one("terraform_data", "champion_bounds")["triggers_replace"]
    assert bounds == {"min_capacity": 2, "max_capacity": 6}


@pytest.mark.parametrize(
    ("deployment", "policy"),
    [
        (
            Canary(canary_size_percent=5, maximum_execution_timeout_seconds=1800),
            {
                "maximum_execution_timeout_in_seconds": 1800,
                "termination_wait_in_seconds": 120,
                "traffic_routing_configuration": {
                    "type": "CANARY",
                    "wait_interval_in_seconds": 300,
                    "canary_size": {"type": "CAPACITY_PERCENT", "value": 5},
                },
            },
        ),
        (
            Linear(linear_step_size_percent=20),
            {
                "termination_wait_in_seconds": 120,
                "traffic_routing_configuration": {
                    "type": "LINEAR",
                    "wait_interval_in_seconds": 300,
                    "linear_step_size": {"type": "CAPACITY_PERCENT", "value": 20},
                },
            },
        ),
    ],
    ids=["Canary", "Linear"],
)
def test_traffic_can_move_in_steps(synth: Synth, deployment: Canary | Linear, policy: dict[str, Any]) -> None:
    for inference in (replace(SHADOWED, deployment=deployment), replace(ASYNCHRONOUS, deployment=deployment)):
        made = synth(Endpoint, config(inference)).one("aws_sagemaker_endpoint")["deployment_config"]
        assert made["blue_green_update_policy"] == policy
        assert "rolling_update_policy" not in made
        assert len(made["auto_rollback_configuration"]["alarms"]) == 3


def test_instances_can_be_replaced_batch_by_batch(synth: Synth) -> None:
    rolling = RealTime(variants={"only": CHALLENGER}, deployment=Rolling(maximum_batch_size_percent=50))
    made = synth(Endpoint, config(rolling)).one("aws_sagemaker_endpoint")["deployment_config"]
    assert made["rolling_update_policy"] == {
        "wait_interval_in_seconds": 300,
        "maximum_batch_size": {"type": "CAPACITY_PERCENT", "value": 50},
        "rollback_maximum_batch_size": {"type": "CAPACITY_PERCENT", "value": 100},
    }
    assert "blue_green_update_policy" not in made


def test_model_errors_take_a_rollout_back_and_4xx_do_not(synth: Synth) -> None:
    alarm = synth(Endpoint, config(SHADOWED)).one("aws_cloudwatch_metric_alarm", "model_errors")
    expression, *metrics = alarm["metric_query"]
    assert expression["expression"] == ('SUM(FILL(METRICS("failed"), 0)) - SUM(FILL(METRICS("rejected"), 0))')
    named = {query["id"]: query["metric"]["metric_name"] for query in metrics}
    assert named == {"failed_0": "InvocationModelErrors", "rejected_0": "Invocation4XXErrors"}


def test_more_variants_than_an_alarm_reads_metrics_of_are_watched_by_two(synth: Synth) -> None:
    crowd = RealTime(variants={f"v{index}": CHALLENGER for index in range(10)})
    alarms = synth(Endpoint, config(crowd)).all("aws_cloudwatch_metric_alarm")
    assert sorted(alarms) == ["errors", "latency", "model_errors", "model_errors_2"]
    read = [len([query for query in alarm["metric_query"] if "metric" in query]) for alarm in alarms.values()]
    assert read == [10, 10, 10, 10]
    (statement,) = watch_rollback_alarms(
        "acme-dev-churn", crowd, region="eu-west-1", account_id="111122223333"
    )
    assert set(statement.resources) == {
        f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{alarm['alarm_name']}" for alarm in alarms.values()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"variants": {"a": CHALLENGER, "b": CHALLENGER}},
            "shadow_variants: supply one variant to shadow, got 2 in variants",
        ),
        (
            {"shadow_variants": {"a": CHALLENGER, "b": CHALLENGER}},
            "shadow_variants: number of variants: supply at most 1, got 2",
        ),
        (
            {"shadow_variants": {"champion": CHALLENGER}},
            "variants, shadow_variants: name: supply each once, got 'champion' twice",
        ),
        (
            {"shadow_variants": {"the_shadow": CHALLENGER}},
            "shadow_variants: name: supply a value such as champion, got 'the_shadow'",
        ),
        (
            {"shadow_variants": {"shadow": CHAMPION}},
            "shadow_variants.shadow.scaling: supply instance_count instead, got scaling",
        ),
        (
            {"shadow_variants": {"shadow": replace(CHALLENGER, weight=0)}},
            "shadow_variants.shadow.weight: supply at least 1, got 0",
        ),
        (
            {"shadow_variants": {"shadow": replace(CHALLENGER, weight=101)}},
            "shadow_variants.shadow.weight: supply at most 100, got 101",
        ),
        (
            {"shadow_variants": {"shadow": replace(CHALLENGER, instance_type="ml.g5.xlarge")}},
            "variants: supply instance types that all store on local NVMe",
        ),
        (
            {"deployment": Rolling()},
            "deployment: supply another kind than Rolling, which SageMaker takes for one variant only; got 2",
        ),
        (
            {"rollback": Rollback(model_latency_p99_milliseconds=60_001)},
            "rollback.model_latency_p99_milliseconds: supply at most 60000, got 60001",
        ),
    ],
    ids=[
        "a shadow of two variants",
        "two shadows",
        "a shadow by the name of a variant",
        "a shadow's name with an underscore",
        "a shadow that is scaled",
        "a shadow of nothing",
        "a shadow of more than everything",
        "a shadow that stores otherwise",
        "batches of several variants",
        "a latency that no real-time request reaches",
    ],
)
def test_real_time_inference_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(SHADOWED, **change)  # type: ignore[arg-type]


# Serverless


def test_a_serverless_variant_has_memory_and_concurrency_and_nothing_of_instances(synth: Synth) -> None:
    configuration = synth(Endpoint, config(SERVERLESS)).one("aws_sagemaker_endpoint_configuration")
    assert configuration["production_variants"] == [
        {
            "variant_name": "AllTraffic",
            "model_name": "acme-dev-churn-0a1b2c3d",
            "initial_variant_weight": 1,
            "serverless_config": {
                "memory_size_in_mb": 2048,
                "max_concurrency": 20,
                "provisioned_concurrency": 2,
            },
        }
    ]
    assert not configuration.keys() & {
        "kms_key_arn",
        "data_capture_config",
        "async_inference_config",
        "shadow_production_variants",
    }


def test_a_serverless_endpoint_is_rolled_out_without_guard_since_sagemaker_takes_none(synth: Synth) -> None:
    synthesized = synth(Endpoint, config(SERVERLESS))
    assert "deployment_config" not in synthesized.one("aws_sagemaker_endpoint")
    assert synthesized.all("aws_cloudwatch_metric_alarm") == {}
    assert watch_rollback_alarms("churn", SERVERLESS, region="eu-west-1", account_id="111122223333") == ()


def test_provisioned_concurrency_scales_on_its_own_dimension_and_metric(synth: Synth) -> None:
    synthesized = synth(Endpoint, config(SERVERLESS))
    target = synthesized.one("aws_appautoscaling_target")
    assert target["scalable_dimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    assert (target["min_capacity"], target["max_capacity"]) == (2, 10)
    assert target["lifecycle"] == {"replace_triggered_by": ["aws_sagemaker_endpoint.this.id"]}
    tracking = synthesized.one("aws_appautoscaling_policy")["target_tracking_scaling_policy_configuration"]
    assert tracking["target_value"] == 0.7
    assert tracking["predefined_metric_specification"] == {
        "predefined_metric_type": "SageMakerVariantProvisionedConcurrencyUtilization"
    }


@pytest.mark.parametrize("concurrency", [None, 3])
def test_provisioned_concurrency_may_be_fixed_or_none(synth: Synth, concurrency: int | None) -> None:
    fixed = replace(SERVERLESS, scaling=None, provisioned_concurrency=concurrency)
    synthesized = synth(Endpoint, config(fixed))
    (variant,) = synthesized.one("aws_sagemaker_endpoint_configuration")["production_variants"]
    assert variant["serverless_config"].get("provisioned_concurrency") == concurrency
    assert synthesized.all("aws_appautoscaling_target") == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory_size_mb": 1500}, "memory_size_mb: supply one of 1024, 2048, 3072, 4096, 5120, 6144"),
        ({"max_concurrency": 0}, "max_concurrency: supply at least 1, got 0"),
        ({"max_concurrency": 201}, "max_concurrency: supply at most 200, got 201"),
        (
            {"provisioned_concurrency": 2},
            "provisioned_concurrency, scaling: supply at most one of them, got both",
        ),
        (
            {"scaling": None, "provisioned_concurrency": 0},
            "provisioned_concurrency: supply at least 1, got 0",
        ),
        (
            {"scaling": None, "provisioned_concurrency": 21},
            "provisioned_concurrency: supply at most 20, got 21",
        ),
        (
            {"scaling": replace(CONCURRENCY, max_capacity=21)},
            "scaling.max_capacity: supply at most 20, got 21",
        ),
        (
            {
                "scaling": replace(
                    CONCURRENCY, scheduled_actions={"day": replace(NIGHT, min_capacity=1, max_capacity=21)}
                )
            },
            "scaling.scheduled_actions.day.max_capacity: supply at most 20, got 21",
        ),
    ],
    ids=[
        "a memory size that there is not",
        "no request at all",
        "more requests at once than SageMaker takes",
        "both fixed and scaled",
        "none that is warm",
        "more warm than are let in",
        "scaling beyond what is let in",
        "an action beyond what is let in",
    ],
)
def test_serverless_inference_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SERVERLESS, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_capacity": 0}, "min_capacity: supply at least 1, got 0"),
        ({"max_capacity": 1}, "max_capacity: supply at least 2, got 1"),
        (
            {"provisioned_concurrency_utilization": 0.05},
            "provisioned_concurrency_utilization: supply at least 0.1, got 0.05",
        ),
        (
            {"provisioned_concurrency_utilization": 1.0},
            "provisioned_concurrency_utilization: supply at most 0.9, got 1.0",
        ),
        ({"scale_in_cooldown_seconds": -1}, "scale_in_cooldown_seconds: supply at least 0, got -1"),
    ],
    ids=[
        "none that is warm",
        "a maximum below the minimum",
        "hardly any in use",
        "all in use",
        "a negative rest",
    ],
)
def test_scaling_of_concurrency_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONCURRENCY, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("setting", ["data_capture", "variants", "deployment", "instance_type"])
def test_what_serverless_inference_does_not_take_is_no_setting_of_it(setting: str) -> None:
    with pytest.raises(ValidationError, match="Unexpected keyword argument"):
        from_file({"kind": "Serverless", "model": "churn", "max_concurrency": 1, setting: {}})


# Asynchronous


def test_results_and_failures_go_to_s3_under_the_key_and_each_topic_is_told_of_its_own(synth: Synth) -> None:
    configuration = synth(Endpoint, config(ASYNCHRONOUS)).one("aws_sagemaker_endpoint_configuration")
    assert configuration["async_inference_config"] == {
        "client_config": {"max_concurrent_invocations_per_instance": 4},
        "output_config": {
            "s3_output_path": "s3://acme-dev-queue/churn/output",
            "s3_failure_path": "s3://acme-dev-queue/churn/failure",
            "kms_key_id": KEY,
            "notification_config": {
                "success_topic": f"{TOPICS}:acme-dev-churn-success",
                "error_topic": f"{TOPICS}:acme-dev-churn-error",
            },
        },
    }
    assert configuration["kms_key_arn"] == KEY


def test_nobody_is_told_unless_there_is_a_topic(synth: Synth) -> None:
    silent = config(ASYNCHRONOUS, success_topic_arn=None, error_topic_arn=None)
    output = synth(Endpoint, silent).one("aws_sagemaker_endpoint_configuration")["async_inference_config"]
    assert "notification_config" not in output["output_config"]


def test_messages_hold_responses_only_where_that_is_asked_for(synth: Synth) -> None:
    telling = replace(
        ASYNCHRONOUS, include_inference_response_in=("SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC")
    )
    configuration = synth(Endpoint, config(telling)).one("aws_sagemaker_endpoint_configuration")
    notification = configuration["async_inference_config"]["output_config"]["notification_config"]
    assert notification["include_inference_response_in"] == [
        "ERROR_NOTIFICATION_TOPIC",
        "SUCCESS_NOTIFICATION_TOPIC",
    ]


def test_an_asynchronous_endpoint_follows_its_backlog_since_it_has_no_invocations_per_instance(
    synth: Synth,
) -> None:
    policy = synth(Endpoint, config(ASYNCHRONOUS)).one("aws_appautoscaling_policy", "AllTraffic_backlog")
    tracking = policy["target_tracking_scaling_policy_configuration"]
    assert tracking["target_value"] == 5
    assert tracking["customized_metric_specification"] == {
        "namespace": "AWS/SageMaker",
        "metric_name": "ApproximateBacklogSizePerInstance",
        "statistic": "Average",
        "dimensions": [{"name": "EndpointName", "value": "acme-dev-churn"}],
    }


def test_it_goes_down_to_no_instance_and_is_woken_by_the_first_request_that_waits(synth: Synth) -> None:
    synthesized = synth(Endpoint, config(ASYNCHRONOUS))
    assert synthesized.one("aws_appautoscaling_target")["min_capacity"] == 0
    (variant,) = synthesized.one("aws_sagemaker_endpoint_configuration")["production_variants"]
    assert variant["initial_instance_count"] == 1
    policy = synthesized.one("aws_appautoscaling_policy", "AllTraffic_waking")
    assert policy["step_scaling_policy_configuration"] == {
        "adjustment_type": "ChangeInCapacity",
        "metric_aggregation_type": "Average",
        "cooldown": 300,
        "step_adjustment": [{"metric_interval_lower_bound": "0", "scaling_adjustment": 1}],
    }
    alarm = synthesized.one("aws_cloudwatch_metric_alarm", "AllTraffic_waking_alarm")
    assert (alarm["metric_name"], alarm["threshold"]) == ("HasBacklogWithoutCapacity", 1)
    assert alarm["comparison_operator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["dimensions"] == {"EndpointName": "acme-dev-churn"}
    assert alarm["alarm_actions"] == ["${aws_appautoscaling_policy.AllTraffic_waking.arn}"]


def test_a_rollout_of_an_asynchronous_endpoint_is_guarded(synth: Synth) -> None:
    synthesized = synth(Endpoint, config(ASYNCHRONOUS))
    alarms = synthesized.one("aws_sagemaker_endpoint")["deployment_config"]["auto_rollback_configuration"]
    assert len(alarms["alarms"]) == 3
    assert synthesized.one("aws_cloudwatch_metric_alarm", "latency")["threshold"] == 900_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instance_count": 1}, "instance_count, scaling: supply one of them, got both"),
        ({"scaling": None}, "instance_count, scaling: supply one of them, got none"),
        ({"scaling": None, "instance_count": 0}, "instance_count: supply at least 1, got 0"),
        ({"instance_type": "m5.large"}, "instance_type: supply a SageMaker hosting instance type"),
        ({"instance_type": "ml.t2.medium"}, "scaling: supply an instance_type that is not burstable"),
        ({"instance_type": "ml.inf1.xlarge"}, "instance_type: supply one of another family"),
        ({"instance_type": "ml.g5.xlarge", "volume_size_gb": 30}, "volume_size_gb: supply none"),
        (
            {"max_concurrent_invocations_per_instance": 0},
            "max_concurrent_invocations_per_instance: supply at least 1, got 0",
        ),
        (
            {"max_concurrent_invocations_per_instance": 1001},
            "max_concurrent_invocations_per_instance: supply at most 1000, got 1001",
        ),
        (
            {"include_inference_response_in": ("SUCCESS_NOTIFICATION_TOPIC",) * 2},
            "include_inference_response_in: supply each once, got 'SUCCESS_NOTIFICATION_TOPIC' twice",
        ),
        (
            {"include_inference_response_in": ("SUCCESS",)},
            "include_inference_response_in: supply one of ERROR_NOTIFICATION_TOPIC, SUCCESS_NOTI",
        ),
    ],
    ids=[
        "both a number of instances and scaling",
        "neither a number of instances nor scaling",
        "a fixed number of no instances",
        "an instance type that is not SageMaker's",
        "a burstable type with scaling",
        "a type whose rollouts are not guarded",
        "a volume beside local NVMe",
        "containers that get no request",
        "containers that get too many requests",
        "a topic twice",
        "a topic that there is not",
    ],
)
def test_asynchronous_inference_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(ASYNCHRONOUS, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_capacity": -1}, "min_capacity: supply at least 0, got -1"),
        ({"max_capacity": 0}, "max_capacity: supply at least 1, got 0"),
        ({"min_capacity": 5}, "max_capacity: supply at least 5, got 4"),
        ({"backlog_size_per_instance": 0}, "backlog_size_per_instance: supply at least 1, got 0"),
    ],
    ids=["fewer than no instances", "never an instance", "a maximum below the minimum", "nothing that waits"],
)
def test_scaling_of_the_backlog_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(BACKLOG, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inference", "change", "message"),
    [
        (ASYNCHRONOUS, {"output_s3_uri": None}, "output_s3_uri: supply where results go, got none"),
        (ASYNCHRONOUS, {"failure_s3_uri": None}, "failure_s3_uri: supply where failures go, got none"),
        (ASYNCHRONOUS, {"output_s3_uri": "bucket"}, "output_s3_uri: supply a value such as s3://bucket/"),
        (
            ASYNCHRONOUS,
            {"failure_s3_uri": f"s3://{'b' * 512}"},
            "failure_s3_uri: supply at most 512 characters, got 517",
        ),
        (
            ASYNCHRONOUS,
            {"success_topic_arn": "churn"},
            "success_topic_arn: supply a value such as arn:aws:sns",
        ),
        (ASYNCHRONOUS, {"error_topic_arn": "churn"}, "error_topic_arn: supply a value such as arn:aws:sns"),
        (
            ASYNCHRONOUS,
            {"error_topic_arn": f"{TOPICS}:acme-dev-churn-success"},
            "success_topic_arn, error_topic_arn: supply two topics, got .* twice",
        ),
        (
            replace(ASYNCHRONOUS, include_inference_response_in=("ERROR_NOTIFICATION_TOPIC",)),
            {"error_topic_arn": None},
            "error_topic_arn: supply the topic whose messages include the response, got none",
        ),
        (
            replace(ASYNCHRONOUS, core_dump=True),
            {"core_dump_s3_uri": None},
            "core_dump_s3_uri: supply where core dumps go, got none",
        ),
        (ASYNCHRONOUS, {"model_names": {}}, "inference.model: supply one of the models none, got 'churn'"),
        (SERVERLESS, {"model_names": {}}, "inference.model: supply one of the models none, got 'churn'"),
        (
            SHADOWED,
            {"model_names": {"churn-next": "a"}},
            "inference.shadow_variants.shadow.model: supply one of the models churn-next, got 'churn'",
        ),
    ],
    ids=[
        "results to nowhere",
        "failures to nowhere",
        "results to what is no S3 address",
        "failures to an address that is too long",
        "a topic of success without its ARN",
        "a topic of errors without its ARN",
        "one topic for both",
        "responses in messages that nobody gets",
        "core dumps to nowhere",
        "an asynchronous model that there is not",
        "a serverless model that there is not",
        "a shadow of a model that there is not",
    ],
)
def test_an_endpoint_is_refused(inference: Inference, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(inference, **change)


# All kinds


@pytest.mark.parametrize(
    ("inference", "actions"),
    [
        (SHADOWED, ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream")),
        (SERVERLESS, ("sagemaker:InvokeEndpoint",)),
        (ASYNCHRONOUS, ("sagemaker:InvokeEndpointAsync",)),
    ],
    ids=["RealTime", "Serverless", "Asynchronous"],
)
def test_a_caller_is_granted_what_the_kind_answers(
    synth: Synth, inference: Inference, actions: tuple[str, ...]
) -> None:
    made: list[Endpoint] = []
    synth(lambda stack: made.append(Endpoint(stack, "churn", config(inference))))
    assert made[0].invoke().actions == actions
    assert made[0].invoke().resources == (made[0].outputs.arn,)
    by_name = invoke(made[0].config.name, made[0].config.inference, "eu-west-1", "111122223333")
    assert by_name.actions == actions
    assert by_name.resources == (f"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/{made[0].config.name}",)


def test_values_that_terraform_knows_later_pass(synth: Synth) -> None:
    text, number = Token.as_string({"Ref": "text"}), Token.as_number({"Ref": "number"})
    later: Any = number
    action = ScheduledAction(schedule=text, timezone=text, min_capacity=later, max_capacity=later)
    scaled = {"min_capacity": later, "max_capacity": later, "scheduled_actions": {"night": action}}
    for inference in (
        Serverless(
            model="churn",
            memory_size_mb=later,
            max_concurrency=later,
            scaling=ConcurrencyScaling(**scaled, provisioned_concurrency_utilization=later),
        ),
        Asynchronous(
            model="churn",
            instance_type=text,
            scaling=BacklogScaling(**scaled, backlog_size_per_instance=later),
            max_concurrent_invocations_per_instance=later,
            deployment=Linear(linear_step_size_percent=later, maximum_execution_timeout_seconds=later),
        ),
    ):
        wiring = ("name", "kms_key_arn", "output_s3_uri", "failure_s3_uri", "core_dump_s3_uri")
        assert synth(Endpoint, config(inference, **dict.fromkeys(wiring, text))).addresses


def test_limits_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert model.shape_for("ServerlessMaxConcurrency").metadata == {"min": 1, "max": 200}
    assert model.shape_for("ServerlessMemorySizeInMB").metadata == {"min": 1024, "max": 6144}
    assert model.shape_for("MaxConcurrentInvocationsPerInstance").metadata == {"min": 1, "max": 1000}
    assert model.shape_for("MaximumExecutionTimeoutInSeconds").metadata == {"min": 600, "max": 28800}
    assert model.shape_for("AsyncNotificationTopicTypes").metadata["enum"] == [
        "SUCCESS_NOTIFICATION_TOPIC",
        "ERROR_NOTIFICATION_TOPIC",
    ]


@pytest.mark.parametrize("kind", ["Serverless", "Asynchronous"])
def test_the_readmes_environment_file_says_the_same_as_its_python(kind: str, synth: Synth) -> None:
    text = Path(endpoint.__file__).with_name("README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:yaml|python)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    (in_yaml,) = [block for block in blocks if f"kind: {kind}" in block]
    (in_python,) = [block for block in blocks if f"inference={kind}(" in block]
    made: dict[str, Any] = {}
    synth(lambda stack: exec(in_python, made | {"stack": stack}, made))
    assert from_file(yaml.safe_load(in_yaml)) == made["endpoint"].config.inference


def test_ways_of_rollout_are_told_apart_by_their_kind() -> None:
    for deployment in (AllAtOnce(), Canary(), Linear(), Rolling()):
        read = from_file(
            {
                "kind": "Asynchronous",
                "model": "churn",
                "instance_count": 1,
                "deployment": {"kind": deployment.kind},
            }
        )
        assert isinstance(read, Asynchronous)
        assert read.deployment == deployment
