"""Labeling: one workforce, its teams and pages, and who may give them work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from cdktf import TerraformStack, TerraformVariable

from modules.labeling import (
    Cognito,
    Existing,
    Labeling,
    LabelingConfig,
    Oidc,
    Team,
    Workers,
    label,
    publish_to,
)
from tests.conftest import Synth, Synthesized
from tests.inventory import Inventory

WORKFORCE, TEAM, PAGE = "aws_sagemaker_workforce", "aws_sagemaker_workteam", "aws_sagemaker_human_task_ui"
POOL, CLIENT = "aws_cognito_user_pool", "aws_cognito_user_pool_client"
LOCATION: dict[str, Any] = {"account_id": "111122223333", "region": "eu-west-1"}
RADIOLOGY = Team(description="Reads images", groups=("trainees", "radiologists"))
COGNITO = Cognito(
    groups={"radiologists": "Doctors", "trainees": "Their pupils"}, source_ip_cidrs=("203.0.113.0/24",)
)
ADDRESSES: dict[str, Any] = {
    name: f"https://login.example.com/{name}"
    for name in (
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "user_info_endpoint",
        "logout_endpoint",
        "jwks_uri",
    )
}
OIDC = Oidc(client_id="labeling", source_ip_cidrs=("203.0.113.0/24",), **ADDRESSES)
CONFIG = LabelingConfig(
    name="acme-dev-labeling",
    account_id="111122223333",
    region="eu-west-1",
    notification_topic_arn="arn:aws:sns:eu-west-1:111122223333:acme-dev-labeling",
    workers=Workers(
        workforce=COGNITO,
        teams={"radiology": RADIOLOGY},
        task_uis={"box": "<crowd-form>${{x}} {{ task.input }} %{y}</crowd-form>"},
    ),
)


def made(synth: Synth, **change: Any) -> Synthesized:
    return synth(Labeling, replace(CONFIG, workers=replace(CONFIG.workers, **change)))


def construct(synth: Synth) -> Labeling:
    constructs: list[Labeling] = []
    synth(lambda stack: constructs.append(Labeling(stack, "labeling", CONFIG)))
    return constructs[0]


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/labeling", synth(Labeling, CONFIG))


def test_the_workforce_of_the_account_is_used_by_default(synth: Synth) -> None:
    labeling = made(synth, workforce=Existing(), task_uis={})
    assert labeling.addresses == [f"{TEAM}.radiology_team"]
    team = labeling.one(TEAM)
    assert team["workforce_name"] == "default"
    assert team["member_definition"] == [{"oidc_member_definition": {"groups": ["radiologists", "trainees"]}}]


def test_groups_of_a_pool_that_is_there_are_members(synth: Synth) -> None:
    pool = Existing(user_pool_id="eu-west-1_Ab1Cd2Ef3", client_id="4example")
    (radiologists, _) = made(synth, workforce=pool).one(TEAM)["member_definition"]
    assert radiologists == {
        "cognito_member_definition": {
            "user_pool": "eu-west-1_Ab1Cd2Ef3",
            "client_id": "4example",
            "user_group": "radiologists",
        }
    }


def test_only_administrators_add_people_who_need_a_second_factor_and_a_long_password(synth: Synth) -> None:
    pool = synth(Labeling, CONFIG).one(POOL)
    assert pool["admin_create_user_config"] == {"allow_admin_create_user_only": True}
    assert pool["mfa_configuration"] == "ON"
    assert pool["software_token_mfa_configuration"] == {"enabled": True}
    assert pool["password_policy"]["minimum_length"] == 14
    assert pool["user_pool_add_ons"] == {"advanced_security_mode": "ENFORCED"}
    assert (pool["user_pool_tier"], pool["deletion_protection"]) == ("PLUS", "ACTIVE")


def test_a_pool_without_advanced_security_is_the_cheaper_one(synth: Synth) -> None:
    pool = made(
        synth, workforce=replace(COGNITO, advanced_security_mode="OFF", deletion_protection=False)
    ).one(POOL)
    assert (pool["user_pool_tier"], pool["deletion_protection"]) == ("ESSENTIALS", "INACTIVE")


def test_the_client_has_a_secret_and_takes_no_password_in_clear(synth: Synth) -> None:
    client = synth(Labeling, CONFIG).one(CLIENT)
    assert client["generate_secret"] is True
    assert client["explicit_auth_flows"] == ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
    assert client["prevent_user_existence_errors"] == "ENABLED"


def test_people_are_led_back_to_the_portal_alone_and_by_the_code_flow_alone(synth: Synth) -> None:
    labeling = synth(Labeling, CONFIG)
    back = labeling.one("aws_cognito_managed_user_pool_client")
    assert back["allowed_oauth_flows"] == ["code"]
    assert back["callback_urls"] == [f"https://${{{WORKFORCE}.this.subdomain}}/oauth2/idpresponse"]
    assert back["name_prefix"] == labeling.one(CLIENT)["name"]
    assert back["depends_on"] == [f"{TEAM}.radiology_team"]
    assert "callback_urls" not in labeling.one(CLIENT)


def test_the_sign_in_pages_are_there_before_the_workforce(synth: Synth) -> None:
    labeling = synth(Labeling, CONFIG)
    assert labeling.one("aws_cognito_user_pool_domain")["domain"] == "acme-dev-labeling-111122223333"
    assert labeling.one(WORKFORCE)["cognito_config"] == {
        "client_id": f"${{{CLIENT}.client.id}}",
        "user_pool": "${aws_cognito_user_pool_domain.domain.user_pool_id}",
    }


def test_people_work_from_known_addresses(synth: Synth) -> None:
    assert synth(Labeling, CONFIG).one(WORKFORCE)["source_ip_config"] == {"cidrs": ["203.0.113.0/24"]}


def test_a_team_is_made_of_groups_is_told_of_jobs_and_fetches_objects_from_its_own_addresses(
    synth: Synth,
) -> None:
    team = synth(Labeling, CONFIG).one(TEAM)
    assert [each["cognito_member_definition"]["user_group"] for each in team["member_definition"]] == [
        "${aws_cognito_user_group.radiologists_group.name}",
        "${aws_cognito_user_group.trainees_group.name}",
    ]
    assert team["notification_configuration"] == {"notification_topic_arn": CONFIG.notification_topic_arn}
    constraints = team["worker_access_configuration"]["s3_presign"]["iam_policy_constraints"]
    assert constraints == {"source_ip": "Enabled"}


@pytest.mark.parametrize(
    ("s3_presign", "constraints"),
    [("Unconstrained", {"source_ip": "Disabled"}), ("VpcSourceIp", {"vpc_source_ip": "Enabled"})],
)
def test_where_objects_are_fetched_from_is_said_by_name(
    synth: Synth, s3_presign: Any, constraints: dict[str, str]
) -> None:
    team = replace(RADIOLOGY, s3_presign=s3_presign)
    access = made(synth, workforce=Existing(), teams={"radiology": team}).one(TEAM)
    assert access["worker_access_configuration"]["s3_presign"]["iam_policy_constraints"] == constraints


def test_a_changed_page_is_made_beside_the_old_one_and_its_scripts_stay(synth: Synth) -> None:
    labeling = synth(Labeling, CONFIG)
    page, revision = labeling.one(PAGE), labeling.one("terraform_data")
    assert page["ui_template"]["content"] == "<crowd-form>$${{x}} {{ task.input }} %%{y}</crowd-form>"
    assert page["human_task_ui_name"].startswith("acme-dev-labeling-box-${substr(terraform_data.box_ui_")
    assert page["lifecycle"] == {"create_before_destroy": True}
    digest = hashlib.sha256(CONFIG.workers.task_uis["box"].encode()).hexdigest()
    assert revision["triggers_replace"] == {"content": digest}


def test_the_secret_of_an_identity_provider_is_what_only_terraform_resolves(synth: Synth) -> None:
    def build(stack: TerraformStack) -> None:
        secret = TerraformVariable(stack, "oidc_client_secret", type="string", sensitive=True)
        workers = replace(CONFIG.workers, workforce=OIDC)
        Labeling(stack, "this", replace(CONFIG, workers=workers, oidc_client_secret=secret.string_value))

    labeling = synth(build)
    assert labeling.one(WORKFORCE)["oidc_config"] == {
        "client_id": "labeling",
        "client_secret": "${var.oidc_client_secret}",
        **ADDRESSES,
    }
    assert labeling.all(POOL) == {}


def test_jobs_are_given_to_these_teams_and_not_to_the_public(synth: Synth) -> None:
    create, look, teams = construct(synth).create_jobs()
    home = "arn:aws:sagemaker:eu-west-1:111122223333"
    team = f"{home}:workteam/private-crowd/acme-dev-labeling-radiology"
    assert create.conditions == {"ArnEquals": {"sagemaker:WorkteamArn": (team,)}}
    assert create.resources == look.resources == (f"{home}:labeling-job/acme-dev-labeling-*",)
    assert teams.resources == (team,)


def test_the_role_of_jobs_reads_its_input_and_writes_its_output_only() -> None:
    buckets, read, write, logs, _, functions = label(
        input_s3_uris=("s3://images/xray/",),
        output_s3_uri="s3://labels/xray",
        lambda_arns=("arn:aws:lambda:eu-west-1:111122223333:function:acme-dev-merge",),
        **LOCATION,
    )
    assert buckets.resources == ("arn:aws:s3:::images", "arn:aws:s3:::labels")
    assert read.resources == ("arn:aws:s3:::images/xray/*", "arn:aws:s3:::labels/xray*")
    assert write.resources == ("arn:aws:s3:::labels/xray*",)
    assert "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/LabelingJobs" in logs.resources
    assert functions.actions == ("lambda:InvokeFunction",)


def test_without_functions_none_is_called() -> None:
    statements = label(input_s3_uris=("s3://images",), output_s3_uri="s3://images/labels/", **LOCATION)
    assert not any("lambda:InvokeFunction" in statement.actions for statement in statements)
    assert statements[0].resources == ("arn:aws:s3:::images",)


def test_sagemaker_tells_a_topic_of_the_jobs_of_this_account_only() -> None:
    topic = "arn:aws:sns:eu-west-1:111122223333:acme-dev-labeling"
    publish = publish_to(topic, "111122223333", "eu-west-1")
    assert publish.resources == (topic,)
    assert publish.conditions == {
        "ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:eu-west-1:111122223333:workteam/*"},
        "StringEquals": {"aws:SourceAccount": "111122223333"},
    }


def test_what_terraform_knows_later_passes(synth: Synth) -> None:
    def build(stack: TerraformStack) -> None:
        token = TerraformVariable(stack, "late", type="string").string_value
        workers = Workers(
            workforce=replace(COGNITO, groups={"radiologists": token}, source_ip_cidrs=(token,)),
            teams={"radiology": Team(description=token, groups=("radiologists",))},
            task_uis={"box": token},
        )
        late = LabelingConfig(name=token, account_id=token, region="eu-west-1", workers=workers)
        Labeling(stack, "this", late)

    labeling = synth(build)
    assert labeling.one(WORKFORCE)["workforce_name"] == "${var.late}"
    assert labeling.one(PAGE)["ui_template"] == {"content": "${var.late}"}
    assert labeling.one("terraform_data")["triggers_replace"] == {"content": "${sha256(var.late)}"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "my_force"}, "name: supply a value such as acme-prod-labeling, got 'my_force'"),
        ({"name": "w" * 64}, "name: supply at most 63 characters, got 64"),
        (
            {"user_pool_id": "pool", "client_id": "c"},
            "user_pool_id: supply a value such as eu-west-1_Ab1Cd2Ef3",
        ),
        ({"user_pool_id": "eu-west-1_Ab1"}, "user_pool_id, client_id: supply both, or none"),
        ({"client_id": "c"}, "user_pool_id, client_id: supply both, or none"),
    ],
)
def test_a_workforce_that_cannot_be_there_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        Existing(**change)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": {}}, "groups: supply at least one, got none"),
        ({"groups": {"a b": ""}}, "groups: name: supply a value such as radiologists, got 'a b'"),
        ({"groups": {"g" * 64: ""}}, "groups: name: supply at most 63 characters, got 64"),
        ({"groups": {"a": "d" * 2049}}, "groups.a: supply at most 2048 characters, got 2049"),
        ({"source_ip_cidrs": ()}, "source_ip_cidrs: supply at least one, got none"),
        (
            {"source_ip_cidrs": tuple(f"10.0.{number}.0/24" for number in range(11))},
            "source_ip_cidrs: number of ranges: supply at most 10, got 11",
        ),
        (
            {"source_ip_cidrs": ("10.0.0.0/24", "10.0.0.0/24")},
            "source_ip_cidrs: supply each once, got '10.0.0.0/24' twice",
        ),
        (
            {"source_ip_cidrs": ("10.0.0.1/24",)},
            "source_ip_cidrs: supply a range such as 203.0.113.0/24, got '10.0.0.1/24'",
        ),
        (
            {"source_ip_cidrs": ("10.0.0.1",)},
            "source_ip_cidrs: supply a range such as 203.0.113.0/24, got '10.0.0.1'",
        ),
        ({"mfa_configuration": "OFF"}, "mfa_configuration: supply one of ON, OPTIONAL, got 'OFF'"),
        (
            {"advanced_security_mode": "ON"},
            "advanced_security_mode: supply one of ENFORCED, AUDIT, OFF, got 'ON'",
        ),
        ({"password_minimum_length": 7}, "password_minimum_length: supply at least 8, got 7"),
        ({"password_minimum_length": 100}, "password_minimum_length: supply at most 99, got 100"),
        ({"domain": "acme-aws"}, "domain: supply a value such as acme-prod-labeling, got 'acme-aws'"),
        ({"domain": "d" * 64}, "domain: supply at most 63 characters, got 64"),
    ],
)
def test_a_user_pool_that_cannot_be_made_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(COGNITO, **change)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"client_id": "ä"}, "client_id: supply a value such as acme-labeling, got 'ä'"),
        ({"issuer": "http://login"}, "issuer: supply a value such as https://login.example.com/oauth2"),
        ({"jwks_uri": "https://" + "j" * 500}, "jwks_uri: supply at most 500 characters, got 508"),
        ({"source_ip_cidrs": ()}, "source_ip_cidrs: supply at least one, got none"),
    ],
)
def test_an_identity_provider_that_cannot_be_trusted_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(OIDC, **change)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"description": ""}, "description: supply what the team is for, got none"),
        ({"description": "d" * 201}, "description: supply at most 200 characters, got 201"),
        ({"description": "a\nb"}, "description: supply a text without line breaks"),
        ({"groups": ()}, "groups: supply at least one, got none"),
        (
            {"groups": tuple(f"g{number}" for number in range(11))},
            "groups: number of groups: supply at most 10, got 11",
        ),
        ({"groups": ("a", "a")}, "groups: supply each once, got 'a' twice"),
        ({"groups": ("a b",)}, "groups: supply a value such as radiologists, got 'a b'"),
        (
            {"s3_presign": "Enabled"},
            "s3_presign: supply one of SourceIp, VpcSourceIp, Unconstrained, got 'Enabled'",
        ),
    ],
)
def test_a_team_that_cannot_be_made_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(RADIOLOGY, **change)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teams": {}}, "teams: supply at least one, got none"),
        (
            {"teams": {f"t{number}": RADIOLOGY for number in range(26)}},
            "teams: number of teams: supply at most 25, got 26",
        ),
        ({"teams": {"a--b": RADIOLOGY}}, "teams: name: supply a value such as radiology, got 'a--b'"),
        (
            {"teams": {"radiology": replace(RADIOLOGY, groups=("nurses",))}},
            "teams.radiology.groups: supply groups of the workforce's pool, which has radiologists, "
            "trainees; got 'nurses'",
        ),
        (
            {"teams": {"radiology": replace(RADIOLOGY, s3_presign="VpcSourceIp")}},
            "teams.radiology.s3_presign: supply SourceIp, since the portal of this workforce is in no VPC",
        ),
        ({"task_uis": {"Box": "<p/>"}}, "task_uis: name: supply a value such as bounding-box, got 'Box'"),
        ({"task_uis": {"box": ""}}, "task_uis.box: supply HTML, got none"),
        ({"task_uis": {"box": "${" * 64001}}, "task_uis.box: supply at most 128000 characters, got 128002"),
    ],
)
def test_workers_that_do_not_fit_together_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(CONFIG.workers, **change)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "my_labeling"}, "name: supply a value such as acme-prod-labeling, got 'my_labeling'"),
        ({"name": "l" * 60}, "name, workers.teams.radiology: supply at most 63 characters, got 70"),
        ({"name": "l" * 51}, "name, workers.task_uis.box: supply at most 54 characters, got 55"),
        ({"name": "Acme"}, "name, workers.task_uis.box: supply a value such as acme-dev-box, got 'Acme-box'"),
        (
            {"name": "acme-aws"},
            "name, account_id: supply a value such as acme-prod-labeling-111122223333, "
            "got 'acme-aws-111122223333'",
        ),
        ({"name": "l" * 52}, "name, account_id: supply at most 63 characters, got 65"),
        (
            {"notification_topic_arn": "topic"},
            "notification_topic_arn: supply a value such as arn:aws:sns:eu-west-1:",
        ),
        (
            {"workers": replace(CONFIG.workers, workforce=OIDC)},
            "oidc_client_secret: supply the secret of the Oidc workforce's client, got none",
        ),
        ({"oidc_client_secret": "${var.x}"}, "oidc_client_secret: supply none, since the workforce is not"),
    ],
)
def test_wiring_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        replace(CONFIG, **change)
    assert message in str(refused.value)


def test_a_secret_in_clear_is_refused_and_not_repeated() -> None:
    with pytest.raises(
        ValueError, match="oidc_client_secret: supply what only Terraform resolves"
    ) as refused:
        replace(CONFIG, workers=replace(CONFIG.workers, workforce=OIDC), oidc_client_secret="hunter2")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_s3_uris": ()}, "input_s3_uris: supply at least one, got none"),
        (
            {"input_s3_uris": ("images",)},
            "input_s3_uris: supply a value such as s3://bucket/images/, got 'images'",
        ),
        ({"output_s3_uri": "${x}"}, "output_s3_uri: supply what is known before the plan, got '${x}'"),
        ({"lambda_arns": ("merge",)}, "lambda_arns: supply a value such as arn:aws:lambda:eu-west-1:"),
    ],
)
def test_statements_of_what_is_not_known_are_refused(change: dict[str, Any], message: str) -> None:
    known: dict[str, Any] = {"input_s3_uris": ("s3://images",), "output_s3_uri": "s3://labels", **LOCATION}
    with pytest.raises(ValueError) as refused:
        label(**{**known, **change})
    assert message in str(refused.value)
