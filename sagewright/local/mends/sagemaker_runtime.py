"""SageMaker Runtime: moto answers for endpoints that do not exist, and makes predictions up.

No container runs. A model that is built in tells which variant and which model were asked, and what they
were sent: always the same for the same request.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Mapping
from typing import Any

from moto.s3.models import s3_backends
from moto.sagemakerruntime.models import sagemakerruntime_backends
from moto.utilities.utils import get_partition

from sagewright.local.control_plane import ControlPlane, Record
from sagewright.local.faults import FAULTS
from sagewright.local.kinds import Members
from sagewright.local.refusal import Refused
from sagewright.local.sagemaker import control_plane
from sagewright.local.wire import Answer, Call, Environ, read_body

LARGEST_BODY = 25 * 2**20
"""https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints.html"""
LARGEST_SERVERLESS_BODY = 4 * 2**20
"""https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html"""
LARGEST_INLINE_INPUT = 128_000
"""https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html"""
BYTES = "application/octet-stream"
"""Whoever accepts nothing else gets back what was sent."""

_INVOCATION = re.compile(r"/endpoints/([^/]+)/(async-invocations|invocations|invocations-response-stream)")
_HEADER = "HTTP_X_AMZN_SAGEMAKER_"
_dice = random.Random()


def answer(call: Call, environ: Environ, account_id: str) -> Answer | None:
    """Answer for an endpoint, or return `None` where an answer was queued by moto's API.

    Raises `Refused`. https://docs.getmoto.org/en/latest/docs/services/sagemaker-runtime.html
    """
    invocation = _INVOCATION.fullmatch(environ["PATH_INFO"]) if call.service == "sagemaker" else None
    if invocation is None:
        return None
    name, how = invocation.groups()
    with control_plane(account_id, call.region).settled() as plane:
        endpoint = plane.find("Endpoint", name)
        if endpoint is None or endpoint.members["EndpointName"] != name or "Live" not in endpoint.hidden:
            raise _refused(f"Endpoint {name} of account {account_id} not found.")
        if (how == "async-invocations") != bool(endpoint.members.get("AsyncInferenceConfig")):
            raise _refused(f"Endpoint {name} does not support {how}.")
        if _is_queued(account_id, call.region, name, how):
            return None
        if how == "invocations-response-stream":
            raise NotImplementedError("InvokeEndpointWithResponseStream")
        if how == "async-invocations":
            return _enqueue(plane, endpoint, environ)
        return _invoke(plane, endpoint, environ)


def _is_queued(account_id: str, region: str, name: str, how: str) -> bool:
    backend = sagemakerruntime_backends[account_id][region]
    queue = backend.async_results_queue if how == "async-invocations" else backend.results_queue
    return bool(queue or backend.results.get(name) or backend.async_results.get(name))


def _invoke(plane: ControlPlane, endpoint: Record, environ: Environ) -> Answer:
    variant = _variant(endpoint, environ.get(f"{_HEADER}TARGET_VARIANT"))
    live = endpoint.hidden["Live"]["ProductionVariants"][variant]
    largest = LARGEST_SERVERLESS_BODY if "CurrentServerlessConfig" in live else LARGEST_BODY
    if int(environ.get("CONTENT_LENGTH") or 0) > largest:
        said = f"HTTP content length exceeded {largest} bytes."
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))]
        return Answer(status="413 Request Entity Too Large", headers=headers, body=said.encode(), code="413")
    model = _model(plane, endpoint, variant, environ.get(f"{_HEADER}TARGET_MODEL"))
    content_type, body = _predict(
        variant, model, read_body(environ), environ.get("CONTENT_TYPE", ""), environ.get("HTTP_ACCEPT", "")
    )
    return Answer(
        status="200 OK",
        headers=[
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("x-Amzn-Invoked-Production-Variant", variant),
        ],
        body=body,
    )


def _enqueue(plane: ControlPlane, endpoint: Record, environ: Environ) -> Answer:
    """Work on an input at once, unless the endpoint has no instance: then nothing comes of it yet."""
    inference_id = environ.get(f"{_HEADER}INFERENCE_ID") or _hexadecimal()
    configured = endpoint.members["AsyncInferenceConfig"]["OutputConfig"]
    stem = _hexadecimal()
    output = f"{configured['S3OutputPath'].rstrip('/')}/{stem}.out"
    failure_path = configured.get("S3FailurePath")
    failure = f"{failure_path.rstrip('/')}/{stem}-error.out" if failure_path else None
    variant = _variant(endpoint, None)
    source = environ.get(f"{_HEADER}INPUTLOCATION")
    inline = read_body(environ)
    if bool(source) == bool(inline):
        raise _refused("Specify exactly one of InputLocation and Body.")
    if len(inline) > LARGEST_INLINE_INPUT:
        raise _refused(f"Body must have length less than or equal to {LARGEST_INLINE_INPUT}.")
    if endpoint.hidden["Live"]["ProductionVariants"][variant]["CurrentInstanceCount"]:
        content = _read(plane, source) if source else inline
        fault = FAULTS.failure("InvokeEndpointAsync", endpoint.name)
        if content is None or fault is not None:
            reason = fault.reason if fault else f"Failed to download the input {source}."
            if failure:
                _write(plane, failure, reason.encode(), "text/plain")
        else:
            content_type = environ.get(f"{_HEADER}CONTENT_TYPE", "")
            model = _model(plane, endpoint, variant, None)
            accept = environ.get(f"{_HEADER}ACCEPT", "")
            answered, body = _predict(variant, model, content, content_type, accept)
            _write(plane, output, body, answered)
    body = json.dumps({"InferenceId": inference_id}).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("X-Amzn-SageMaker-OutputLocation", output),
    ]
    if failure:
        headers.append(("X-Amzn-SageMaker-FailureLocation", failure))
    return Answer(status="202 Accepted", headers=headers, body=body)


def _variant(endpoint: Record, target: str | None) -> str:
    """Return the variant that is named, else one by chance, as the weights are now."""
    variants: Mapping[str, Members] = endpoint.hidden["Live"]["ProductionVariants"]
    if target is None:
        weights = [float(variant["CurrentWeight"]) for variant in variants.values()]
        return _dice.choices(list(variants), weights)[0]
    if target not in variants:
        raise _refused(f"Variant {target} of endpoint {endpoint.name} not found.")
    return target


def _model(plane: ControlPlane, endpoint: Record, variant: str, target: str | None) -> str:
    """Return the model that answers: the variant's, or the one of its models that is named.

    https://docs.aws.amazon.com/sagemaker/latest/dg/invoke-multi-model-endpoint.html
    """
    configured = endpoint.hidden["Configuration"]["ProductionVariants"]
    name: str = next(one["ModelName"] for one in configured if one["VariantName"] == variant)
    model = plane.find("Model", name)
    members = model.members if model else {}
    containers = members.get("Containers") or [members.get("PrimaryContainer") or {}]
    multi = next((one for one in containers if one.get("Mode") == "MultiModel"), None)
    if (multi is not None) != (target is not None):
        needed = "is required" if multi else "is not supported"
        raise _refused(f"TargetModel {needed} for endpoint {endpoint.name}.")
    if multi is None or target is None:
        return name
    if _read(plane, f"{multi['ModelDataUrl'].rstrip('/')}/{target.lstrip('/')}") is None:
        raise _refused(f"Failed to download model data ({target}). Please ensure that there is an object.")
    return target


def _predict(variant: str, model: str, body: bytes, content_type: str, accept: str) -> tuple[str, bytes]:
    """Return content type and body of an answer."""
    if accept == BYTES:
        return BYTES, body
    content: dict[str, Any] = {
        "variant": variant,
        "model": model,
        "content_type": content_type,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return "application/json", json.dumps(content).encode()


def _read(plane: ControlPlane, s3_uri: str) -> bytes | None:
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    found = _buckets(plane, bucket).get(bucket)
    stored = found.keys.get(key) if found else None
    return None if stored is None else bytes(stored.value)


def _write(plane: ControlPlane, s3_uri: str, body: bytes, content_type: str) -> None:
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    if bucket not in _buckets(plane, bucket):
        raise _refused(f"Could not find bucket {bucket}.")
    owner, partition = _place(plane, bucket)
    stored = s3_backends[owner][partition].put_object(bucket, key, body)
    stored.set_metadata({"Content-Type": content_type})


def _buckets(plane: ControlPlane, bucket: str) -> Mapping[str, Any]:
    owner, partition = _place(plane, bucket)
    return s3_backends[owner][partition].buckets


def _place(plane: ControlPlane, bucket: str) -> tuple[str, str]:
    partition, owner = s3_backends.bucket_accounts.get(
        bucket, (get_partition(plane.region), plane.account_id)
    )
    return owner, partition


def _hexadecimal() -> str:
    return f"{_dice.getrandbits(128):032x}"


def _refused(message: str) -> Refused:
    return Refused("ValidationError", message)
