"""The issuer's public keys, fetched seldom: a stranger's token must not make us ask the issuer each time."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWKClient
from jwt.exceptions import InvalidTokenError

TIMEOUT_SECONDS = 3
LIFESPAN_SECONDS = 3600
"""How long keys are kept: so long a key that the issuer withdrew is still taken."""
COOLDOWN_SECONDS = 30
"""How long a key that is not there is not asked for again."""


def check_address(name: str, address: str) -> str:
    """Return an address that cannot be tampered with on its way; raises `ValueError` for another."""
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise ValueError(f"{name}: supply an address that begins with https://, got {address}")
    return address


def discover(issuer: str) -> str:
    """Ask an issuer where its keys are; raises `ValueError` if another one answers, and `OSError`.

    https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
    """
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
        document = json.load(answer)
    if document["issuer"] != issuer:
        raise ValueError(f"ISSUER: supply {document['issuer']}, got {issuer}")
    return check_address("jwks_uri", document["jwks_uri"])


class Keys:
    """The keys at an address."""

    def __init__(self, jwks_uri: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = PyJWKClient(jwks_uri, lifespan=LIFESPAN_SECONDS, timeout=TIMEOUT_SECONDS)
        self._clock = clock
        self._asked_anew = -float(COOLDOWN_SECONDS)

    def find(self, key_id: str) -> PyJWK:
        """Return a key; raises `InvalidTokenError` if there is none, `PyJWKClientError` if nobody answers."""
        found = self._known(key_id, refresh=False)
        if found is None and self._clock() - self._asked_anew >= COOLDOWN_SECONDS:
            self._asked_anew = self._clock()
            found = self._known(key_id, refresh=True)
        if found is None:
            raise InvalidTokenError("no such key")
        return found

    def _known(self, key_id: str, *, refresh: bool) -> PyJWK | None:
        return next((key for key in self._client.get_signing_keys(refresh) if key.key_id == key_id), None)
