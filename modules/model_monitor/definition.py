"""The state machine under a scheduled monitor, in the Amazon States Language with JSONata.

It runs the jobs of a day, reads their report, and puts numbers to CloudWatch, on which alarms are.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .._core import record
from .._core.jobs import JOB, REFUSED, evaluated
from .decisions import POST_TRAINING, PRE_TRAINING, Bias, Explainability, Job, ModelQuality, Scheduled

VIOLATIONS = "violations"
NDCG = "ndcg"
DAY_MILLISECONDS = 86_400_000
WORK = "/opt/ml/processing"
RESPONSES = f"{WORK}/input_data"

WITHIN = r"$match($states.input.day, /^\d{4}\/\d\d\/\d\d$/)"
REPORTS = "$home & 'reports/' & $job & '/'"
MERGED = "$home & 'merged/' & $merge_job & '/'"
METRICS = (
    "$append($lookup($analysis.pre_training_bias_metrics.facets, $facet).metrics, "
    "$lookup($analysis.post_training_bias_metrics.facets, $facet).metrics)"
)
RANKED = (
    "$live := ($analysis.explanations.kernel_shap.*.global_shap_values)[0]; "
    "$ranked := $sort($keys($live), function($a, $b) { $lookup($live, $a) < $lookup($live, $b) }); "
    "$sum($map($ranked, function($name, $rank) { $lookup($attributions, $name) * $discounts[$rank] }))"
)


@record
class Wiring:
    """What the jobs are given beside the decisions."""

    name: str
    home_s3_uri: str
    job_role_arn: str
    kms_key_arn: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    tags: Mapping[str, str]
    account_id: str
    partition: str
    capture_s3_uri: str
    """Where the responses of an endpoint's variant are, by day; empty where none are asked for."""
    endpoint_path: str
    """Endpoint and variant, as SageMaker names the folders of what is captured."""
    model_name: str
    """Which model Clarify asks; empty where it asks none."""


def limits(monitor: Scheduled) -> dict[str, tuple[str, float]]:
    """Return the numbers that a monitor puts, each with the side of its limit that is bad, and the limit."""
    if isinstance(monitor, Bias):
        return {
            metric: ("GreaterThanOrEqualToThreshold", limit)
            for metric, limit in sorted(monitor.limits.items())
        }
    if isinstance(monitor, Explainability):
        return {NDCG: ("LessThanThreshold", monitor.ndcg_limit)}
    return {VIOLATIONS: ("GreaterThanOrEqualToThreshold", 1)}


def definition(monitor: Scheduled, wiring: Wiring) -> str:
    """Return the definition as JSON, the same text for the same input.

    Names and addresses, which may be Tokens, are plain values; only expressions of our own are evaluated.
    """
    bucket, _, prefix = wiring.home_s3_uri.removeprefix("s3://").partition("/")
    ago = f"$toMillis($states.context.Execution.StartTime) - {monitor.age_days * DAY_MILLISECONDS}"
    begin = {
        "Type": "Pass",
        "Assign": {
            "name": wiring.name,
            "home": wiring.home_s3_uri,
            "day": evaluated(f"$fromMillis({ago}, '[Y0001]/[M01]/[D01]')"),
            **_known_before(monitor),
        },
        "Next": "Which",
    }
    which = {
        "Type": "Choice",
        "Choices": [
            {
                "Condition": evaluated(f"$exists($states.input.day) and $count({WITHIN}) = 0"),
                "Next": "NoDay",
            },
            {
                "Condition": evaluated("$exists($states.input.day)"),
                "Assign": {"day": evaluated("$states.input.day")},
                "Next": "Name",
            },
        ],
        "Default": "Name",
    }
    named = {
        "Type": "Pass",
        "Assign": {"job": evaluated(JOB), "merge_job": evaluated(JOB)},
        "Next": "Merge" if isinstance(monitor, ModelQuality) else "Describe",
    }
    work = (
        _of_responses(monitor, wiring)
        if isinstance(monitor, ModelQuality)
        else _of_records(monitor, wiring, bucket, prefix)
    )
    states = {
        "Begin": begin,
        "Which": which,
        "Name": named,
        **work,
        "Tell": {
            "Type": "Task",
            "Resource": f"arn:{wiring.partition}:states:::aws-sdk:cloudwatch:putMetricData",
            "Arguments": {
                "Namespace": wiring.name,
                "MetricData": [
                    {"MetricName": metric, "Value": evaluated(_value(monitor, metric))}
                    for metric in limits(monitor)
                ],
            },
            "Output": {
                "ProcessingJobName": evaluated("$job"),
                "S3Uri": evaluated(REPORTS),
                "Day": evaluated("$day"),
            },
            "End": True,
        },
        "NoDay": {
            "Type": "Fail",
            "Error": "NoDay",
            "Cause": "Supply a day such as 2030/01/31, or none",
        },
    }
    return json.dumps(
        {
            "Comment": f"{monitor.kind} of a day, by processing jobs under new names",
            "QueryLanguage": "JSONata",
            "StartAt": "Begin",
            "States": states,
        },
        indent=2,
    )


