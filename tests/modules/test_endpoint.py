"""Endpoint: encryption, rollout, scaling, capture, and what is refused."""

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
    Canary,
    DataCapture,
    Endpoint,
    EndpointConfig,
    Inference,
    Linear,
    RealTime,
    Rollback,
    Rolling,
    Scaling,
    ScheduledAction,
    Step,
    Variant,
    watch_rollback_alarms,
)
from tests.conftest import Synth, Synthesized
from tests.inventory import Inventory

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SCALING = Scaling(min_capacity=2, max_capacity=6, invocations_per_instance_per_minute=600)
STEPS = (
    Step(invocations_per_instance_per_minute=1200, scaling_adjustment=1),
    Step(invocations_per_instance_per_minute=2400, scaling_adjustment=3),
)
NIGHT = ScheduledAction(
    schedule="cron(0 20 ? * MON-FRI *)", timezone="Europe/Berlin", min_capacity=1, max_capacity=2
)
CHAMPION = Variant(model="churn", weight=90, scaling=SCALING)
CHALLENGER = Variant(model="churn-next", weight=10, instance_count=1)
REAL_TIME = RealTime(
    variants={"champion": CHAMPION, "challenger": CHALLENGER},
    data_capture=DataCapture(initial_sampling_percentage=20),
)
CONFIG = EndpointConfig(
    name="acme-dev-churn",
    model_names={"churn": "acme-dev-churn-0a1b2c3d", "churn-next": "acme-dev-churn-next-4e5f6a7b"},
    kms_key_arn=KEY,
    inference=REAL_TIME,
    data_capture_s3_uri="s3://acme-dev-capture/churn",
)


def with_variants(**variants: Variant) -> EndpointConfig:
    """Return the same endpoint with other variants."""
    return replace(CONFIG, inference=replace(REAL_TIME, variants=variants))


def production_variants(synthesized: Synthesized) -> dict[str, dict[str, Any]]:
    """Return the production variants by name."""
    listed = synthesized.one("aws_sagemaker_endpoint_configuration")["production_variants"]
    return {variant["variant_name"]: variant for variant in listed}


def from_file(decisions: object) -> Inference:
    """Read decisions as an environment file is read."""
    return TypeAdapter(Inference).validate_json(json.dumps(decisions))


def test_an_endpoint_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/endpoint", synth(Endpoint, CONFIG))


def test_addresses_are_made_of_the_construct_ids_and_the_variants_names(synth: Synth) -> None:
    assert synth(lambda stack: Endpoint(stack, "churn", CONFIG)).addresses == [
        "aws_appautoscaling_policy.churn_champion_invocations",
        "aws_appautoscaling_target.churn_champion_scaling",
        "aws_cloudwatch_metric_alarm.churn_errors",
        "aws_cloudwatch_metric_alarm.churn_latency",
        "aws_cloudwatch_metric_alarm.churn_model_errors",
        "aws_sagemaker_endpoint.churn",
        "aws_sagemaker_endpoint_configuration.churn_configuration",
        "terraform_data.churn_champion_instance_type",
    ]


def test_addresses_stay_when_variants_are_written_in_another_order(synth: Synth) -> None:
    other_order = with_variants(challenger=CHALLENGER, champion=CHAMPION)
    assert synth(Endpoint, other_order).document == synth(Endpoint, CONFIG).document


def test_a_new_configuration_is_made_before_the_old_one_goes(synth: Synth) -> None:
    configuration = synth(Endpoint, CONFIG).one("aws_sagemaker_endpoint_configuration")
    assert configuration["lifecycle"] == {"create_before_destroy": True}
    assert configuration["name_prefix"] == "acme-dev-churn-"
    assert "name" not in configuration


@pytest.mark.parametrize("length", [36, 37, 63])
def test_the_configurations_name_fits_however_long_the_endpoints_is(synth: Synth, length: int) -> None:
    prefix = synth(Endpoint, replace(CONFIG, name="e" * length)).one("aws_sagemaker_endpoint_configuration")[
        "name_prefix"
    ]
    assert prefix == "e" * 36 + "-"


def test_a_cut_name_does_not_end_with_two_hyphens(synth: Synth) -> None:
    name = "e" * 35 + "-" + "e" * 20
    configuration = synth(Endpoint, replace(CONFIG, name=name)).one("aws_sagemaker_endpoint_configuration")
    assert configuration["name_prefix"] == "e" * 35 + "-"


