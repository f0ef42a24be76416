"""What a caller is told when something goes wrong: never a payload, an account, or what a container said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

RETRY_AFTER_SECONDS: Mapping[int, int] = {429: 1, 503: 10}
"""When to ask again, by status: a throttled endpoint has room soon, one that is updated takes longer."""

THROTTLED = ("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException")
"""https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html"""

NOT_READY = ("ModelNotReadyException", "ServiceUnavailable", "ServiceUnavailableException", "SlowDown")
"""Worth another attempt later.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors
"""


class ApiError(Exception):
    """An answer that is no success: status, code and message as the caller gets them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        seconds = RETRY_AFTER_SECONDS.get(self.status)
        return {} if seconds is None else {"Retry-After": str(seconds)}

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the document of the answer."""
        return {"error": {"code": self.code, "message": self.message, "request_id": request_id}}


def of_aws(failure: BotoCoreError | ClientError) -> ApiError:
    """Return the answer to a caller when AWS refused or did not answer."""
    if isinstance(failure, (ConnectTimeoutError, ReadTimeoutError)):
        return ApiError(504, "endpoint_timeout", "the endpoint did not answer in time")
    if not isinstance(failure, ClientError):
        return ApiError(502, "bad_gateway", "the endpoint could not be reached")
    code, said = failure.response["Error"]["Code"], failure.response["Error"].get("Message", "")
    if code == "ModelError":
        return _of_model(failure.response, said)
    if code in THROTTLED:
        return ApiError(429, "throttled", "the endpoint has too many requests; ask again later")
    if code in NOT_READY:
        return ApiError(503, "not_ready", "the endpoint has no capacity or its model is not loaded yet")
    if code == "ValidationError" and said.startswith("Endpoint ") and said.endswith("not found."):
        return ApiError(503, "not_in_service", "the endpoint is not in service")
    if code == "ValidationError":
        return ApiError(400, "invalid_request", "SageMaker does not accept the request")
    if failure.response["ResponseMetadata"]["HTTPStatusCode"] == 413:
        return ApiError(413, "payload_too_large", "SageMaker does not take so large a body")
    return ApiError(502, "bad_gateway", "the endpoint failed")


def _of_model(response: Mapping[str, Any], said: str) -> ApiError:
    """Tell a container that did not answer, which has the original status 0, from one that did.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_ModelError.html
    """
    status = response.get("OriginalStatusCode") or 0
    if not status and "timed out" in said:
        return ApiError(504, "model_timeout", "the model did not answer in time")
    return ApiError(424, "model_error", f"the model's container failed with status {status}")
