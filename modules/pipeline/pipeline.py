"""SageMaker pipeline: its definition, what starts it, and an alarm on executions that fail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from constructs import Construct

from .._aws.cloudwatch_event_target import (
    CloudwatchEventTargetSagemakerPipelineTarget,
    CloudwatchEventTargetSagemakerPipelineTargetPipelineParameterListStruct,
)
from .._aws.sagemaker_pipeline import SagemakerPipeline, SagemakerPipelineParallelismConfiguration
from .._core import Statement, at_least, matches, record, refuse, when
from .._core.checks import no_longer_than
from .._core.events import drifted, object_created, start_on_event
from .._core.failures import alarm_on_failure
from ..schedule import Parameter, PipelineTarget, Schedule, ScheduleConfig, ScheduledStart, deliver
from . import definition
from .decisions import Drift, EventPattern, ModelPackageApproved, NewData, Trigger

NAME = "[a-z0-9](-*[a-z0-9])*"
"""What SageMaker allows as the name of a pipeline, in lower case: its ARN is in lower case, too."""
KEY = "[a-z0-9]+(-[a-z0-9]+)*"
"""With single hyphens: no two schedules or triggers give one Terraform address."""
NAME_IN_RULE = "[a-zA-Z0-9](-*[a-zA-Z0-9])*"
"""What EventBridge allows as the name of a pipeline's parameter; schedules take underscores, too."""
LONGEST_NAME_OF_START = 64
"""Characters of a schedule's and a rule's name."""

LAUNCHING_SERVICES = ("events.amazonaws.com", "scheduler.amazonaws.com")
"""Who takes the role of `PipelineConfig.launch_role_arn`."""


