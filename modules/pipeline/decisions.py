"""What people decide about when a pipeline starts by itself: value objects, as in an environment file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from .._core import ByKind, matches, record, refuse
from .._core.checks import no_longer_than
from .._core.events import problems_of_pattern
from ..schedule import Parameter, RetryPolicy


@record
class NewData:
    """The pipeline starts for every object that is written to a bucket under a prefix.

    The bucket has to send its events to EventBridge. What the pipeline itself writes must lie elsewhere,
    or it starts itself.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    bucket: str
    """Which bucket: a key of `PipelineConfig.bucket_names`."""
    prefix: str
    """Start of the objects' keys, such as `churn/raw/`."""
    kind: Literal["NewData"] = "NewData"
    """Names this event in an environment file."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """The pipeline's parameters; a text such as `$.detail.object.key` is taken from the event."""
    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""

    def __post_init__(self) -> None:
        refuse(
            matches("prefix", self.prefix, r"[^*]+", "churn/raw/"),
            no_longer_than("prefix", self.prefix, 1024),
        )


@record
class ModelPackageApproved:
    """The pipeline starts when somebody approves a version of a model.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """

    group: str
    """Which model package group: a key of `PipelineConfig.model_package_group_names`."""
    kind: Literal["ModelPackageApproved"] = "ModelPackageApproved"
    """Names this event in an environment file."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """The pipeline's parameters; a text such as `$.detail.ModelPackageArn` is taken from the event."""
    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""


@record
class ModelPackageRejected:
    """The pipeline starts when somebody rejects a version of a model."""

    group: str
    """Which model package group: a key of `PipelineConfig.model_package_group_names`."""
    kind: Literal["ModelPackageRejected"] = "ModelPackageRejected"
    """Names this event in an environment file."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """The pipeline's parameters; a text such as `$.detail.ModelPackageArn` is taken from the event."""
    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""


@record
class Drift:
    """The pipeline starts when a monitor finds drift: when one of its alarms on drift begins.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """

    monitor: str
    """Which monitor: a key of `PipelineConfig.monitor_names`."""
    kind: Literal["Drift"] = "Drift"
    """Names this event in an environment file."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """The pipeline's parameters; a text such as `$.detail.alarmName` is taken from the event."""
    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""


@record
class EventPattern:
    """The pipeline starts for every event that matches a pattern of your own.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """

    pattern: Mapping[str, Any]
    """What an event must have, as EventBridge spells it; `source` at least."""
    kind: Literal["EventPattern"] = "EventPattern"
    """Names this event in an environment file."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """The pipeline's parameters; a text such as `$.detail.id` is taken from the event."""
    retry: RetryPolicy = RetryPolicy()
    """What happens when the start fails."""

    def __post_init__(self) -> None:
        refuse(*problems_of_pattern(self.pattern))


Trigger = Annotated[NewData | ModelPackageApproved | ModelPackageRejected | Drift | EventPattern, ByKind()]
"""Every kind of event that starts a pipeline; a union, told apart by `kind`."""
