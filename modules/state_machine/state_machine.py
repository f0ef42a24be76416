"""Step Functions state machine: logged, traced, encrypted, with alarms on executions that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal

from constructs import Construct

from .._aws.sfn_state_machine import (
    SfnStateMachine,
    SfnStateMachineEncryptionConfiguration,
    SfnStateMachineLoggingConfiguration,
    SfnStateMachineTracingConfiguration,
)
from .._core import Principal, Statement, at_least, at_most, matches, one_of, record, refuse, when
from .._core.checks import no_longer_than
from .._core.events import problems_of_pattern, start_on_event
from .._core.failures import alarm_on_failure
from ..schedule import RetryPolicy, Schedule, ScheduleConfig, ScheduledStart, StateMachineTarget, deliver
from . import definition

KEY = "[a-z0-9]+(-[a-z0-9]+)*"
"""With single hyphens: no two schedules or triggers give one Terraform address."""
LONGEST_NAME_OF_START = 64
"""Characters of a schedule's and a rule's name."""

LAUNCHING_SERVICES = ("events.amazonaws.com", "scheduler.amazonaws.com")
"""Who takes the role of `StateMachineConfig.launch_role_arn`."""

DELIVER_LOGS = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
TRACE = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)


@record
class EventTrigger:
    """The state machine starts for every event that matches a pattern, and the event is its input.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """

    pattern: Mapping[str, Any]
    """What an event must have, as EventBridge spells it; `source` at least."""
    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""

    def __post_init__(self) -> None:
        refuse(*problems_of_pattern(self.pattern))


@record
class StateMachineConfig:
    """A state machine, and when it is started."""

    name: str
    """The state machine's name, at most 80 characters; it never changes."""
    definition: str
    """The definition in the Amazon States Language, as JSON: the content of a file."""
    role_arn: str
    """Role that Step Functions takes: what the tasks need, and what `execution(…)` returns."""
    kms_key_arn: str
    """Key for the definition and for what executions hold; its policy needs `use_by_log_delivery(…)`."""
    log_group_arn: str
    """Log group for executions. A name that begins with `/aws/vendedlogs/` keeps the account's resource
    policy for logs, which has a limit, short."""
    account_id: str
    """Account that the state machine is in."""
    region: str
    """Region that the state machine is in."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    """Standard runs for up to a year, express for five minutes at most. Another type is another state
    machine: Terraform replaces it."""
    definition_substitutions: Mapping[str, str] = field(default_factory=dict)
    """What stands for the placeholders of the definition: `{"TopicArn": …}` for `${TopicArn}`."""
    log_level: Literal["ALL", "ERROR", "FATAL"] = "ALL"
    """Which events of an execution are logged."""
    include_execution_data: bool = False
    """Whether input, output and what tasks are given is logged, too: it may be personal data."""
    kms_data_key_reuse_period_seconds: int = 300
    """For how long a data key is used again, 60 to 900 s."""
    schedules: Mapping[str, ScheduledStart] = field(default_factory=dict)
    """When it is started, by a name such as `nightly`."""
    triggers: Mapping[str, EventTrigger] = field(default_factory=dict)
    """Which events start it, by a name such as `new-data`."""
    launch_role_arn: str | None = None
    """Role that schedules and triggers take: `LAUNCHING_SERVICES` may, and it has what `launch(…)` says."""
    dead_letter_arn: str | None = None
    """SQS queue for starts that were given up; its policy lets `events.amazonaws.com` in for triggers."""
    alarm_topic_arns: tuple[str, ...] = ()
    """SNS topics that are told when an execution fails or takes too long."""

    def __post_init__(self) -> None:
        there = definition.placeholders(self.definition)
        refuse(
            matches("name", self.name, r"[a-zA-Z0-9_-]+", "acme-prod-churn"),
            no_longer_than("name", self.name, 80),
            matches(
                "log_group_arn",
                self.log_group_arn,
                r"arn:aws[a-z-]*:logs:[a-z0-9-]+:\d{12}:log-group:[\w./#-]+",
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/vendedlogs/states/acme-prod-churn",
            ),
            one_of("type", self.type, ("STANDARD", "EXPRESS")),
            one_of("log_level", self.log_level, ("ALL", "ERROR", "FATAL")),
            at_least("kms_data_key_reuse_period_seconds", self.kms_data_key_reuse_period_seconds, 60),
            at_most("kms_data_key_reuse_period_seconds", self.kms_data_key_reuse_period_seconds, 900),
            when(
                (self.schedules or self.triggers) and self.launch_role_arn is None,
                "launch_role_arn: supply the role that schedules and triggers take, got none",
            ),
            *(problem for key in self.schedules for problem in self._badly_named("schedules", key)),
            *(problem for key in self.triggers for problem in self._badly_named("triggers", key)),
            *(
                f"definition_substitutions: supply {name}, which the definition has"
                for name in there
                if name not in self.definition_substitutions
            ),
            *(
                f"definition_substitutions: supply one of {', '.join(there) or '(none)'}, got {name!r}"
                for name in self.definition_substitutions
                if name not in there
            ),
        )
        refuse(*definition.problems(self.text, self.type))

    def _badly_named(self, field_: str, key: str) -> Iterator[str | None]:
        yield matches(f"{field_}: name", key, KEY, "nightly")
        yield no_longer_than(f"{field_}.{key}", f"{self.name}-{key}", LONGEST_NAME_OF_START)

    @property
    def text(self) -> str:
        """The definition with its placeholders replaced."""
        return definition.substituted(self.definition, self.definition_substitutions)


@record
class StateMachineOutputs:
    """What others need of a state machine."""

    name: str
    arn: str
    """What `StartExecution` takes."""


def _arn(name: str, region: str, account_id: str, partition: str) -> str:
    return f"arn:{partition}:states:{region}:{account_id}:stateMachine:{name}"


def start(name: str, region: str, account_id: str, partition: str = "aws") -> Statement:
    """Return what starts executions of a state machine."""
    return Statement(
        actions=("states:StartExecution",), resources=(_arn(name, region, account_id, partition),)
    )


def launch(
    name: str,
    schedules: Mapping[str, ScheduledStart],
    kms_key_arn: str,
    region: str,
    account_id: str,
    partition: str = "aws",
    dead_letter_arn: str | None = None,
) -> tuple[Statement, ...]:
    """Return what the role needs that schedules and triggers take; `LAUNCHING_SERVICES` take it.

    It is made of names, since the role is there before the state machine.
    """
    begin = start(name, region, account_id, partition)
    if not schedules:
        return (begin,)
    names = tuple(f"{name}-{key}" for key in schedules)
    return (begin, *deliver(names, kms_key_arn, region, account_id, partition, dead_letter_arn))


def execution(
    name: str, kms_key_arn: str, region: str, account_id: str, partition: str = "aws"
) -> tuple[Statement, ...]:
    """Return what the state machine's own role needs besides its tasks: logs, traces and the key.

    CloudWatch Logs and X-Ray take no narrower resource for these actions.
    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html
    https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
    """
    context = "kms:EncryptionContext:"
    return (
        Statement(actions=DELIVER_LOGS, resources=("*",)),
        Statement(actions=TRACE, resources=("*",)),
        Statement(
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=(kms_key_arn,),
            conditions={
                "StringEquals": {
                    f"{context}aws:states:stateMachineArn": _arn(name, region, account_id, partition)
                }
            },
        ),
        Statement(
            actions=("kms:GenerateDataKey",),
            resources=(kms_key_arn,),
            conditions={"StringEquals": {f"{context}SourceArn": _logs(region, account_id, partition)}},
        ),
    )


def use_by_log_delivery(region: str, account_id: str, partition: str = "aws") -> Statement:
    """Let CloudWatch Logs read what a state machine logs: a statement for the policy of its key."""
    return Statement(
        sid="UseByLogDelivery",
        principals=(Principal(kind="Service", identifiers=("delivery.logs.amazonaws.com",)),),
        actions=("kms:Decrypt",),
        resources=("*",),
        conditions={
            "StringEquals": {"kms:EncryptionContext:SourceArn": _logs(region, account_id, partition)}
        },
    )


def _logs(region: str, account_id: str, partition: str) -> str:
    """Return the encryption context of delivered logs; the `*` is part of it."""
    return f"arn:{partition}:logs:{region}:{account_id}:*"


class StateMachine(Construct):
    """A new definition is an update in place; executions that run keep the one that they began with."""

    def __init__(self, scope: Construct, id_: str, config: StateMachineConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        machine = SfnStateMachine(
            self,
            "this",
            name=config.name,
            type=config.type,
            definition=config.text.replace("%{", "%%{"),  # as in JSONata; no directive of Terraform
            role_arn=config.role_arn,
            logging_configuration=SfnStateMachineLoggingConfiguration(
                level=config.log_level,
                include_execution_data=config.include_execution_data,
                log_destination=f"{config.log_group_arn}:*",
            ),
            tracing_configuration=SfnStateMachineTracingConfiguration(enabled=True),
            encryption_configuration=SfnStateMachineEncryptionConfiguration(
                type="CUSTOMER_MANAGED_KMS_KEY",
                kms_key_id=config.kms_key_arn,
                kms_data_key_reuse_period_seconds=config.kms_data_key_reuse_period_seconds,
            ),
        )
        self._alarm("failures", "ExecutionsFailed", "failed", machine)
        self._alarm("timeouts", "ExecutionsTimedOut", "took longer than it may", machine)
        for key, scheduled in sorted(config.schedules.items()):
            if config.launch_role_arn is not None:
                Schedule(
                    self,
                    f"{key}_schedule",
                    ScheduleConfig(
                        name=f"{config.name}-{key}",
                        target=StateMachineTarget(arn=machine.arn),
                        role_arn=config.launch_role_arn,
                        kms_key_arn=config.kms_key_arn,
                        start=scheduled,
                        dead_letter_arn=config.dead_letter_arn,
                    ),
                )
        for key, trigger in sorted(config.triggers.items()):
            start_on_event(
                self,
                key,
                name=f"{config.name}-{key}",
                description=f"Starts the state machine {config.name}",
                pattern=trigger.pattern,
                target_id="state_machine",
                target_arn=machine.arn,
                role_arn=config.launch_role_arn,
                maximum_retry_attempts=trigger.retry.maximum_retry_attempts,
                maximum_event_age_seconds=trigger.retry.maximum_event_age_seconds,
                dead_letter_arn=config.dead_letter_arn,
            )
        self.outputs = StateMachineOutputs(name=machine.name, arn=machine.arn)

    def start(self) -> Statement:
        """Return what a role needs to start executions."""
        return start(self.config.name, self.config.region, self.config.account_id, self.config.partition)

    def _alarm(self, id_: str, metric_name: str, what: str, machine: SfnStateMachine) -> None:
        """Make an alarm after one execution within a minute.

        https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
        """
        alarm_on_failure(
            self,
            id_,
            name=f"{self.config.name}-{id_}",
            description=f"An execution of the state machine {self.config.name} {what}.",
            namespace="AWS/States",
            metric_name=metric_name,
            dimensions={"StateMachineArn": machine.arn},
            topic_arns=self.config.alarm_topic_arns,
        )
