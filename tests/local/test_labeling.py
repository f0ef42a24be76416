"""Labeling on the embedded AWS: a workforce with a user pool, a team and a page; and gone without a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.labeling import Cognito, Labeling, LabelingConfig, Team, Workers

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

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


def client_of_the_pool(deployment: Deployment) -> dict[str, Any]:
    """Return the only client of the only user pool, as Cognito describes it."""
    cognito = deployment.client("cognito-idp")
    (pool,) = cognito.list_user_pools(MaxResults=10)["UserPools"]
    (client,) = cognito.list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
    described: dict[str, Any] = cognito.describe_user_pool_client(
        UserPoolId=pool["Id"], ClientId=client["ClientId"]
    )["UserPoolClient"]
    return described


def test_a_team_changes_in_place_and_a_page_beside_the_old_one(deployment: Deployment) -> None:
    config = LabelingConfig(name=NAME, account_id=deployment.account_id, region=REGION, workers=WORKERS)
    sagemaker = deployment.client("sagemaker")
    deployment.plan(lambda stack: Labeling(stack, "labeling", config))
    deployment.apply()
    before = sagemaker.describe_workforce(WorkforceName=NAME)["Workforce"]
    client = client_of_the_pool(deployment)
    assert client["CallbackURLs"] == [f"https://{before['SubDomain']}/oauth2/idpresponse"]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["RefreshTokenValidity"] == 1
    assert not deployment.plan(lambda stack: Labeling(stack, "labeling", config))

    changed = replace(
        config,
        workers=replace(
            WORKERS,
            workforce=replace(WORKFORCE, source_ip_cidrs=("198.51.100.0/24",), password_minimum_length=16),
            teams={"radiology": replace(TEAM, description="Reads images by day")},
            task_uis={"box": "<crowd-form>${x} %{z}</crowd-form>"},
        ),
    )
    deployment.plan(lambda stack: Labeling(stack, "labeling", changed))
    assert deployment.actions() == {
        "aws_cognito_user_pool.labeling_pool": ["update"],
        "aws_sagemaker_human_task_ui.labeling_box_ui": ["create", "delete"],
        "aws_sagemaker_workforce.labeling": ["update"],
        "aws_sagemaker_workteam.labeling_radiology_team": ["update"],
        "terraform_data.labeling_box_ui_revision": ["create", "delete"],
    }
    deployment.apply()
    team = sagemaker.describe_workteam(WorkteamName=f"{NAME}-radiology")["Workteam"]
    assert team["Description"] == "Reads images by day"
    after = sagemaker.describe_workforce(WorkforceName=NAME)["Workforce"]
    assert after["CreateDate"] == before["CreateDate"]
    assert after["SourceIpConfig"] == {"Cidrs": ["198.51.100.0/24"]}
    assert len(sagemaker.list_human_task_uis()["HumanTaskUiSummaries"]) == 1
    assert not deployment.plan(lambda stack: Labeling(stack, "labeling", changed))

    deployment.destroy()
    assert sagemaker.list_workforces()["Workforces"] == []
    assert sagemaker.list_workteams()["Workteams"] == []
    assert sagemaker.list_human_task_uis()["HumanTaskUiSummaries"] == []
    assert deployment.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
