"""Who calls: signatures of AWS, tokens of user pools, and what Lambda authorizers say.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
"""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import jwt
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from jwt.exceptions import ExpiredSignatureError, InvalidTokenError
from moto.cognitoidp.models import cognitoidp_backends
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sagewright.local.functions import Functions
from sagewright.local.gateway.deployments import Served

ROOT_SECRET = "embedded"
"""Secret of the access key ids of twelve digits."""
CLOCKS_DIFFER_SECONDS = 300
DEFAULT_TTL_SECONDS = 300
"""https://docs.aws.amazon.com/apigateway/latest/api/API_Authorizer.html"""

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request,\s*"
    r"SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})"
)


class Unauthenticated(Exception):
    """Nobody who may call: type of the answer of API Gateway, its status, its message."""

    def __init__(self, type_: str, status: int, message: str | None) -> None:
        super().__init__(message)
        self.type = type_
        self.status = status
        self.message = message


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request, as far as it tells who calls."""

    method: str
    raw_uri: str
    """Path and query as they were sent."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    query: Mapping[str, str]
    body: bytes
    method_arn: str
    event: Mapping[str, Any]
    """The event of a request without who calls, for authorizers that look at all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who calls, as a function is told."""

    identity: Mapping[str, str] = field(default_factory=dict)
    """Of `requestContext.identity`; signatures only."""
    authorizer: Mapping[str, Any] | None = None
    """`requestContext.authorizer`; tokens only."""


# signatures


