"""SageMaker Model Monitor: data quality by a schedule of SageMaker's own, and alarms on drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from .._aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from .._aws.sagemaker_data_quality_job_definition import (
    SagemakerDataQualityJobDefinition,
    SagemakerDataQualityJobDefinitionDataQualityAppSpecification,
    SagemakerDataQualityJobDefinitionDataQualityBaselineConfig,
    SagemakerDataQualityJobDefinitionDataQualityBaselineConfigConstraintsResource,
    SagemakerDataQualityJobDefinitionDataQualityBaselineConfigStatisticsResource,
    SagemakerDataQualityJobDefinitionDataQualityJobInput,
    SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInput,
    SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormat,
    SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormatCsv,
    SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormatJson,
    SagemakerDataQualityJobDefinitionDataQualityJobInputEndpointInput,
    SagemakerDataQualityJobDefinitionDataQualityJobOutputConfig,
    SagemakerDataQualityJobDefinitionDataQualityJobOutputConfigMonitoringOutputs,
    SagemakerDataQualityJobDefinitionDataQualityJobOutputConfigMonitoringOutputsS3Output,
    SagemakerDataQualityJobDefinitionJobResources,
    SagemakerDataQualityJobDefinitionJobResourcesClusterConfig,
    SagemakerDataQualityJobDefinitionNetworkConfig,
    SagemakerDataQualityJobDefinitionNetworkConfigVpcConfig,
    SagemakerDataQualityJobDefinitionStoppingCondition,
)
from .._aws.sagemaker_monitoring_schedule import (
    SagemakerMonitoringSchedule,
    SagemakerMonitoringScheduleMonitoringScheduleConfig,
    SagemakerMonitoringScheduleMonitoringScheduleConfigScheduleConfig,
)
from .._core import Statement, matches, not_empty, record, refuse
from .._core.checks import no_longer_than
from ..endpoint import Inference
from .alarms import alarm_on_drift
from .capture import problems_of_capture
from .decisions import BatchCapture, DataQuality, EndpointCapture, Source

NAME = "[a-z0-9](-?[a-z0-9])*"
HOME = r"s3://[a-z0-9][a-z0-9.-]+/([^*]*/)?"
LONGEST_HOME = 400
"""So that every address under it is one of the provider's, of at most 512 characters."""
INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"


@record
class ModelMonitorConfig:
    """A monitor of data quality: what is monitored, and with what it is compared."""

    name: str
    """Name of schedule and job definition, at most 63 characters; it never changes."""
    monitor: DataQuality
    """The decisions."""
    home_s3_uri: str
    """Prefix of all that belongs to the monitor, such as `s3://acme-prod-monitors/churn-data/`: it finds
    baselines in `baselines/` and writes to `reports/`."""
    role_arn: str
    """Role that SageMaker takes for the jobs: it has what `job(…)` returns, reads home and captured data, and
    writes reports."""
    kms_key_arn: str
    """Key for the volumes and the reports."""
    subnet_ids: tuple[str, ...]
    """Subnets of the jobs, 1 to 16."""
    security_group_ids: tuple[str, ...]
    """Security groups of the jobs, 1 to 5."""
    endpoints: Mapping[str, Inference] = field(default_factory=dict)
    """Endpoints by the key that the source uses, each with all decisions."""
    endpoint_ids: Mapping[str, str] = field(default_factory=dict)
    """The same endpoints: `Endpoint.outputs.id`, so that the schedule goes before its endpoint does."""
    alarm_topic_arns: tuple[str, ...] = ()
    """SNS topics that are told of drift, and of silence."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, NAME, "acme-prod-churn-data"),
            no_longer_than("name", self.name, 63),
            matches("home_s3_uri", self.home_s3_uri, HOME, "s3://acme-prod-monitors/churn-data/"),
            no_longer_than("home_s3_uri", self.home_s3_uri, LONGEST_HOME),
            not_empty("subnet_ids", self.subnet_ids),
            not_empty("security_group_ids", self.security_group_ids),
            *(
                problems_of_capture("monitor.source.endpoint", self.monitor.source.endpoint, self.endpoints)
                if isinstance(self.monitor.source, EndpointCapture)
                else ()
            ),
        )


@record
class ModelMonitorOutputs:
    """What others need of a monitor."""

    name: str
    """The schedule's name: what `ListMonitoringExecutions` takes."""
    arn: str


