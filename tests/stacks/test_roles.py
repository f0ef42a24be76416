"""Roles of all stacks: each within the boundary, none cut off by it, none that approves its own models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from modules.endpoint import RealTime
from modules.model import Container, ModelPackage
from stacks.environment import Environment, ModelPackageGroup, Repository, names, read
from tests.conftest import ROOT, Synthesized
from tests.stacks.conftest import Stacks, synthesize, unmonitored

ENVIRONMENTS = names(ROOT / "environments")
everywhere = pytest.mark.parametrize("name", ENVIRONMENTS)


def granted(stacks: Stacks) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every statement that a role is given, by the role's policy."""
    for stack in stacks.values():
        attached = {one["policy_arn"] for one in stack.all("aws_iam_role_policy_attachment").values()}
        shared = [
            name for name in stack.all("aws_iam_policy") if f"${{aws_iam_policy.{name}.arn}}" in attached
        ]
        for type_, policies in (
            ("aws_iam_role_policy", stack.all("aws_iam_role_policy")),
            ("aws_iam_policy", shared),
        ):
            for policy in policies:
                for statement in stack.policy(type_, policy):
                    yield policy, statement


def named(resource: str, stacks: Stacks, account_id: str) -> str:
    """Return an ARN with what only Terraform knows replaced by a name of the right shape."""
    resource = re.sub(
        r"\$\{(data\.[^}]*outputs\.)?aws_kms_key[^}]*\}",
        f"arn:aws:kms:eu-central-1:{account_id}:key/1",
        resource,
    )
    return re.sub(
        r"\$\{(data\.[^}]*outputs\.)?aws_ecr_repository[^}]*\}",
        f"arn:aws:ecr:eu-central-1:{account_id}:repository/churn",
        resource,
    )


@everywhere
def test_every_role_has_the_boundary(name: str, committed: Callable[[str], Stacks]) -> None:
    environment = read(name, ROOT / "environments")
    made_before = f"arn:aws:iam::{environment.account_id}:policy/acme-{name}-boundary"
    for stack in committed(name).values():
        for role in stack.all("aws_iam_role").values():
            boundary = role["permissions_boundary"]
            assert "aws_iam_policy" in boundary if environment.embedded else boundary == made_before


def with_artifact(environment: Environment) -> Environment:
    """Return the environment with an artifact for one of its models."""
    container = environment.models["churn-v4"]
    assert isinstance(container, Container)
    container = replace(container, model_data_url="s3://acme-models/churn/v4/model.tar.gz")
    return replace(environment, models={**environment.models, "churn-v4": container})


def cut_off(stacks: Stacks, account_id: str, holder: Synthesized) -> list[tuple[str, str, str]]:
    """Return what roles are granted beyond the boundary that a stack holds: policy, action and resource."""
    statements = holder.policy("aws_iam_policy", "permissions_boundary")
    boundary = [one for one in statements if one["Effect"] == "Allow"]
    return [
        (policy, action, resource)
        for policy, statement in granted(stacks)
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        for resource in statement["Resource"]
        if not any(
            any(fnmatchcase(action, one) for one in limit["Action"])
            and any(fnmatchcase(named(resource, stacks, account_id), one) for one in limit["Resource"])
            for limit in boundary
        )
    ]


@everywhere
def test_the_boundary_cuts_no_grant_off(
    name: str, committed: Callable[[str], Stacks], bootstrapped: Callable[[str], Synthesized]
) -> None:
    environment = read(name, ROOT / "environments")
    holder = committed(name)["foundation"] if environment.embedded else bootstrapped(name)
    assert not cut_off(committed(name), environment.account_id, holder)


def test_the_boundary_lets_an_artifact_be_fetched(tmp_path: Path) -> None:
    environment = with_artifact(read("local", ROOT / "environments"))
    stacks = synthesize(tmp_path, "local", environment)
    assert "kms:EncryptionContext:aws:s3:arn" in json.dumps(list(granted(stacks)))
    assert not cut_off(stacks, environment.account_id, stacks["foundation"])


def too_long(stacks: Stacks) -> list[str]:
    """Return the policies that are longer than IAM takes."""
    return [
        policy
        for stack in stacks.values()
        for type_, limit in (("aws_iam_role_policy", 10240), ("aws_iam_policy", 6144))
        for policy, made in stack.all(type_).items()
        if len(re.sub(r"\s", "", made["policy"])) > limit
    ]