def test_storage_and_captured_data_are_encrypted_with_the_key(synth: Synth) -> None:
    configuration = synth(Endpoint, CONFIG).one("aws_sagemaker_endpoint_configuration")
    assert configuration["kms_key_arn"] == KEY
    assert configuration["data_capture_config"]["kms_key_id"] == KEY


def test_instances_that_all_store_on_nvme_get_no_volume_key(synth: Synth) -> None:
    gpu = Variant(model="churn", instance_type="ml.g5.xlarge", instance_count=1)
    configuration = synth(Endpoint, with_variants(a=gpu, b=gpu)).one("aws_sagemaker_endpoint_configuration")
    assert "kms_key_arn" not in configuration
    assert configuration["data_capture_config"]["kms_key_id"] == KEY


def test_a_type_that_terraform_knows_later_stores_as_its_neighbour_does(synth: Synth) -> None:
    later = Variant(model="churn", instance_type="${var.instance_type}", instance_count=1)
    gpu = replace(later, instance_type="ml.g5.xlarge")
    on_nvme = synth(Endpoint, with_variants(a=gpu, b=later)).one("aws_sagemaker_endpoint_configuration")
    assert "kms_key_arn" not in on_nvme
    on_ebs = synth(Endpoint, with_variants(a=CHALLENGER, b=later)).one("aws_sagemaker_endpoint_configuration")
    assert on_ebs["kms_key_arn"] == KEY


def test_responses_are_captured_and_requests_are_not(synth: Synth) -> None:
    capture = synth(Endpoint, CONFIG).one("aws_sagemaker_endpoint_configuration")["data_capture_config"]
    assert capture["capture_options"] == [{"capture_mode": "Output"}]
    assert capture["initial_sampling_percentage"] == 20
    assert capture["destination_s3_uri"] == "s3://acme-dev-capture/churn"


def test_requests_are_captured_where_that_is_decided(synth: Synth) -> None:
    both = replace(REAL_TIME, data_capture=DataCapture(capture_requests=True))
    made = synth(Endpoint, replace(CONFIG, inference=both)).one("aws_sagemaker_endpoint_configuration")
    assert made["data_capture_config"]["capture_options"] == [
        {"capture_mode": "Input"},
        {"capture_mode": "Output"},
    ]


def test_nothing_is_captured_unless_it_is_asked_for(synth: Synth) -> None:
    silent = replace(CONFIG, inference=replace(REAL_TIME, data_capture=None))
    assert "data_capture_config" not in synth(Endpoint, silent).one("aws_sagemaker_endpoint_configuration")


def test_weights_are_integers(synth: Synth) -> None:
    variants = production_variants(synth(Endpoint, CONFIG))
    weights = {name: variant["initial_variant_weight"] for name, variant in variants.items()}
    assert weights == {"champion": 90, "challenger": 10}
    assert all(isinstance(weight, int) for weight in weights.values())


def test_each_variant_serves_the_model_that_it_names(synth: Synth) -> None:
    variants = production_variants(synth(Endpoint, CONFIG))
    assert variants["champion"]["model_name"] == "acme-dev-churn-0a1b2c3d"
    assert variants["challenger"]["model_name"] == "acme-dev-churn-next-4e5f6a7b"


def test_a_scaled_variant_starts_with_its_fewest_instances(synth: Synth) -> None:
    synthesized = synth(Endpoint, CONFIG)
    target = synthesized.one("aws_appautoscaling_target")
    assert (
        production_variants(synthesized)["champion"]["initial_instance_count"] == target["min_capacity"] == 2
    )
    assert target["max_capacity"] == 6


def test_requests_go_to_the_least_busy_instance(synth: Synth) -> None:
    variant = production_variants(synth(Endpoint, CONFIG))["champion"]
    assert variant["routing_config"] == [{"routing_strategy": "LEAST_OUTSTANDING_REQUESTS"}]


def test_scaling_follows_the_invocations_per_instance(synth: Synth) -> None:
    policy = synth(Endpoint, CONFIG).one("aws_appautoscaling_policy")
    assert policy["policy_type"] == "TargetTrackingScaling"
    assert policy["target_tracking_scaling_policy_configuration"] == {
        "predefined_metric_specification": {
            "predefined_metric_type": "SageMakerVariantInvocationsPerInstance"
        },
        "target_value": 600,
        "scale_in_cooldown": 300,
        "scale_out_cooldown": 300,
    }


