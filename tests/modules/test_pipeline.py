"""Pipeline: its definition, what starts it, who may, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modules.pipeline import (
    LAUNCHING_SERVICES,
    Drift,
    EventPattern,
    ModelPackageApproved,
    ModelPackageRejected,
    NewData,
    Pipeline,
    PipelineConfig,
    Trigger,
    launch,
)
from modules.role import Services
from modules.schedule import ScheduledStart
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"
ARN = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:pipeline/acme-prod-churn"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:acme-prod-starts"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:acme-prod-alarms"
TOKEN = "${aws_iam_role.steps.arn}"

PARAMETERS: list[dict[str, Any]] = [
    {"Name": "InputData", "Type": "String"},
    {"Name": "Epochs", "Type": "Integer", "DefaultValue": 1},
    {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Spot", "Type": "Boolean", "DefaultValue": True},
    {"Name": "Approval", "Type": "String", "DefaultValue": "Pending", "EnumValues": ["Pending", "Approved"]},
]
PREPARE: dict[str, Any] = {
    "Name": "Prepare",
    "Type": "Processing",
    "Arguments": {"ProcessingInputs": [{"S3Uri": {"Get": "Parameters.InputData"}}]},
    "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}],
}
TRAIN: dict[str, Any] = {
    "Name": "Train",
    "Type": "Training",
    "DependsOn": ["Prepare"],
    "Arguments": {
        "HyperParameters": {"epochs": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}}}
    },
}
CHECK: dict[str, Any] = {
    "Name": "Check",
    "Type": "Condition",
    "Arguments": {
        "Conditions": [
            {
                "Type": "LessThan",
                "LeftValue": {
                    "Std:JsonGet": {
                        "PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Report"},
                        "Path": "x",
                    }
                },
                "RightValue": 1,
            }
        ],
        "IfSteps": [
            {
                "Name": "Register",
                "Type": "RegisterModel",
                "Arguments": {"Model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}},
            }
        ],
        "ElseSteps": [{"Name": "GiveUp", "Type": "Fail", "Arguments": {"ErrorMessage": "${HOME} 5 %{x}"}}],
    },
}


def definition(**members: Any) -> str:
    whole = {"Version": "2020-12-01", "Parameters": PARAMETERS, "Steps": [PREPARE, TRAIN, CHECK], **members}
    return json.dumps(whole)


CONFIG = PipelineConfig(
    name="acme-prod-churn",
    definition=definition(),
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/acme-prod-churn-pipeline",
    account_id=ACCOUNT,
    region="eu-west-1",
    description="Trains the churn model",
    parameters={"Epochs": 5},
    max_parallel_execution_steps=8,
    schedules={"nightly": ScheduledStart(expression="rate(1 day)", parameters={"InputData": "s3://d/churn"})},
    triggers={
        "new-data": NewData(bucket="data", prefix="raw/", parameters={"InputData": "$.detail.object.key"}),
        "rejected": ModelPackageRejected(group="churn", parameters={"InputData": "s3://d/churn"}),
    },
    launch_role_arn=f"arn:aws:iam::{ACCOUNT}:role/acme-prod-churn-launch",
    kms_key_arn=KEY,
    dead_letter_arn=QUEUE,
    bucket_names={"data": "acme-prod-data"},
    model_package_group_names={"churn": "acme-prod-churn"},
    monitor_names={"churn-data": "acme-prod-churn-data"},
    alarm_topic_arns=(TOPIC,),
)
ALONE = replace(CONFIG, schedules={}, triggers={}, launch_role_arn=None, kms_key_arn=None)


def test_a_pipeline_that_starts_by_itself_is_what_the_inventory_says(
    synth: Synth, inventory: Inventory
) -> None:
    inventory("modules/pipeline", synth(Pipeline, CONFIG))


def test_a_pipeline_that_people_start_is_a_pipeline_and_an_alarm(synth: Synth) -> None:
    assert synth(Pipeline, ALONE).addresses == [
        "aws_cloudwatch_metric_alarm.failures",
        "aws_sagemaker_pipeline.this",
    ]


def live(synth: Synth, config: PipelineConfig) -> str:
    text: str = synth(Pipeline, config).one("aws_sagemaker_pipeline")["pipeline_definition"]
    return text


def test_default_values_are_put_in_place_of_the_definitions_own(synth: Synth) -> None:
    config = replace(ALONE, parameters={"InputData": TOKEN, "Epochs": 5})
    parameters = json.loads(live(synth, config))["Parameters"]
    assert {one["Name"]: one.get("DefaultValue") for one in parameters} == {
        "InputData": TOKEN,
        "Epochs": 5,
        "Rate": 0.5,
        "Spot": True,
        "Approval": "Pending",
    }


def test_the_same_content_gives_the_same_text_however_it_is_written(synth: Synth) -> None:
    spread = json.dumps(json.loads(CONFIG.definition), indent=4)
    assert live(synth, replace(ALONE, definition=spread)) == live(synth, ALONE)


def test_terraform_takes_what_a_step_says_to_its_shell_as_it_is(synth: Synth) -> None:
    assert "$${HOME} 5 %%{x}" in live(synth, ALONE)


def test_tokens_in_the_definition_and_a_definition_that_is_one_pass(synth: Synth) -> None:
    inside = definition(Steps=[step(Arguments={"RoleArn": TOKEN})])
    assert TOKEN in live(synth, replace(ALONE, definition=inside))
    whole = "${file(var.path)}"
    assert live(synth, replace(ALONE, definition=whole, parameters={})) == whole


def test_it_is_shown_under_its_name_unless_it_has_another(synth: Synth) -> None:
    def shown(config: PipelineConfig) -> str:
        name: str = synth(Pipeline, config).one("aws_sagemaker_pipeline")["pipeline_display_name"]
        return name

    assert shown(ALONE) == "acme-prod-churn"
    assert shown(replace(ALONE, display_name="Churn")) == "Churn"


def test_one_failed_execution_raises_the_alarm_and_silence_does_not(synth: Synth) -> None:
    alarm = synth(Pipeline, CONFIG).one("aws_cloudwatch_metric_alarm")
    assert (alarm["namespace"], alarm["metric_name"]) == (
        "AWS/Sagemaker/ModelBuildingPipeline",
        "ExecutionFailed",
    )
    assert alarm["dimensions"] == {"PipelineName": "${aws_sagemaker_pipeline.this.pipeline_name}"}
    assert (alarm["statistic"], alarm["threshold"], alarm["treat_missing_data"]) == ("Sum", 1, "notBreaching")
    assert alarm["alarm_actions"] == [TOPIC]


@pytest.mark.parametrize(
    ("trigger", "pattern"),
    [
        (
            NewData(bucket="data", prefix="raw/"),
            {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": ["acme-prod-data"]}, "object": {"key": [{"prefix": "raw/"}]}},
            },
        ),
        (
            ModelPackageApproved(group="churn"),
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": ["acme-prod-churn"], "ModelApprovalStatus": ["Approved"]},
            },
        ),
        (
            ModelPackageRejected(group="churn"),
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {"ModelPackageGroupName": ["acme-prod-churn"], "ModelApprovalStatus": ["Rejected"]},
            },
        ),
        (
            Drift(monitor="churn-data"),
            {
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "detail": {
                    "alarmName": [{"prefix": "acme-prod-churn-data-drift-"}],
                    "state": {"value": ["ALARM"]},
                },
            },
        ),
        (EventPattern(pattern={"source": ["acme.drift"]}), {"source": ["acme.drift"]}),
    ],
    ids=["new data", "approved", "rejected", "drift", "a pattern of one's own"],
)
def test_a_trigger_matches_events_of_its_own_account(
    synth: Synth, trigger: Trigger, pattern: dict[str, Any]
) -> None:
    config = replace(CONFIG, schedules={}, triggers={"it": trigger}, parameters={"InputData": "s3://d"})
    rule = synth(Pipeline, config).one("aws_cloudwatch_event_rule")
    assert json.loads(rule["event_pattern"]) == {"account": [ACCOUNT], **pattern}


def test_a_pattern_of_ones_own_may_name_another_account(synth: Synth) -> None:
    trigger = EventPattern(pattern={"source": ["acme.drift"], "account": ["222233334444"]})
    config = replace(CONFIG, schedules={}, triggers={"it": trigger}, parameters={"InputData": "s3://d"})
    rule = synth(Pipeline, config).one("aws_cloudwatch_event_rule")
    assert json.loads(rule["event_pattern"])["account"] == ["222233334444"]


def test_a_trigger_hands_over_parameters_and_keeps_what_it_cannot_deliver(synth: Synth) -> None:
    target = synth(Pipeline, CONFIG).one("aws_cloudwatch_event_target", "new_data_target")
    assert target["sagemaker_pipeline_target"] == {
        "pipeline_parameter_list": [{"name": "InputData", "value": "$.detail.object.key"}]
    }
    assert target["dead_letter_config"] == {"arn": QUEUE}
    assert target["retry_policy"]["maximum_event_age_in_seconds"] == 3600


def test_a_trigger_without_parameters_hands_over_none(synth: Synth) -> None:
    triggers: dict[str, Trigger] = {"approved": ModelPackageApproved(group="churn")}
    config = replace(CONFIG, schedules={}, triggers=triggers, parameters={"InputData": "s3://d"})
    assert "sagemaker_pipeline_target" not in synth(Pipeline, config).one("aws_cloudwatch_event_target")


def test_grants_are_for_this_pipeline_only(synth: Synth) -> None:
    made: list[Pipeline] = []
    synth(lambda stack: made.append(Pipeline(stack, "churn", CONFIG)))
    start, describe = made[0].start(), made[0].describe()
    assert (start.actions, start.resources) == (("sagemaker:StartPipelineExecution",), (ARN,))
    assert [statement.resources for statement in describe] == [(ARN,), (f"{ARN}/execution/*",)]
    assert not any(
        action.partition(":")[2].startswith(("Create", "Delete", "Start", "Stop", "Update"))
        for statement in describe
        for action in statement.actions
    )


def test_what_starts_it_may_do_no_more(synth: Synth) -> None:
    begin, decrypt, send = launch(CONFIG.name, CONFIG.schedules, KEY, "eu-west-1", ACCOUNT, "aws", QUEUE)
    assert (begin.actions, begin.resources) == (("sagemaker:StartPipelineExecution",), (ARN,))
    assert decrypt.actions == ("kms:Decrypt",)
    name = synth(Pipeline, CONFIG).one("aws_scheduler_schedule")["name"]
    schedule = f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/default/{name}"
    assert decrypt.conditions["StringEquals"] == {
        "kms:EncryptionContext:aws:scheduler:schedule:arn": (schedule,)
    }
    assert send.resources == (QUEUE,)
    assert launch(CONFIG.name, {}, KEY, "eu-west-1", ACCOUNT) == (begin,)
    assert Services(names=LAUNCHING_SERVICES).names == ("events.amazonaws.com", "scheduler.amazonaws.com")


def test_arns_are_written_for_the_partition() -> None:
    (begin,) = launch(CONFIG.name, {}, KEY, "us-gov-west-1", ACCOUNT, "aws-us-gov")
    assert begin.resources[0].startswith("arn:aws-us-gov:sagemaker:us-gov-west-1:")


NIGHTLY = CONFIG.schedules["nightly"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Churn"}, "name: supply a value such as acme-prod-churn, got 'Churn'"),
        (
            {"name": "c" * 257, "schedules": {}, "triggers": {}},
            "name: supply at most 256 characters, got 257",
        ),
        ({"display_name": "Churn model"}, "display_name: supply a value such as Churn, got 'Churn model'"),
        ({"description": "a\nb"}, "description: supply a value such as Trains the churn model"),
        ({"description": "d" * 3073}, "description: supply at most 3072 characters, got 3073"),
        ({"max_parallel_execution_steps": 0}, "max_parallel_execution_steps: supply at least 1, got 0"),
        (
            {"launch_role_arn": None},
            "launch_role_arn: supply the role that schedules and triggers take, got none",
        ),
        ({"kms_key_arn": None}, "kms_key_arn: supply the key for the schedules, got none"),
        ({"schedules": {"every_night": NIGHTLY}}, "schedules: name: supply a value such as nightly"),
        ({"name": "c" * 60}, "schedules.nightly: supply at most 64 characters, got 68"),
        (
            {"triggers": {"it": NewData(bucket="lake", prefix="raw/")}},
            "triggers.it.bucket: supply one of data, got 'lake'",
        ),
        (
            {"triggers": {"it": ModelPackageApproved(group="fraud")}},
            "triggers.it.group: supply one of churn, got 'fraud'",
        ),
        (
            {"triggers": {"it": Drift(monitor="fraud-data")}},
            "triggers.it.monitor: supply one of churn-data, got 'fraud-data'",
        ),
        ({"parameters": {"Epoch": 5}}, "parameters: supply one of InputData, Epochs, .*, got 'Epoch'"),
        ({"parameters": {"Epochs": "5"}}, 'parameters.Epochs: supply a value of type Integer, got "5"'),
        ({"parameters": {"Epochs": True}}, "parameters.Epochs: supply a value of type Integer, got true"),
        ({"parameters": {"Spot": 1}}, "parameters.Spot: supply a value of type Boolean, got 1"),
        (
            {"parameters": {"Approval": "Yes"}},
            "parameters.Approval: supply one of Pending, Approved, got 'Yes'",
        ),
        (
            {"schedules": {"nightly": replace(NIGHTLY, parameters={"InputData": "s3://d", "Rate": "x"})}},
            'schedules.nightly.parameters.Rate: supply a value of type Float, got "x"',
        ),
        (
            {"schedules": {"nightly": replace(NIGHTLY, parameters={})}},
            "schedules.nightly.parameters: supply InputData, which has no default value",
        ),
        (
            {"triggers": {"it": NewData(bucket="data", prefix="raw/")}},
            "triggers.it.parameters: supply InputData, which has no default value",
        ),
        (
            {
                "definition": definition(Parameters=[*PARAMETERS, {"Name": "in_put", "DefaultValue": "x"}]),
                "triggers": {
                    "it": NewData(
                        bucket="data", prefix="raw/", parameters={"InputData": "x", "in_put": "$.id"}
                    )
                },
            },
            "triggers.it.parameters: name in a trigger: supply a value such as InputData, got 'in_put'",
        ),
        (
            {"definition": "${file(var.path)}"},
            "parameters: supply none, since the definition is not known before the plan",
        ),
    ],
)
def test_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


def test_all_problems_of_a_definition_are_told_at_once() -> None:
    with pytest.raises(ValueError) as refused:
        replace(ALONE, definition=definition(Version="1", Steps=[]))
    assert str(refused.value).splitlines() == [
        'definition.Version: supply 2020-12-01, got "1"',
        "definition.Steps: supply at least one, got none",
    ]


def step(**members: Any) -> dict[str, Any]:
    return {"Name": "Train", "Type": "Training", **members}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "definition: supply JSON, got an error: "),
        ("[]", r"definition: supply a JSON object, got \[\]"),
        (definition(Padding="p" * 1_048_576), "definition: number of characters: supply at most 1048576"),
        (
            definition(
                Parameters=[{"Name": f"P{n}", "DefaultValue": ""} for n in range(201)], Steps=[step()]
            ),
            "definition.Parameters: number of parameters: supply at most 200, got 201",
        ),
        (
            definition(Parameters=PARAMETERS * 2),
            "definition.Parameters: Name: supply each once, got 'InputData'",
        ),
        (
            definition(Parameters=[*PARAMETERS, {"Name": "a b"}]),
            "definition.Parameters: Name: supply a value such as InputData, got 'a b'",
        ),
        (
            definition(Parameters=[*PARAMETERS, {"Name": "X", "Type": "Date"}]),
            "definition.Parameters.X.Type: supply one of String, Integer, Float, Boolean, got 'Date'",
        ),
        (
            definition(Parameters=[*PARAMETERS, {"Name": "X", "Type": "Integer", "DefaultValue": "1"}]),
            'definition.Parameters.X.DefaultValue: supply a value of type Integer, got "1"',
        ),
        (
            definition(Steps=[step(Name="a b")]),
            "definition.Steps: Name: supply a value such as Train, got 'a b'",
        ),
        (
            definition(Steps=[step(Type="")]),
            'definition.Steps.Train.Type: supply a type such as Training, got ""',
        ),
        (definition(Steps=[step(), step()]), "definition.Steps: Name: supply each once, got 'Train' twice"),
        (
            definition(Steps=[PREPARE, TRAIN, CHECK, step(Name="Register")]),
            "definition.Steps: Name: supply each once, got 'Register' twice",
        ),
        (
            definition(Steps=[step(DependsOn=["Prepare"])]),
            "definition.Steps.Train: supply one of the steps Train, got a reference to 'Prepare'",
        ),
        (
            definition(Steps=[step(Arguments={"a": [{"Get": "Steps.Gone.Output"}]})]),
            "definition.Steps.Train: supply one of the steps Train, got a reference to 'Gone'",
        ),
        (
            definition(Steps=[step(Arguments={"a": {"Get": "Parameters.Gone"}})]),
            "definition.Steps.Train: supply one of the parameters InputData, .*, got a reference to 'Gone'",
        ),
        (
            definition(Steps=[PREPARE, step(Arguments={"a": {"Get": "Steps.Prepare.PropertyFiles.Gone"}})]),
            "Train: supply one of the property files Report of Prepare, got a reference to 'Gone'",
        ),
        (
            definition(Steps=[step(DependsOn=["Last"]), step(Name="Last", DependsOn=["Train"])]),
            "definition.Steps: supply steps that do not wait for each other, got ",
        ),
        (
            definition(
                Steps=[
                    step(
                        Name="If",
                        Type="Condition",
                        DependsOn=["In"],
                        Arguments={"IfSteps": [step(Name="In")]},
                    )
                ]
            ),
            "definition.Steps: supply steps that do not wait for each other, got ",
        ),
    ],
    ids=[
        "no JSON",
        "no object",
        "too long",
        "too many parameters",
        "a parameter twice",
        "a parameter with a space",
        "a type of parameter that there is not",
        "a default value of another type",
        "a step with a space",
        "a step without a type",
        "a step twice",
        "a step in a branch that is outside, too",
        "a dependency on no step",
        "a property of no step",
        "a parameter that there is not",
        "a property file that there is not",
        "steps that wait for each other",
        "a condition that waits for its branch",
    ],
)
def test_a_definition_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(ALONE, definition=text, parameters={})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NewData(bucket="data", prefix=""), "prefix: supply a value such as churn/raw/, got ''"),
        (lambda: NewData(bucket="data", prefix="*.csv"), "prefix: supply a value such as churn/raw/"),
        (
            lambda: NewData(bucket="data", prefix="p" * 1025),
            "prefix: supply at most 1024 characters, got 1025",
        ),
        (lambda: EventPattern(pattern={}), "pattern.source: supply a list such as"),
        (
            lambda: EventPattern(pattern={"source": "x"}),
            "pattern.source: supply a list of values, or a mapping",
        ),
        (
            lambda: EventPattern(pattern={"source": ["s" * 4096]}),
            "pattern: number of characters: supply at most 4096",
        ),
    ],
)
def test_a_trigger_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