@everywhere
def test_no_policy_is_longer_than_iam_takes(name: str, committed: Callable[[str], Stacks]) -> None:
    """White space is not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    assert not too_long(committed(name))


def test_policies_of_twelve_groups_and_repositories_are_not_too_long(tmp_path: Path) -> None:
    environment = replace(
        read("prod", ROOT / "environments"),
        model_package_groups={f"a-group-with-a-name-{place}": ModelPackageGroup() for place in range(12)},
        repositories={f"a-repository-with-a-name-{place}": Repository() for place in range(12)},
    )
    assert not too_long(synthesize(tmp_path, "prod", environment))


@everywhere
def test_who_makes_models_is_denied_approving_them(name: str, committed: Callable[[str], Stacks]) -> None:
    statements = [
        statement for policy, statement in granted(committed(name)) if policy == "training_role_policy"
    ]
    (denial,) = (statement for statement in statements if statement["Effect"] == "Deny")
    assert denial["Action"] == ["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"]
    assert denial["Resource"] == ["*"]
    assert denial["Condition"] == {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}}


def denied(stacks: Stacks) -> set[str]:
    """Return the policies that deny approval, whatever else they allow."""
    return {
        policy
        for policy, statement in granted(stacks)
        if statement["Effect"] == "Deny"
        and statement.get("Condition") == {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}}
    }


@everywhere
def test_only_the_approver_may_approve(name: str, committed: Callable[[str], Stacks]) -> None:
    stacks = committed(name)
    may = {
        policy
        for policy, statement in granted(stacks)
        if statement["Effect"] == "Allow"
        and "sagemaker:UpdateModelPackage" in statement["Action"]
        and policy not in denied(stacks)
    }
    assert may == {"approver_role_policy", "studio_approver_role_policy"}
    (trust,) = stacks["training"].policy("aws_iam_role", "approver_role", "assume_role_policy")
    assert trust["Principal"] == {"AWS": list(read(name, ROOT / "environments").approver_principal_arns)}


def test_without_approvers_nobody_approves(tmp_path: Path) -> None:
    environment = replace(read("local", ROOT / "environments"), approver_principal_arns=())
    stacks = synthesize(tmp_path, "local", environment)
    assert "approver_role" not in stacks["training"].all("aws_iam_role")
    assert "UpdateModelPackage" not in json.dumps(
        [
            statement
            for policy, statement in granted({"training": stacks["training"]})
            if statement["Effect"] == "Allow" and policy not in denied(stacks)
        ]
    )


def test_a_model_fetches_its_own_image_and_artifact_and_no_other(tmp_path: Path) -> None:
    environment = replace(
        with_artifact(unmonitored(read("local", ROOT / "environments"))), batch_transforms={}
    )
    stacks = synthesize(tmp_path, "local", environment)
    resources = {
        key: {
            resource
            for policy, statement in granted(stacks)
            if policy == f"{key}_role_policy"
            for resource in statement["Resource"]
            if {"ecr:BatchGetImage", "s3:GetObject"} & set(statement["Action"])
        }
        for key in ("churn_v4", "churn_v5")
    }
    image = "arn:aws:ecr:eu-central-1:222233334444:repository/churn"
    assert resources == {
        "churn_v4": {image, "arn:aws:s3:::acme-models/churn/v4/model.tar.gz"},
        "churn_v5": {image},
    }


@pytest.mark.parametrize(("role", "repository"), [("training", "churn"), ("studio_images", "lab")])
def test_jobs_and_apps_fetch_the_images_that_the_environment_names_wherever_they_are(
    committed: Callable[[str], Stacks], role: str, repository: str
) -> None:
    elsewhere = {
        resource
        for policy, statement in granted(committed("prod"))
        if policy == f"{role}_role_policy" and "ecr:BatchGetImage" in statement["Action"]
        for resource in statement["Resource"]
        if ":222233334444:" in resource
    }
    assert elsewhere == {f"arn:aws:ecr:eu-central-1:222233334444:repository/{repository}"}


def test_a_model_captures_under_the_endpoints_that_serve_it(tmp_path: Path) -> None:
    environment = replace(read("prod", ROOT / "environments"), batch_transforms={})
    stacks = synthesize(tmp_path, "prod", environment)
    writing = {
        resource
        for policy, statement in granted(stacks)
        if policy == "churn_v3_role_policy" and "s3:PutObject" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert writing == {"arn:aws:s3:::acme-prod-captures-888899990000/churn/*"}
    capture = stacks["serving"].one("aws_sagemaker_endpoint_configuration", "churn_endpoint_configuration")[
        "data_capture_config"
    ]
    assert capture["destination_s3_uri"] == "s3://acme-prod-captures-888899990000/churn"


def test_a_model_whose_endpoints_capture_nothing_writes_no_captures(tmp_path: Path) -> None:
    environment = read("local", ROOT / "environments")
    churn = environment.endpoints["churn"]
    assert isinstance(churn, RealTime)
    silent = {"churn": replace(churn, data_capture=None)}
    bare = replace(unmonitored(environment), api=None, endpoints=silent, batch_transforms={})
    stacks = synthesize(tmp_path, "local", bare)
    serving = {"serving": stacks["serving"]}
    assert not [policy for policy, one in granted(serving) if "s3:PutObject" in one["Action"]]


def of_model(stacks: Stacks, key: str) -> dict[str, set[str]]:
    """Return the resources that a model's role is granted, by action."""
    found: dict[str, set[str]] = {}
    for policy, statement in granted({"serving": stacks["serving"]}):
        if policy == f"{key}_role_policy":
            for action in statement["Action"]:
                found.setdefault(action, set()).update(statement["Resource"])
    return found


