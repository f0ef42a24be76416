"""Bootstrap: the bucket of the states, the limits of all roles, CI's roles, and who cannot change them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from modules.ci_roles import GitHub
from sagewright import bootstrap as command
from sagewright import environment as facts
from stacks.bootstrap import Bootstrap
from stacks.environment import InvalidEnvironment, names, read
from tests.conftest import ROOT, Synthesized
from tests.inventory import Inventory
from tests.stacks.conftest import Stacks, bootstrap

FOLDER = ROOT / "environments"
IN_ACCOUNTS = [name for name in names(FOLDER) if not read(name, FOLDER).embedded]
everywhere = pytest.mark.parametrize("name", IN_ACCOUNTS)

Bootstrapped = Callable[[str], Synthesized]


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_inventory(name: str, bootstrapped: Bootstrapped, inventory: Inventory) -> None:
    inventory(f"stacks/{name}-bootstrap", bootstrapped(name))


@everywhere
def test_the_stack_takes_the_bucket_over_that_its_own_state_is_in(
    name: str, bootstrapped: Bootstrapped
) -> None:
    stack = bootstrapped(name)
    state = read(name, FOLDER).state
    assert state
    assert stack.one("aws_s3_bucket", "state_bucket")["bucket"] == state.bucket
    assert stack.document["import"] == [{"id": state.bucket, "to": "aws_s3_bucket.state_bucket"}]
    assert stack.document["terraform"]["backend"]["s3"]["bucket"] == state.bucket
    assert stack.document["terraform"]["backend"]["s3"]["key"] == f"{name}-bootstrap.tfstate"


@everywhere
def test_it_depends_on_nothing_and_nothing_on_it(name: str, bootstrapped: Bootstrapped) -> None:
    document = bootstrapped(name).document
    assert "data" not in document
    assert "aws_ssm_parameter" not in document["resource"]


@everywhere
def test_states_are_encrypted_under_a_key_of_their_own_and_old_versions_kept_a_year(
    name: str, bootstrapped: Bootstrapped
) -> None:
    stack = bootstrapped(name)
    (rule,) = stack.one("aws_s3_bucket_server_side_encryption_configuration", "state_bucket_encryption")[
        "rule"
    ]
    key = rule["apply_server_side_encryption_by_default"]["kms_master_key_id"]
    assert key == "${aws_kms_key.state_key.arn}"
    (retention,) = stack.one("aws_s3_bucket_lifecycle_configuration", "state_bucket_lifecycle")["rule"]
    assert retention["noncurrent_version_expiration"] == [{"noncurrent_days": 365}]
    assert "expiration" not in retention


def test_access_to_the_states_is_logged_where_access_is_logged(bootstrapped: Bootstrapped) -> None:
    logging = bootstrapped("prod").one("aws_s3_bucket_logging")
    assert logging["bucket"] == "${aws_s3_bucket.state_bucket.id}"
    assert not bootstrapped("dev").all("aws_s3_bucket_logging")


@everywhere
def test_no_role_of_the_environment_touches_the_states(name: str, bootstrapped: Bootstrapped) -> None:
    state = read(name, FOLDER).state
    assert state
    statements = bootstrapped(name).policy("aws_iam_policy", "permissions_boundary")
    (denial,) = (one for one in statements if one["Effect"] == "Deny")
    assert f"arn:aws:s3:::{state.bucket}" in denial["Resource"]


@everywhere
def test_the_command_looks_for_the_boundary_that_the_stack_makes(
    name: str, bootstrapped: Bootstrapped
) -> None:
    made = bootstrapped(name).one("aws_iam_policy", "permissions_boundary")["name"]
    assert command.boundary_arn(facts.read(name, FOLDER)).endswith(f":policy/{made}")


@everywhere
def test_ci_cannot_change_its_own_limits(name: str, bootstrapped: Bootstrapped) -> None:
    account = f"arn:aws:iam::{read(name, FOLDER).account_id}"
    statements = {one.get("Sid"): one for one in bootstrapped(name).policy("aws_iam_policy", "ci_boundary")}
    assert set(statements["NeverLimits"]["Resource"]) == {
        f"{account}:role/acme-{name}-apply",
        f"{account}:role/acme-{name}-plan",
        f"{account}:policy/acme-{name}-boundary",
        f"{account}:policy/acme-{name}-ci-*",
    }


@everywhere
def test_only_the_deployment_environment_of_its_name_applies(name: str, bootstrapped: Bootstrapped) -> None:
    (trust,) = bootstrapped(name).policy("aws_iam_role", "ci_apply", "assume_role_policy")
    subjects = trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subjects == [f"repo:acme/ml-platform:environment:{name}"]


@pytest.mark.parametrize(("name", "may"), [("dev", True), ("prod", False)])
def test_ci_empties_only_what_is_unprotected(name: str, may: bool, bootstrapped: Bootstrapped) -> None:
    assert (
        "s3:DeleteObjectVersion" in json.dumps(bootstrapped(name).policy("aws_iam_policy", "ci_models"))
    ) is may


NAMES = re.compile(
    r"(alarm_|bucket|code_repository_|dashboard_|domain_|feature_group_|human_task_ui_|image_|pipeline_|)name|bucket"
)
BY_ID = re.compile(r"aws_(api_gateway_\w+|cognito_user_group|iam_role_policy|lambda_alias|route53_record)")
"""Kinds that have no ARN of their own, or one without their name."""


@everywhere
def test_all_that_has_a_name_is_within_the_reach_of_ci(name: str, committed: Callable[[str], Stacks]) -> None:
    reach = re.compile(
        rf"(alias/|aws-waf-logs-)?acme-{name}-.*|acme_{name}_.*|/sagewright/{name}/.*"
        rf"|/aws/.*(acme-{name}-.*|/acme-{name}/.*)"
    )
    beyond = [
        (type_, value)
        for stack in committed(name).values()
        for type_, made in stack.document["resource"].items()
        for resource in made.values()
        for attribute, value in resource.items()
        if NAMES.fullmatch(attribute) and not BY_ID.fullmatch(type_) and "${" not in value
        if not reach.fullmatch(value)
    ]
    assert beyond == []


def test_without_ci_there_are_the_bucket_and_the_boundary_alone(tmp_path: Path) -> None:
    stack = bootstrap(tmp_path, "dev", replace(read("dev", FOLDER), ci=None))
    assert {type_ for type_ in stack.document["resource"] if "iam" in type_} == {"aws_iam_policy"}
    assert list(stack.all("aws_iam_policy")) == ["permissions_boundary"]
    assert stack.outputs == {}


def test_the_provider_of_an_account_is_adopted(tmp_path: Path) -> None:
    arn = "arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com"
    ci = GitHub(repository="acme/ml-platform", provider_arn=arn)
    stack = bootstrap(tmp_path, "dev", replace(read("dev", FOLDER), ci=ci))
    assert not stack.all("aws_iam_openid_connect_provider")
    (trust,) = stack.policy("aws_iam_role", "ci_plan", "assume_role_policy")
    assert trust["Principal"] == {"Federated": [arn]}


@pytest.mark.parametrize(
    ("name", "ci", "problem"),
    [
        (
            "dev",
            "{kind: GitHub, repository: acme/ml-platform, provider_arn: "
            "'arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com'}",
            "ci.provider_arn: supply a provider of account 444455556666, got "
            "'arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com'",
        ),
        (
            "local",
            "{kind: GitHub, repository: acme/ml-platform}",
            "ci: remove it; where embedded is true nobody is let in",
        ),
        ("dev", "{kind: Jenkins}", "ci.kind: supply one of GitHub, Oidc, got 'Jenkins'"),
        (
            "dev",
            "{kind: GitHub, repository: ml-platform}",
            "ci.repository: supply a value such as acme/ml-platform, got 'ml-platform'",
        ),
    ],
)
def test_what_the_file_says_wrongly_is_refused_with_its_place(
    name: str, ci: str, problem: str, tmp_path: Path
) -> None:
    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    start = lines.index("ci:") if "ci:" in lines else len(lines)
    rest = [*lines[:start], f"ci: {ci}", *lines[start + 3 :]]
    (tmp_path / f"{name}.yaml").write_text("\n".join(rest), encoding="utf-8")
    with pytest.raises(InvalidEnvironment) as refused:
        read(name, tmp_path)
    assert f"{tmp_path.name}/{name}.yaml: {problem}" in str(refused.value).splitlines()


def test_what_is_embedded_has_no_bootstrap(tmp_path: Path) -> None:
    with pytest.raises((ValueError, RuntimeError), match=r"state: supply the bucket of the Terraform state"):
        bootstrap(tmp_path, "local", read("local", FOLDER))


def test_who_is_locked_out_is_told_the_command(bootstrapped: Bootstrapped) -> None:
    (validation,) = bootstrapped("dev").document["variable"]["plan_gate"]["validation"]
    assert validation["error_message"].endswith("through the gate: sagewright bootstrap -e dev")
    assert Bootstrap.COMMAND == "bootstrap"