def test_only_variants_with_scaling_are_scaled(synth: Synth) -> None:
    assert list(synth(Endpoint, CONFIG).all("aws_appautoscaling_target")) == ["champion_scaling"]


def test_a_scaling_target_waits_for_the_endpoint_and_is_replaced_with_it_or_its_instance_type(
    synth: Synth,
) -> None:
    synthesized = synth(Endpoint, CONFIG)
    target = synthesized.one("aws_appautoscaling_target")
    assert target["resource_id"] == "endpoint/${aws_sagemaker_endpoint.this.name}/variant/champion"
    assert target["lifecycle"] == {
        "replace_triggered_by": ["aws_sagemaker_endpoint.this.id", "terraform_data.champion_instance_type.id"]
    }
    revision = synthesized.one("terraform_data", "champion_instance_type")
    assert revision["triggers_replace"] == {"instance_type": "ml.m5.large"}


def test_a_scaling_policy_goes_with_its_target(synth: Synth) -> None:
    policy = synth(Endpoint, CONFIG).one("aws_appautoscaling_policy")
    assert policy["lifecycle"] == {"replace_triggered_by": ["aws_appautoscaling_target.champion_scaling.id"]}


def test_a_rollout_moves_all_traffic_at_once_and_is_taken_back_by_alarms(synth: Synth) -> None:
    assert synth(Endpoint, CONFIG).one("aws_sagemaker_endpoint")["deployment_config"] == {
        "blue_green_update_policy": {
            "termination_wait_in_seconds": 120,
            "traffic_routing_configuration": {"type": "ALL_AT_ONCE", "wait_interval_in_seconds": 300},
        },
        "auto_rollback_configuration": {
            "alarms": [
                {"alarm_name": "${aws_cloudwatch_metric_alarm.errors.alarm_name}"},
                {"alarm_name": "${aws_cloudwatch_metric_alarm.latency.alarm_name}"},
                {"alarm_name": "${aws_cloudwatch_metric_alarm.model_errors.alarm_name}"},
            ]
        },
    }


def test_an_apply_fails_when_sagemaker_takes_the_rollout_back(synth: Synth) -> None:
    (postcondition,) = synth(Endpoint, CONFIG).one("aws_sagemaker_endpoint")["lifecycle"]["postcondition"]
    assert postcondition["condition"] == (
        "${self.endpoint_config_name == aws_sagemaker_endpoint_configuration.configuration.name}"
    )


def test_the_alarms_of_a_rollout_are_the_same_whatever_the_variants_are(synth: Synth) -> None:
    def deployment(**variants: Variant) -> tuple[object, object]:
        synthesized = synth(Endpoint, with_variants(**variants))
        alarms = synthesized.all("aws_cloudwatch_metric_alarm")
        names = {id_: alarm["alarm_name"] for id_, alarm in alarms.items()}
        return names, synthesized.one("aws_sagemaker_endpoint")["deployment_config"]

    assert deployment(a=CHALLENGER) == deployment(b=CHAMPION, c=CHALLENGER, d=CHALLENGER)


def test_the_alarms_watch_every_variant_of_the_new_fleet_alone(synth: Synth) -> None:
    errors = synth(Endpoint, CONFIG).one("aws_cloudwatch_metric_alarm", "errors")
    expression, *metrics = errors["metric_query"]
    assert expression["expression"] == "SUM(FILL(METRICS(), 0))"
    assert [query["metric"]["dimensions"] for query in metrics] == [
        {
            "EndpointName": "acme-dev-churn",
            "EndpointConfigName": "${aws_sagemaker_endpoint_configuration.configuration.name}",
            "VariantName": name,
        }
        for name in ("challenger", "champion")
    ]


def test_silence_takes_no_rollout_back(synth: Synth) -> None:
    alarms = synth(Endpoint, CONFIG).all("aws_cloudwatch_metric_alarm").values()
    assert {alarm["treat_missing_data"] for alarm in alarms} == {"notBreaching"}


