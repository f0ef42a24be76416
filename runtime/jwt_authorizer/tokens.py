"""Whether a token is good, and for what: no calls, no state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import jwt
from jwt.exceptions import InvalidTokenError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key pair. With a shared secret, whoever verifies could also sign."""
LEEWAY_SECONDS = 30
"""How far clocks may differ."""


def read_bearer(header: str) -> str:
    """Return the token of an `Authorization` header; raises `InvalidTokenError` where it has none."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidTokenError("no bearer token")
    return token.strip()


def verify(
    token: str, find_key: Callable[[str], jwt.PyJWK], *, issuer: str, audiences: Collection[str]
) -> Mapping[str, Any]:
    """Return the claims of a token; raises `InvalidTokenError` unless all of it is in order.

    Signature, issuer, audience, time and subject: https://www.rfc-editor.org/rfc/rfc9068#section-4.
    """
    header = jwt.get_unverified_header(token)
    if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str):
        raise InvalidTokenError("no such signature")
    claims: Mapping[str, Any] = jwt.decode(
        token,
        find_key(header["kid"]),
        algorithms=ALGORITHMS,
        issuer=issuer,
        audience=audiences,
        leeway=LEEWAY_SECONDS,
        options={"require": ["exp", "iss", "aud", "sub"]},
    )
    return claims


def scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes of a token: the text `scope` of the standard, or the `scp` of Entra ID and Okta."""
    granted = claims.get("scope", claims.get("scp", ()))
    return frozenset(granted.split() if isinstance(granted, str) else granted)
