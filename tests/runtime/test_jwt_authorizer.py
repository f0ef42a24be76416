"""The authorizer for OIDC tokens: what it lets in, what it refuses, how often it asks the issuer."""

from __future__ import annotations

import base64
import hmac
import http.server
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from runtime.jwt_authorizer import keys
from tests.runtime.conftest import Context, Fresh

METHOD = "arn:aws:execute-api:eu-west-1:111122223333:abc123/live/POST/endpoints/churn/invocations"
STAGE = "arn:aws:execute-api:eu-west-1:111122223333:abc123/live/*"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass
class Issuer:
    """An OIDC issuer on loopback."""

    address: str
    asked: list[str] = field(default_factory=list)
    claimed: str = ""
    """What it says that it is; its address, if that is empty."""
    keys: list[dict[str, Any]] = field(default_factory=list)

    def token(self, key: Any = RSA_KEY, algorithm: str = "RS256", kid: str = "rsa", **claims: Any) -> str:
        """Sign a token that is in order, but for the claims that are given; `None` leaves one out."""
        good = {
            "iss": self.address,
            "aud": "inference",
            "sub": "user",
            "exp": time.time() + 300,
            "scope": "a b",
        }
        chosen = {name: value for name, value in {**good, **claims}.items() if value is not None}
        return jwt.encode(chosen, key, algorithm, headers={"kid": kid})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer with an RSA key and an elliptic one."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            content: dict[str, Any] = {"keys": found.keys}
            if self.path.endswith("openid-configuration"):
                content = {"issuer": found.claimed or found.address, "jwks_uri": f"{found.address}/keys"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Issuer(f"http://127.0.0.1:{server.server_port}")
    found.keys.append({**RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "kid": "rsa"})
    found.keys.append({**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "ec"})
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def authorizer(issuer: Issuer, fresh: Fresh) -> ModuleType:
    """The authorizer of that issuer, for the audience `inference` and the scope `a`."""
    return fresh(
        "runtime.jwt_authorizer.handler",
        ISSUER=issuer.address,
        AUDIENCES='["other", "inference"]',
        REQUIRED_SCOPES='["a"]',
        JWKS_URI="",
    )


def ask(authorizer: ModuleType, token: str, scheme: str = "Bearer ") -> dict[str, Any]:
    """Ask for the policy of a token."""
    event = {"type": "TOKEN", "authorizationToken": f"{scheme}{token}", "methodArn": METHOD}
    answer: dict[str, Any] = authorizer.handle(event, Context())
    return answer


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA_KEY, "RS256", "rsa"), (EC_KEY, "ES256", "ec")])
def test_a_token_in_order_lets_its_user_in(
    authorizer: ModuleType, issuer: Issuer, key: Any, algorithm: str, kid: str
) -> None:
    assert ask(authorizer, issuer.token(key, algorithm, kid)) == {
        "principalId": "user",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": STAGE}],
        },
        "context": {"scope": "a b"},
    }
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize("scope", [{"scope": "b"}, {"scope": None}, {"scope": None, "scp": ["b"]}])
def test_a_token_without_a_scope_that_is_required_is_denied(
    authorizer: ModuleType, issuer: Issuer, scope: dict[str, Any]
) -> None:
    (statement,) = ask(authorizer, issuer.token(**scope))["policyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"


def test_scopes_may_be_a_list(authorizer: ModuleType, issuer: Issuer) -> None:
    answer = ask(authorizer, issuer.token(scope=None, scp=["a"]))
    assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"nbf": time.time() + 3600},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "billing"},
        {"aud": None},
        {"sub": None},
    ],
)
def test_a_token_with_a_claim_out_of_order_is_401(
    authorizer: ModuleType, issuer: Issuer, claims: dict[str, Any]
) -> None:
    with pytest.raises(authorizer.Unauthorized, match=r"^Unauthorized$"):
        ask(authorizer, issuer.token(**claims))


def test_a_token_of_another_key_is_401(authorizer: ModuleType, issuer: Issuer) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(authorizer.Unauthorized):
        ask(authorizer, issuer.token(stranger))