def test_an_asynchronous_model_reads_its_input_and_writes_its_results_and_tells_its_topics(
    committed: Callable[[str], Stacks],
) -> None:
    grants = of_model(committed("prod"), "history")
    queue = "arn:aws:s3:::acme-prod-queue-888899990000"
    assert grants["s3:GetObject"] == {f"{queue}/history/input/*"}
    assert grants["s3:PutObject"] == {f"{queue}/history/output/*", f"{queue}/history/failure/*"}
    assert grants["sns:Publish"] == {
        f"arn:aws:sns:eu-central-1:888899990000:acme-prod-history-{purpose}"
        for purpose in ("success", "error")
    }
    assert "kms:GenerateDataKey" in grants


def test_a_model_reads_the_input_of_its_batch_transforms_and_writes_their_results(
    committed: Callable[[str], Stacks],
) -> None:
    grants = of_model(committed("prod"), "churn_v3")
    transforms = "arn:aws:s3:::acme-prod-transforms-888899990000"
    assert f"{transforms}/churn/input/*" in grants["s3:GetObject"]
    assert f"{transforms}/churn/output/*" in grants["s3:PutObject"]
    assert not [one for one in grants["s3:GetObject"] if one.startswith(f"{transforms}/churn/output")]
    log = "arn:aws:logs:eu-central-1:888899990000:log-group:/aws/sagemaker/TransformJobs"
    assert log in grants["logs:CreateLogStream"]
    other = of_model(committed("prod"), "churn_v4")
    assert log not in other["logs:CreateLogStream"]
    assert not [one for found in other.values() for one in found if "transforms" in one]


