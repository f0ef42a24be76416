"""An MLflow tracking server: size, registration and maintenance change in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modules.mlflow_tracking_server import MlflowTrackingServer, MlflowTrackingServerConfig, TrackingServer

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-experiments"


def steps(account: Account) -> Iterator[Step]:
    sagemaker = account.client("sagemaker")
    config = MlflowTrackingServerConfig(
        name=NAME,
        role_arn=account.role("mlflow", "sagemaker"),
        artifact_store_uri="s3://acme-test-artifacts/mlflow",
        account_id=account.account_id,
        region=REGION,
    )
    yield Stage(lambda stack: MlflowTrackingServer(stack, "experiments", config))
    before = sagemaker.describe_mlflow_tracking_server(TrackingServerName=NAME)

    decided = TrackingServer(
        tracking_server_size="Medium",
        automatic_model_registration=True,
        weekly_maintenance_window_start="Sun:03:30",
    )
    grown = replace(config, server=decided)
    yield Stage(
        lambda stack: MlflowTrackingServer(stack, "experiments", grown),
        {"aws_sagemaker_mlflow_tracking_server.experiments": ["update"]},
    )
    after = sagemaker.describe_mlflow_tracking_server(TrackingServerName=NAME)
    assert after["CreationTime"] == before["CreationTime"]
    assert (after["TrackingServerSize"], after["WeeklyMaintenanceWindowStart"]) == ("Medium", "Sun:03:30")

    yield Gone()
    assert sagemaker.list_mlflow_tracking_servers()["TrackingServerSummaries"] == []
