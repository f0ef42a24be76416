"""Rules on jobs, images, environments and instances at their edges: parameters, branches, run-time values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.plan.model import Limits, Resource, Template, Unknown

from .test_plan_rules import ARN, ask, configuration, endpoint, resource, variant

DIGEST = f"@sha256:{'0123456789abcdef' * 4}"
OURS = f"111122223333.dkr.ecr.eu-central-1.amazonaws.com/churn{DIGEST}"
LIMITS = Limits(
    account_id="111122223333",
    image_account_ids=("222233334444",),
    accelerated_instance_types=("ml.g5.xlarge",),
)
NETWORK = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}


def training(**arguments: Any) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": OURS},
        "OutputDataConfig": {"KmsKeyId": f"{ARN}key/ours"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "VolumeKmsKeyId": f"{ARN}key/ours"},
        "VpcConfig": NETWORK,
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        **arguments,
    }


def step(kind: str = "Training", **arguments: Any) -> dict[str, Any]:
    return {"Name": "Train", "Type": kind, "Arguments": training(**arguments)}


def pipeline(*steps: Any, **parameters: Any) -> Resource:
    """Return a pipeline; a parameter without a default is `None`."""
    named = [
        {"Name": name, "Type": "String", **({} if default is None else {"DefaultValue": default})}
        for name, default in parameters.items()
    ]
    text = json.dumps({"Version": "2020-12-01", "Parameters": named, "Steps": steps})
    return resource("aws_sagemaker_pipeline.churn", {"pipeline_definition": text})


def get(name: str) -> dict[str, str]:
    return {"Get": f"Parameters.{name}"}


def machine(state: Any, **inside: Any) -> Resource:
    text = json.dumps({"StartAt": "Train", "States": {"Train": state}, **inside})
    text_ = Template(text) if "${" in text else text
    return resource("aws_sfn_state_machine.churn", {"definition": text_})


def task(call: str = "arn:aws:states:::sagemaker:createTrainingJob.sync", **arguments: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": call, "Arguments": training(**arguments), "End": True}


JOB_RULES = ("SW_JOB_VPC", "SW_JOB_ISOLATION", "SW_JOB_ENCRYPTION", "SW_JOB_KMS")


@pytest.mark.parametrize("rule", JOB_RULES)
@pytest.mark.parametrize("made", [pipeline(step()), machine(task())], ids=["pipeline", "state machine"])
def test_a_closed_job_passes(rule: str, made: Resource) -> None:
    assert ask(rule, made) == ("pass", "")


@pytest.mark.parametrize("rule", JOB_RULES)
@pytest.mark.parametrize(
    "text", ["", "[]", "no JSON", Template("${jsonencode(local.steps)}"), Unknown()], ids=repr
)
def test_a_definition_that_cannot_be_read_is_unknown(rule: str, text: Any) -> None:
    assert ask(rule, resource("aws_sagemaker_pipeline.churn", {"pipeline_definition": text}))[0] == "unknown"


@pytest.mark.parametrize(
    ("value", "parameters", "found"),
    [
        (get("Isolated"), {"Isolated": True}, ("pass", "")),
        (
            get("Isolated"),
            {"Isolated": False},
            ("fail", "pipeline_definition: Train.EnableNetworkIsolation is not true"),
        ),
        (
            get("Isolated"),
            {"Isolated": None},
            ("unknown", "pipeline_definition: Train.EnableNetworkIsolation is known only after apply"),
        ),
        (
            {"Get": "Steps.Look.Isolated"},
            {},
            ("unknown", "pipeline_definition: Train.EnableNetworkIsolation is known only after apply"),
        ),
    ],
)
def test_a_pipeline_is_judged_by_the_defaults_of_its_parameters(
    value: Any, parameters: Any, found: tuple[str, str]
) -> None:
    assert ask("SW_JOB_ISOLATION", pipeline(step(EnableNetworkIsolation=value), **parameters)) == found


def test_a_step_that_waits_for_a_condition_is_a_step() -> None:
    branch = {"Name": "If", "Type": "Condition", "Arguments": {"IfSteps": [step(VpcConfig=None)]}}
    assert ask("SW_JOB_VPC", pipeline(branch)) == (
        "fail",
        "pipeline_definition: Train.VpcConfig.Subnets is missing",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"TrainingJobDefinition": training(VpcConfig=None)},
        {"TrainingJobDefinitions": [training(), training(VpcConfig={"Subnets": ["subnet-1"]})]},
        {},
    ],
)
def test_what_a_tuning_job_trains_is_judged(arguments: Any) -> None:
    tuning = {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}
    assert ask("SW_JOB_VPC", pipeline(tuning))[0] == "fail"


def test_what_is_no_job_is_not_asked() -> None:
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": {}}
    assert ask("SW_JOB_VPC", pipeline(register, {"Name": "No", "Type": "Fail"})) == ("pass", "")


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ({"Type": "Map", "ItemProcessor": {"States": {"Each": task(VpcConfig=None)}}}, "fail"),
        ({"Type": "Parallel", "Branches": [{"States": {"One": task(VpcConfig=None)}}]}, "fail"),
        (task("arn:aws:states:::aws-sdk:sagemaker:createTrainingJob", VpcConfig=None), "fail"),
        (task("arn:aws:states:::aws-sdk:sagemaker:stopTrainingJob", VpcConfig=None), "pass"),
        (task("${aws_lambda_function.look.arn}", VpcConfig=None), "pass"),
        (task("${terraform_data.it.output}", VpcConfig=None), "unknown"),
        (task(VpcConfig="{% $network %}"), "unknown"),
        (task(VpcConfig={"Subnets": "{% $subnets %}", "SecurityGroupIds": ["sg-1"]}), "unknown"),
        (task(VpcConfig={"Subnets.$": "$.subnets", "SecurityGroupIds": ["sg-1"]}), "unknown"),
        (
            task(VpcConfig={"Subnets": ["${aws_subnet.a.id}"], "SecurityGroupIds": ["${aws_vpc.a.id}"]}),
            "unknown",
        ),
        (
            task(
                VpcConfig={
                    "Subnets": ["${aws_subnet.a.id}"],
                    "SecurityGroupIds": ["${aws_security_group.a.id}"],
                }
            ),
            "pass",
        ),
    ],
)
def test_states_are_found_wherever_they_are(state: Any, found: str) -> None:
    assert ask("SW_JOB_VPC", machine(state))[0] == found


def test_a_transform_job_runs_in_the_network_of_its_model() -> None:
    transform = {"TransformOutput": {"KmsKeyId": "alias/ours"}, "TransformResources": {}}
    made = pipeline({"Name": "Score", "Type": "Transform", "Arguments": transform})
    assert [ask(rule, made)[0] for rule in JOB_RULES] == ["pass"] * 4


@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        ({"ResourceConfig": {"InstanceType": "ml.g5.xlarge"}}, "pass"),
        ({"ResourceConfig": {"InstanceType": "ml.m5.xlarge"}}, "fail"),
        ({"ResourceConfig": {"InstanceGroups": [{"InstanceType": "ml.m5.xlarge"}]}}, "fail"),
        ({"ResourceConfig": {"InstanceType": get("Type")}}, "unknown"),
        ({"OutputDataConfig": {"KmsKeyId": "alias/aws/s3"}}, "fail"),
        ({"OutputDataConfig": {}}, "fail"),
    ],
)
def test_a_key_is_for_outputs_and_for_volumes_that_take_one(arguments: Any, state: str) -> None:
    assert ask("SW_JOB_KMS", pipeline(step(**arguments)))[0] == state


def image(name: Any) -> Resource:
    return resource("aws_sagemaker_image_version.lab", {"base_image": name})


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (OURS, "pass"),
        (OURS.replace(".dkr.ecr.", ".dkr-ecr.").replace("amazonaws.com", "on.aws"), "pass"),
        (OURS.replace("111122223333", "222233334444"), "pass"),
        (OURS.replace("111122223333", "999988887777"), "fail"),
        (f"public.ecr.aws/acme/lab{DIGEST}", "fail"),
        (f"111122223333.dkr.ecr.eu-central-1.amazonaws.com.example.com/lab{DIGEST}", "fail"),
        ("python:3.13", "fail"),
        (Template(f"${{aws_ecr_repository.lab.repository_url}}{DIGEST}"), "pass"),
        (Template(f"${{aws_ssm_parameter.lab.value}}{DIGEST}"), "unknown"),
        (Template(f"${{aws_ssm_parameter.lab.value}}/lab{DIGEST}"), "unknown"),
        (Unknown(("aws_ecr_repository.lab.repository_url",)), "unknown"),
    ],
)
def test_images_are_from_accounts_that_are_listed(name: Any, state: str) -> None:
    assert ask("SW_IMAGE_REGISTRY", image(name), limits=LIMITS)[0] == state


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (OURS, "pass"),
        (OURS.partition("@")[0], "fail"),
        (OURS[:-1], "fail"),
        (Template(f"${{aws_ecr_repository.lab.repository_url}}{DIGEST}"), "pass"),
        (Template("${aws_ecr_repository.lab.repository_url}:3"), "fail"),
        (Template("acme/lab@${aws_ecr_image.lab.image_digest}"), "unknown"),
        (Unknown(), "unknown"),
    ],
)
def test_a_digest_is_whole(name: Any, state: str) -> None:
    assert ask("SW_IMAGE_DIGEST", image(name))[0] == state


def test_images_are_found_anywhere_in_a_step() -> None:
    register = {"InferenceSpecification": {"Containers": [{"Image": get("Image")}]}}
    made = pipeline({"Name": "Register", "Type": "RegisterModel", "Arguments": register}, Image="churn:3")
    assert ask("SW_IMAGE_DIGEST", made)[0] == "fail"
    later = pipeline({"Name": "Register", "Type": "RegisterModel", "Arguments": register})
    assert ask("SW_IMAGE_DIGEST", later)[0] == "unknown"


def model(**environment: Any) -> Resource:
    container = {"image": OURS, "environment": environment}
    return resource("aws_sagemaker_model.churn", {"primary_container": [container], "container": []})


@pytest.mark.parametrize(
    ("name", "value", "state"),
    [
        ("DB_PASSWORD", "example", "fail"),
        ("dbPassword", "example", "fail"),
        ("OPENAI_API_KEY", "example", "fail"),
        ("GITHUB_TOKEN", "example", "fail"),
        ("AWS_SECRET_ACCESS_KEY", "example", "fail"),
        ("DB_PASSWORD", "", "pass"),
        ("MAX_TOKEN", "4096", "pass"),
        ("TOKEN_LIMIT", "many", "pass"),
        ("DB_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db", "pass"),
        ("DB_SECRET", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db", "pass"),
        ("DB_SECRET", Template("${aws_secretsmanager_secret.db.arn}"), "pass"),
        ("DB_PASSWORD", Template("${random_password.db.result}"), "unknown"),
        ("DB_PASSWORD", Unknown(), "unknown"),
        ("SOURCE", Template("s3://${aws_s3_bucket.data.bucket}/churn"), "pass"),
        ("SOURCE", Unknown(("aws_s3_bucket.data.bucket",)), "pass"),
        ("SOURCE", Unknown(), "unknown"),
        ("SOURCE", "postgres://reader:example@db.acme.example/churn", "fail"),
        ("LOG_LEVEL", "DEBUG", "pass"),
    ],
)
def test_variables_are_secrets_by_name_or_by_look(name: str, value: Any, state: str) -> None:
    said, message = ask("SW_ENVIRONMENT_SECRETS", model(**{name: value}))
    assert said == state
    assert str(value) not in message or not value


@pytest.mark.parametrize("value", ["example", get("Token"), "{% $secret.SecretString %}"])
def test_a_job_is_handed_no_secret_either(value: Any) -> None:
    made = pipeline(step(Environment={"HF_TOKEN": value, "DAY": get("Day")}), Day=None)
    assert ask("SW_ENVIRONMENT_SECRETS", made) == (
        "fail",
        "pipeline_definition: Train.Environment.HF_TOKEN is named as secrets are",
    )


@pytest.mark.parametrize(
    ("type_", "state"),
    [
        ("ml.m5.xlarge", "pass"),
        ("ml.g5.xlarge", "pass"),
        ("ml.g5.2xlarge", "fail"),
        ("ml.p5en.48xlarge", "fail"),
        ("ml.trn1.2xlarge", "fail"),
        ("ml.inf2.xlarge", "fail"),
        ("ml.gr6.4xlarge", "fail"),
        (Unknown(), "unknown"),
    ],
)
def test_accelerators_are_told_by_their_family(type_: Any, state: str) -> None:
    assert ask("SW_ACCELERATORS", configuration(variant(instance_type=type_)), limits=LIMITS)[0] == state


def test_processing_is_inexpensive_and_training_need_not_be() -> None:
    dear: dict[str, Any] = {"ResourceConfig": {"InstanceType": "ml.r5.24xlarge"}}
    assert ask("SW_INSTANCE_FAMILIES", pipeline(step(**dear)))[0] == "pass"
    cluster = {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.r5.24xlarge"}}}
    processing = {"Name": "Look", "Type": "Processing", "Arguments": cluster}
    assert ask("SW_INSTANCE_FAMILIES", pipeline(processing))[0] == "fail"


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ([], "pass"),
        ([{"jupyter_lab_app_settings": [{"default_resource_spec": []}]}], "pass"),
        ([{"jupyter_lab_app_settings": [{"default_resource_spec": [{"instance_type": None}]}]}], "pass"),
        (
            [{"jupyter_lab_app_settings": [{"default_resource_spec": [{"instance_type": "ml.r5.large"}]}]}],
            "fail",
        ),
        ([{"code_editor_app_settings": Unknown()}], "unknown"),
        ([{"code_editor_app_settings": Unknown(computed=True)}], "pass"),
    ],
)
def test_apps_start_on_inexpensive_families(settings: Any, state: str) -> None:
    profile = resource("aws_sagemaker_user_profile.ada", {"user_settings": settings})
    assert ask("SW_INSTANCE_FAMILIES", profile)[0] == state


def test_any_type_will_do_for_endpoints_where_none_is_listed() -> None:
    assert ask("SW_ENDPOINT_TYPES", configuration(variant(instance_type=Unknown()))) == ("pass", "")
    listed = Limits(endpoint_instance_types=("ml.m5.large",))
    assert ask("SW_ENDPOINT_TYPES", configuration(variant()), limits=listed) == ("pass", "")


@pytest.mark.parametrize(
    ("concurrency", "state"), [(50, "pass"), (51, "fail"), (None, "fail"), (Unknown(), "unknown")]
)
def test_a_serverless_variant_has_a_cap(concurrency: Any, state: str) -> None:
    serverless = variant(instance_type=None, serverless_config=[{"max_concurrency": concurrency}])
    assert ask("SW_SERVERLESS_CONCURRENCY", configuration(serverless))[0] == state


@pytest.mark.parametrize(
    ("capture", "found"),
    [
        ([], ("fail", "data_capture_config is missing")),
        ([{"enable_capture": None}], ("fail", "data_capture_config.enable_capture is not true")),
        (
            [{"enable_capture": True, "initial_sampling_percentage": 0}],
            ("fail", "data_capture_config.initial_sampling_percentage is 0"),
        ),
        ([{"enable_capture": True, "initial_sampling_percentage": 5}], ("pass", "")),
        ([{"enable_capture": Unknown()}], ("unknown", "data_capture_config[0].enable_capture")),
    ],
)
def test_capture_is_on(capture: Any, found: tuple[str, str]) -> None:
    state, message = ask("SW_ENDPOINT_CAPTURE", configuration(variant(), data_capture_config=capture))
    assert (state, message.removesuffix(" is known only after apply")) == found


def test_queues_keep_what_they_are_asked_anyway() -> None:
    queue = configuration(variant(), async_inference_config=[{}], data_capture_config=[])
    assert ask("SW_ENDPOINT_CAPTURE", queue) == ("pass", "asynchronous")


def guarded(*alarms: Any) -> Resource:
    made = endpoint()
    rollback = [{"alarms": list(alarms)}]
    made.values["deployment_config"] = [{"auto_rollback_configuration": rollback}]  # type: ignore[index]
    return made


@pytest.mark.parametrize(
    ("alarms", "state"),
    [
        ([], "fail"),
        ([{"alarm_name": ""}], "fail"),
        ([{"alarm_name": "errors"}], "pass"),
        ([{"alarm_name": Unknown()}], "unknown"),
    ],
)
def test_an_alarm_has_a_name(alarms: Any, state: str) -> None:
    assert ask("SW_ENDPOINT_ROLLBACK", guarded(*alarms), configuration(variant()))[0] == state


def test_serverless_endpoints_have_no_fleet_to_go_back_to() -> None:
    serverless = configuration(variant(serverless_config=[{}]))
    assert ask("SW_ENDPOINT_ROLLBACK", guarded(), serverless)[0] == "pass"
    assert ask("SW_ENDPOINT_ROLLBACK", guarded())[0] == "unknown"