def test_who_runs_a_batch_transform_touches_no_data_and_runs_no_other_job(
    committed: Callable[[str], Stacks],
) -> None:
    statements = [
        statement
        for policy, statement in granted({"serving": committed("prod")["serving"]})
        if policy == "churn_batch_role_policy"
    ]
    actions = {action for statement in statements for action in statement["Action"]}
    assert "sagemaker:CreateTransformJob" in actions
    assert not [action for action in actions if action.startswith(("s3:", "iam:"))]
    jobs = {
        resource
        for statement in statements
        if "sagemaker:CreateTransformJob" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert jobs == {"arn:aws:sagemaker:eu-central-1:888899990000:transform-job/acme-prod-churn-batch-*"}


def of_role(stacks: Stacks, role: str) -> dict[str, set[str]]:
    """Return the resources that a role of the serving stack is granted, by action."""
    found: dict[str, set[str]] = {}
    for policy, statement in granted({"serving": stacks["serving"]}):
        if policy == f"{role}_policy":
            for action in statement["Action"]:
                found.setdefault(action, set()).update(statement["Resource"])
    return found


def test_a_monitors_jobs_read_what_it_looks_at_and_write_its_reports_alone(
    committed: Callable[[str], Stacks],
) -> None:
    monitors, captures = (
        f"arn:aws:s3:::acme-prod-{purpose}-888899990000" for purpose in ("monitors", "captures")
    )
    data = of_role(committed("prod"), "churn_data_monitor_job_role")
    assert data["s3:GetObject"] == {f"{monitors}/churn-data/*", f"{captures}/churn/*"}
    assert data["s3:PutObject"] == {f"{monitors}/churn-data/reports/*"}
    assert data["ecr:BatchGetImage"] == {
        "arn:aws:ecr:eu-central-1:048819808253:repository/sagemaker-model-monitor-analyzer"
    }
    assert not [action for action in data if action.startswith("sagemaker:")]
    quality = of_role(committed("prod"), "churn_quality_monitor_job_role")
    assert quality["s3:PutObject"] == {f"{monitors}/churn-quality/{part}/*" for part in ("merged", "reports")}
    bias = of_role(committed("prod"), "churn_bias_monitor_job_role")
    assert bias["s3:GetObject"] == {f"{monitors}/churn-bias/*"}


def test_clarify_makes_endpoints_under_the_monitors_name_alone(committed: Callable[[str], Stacks]) -> None:
    why = of_role(committed("prod"), "churn_why_monitor_job_role")
    home = "arn:aws:sagemaker:eu-central-1:888899990000"
    assert why["sagemaker:CreateEndpoint"] == {
        f"{home}:{kind}/acme-prod-churn-why-monitor*" for kind in ("endpoint", "endpoint-config")
    }
    assert why["sagemaker:DescribeModel"] == {f"{home}:model/acme-prod-churn-v3-*"}


def test_who_runs_a_monitor_passes_its_own_role_and_reads_its_own_reports(
    committed: Callable[[str], Stacks],
) -> None:
    run = of_role(committed("prod"), "churn_bias_monitor_role")
    assert run["iam:PassRole"] == {"arn:aws:iam::888899990000:role/acme-prod-churn-bias-monitor-job"}
    made = committed("prod")["serving"].one("aws_iam_role", "churn_bias_monitor_job_role")["name"]
    assert made == "acme-prod-churn-bias-monitor-job"
    reports = "arn:aws:s3:::acme-prod-monitors-888899990000/churn-bias/reports/*"
    assert run["s3:GetObject"] == run["s3:PutObject"] == {reports}
    jobs = "arn:aws:sagemaker:eu-central-1:888899990000:processing-job/acme-prod-churn-bias-monitor-*"
    assert run["sagemaker:CreateProcessingJob"] == {jobs}


def test_a_serverless_model_touches_no_network_no_volume_and_no_alarm(
    committed: Callable[[str], Stacks],
) -> None:
    grants = of_model(committed("prod"), "churn_backoffice")
    assert not [action for action in grants if action.startswith(("ec2:", "kms:", "cloudwatch:Describe"))]


def test_core_dumps_are_written_where_they_go_and_nowhere_else(tmp_path: Path) -> None:
    environment = read("local", ROOT / "environments")
    churn = environment.endpoints["churn"]
    assert isinstance(churn, RealTime)
    variants = {name: replace(variant, core_dump=True) for name, variant in churn.variants.items()}
    endpoints = {"churn": replace(churn, variants=variants, data_capture=None)}
    bare = replace(unmonitored(environment), api=None, endpoints=endpoints, batch_transforms={})
    stacks = synthesize(tmp_path, "local", bare)
    assert of_model(stacks, "churn_v4")["s3:PutObject"] == {
        "arn:aws:s3:::acme-local-captures-111122223333/churn/core-dumps/*"
    }


def test_a_version_from_the_registry_is_fetched_by_what_it_is_made_of(tmp_path: Path) -> None:
    environment = read("local", ROOT / "environments")
    package = ModelPackage(
        model_package_arn="arn:aws:sagemaker:eu-central-1:111122223333:model-package/acme-local-churn/7",
        images=("222233334444.dkr.ecr.eu-central-1.amazonaws.com/churn:7",),
        model_data_urls=("s3://acme-models/churn/7/model.tar.gz",),
    )
    models = {**environment.models, "churn-v4": package}
    stacks = synthesize(tmp_path, "local", replace(environment, models=models, batch_transforms={}))
    grants = of_model(stacks, "churn_v4")
    assert grants["ecr:BatchGetImage"] == {"arn:aws:ecr:eu-central-1:222233334444:repository/churn"}
    assert grants["s3:GetObject"] == {"arn:aws:s3:::acme-models/churn/7/model.tar.gz"}
    model = stacks["serving"].one("aws_sagemaker_model", "churn_v4_model")
    assert model["primary_container"] == {"model_package_name": package.model_package_arn}
