"""Inputs and results of asynchronous endpoints in S3: each caller has a folder, and sees no other.

Below a route's `input_s3_uri`, as `<route>/<caller>/inputs/<input_id>` and
`<route>/<caller>/inferences/<inference_id>.json`: SageMaker names its outputs itself, so a record says where
the one of an inference is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .endpoints import Queued
from .errors import ApiError, of_aws

EXPIRES_IN_SECONDS = 900
"""How long a presigned URL works, if the function's own credentials do."""
MAX_INPUT_BYTES = 2**30
"""https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html"""

_MISSING = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """What one caller has at one route."""

    client: Any
    s3_uri: str
    """Ends without a slash."""

    def put_input(self, input_id: str, body: bytes, content_type: str) -> str:
        """Store an input and return its URI; raises `ApiError`."""
        bucket, key = split(self._input(input_id))
        try:
            self.client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
        except (BotoCoreError, ClientError) as failure:
            raise of_aws(failure) from None
        return self._input(input_id)

    def find_input(self, input_id: str) -> tuple[str, str]:
        """Return URI and content type of an upload; raises `ApiError` when it is missing or too large."""
        bucket, key = split(self._input(input_id))
        found = _head(self.client, bucket, key)
        if found is None:
            raise ApiError(404, "input_not_found", "input_id: no such upload of this caller")
        if not 0 < found["ContentLength"] <= MAX_INPUT_BYTES:
            got = f"supply 1 to {MAX_INPUT_BYTES} bytes, got {found['ContentLength']}"
            raise ApiError(413, "payload_too_large", f"upload: {got}")
        return self._input(input_id), found["ContentType"]

    def upload_url(self, input_id: str, content_type: str) -> str:
        """Return a URL that takes an input by PUT, with this content type only."""
        bucket, key = split(self._input(input_id))
        parameters = {"Bucket": bucket, "Key": key, "ContentType": content_type}
        return _presigned(self.client, "put_object", parameters)

    def remember(self, queued: Queued) -> None:
        """Record where the result of an inference will be; raises `ApiError`."""
        bucket, key = split(self._record(queued.inference_id))
        body = json.dumps(asdict(queued)).encode()
        try:
            self.client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        except (BotoCoreError, ClientError) as failure:
            raise of_aws(failure) from None

    def recall(self, inference_id: str) -> Queued:
        """Return where the result of an inference will be; raises `ApiError` for one that is not there."""
        bucket, key = split(self._record(inference_id))
        try:
            record = json.loads(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as failure:
            if failure.response["Error"]["Code"] in _MISSING:
                raise ApiError(404, "inference_not_found", "no such inference of this caller") from None
            raise of_aws(failure) from None
        except BotoCoreError as failure:
            raise of_aws(failure) from None
        return Queued(**record)

    def _input(self, input_id: str) -> str:
        return f"{self.s3_uri}/inputs/{input_id}"

    def _record(self, inference_id: str) -> str:
        return f"{self.s3_uri}/inferences/{inference_id}.json"


def s3_client() -> Any:
    """Return a client whose presigned URLs work in every region and with keys of KMS."""
    return boto3.client(
        "s3",
        config=Config(
            signature_version="s3v4",
            connect_timeout=2,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )


def folder(client: Any, input_s3_uri: str, route_name: str, caller: str) -> Folder:
    """Return what a caller has at a route."""
    return Folder(client=client, s3_uri=f"{input_s3_uri.rstrip('/')}/{route_name}/{caller}")


def result_url(client: Any, queued: Queued) -> str | None:
    """Return a URL of the result; `None` while there is none. Raises `ApiError` if the inference failed."""
    bucket, key = split(queued.output_s3_uri)
    if _head(client, bucket, key) is not None:
        return _presigned(client, "get_object", {"Bucket": bucket, "Key": key})
    if queued.failure_s3_uri and _head(client, *split(queued.failure_s3_uri)) is not None:
        raise ApiError(502, "inference_failed", "the model failed on this input")
    return None


def split(s3_uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI."""
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    return bucket, key


def _head(client: Any, bucket: str, key: str) -> Any:
    """Return what S3 says about an object, or `None`: to be told that needs `s3:ListBucket`."""
    try:
        return client.head_object(Bucket=bucket, Key=key)
    except ClientError as failure:
        if failure.response["Error"]["Code"] in _MISSING:
            return None
        raise of_aws(failure) from None
    except BotoCoreError as failure:
        raise of_aws(failure) from None


def _presigned(client: Any, method: str, parameters: dict[str, str]) -> str:
    url: str = client.generate_presigned_url(method, Params=parameters, ExpiresIn=EXPIRES_IN_SECONDS)
    return url