class ModelMonitor(Construct):
    """Another time is changed in place; anything else of a job makes definition and schedule anew.

    SageMaker keeps the history of executions of a schedule that is made anew under its name.
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html
    """

    def __init__(self, scope: Construct, id_: str, config: ModelMonitorConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        monitor = config.monitor
        definition = SagemakerDataQualityJobDefinition(
            self,
            "definition",
            name=config.name,
            role_arn=config.role_arn,
            data_quality_app_specification=SagemakerDataQualityJobDefinitionDataQualityAppSpecification(
                image_uri=monitor.image, environment={"publish_cloudwatch_metrics": "Enabled"}
            ),
            data_quality_baseline_config=_baseline(f"{config.home_s3_uri}baselines/{monitor.baseline}"),
            data_quality_job_input=_input(monitor.source, config.endpoint_ids),
            data_quality_job_output_config=_output(config.home_s3_uri, config.kms_key_arn),
            job_resources=SagemakerDataQualityJobDefinitionJobResources(
                cluster_config=SagemakerDataQualityJobDefinitionJobResourcesClusterConfig(
                    instance_type=monitor.instance_type,
                    instance_count=monitor.instance_count,
                    volume_size_in_gb=monitor.volume_size_in_gb,
                    volume_kms_key_id=monitor.volume_key(config.kms_key_arn),
                )
            ),
            network_config=SagemakerDataQualityJobDefinitionNetworkConfig(
                enable_inter_container_traffic_encryption=monitor.enable_inter_container_traffic_encryption,
                enable_network_isolation=monitor.enable_network_isolation,
                vpc_config=SagemakerDataQualityJobDefinitionNetworkConfigVpcConfig(
                    subnets=list(config.subnet_ids), security_group_ids=list(config.security_group_ids)
                ),
            ),
            stopping_condition=SagemakerDataQualityJobDefinitionStoppingCondition(
                max_runtime_in_seconds=monitor.max_runtime_seconds
            ),
        )
        schedule = SagemakerMonitoringSchedule(
            self,
            "this",
            name=config.name,
            monitoring_schedule_config=SagemakerMonitoringScheduleMonitoringScheduleConfig(
                monitoring_job_definition_name=definition.name,
                monitoring_type="DataQuality",
                schedule_config=SagemakerMonitoringScheduleMonitoringScheduleConfigScheduleConfig(
                    schedule_expression=monitor.schedule_expression
                ),
            ),
            lifecycle=TerraformResourceLifecycle(
                replace_triggered_by=[  # the name stays, and the schedule must go before the definition
                    f"{definition.terraform_resource_type}.{definition.friendly_unique_id}.id"
                ]
            ),
        )
        self._alarms(monitor)
        self.outputs = ModelMonitorOutputs(name=schedule.name, arn=schedule.arn)

    def _alarms(self, monitor: DataQuality) -> None:
        """Make an alarm for each feature, and one that tells when there are no numbers.

        https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html
        """
        config, source = self.config, monitor.source
        dimensions = {"MonitoringSchedule": config.name}
        if isinstance(source, EndpointCapture):
            dimensions["Endpoint"] = config.endpoint_ids[source.endpoint]
        namespace = (
            "aws/sagemaker/Endpoints/data-metrics"
            if isinstance(source, EndpointCapture)
            else "aws/sagemaker/ModelMonitoring/data-metrics"
        )
        for feature, distance in sorted(monitor.drift.items()):
            alarm_on_drift(
                self,
                feature,
                monitor_name=config.name,
                description=f"{config.name}: {feature} has drifted from its baseline.",
                namespace=namespace,
                metric_name=f"feature_baseline_drift_{feature}",
                dimensions=dimensions,
                comparison_operator="GreaterThanOrEqualToThreshold",
                threshold=distance,
                topic_arns=config.alarm_topic_arns,
            )
        if monitor.drift and monitor.silence_hours is not None:
            CloudwatchMetricAlarm(
                self,
                "silence",
                alarm_name=f"{config.name}-silence",
                alarm_description=f"{config.name} has told nothing for {monitor.silence_hours} hours.",
                namespace=namespace,
                metric_name=f"feature_baseline_drift_{min(monitor.drift)}",
                dimensions=dimensions,
                statistic="Maximum",
                period=3600,
                evaluation_periods=monitor.silence_hours,
                comparison_operator="LessThanThreshold",
                threshold=0,
                treat_missing_data="breaching",
                alarm_actions=list(config.alarm_topic_arns),
                ok_actions=list(config.alarm_topic_arns),
            )

    def read(self) -> Statement:
        """Return what a role needs to see what the monitor did; its reports are in S3."""
        return Statement(
            actions=("sagemaker:DescribeMonitoringSchedule", "sagemaker:ListMonitoringExecutions"),
            resources=(self.outputs.arn,),
        )


def _baseline(s3_uri: str) -> SagemakerDataQualityJobDefinitionDataQualityBaselineConfig:
    constraints = SagemakerDataQualityJobDefinitionDataQualityBaselineConfigConstraintsResource(
        s3_uri=f"{s3_uri}/constraints.json"
    )
    statistics = SagemakerDataQualityJobDefinitionDataQualityBaselineConfigStatisticsResource(
        s3_uri=f"{s3_uri}/statistics.json"
    )
    return SagemakerDataQualityJobDefinitionDataQualityBaselineConfig(
        constraints_resource=constraints, statistics_resource=statistics
    )


def _input(
    source: Source, endpoint_ids: Mapping[str, str]
) -> SagemakerDataQualityJobDefinitionDataQualityJobInput:
    if isinstance(source, BatchCapture):
        return SagemakerDataQualityJobDefinitionDataQualityJobInput(
            batch_transform_input=SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInput(
                data_captured_destination_s3_uri=source.s3_uri,
                dataset_format=_format(source),
                local_path=INPUT,
            )
        )
    return SagemakerDataQualityJobDefinitionDataQualityJobInput(
        endpoint_input=SagemakerDataQualityJobDefinitionDataQualityJobInputEndpointInput(
            endpoint_name=endpoint_ids[source.endpoint], local_path=INPUT
        )
    )


def _format(
    source: BatchCapture,
) -> SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormat:
    if source.dataset_format == "Csv":
        return SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormat(
            csv=SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormatCsv(
                header=source.header
            )
        )
    return SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormat(
        json=SagemakerDataQualityJobDefinitionDataQualityJobInputBatchTransformInputDatasetFormatJson(
            line=source.dataset_format == "JsonLines"
        )
    )


def _output(
    home_s3_uri: str, kms_key_arn: str
) -> SagemakerDataQualityJobDefinitionDataQualityJobOutputConfig:
    return SagemakerDataQualityJobDefinitionDataQualityJobOutputConfig(
        kms_key_id=kms_key_arn,
        monitoring_outputs=SagemakerDataQualityJobDefinitionDataQualityJobOutputConfigMonitoringOutputs(
            s3_output=SagemakerDataQualityJobDefinitionDataQualityJobOutputConfigMonitoringOutputsS3Output(
                s3_uri=f"{home_s3_uri}reports", local_path=OUTPUT, s3_upload_mode="EndOfJob"
            )
        ),
    )
