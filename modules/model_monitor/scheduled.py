"""Model quality, bias and explainability: analyses of a day by a state machine, and alarms on drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from constructs import Construct

from .._core import Statement, matches, not_empty, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.jobs import LENGTH_ADDED, encrypt_volumes
from ..endpoint import Inference
from ..state_machine import StateMachine, StateMachineConfig
from ..state_machine import execution as run
from .alarms import alarm_on_drift
from .capture import problems_of_capture
from .decisions import Explainability, ModelQuality, Scheduled
from .definition import NDCG, VIOLATIONS, Wiring, definition, limits
from .model_monitor import HOME, LONGEST_HOME, NAME

LONGEST_NAME = 63 - LENGTH_ADDED
"""So that a job's name, which begins with it, is one of SageMaker's."""
CAPTURE = r"s3://[^/*]+(/[^*]*[^/*])?"
WHAT = {
    NDCG: "the model goes by other features than it did",
    VIOLATIONS: "the model's answers are worse than its constraints allow",
}


@record
class ScheduledMonitorConfig:
    """A monitor that a state machine runs: what is analysed, and by whom."""

    name: str
    """Name of the state machine, start of the jobs' names and namespace of the numbers in CloudWatch, at most
    39 characters; it never changes."""
    monitor: Scheduled
    """The decisions, and when a day is analysed."""
    home_s3_uri: str
    """Prefix of all that belongs to the monitor, such as `s3://acme-prod-monitors/churn-bias/`: it finds
    `baselines/`, `ground-truth/` and `records/` there, and writes `merged/` and `reports/`."""
    job_role_arn: str
    """Role that SageMaker takes for the jobs: it has what `job(…)` returns, and with explainability
    `ask_model(…)`; it reads home and captured data, and writes `merged/` and `reports/`."""
    role_arn: str
    """Role that Step Functions takes: it has what `execution(…)` returns, reads and writes `reports/`."""
    launch_role_arn: str
    """Role that schedules take: `LAUNCHING_SERVICES` may, and it has what `launch(…)` says."""
    kms_key_arn: str
    """Key for volumes and reports, the definition and what executions hold; its policy needs
    `use_by_log_delivery(…)` of the module state_machine."""
    log_group_arn: str
    """Log group for executions."""
    subnet_ids: tuple[str, ...]
    """Subnets of the jobs, 1 to 16."""
    security_group_ids: tuple[str, ...]
    """Security groups of the jobs, 1 to 5."""
    account_id: str
    """Account of the jobs."""
    region: str
    """Region of the jobs."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    endpoints: Mapping[str, Inference] = field(default_factory=dict)
    """Endpoints by the key that model quality uses, each with all decisions."""
    endpoint_names: Mapping[str, str] = field(default_factory=dict)
    """The same endpoints by their name in AWS; no Tokens, since folders are named so."""
    capture_s3_uri: str | None = None
    """Where that endpoint captures: `EndpointConfig.data_capture_s3_uri`; needed by model quality."""
    model_names: Mapping[str, str] = field(default_factory=dict)
    """Models by the key that explainability uses: `Model.outputs.name`."""
    alarm_topic_arns: tuple[str, ...] = ()
    """SNS topics that are told of drift, and of executions that fail."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the jobs: the provider's default tags reach none, since Terraform makes none."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, NAME, "acme-prod-churn-bias"),
            no_longer_than("name", self.name, LONGEST_NAME),
            when(
                unresolved(self.home_s3_uri),
                f"home_s3_uri: supply what is known before the plan, got {self.home_s3_uri!r}",
            ),
            matches("home_s3_uri", self.home_s3_uri, HOME, "s3://acme-prod-monitors/churn-bias/"),
            no_longer_than("home_s3_uri", self.home_s3_uri, LONGEST_HOME),
            not_empty("subnet_ids", self.subnet_ids),
            not_empty("security_group_ids", self.security_group_ids),
            *(self._of_endpoint(self.monitor) if isinstance(self.monitor, ModelQuality) else ()),
            *(self._of_model(self.monitor) if isinstance(self.monitor, Explainability) else ()),
        )

    def _of_endpoint(self, monitor: ModelQuality) -> Iterator[str | None]:
        yield from problems_of_capture("monitor.endpoint", monitor.endpoint, self.endpoints, monitor.variant)
        yield when(
            monitor.endpoint not in self.endpoint_names,
            f"endpoint_names: supply the name of {monitor.endpoint}, got none",
        )
        yield when(
            self.capture_s3_uri is None, "capture_s3_uri: supply where the endpoint captures, got none"
        )
        yield matches("capture_s3_uri", self.capture_s3_uri, CAPTURE, "s3://acme-prod-captures/churn")

    def _of_model(self, monitor: Explainability) -> Iterator[str | None]:
        legal = ", ".join(sorted(self.model_names)) or "(none)"
        yield when(
            monitor.model not in self.model_names,
            f"monitor.model: supply one of {legal}, got {monitor.model!r}",
        )


@record
class ScheduledMonitorOutputs:
    """What others need of a monitor."""

    name: str
    """The state machine's name."""
    arn: str
    """The state machine's: what `StartExecution` takes. The input of an execution is `{}`, or
    `{"day": "2030/01/31"}`; its output has `ProcessingJobName`, `S3Uri` and `Day`."""


