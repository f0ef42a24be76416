"""Labeling with a user pool: workforce and team change in place, a page beside the old one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modules.labeling import Cognito, Labeling, LabelingConfig, Team, Workers

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-labeling"
TEAM = Team(description="Reads images", groups=("radiologists",))
WORKFORCE = Cognito(
    groups={"radiologists": "Doctors who read images"},
    source_ip_cidrs=("203.0.113.0/24",),
    deletion_protection=False,
)
WORKERS = Workers(
    workforce=WORKFORCE,
    teams={"radiology": TEAM},
    task_uis={"box": "<crowd-form>${x} %{y}</crowd-form>"},
)


def client_of_the_pool(account: Account) -> dict[str, Any]:
    """Return the only client of the only user pool, as Cognito describes it."""
    cognito = account.client("cognito-idp")
    (pool,) = cognito.list_user_pools(MaxResults=10)["UserPools"]
    (client,) = cognito.list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
    described: dict[str, Any] = cognito.describe_user_pool_client(
        UserPoolId=pool["Id"], ClientId=client["ClientId"]
    )["UserPoolClient"]
    return described


def steps(account: Account) -> Iterator[Step]:
    sagemaker = account.client("sagemaker")
    config = LabelingConfig(name=NAME, account_id=account.account_id, region=REGION, workers=WORKERS)
    yield Stage(lambda stack: Labeling(stack, "labeling", config))
    before = sagemaker.describe_workforce(WorkforceName=NAME)["Workforce"]
    client = client_of_the_pool(account)
    assert client["CallbackURLs"] == [f"https://{before['SubDomain']}/oauth2/idpresponse"]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["RefreshTokenValidity"] == 1

    changed = replace(
        config,
        workers=replace(
            WORKERS,
            workforce=replace(
                WORKFORCE,
                groups={"radiologists": "Doctors who read images by day"},
                source_ip_cidrs=("198.51.100.0/24",),
                password_minimum_length=16,
            ),
            teams={"radiology": replace(TEAM, description="Reads images by day")},
            task_uis={"box": "<crowd-form>${x} %{z}</crowd-form>"},
        ),
    )
    yield Stage(
        lambda stack: Labeling(stack, "labeling", changed),
        {
            "aws_cognito_user_group.labeling_radiologists_group": ["update"],
            "aws_cognito_user_pool.labeling_pool": ["update"],
            "aws_sagemaker_human_task_ui.labeling_box_ui": ["create", "delete"],
            "aws_sagemaker_workforce.labeling": ["update"],
            "aws_sagemaker_workteam.labeling_radiology_team": ["update"],
            "terraform_data.labeling_box_ui_revision": ["create", "delete"],
        },
    )
    team = sagemaker.describe_workteam(WorkteamName=f"{NAME}-radiology")["Workteam"]
    assert team["Description"] == "Reads images by day"
    after = sagemaker.describe_workforce(WorkforceName=NAME)["Workforce"]
    assert after["CreateDate"] == before["CreateDate"]
    assert after["SourceIpConfig"] == {"Cidrs": ["198.51.100.0/24"]}
    assert len(sagemaker.list_human_task_uis()["HumanTaskUiSummaries"]) == 1

    yield Gone()
    assert sagemaker.list_workforces()["Workforces"] == []
    assert sagemaker.list_workteams()["Workteams"] == []
    assert sagemaker.list_human_task_uis()["HumanTaskUiSummaries"] == []
    assert account.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
