"""STS: moto gives an account itself an ARN that AWS does not have."""

from __future__ import annotations

from typing import Any

from moto.sts.models import STSBackend


def apply() -> None:
    """Let GetCallerIdentity say who an access key id of twelve digits is: the account's root."""
    identify = STSBackend.get_caller_identity

    def get_caller_identity(self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        user_id, arn, account_id = identify(self, access_key_id, region)
        if arn.endswith(":user/moto"):
            return account_id, f"arn:{self.partition}:iam::{account_id}:root", account_id
        return user_id, arn, account_id

    STSBackend.get_caller_identity = get_caller_identity  # type: ignore[method-assign]
