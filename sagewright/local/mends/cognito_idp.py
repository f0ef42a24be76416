"""Cognito user pools: moto tags none, gives no tier, deletes protected ones, forgets how people sign in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.cognitoidp.models import CognitoIdpUserPool, cognitoidp_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused

DEFAULT_TIER = "ESSENTIALS"
"""https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-sign-in-feature-plans.html"""

LASTING = ("AliasAttributes", "UserPoolTags", "UsernameAttributes", "UsernameConfiguration", "UserPoolTier")
"""What UpdateUserPool cannot change, or leaves as it is when it is not said."""

RESERVED = ("aws", "amazon", "cognito")
"""https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html"""


def apply() -> None:
    """Let a pool have the tier that AWS gives it where none is asked for."""
    make = CognitoIdpUserPool.__init__

    def made(self: Any, account_id: str, region: str, name: str, extended_config: Any) -> None:
        make(self, account_id, region, name, {"UserPoolTier": DEFAULT_TIER, **(extended_config or {})})

    CognitoIdpUserPool.__init__ = made  # type: ignore[method-assign]


def _update_pool(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    pool = _pool(account_id, region, request.pop("UserPoolId"))
    kept = {name: pool.extended_config[name] for name in LASTING if name in pool.extended_config}
    pool.update_extended_config(kept | request)
    return {}


def _delete_pool(account_id: str, region: str, request: dict[str, Any]) -> None:
    pool = _pool(account_id, region, request["UserPoolId"])
    if pool.extended_config.get("DeletionProtection") == "ACTIVE":
        raise _refused(
            "The user pool cannot be deleted because deletion protection is activated. "
            "Deletion protection must be inactivated first."
        )
    if pool.domain:
        raise _refused(
            "User pool cannot be deleted. It has a domain configured that should be deleted first."
        )


def _create_domain(account_id: str, region: str, request: dict[str, Any]) -> None:
    domain = request["Domain"]
    reserved = next((word for word in RESERVED if word in domain), None)
    if reserved and "CustomDomainConfig" not in request:
        raise _refused(f"Domain cannot contain reserved word: {reserved}")
    if any(domain in regions[region].user_pool_domains for regions in list(cognitoidp_backends.values())):
        raise _refused("Domain already associated with another user pool.")


def _tag(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    _tags(account_id, region, request).update(request["Tags"])
    return {}


def _untag(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    tags = _tags(account_id, region, request)
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def _list_tags(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": _tags(account_id, region, request)}


def _tags(account_id: str, region: str, request: dict[str, Any]) -> dict[str, str]:
    pool = _pool(account_id, region, request["ResourceArn"].rpartition("/")[2])
    tags: dict[str, str] = pool.extended_config.setdefault("UserPoolTags", {})
    return tags


def _pool(account_id: str, region: str, pool_id: str) -> CognitoIdpUserPool:
    return cognitoidp_backends[account_id][region].describe_user_pool(pool_id)


def _refused(message: str) -> Refused:
    return Refused("InvalidParameterException", message)


OPERATIONS: Mapping[str, Operation] = {
    "UpdateUserPool": _update_pool,
    "DeleteUserPool": _delete_pool,
    "CreateUserPoolDomain": _create_domain,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": _list_tags,
}
