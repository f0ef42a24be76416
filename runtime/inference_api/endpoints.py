"""SageMaker endpoints: one call for each request, with a time limit, and never a second one.

A model may have side effects and a price, so that only the caller can decide to ask again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import of_aws
from .requests import Invocation
from .routes import Route

CONNECT_TIMEOUT_SECONDS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What a real-time or serverless endpoint answered."""

    body: bytes
    content_type: str
    variant: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """Where an asynchronous endpoint puts what it finds."""

    inference_id: str
    output_s3_uri: str
    failure_s3_uri: str | None


def runtime_client(timeout_seconds: int) -> Any:
    """Return a client that waits so long for an answer, and asks once."""
    return boto3.client(
        "sagemaker-runtime",
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=timeout_seconds,
            retries={"total_max_attempts": 1},
        ),
    )


def invoke(client: Any, route: Route, invocation: Invocation) -> Prediction:
    """Ask a real-time or serverless endpoint; raises `ApiError`.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    named = {
        "Accept": invocation.accept,
        "TargetVariant": invocation.target_variant,
        "TargetModel": invocation.target_model,
        "InferenceId": invocation.inference_id,
    }
    try:
        answer = client.invoke_endpoint(
            EndpointName=route.endpoint_name,
            ContentType=invocation.content_type,
            Body=invocation.body,
            **{name: value for name, value in named.items() if value is not None},
        )
        body: bytes = answer["Body"].read()
    except (BotoCoreError, ClientError) as failure:
        raise of_aws(failure) from None
    return Prediction(
        body=body,
        content_type=answer.get("ContentType") or "application/octet-stream",
        variant=answer.get("InvokedProductionVariant", ""),
    )


def enqueue(
    client: Any, route: Route, invocation: Invocation, *, input_s3_uri: str, content_type: str
) -> Queued:
    """Hand an input in S3 to an asynchronous endpoint; raises `ApiError`.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
    """
    named = {"Accept": invocation.accept, "InferenceId": invocation.inference_id}
    try:
        answer = client.invoke_endpoint_async(
            EndpointName=route.endpoint_name,
            ContentType=content_type,
            InputLocation=input_s3_uri,
            **{name: value for name, value in named.items() if value is not None},
        )
    except (BotoCoreError, ClientError) as failure:
        raise of_aws(failure) from None
    return Queued(
        inference_id=answer["InferenceId"],
        output_s3_uri=answer["OutputLocation"],
        failure_s3_uri=answer.get("FailureLocation"),
    )
