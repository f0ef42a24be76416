"""EventBridge Scheduler schedule: starts a SageMaker pipeline or a state machine at given times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field

from constructs import Construct

from .._aws.scheduler_schedule import (
    SchedulerSchedule,
    SchedulerScheduleFlexibleTimeWindow,
    SchedulerScheduleTarget,
    SchedulerScheduleTargetDeadLetterConfig,
    SchedulerScheduleTargetRetryPolicy,
    SchedulerScheduleTargetSagemakerPipelineParameters,
    SchedulerScheduleTargetSagemakerPipelineParametersPipelineParameter,
)
from .._core import Statement, at_least, at_most, matches, record, refuse
from .._core.checks import no_longer_than

Parameter = str | int | float | bool

GROUP = "default"
"""The group that every account has; schedules are told apart by their names."""

EXPRESSION = (
    r"cron\([^\s()]+( [^\s()]+){5}\)"
    r"|rate\([1-9]\d* (minute|hour|day)s?\)"
    r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)
TIME_ZONE = r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*"
QUEUE_ARN = r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]+"

PIPELINE_ARN = r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:pipeline/[a-zA-Z0-9-]+"
STATE_MACHINE_ARN = r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[a-zA-Z0-9_-]+"


@record
class RetryPolicy:
    """How long a start is tried again that AWS could not deliver, such as for throttling."""

    maximum_retry_attempts: int = 10
    """Attempts after the first, 0 to 185."""
    maximum_event_age_seconds: int = 3600
    """Age at which a start is given up, 60 to 86400 s: a late one may be worse than none."""

    def __post_init__(self) -> None:
        refuse(
            at_least("maximum_retry_attempts", self.maximum_retry_attempts, 0),
            at_most("maximum_retry_attempts", self.maximum_retry_attempts, 185),
            at_least("maximum_event_age_seconds", self.maximum_event_age_seconds, 60),
            at_most("maximum_event_age_seconds", self.maximum_event_age_seconds, 86400),
        )


@record
class ScheduledStart:
    """When something is started, and with what.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """

    expression: str
    """`cron(0 4 * * ? *)`, `rate(7 days)`, or once: `at(2030-01-31T04:00:00)`."""
    timezone: str = "UTC"
    """Time zone of the expression, such as `Europe/Berlin`; summer time is kept."""
    flexible_window_minutes: int | None = None
    """Time within which AWS may start it, 1 to 1440 min; by default it is at once."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Parameters of a pipeline, or members of a state machine's input."""
    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""

    def __post_init__(self) -> None:
        refuse(
            matches("expression", self.expression, EXPRESSION, "cron(0 4 * * ? *)"),
            matches("timezone", self.timezone, TIME_ZONE, "Europe/Berlin"),
            no_longer_than("timezone", self.timezone, 50),
            at_least("flexible_window_minutes", self.flexible_window_minutes, 1),
            at_most("flexible_window_minutes", self.flexible_window_minutes, 1440),
        )


@record
class PipelineTarget:
    """A SageMaker pipeline is started; the parameters are its own."""

    arn: str

    def __post_init__(self) -> None:
        refuse(
            matches(
                "arn",
                self.arn,
                PIPELINE_ARN,
                "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/acme-prod-churn",
            )
        )


@record
class StateMachineTarget:
    """A state machine is started; the parameters are the members of its input."""

    arn: str

    def __post_init__(self) -> None:
        refuse(
            matches(
                "arn",
                self.arn,
                STATE_MACHINE_ARN,
                "arn:aws:states:eu-west-1:111122223333:stateMachine:acme-prod-churn",
            )
        )


