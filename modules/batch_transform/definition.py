"""The state machine under a batch transform, in the Amazon States Language with JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .._core.instance_types import nvme
from .._core.jobs import JOB, REFUSED, evaluated
from .decisions import TransformJob

WITHIN = "$substring($states.input.input_s3_uri, 0, $length($input_s3_uri)) = $input_s3_uri"
EVENT = "'s3://' & $states.input.detail.bucket.name & '/' & $states.input.detail.object.key"
NO_CAPACITY = (
    "$contains($failure.Error, 'ResourceLimitExceeded') or $contains($failure.Cause, 'CapacityError')"
)


def definition(
    name: str,
    job: TransformJob,
    *,
    model_name: str,
    input_s3_uri: str,
    output_s3_uri: str,
    kms_key_arn: str,
    tags: Mapping[str, str],
    partition: str,
) -> str:
    """Return the definition as JSON, the same text for the same input.

    Names and addresses, which may be Tokens, are plain values; only expressions of our own are evaluated.
    """
    states = {
        "Begin": {
            "Type": "Pass",
            "Assign": {
                "name": name,
                "input_s3_uri": input_s3_uri,
                "output_s3_uri": output_s3_uri,
                "attempts": job.retry.capacity_attempts + 1,
                "attempt": 0,
            },
            "Next": "Which",
        },
        "Which": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": evaluated("$exists($states.input.detail.object.key)"),
                    "Assign": {"input_s3_uri": evaluated(EVENT)},
                    "Next": "Name",
                },
                {
                    "Condition": evaluated(f"$exists($states.input.input_s3_uri) and $not({WITHIN})"),
                    "Next": "Elsewhere",
                },
                {
                    "Condition": evaluated("$exists($states.input.input_s3_uri)"),
                    "Assign": {"input_s3_uri": evaluated("$states.input.input_s3_uri")},
                    "Next": "Name",
                },
            ],
            "Default": "Name",
        },
        "Name": {
            "Type": "Pass",
            "Assign": {"job": evaluated(JOB), "attempt": evaluated("$attempt + 1")},
            "Next": "Transform",
        },
        "Transform": {
            "Type": "Task",
            "Resource": f"arn:{partition}:states:::sagemaker:createTransformJob.sync",
            "Arguments": _request(job, model_name, kms_key_arn, tags),
            "TimeoutSeconds": job.timeout_seconds,
            "Retry": [
                {
                    "ErrorEquals": list(REFUSED),
                    "IntervalSeconds": 5,
                    "BackoffRate": 2,
                    "MaxDelaySeconds": 60,
                    "MaxAttempts": job.retry.throttling_attempts,
                    "JitterStrategy": "FULL",
                }
            ],
            "Catch": [
                {"ErrorEquals": ["States.Timeout"], "Next": "Stop"},
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {"failure": evaluated("$states.errorOutput")},
                    "Next": "Again",
                },
            ],
            "Output": {
                "TransformJobName": evaluated("$job"),
                "S3OutputPath": evaluated("$output_s3_uri & $job & '/'"),
            },
            "End": True,
        },
        "Again": {
            "Type": "Choice",
            "Choices": [
                {"Condition": evaluated(f"$attempt < $attempts and ({NO_CAPACITY})"), "Next": "Wait"}
            ],
            "Default": "Failed",
        },
        "Wait": {"Type": "Wait", "Seconds": job.retry.capacity_interval_seconds, "Next": "Name"},
        "Failed": {
            "Type": "Fail",
            "Error": evaluated("$failure.Error"),
            "Cause": evaluated("$string($failure.Cause)"),
        },
        "Stop": {
            "Type": "Task",
            "Resource": f"arn:{partition}:states:::aws-sdk:sagemaker:stopTransformJob",
            "Arguments": {"TransformJobName": evaluated("$job")},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Late"}],
            "Next": "Late",
        },
        "Late": {"Type": "Fail", "Error": "JobTimedOut", "Cause": "The job took longer than it may"},
        "Elsewhere": {
            "Type": "Fail",
            "Error": "InputElsewhere",
            "Cause": "Supply an input_s3_uri that lies under the input of this batch transform",
        },
    }
    return json.dumps(
        {
            "Comment": "Runs a transform job under a new name",
            "QueryLanguage": "JSONata",
            "StartAt": "Begin",
            "States": states,
        },
        indent=2,
    )


def _request(job: TransformJob, model_name: str, kms_key_arn: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return what `CreateTransformJob` is given.

    Instances that store on NVMe encrypt it with a key of their own, and refuse ours.
    """
    request: dict[str, Any] = {
        "TransformJobName": evaluated("$job"),
        "ModelName": model_name,
        "MaxPayloadInMB": job.max_payload_in_mb,
        "ModelClientConfig": {
            "InvocationsTimeoutInSeconds": job.model_client.invocations_timeout_seconds,
            "InvocationsMaxRetries": job.model_client.invocations_max_retries,
        },
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": evaluated("$input_s3_uri")}},
            "ContentType": job.content_type,
            "CompressionType": job.compression_type,
            "SplitType": job.split_type,
        },
        "TransformOutput": {
            "S3OutputPath": evaluated("$output_s3_uri & $job"),
            "Accept": job.accept,
            "AssembleWith": job.assemble_with,
            "KmsKeyId": kms_key_arn,
        },
        "TransformResources": {
            "InstanceType": job.instance_type,
            "InstanceCount": job.instance_count,
            **({} if nvme(job.instance_type) else {"VolumeKmsKeyId": kms_key_arn}),
        },
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
    }
    if job.batch_strategy is not None:
        request["BatchStrategy"] = job.batch_strategy
    if job.max_concurrent_transforms is not None:
        request["MaxConcurrentTransforms"] = job.max_concurrent_transforms
    if job.environment:
        request["Environment"] = dict(sorted(job.environment.items()))
    if job.data_processing:
        request["DataProcessing"] = {
            "InputFilter": job.data_processing.input_filter,
            "JoinSource": job.data_processing.join_source,
            "OutputFilter": job.data_processing.output_filter,
        }
    return request
