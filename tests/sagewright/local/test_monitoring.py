"""Monitoring schedules: what they need, what they show, and what they hold back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sagewright.local.conftest import REGION, Account, refused

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://capture/churn",
    "CaptureOptions": [{"CaptureMode": "Output"}],
}
SOURCE = {"EndpointName": "churn", "LocalPath": "/opt/ml/processing/input"}


def definition(account: Account, name: str = "churn-data", **changes: Any) -> None:
    """Make a definition of data quality on the endpoint `churn`."""
    account.sagemaker.create_data_quality_job_definition(
        **{
            "JobDefinitionName": name,
            "DataQualityAppSpecification": {"ImageUri": "analyzer"},
            "DataQualityJobInput": {"EndpointInput": SOURCE},
            "DataQualityJobOutputConfig": {
                "MonitoringOutputs": [
                    {"S3Output": {"S3Uri": "s3://reports", "LocalPath": "/opt/ml/processing/output"}}
                ]
            },
            "JobResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
            },
            "RoleArn": account.role(f"{name}-job"),
            **changes,
        }
    )


def schedule(account: Account, name: str = "churn-data", **changes: Any) -> None:
    """Schedule the definition `churn-data`."""
    account.sagemaker.create_monitoring_schedule(
        MonitoringScheduleName=name, MonitoringScheduleConfig={**runs(), **changes}
    )


def runs(expression: str = "cron(0 * ? * * *)") -> dict[str, Any]:
    """Return the configuration of a schedule of the definition `churn-data`."""
    return {
        "MonitoringJobDefinitionName": "churn-data",
        "MonitoringType": "DataQuality",
        "ScheduleConfig": {"ScheduleExpression": expression},
    }


@pytest.fixture
def monitored(account: Account) -> Account:
    """An account with an endpoint that captures."""
    account.configuration(DataCaptureConfig=CAPTURE)
    account.endpoint()
    return account


def test_create_monitoring_schedule_shows_endpoint_and_status(monitored: Account) -> None:
    definition(monitored)
    schedule(monitored)
    described = monitored.sagemaker.describe_monitoring_schedule(MonitoringScheduleName="churn-data")
    assert described["MonitoringScheduleStatus"] == "Scheduled"
    assert described["EndpointName"] == "churn"
    assert described["MonitoringType"] == "DataQuality"
    assert described["MonitoringScheduleArn"] == (
        f"arn:aws:sagemaker:{REGION}:{monitored.id}:monitoring-schedule/churn-data"
    )


def test_update_monitoring_schedule_changes_the_time(monitored: Account) -> None:
    definition(monitored)
    schedule(monitored)
    sagemaker = monitored.sagemaker
    sagemaker.update_monitoring_schedule(
        MonitoringScheduleName="churn-data", MonitoringScheduleConfig=runs("cron(0 4 ? * * *)")
    )
    described = sagemaker.describe_monitoring_schedule(MonitoringScheduleName="churn-data")
    assert described["MonitoringScheduleConfig"] == runs("cron(0 4 ? * * *)")
    assert described["MonitoringScheduleStatus"] == "Scheduled"


def test_create_data_quality_job_definition_needs_an_endpoint(account: Account) -> None:
    with refused('Could not find endpoint "arn:', "ValidationException"):
        definition(account)


def test_create_data_quality_job_definition_needs_an_endpoint_that_captures(account: Account) -> None:
    account.configuration()
    account.endpoint()
    with refused("Data capture is not enabled for endpoint", "ValidationException"):
        definition(account)


def test_create_monitoring_schedule_needs_a_definition_of_its_type(monitored: Account) -> None:
    with refused("churn-data does not exist", "ResourceNotFound"):
        schedule(monitored)
    definition(monitored)
    with refused("churn-data does not exist", "ResourceNotFound"):
        schedule(monitored, MonitoringType="ModelQuality")
    with refused("MonitoringType is required", "ValidationException"):
        monitored.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName="churn-data",
            MonitoringScheduleConfig={"MonitoringJobDefinitionName": "churn-data"},
        )
    with refused("Specify exactly one", "ValidationException"):
        monitored.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName="churn-data", MonitoringScheduleConfig={"MonitoringType": "DataQuality"}
        )


def test_create_monitoring_schedule_takes_each_definition_once(monitored: Account) -> None:
    definition(monitored)
    schedule(monitored)
    with refused("already used by monitoring schedule churn-data", "ValidationException"):
        schedule(monitored, "again")


@pytest.mark.parametrize("expression", ["rate(1 hour)", "cron(30 * ? * * *)", "cron(0 4 * * ? *)"])
def test_a_monitoring_schedule_takes_few_expressions(expression: str, monitored: Account) -> None:
    definition(monitored)
    with refused("Invalid ScheduleExpression", "ValidationException"):
        schedule(monitored, ScheduleConfig={"ScheduleExpression": expression})
    schedule(monitored)
    with refused("Invalid ScheduleExpression", "ValidationException"):
        monitored.sagemaker.update_monitoring_schedule(
            MonitoringScheduleName="churn-data", MonitoringScheduleConfig=runs(expression)
        )


def test_delete_endpoint_waits_for_its_schedules_to_go(monitored: Account) -> None:
    definition(monitored)
    schedule(monitored)
    sagemaker = monitored.sagemaker
    with refused("delete its monitoring schedules first: churn-data", "ValidationException"):
        sagemaker.delete_endpoint(EndpointName="churn")
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName="churn-data")
    sagemaker.delete_endpoint(EndpointName="churn")


def test_delete_monitoring_schedule_while_it_is_pending_is_refused(monitored: Account) -> None:
    definition(monitored)
    with monitored.transition("sagemaker::monitoring_schedule", progression="manual", times=2):
        schedule(monitored)
        with refused("Monitoring schedule in status Pending", "ValidationException"):
            monitored.sagemaker.delete_monitoring_schedule(MonitoringScheduleName="churn-data")
        with refused("Monitoring schedule in status Pending", "ValidationException"):
            monitored.sagemaker.update_monitoring_schedule(
                MonitoringScheduleName="churn-data", MonitoringScheduleConfig=runs()
            )


def test_a_schedule_of_batch_captures_has_no_endpoint(account: Account) -> None:
    batch = {
        "DataCapturedDestinationS3Uri": "s3://captured",
        "DatasetFormat": {"Csv": {"Header": False}},
        "LocalPath": "/opt/ml/processing/input",
    }
    definition(account, DataQualityJobInput={"BatchTransformInput": batch})
    schedule(account)
    described = account.sagemaker.describe_monitoring_schedule(MonitoringScheduleName="churn-data")
    assert "EndpointName" not in described
