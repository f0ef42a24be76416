"""Monitors: what is compared with what, who is told of drift, what goes first, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from modules.endpoint import DataCapture, Endpoint, EndpointConfig, RealTime, Serverless, Variant
from modules.model_monitor import (
    LAUNCHING_SERVICES,
    BatchCapture,
    Bias,
    DataQuality,
    EndpointCapture,
    Explainability,
    ModelMonitor,
    ModelMonitorConfig,
    ModelQuality,
    Scheduled,
    ScheduledMonitor,
    ScheduledMonitorConfig,
    ask_model,
    execution,
    job,
    launch,
)
from modules.model_monitor.definition import discounts
from modules.schedule import ScheduledStart
from tests.conftest import Synth
from tests.inventory import Inventory
from tests.modules.iam import allowed

ACCOUNT = "111122223333"
REGION = "eu-west-1"
HERE = {"region": REGION, "account_id": ACCOUNT}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:acme-prod-alarms"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/acme-prod-churn-monitor"
REGISTRY = "468650794304.dkr.ecr.eu-west-1.amazonaws.com"
ANALYZER = f"{REGISTRY}/sagemaker-model-monitor-analyzer"
CLARIFY = "131013547314.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-clarify-processing:1.0"
CHURN = RealTime(
    variants={"champion": Variant(model="churn", instance_count=2)},
    data_capture=DataCapture(capture_requests=True),
)
DATA = DataQuality(
    image=ANALYZER,
    source=EndpointCapture(endpoint="churn"),
    baseline="v4",
    drift={"monthly_spend": 0.1, "days_since_login": 0.2},
)
CONFIG = ModelMonitorConfig(
    name="acme-prod-churn-data",
    monitor=DATA,
    home_s3_uri="s3://acme-prod-monitors/churn-data/",
    role_arn=ROLE,
    kms_key_arn=KEY,
    subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"),
    security_group_ids=("sg-0a1b2c3d",),
    endpoints={"churn": CHURN, "quiet": replace(CHURN, data_capture=None)},
    endpoint_ids={"churn": "acme-prod-churn", "quiet": "acme-prod-quiet"},
    alarm_topic_arns=(TOPIC,),
)
DEFINITION = "aws_sagemaker_data_quality_job_definition"
SCHEDULE = "aws_sagemaker_monitoring_schedule"
ALARM = "aws_cloudwatch_metric_alarm"

DAILY = {"daily": ScheduledStart(expression="cron(0 5 * * ? *)", timezone="Europe/Berlin")}
QUALITY = ModelQuality(
    image=ANALYZER,
    merger_image=f"{REGISTRY}/sagemaker-model-monitor-groundtruth-merger",
    endpoint="churn",
    variant="champion",
    baseline="v4",
    problem_type="BinaryClassification",
    probability_attribute="0",
    probability_threshold_attribute=0.5,
    schedules=DAILY,
)
BIAS = Bias(
    image=CLARIFY,
    headers=("churned", "predicted", "gender", "monthly_spend"),
    label="churned",
    label_values=(0,),
    predicted_label="predicted",
    facet="gender",
    facet_values=("f",),
    limits={"DPPL": 0.1, "CI": 0.3},
    schedules=DAILY,
)
EXPLAINED = Explainability(
    image=CLARIFY,
    model="churn",
    attributions={"monthly_spend": 0.3, "days_since_login": 0.5},
    schedules=DAILY,
)
SCHEDULED = ScheduledMonitorConfig(
    name="acme-prod-churn-bias",
    monitor=BIAS,
    home_s3_uri="s3://acme-prod-monitors/churn-bias/",
    job_role_arn=ROLE,
    role_arn=f"{ROLE}-run",
    launch_role_arn=f"{ROLE}-launch",
    kms_key_arn=KEY,
    log_group_arn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vendedlogs/states/acme-prod-churn-bias",
    subnet_ids=("subnet-0a1b2c3d", "subnet-1a2b3c4d"),
    security_group_ids=("sg-0a1b2c3d",),
    endpoints=CONFIG.endpoints,
    endpoint_names={"churn": "acme-prod-churn", "quiet": "acme-prod-quiet"},
    capture_s3_uri="s3://acme-prod-captures/churn",
    model_names={"churn": "acme-prod-churn-0a1b2c3d"},
    alarm_topic_arns=(TOPIC,),
    tags={"Environment": "prod", "CostCenter": "4700"},
    **HERE,
)
MONITORS: dict[str, Scheduled] = {"model quality": QUALITY, "bias": BIAS, "explainability": EXPLAINED}
of_each_kind = pytest.mark.parametrize("monitor", MONITORS.values(), ids=MONITORS)


def states(synth: Synth, monitor: Scheduled) -> dict[str, Any]:
    """Return the states of the state machine that runs a monitor."""
    stack = synth(ScheduledMonitor, replace(SCHEDULED, monitor=monitor))
    made: dict[str, Any] = json.loads(stack.one("aws_sfn_state_machine")["definition"])["States"]
    return made


def test_data_quality_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/model_monitor", synth(ModelMonitor, CONFIG))


def test_bias_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/model_monitor_scheduled", synth(ScheduledMonitor, SCHEDULED))


def test_by_default_a_job_is_isolated_in_the_vpc_and_all_that_it_stores_is_encrypted(synth: Synth) -> None:
    made = synth(ModelMonitor, CONFIG).one(DEFINITION)
    assert made["network_config"] == {
        "enable_inter_container_traffic_encryption": True,
        "enable_network_isolation": True,
        "vpc_config": {
            "security_group_ids": ["sg-0a1b2c3d"],
            "subnets": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
        },
    }
    assert made["job_resources"]["cluster_config"]["volume_kms_key_id"] == KEY
    assert made["data_quality_job_output_config"]["kms_key_id"] == KEY
    assert made["stopping_condition"] == {"max_runtime_in_seconds": 3600}


def test_instances_with_storage_of_their_own_get_no_key_for_it_and_reports_do(synth: Synth) -> None:
    made = synth(ModelMonitor, replace(CONFIG, monitor=replace(DATA, instance_type="ml.g4dn.xlarge"))).one(
        DEFINITION
    )
    assert "volume_kms_key_id" not in made["job_resources"]["cluster_config"]
    assert made["data_quality_job_output_config"]["kms_key_id"] == KEY


def test_the_baseline_is_a_folder_of_the_monitors_home(synth: Synth) -> None:
    baseline = synth(ModelMonitor, CONFIG).one(DEFINITION)["data_quality_baseline_config"]
    home = "s3://acme-prod-monitors/churn-data/baselines/v4"
    assert baseline["constraints_resource"]["s3_uri"] == f"{home}/constraints.json"
    assert baseline["statistics_resource"]["s3_uri"] == f"{home}/statistics.json"


def test_a_schedule_goes_before_its_endpoint_is_replaced(synth: Synth) -> None:
    def build(stack: Any) -> None:
        endpoint = Endpoint(
            stack,
            "churn",
            EndpointConfig(
                name="acme-prod-churn",
                model_names={"churn": "acme-prod-churn-0a1b2c3d"},
                kms_key_arn=KEY,
                inference=CHURN,
                data_capture_s3_uri="s3://acme-prod-captures/churn",
            ),
        )
        config = replace(CONFIG, endpoint_ids={"churn": endpoint.outputs.id})
        ModelMonitor(stack, "monitor", config)

    stack = synth(build)
    # The id of an endpoint, not its name: it is unknown while the endpoint is replaced, and so replaces
    # the definition, which replaces the schedule. Nothing is created before it is destroyed.
    (source,) = stack.one(DEFINITION)["data_quality_job_input"].values()
    assert source["endpoint_name"] == "${aws_sagemaker_endpoint.churn.id}"
    assert "lifecycle" not in stack.one(DEFINITION)
    assert stack.one(SCHEDULE)["lifecycle"] == {
        "replace_triggered_by": ["aws_sagemaker_data_quality_job_definition.monitor_definition.id"]
    }
    config = stack.one(SCHEDULE)["monitoring_schedule_config"]
    assert config["monitoring_job_definition_name"] == "${" + f"{DEFINITION}.monitor_definition.name" + "}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (BatchCapture(s3_uri="s3://b/captured", header=True), {"csv": {"header": True}}),
        (BatchCapture(s3_uri="s3://b/captured", dataset_format="Json"), {"json": {"line": False}}),
        (BatchCapture(s3_uri="s3://b/captured", dataset_format="JsonLines"), {"json": {"line": True}}),
    ],
    ids=["CSV", "JSON", "JSON lines"],
)
def test_what_transform_jobs_capture_is_monitored_as_well(
    synth: Synth, source: BatchCapture, expected: dict[str, Any]
) -> None:
    stack = synth(ModelMonitor, replace(CONFIG, monitor=replace(DATA, source=source)))
    made = stack.one(DEFINITION)["data_quality_job_input"]["batch_transform_input"]
    assert made["data_captured_destination_s3_uri"] == "s3://b/captured"
    assert made["dataset_format"] == expected
    alarm = stack.one(ALARM, "monthly_spend_drift")
    assert alarm["namespace"] == "aws/sagemaker/ModelMonitoring/data-metrics"
    assert alarm["dimensions"] == {"MonitoringSchedule": "acme-prod-churn-data"}


def test_each_feature_that_drifts_is_told_of_and_no_numbers_are_no_drift(synth: Synth) -> None:
    alarms = synth(ModelMonitor, CONFIG).all(ALARM)
    assert set(alarms) == {"days_since_login_drift", "monthly_spend_drift", "silence"}
    alarm = alarms["monthly_spend_drift"]
    assert alarm["alarm_name"] == "acme-prod-churn-data-drift-monthly_spend"
    assert alarm["namespace"] == "aws/sagemaker/Endpoints/data-metrics"
    assert alarm["metric_name"] == "feature_baseline_drift_monthly_spend"
    assert alarm["dimensions"] == {
        "Endpoint": "acme-prod-churn",
        "MonitoringSchedule": "acme-prod-churn-data",
    }
    assert (alarm["threshold"], alarm["treat_missing_data"]) == (0.1, "notBreaching")
    assert alarm["alarm_actions"] == [TOPIC]


def test_silence_is_told_of_and_starts_no_training(synth: Synth) -> None:
    alarm = synth(ModelMonitor, CONFIG).one(ALARM, "silence")
    assert not alarm["alarm_name"].startswith("acme-prod-churn-data-drift-")
    assert (alarm["period"], alarm["evaluation_periods"]) == (3600, 48)
    assert (alarm["comparison_operator"], alarm["threshold"]) == ("LessThanThreshold", 0)
    assert alarm["treat_missing_data"] == "breaching"
    quiet = replace(CONFIG, monitor=replace(DATA, silence_hours=None))
    assert "silence" not in synth(ModelMonitor, quiet).all(ALARM)
    assert synth(ModelMonitor, replace(CONFIG, monitor=replace(DATA, drift={}))).all(ALARM) == {}


def test_who_reads_a_monitor_may_do_nothing_else(synth: Synth) -> None:
    made: list[ModelMonitor] = []
    synth(lambda stack: made.append(ModelMonitor(stack, "monitor", CONFIG)))
    assert all(action.split(":")[1].startswith(("Describe", "List")) for action in made[0].read().actions)


@of_each_kind
def test_sagemaker_and_cloudwatch_know_every_member_of_the_requests(synth: Synth, monitor: Scheduled) -> None:
    session, made = botocore.session.get_session(), states(synth, monitor)
    jobs = [one for one in made.values() if "createProcessingJob" in one.get("Resource", "")]
    shape = session.get_service_model("sagemaker").operation_model("CreateProcessingJob").input_shape
    assert shape is not None
    assert len(jobs) == (2 if monitor is QUALITY else 1)
    for one in jobs:
        assert ParamValidator().validate(one["Arguments"], shape).generate_report() == ""
    shape = session.get_service_model("cloudwatch").operation_model("PutMetricData").input_shape
    assert shape is not None
    told = made["Tell"]["Arguments"]
    numbers = [{**one, "Value": 0.0} for one in told["MetricData"]]
    assert ParamValidator().validate({**told, "MetricData": numbers}, shape).generate_report() == ""


@of_each_kind
def test_each_job_is_in_the_vpc_encrypted_stopped_in_time_and_tagged(
    synth: Synth, monitor: Scheduled
) -> None:
    for state in states(synth, monitor).values():
        if "createProcessingJob" not in state.get("Resource", ""):
            continue
        asked = state["Arguments"]
        assert asked["NetworkConfig"]["VpcConfig"]["Subnets"] == ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]
        assert asked["NetworkConfig"]["EnableNetworkIsolation"] is (monitor is not EXPLAINED)
        assert asked["ProcessingOutputConfig"]["KmsKeyId"] == KEY
        assert asked["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == KEY
        assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
        assert asked["Tags"] == [
            {"Key": "CostCenter", "Value": "4700"},
            {"Key": "Environment", "Value": "prod"},
        ]


@of_each_kind
def test_each_number_that_is_put_is_watched(synth: Synth, monitor: Scheduled) -> None:
    stack = synth(ScheduledMonitor, replace(SCHEDULED, monitor=monitor))
    told = states(synth, monitor)["Tell"]["Arguments"]
    alarms = [one for name, one in stack.all(ALARM).items() if name.endswith("_drift")]
    assert {one["metric_name"] for one in alarms} == {one["MetricName"] for one in told["MetricData"]}
    assert {one["namespace"] for one in alarms} == {told["Namespace"]} == {"acme-prod-churn-bias"}
    assert all(one["alarm_name"].startswith("acme-prod-churn-bias-drift-") for one in alarms)
    assert all("dimensions" not in one or one["dimensions"] == {} for one in alarms)


def test_the_truth_is_merged_with_the_responses_of_one_variant_and_the_same_day(synth: Synth) -> None:
    made = states(synth, QUALITY)
    truth, responses = (one["S3Input"] for one in made["Merge"]["Arguments"]["ProcessingInputs"])
    assert truth["S3Uri"] == "{% $home & 'ground-truth/' & $day %}"
    assert responses["S3Uri"] == "{% 's3://acme-prod-captures/churn/acme-prod-churn/champion/' & $day %}"
    assert responses["LocalPath"] == (
        "{% '/opt/ml/processing/input_data/acme-prod-churn/champion/' & $day %}"
    )
    constraints, merged = (one["S3Input"] for one in made["Analyze"]["Arguments"]["ProcessingInputs"])
    assert constraints["S3Uri"] == "s3://acme-prod-monitors/churn-bias/baselines/v4/constraints.json"
    output = made["Merge"]["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
    assert merged["S3Uri"] == output["S3Uri"]
    environment = made["Analyze"]["Arguments"]["Environment"]
    assert environment["problem_type"] == "BinaryClassification"
    assert environment["probability_attribute"] == "0"
    assert environment["probability_threshold_attribute"] == "0.5"
    assert "inference_attribute" not in environment


def test_clarify_is_told_what_to_look_for_and_no_more(synth: Synth) -> None:
    described = json.loads(states(synth, BIAS)["Describe"]["Arguments"]["Body"])
    assert described["methods"] == {
        "pre_training_bias": {"methods": ["CI"]},
        "post_training_bias": {"methods": ["DPPL"]},
        "report": {"name": "report"},
    }
    assert described["facet"] == [{"name_or_index": "gender", "value_or_threshold": ["f"]}]
    assert (described["label"], described["predicted_label"]) == ("churned", "predicted")
    assert "predictor" not in described


def test_clarify_asks_the_model_by_an_endpoint_of_its_own(synth: Synth) -> None:
    described = json.loads(states(synth, replace(EXPLAINED, num_samples=50))["Describe"]["Arguments"]["Body"])
    assert described["predictor"]["model_name"] == "acme-prod-churn-0a1b2c3d"
    assert described["predictor"]["endpoint_name_prefix"] == "acme-prod-churn-bias"
    assert described["headers"] == ["monthly_spend", "days_since_login"]
    assert described["methods"]["shap"]["num_samples"] == 50


def test_ranks_that_stay_are_as_similar_as_can_be_and_those_of_two_that_change_places_are_not() -> None:
    first, second = discounts(EXPLAINED)
    assert math.isclose(0.5 * first + 0.3 * second, 1)
    assert 0.3 * first + 0.5 * second < EXPLAINED.ndcg_limit


def test_the_day_is_that_which_a_person_names_or_the_one_before(synth: Synth) -> None:
    made = states(synth, replace(BIAS, age_days=3))
    assert "- 259200000, '[Y0001]/[M01]/[D01]'" in made["Begin"]["Assign"]["day"]
    none, named = made["Which"]["Choices"]
    assert (none["Next"], made["NoDay"]["Error"]) == ("NoDay", "NoDay")
    assert named["Assign"] == {"day": "{% $states.input.day %}"}


def test_each_job_has_a_name_of_its_own_that_sagemaker_takes(synth: Synth) -> None:
    named = states(synth, QUALITY)["Name"]["Assign"]
    assert all("$uuid()" in one for one in named.values())
    longest = replace(SCHEDULED, name="n" * 39)
    assert len(f"{longest.name}-20261126010203-1a2b3c4d") == 63


def test_the_state_machine_runs_its_own_jobs_with_the_role_of_the_jobs(synth: Synth) -> None:
    statements = execution("acme-prod-churn-bias", "acme-prod-churn-monitor", KEY, **HERE)
    jobs = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job"
    assert allowed(statements, "sagemaker:CreateProcessingJob", f"{jobs}/acme-prod-churn-bias-2026", {})
    assert not allowed(statements, "sagemaker:CreateProcessingJob", f"{jobs}/acme-prod-fraud-2026", {})
    for service, may in (("sagemaker", True), ("lambda", False)):
        context = {"iam:PassedToService": f"{service}.amazonaws.com"}
        assert allowed(statements, "iam:PassRole", ROLE, context) is may
    for namespace, may in (("acme-prod-churn-bias", True), ("AWS/SageMaker", False)):
        context = {"cloudwatch:namespace": namespace}
        assert allowed(statements, "cloudwatch:PutMetricData", "*", context) is may


def test_jobs_put_numbers_of_monitoring_alone() -> None:
    for namespace, may in (("aws/sagemaker/Endpoints/data-metrics", True), ("AWS/EC2", False)):
        context = {"cloudwatch:namespace": namespace}
        assert allowed([job("acme-prod-churn-data")], "cloudwatch:PutMetricData", "*", context) is may


def test_clarify_makes_and_asks_no_other_endpoint() -> None:
    statements = ask_model("acme-prod-churn-why", "acme-prod-churn-*", **HERE)
    home = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint"
    for action in ("CreateEndpoint", "DeleteEndpoint", "InvokeEndpoint"):
        assert allowed(statements, f"sagemaker:{action}", f"{home}/acme-prod-churn-why-1a2b", {})
        assert not allowed(statements, f"sagemaker:{action}", f"{home}/acme-prod-churn", {})


def test_schedules_may_start_it_and_do_no_more() -> None:
    begin, decrypt = launch("acme-prod-churn-bias", DAILY, KEY, **HERE)
    assert (begin.actions, decrypt.actions) == (("states:StartExecution",), ("kms:Decrypt",))
    assert LAUNCHING_SERVICES == ("events.amazonaws.com", "scheduler.amazonaws.com")


@pytest.mark.parametrize(
    "expression",
    ["cron(0 * ? * * *)", "cron(0 0 ? * * *)", "cron(0 23 ? * * *)", "cron(0 17/12 ? * * *)"],
)
def test_the_expressions_that_sagemaker_documents_are_taken(expression: str) -> None:
    assert replace(DATA, schedule_expression=expression).schedule_expression == expression


@pytest.mark.parametrize(
    "expression",
    [
        "NOW",
        "rate(1 hour)",
        "cron(30 * ? * * *)",
        "cron(0 24 ? * * *)",
        "cron(0 4 ? * MON *)",
        "cron(0 4 * * ? *)",
        "cron(0 0/25 ? * * *)",
        "cron(0 0/0 ? * * *)",
        "cron(0 */2 ? * * *)",
    ],
)
def test_every_other_expression_is_refused(expression: str) -> None:
    with pytest.raises(
        ValueError, match=r"schedule_expression: supply a value such as cron\(0 4 \? \* \* \*"
    ):
        replace(DATA, schedule_expression=expression)


@pytest.mark.parametrize(
    ("decision", "changes", "problem"),
    [
        (DATA, {"image": "analyzer"}, "image: supply a value such as 048819808253"),
        (DATA, {"image": f"{REGISTRY}/{'a' * 250}"}, "image: supply at most 255 characters"),
        (DATA, {"instance_type": "ml.inf2.xlarge"}, "instance_type: supply an instance type of processing"),
        (DATA, {"instance_count": 0}, "instance_count: supply at least 1, got 0"),
        (DATA, {"instance_count": 101}, "instance_count: supply at most 100, got 101"),
        (DATA, {"volume_size_in_gb": 0}, "volume_size_in_gb: supply at least 1, got 0"),
        (DATA, {"volume_size_in_gb": 513}, "volume_size_in_gb: supply at most 512, got 513"),
        (DATA, {"max_runtime_seconds": 59}, "max_runtime_seconds: supply at least 60, got 59"),
        (DATA, {"max_runtime_seconds": 3601}, "max_runtime_seconds: supply at most 3600, got 3601"),
        (DATA, {"baseline": "v4/"}, "baseline: supply a value such as v4, got 'v4/'"),
        (DATA, {"drift": {"a b": 0.1}}, "drift: name: supply a value such as monthly_spend, got 'a b'"),
        (DATA, {"drift": {"a": 0}}, "drift.a: supply at least 0.001, got 0"),
        (DATA, {"drift": {"a": 1.1}}, "drift.a: supply at most 1, got 1.1"),
        (DATA, {"silence_hours": 0}, "silence_hours: supply at least 1, got 0"),
        (DATA, {"silence_hours": 169}, "silence_hours: supply at most 168, got 169"),
        (BIAS, {"max_runtime_seconds": 86401}, "max_runtime_seconds: supply at most 86400, got 86401"),
        (BIAS, {"age_days": -1}, "age_days: supply at least 0, got -1"),
        (BIAS, {"age_days": 91}, "age_days: supply at most 90, got 91"),
        (BIAS, {"schedules": {}}, "schedules: supply at least one, got none"),
        (BIAS, {"schedules": {"every_day": DAILY["daily"]}}, "schedules: name: supply a value such as daily"),
        (BIAS, {"schedules": {"d" * 25: DAILY["daily"]}}, "schedules: name: supply at most 24 characters"),
        (
            BIAS,
            {"schedules": {"daily": replace(DAILY["daily"], parameters={"hour": 1})}},
            "schedules.daily.parameters: supply day or nothing, got 'hour'",
        ),
        (
            BIAS,
            {"schedules": {"daily": replace(DAILY["daily"], parameters={"day": "yesterday"})}},
            "schedules.daily.parameters.day: supply a value such as 2030/01/31, got 'yesterday'",
        ),
        (BIAS, {"headers": ("a", "a")}, "headers: supply each once, got 'a' twice"),
        (BIAS, {"label": "left"}, "label: supply one of churned, predicted, gender, .*, got 'left'"),
        (BIAS, {"facet": "churned"}, "label, predicted_label, facet: supply each once, got 'churned' twice"),
        (BIAS, {"label_values": ()}, "label_values: supply at least one, got none"),
        (BIAS, {"facet_values": ()}, "facet_values: supply at least one, got none"),
        (BIAS, {"limits": {}}, "limits: supply at least one, got none"),
        (BIAS, {"limits": {"DI": 0.8}}, "limits: metric: supply one of CI, .*, got 'DI'"),
        (BIAS, {"limits": {"CI": -0.1}}, "limits.CI: supply at least 0, got -0.1"),
        (QUALITY, {"merger_image": "merger"}, "merger_image: supply a value such as 048819808253"),
        (QUALITY, {"baseline": ""}, "baseline: supply a value such as v4, got ''"),
        (
            QUALITY,
            {"problem_type": "Guess"},
            "problem_type: supply one of BinaryClassification, .*, got 'Guess'",
        ),
        (
            QUALITY,
            {"probability_attribute": None},
            "inference_attribute, probability_attribute: supply at least one, got none",
        ),
        (
            QUALITY,
            {"problem_type": "Regression", "probability_threshold_attribute": None},
            "probability_attribute: supply none for Regression, got '0'",
        ),
        (
            QUALITY,
            {"problem_type": "MulticlassClassification"},
            "probability_threshold_attribute: supply none for MulticlassClassification, got 0.5",
        ),
        (
            QUALITY,
            {"probability_threshold_attribute": 1.5},
            "probability_threshold_attribute: supply at most 1, got 1.5",
        ),
        (
            QUALITY,
            {"probability_threshold_attribute": -0.5},
            "probability_threshold_attribute: supply at least 0, got -0.5",
        ),
        (EXPLAINED, {"attributions": {}}, "attributions: supply at least one, got none"),
        (EXPLAINED, {"attributions": {"a": 0}}, "attributions: supply a feature that counts, got none"),
        (EXPLAINED, {"attributions": {"a b": 1}}, "attributions: feature: supply a value such as monthly"),
        (EXPLAINED, {"ndcg_limit": 0}, "ndcg_limit: supply at least 0.001, got 0"),
        (EXPLAINED, {"ndcg_limit": 1.1}, "ndcg_limit: supply at most 1, got 1.1"),
        (EXPLAINED, {"num_samples": 0}, "num_samples: supply at least 1, got 0"),
        (EXPLAINED, {"shadow_instance_type": "m5"}, "shadow_instance_type: supply a SageMaker hosting"),
        (EXPLAINED, {"shadow_instance_count": 0}, "shadow_instance_count: supply at least 1, got 0"),
        (EXPLAINED, {"shadow_instance_count": 11}, "shadow_instance_count: supply at most 10, got 11"),
        (
            EXPLAINED,
            {"enable_network_isolation": True},
            "enable_network_isolation: supply false, since the container asks the model, got true",
        ),
    ],
)
def test_a_decision_that_would_fail_at_night_is_refused(
    decision: Any, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        replace(decision, **changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"s3_uri": "s3://b/*"},
            r"s3_uri: supply a value such as s3://acme-prod-transforms/captured, got 's3",
        ),
        ({"s3_uri": f"s3://{'b' * 510}"}, "s3_uri: supply at most 512 characters, got 515"),
        ({"dataset_format": "Parquet"}, "dataset_format: supply one of Csv, Json, JsonLines, got 'Parquet'"),
        ({"dataset_format": "Json", "header": True}, "header: supply false for Json, got true"),
    ],
)
def test_what_is_no_batch_capture_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        replace(BatchCapture(s3_uri="s3://b/captured"), **changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Churn"}, "name: supply a value such as acme-prod-churn-data, got 'Churn'"),
        ({"name": "c" * 64}, "name: supply at most 63 characters, got 64"),
        (
            {"home_s3_uri": "s3://b/a"},
            "home_s3_uri: supply a value such as s3://acme-prod-monitors/churn-data/",
        ),
        ({"home_s3_uri": f"s3://b1/{'a' * 400}/"}, "home_s3_uri: supply at most 400 characters, got 409"),
        ({"subnet_ids": ()}, "subnet_ids: supply at least one, got none"),
        ({"security_group_ids": ()}, "security_group_ids: supply at least one, got none"),
        ({"endpoints": {}}, r"monitor.source.endpoint: supply one of \(none\), got 'churn'"),
        (
            {"monitor": replace(DATA, source=EndpointCapture(endpoint="quiet"))},
            "monitor.source.endpoint: supply an endpoint of kind RealTime with data_capture, got 'quiet'",
        ),
        (
            {"endpoints": {"churn": Serverless(model="churn", max_concurrency=5)}},
            "monitor.source.endpoint: supply an endpoint of kind RealTime with data_capture, got 'churn'",
        ),
    ],
)
def test_a_monitor_of_data_that_nobody_captures_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        replace(CONFIG, **changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Churn"}, "name: supply a value such as acme-prod-churn-bias, got 'Churn'"),
        ({"name": "c" * 40}, "name: supply at most 39 characters, got 40"),
        ({"home_s3_uri": "${b}"}, "home_s3_uri: supply what is known before the plan, got '.{b}'"),
        (
            {"home_s3_uri": "s3://b/a"},
            "home_s3_uri: supply a value such as s3://acme-prod-monitors/churn-bias/",
        ),
        ({"home_s3_uri": f"s3://b1/{'a' * 400}/"}, "home_s3_uri: supply at most 400 characters, got 409"),
        ({"subnet_ids": ()}, "subnet_ids: supply at least one, got none"),
        ({"security_group_ids": ()}, "security_group_ids: supply at least one, got none"),
        (
            {"monitor": replace(QUALITY, endpoint="quiet")},
            "monitor.endpoint: supply an endpoint of kind RealTime with data_capture, got 'quiet'",
        ),
        (
            {"monitor": replace(QUALITY, variant="winner")},
            "monitor.variant: supply one of champion, got 'winner'",
        ),
        (
            {"monitor": QUALITY, "endpoint_names": {}},
            "endpoint_names: supply the name of churn, got none",
        ),
        (
            {"monitor": QUALITY, "capture_s3_uri": None},
            "capture_s3_uri: supply where the endpoint captures, got none",
        ),
        (
            {"monitor": QUALITY, "capture_s3_uri": "s3://b/churn/"},
            "capture_s3_uri: supply a value such as s3://acme-prod-captures/churn, got 's3://b/churn/'",
        ),
        (
            {"monitor": replace(EXPLAINED, model="fraud")},
            "monitor.model: supply one of churn, got 'fraud'",
        ),
    ],
)
def test_a_scheduled_monitor_without_what_it_needs_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        replace(SCHEDULED, **changes)
