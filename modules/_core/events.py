"""What starts by an event: a rule on the account's own bus, with one target."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from constructs import Construct

from .._aws.cloudwatch_event_rule import CloudwatchEventRule
from .._aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetDeadLetterConfig,
    CloudwatchEventTargetRetryPolicy,
    CloudwatchEventTargetSagemakerPipelineTarget,
)
from .checks import at_most, when

LONGEST_PATTERN = 4096
"""Characters of an event pattern.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
"""


def object_created(account_id: str, bucket_name: str, prefix: str) -> dict[str, Any]:
    """Return the pattern of an object that is written to a bucket under a prefix.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    return {
        "account": [account_id],
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket_name]}, "object": {"key": [{"prefix": prefix}]}},
    }


def drift_alarm(monitor_name: str, what: str = "") -> str:
    """Return the name of a monitor's alarm on drift; without `what`, the start of all such names."""
    return f"{monitor_name}-drift-{what}"


def drifted(account_id: str, monitor_name: str) -> dict[str, Any]:
    """Return the pattern of a monitor that has found drift: one of its alarms begins.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    return {
        "account": [account_id],
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [{"prefix": drift_alarm(monitor_name)}], "state": {"value": ["ALARM"]}},
    }


def problems_of_pattern(pattern: Mapping[str, Any]) -> Iterator[str | None]:
    """Yield what EventBridge would refuse in an event pattern, or what would match far too much."""
    yield when(not pattern.get("source"), "pattern.source: supply a list such as ['aws.sagemaker'], got none")
    for key, value in pattern.items():
        yield when(
            not isinstance(value, (list, tuple, Mapping)),
            f"pattern.{key}: supply a list of values, or a mapping, got {value!r}",
        )
    length = len(json.dumps(pattern, default=dict))
    yield at_most("pattern: number of characters", length, LONGEST_PATTERN)


def start_on_event(
    scope: Construct,
    key: str,
    *,
    name: str,
    description: str,
    pattern: Mapping[str, Any],
    target_id: str,
    target_arn: str,
    role_arn: str | None,
    maximum_retry_attempts: int,
    maximum_event_age_seconds: int,
    dead_letter_arn: str | None,
    pipeline_target: CloudwatchEventTargetSagemakerPipelineTarget | None = None,
) -> None:
    """Make a rule that starts a target for every event that matches; its ids are made of `key`."""
    rule = CloudwatchEventRule(
        scope,
        f"{key}_trigger",
        name=name,
        description=description,
        event_pattern=json.dumps(pattern, sort_keys=True, default=dict),
    )
    CloudwatchEventTarget(
        scope,
        f"{key}_target",
        rule=rule.name,
        target_id=target_id,
        arn=target_arn,
        role_arn=role_arn,
        sagemaker_pipeline_target=pipeline_target,
        retry_policy=CloudwatchEventTargetRetryPolicy(
            maximum_retry_attempts=maximum_retry_attempts,
            maximum_event_age_in_seconds=maximum_event_age_seconds,
        ),
        dead_letter_config=CloudwatchEventTargetDeadLetterConfig(arn=dead_letter_arn)
        if dead_letter_arn is not None
        else None,
    )
