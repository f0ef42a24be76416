"""What a request asks for, from the event of API Gateway's proxy integration: no calls, no state.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ApiError
from .routes import Route

UPLOADED = "application/vnd.sagewright.input+json"
"""Content type of a body that names an upload."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEFAULT_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """One inference that is asked for."""

    body: bytes
    content_type: str
    """As the caller wrote it, parameters included."""
    accept: str | None
    target_variant: str | None
    target_model: str | None
    inference_id: str | None

    @property
    def media_type(self) -> str:
        """Content type without its parameters, in lower case."""
        return media_type(self.content_type)


def media_type(content_type: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def read_invocation(event: Mapping[str, Any]) -> Invocation:
    """Read body and headers; raises `ApiError` when they are malformed."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    accept = headers.get("accept")
    return Invocation(
        body=read_body(event),
        content_type=headers.get("content-type") or _DEFAULT_TYPE,
        accept=None if accept in (None, "", "*/*") else accept,
        target_variant=headers.get("x-target-variant"),
        target_model=headers.get("x-target-model"),
        inference_id=_checked("X-Inference-Id", headers.get("x-inference-id")),
    )


def read_body(event: Mapping[str, Any]) -> bytes:
    """Return the body as the caller sent it; raises `ApiError` where its base64 is none."""
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise ApiError(400, "malformed_body", "the body is no base64") from None


def check(route: Route, invocation: Invocation) -> None:
    """Raise `ApiError` unless a route takes an invocation: targets, type, size, form."""
    for header, target, allowed in (
        ("X-Target-Variant", invocation.target_variant, route.target_variants),
        ("X-Target-Model", invocation.target_model, route.target_models),
    ):
        if target is not None and target not in allowed:
            raise ApiError(403, "target_not_allowed", f"{header}: this route does not let a caller name it")
    accepted = (*route.content_types, UPLOADED) if route.kind == "Asynchronous" else route.content_types
    if invocation.media_type not in accepted:
        raise ApiError(415, "unsupported_media_type", f"Content-Type: supply one of {', '.join(accepted)}")
    if len(invocation.body) > route.max_payload_bytes:
        got = f"supply at most {route.max_payload_bytes} bytes, got {len(invocation.body)}"
        raise ApiError(413, "payload_too_large", f"body: {got}")
    if not invocation.body:
        raise ApiError(400, "malformed_body", "the body is empty")
    if invocation.media_type == "application/json":
        read_json(invocation.body)


def read_json(body: bytes) -> Any:
    """Return what JSON says; raises `ApiError` where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        raise ApiError(400, "malformed_body", "the body is no JSON") from None


def read_input_id(body: bytes) -> str:
    """Return the upload that a body of type `UPLOADED` names; raises `ApiError` where it names none."""
    document = read_json(body)
    input_id = document.get("input_id") if isinstance(document, dict) else None
    if not isinstance(input_id, str) or not _ID.fullmatch(input_id):
        raise ApiError(400, "malformed_body", 'body: supply {"input_id": "…"}')
    return input_id


def read_upload_type(route: Route, body: bytes) -> str:
    """Return the content type of an upload that is asked for: the route's first, if none is named."""
    document = read_json(body) if body else {}
    named = document.get("content_type", route.content_types[0]) if isinstance(document, dict) else None
    if not isinstance(named, str):
        raise ApiError(400, "malformed_body", 'body: supply none or {"content_type": "…"}')
    if media_type(named) not in route.content_types:
        accepted = ", ".join(route.content_types)
        raise ApiError(415, "unsupported_media_type", f"content_type: supply one of {accepted}")
    return named


def read_caller(request_context: Mapping[str, Any]) -> str:
    """Return who calls, as a name for a folder; raises `ApiError` when nobody was authenticated.

    It is the user of a token, or the user or role of a signature, whatever the name of its session.
    """
    authorizer = request_context.get("authorizer") or {}
    identity = request_context.get("identity") or {}
    signer = (identity.get("caller") or "").partition(":")[0]
    who = (authorizer.get("claims") or {}).get("sub") or authorizer.get("principalId") or signer
    if not who:
        raise ApiError(403, "caller_unknown", "the request is not authenticated")
    return hashlib.sha256(str(who).encode()).hexdigest()[:32]


def read_inference_id(value: str) -> str:
    """Return the id of an inference; raises `ApiError` for one that none can have."""
    return str(_checked("inference_id", value))


def _checked(name: str, value: str | None) -> str | None:
    if value is not None and not _ID.fullmatch(value):
        raise ApiError(400, "malformed_id", f"{name}: supply at most 64 of A-Z a-z 0-9 . _ -")
    return value