def _known_before(monitor: Scheduled) -> dict[str, Any]:
    if isinstance(monitor, Bias):
        return {"facet": monitor.facet}
    if isinstance(monitor, Explainability):
        return {"attributions": dict(monitor.attributions), "discounts": discounts(monitor)}
    return {}


def discounts(monitor: Explainability) -> list[float]:
    """Return what each rank counts, so that features whose order is the old one give 1 together.

    https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-feature-attribution-drift.html
    """
    counts = sorted(monitor.attributions.values(), reverse=True)
    ranks = [1 / math.log2(rank + 2) for rank in range(len(counts))]
    ideal = sum(count * rank for count, rank in zip(counts, ranks, strict=True))
    return [rank / ideal for rank in ranks]


def _value(monitor: Scheduled, metric: str) -> str:
    """Return what computes one number of the report."""
    if isinstance(monitor, Bias):
        return f"$abs({METRICS}[name = '{metric}'].value)"
    if isinstance(monitor, Explainability):
        return f"({RANKED})"
    return "$contains($string($said), 'CompletedWithViolations') ? 1 : 0"


def _of_responses(monitor: ModelQuality, wiring: Wiring) -> dict[str, Any]:
    """Return the states that find the truth of each response of a day, and compare both."""
    environment = {
        "analysis_type": "MODEL_QUALITY",
        "baseline_constraints": f"{WORK}/baseline/constraints/constraints.json",
        "dataset_format": json.dumps({"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}),
        "dataset_source": RESPONSES,
        "output_path": f"{WORK}/output",
        "problem_type": monitor.problem_type,
        "publish_cloudwatch_metrics": "Disabled",
    }
    for name in ("inference_attribute", "probability_attribute", "probability_threshold_attribute"):
        if (value := getattr(monitor, name)) is not None:
            environment[name] = str(value)
    constraints = f"{wiring.home_s3_uri}baselines/{monitor.baseline}/constraints.json"
    return {
        "Merge": _job(
            monitor,
            wiring,
            name="$merge_job",
            image=monitor.merger_image,
            environment={
                "dataset_source": RESPONSES,
                "ground_truth_source": f"{WORK}/groundtruth",
                "output_path": f"{WORK}/output",
            },
            inputs={
                "groundtruth_input_1": (
                    evaluated("$home & 'ground-truth/' & $day"),
                    evaluated(f"'{WORK}/groundtruth/' & $day"),
                ),
                "endpoint_input_1": (
                    evaluated(f"'{wiring.capture_s3_uri}/' & $day"),
                    evaluated(f"'{RESPONSES}/{wiring.endpoint_path}/' & $day"),
                ),
            },
            output=MERGED,
            next_="Analyze",
        ),
        "Analyze": _job(
            monitor,
            wiring,
            name="$job",
            image=monitor.image,
            environment=environment,
            inputs={
                "constraints": (constraints, f"{WORK}/baseline/constraints"),
                "endpoint_input_1": (evaluated(MERGED), RESPONSES),
            },
            output=REPORTS,
            next_="Ask",
        ),
        "Ask": {
            "Type": "Task",
            "Resource": f"arn:{wiring.partition}:states:::aws-sdk:sagemaker:describeProcessingJob",
            "Arguments": {"ProcessingJobName": evaluated("$job")},
            "Assign": {"said": evaluated("$states.result.ExitMessage ? $states.result.ExitMessage : ''")},
            "Next": "Tell",
        },
    }


def _of_records(monitor: Bias | Explainability, wiring: Wiring, bucket: str, prefix: str) -> dict[str, Any]:
    """Return the states in which SageMaker Clarify analyses the records of a day."""
    place = {"Bucket": bucket, "ExpectedBucketOwner": wiring.account_id}
    reports = f"'{prefix}reports/' & $job"
    return {
        "Describe": {
            "Type": "Task",
            "Resource": f"arn:{wiring.partition}:states:::aws-sdk:s3:putObject",
            "Arguments": {
                **place,
                "Key": evaluated(f"{reports} & '/analysis_config.json'"),
                "Body": json.dumps(_analysis(monitor, wiring)),
                "ContentType": "application/json",
            },
            "Next": "Analyze",
        },
        "Analyze": _job(
            monitor,
            wiring,
            name="$job",
            image=monitor.image,
            environment={},
            inputs={
                "analysis_config": (
                    evaluated(f"{REPORTS} & 'analysis_config.json'"),
                    f"{WORK}/input/config",
                ),
                "dataset": (evaluated("$home & 'records/' & $day"), f"{WORK}/input/data"),
            },
            output=REPORTS,
            next_="Read",
            output_name="analysis_result",
        ),
        "Read": {
            "Type": "Task",
            "Resource": f"arn:{wiring.partition}:states:::aws-sdk:s3:getObject",
            "Arguments": {**place, "Key": evaluated(f"{reports} & '/analysis.json'")},
            "Assign": {"analysis": evaluated("$parse($states.result.Body)")},
            "Next": "Tell",
        },
    }


def _analysis(monitor: Bias | Explainability, wiring: Wiring) -> dict[str, Any]:
    """Return what Clarify is told.

    https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-configure-analysis.html
    """
    if isinstance(monitor, Explainability):
        shap = {"agg_method": "mean_abs", "seed": 0, "save_local_shap_values": False}
        return {
            "version": "1.0",
            "dataset_type": "text/csv",
            "headers": list(monitor.attributions),
            "methods": {
                "shap": shap if monitor.num_samples is None else {**shap, "num_samples": monitor.num_samples},
                "report": {"name": "report"},
            },
            "predictor": {
                "model_name": wiring.model_name,
                "endpoint_name_prefix": wiring.name,
                "instance_type": monitor.shadow_instance_type,
                "initial_instance_count": monitor.shadow_instance_count,
                "content_type": "text/csv",
                "accept_type": "text/csv",
            },
        }
    methods = {
        stage: {"methods": wanted}
        for stage, known in (("pre_training_bias", PRE_TRAINING), ("post_training_bias", POST_TRAINING))
        if (wanted := [metric for metric in known if metric in monitor.limits])
    }
    return {
        "version": "1.0",
        "dataset_type": "text/csv",
        "headers": list(monitor.headers),
        "label": monitor.label,
        "label_values_or_threshold": list(monitor.label_values),
        "predicted_label": monitor.predicted_label,
        "facet": [{"name_or_index": monitor.facet, "value_or_threshold": list(monitor.facet_values)}],
        "methods": {**methods, "report": {"name": "report"}},
    }


def _job(
    monitor: Job,
    wiring: Wiring,
    *,
    name: str,
    image: str,
    environment: Mapping[str, str],
    inputs: Mapping[str, tuple[str, str]],
    output: str,
    next_: str,
    output_name: str = "result",
) -> dict[str, Any]:
    """Return the state that runs a processing job; `inputs` are places in S3 and in the container."""
    cluster: dict[str, Any] = {
        "InstanceCount": monitor.instance_count,
        "InstanceType": monitor.instance_type,
        "VolumeSizeInGB": monitor.volume_size_in_gb,
    }
    if key := monitor.volume_key(wiring.kms_key_arn):
        cluster["VolumeKmsKeyId"] = key
    arguments: dict[str, Any] = {
        "ProcessingJobName": evaluated(name),
        "AppSpecification": {"ImageUri": image},
        "NetworkConfig": {
            "EnableInterContainerTrafficEncryption": monitor.enable_inter_container_traffic_encryption,
            "EnableNetworkIsolation": monitor.enable_network_isolation,
            "VpcConfig": {
                "SecurityGroupIds": list(wiring.security_group_ids),
                "Subnets": list(wiring.subnet_ids),
            },
        },
        "ProcessingInputs": [
            {
                "InputName": input_name,
                "S3Input": {
                    "S3Uri": s3_uri,
                    "LocalPath": path,
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
            for input_name, (s3_uri, path) in inputs.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": output_name,
                    "S3Output": {
                        "S3Uri": evaluated(output),
                        "LocalPath": f"{WORK}/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
            "KmsKeyId": wiring.kms_key_arn,
        },
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": wiring.job_role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": monitor.max_runtime_seconds},
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(wiring.tags.items())],
    }
    if environment:
        arguments["Environment"] = dict(sorted(environment.items()))
    return {
        "Type": "Task",
        "Resource": f"arn:{wiring.partition}:states:::sagemaker:createProcessingJob.sync",
        "Arguments": arguments,
        "Retry": [
            {
                "ErrorEquals": list(REFUSED),
                "IntervalSeconds": 30,
                "BackoffRate": 2,
                "MaxDelaySeconds": 600,
                "MaxAttempts": 6,
                "JitterStrategy": "FULL",
            }
        ],
        "Output": {},
        "Next": next_,
    }