def test_latency_is_compared_in_milliseconds_though_sagemaker_counts_microseconds(synth: Synth) -> None:
    slow = replace(
        CONFIG, inference=replace(REAL_TIME, rollback=Rollback(model_latency_p99_milliseconds=800))
    )
    latency = synth(Endpoint, slow).one("aws_cloudwatch_metric_alarm", "latency")
    assert latency["metric_query"][0]["expression"] == "MAX(FILL(METRICS(), 0)) / 1000"
    assert latency["threshold"] == 800
    assert latency["metric_query"][1]["metric"]["stat"] == "p99"


def test_the_models_role_may_look_at_exactly_the_alarms_that_there_are(synth: Synth) -> None:
    (statement,) = watch_rollback_alarms(
        "acme-dev-churn", REAL_TIME, region="eu-west-1", account_id="111122223333"
    )
    alarms = synth(Endpoint, CONFIG).all("aws_cloudwatch_metric_alarm").values()
    assert statement.actions == ("cloudwatch:DescribeAlarms",)
    assert set(statement.resources) == {
        f"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{alarm['alarm_name']}" for alarm in alarms
    }


def test_a_caller_is_granted_this_endpoint_only(synth: Synth) -> None:
    made: list[Endpoint] = []
    synth(lambda stack: made.append(Endpoint(stack, "churn", CONFIG)))
    statement = made[0].invoke()
    assert statement.actions == ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream")
    assert statement.resources == (made[0].outputs.arn,)


def test_tags_come_from_the_provider_alone(synth: Synth) -> None:
    resources = synth(Endpoint, CONFIG).document["resource"]
    assert not [name for named in resources.values() for name, body in named.items() if "tags" in body]


def test_values_that_terraform_knows_later_pass(synth: Synth) -> None:
    text, number = Token.as_string({"Ref": "text"}), Token.as_number({"Ref": "number"})
    later = Variant(
        model="churn",
        instance_type=text,
        weight=number,  # type: ignore[arg-type]
        volume_size_gb=number,  # type: ignore[arg-type]
        scaling=Scaling(
            min_capacity=number,  # type: ignore[arg-type]
            max_capacity=number,  # type: ignore[arg-type]
            invocations_per_instance_per_minute=number,  # type: ignore[arg-type]
        ),
    )
    config = EndpointConfig(
        name=text,
        model_names={"churn": text},
        kms_key_arn=text,
        data_capture_s3_uri=text,
        inference=RealTime(
            variants={"champion": later},
            data_capture=DataCapture(initial_sampling_percentage=number),  # type: ignore[arg-type]
            rollback=Rollback(model_latency_p99_milliseconds=number),  # type: ignore[arg-type]
        ),
    )
    assert len(synth(Endpoint, config).addresses) == 8


def test_limits_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert model.shape_for("ProductionVariantList").metadata["max"] == 10
    assert model.shape_for("EndpointName").metadata["max"] == 63
    assert model.shape_for("VariantName").metadata["max"] == 63
    assert model.shape_for("DestinationS3Uri").metadata["max"] == 512
    assert model.shape_for("ProductionVariantVolumeSizeInGB").metadata == {"min": 1, "max": 512}
    for shape in ("ModelDataDownload", "ContainerStartupHealthCheck"):
        assert model.shape_for(f"ProductionVariant{shape}TimeoutInSeconds").metadata == {
            "min": 60,
            "max": 3600,
        }
    for shape in ("WaitInterval", "TerminationWait"):
        assert model.shape_for(f"{shape}InSeconds").metadata == {"min": 0, "max": 3600}


def test_decisions_are_read_from_a_file_as_they_stand() -> None:
    read = from_file(
        {
            "kind": "RealTime",
            "variants": {
                "champion": {
                    "model": "churn",
                    "weight": 90,
                    "scaling": {
                        "min_capacity": 2,
                        "max_capacity": 6,
                        "invocations_per_instance_per_minute": 600,
                    },
                },
                "challenger": {"model": "churn-next", "weight": 10, "instance_count": 1},
            },
            "data_capture": {"initial_sampling_percentage": 20},
        }
    )
    assert read == CONFIG.inference