def test_a_changed_token_is_401(authorizer: ModuleType, issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    claims = {"iss": issuer.address, "aud": "inference", "sub": "admin", "exp": time.time() + 300}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(authorizer.Unauthorized):
        ask(authorizer, f"{header}.{forged}.{signature}")


def test_a_token_signed_with_the_public_key_as_a_secret_is_401(
    authorizer: ModuleType, issuer: Issuer
) -> None:
    header, claims, _ = issuer.token(secrets.token_bytes(32), "HS256").split(".")
    secret = json.dumps(issuer.keys[0]).encode()
    signature = hmac.digest(secret, f"{header}.{claims}".encode(), "sha256")
    with pytest.raises(authorizer.Unauthorized):
        ask(authorizer, f"{header}.{claims}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")


def test_an_unsigned_token_is_401(authorizer: ModuleType, issuer: Issuer) -> None:
    with pytest.raises(authorizer.Unauthorized):
        ask(authorizer, issuer.token(None, "none"))


@pytest.mark.parametrize(
    ("scheme", "token"), [("Basic ", "eDp5"), ("Bearer ", ""), ("", ""), ("Bearer ", "x.y")]
)
def test_what_is_no_token_is_401(authorizer: ModuleType, scheme: str, token: str) -> None:
    with pytest.raises(authorizer.Unauthorized):
        ask(authorizer, token, scheme)


def test_a_new_key_is_found_and_an_unknown_one_is_not_asked_for_each_time(
    authorizer: ModuleType, issuer: Issuer
) -> None:
    later = issuer.keys.pop()
    ask(authorizer, issuer.token())
    issuer.keys.append(later)
    ask(authorizer, issuer.token(EC_KEY, "ES256", "ec"))
    fetched = len(issuer.asked)
    for number in range(20):
        with pytest.raises(authorizer.Unauthorized):
            ask(authorizer, issuer.token(kid=f"invented-{number}"))
    assert len(issuer.asked) == fetched


def test_after_a_while_an_unknown_key_is_asked_for_again(issuer: Issuer) -> None:
    now = [100.0]
    found = keys.Keys(f"{issuer.address}/keys", clock=lambda: now[0])
    for _ in range(2):
        with pytest.raises(jwt.InvalidTokenError, match="no such key"):
            found.find("invented")
    assert len(issuer.asked) == 2
    now[0] += keys.COOLDOWN_SECONDS
    with pytest.raises(jwt.InvalidTokenError, match="no such key"):
        found.find("invented")
    assert len(issuer.asked) == 3


def test_an_issuer_that_does_not_answer_is_no_401(issuer: Issuer, fresh: Fresh) -> None:
    authorizer = fresh(
        "runtime.jwt_authorizer.handler",
        ISSUER=issuer.address,
        AUDIENCES='["inference"]',
        REQUIRED_SCOPES="[]",
        JWKS_URI="http://127.0.0.1:9/keys",
    )
    with pytest.raises(jwt.PyJWKClientError):
        ask(authorizer, issuer.token())


def test_an_issuer_that_says_it_is_another_is_not_believed(authorizer: ModuleType, issuer: Issuer) -> None:
    issuer.claimed = "https://elsewhere.example"
    with pytest.raises(ValueError, match=r"ISSUER: supply https://elsewhere\.example, got http"):
        ask(authorizer, issuer.token())


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ISSUER": "http://issuer.example"}, "ISSUER: supply an address that begins with https://"),
        ({"AUDIENCES": "[]"}, "AUDIENCES: supply at least one"),
    ],
)
def test_an_authorizer_that_would_be_open_does_not_start(
    fresh: Fresh, variables: dict[str, str], said: str
) -> None:
    good = {"ISSUER": "https://issuer.example", "AUDIENCES": '["inference"]', "REQUIRED_SCOPES": "[]"}
    with pytest.raises(ValueError, match=said):
        fresh("runtime.jwt_authorizer.handler", **{**good, **variables})


def test_no_token_is_logged(
    authorizer: ModuleType, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = issuer.token(), issuer.token(exp=1)
    ask(authorizer, good)
    with pytest.raises(authorizer.Unauthorized):
        ask(authorizer, bad)
    printed = "".join(capsys.readouterr())
    assert '"allowed":true' in printed and '"reason":"ExpiredSignatureError"' in printed
    for part in (*good.split("."), *bad.split(".")):
        assert part not in printed
