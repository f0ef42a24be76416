"""An MLflow tracking server on the embedded AWS: made, changed in place, and gone without a trace."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modules.mlflow_tracking_server import MlflowTrackingServer, MlflowTrackingServerConfig, TrackingServer

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

NAME = "acme-test-experiments"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    ],
}


def test_size_registration_and_maintenance_change_in_place(deployment: Deployment) -> None:
    role = deployment.client("iam").create_role(RoleName="mlflow", AssumeRolePolicyDocument=json.dumps(TRUST))
    config = MlflowTrackingServerConfig(
        name=NAME,
        role_arn=role["Role"]["Arn"],
        artifact_store_uri="s3://acme-test-artifacts/mlflow",
        account_id=deployment.account_id,
        region=REGION,
    )
    sagemaker = deployment.client("sagemaker")
    deployment.plan(lambda stack: MlflowTrackingServer(stack, "experiments", config))
    deployment.apply()
    before = sagemaker.describe_mlflow_tracking_server(TrackingServerName=NAME)
    assert not deployment.plan(lambda stack: MlflowTrackingServer(stack, "experiments", config))

    decided = TrackingServer(
        tracking_server_size="Medium",
        automatic_model_registration=True,
        weekly_maintenance_window_start="Sun:03:30",
    )
    grown = replace(config, server=decided)
    deployment.plan(lambda stack: MlflowTrackingServer(stack, "experiments", grown))
    assert deployment.actions() == {"aws_sagemaker_mlflow_tracking_server.experiments": ["update"]}
    deployment.apply()
    after = sagemaker.describe_mlflow_tracking_server(TrackingServerName=NAME)
    assert after["CreationTime"] == before["CreationTime"]
    assert (after["TrackingServerSize"], after["WeeklyMaintenanceWindowStart"]) == ("Medium", "Sun:03:30")
    assert not deployment.plan(lambda stack: MlflowTrackingServer(stack, "experiments", grown))

    deployment.destroy()
    assert sagemaker.list_mlflow_tracking_servers()["TrackingServerSummaries"] == []
