"""Batch transform: the job, the state machine that runs it, what starts it, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from modules.batch_transform import (
    LAUNCHING_SERVICES,
    BatchTransform,
    BatchTransformConfig,
    DataProcessing,
    JobRetries,
    ModelClient,
    NewData,
    TransformJob,
    execution,
    launch,
)
from modules.schedule import RetryPolicy, ScheduledStart
from tests.conftest import Synth
from tests.inventory import Inventory
from tests.modules.iam import allowed

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NIGHTLY = ScheduledStart(expression="cron(0 2 * * ? *)", timezone="Europe/Berlin")
JOB = TransformJob(model="churn", schedules={"nightly": NIGHTLY}, new_data=NewData())
CONFIG = BatchTransformConfig(
    name="acme-prod-scoring",
    job=JOB,
    model_names={"churn": "acme-prod-churn-0a1b2c3d"},
    input_s3_uri="s3://acme-prod-transforms/churn/input/",
    output_s3_uri="s3://acme-prod-transforms/churn/output/",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/acme-prod-scoring",
    kms_key_arn=KEY,
    log_group_arn=f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/vendedlogs/states/acme-prod-scoring",
    account_id=ACCOUNT,
    region="eu-west-1",
    launch_role_arn=f"arn:aws:iam::{ACCOUNT}:role/acme-prod-scoring-launch",
    alarm_topic_arns=(f"arn:aws:sns:eu-west-1:{ACCOUNT}:acme-prod-alarms",),
    tags={"Environment": "prod", "CostCenter": "4700"},
)


def states(synth: Synth, job: TransformJob = JOB, **changes: Any) -> dict[str, Any]:
    """Return the states of the state machine that runs a job."""
    stack = synth(BatchTransform, replace(CONFIG, job=job, **changes))
    made: dict[str, Any] = json.loads(stack.one("aws_sfn_state_machine")["definition"])["States"]
    return made


def request(synth: Synth, job: TransformJob = JOB, **changes: Any) -> dict[str, Any]:
    """Return what SageMaker is asked for."""
    asked: dict[str, Any] = states(synth, job, **changes)["Transform"]["Arguments"]
    return asked


def test_a_job_that_starts_by_itself_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/batch_transform", synth(BatchTransform, CONFIG))


def test_by_hand_only_it_is_a_state_machine_and_its_alarms(synth: Synth) -> None:
    config = replace(CONFIG, job=TransformJob(model="churn"), launch_role_arn=None)
    assert synth(BatchTransform, config).addresses == [
        "aws_cloudwatch_metric_alarm.failures",
        "aws_cloudwatch_metric_alarm.timeouts",
        "aws_sfn_state_machine.this",
    ]


def test_by_default_lines_of_csv_are_sent_as_many_as_fit_in_six_megabytes(synth: Synth) -> None:
    assert request(synth) == {
        "TransformJobName": "{% $job %}",
        "ModelName": "acme-prod-churn-0a1b2c3d",
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": 6,
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 600, "InvocationsMaxRetries": 3},
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "{% $input_s3_uri %}"}},
            "ContentType": "text/csv",
            "CompressionType": "None",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": "{% $output_s3_uri & $job %}",
            "Accept": "text/csv",
            "AssembleWith": "Line",
            "KmsKeyId": KEY,
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeKmsKeyId": KEY},
        "Tags": [{"Key": "CostCenter", "Value": "4700"}, {"Key": "Environment", "Value": "prod"}],
    }


FULL = TransformJob(
    model="churn",
    instance_type="ml.c5.2xlarge",
    instance_count=4,
    content_type="application/jsonlines",
    split_type="Line",
    compression_type="Gzip",
    batch_strategy="SingleRecord",
    max_payload_in_mb=25,
    max_concurrent_transforms=4,
    accept="application/jsonlines",
    assemble_with="Line",
    data_processing=DataProcessing(
        input_filter="$.features", join_source="Input", output_filter="$['id','SageMakerOutput']"
    ),
    model_client=ModelClient(invocations_timeout_seconds=120, invocations_max_retries=1),
    environment={"LOG_LEVEL": "WARNING", "BATCH": "1"},
    timeout_seconds=7200,
)


def test_each_decision_reaches_the_job(synth: Synth) -> None:
    asked = request(synth, FULL)
    assert asked["DataProcessing"] == {
        "InputFilter": "$.features",
        "JoinSource": "Input",
        "OutputFilter": "$['id','SageMakerOutput']",
    }
    assert asked["Environment"] == {"BATCH": "1", "LOG_LEVEL": "WARNING"}
    assert asked["ModelClientConfig"] == {"InvocationsTimeoutInSeconds": 120, "InvocationsMaxRetries": 1}
    assert (asked["MaxPayloadInMB"], asked["MaxConcurrentTransforms"]) == (25, 4)
    assert (asked["BatchStrategy"], asked["TransformInput"]["CompressionType"]) == ("SingleRecord", "Gzip")
    assert asked["TransformResources"]["InstanceCount"] == 4
    assert states(synth, FULL)["Transform"]["TimeoutSeconds"] == 7200


@pytest.mark.parametrize("job", [JOB, FULL], ids=["defaults", "all decisions"])
def test_sagemaker_knows_every_member_of_the_request(synth: Synth, job: TransformJob) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTransformJob").input_shape
    assert shape is not None
    assert ParamValidator().validate(request(synth, job), shape).generate_report() == ""


def test_whole_objects_are_sent_where_nothing_is_split(synth: Synth) -> None:
    whole = TransformJob(model="churn", content_type="image/png", split_type="None", batch_strategy=None)
    asked = request(synth, whole)
    assert asked["TransformInput"]["SplitType"] == "None"
    assert "BatchStrategy" not in asked


def test_instances_with_storage_of_their_own_get_no_key_for_it_and_results_do(synth: Synth) -> None:
    asked = request(synth, replace(JOB, instance_type="ml.g5.xlarge"))
    assert "VolumeKmsKeyId" not in asked["TransformResources"]
    assert asked["TransformOutput"]["KmsKeyId"] == KEY


def test_each_try_has_a_name_of_its_own_that_sagemaker_takes(synth: Synth) -> None:
    made = states(synth)
    assert made["Wait"]["Next"] == made["Which"]["Default"] == "Name"
    job = made["Name"]["Assign"]["job"]
    assert "$uuid()" in job
    assert "EnteredTime" in job
    longest = replace(CONFIG, name="n" * 39)
    assert len(f"{longest.name}-20261126010203-1a2b3c4d") == 63


def test_an_event_takes_its_object_and_people_a_part_of_the_input_but_nothing_else(synth: Synth) -> None:
    made = states(synth)
    assert made["Begin"]["Assign"]["input_s3_uri"] == "s3://acme-prod-transforms/churn/input/"
    event, elsewhere, part = made["Which"]["Choices"]
    assert event["Condition"] == "{% $exists($states.input.detail.object.key) %}"
    assert event["Assign"]["input_s3_uri"].endswith("$states.input.detail.object.key %}")
    assert (elsewhere["Next"], made["Elsewhere"]["Error"]) == ("Elsewhere", "InputElsewhere")
    assert "$not($substring($states.input.input_s3_uri" in elsewhere["Condition"]
    assert part["Assign"] == {"input_s3_uri": "{% $states.input.input_s3_uri %}"}


def test_refused_requests_are_repeated_within_bounds(synth: Synth) -> None:
    (retry,) = states(synth)["Transform"]["Retry"]
    assert retry["ErrorEquals"] == ["SageMaker.AmazonSageMakerException", "ThrottlingException"]
    assert (retry["MaxAttempts"], retry["MaxDelaySeconds"], retry["JitterStrategy"]) == (6, 60, "FULL")


def test_only_a_lack_of_capacity_is_waited_for_and_not_for_ever(synth: Synth) -> None:
    retry = JobRetries(throttling_attempts=0, capacity_attempts=5, capacity_interval_seconds=60)
    made = states(synth, replace(JOB, retry=retry))
    assert made["Begin"]["Assign"]["attempts"] == 6
    (again,) = made["Again"]["Choices"]
    assert again["Next"] == "Wait"
    assert again["Condition"].startswith("{% $attempt < $attempts and (")
    assert made["Again"]["Default"] == "Failed"
    assert made["Wait"]["Seconds"] == 60
    assert made["Transform"]["Retry"][0]["MaxAttempts"] == 0


def test_a_job_that_takes_too_long_is_stopped_and_the_execution_fails(synth: Synth) -> None:
    made = states(synth)
    late, _ = made["Transform"]["Catch"]
    assert late == {"ErrorEquals": ["States.Timeout"], "Next": "Stop"}
    assert made["Stop"]["Resource"] == "arn:aws:states:::aws-sdk:sagemaker:stopTransformJob"
    assert made["Stop"]["Next"] == made["Stop"]["Catch"][0]["Next"] == "Late"
    assert made["Late"]["Type"] == "Fail"


def test_new_data_is_what_is_written_under_the_input_of_its_own_account(synth: Synth) -> None:
    job = replace(JOB, new_data=NewData(retry=RetryPolicy(maximum_retry_attempts=2)))
    stack = synth(BatchTransform, replace(CONFIG, job=job))
    rule = stack.one("aws_cloudwatch_event_rule")
    assert rule["name"] == "acme-prod-scoring-new-data"
    assert json.loads(rule["event_pattern"]) == {
        "account": [ACCOUNT],
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["acme-prod-transforms"]},
            "object": {"key": [{"prefix": "churn/input/"}]},
        },
    }
    assert stack.one("aws_cloudwatch_event_target")["retry_policy"]["maximum_retry_attempts"] == 2


def test_a_schedule_takes_all_of_the_input_or_a_part(synth: Synth) -> None:
    part = {"input_s3_uri": "s3://acme-prod-transforms/churn/input/eu/"}
    job = replace(JOB, schedules={"nightly": NIGHTLY, "europe": replace(NIGHTLY, parameters=part)})
    stack = synth(BatchTransform, replace(CONFIG, job=job))
    inputs = {
        name: json.loads(one["target"]["input"]) for name, one in stack.all("aws_scheduler_schedule").items()
    }
    assert inputs == {"nightly_schedule": {}, "europe_schedule": part}


def test_what_terraform_knows_later_is_handed_over_as_it_is(synth: Synth) -> None:
    token = "${aws_sagemaker_model.churn.name}"
    later = "s3://${aws_s3_bucket.transforms.bucket}/in/"
    job = TransformJob(model="churn")
    assert request(synth, job, model_names={"churn": token})["ModelName"] == token
    assert states(synth, job, input_s3_uri=later)["Begin"]["Assign"]["input_s3_uri"] == later


def test_arns_are_written_for_the_partition(synth: Synth) -> None:
    resource = states(synth, partition="aws-us-gov", region="us-gov-west-1")["Transform"]["Resource"]
    assert resource == "arn:aws-us-gov:states:::sagemaker:createTransformJob.sync"


def test_its_role_runs_jobs_of_its_name_and_no_others() -> None:
    statements = execution(CONFIG.name, KEY, "eu-west-1", ACCOUNT)
    jobs = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:transform-job"
    for operation in ("AddTags", "CreateTransformJob", "DescribeTransformJob", "StopTransformJob"):
        assert allowed(statements, f"sagemaker:{operation}", f"{jobs}/acme-prod-scoring-2026", {})
        assert not allowed(statements, f"sagemaker:{operation}", f"{jobs}/acme-prod-other-2026", {})
    rule = f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMakerTransformJobsRule"
    assert allowed(statements, "events:PutTargets", rule, {})
    assert not allowed(statements, "events:PutTargets", rule.replace("StepFunctions", "acme-prod-"), {})
    assert not any(action.startswith("iam:") for statement in statements for action in statement.actions)


def test_its_role_hands_the_key_to_aws_resources_only() -> None:
    statements = execution(CONFIG.name, KEY, "eu-west-1", ACCOUNT)
    assert allowed(statements, "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"})
    assert not allowed(statements, "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"})
    assert allowed(
        statements, "kms:DescribeKey", KEY, {"kms:ViaService": "sagemaker.eu-west-1.amazonaws.com"}
    )
    assert not allowed(statements, "kms:DescribeKey", KEY, {})


def test_who_starts_it_may_do_no_more(synth: Synth) -> None:
    made: list[BatchTransform] = []
    synth(lambda stack: made.append(BatchTransform(stack, "scoring", CONFIG)))
    start = made[0].start()
    machine = f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:acme-prod-scoring"
    assert (start.actions, start.resources) == (("states:StartExecution",), (machine,))
    begin, decrypt = launch(CONFIG.name, JOB.schedules, KEY, "eu-west-1", ACCOUNT)
    assert begin == start
    assert decrypt.actions == ("kms:Decrypt",)
    assert LAUNCHING_SERVICES == ("events.amazonaws.com", "scheduler.amazonaws.com")


ELSEWHERE = {"input_s3_uri": "s3://elsewhere/"}
LATER = "s3://${aws_s3_bucket.transforms.bucket}/in/"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Acme"}, "name: supply a value such as acme-prod-churn, got 'Acme'"),
        ({"name": "a--b"}, "name: supply a value such as acme-prod-churn, got 'a--b'"),
        ({"name": "n" * 40}, "name: supply at most 39 characters, got 40"),
        ({"model_names": {"fraud": "m"}}, "job.model: supply one of fraud, got 'churn'"),
        ({"model_names": {}}, r"job.model: supply one of \(none\), got 'churn'"),
        ({"input_s3_uri": "s3://data/in"}, "input_s3_uri: supply a value such as s3://acme-prod-transforms/"),
        ({"output_s3_uri": "data/out/"}, "output_s3_uri: supply a value such as s3://acme-prod-transforms/"),
        (
            {"output_s3_uri": "s3://acme-prod-transforms/churn/input/results/"},
            "output_s3_uri: supply a prefix outside of input_s3_uri, or results are transformed, too; got ",
        ),
        ({"input_s3_uri": LATER}, "input_s3_uri: supply what is known before the plan with new_data, got "),
        (
            {"job": replace(JOB, schedules={"nightly": replace(NIGHTLY, parameters=ELSEWHERE)})},
            "job.schedules.nightly.parameters.input_s3_uri: supply a part of s3://acme-prod-transforms/churn/"
            "input/, got 's3://elsewhere/'",
        ),
        ({"launch_role_arn": None}, "launch_role_arn: supply the role that schedules and triggers take"),
    ],
)
def test_refused(synth: Synth, change: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=message):
        synth(BatchTransform, replace(CONFIG, **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instance_type": "ml.p5.48xlarge"}, "instance_type: supply an instance type of transform jobs"),
        ({"instance_count": 0}, "instance_count: supply at least 1, got 0"),
        ({"instance_count": 101}, "instance_count: supply at most 100, got 101"),
        ({"content_type": "csv"}, "content_type: supply a value such as text/csv, got 'csv'"),
        ({"content_type": f"text/{'c' * 252}"}, "content_type: supply at most 256 characters, got 257"),
        ({"accept": "csv"}, "accept: supply a value such as text/csv, got 'csv'"),
        ({"accept": f"text/{'c' * 252}"}, "accept: supply at most 256 characters, got 257"),
        (
            {"split_type": "Row"},
            "split_type: supply one of None, Line, RecordIO, TFRecord, got 'Row'",
        ),
        ({"compression_type": "Zip"}, "compression_type: supply one of None, Gzip, got 'Zip'"),
        ({"batch_strategy": "All"}, "batch_strategy: supply one of MultiRecord, SingleRecord, got 'All'"),
        ({"assemble_with": "Comma"}, "assemble_with: supply one of None, Line, got 'Comma'"),
        (
            {"split_type": "None"},
            "batch_strategy: supply nothing, or a split_type other than None, got 'MultiRecord'",
        ),
        (
            {"split_type": "None", "batch_strategy": "SingleRecord"},
            "batch_strategy: supply nothing, or a split_type other than None, got 'SingleRecord'",
        ),
        ({"max_payload_in_mb": -1}, "max_payload_in_mb: supply at least 0, got -1"),
        ({"max_payload_in_mb": 101}, "max_payload_in_mb: supply at most 100, got 101"),
        ({"max_concurrent_transforms": 0}, "max_concurrent_transforms: supply at least 1, got 0"),
        (
            {"max_payload_in_mb": 6, "max_concurrent_transforms": 17},
            r"max_payload_in_mb \* max_concurrent_transforms: supply at most 100, got 102",
        ),
        (
            {"content_type": "image/png", "data_processing": DataProcessing()},
            "content_type: supply one of text/csv, .*, got 'image/png', with data_processing",
        ),
        (
            {"accept": "application/octet-stream", "data_processing": DataProcessing()},
            "accept: supply one of text/csv, .*, got 'application/octet-stream', with data_processing",
        ),
        (
            {"environment": {f"V{number}": "" for number in range(17)}},
            "environment: number of variables: supply at most 16, got 17",
        ),
        ({"environment": {"1ST": ""}}, "environment: name: supply a value such as LOG_LEVEL, got '1ST'"),
        ({"environment": {"V" * 1025: ""}}, "environment: name: supply at most 1024 characters, got 1025"),
        ({"environment": {"V": "v" * 10241}}, "environment.V: supply at most 10240 characters, got 10241"),
        (
            {"environment": {"V": "{% $states.input %}"}},
            "environment.V: supply a text, got an expression: ",
        ),
        ({"timeout_seconds": 59}, "timeout_seconds: supply at least 60, got 59"),
        ({"timeout_seconds": 31_536_001}, "timeout_seconds: supply at most 31536000, got 31536001"),
        (
            {"schedules": {"Nightly": NIGHTLY}},
            "schedules: name: supply a value such as nightly, got 'Nightly'",
        ),
        ({"schedules": {"n" * 25: NIGHTLY}}, "schedules: name: supply at most 24 characters, got 25"),
        ({"schedules": {"new-data": NIGHTLY}}, "schedules: name: supply another than new-data, which events"),
        (
            {"schedules": {"nightly": replace(NIGHTLY, parameters={"rows": 5})}},
            "schedules.nightly.parameters: supply input_s3_uri or nothing, got 'rows'",
        ),
    ],
)
def test_a_job_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(JOB, **change)


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (DataProcessing, {"input_filter": "features"}, r"input_filter: supply a value such as \$\[1:\]"),
        (DataProcessing, {"input_filter": "$" * 64}, "input_filter: supply at most 63 characters, got 64"),
        (DataProcessing, {"output_filter": "id"}, r"output_filter: supply a value such as \$\[0,-1\]"),
        (DataProcessing, {"output_filter": "$" * 64}, "output_filter: supply at most 63 characters, got 64"),
        (DataProcessing, {"join_source": "Output"}, "join_source: supply one of None, Input, got 'Output'"),
        (ModelClient, {"invocations_timeout_seconds": 0}, "seconds: supply at least 1, got 0"),
        (ModelClient, {"invocations_timeout_seconds": 3601}, "seconds: supply at most 3600, got 3601"),
        (ModelClient, {"invocations_max_retries": -1}, "retries: supply at least 0, got -1"),
        (ModelClient, {"invocations_max_retries": 4}, "retries: supply at most 3, got 4"),
        (JobRetries, {"throttling_attempts": -1}, "throttling_attempts: supply at least 0, got -1"),
        (JobRetries, {"throttling_attempts": 21}, "throttling_attempts: supply at most 20, got 21"),
        (JobRetries, {"capacity_attempts": -1}, "capacity_attempts: supply at least 0, got -1"),
        (JobRetries, {"capacity_attempts": 101}, "capacity_attempts: supply at most 100, got 101"),
        (JobRetries, {"capacity_interval_seconds": 59}, "interval_seconds: supply at least 60, got 59"),
        (JobRetries, {"capacity_interval_seconds": 86401}, "interval_seconds: supply at most 86400, got"),
    ],
)
def test_a_decision_is_refused(make: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**change)