@record
class PipelineConfig:
    """A pipeline, and what starts it."""

    name: str
    """The pipeline's name, at most 256 characters; it never changes."""
    definition: str
    """The definition as JSON: the content of the file that the SageMaker SDK wrote."""
    role_arn: str
    """Role that SageMaker takes to run the steps."""
    account_id: str
    """Account that the pipeline is in."""
    region: str
    """Region that the pipeline is in."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    display_name: str | None = None
    """What Studio shows; the name, by default."""
    description: str | None = None
    """What the pipeline is for, at most 3072 characters without line breaks."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Default values of the definition's parameters, in place of its own."""
    max_parallel_execution_steps: int | None = None
    """Most steps of one execution that run at once; as many as can, by default."""
    schedules: Mapping[str, ScheduledStart] = field(default_factory=dict)
    """When it is started, by a name such as `nightly`."""
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    """Which events start it, by a name such as `new-data`."""
    launch_role_arn: str | None = None
    """Role that schedules and triggers take: `LAUNCHING_SERVICES` may, and it has what `launch(…)` says."""
    kms_key_arn: str | None = None
    """Key for the schedules."""
    dead_letter_arn: str | None = None
    """SQS queue for starts that were given up; its policy lets `events.amazonaws.com` in for triggers."""
    bucket_names: Mapping[str, str] = field(default_factory=dict)
    """Buckets by the key that triggers use."""
    model_package_group_names: Mapping[str, str] = field(default_factory=dict)
    """Model package groups by the key that triggers use."""
    monitor_names: Mapping[str, str] = field(default_factory=dict)
    """Monitors by the key that triggers use: `ModelMonitorConfig.name` or `ScheduledMonitorConfig.name`."""
    alarm_topic_arns: tuple[str, ...] = ()
    """SNS topics that are told when an execution fails."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, NAME, "acme-prod-churn"),
            no_longer_than("name", self.name, 256),
            matches("display_name", self.display_name, NAME_IN_RULE, "Churn"),
            no_longer_than("display_name", self.display_name, 256),
            matches("description", self.description, ".*", "Trains the churn model"),
            no_longer_than("description", self.description, 3072),
            at_least("max_parallel_execution_steps", self.max_parallel_execution_steps, 1),
            when(
                (self.schedules or self.triggers) and self.launch_role_arn is None,
                "launch_role_arn: supply the role that schedules and triggers take, got none",
            ),
            when(
                self.schedules and self.kms_key_arn is None,
                "kms_key_arn: supply the key for the schedules, got none",
            ),
            *(problem for field_, key in self._starts() for problem in self._badly_named(field_, key)),
            *(problem for key, trigger in self.triggers.items() for problem in self._unknown(key, trigger)),
        )
        refuse(*definition.problems(self.definition))
        refuse(*self._bad_parameters())

    def _starts(self) -> Iterator[tuple[str, str]]:
        yield from (("schedules", key) for key in self.schedules)
        yield from (("triggers", key) for key in self.triggers)

    def _badly_named(self, field_: str, key: str) -> Iterator[str | None]:
        yield matches(f"{field_}: name", key, KEY, "nightly")
        yield no_longer_than(f"{field_}.{key}", f"{self.name}-{key}", LONGEST_NAME_OF_START)

    def _unknown(self, key: str, trigger: Trigger) -> Iterator[str]:
        """Yield a problem where a trigger names a bucket, a group or a monitor that there is not."""
        if isinstance(trigger, EventPattern):
            return
        if isinstance(trigger, NewData):
            field_, named, there = "bucket", trigger.bucket, self.bucket_names
        elif isinstance(trigger, Drift):
            field_, named, there = "monitor", trigger.monitor, self.monitor_names
        else:
            field_, named, there = "group", trigger.group, self.model_package_group_names
        if named not in there:
            legal = ", ".join(sorted(there)) or "(none)"
            yield f"triggers.{key}.{field_}: supply one of {legal}, got {named!r}"

    def _bad_parameters(self) -> Iterator[str | None]:
        """Yield a problem for each parameter that there is not, has another type, or is not supplied."""
        if not definition.known(self.definition):
            yield when(
                self.parameters, "parameters: supply none, since the definition is not known before the plan"
            )
            return
        there = definition.parameters(self.definition)
        yield from _unfit("parameters", self.parameters, there)
        required = {name for name, parameter in there.items() if "DefaultValue" not in parameter}
        starts = [(f"schedules.{key}.parameters", start.parameters) for key, start in self.schedules.items()]
        for place, parameters in starts:
            yield from _unfit(place, parameters, there)
        for key, trigger in self.triggers.items():
            place = f"triggers.{key}.parameters"
            starts.append((place, trigger.parameters))
            yield from _unfit(place, _without_paths(trigger.parameters), there)
            for name in trigger.parameters:
                yield matches(f"{place}: name in a trigger", name, NAME_IN_RULE, "InputData")
        for place, parameters in starts:
            for name in sorted(required - set(self.parameters) - set(parameters)):
                yield f"{place}: supply {name}, which has no default value"


def _unfit(
    place: str, parameters: Mapping[str, Parameter], there: Mapping[str, Mapping[str, Any]]
) -> Iterator[str | None]:
    for name, value in parameters.items():
        if name in there:
            yield from definition.fits(f"{place}.{name}", value, there[name])
        else:
            yield f"{place}: supply one of {', '.join(there) or '(none)'}, got {name!r}"


def _without_paths(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Return a trigger's parameters without those that are taken from the event."""
    return {
        name: value
        for name, value in parameters.items()
        if not (isinstance(value, str) and value.startswith("$."))
    }


@record
class PipelineOutputs:
    """What others need of a pipeline."""

    name: str
    """What `StartPipelineExecution` takes."""
    arn: str


def parameter_names(text: str) -> tuple[str, ...]:
    """Return the names of a definition's parameters; none where only Terraform knows the definition."""
    return tuple(definition.parameters(text)) if not any(definition.problems(text)) else ()


def _arn(name: str, region: str, account_id: str, partition: str) -> str:
    return f"arn:{partition}:sagemaker:{region}:{account_id}:pipeline/{name}"


def start(name: str, region: str, account_id: str, partition: str = "aws") -> Statement:
    """Return what starts a pipeline.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
    """
    return Statement(
        actions=("sagemaker:StartPipelineExecution",),
        resources=(_arn(name, region, account_id, partition),),
    )


