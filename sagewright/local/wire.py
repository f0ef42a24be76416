"""AWS on the wire: who calls which operation, and how an error is written so that an SDK reads it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.parse import RequestParserError, RestJSONParser
from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

from sagewright.local.refusal import Refused

Environ = dict[str, Any]
"""A WSGI environment."""

_SIGNATURE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_ACCOUNT_ID = re.compile(r"\d{12}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, as far as its headers tell."""

    service: str
    """Signing name, such as `monitoring`; empty when the request is not signed."""
    region: str
    access_key_id: str
    target: str
    """Value of `X-Amz-Target`: set by the JSON protocols."""
    protocol: str
    """One of json, query, ec2, rest-xml, rest-json, cbor."""

    @property
    def account_id(self) -> str | None:
        """The account that the access key id names, if it is twelve digits."""
        return self.access_key_id if _ACCOUNT_ID.fullmatch(self.access_key_id) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    code: str = ""
    """Error code of a refusal that is ours."""

    @property
    def is_success(self) -> bool:
        """Whether what was asked for was done."""
        return self.status.startswith("2")


_REST_SERVICES = {"": "s3", "sagemaker": "sagemaker-runtime"}
"""Signing name → service that has the REST operations."""


def read_call(environ: Environ) -> Call:
    """Tell from the signature and the headers which service is called, and in which protocol."""
    signature = _SIGNATURE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if signature is None:
        presigned = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
        signature = _SIGNATURE.search(f"Credential={presigned}")
    access_key_id, region, service = signature.groups() if signature else ("", "", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    return Call(
        service=service,
        region=region,
        access_key_id=access_key_id,
        target=target,
        protocol=_protocol(environ, service, target),
    )


def _protocol(environ: Environ, service: str, target: str) -> str:
    if target:
        return "json"
    if environ.get("HTTP_SMITHY_PROTOCOL") == "rpc-v2-cbor":
        return "cbor"
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return "ec2" if service == "ec2" else "query"
    return "rest-xml" if service in ("", "s3", "cloudfront", "route53") else "rest-json"


def read_body(environ: Environ) -> bytes:
    """Read the body of a request and put it back."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def operation_name(environ: Environ, call: Call) -> str:
    """Return the operation that is called; for the REST protocols, method and path if nobody knows better."""
    if call.target:
        return call.target.rpartition(".")[2]
    path = str(environ["PATH_INFO"])
    if call.protocol == "cbor":
        return path.rpartition("/")[2]
    if call.protocol in ("query", "ec2"):
        return parse_qs(read_body(environ).decode(errors="replace")).get("Action", [""])[0]
    return _routed(environ, call) or f"{environ['REQUEST_METHOD']} {path}"


def names(environ: Environ, call: Call) -> list[str]:
    """Return what may name what a request is about: its outermost texts, or the parts of its path."""
    if call.protocol == "json":
        body = read_body(environ)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            request = None
        members = request.values() if isinstance(request, dict) else ()
        return [value for value in members if isinstance(value, str)]
    if call.protocol in ("query", "ec2"):
        form = parse_qs(read_body(environ).decode(errors="replace"))
        return [value for values in form.values() for value in values]
    return [part for part in unquote(environ["PATH_INFO"]).split("/") if part]


def _routed(environ: Environ, call: Call) -> str:
    """Find the operation of a REST request as moto does; empty when there is none."""
    service = _REST_SERVICES.get(call.service, call.service)
    try:
        operation, _ = get_service_router(service).match(Request(dict(environ)))
        return str(operation.name)
    except (NotFound, NotImplementedError, UnknownServiceError):
        return ""


def rest_request(environ: Environ, call: Call) -> dict[str, Any]:
    """Return the members of a request of the REST JSON protocol by their names in the service's model.

    Bytes stay in base64. Raises `Refused` for a body that is not JSON.
    """
    body = read_body(environ)
    request = Request(dict(environ))
    operation, uri_members = get_service_router(call.service).match(request)
    try:
        parsed: dict[str, Any] = RestJSONParser(operation, blob_parser=str).parse(
            {
                "body": body,
                "headers": request.headers,
                "method": request.method,
                "url_params": uri_members,
                "url_path": request.path,
                "values": request.args,
            }
        )
    except (RequestParserError, ValueError, AttributeError, TypeError) as failure:
        raise Refused("SerializationException", f"the body cannot be read: {failure}") from None
    return {name: value for name, value in parsed.items() if value is not None}


def json_answer(content: dict[str, Any], status: str = "200 OK") -> Answer:
    """Write an answer of the JSON protocol."""
    body = json.dumps(content).encode()
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
    return Answer(status=status, headers=headers, body=body)


def error(
    call: Call, status: str, code: str, message: str, members: Mapping[str, Any] | None = None
) -> Answer:
    """Write an error as the protocol of the call wants it; only JSON has members beyond code and message."""
    content_type, body = _error_body(call.protocol, code, message, members or {})
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    if call.protocol in ("json", "rest-json"):
        headers.append(("x-amzn-errortype", code))
    if call.protocol == "cbor":
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
    return Answer(status=status, headers=headers, body=body, code=code)


def _error_body(protocol: str, code: str, message: str, members: Mapping[str, Any]) -> tuple[str, bytes]:
    if protocol == "cbor":
        return "application/cbor", _cbor_map({"__type": code, "message": message})
    if protocol in ("json", "rest-json"):
        content = {"__type": code, "message": message, **members}
        return "application/x-amz-json-1.1", json.dumps(content).encode()
    fields = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    request_id = "<RequestId>embedded</RequestId>"
    document = {
        "ec2": f"<Response><Errors><Error>{fields}</Error></Errors>{request_id}</Response>",
        "query": f"<ErrorResponse><Error>{fields}</Error>{request_id}</ErrorResponse>",
        "rest-xml": f"<Error>{fields}{request_id}</Error>",
    }[protocol]
    return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>{document}'.encode()


def _cbor_map(fields: dict[str, str]) -> bytes:
    """Encode a small map of texts: https://www.rfc-editor.org/rfc/rfc8949#section-3.1."""
    encoded = bytes([0xA0 + len(fields)])
    for text in (text for pair in fields.items() for text in pair):
        octets = text.encode()
        encoded += b"\x79" + len(octets).to_bytes(2, "big") + octets
    return encoded