def job(name: str) -> Statement:
    """Return what a monitor's jobs need besides logs, images, data and keys: numbers for CloudWatch.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html
    """
    return Statement(
        actions=("cloudwatch:PutMetricData",),
        resources=("*",),
        conditions={"StringLike": {"cloudwatch:namespace": ("aws/sagemaker/*", name)}},
    )


def ask_model(
    name: str, model_name: str, region: str, account_id: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what SageMaker Clarify needs to ask a model: an endpoint of its own, for as long as it asks.

    The end of the model's name may be `*`.
    https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-run.html
    """
    home = f"arn:{partition}:sagemaker:{region}:{account_id}"
    operations = (
        *("AddTags", "CreateEndpoint", "CreateEndpointConfig", "DeleteEndpoint", "DeleteEndpointConfig"),
        *("DescribeEndpoint", "DescribeEndpointConfig", "InvokeEndpoint"),
    )
    return (
        Statement(
            actions=tuple(f"sagemaker:{operation}" for operation in operations),
            resources=(f"{home}:endpoint/{name}*", f"{home}:endpoint-config/{name}*"),
        ),
        Statement(actions=("sagemaker:DescribeModel",), resources=(f"{home}:model/{model_name}",)),
    )


def execution(
    name: str,
    job_role_name: str,
    kms_key_arn: str,
    region: str,
    account_id: str,
    partition: str = "aws",
) -> tuple[Statement, ...]:
    """Return what the role needs that Step Functions takes, for its own jobs and numbers and no other's.

    Step Functions tags each job, and hears of its end by a rule of EventBridge, which it makes itself.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
    """
    here = f"{region}:{account_id}"
    operations = ("AddTags", "CreateProcessingJob", "DescribeProcessingJob", "ListTags", "StopProcessingJob")
    rule = f"arn:{partition}:events:{here}:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
    return (
        *run(name, kms_key_arn, region, account_id, partition),
        Statement(
            actions=tuple(f"sagemaker:{operation}" for operation in operations),
            resources=(f"arn:{partition}:sagemaker:{here}:processing-job/{name}-*",),
        ),
        Statement(
            actions=("iam:PassRole",),
            resources=(f"arn:{partition}:iam::{account_id}:role/{job_role_name}",),
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        Statement(actions=("events:DescribeRule", "events:PutRule", "events:PutTargets"), resources=(rule,)),
        Statement(
            actions=("cloudwatch:PutMetricData",),
            resources=("*",),
            conditions={"StringEquals": {"cloudwatch:namespace": name}},
        ),
        *encrypt_volumes(kms_key_arn, region),
    )


class ScheduledMonitor(Construct):
    """A changed decision is an update in place; executions that run keep what they began with."""

    def __init__(self, scope: Construct, id_: str, config: ScheduledMonitorConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        monitor = config.monitor
        self.machine = StateMachine(
            self,
            "this",
            StateMachineConfig(
                name=config.name,
                definition=definition(monitor, self._wiring(monitor)),
                role_arn=config.role_arn,
                kms_key_arn=config.kms_key_arn,
                log_group_arn=config.log_group_arn,
                account_id=config.account_id,
                region=config.region,
                partition=config.partition,
                schedules=monitor.schedules,
                launch_role_arn=config.launch_role_arn,
                alarm_topic_arns=config.alarm_topic_arns,
            ),
        )
        for metric, (operator, limit) in limits(monitor).items():
            alarm_on_drift(
                self,
                metric,
                monitor_name=config.name,
                description=f"{config.name}: {WHAT.get(metric, f'{metric} tells of bias')}.",
                namespace=config.name,
                metric_name=metric,
                dimensions={},
                comparison_operator=operator,
                threshold=limit,
                topic_arns=config.alarm_topic_arns,
            )
        made = self.machine.outputs
        self.outputs = ScheduledMonitorOutputs(name=made.name, arn=made.arn)

    def _wiring(self, monitor: Scheduled) -> Wiring:
        config, path = self.config, ""
        if isinstance(monitor, ModelQuality):
            path = f"{config.endpoint_names[monitor.endpoint]}/{monitor.variant}"
        return Wiring(
            name=config.name,
            home_s3_uri=config.home_s3_uri,
            job_role_arn=config.job_role_arn,
            kms_key_arn=config.kms_key_arn,
            subnet_ids=config.subnet_ids,
            security_group_ids=config.security_group_ids,
            tags=config.tags,
            account_id=config.account_id,
            partition=config.partition,
            capture_s3_uri=f"{config.capture_s3_uri}/{path}" if path else "",
            endpoint_path=path,
            model_name=config.model_names[monitor.model] if isinstance(monitor, Explainability) else "",
        )

    def start(self) -> Statement:
        """Return what a role needs to have a day analysed."""
        return self.machine.start()
