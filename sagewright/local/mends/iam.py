"""IAM: moto forgets a role's description, and is slow to make the policies of AWS for each account."""

from __future__ import annotations

import copy
from typing import Any

from moto.iam.models import IAMBackend


def apply() -> None:
    """Let UpdateRole leave alone what it does not name; read the policies of AWS once per partition."""
    update, read = IAMBackend.update_role, IAMBackend._init_aws_policies

    def update_role(self: Any, role_name: str, role_description: Any, max_session_duration: Any) -> Any:
        if role_description is None:
            role_description = self.get_role(role_name).description
        return update(self, role_name, role_description, max_session_duration)

    policies: dict[str, list[Any]] = {}

    def init_policies(self: Any) -> list[Any]:
        if self.partition not in policies:
            policies[self.partition] = read(self)
        return [copy.copy(policy) for policy in policies[self.partition]]

    IAMBackend.update_role = update_role  # type: ignore[method-assign]
    IAMBackend._init_aws_policies = init_policies  # type: ignore[method-assign]
