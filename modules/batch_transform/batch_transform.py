"""Batch transform: a job that is described once and run on a schedule, on new data, or by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from constructs import Construct

from .._core import Statement, matches, record, refuse, unresolved, when
from .._core.checks import no_longer_than
from .._core.events import object_created
from .._core.jobs import LENGTH_ADDED, encrypt_volumes
from ..state_machine import EventTrigger, StateMachine, StateMachineConfig
from ..state_machine import execution as run
from .decisions import NEW_DATA, TransformJob
from .definition import definition

PREFIX = r"s3://[a-z0-9][a-z0-9.-]+/([^*]*/)?"
LONGEST_NAME = 63 - LENGTH_ADDED
"""So that a job's name, which begins with it, is one of SageMaker's."""


@record
class BatchTransformConfig:
    """A transform job, and when it is started."""

    name: str
    """Name of the state machine and start of the jobs' names, at most 39 characters; it never changes."""
    job: TransformJob
    """The job, and when it is started."""
    model_names: Mapping[str, str]
    """Models by the key that the job uses: `Model.outputs.name`."""
    input_s3_uri: str
    """Prefix of all that is transformed, such as `s3://acme-prod-transforms/churn/input/`. The model's role
    reads it."""
    output_s3_uri: str
    """Prefix of the results, outside of the input; each job has a folder of its own there. The model's role
    writes it."""
    role_arn: str
    """Role that Step Functions takes; it has what `execution(…)` returns."""
    kms_key_arn: str
    """Key for results and volumes, the definition and what executions hold; its policy needs
    `use_by_log_delivery(…)` of the module state_machine."""
    log_group_arn: str
    """Log group for executions. A name that begins with `/aws/vendedlogs/` keeps the account's resource
    policy for logs, which has a limit, short."""
    account_id: str
    """Account of jobs and model."""
    region: str
    """Region of jobs and model."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    launch_role_arn: str | None = None
    """Role that schedules and new data take: `LAUNCHING_SERVICES` may, and it has what `launch(…)` says."""
    dead_letter_arn: str | None = None
    """SQS queue for starts that were given up; its policy lets `events.amazonaws.com` in for new data."""
    alarm_topic_arns: tuple[str, ...] = ()
    """SNS topics that are told when an execution fails."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the jobs: the provider's default tags reach none, since Terraform makes none."""

    def __post_init__(self) -> None:
        legal = ", ".join(sorted(self.model_names)) or "(none)"
        known = not unresolved(self.input_s3_uri)
        refuse(
            matches("name", self.name, "[a-z0-9](-?[a-z0-9])*", "acme-prod-churn"),
            no_longer_than("name", self.name, LONGEST_NAME),
            when(
                self.job.model not in self.model_names,
                f"job.model: supply one of {legal}, got {self.job.model!r}",
            ),
            matches("input_s3_uri", self.input_s3_uri, PREFIX, "s3://acme-prod-transforms/churn/input/"),
            matches("output_s3_uri", self.output_s3_uri, PREFIX, "s3://acme-prod-transforms/churn/output/"),
            when(
                known and self.output_s3_uri.startswith(self.input_s3_uri),
                "output_s3_uri: supply a prefix outside of input_s3_uri, or results are transformed, too; "
                f"got {self.output_s3_uri!r}",
            ),
            when(
                self.job.new_data and not known,
                "input_s3_uri: supply what is known before the plan with new_data, "
                f"got {self.input_s3_uri!r}",
            ),
            *(
                when(
                    known and not str(part).startswith(self.input_s3_uri),
                    f"job.schedules.{key}.parameters.{name}: supply a part of {self.input_s3_uri}, "
                    f"got {part!r}",
                )
                for key, start in self.job.schedules.items()
                for name, part in start.parameters.items()
            ),
        )


@record
class BatchTransformOutputs:
    """What others need of a batch transform."""

    name: str
    arn: str
    """The state machine's: what `StartExecution` takes. The input of an execution is `{}`, or
    `{"input_s3_uri": …}` for a part; its output has `TransformJobName` and `S3OutputPath`."""


def execution(
    name: str, kms_key_arn: str, region: str, account_id: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what the role needs that Step Functions takes, and no other job's.

    Step Functions tags each job, and hears of its end by a rule of EventBridge, which it makes itself.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
    """
    here = f"{region}:{account_id}"
    operations = ("AddTags", "CreateTransformJob", "DescribeTransformJob", "ListTags", "StopTransformJob")
    rule = f"arn:{partition}:events:{here}:rule/StepFunctionsGetEventsForSageMakerTransformJobsRule"
    return (
        *run(name, kms_key_arn, region, account_id, partition),
        Statement(
            actions=tuple(f"sagemaker:{operation}" for operation in operations),
            resources=(f"arn:{partition}:sagemaker:{here}:transform-job/{name}-*",),
        ),
        Statement(actions=("events:DescribeRule", "events:PutRule", "events:PutTargets"), resources=(rule,)),
        *encrypt_volumes(kms_key_arn, region),
    )


class BatchTransform(Construct):
    """A changed job is an update in place; executions that run keep the one that they began with."""

    def __init__(self, scope: Construct, id_: str, config: BatchTransformConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        self.machine = StateMachine(
            self,
            "this",
            StateMachineConfig(
                name=config.name,
                definition=definition(
                    config.name,
                    config.job,
                    model_name=config.model_names[config.job.model],
                    input_s3_uri=config.input_s3_uri,
                    output_s3_uri=config.output_s3_uri,
                    kms_key_arn=config.kms_key_arn,
                    tags=config.tags,
                    partition=config.partition,
                ),
                role_arn=config.role_arn,
                kms_key_arn=config.kms_key_arn,
                log_group_arn=config.log_group_arn,
                account_id=config.account_id,
                region=config.region,
                partition=config.partition,
                schedules=config.job.schedules,
                triggers=self._triggers(),
                launch_role_arn=config.launch_role_arn,
                dead_letter_arn=config.dead_letter_arn,
                alarm_topic_arns=config.alarm_topic_arns,
            ),
        )
        made = self.machine.outputs
        self.outputs = BatchTransformOutputs(name=made.name, arn=made.arn)

    def _triggers(self) -> dict[str, EventTrigger]:
        config = self.config
        if config.job.new_data is None:
            return {}
        bucket, _, prefix = config.input_s3_uri.removeprefix("s3://").partition("/")
        pattern = object_created(config.account_id, bucket, prefix)
        return {NEW_DATA: EventTrigger(pattern=pattern, retry=config.job.new_data.retry)}

    def start(self) -> Statement:
        """Return what a role needs to start a job."""
        return self.machine.start()