def of_signature(asked: Asked, account_id: str) -> Caller:
    """Return who signed a request; raises `Unauthenticated`.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
    """
    header = asked.headers.get("authorization")
    if header is None:
        raise Unauthenticated("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
    found = _SIGNED.fullmatch(header.strip())
    if found is None or found[4] != "execute-api":
        message = "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters."
        raise Unauthenticated("INVALID_SIGNATURE", 403, message)
    key_id, _, region, service, names, signature = found.groups()
    timestamp = asked.headers.get("x-amz-date", "")
    secret, identity = _key(key_id, asked.headers.get("x-amz-security-token"))
    try:
        signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise Unauthenticated("INVALID_SIGNATURE", 403, "Signature has no date") from None
    if abs(time.time() - signed_at) > CLOCKS_DIFFER_SECONDS:
        raise Unauthenticated("INVALID_SIGNATURE", 403, f"Signature expired: {timestamp}")
    signed_headers = {name: asked.headers.get(name, "") for name in names.split(";")}
    sent_hash = asked.headers.get("x-amz-content-sha256")
    request = AWSRequest(
        method=asked.method,
        url=f"http://{asked.headers.get('host', '')}{asked.raw_uri}",
        headers=signed_headers,
        data=asked.body,
    )
    request.context["timestamp"] = timestamp
    signer = SigV4Auth(Credentials(key_id, secret), service, region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    whole = sent_hash in (None, hashlib.sha256(asked.body).hexdigest())
    if "host" not in signed_headers or not whole or not hmac.compare_digest(expected, signature):
        message = (
            "The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access Key and signing method. Consult the service documentation for details."
        )
        raise Unauthenticated("INVALID_SIGNATURE", 403, message)
    if identity["accountId"] != account_id:
        raise Unauthenticated("ACCESS_DENIED", 403, "User is not authorized to access this resource")
    return Caller(identity=identity)


def _key(key_id: str, token: str | None) -> tuple[str, dict[str, str]]:
    """Return the secret of an access key, and whose it is; raises `Unauthenticated` if it is nobody's."""
    if re.fullmatch(r"\d{12}", key_id):
        arn = f"arn:aws:iam::{key_id}:root"
        return ROOT_SECRET, _identity(key_id, key_id, key_id, arn)
    for account_id, partitions in list(iam_backends.items()):
        for partition, backend in list(partitions.items()):
            key = backend.access_keys.get(key_id)
            if key is None:
                continue
            session = sts_backends[account_id][partition].get_assumed_role_from_access_key(key_id)
            if session is not None and session.session_token == token:
                return str(key.secret_access_key), _identity(key_id, account_id, session.user_id, session.arn)
            user = backend.users.get(key.user_name or "")
            if session is None and user is not None and key.status == "Active":
                return str(key.secret_access_key), _identity(key_id, account_id, user.id, user.arn)
    message = "The security token included in the request is invalid."
    raise Unauthenticated("INVALID_SIGNATURE", 403, message)


def _identity(key_id: str, account_id: str, caller: str, arn: str) -> dict[str, str]:
    return {
        "accessKey": key_id,
        "accountId": account_id,
        "caller": caller,
        "user": caller,
        "userArn": arn,
    }


# user pools


def of_user_pool(asked: Asked, authorizer: Any, scopes: list[str]) -> Caller:
    """Return whose token of a user pool it is; raises `Unauthenticated`.

    With scopes, an access token that has one of them; else an identity token.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html
    """
    token = asked.headers.get(_header_of(authorizer), "")
    token = token.partition(" ")[2] if token.lower().startswith("bearer ") else token
    try:
        claims = _claims(token, authorizer.provider_arns)
    except ExpiredSignatureError:
        raise Unauthenticated("UNAUTHORIZED", 401, "The incoming token has expired") from None
    except InvalidTokenError:
        raise Unauthenticated("UNAUTHORIZED", 401, "Unauthorized") from None
    if claims["token_use"] != ("access" if scopes else "id"):
        raise Unauthenticated("UNAUTHORIZED", 401, "Unauthorized")
    if scopes and not set(scopes) & set(str(claims.get("scope", "")).split()):
        raise Unauthenticated("UNAUTHORIZED", 401, "Unauthorized")
    return Caller(authorizer={"claims": {name: _text(value) for name, value in claims.items()}})


def _claims(token: str, pool_arns: list[str]) -> Mapping[str, Any]:
    issuer = jwt.decode(token, options={"verify_signature": False}).get("iss", "")
    for arn in pool_arns:
        _, _, _, region, account_id, name = arn.split(":")
        pool_id = name.partition("/")[2]
        pool = cognitoidp_backends[account_id][region].user_pools.get(pool_id)
        if pool is None or urlsplit(str(issuer)).path != f"/{pool_id}":
            continue
        key = pool.json_web_key.public_key
        claims: Mapping[str, Any] = jwt.decode(
            token, key, algorithms=["RS256"], options={"verify_aud": False}
        )
        if claims.get("client_id", claims.get("aud")) in pool.clients:
            return claims
    raise InvalidTokenError


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def _header_of(authorizer: Any) -> str:
    source: str = authorizer.identity_source or "method.request.header.Authorization"
    return source.removeprefix("method.request.header.").lower()


# Lambda authorizers


class LambdaAuthorizers:
    """Asks functions who calls, and remembers what they said."""

    def __init__(self, functions: Functions, clock: Callable[[], float] = time.monotonic) -> None:
        self._functions = functions
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[tuple[str, ...], tuple[float, Mapping[str, Any]]] = {}

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._said.clear()

    def ask(self, asked: Asked, authorizer: Any, served: Served) -> Caller:
        """Return what a function says about a request; raises `Unauthenticated`.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
        """
        sources = [one.strip() for one in (authorizer.identity_source or "").split(",") if one.strip()] or [
            "method.request.header.Authorization"
        ]
        values = [_value(source, asked) for source in sources]
        pattern = authorizer.identity_validation_expression
        if not all(values) or (pattern and not re.fullmatch(pattern, values[0])):
            raise Unauthenticated("UNAUTHORIZED", 401, "Unauthorized")
        ttl = authorizer.authorizer_result_ttl
        seconds = DEFAULT_TTL_SECONDS if ttl is None else int(ttl)
        key = (served.arn, authorizer.id, *values)
        with self._lock:
            kept = self._said.get(key)
        if kept is not None and seconds and self._clock() - kept[0] < seconds:
            said = kept[1]
        else:
            said = self._invoke(asked, authorizer, served, values[0])
            with self._lock:
                self._said[key] = (self._clock(), said)
        return _allowed(said, asked.method_arn)

    def _invoke(self, asked: Asked, authorizer: Any, served: Served, token: str) -> Mapping[str, Any]:
        event: dict[str, Any] = {"type": authorizer.type, "methodArn": asked.method_arn}
        event |= {"authorizationToken": token} if authorizer.type == "TOKEN" else dict(asked.event)
        account_id, region, name, qualifier = function_of(authorizer.authorizer_uri)
        try:
            done = self._functions.invoke(account_id, region, name, qualifier, json.dumps(event).encode())
        except Exception as failure:
            raise Unauthenticated("AUTHORIZER_CONFIGURATION_ERROR", 500, None) from failure
        said = json.loads(done.payload)
        if done.failed and isinstance(said, dict) and said.get("errorMessage") == "Unauthorized":
            raise Unauthenticated("UNAUTHORIZED", 401, "Unauthorized")
        if done.failed or not isinstance(said, dict) or "principalId" not in said:
            raise Unauthenticated("AUTHORIZER_FAILURE", 500, None)
        return said


def _value(source: str, asked: Asked) -> str:
    kind, _, name = source.removeprefix("method.request.").partition(".")
    return (asked.headers.get(name.lower()) if kind == "header" else asked.query.get(name)) or ""


def _allowed(said: Mapping[str, Any], method_arn: str) -> Caller:
    """Evaluate the policy that an authorizer returned: a Deny, else an Allow, else nothing."""
    effects = set()
    for statement in (said.get("policyDocument") or {}).get("Statement", []):
        resources = (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )
        if any(fnmatch.fnmatchcase(method_arn, pattern) for pattern in resources):
            effects.add(statement["Effect"])
    if "Deny" in effects:
        message = "User is not authorized to access this resource with an explicit deny"
        raise Unauthenticated("ACCESS_DENIED", 403, message)
    if "Allow" not in effects:
        raise Unauthenticated("ACCESS_DENIED", 403, "User is not authorized to access this resource")
    context = {name: _text(value) for name, value in (said.get("context") or {}).items()}
    return Caller(authorizer={"principalId": str(said["principalId"]), **context})


def function_of(uri: str) -> tuple[str, str, str, str | None]:
    """Return account, region, name and qualifier of the function of an integration or authorizer.

    https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html
    """
    arn = uri.partition("/functions/")[2].removesuffix("/invocations")
    _, _, _, region, account_id, _, name, *qualifier = arn.split(":")
    return account_id, region, name, qualifier[0] if qualifier else None
