"""Entry point: `jwt_authorizer.handler.handle`, for a TOKEN authorizer of API Gateway.

Environment: `ISSUER`; `AUDIENCES` and `REQUIRED_SCOPES`, JSON lists; `JWKS_URI`, else the issuer is asked.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from jwt.exceptions import InvalidTokenError

from . import keys, tokens

ISSUER = keys.check_address("ISSUER", os.environ["ISSUER"])
AUDIENCES: tuple[str, ...] = tuple(json.loads(os.environ["AUDIENCES"]))
REQUIRED_SCOPES = frozenset(json.loads(os.environ.get("REQUIRED_SCOPES") or "[]"))
JWKS_URI = os.environ.get("JWKS_URI") or ""

if not AUDIENCES:
    raise ValueError("AUDIENCES: supply at least one: else any token of the issuer would do")

logger = Logger()


class Unauthorized(Exception):
    """A token that is not in order; the text makes API Gateway answer 401."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@logger.inject_lambda_context(log_event=False, clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the policy of whoever a token is for; raises `Unauthorized` for a token that is not in order.

    Any other failure, such as an issuer that does not answer, is API Gateway's 500.
    """
    try:
        token = tokens.read_bearer(event.get("authorizationToken") or "")
        claims = tokens.verify(token, issuer_keys().find, issuer=ISSUER, audiences=AUDIENCES)
    except InvalidTokenError as refusal:
        logger.info("refused", reason=type(refusal).__name__)
        raise Unauthorized from None
    granted = tokens.scopes(claims)
    allowed = granted >= REQUIRED_SCOPES
    logger.info("answered", allowed=allowed)
    return {
        "principalId": claims["sub"],
        "policyDocument": policy("Allow" if allowed else "Deny", event["methodArn"]),
        "context": {"scope": " ".join(sorted(granted))},
    }


@cache
def issuer_keys() -> keys.Keys:
    """Return the issuer's keys."""
    return keys.Keys(keys.check_address("JWKS_URI", JWKS_URI) if JWKS_URI else keys.discover(ISSUER))


def policy(effect: str, method_arn: str) -> dict[str, Any]:
    """Return a policy for all of a stage: API Gateway keeps it for the next request, to any method."""
    stage = "/".join(method_arn.split("/")[:2])
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{stage}/*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
