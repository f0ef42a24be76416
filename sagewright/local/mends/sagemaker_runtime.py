"""SageMaker Runtime: moto answers for endpoints that do not exist, and makes predictions up."""

from __future__ import annotations

import re

from moto.sagemakerruntime.models import sagemakerruntime_backends

from sagewright.local.control_plane import Record
from sagewright.local.refusal import Refused
from sagewright.local.sagemaker import control_plane
from sagewright.local.wire import Call, Environ

_INVOCATION = re.compile(r"/endpoints/([^/]+)/(async-invocations|invocations|invocations-response-stream)")


def check(call: Call, environ: Environ, account_id: str) -> None:
    """Refuse to invoke an endpoint that AWS could not invoke.

    No container runs here: raises `NotImplementedError` unless an answer was queued by moto's API,
    https://docs.getmoto.org/en/latest/docs/services/sagemaker-runtime.html.
    """
    invocation = _INVOCATION.fullmatch(environ["PATH_INFO"]) if call.service == "sagemaker" else None
    if invocation is None:
        return
    name, how = invocation.groups()
    with control_plane(account_id, call.region).settled() as plane:
        _check_endpoint(plane.find("Endpoint", name), name, how, environ, account_id)
    backend = sagemakerruntime_backends[account_id][call.region]
    queue = backend.async_results_queue if how == "async-invocations" else backend.results_queue
    if not queue and not backend.results.get(name) and not backend.async_results.get(name):
        raise NotImplementedError("an inference: it runs no container, and no answer is queued for one")


def _check_endpoint(endpoint: Record | None, name: str, how: str, environ: Environ, account_id: str) -> None:
    if endpoint is None or endpoint.members["EndpointName"] != name or "Live" not in endpoint.hidden:
        raise _refused(f"Endpoint {name} of account {account_id} not found.")
    variant = environ.get("HTTP_X_AMZN_SAGEMAKER_TARGET_VARIANT")
    if variant and variant not in endpoint.hidden["Live"]["ProductionVariants"]:
        raise _refused(f"Variant {variant} of endpoint {name} not found.")
    if (how == "async-invocations") != bool(endpoint.members.get("AsyncInferenceConfig")):
        raise _refused(f"Endpoint {name} does not support {how}.")


def _refused(message: str) -> Refused:
    return Refused("ValidationError", message)
