"""Serving: endpoints, their models and their logs, wired as the environment describes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modules.endpoint import RealTime
from modules.inference_api import Route
from modules.network import ExistingNetwork
from stacks.environment import names, read
from tests.conftest import ROOT
from tests.inventory import Inventory
from tests.stacks.conftest import Stacks, synthesize

ENVIRONMENTS = names(ROOT / "environments")
CONFIGURATION = "aws_sagemaker_endpoint_configuration"


def churn(name: str) -> RealTime:
    """Return what an environment decides about its real-time endpoint."""
    described = read(name, ROOT / "environments").endpoints["churn"]
    assert isinstance(described, RealTime)
    return described


@pytest.mark.parametrize("name", ["local", "prod"])
def test_inventory(name: str, committed: Callable[[str], Stacks], inventory: Inventory) -> None:
    inventory(f"stacks/{name}-serving", committed(name)["serving"])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_traffic_is_split_as_the_environment_says(name: str, committed: Callable[[str], Stacks]) -> None:
    described = churn(name).variants
    made = committed(name)["serving"].one(CONFIGURATION, "churn_endpoint_configuration")[
        "production_variants"
    ]
    assert {one["variant_name"]: one["initial_variant_weight"] for one in made} == {
        variant: decided.weight for variant, decided in described.items()
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_variant_serves_the_model_that_it_names(name: str, committed: Callable[[str], Stacks]) -> None:
    described = churn(name).variants
    made = committed(name)["serving"].one(CONFIGURATION, "churn_endpoint_configuration")[
        "production_variants"
    ]
    for one in made:
        address = f"{described[one['variant_name']].model.replace('-', '_')}_model"
        assert one["model_name"] == f"${{aws_sagemaker_model.{address}.name}}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_logs_of_an_endpoint_are_there_before_it_under_the_key(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    serving = committed(name)["serving"]
    for key in read(name, ROOT / "environments").endpoints:
        endpoint = serving.one("aws_sagemaker_endpoint", f"{key}_endpoint")
        group = serving.one("aws_cloudwatch_log_group", f"{key}_logs")
        assert group["name"] == f"/aws/sagemaker/Endpoints/{endpoint['name']}"
        assert group["kms_key_id"].endswith("aws_kms_key_logs_key_arn}")
        assert group["retention_in_days"] == read(name, ROOT / "environments").log_retention_days
        assert endpoint["depends_on"] == [f"aws_cloudwatch_log_group.{key}_logs"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_volumes_and_captures_are_encrypted_under_the_data_key(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    configuration = committed(name)["serving"].one(CONFIGURATION, "churn_endpoint_configuration")
    for key in (configuration["kms_key_arn"], configuration["data_capture_config"]["kms_key_id"]):
        assert key.endswith("aws_kms_key_data_key_arn}")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_model_that_serverless_endpoints_serve_is_in_no_vpc_and_all_others_are(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    models = committed(name)["serving"].all("aws_sagemaker_model")
    outside = {key for key, model in models.items() if "vpc_config" not in model}
    assert outside == {key for key, model in models.items() if not model["enable_network_isolation"]}
    assert outside == {"churn_backoffice_model"}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_results_go_to_a_bucket_of_their_own_and_each_topic_is_told_of_its_own(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    serving = committed(name)["serving"]
    output = serving.one(CONFIGURATION, "history_endpoint_configuration")["async_inference_config"][
        "output_config"
    ]
    bucket = f"acme-{name}-queue-{read(name, ROOT / 'environments').account_id}"
    assert output["s3_output_path"] == f"s3://{bucket}/history/output"
    assert output["s3_failure_path"] == f"s3://{bucket}/history/failure"
    assert output["kms_key_id"].endswith("aws_kms_key_data_key_arn}")
    assert output["notification_config"] == {
        "success_topic": "${aws_sns_topic_policy.history_success_topic_policy.arn}",
        "error_topic": "${aws_sns_topic_policy.history_error_topic_policy.arn}",
    }
    assert serving.one("aws_sns_topic", "history_success_topic")["name"] == f"acme-{name}-history-success"
    assert serving.one("aws_sns_topic", "history_error_topic")["name"] == f"acme-{name}-history-error"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_callers_of_an_asynchronous_endpoint_find_all_that_they_need(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    parameters = committed(name)["serving"].all("aws_ssm_parameter").values()
    published = {one["name"]: one["insecure_value"] for one in parameters}
    bucket = f"acme-{name}-queue-{read(name, ROOT / 'environments').account_id}"
    path = f"/sagewright/{name}/endpoints/history"
    assert published[f"{path}/input_s3_uri"] == f"s3://{bucket}/history/input/"
    assert published[f"{path}/output_s3_uri"] == f"s3://{bucket}/history/output/"
    assert {f"{path}/success_topic_arn", f"{path}/error_topic_arn"} <= published.keys()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_people_are_told_of_each_endpoint_that_the_environment_does_not_leave_out(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    environment = read(name, ROOT / "environments")
    alarms = committed(name)["serving"].all("aws_cloudwatch_metric_alarm").values()
    told = [alarm for alarm in alarms if "-watch-" in alarm["alarm_name"]]
    names = {alarm["alarm_name"].partition("-watch-")[0] for alarm in told}
    assert names == {f"acme-{name}-{key}" for key in environment.thresholds}
    for alarm in told:
        (topic_arn,) = alarm["alarm_actions"]
        assert topic_arn.endswith(".aws_sns_topic_policy_alarms_policy_arn}")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_dashboard_shows_all_endpoints_and_pipelines_where_there_is_one(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    environment = read(name, ROOT / "environments")
    made = committed(name)["serving"].all("aws_cloudwatch_dashboard")
    assert list(made) == (["dashboard"] if environment.dashboard else [])
    for dashboard in made.values():
        assert dashboard["dashboard_name"] == f"acme-{name}-overview"
        for key in (*environment.endpoints, *environment.pipelines):
            assert f'"acme-{name}-{key}"' in dashboard["dashboard_body"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_off_hours_lower_what_can_be_lowered_outside_production_alone(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    actions = committed(name)["serving"].all("aws_appautoscaling_scheduled_action")
    lowest = {
        key.removesuffix("_off_hours_action"): action["scalable_target_action"]["min_capacity"]
        for key, action in actions.items()
        if key.endswith("_off_hours_action")
    }
    assert (
        lowest
        == {
            "local": {"history_endpoint_AllTraffic": "0"},
            "dev": {"history_endpoint_AllTraffic": "0"},
            "staging": {"churn_endpoint_champion": "1"},
            "prod": {},
        }[name]
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_batch_transform_takes_what_is_put_where_its_users_are_told(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    serving = committed(name)["serving"]
    published = {one["name"]: one["insecure_value"] for one in serving.all("aws_ssm_parameter").values()}
    machine = serving.one("aws_sfn_state_machine", "churn_batch")
    begin = json.loads(machine["definition"])["States"]["Begin"]["Assign"]
    path = f"/sagewright/{name}/batch_transforms/churn"
    assert published[f"{path}/arn"] == "${aws_sfn_state_machine.churn_batch.arn}"
    assert published[f"{path}/input_s3_uri"] == begin["input_s3_uri"]
    assert published[f"{path}/output_s3_uri"] == begin["output_s3_uri"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_jobs_bear_the_tags_that_terraform_gives_to_everything_else(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    serving = committed(name)["serving"]
    (provider,) = serving.document["provider"]["aws"]
    machine = serving.one("aws_sfn_state_machine", "churn_batch")
    request = json.loads(machine["definition"])["States"]["Transform"]["Arguments"]
    assert {tag["Key"]: tag["Value"] for tag in request["Tags"]} == provider["default_tags"][0]["tags"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_buckets_tell_eventbridge_where_a_rule_waits_for_new_data(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    environment, stacks = read(name, ROOT / "environments"), committed(name)
    rules = [
        json.loads(rule["event_pattern"])["detail"]["bucket"]["name"]
        for stack in stacks.values()
        for rule in stack.all("aws_cloudwatch_event_rule").values()
        if '"aws.s3"' in rule["event_pattern"]
    ]
    told = {
        f"acme-{name}-{key.removesuffix('_bucket_notification')}-{environment.account_id}"
        for key in stacks["foundation"].all("aws_s3_bucket_notification")
    }
    assert told == {bucket for (bucket,) in rules}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_monitor_is_made_in_the_network_under_the_key_and_told_of(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    environment, serving = read(name, ROOT / "environments"), committed(name)["serving"]
    schedules = serving.all("aws_sagemaker_monitoring_schedule")
    native = {
        f"{key.replace('-', '_')}_monitor"
        for key, one in environment.monitors.items()
        if one.kind == "DataQuality"
    }
    assert set(schedules) == native
    for definition in serving.all("aws_sagemaker_data_quality_job_definition").values():
        assert definition["data_quality_job_output_config"]["kms_key_id"].endswith(
            "aws_kms_key_data_key_arn}"
        )
        assert definition["network_config"]["vpc_config"]["subnets"]
    machines = {key for key in serving.all("aws_sfn_state_machine") if key.endswith("_monitor")}
    assert len(schedules) + len(machines) == len(environment.monitors)
    published = {one["name"]: one["insecure_value"] for one in serving.all("aws_ssm_parameter").values()}
    for key in environment.monitors:
        bucket = f"acme-{name}-monitors-{environment.account_id}"
        assert published[f"/sagewright/{name}/monitors/{key}/home_s3_uri"] == f"s3://{bucket}/{key}/"
        assert f"/sagewright/{name}/monitors/{key}/arn" in published


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_monitor_goes_before_its_endpoint(name: str, committed: Callable[[str], Stacks]) -> None:
    definition = committed(name)["serving"].one("aws_sagemaker_data_quality_job_definition")
    (source,) = definition["data_quality_job_input"].values()
    assert source["endpoint_name"] == "${aws_sagemaker_endpoint.churn_endpoint.id}"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_drift_starts_the_pipeline_that_names_the_monitor(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    stacks = committed(name)
    rule = stacks["training"].one("aws_cloudwatch_event_rule", "churn_pipeline_drift_trigger")
    (start,) = json.loads(rule["event_pattern"])["detail"]["alarmName"]
    alarms = stacks["serving"].all("aws_cloudwatch_metric_alarm").values()
    assert {one["alarm_name"] for one in alarms if one["alarm_name"].startswith(start["prefix"])} == {
        f"acme-{name}-churn-data-monitor-drift-{feature}" for feature in ("days_since_login", "monthly_spend")
    }


def test_without_an_asynchronous_endpoint_there_is_neither_bucket_nor_topic(tmp_path: Path) -> None:
    environment = read("local", ROOT / "environments")
    stacks = synthesize(
        tmp_path, "local", replace(environment, api=None, endpoints={"churn": environment.endpoints["churn"]})
    )
    assert "queue_bucket" not in stacks["foundation"].all("aws_s3_bucket")
    assert not [topic for topic in stacks["serving"].all("aws_sns_topic") if topic.startswith("history")]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_api_asks_who_calls_and_says_what_it_is_called(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    stack = committed(name)["serving"]
    methods = stack.all("aws_api_gateway_method").values()
    assert methods and "NONE" not in {one["authorization"] for one in methods}
    names = {one["name"] for one in stack.all("aws_ssm_parameter").values()}
    assert {f"/sagewright/{name}/api/id", f"/sagewright/{name}/api/url"} <= names
    assert committed(name)["foundation"].one("aws_api_gateway_account")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_api_reads_and_writes_the_queue_where_its_endpoint_does(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    """What it puts into `input` is read by the model, and by itself, where it remembers what it asked."""
    stack = committed(name)["serving"]
    routes = json.loads(
        stack.one("aws_lambda_function", "api_function")["environment"]["variables"]["ROUTES"]
    )
    bucket = routes["history"]["input_s3_uri"].split("/")[2]
    output = stack.one(CONFIGURATION, "history_endpoint_configuration")["async_inference_config"][
        "output_config"
    ]
    assert routes["history"]["output_s3_uri"] == f"{output['s3_output_path']}/"
    statements = stack.policy("aws_iam_role_policy", "api_function_role_policy")
    for action, folders in (
        ("s3:PutObject", {"input"}),
        ("s3:GetObject", {"failure", "input", "output"}),
    ):
        on = {arn for one in statements if action in one["Action"] for arn in one["Resource"]}
        assert on == {f"arn:aws:s3:::{bucket}/history/{folder}/*" for folder in folders}


def test_a_private_api_is_reached_by_the_networks_own_endpoint(committed: Callable[[str], Stacks]) -> None:
    stacks = committed("staging")
    endpoint = stacks["foundation"].one("aws_vpc_endpoint", "network_execute_api")
    (statement,) = json.loads(endpoint["policy"])["Statement"]
    assert statement["Action"] == ["execute-api:Invoke"]
    assert "Condition" not in statement
    api = stacks["serving"].one("aws_api_gateway_rest_api")
    assert "network_execute_api" in json.dumps(api["endpoint_configuration"]["vpc_endpoint_ids"])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"routes": {"churn": Route(endpoint="other")}},
            "api.routes.churn.endpoint: supply one of the endpoints (backoffice, churn, history), got",
        ),
        (
            {"firewall": None},
            "api.firewall: supply one where production is true and the API is on the internet",
        ),
    ],
)
def test_an_api_that_does_not_fit_is_refused(changes: dict[str, Any], problem: str) -> None:
    environment = read("prod", ROOT / "environments")
    assert environment.api
    with pytest.raises(ValueError, match=re.escape(problem)):
        replace(environment, api=replace(environment.api, **changes))


def test_a_private_api_in_a_network_of_others_names_its_vpc_endpoints() -> None:
    environment = read("staging", ROOT / "environments")
    network = ExistingNetwork(
        vpc_id="vpc-0a1b2c3d4e5f67890",
        subnet_ids=("subnet-0a1b2c3d4e5f67890", "subnet-1a1b2c3d4e5f67890"),
        security_group_ids=("sg-0a1b2c3d4e5f67890",),
    )
    with pytest.raises(ValueError, match=r"api\.access\.vpc_endpoint_ids: supply those for execute-api"):
        replace(environment, network=network)