def describe(name: str, region: str, account_id: str, partition: str = "aws") -> tuple[Statement, ...]:
    """Return what looks at a pipeline and its executions."""
    arn = _arn(name, region, account_id, partition)
    return (
        Statement(
            actions=("sagemaker:DescribePipeline", "sagemaker:ListPipelineExecutions"), resources=(arn,)
        ),
        Statement(
            actions=(
                "sagemaker:DescribePipelineDefinitionForExecution",
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:ListPipelineParametersForExecution",
            ),
            resources=(f"{arn}/execution/*",),
        ),
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

    It is made of names, since the role is there before the pipeline.
    """
    begin = start(name, region, account_id, partition)
    if not schedules:
        return (begin,)
    names = tuple(f"{name}-{key}" for key in schedules)
    return (begin, *deliver(names, kms_key_arn, region, account_id, partition, dead_letter_arn))


class Pipeline(Construct):
    """A new definition is an update in place; executions that run keep the one that they began with.

    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines.html
    """

    def __init__(self, scope: Construct, id_: str, config: PipelineConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        parallel = config.max_parallel_execution_steps
        pipeline = SagemakerPipeline(
            self,
            "this",
            pipeline_name=config.name,
            pipeline_display_name=config.display_name or config.name,
            pipeline_description=config.description,
            pipeline_definition=definition.escaped(
                definition.with_defaults(config.definition, config.parameters)
            ),
            role_arn=config.role_arn,
            parallelism_configuration=SagemakerPipelineParallelismConfiguration(
                max_parallel_execution_steps=parallel
            )
            if parallel is not None
            else None,
        )
        alarm_on_failure(
            self,
            "failures",
            name=f"{config.name}-failures",
            description=f"An execution of the pipeline {config.name} failed.",
            namespace="AWS/Sagemaker/ModelBuildingPipeline",  # not AWS/SageMaker
            metric_name="ExecutionFailed",
            dimensions={"PipelineName": pipeline.pipeline_name},
            topic_arns=config.alarm_topic_arns,
        )
        for key, scheduled in sorted(config.schedules.items()):
            if config.launch_role_arn is not None and config.kms_key_arn is not None:
                Schedule(
                    self,
                    f"{key}_schedule",
                    ScheduleConfig(
                        name=f"{config.name}-{key}",
                        target=PipelineTarget(arn=pipeline.arn),
                        role_arn=config.launch_role_arn,
                        kms_key_arn=config.kms_key_arn,
                        start=scheduled,
                        dead_letter_arn=config.dead_letter_arn,
                    ),
                )
        for key, trigger in sorted(config.triggers.items()):
            self._trigger(key, trigger, pipeline)
        self.outputs = PipelineOutputs(name=pipeline.pipeline_name, arn=pipeline.arn)

    def start(self) -> Statement:
        """Return what a role needs to start the pipeline."""
        return start(self.config.name, self.config.region, self.config.account_id, self.config.partition)

    def describe(self) -> tuple[Statement, ...]:
        """Return what a role needs to look at the pipeline and its executions."""
        return describe(self.config.name, self.config.region, self.config.account_id, self.config.partition)

    def _trigger(self, key: str, trigger: Trigger, pipeline: SagemakerPipeline) -> None:
        config = self.config
        parameters = [
            CloudwatchEventTargetSagemakerPipelineTargetPipelineParameterListStruct(
                name=name, value=value if isinstance(value, str) else json.dumps(value)
            )
            for name, value in sorted(trigger.parameters.items())
        ]
        start_on_event(
            self,
            key,
            name=f"{config.name}-{key}",
            description=f"Starts the pipeline {config.name}",
            pattern=self._pattern(trigger),
            target_id="pipeline",
            target_arn=pipeline.arn,
            role_arn=config.launch_role_arn,
            maximum_retry_attempts=trigger.retry.maximum_retry_attempts,
            maximum_event_age_seconds=trigger.retry.maximum_event_age_seconds,
            dead_letter_arn=config.dead_letter_arn,
            pipeline_target=CloudwatchEventTargetSagemakerPipelineTarget(pipeline_parameter_list=parameters)
            if parameters
            else None,
        )

    def _pattern(self, trigger: Trigger) -> Mapping[str, Any]:
        """Return the pattern of the events that start the pipeline, all of its own account."""
        config = self.config
        if isinstance(trigger, EventPattern):
            return {"account": [config.account_id], **trigger.pattern}
        if isinstance(trigger, NewData):
            return object_created(config.account_id, config.bucket_names[trigger.bucket], trigger.prefix)
        if isinstance(trigger, Drift):
            return drifted(config.account_id, config.monitor_names[trigger.monitor])
        status = "Approved" if isinstance(trigger, ModelPackageApproved) else "Rejected"
        return {
            "account": [config.account_id],
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {
                "ModelPackageGroupName": [config.model_package_group_names[trigger.group]],
                "ModelApprovalStatus": [status],
            },
        }