def test_the_readmes_environment_file_says_the_same_as_its_python() -> None:
    text = Path(endpoint.__file__).with_name("README.md").read_text(encoding="utf-8")
    in_yaml, *_ = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert from_file(yaml.safe_load(in_yaml)) == CONFIG.inference


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({"model": "churn", "instance_count": "1"}, "valid integer"),
        ({"model": "churn", "instance_count": 1, "weight": 0.9}, "valid integer"),
        ({"model": "churn", "instance_count": 1, "colour": "red"}, "Unexpected keyword"),
        ({"instance_count": 1}, "Field required"),
    ],
    ids=["a number as text", "a weight with a fraction", "an unknown key", "a variant without a model"],
)
def test_decisions_in_a_file_are_refused(variant: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        from_file({"kind": "RealTime", "variants": {"champion": variant}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instance_type": "m5.large"}, "instance_type: supply a SageMaker hosting instance type"),
        ({"instance_count": 0}, "instance_count: supply at least 1, got 0"),
        ({"instance_count": None}, "instance_count, scaling: supply one of them, got none"),
        ({"scaling": SCALING}, "instance_count, scaling: supply one of them, got both"),
        (
            {"instance_count": None, "scaling": SCALING, "instance_type": "ml.t2.medium"},
            "scaling: supply an instance_type that is not burstable, got 'ml.t2.medium'",
        ),
        ({"weight": -1}, "weight: supply at least 0, got -1"),
        ({"weight": 0.9}, "weight: supply an integer such as 90, got 0.9"),
        (
            {"routing_strategy": "ROUND_ROBIN"},
            "routing_strategy: supply one of LEAST_OUTSTANDING_REQUESTS, RANDOM",
        ),
        ({"volume_size_gb": 0}, "volume_size_gb: supply at least 1, got 0"),
        ({"volume_size_gb": 513}, "volume_size_gb: supply at most 512, got 513"),
        (
            {"instance_type": "ml.inf1.xlarge"},
            "instance_type: supply one of another family, since SageMaker rolls this one out",
        ),
        (
            {"volume_size_gb": 30, "instance_type": "ml.g5.xlarge"},
            "volume_size_gb: supply none, since ml.g5.xlarge stores on local NVMe; got 30",
        ),
        (
            {"model_data_download_timeout_seconds": 59},
            "model_data_download_timeout_seconds: supply at least 60",
        ),
        (
            {"model_data_download_timeout_seconds": 3601},
            "model_data_download_timeout_seconds: supply at most 3600",
        ),
        (
            {"container_startup_health_check_timeout_seconds": 59},
            "container_startup_health_check_timeout_seconds: supply at least 60",
        ),
        (
            {"container_startup_health_check_timeout_seconds": 3601},
            "container_startup_health_check_timeout_seconds: supply at most 3600",
        ),
    ],
    ids=[
        "an instance type that is not SageMaker's",
        "no instance",
        "neither a number of instances nor scaling",
        "both a number of instances and scaling",
        "a burstable type with scaling",
        "a weight below zero",
        "a weight with a fraction",
        "a way of routing that there is not",
        "a volume of nothing",
        "a volume that is too large",
        "a type whose rollouts are not guarded",
        "a volume beside local NVMe",
        "a download that may not take a minute",
        "a download that may take more than an hour",
        "a start that may not take a minute",
        "a start that may take more than an hour",
    ],
)
def test_a_variant_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CHALLENGER, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_capacity": 0}, "min_capacity: supply at least 1, got 0"),
        ({"max_capacity": 1}, "max_capacity: supply at least 2, got 1"),
        (
            {"invocations_per_instance_per_minute": 0},
            "invocations_per_instance_per_minute: supply at least 1",
        ),
        ({"scale_in_cooldown_seconds": -1}, "scale_in_cooldown_seconds: supply at least 0, got -1"),
        ({"scale_out_cooldown_seconds": -1}, "scale_out_cooldown_seconds: supply at least 0, got -1"),
        (
            {"steps": (Step(invocations_per_instance_per_minute=599, scaling_adjustment=1),)},
            "steps: invocations_per_instance_per_minute: supply at least 600, got 599",
        ),
        (
            {"steps": STEPS[::-1]},
            "steps: supply them from the lowest load to the highest, got 2400, 1200",
        ),
        (
            {"steps": STEPS[:1] * 2},
            "steps: invocations_per_instance_per_minute: supply each once, got 1200 twice",
        ),
        (
            {"scheduled_actions": {"at_night": NIGHT}},
            "scheduled_actions: name: supply a value such as off-hours, got 'at_night'",
        ),
        (
            {"scheduled_actions": {"night": replace(NIGHT, min_capacity=0)}},
            "scheduled_actions.night.min_capacity: supply at least 1, got 0",
        ),
    ],
    ids=[
        "no instance at all",
        "a maximum below the minimum",
        "no invocations to aim at",
        "a negative rest after removal",
        "a negative rest after addition",
        "a step below the average that is held",
        "steps in another order",
        "two steps at one load",
        "a name of an action with an underscore",
        "no instance at night",
    ],
)
def test_scaling_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SCALING, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "change", "message"),
    [
        (
            DataCapture(),
            {"initial_sampling_percentage": 0},
            "initial_sampling_percentage: supply at least 1, got 0",
        ),
        (
            DataCapture(),
            {"initial_sampling_percentage": 101},
            "initial_sampling_percentage: supply at most 100",
        ),
        (
            Rollback(),
            {"invocation_5xx_errors_per_minute": 0},
            "invocation_5xx_errors_per_minute: supply at least 1",
        ),
        (
            Rollback(),
            {"model_latency_p99_milliseconds": 0},
            "model_latency_p99_milliseconds: supply at least 1",
        ),
        (
            Rollback(),
            {"model_latency_p99_milliseconds": 3_600_001},
            "model_latency_p99_milliseconds: supply at most 3600000",
        ),
        (
            Rollback(),
            {"invocation_model_errors_per_minute": 0},
            "invocation_model_errors_per_minute: supply at least 1",
        ),
        (
            Step(invocations_per_instance_per_minute=1, scaling_adjustment=1),
            {"invocations_per_instance_per_minute": 0},
            "invocations_per_instance_per_minute: supply at least 1, got 0",
        ),
        (
            Step(invocations_per_instance_per_minute=1, scaling_adjustment=1),
            {"scaling_adjustment": 0},
            "scaling_adjustment: supply at least 1, got 0",
        ),
        (NIGHT, {"schedule": "0 20 * * *"}, "schedule: supply a value such as cron"),
        (NIGHT, {"timezone": "Berlin time"}, "timezone: supply a value such as Europe/Berlin"),
        (NIGHT, {"timezone": "Europe/" + "B" * 50}, "timezone: supply at most 50 characters, got 57"),
        (NIGHT, {"min_capacity": -1}, "min_capacity: supply at least 0, got -1"),
        (NIGHT, {"max_capacity": 0}, "max_capacity: supply at least 1, got 0"),
        (Canary(), {"canary_size_percent": 0}, "canary_size_percent: supply at least 1, got 0"),
        (Canary(), {"canary_size_percent": 51}, "canary_size_percent: supply at most 50, got 51"),
        (
            Canary(),
            {"maximum_execution_timeout_seconds": 720},
            "maximum_execution_timeout_seconds: supply more than 720, which is waited; got 720",
        ),
        (Linear(), {"linear_step_size_percent": 9}, "linear_step_size_percent: supply at least 10, got 9"),
        (Linear(), {"linear_step_size_percent": 51}, "linear_step_size_percent: supply at most 50, got 51"),
        (
            Linear(linear_step_size_percent=30),
            {"maximum_execution_timeout_seconds": 1320},
            "maximum_execution_timeout_seconds: supply more than 1320, which is waited; got 1320",
        ),
        (
            Rolling(),
            {"maximum_batch_size_percent": 4},
            "maximum_batch_size_percent: supply at least 5, got 4",
        ),
        (Rolling(), {"maximum_batch_size_percent": 51}, "maximum_batch_size_percent: supply at most 50"),
        (
            Rolling(),
            {"rollback_maximum_batch_size_percent": 4},
            "rollback_maximum_batch_size_percent: supply at least 5, got 4",
        ),
        (
            Rolling(),
            {"rollback_maximum_batch_size_percent": 101},
            "rollback_maximum_batch_size_percent: supply at most 100, got 101",
        ),
        (Rolling(), {"wait_interval_seconds": 3601}, "wait_interval_seconds: supply at most 3600, got 3601"),
        (
            Rolling(),
            {"maximum_execution_timeout_seconds": 599},
            "maximum_execution_timeout_seconds: supply at least 600, got 599",
        ),
        (
            AllAtOnce(),
            {"maximum_execution_timeout_seconds": 28_801},
            "maximum_execution_timeout_seconds: supply at most 28800, got 28801",
        ),
        (AllAtOnce(), {"wait_interval_seconds": -1}, "wait_interval_seconds: supply at least 0, got -1"),
        (
            AllAtOnce(),
            {"wait_interval_seconds": 3601},
            "wait_interval_seconds: supply at most 3600, got 3601",
        ),
        (
            AllAtOnce(),
            {"termination_wait_seconds": -1},
            "termination_wait_seconds: supply at least 0, got -1",
        ),
        (
            AllAtOnce(),
            {"termination_wait_seconds": 3601},
            "termination_wait_seconds: supply at most 3600, got 3601",
        ),
    ],
    ids=[
        "a capture of nothing",
        "a capture of more than everything",
        "a rollback without an error",
        "a rollback without any latency",
        "a latency that no request reaches",
        "a rollback without a model's error",
        "a step that is always taken",
        "a step that adds nothing",
        "a schedule that AWS does not read",
        "a time zone with a space",
        "a time zone that is too long",
        "fewer than no instances",
        "an action whose maximum is below its minimum",
        "a canary of nothing",
        "a canary of more than half",
        "a canary that takes longer than it may",
        "steps of traffic that are too small",
        "steps of traffic that are too large",
        "steps of traffic that take longer than they may",
        "a batch that is too small",
        "a batch that is too large",
        "a batch back that is too small",
        "a batch back that is too large",
        "a wait after a batch that is too long",
        "a rollout that may not take ten minutes",
        "a rollout that may take more than eight hours",
        "a negative wait for the alarms",
        "a wait for the alarms that is too long",
        "a negative wait for the old fleet",
        "a wait for the old fleet that is too long",
    ],
)
def test_a_decision_is_refused(made: Any, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(made, **change)


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({}, "variants: supply at least one, got none"),
        ({f"v{i}": CHALLENGER for i in range(11)}, "variants: number of variants: supply at most 10, got 11"),
        ({"the_champion": CHALLENGER}, "variants: name: supply a value such as champion, got 'the_champion'"),
        ({"a--b": CHALLENGER}, "variants: name: supply a value such as champion, got 'a--b'"),
        ({"v" * 64: CHALLENGER}, "variants: name: supply at most 63 characters, got 64"),
        (
            {"a": replace(CHALLENGER, weight=0), "b": replace(CHALLENGER, weight=0)},
            "variants: supply a weight above 0 for at least one, got 0 for all",
        ),
        (
            {"a": replace(CHALLENGER, instance_type="ml.g5.xlarge"), "b": CHALLENGER},
            "variants: supply instance types that all store on local NVMe, which takes no volume key, or "
            "none that does, got ml.g5.xlarge, ml.m5.large",
        ),
    ],
    ids=[
        "no variant",
        "more variants than SageMaker takes",
        "a variant's name with an underscore",
        "a variant's name with two hyphens in a row",
        "a variant's name that is too long",
        "weights that are all zero",
        "a mix of types with and without a volume key",
    ],
)
def test_real_time_inference_is_refused(variants: dict[str, Variant], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RealTime(variants=variants)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "acme_churn"}, "name: supply a value such as acme-dev-churn, got 'acme_churn'"),
        ({"name": "e" * 64}, "name: supply at most 63 characters, got 64"),
        ({"kms_key_arn": "aws/sagemaker"}, "kms_key_arn: supply a value such as arn:aws:kms:"),
        (
            {"model_names": {"churn": "a"}},
            "inference.variants.challenger.model: supply one of the models churn, got 'churn-next'",
        ),
        (
            {"data_capture_s3_uri": None},
            "data_capture_s3_uri: supply where responses are captured to, got none",
        ),
        (
            {"data_capture_s3_uri": "bucket/capture"},
            "data_capture_s3_uri: supply a value such as s3://bucket",
        ),
        ({"data_capture_s3_uri": f"s3://{'b' * 512}"}, "data_capture_s3_uri: supply at most 512 characters"),
    ],
    ids=[
        "a name with an underscore",
        "a name that is too long",
        "a key without its ARN",
        "a variant of a model that there is not",
        "a capture to nowhere",
        "a capture to what is no S3 address",
        "a capture to an address that is too long",
    ],
)
def test_an_endpoint_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_every_problem_of_an_object_is_told_at_once() -> None:
    with pytest.raises(ValueError) as refusal:
        replace(SCALING, min_capacity=0, invocations_per_instance_per_minute=0)
    assert len(str(refusal.value).splitlines()) == 2