@record
class ScheduleConfig:
    """A schedule with one target."""

    name: str
    """Name of the schedule, at most 64 characters."""
    target: PipelineTarget | StateMachineTarget
    """What is started."""
    role_arn: str
    """Role that EventBridge Scheduler takes; it may start the target, and has what `deliver(…)` returns."""
    kms_key_arn: str
    """Key for what the target is given."""
    start: ScheduledStart
    """When the target is started, and with what."""
    dead_letter_arn: str | None = None
    """SQS queue for starts that were given up; the role sends them there."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[0-9a-zA-Z_.-]+", "acme-prod-churn-nightly"),
            no_longer_than("name", self.name, 64),
            matches(
                "dead_letter_arn",
                self.dead_letter_arn,
                QUEUE_ARN,
                "arn:aws:sqs:eu-west-1:111122223333:acme-prod-starts",
            ),
        )


@record
class ScheduleOutputs:
    """What others need of a schedule."""

    name: str
    arn: str


def deliver(
    schedule_names: tuple[str, ...],
    kms_key_arn: str,
    region: str,
    account_id: str,
    partition: str = "aws",
    dead_letter_arn: str | None = None,
) -> tuple[Statement, ...]:
    """Return what the role of schedules needs besides the start of their target: the key, and the queue.

    It is made of names, since the role is there before the schedules.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
    """
    schedules = f"arn:{partition}:scheduler:{region}:{account_id}:schedule/{GROUP}"
    arns = tuple(f"{schedules}/{name}" for name in schedule_names)
    decrypt = Statement(
        actions=("kms:Decrypt",),
        resources=(kms_key_arn,),
        conditions={"StringEquals": {"kms:EncryptionContext:aws:scheduler:schedule:arn": arns}},
    )
    if dead_letter_arn is None:
        return (decrypt,)
    return (decrypt, Statement(actions=("sqs:SendMessage",), resources=(dead_letter_arn,)))


class Schedule(Construct):
    """A changed time, target or parameter is changed in place; the name is fixed."""

    def __init__(self, scope: Construct, id_: str, config: ScheduleConfig) -> None:
        super().__init__(scope, id_)
        schedule = SchedulerSchedule(
            self,
            "this",
            name=config.name,
            group_name=GROUP,
            schedule_expression=config.start.expression,
            schedule_expression_timezone=config.start.timezone,
            flexible_time_window=_window(config.start.flexible_window_minutes),
            kms_key_arn=config.kms_key_arn,
            target=_target(config),
        )
        self.outputs = ScheduleOutputs(name=schedule.name, arn=schedule.arn)


def _window(minutes: int | None) -> SchedulerScheduleFlexibleTimeWindow:
    if minutes is None:
        return SchedulerScheduleFlexibleTimeWindow(mode="OFF")
    return SchedulerScheduleFlexibleTimeWindow(mode="FLEXIBLE", maximum_window_in_minutes=minutes)


def _target(config: ScheduleConfig) -> SchedulerScheduleTarget:
    start, is_pipeline = config.start, isinstance(config.target, PipelineTarget)
    dead_letter = (
        SchedulerScheduleTargetDeadLetterConfig(arn=config.dead_letter_arn)
        if config.dead_letter_arn is not None
        else None
    )
    return SchedulerScheduleTarget(
        arn=config.target.arn,
        role_arn=config.role_arn,
        input=None if is_pipeline else json.dumps(dict(start.parameters), sort_keys=True),
        sagemaker_pipeline_parameters=_pipeline_parameters(start.parameters) if is_pipeline else None,
        retry_policy=SchedulerScheduleTargetRetryPolicy(
            maximum_retry_attempts=start.retry.maximum_retry_attempts,
            maximum_event_age_in_seconds=start.retry.maximum_event_age_seconds,
        ),
        dead_letter_config=dead_letter,
    )


def _pipeline_parameters(
    parameters: Mapping[str, Parameter],
) -> SchedulerScheduleTargetSagemakerPipelineParameters | None:
    if not parameters:
        return None
    return SchedulerScheduleTargetSagemakerPipelineParameters(
        pipeline_parameter=[
            SchedulerScheduleTargetSagemakerPipelineParametersPipelineParameter(
                name=name, value=value if isinstance(value, str) else json.dumps(value)
            )
            for name, value in sorted(parameters.items())
        ]
    )
