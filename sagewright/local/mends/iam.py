"""IAM: moto forgets the description of a role, takes roles that AWS refuses, and makes policies slowly."""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import IAMBackend, ManagedPolicy, iam_backends
from moto.iam.responses import IamResponse

from sagewright.local.refusal import Refused


def apply() -> None:
    """Let UpdateRole leave alone what it does not name, and what the functions below say."""
    _refuse_roles()
    _change_clients()
    _share_policies()
    update = IAMBackend.update_role

    def update_role(self: Any, role_name: str, role_description: Any, max_session_duration: Any) -> Any:
        if role_description is None:
            role_description = self.get_role(role_name).description
        return update(self, role_name, role_description, max_session_duration)

    IAMBackend.update_role = update_role  # type: ignore[method-assign]


def _share_policies() -> None:
    """Read the policies of AWS once per partition; an account has its own of those that it attaches."""
    read, attach = IAMBackend._init_aws_policies, ManagedPolicy.attach_to
    shared: dict[str, dict[str, Any]] = {}

    def by_arn(self: Any) -> dict[str, Any]:
        if self.partition not in shared:
            shared[self.partition] = {policy.arn: policy for policy in read(self)}
        return dict(shared[self.partition])

    def attach_to(self: Any, to: Any) -> None:
        policy, of_aws = self, shared[self.partition]
        if policy.arn in of_aws and of_aws[policy.arn] is policy:
            backend = iam_backends[to.account_id][policy.partition]
            policy = copy.copy(policy)  # it counts what it is attached to
            backend.managed_policies[policy.arn] = policy
            backend.aws_managed_policies[backend.aws_managed_policies.index(policy)] = policy
        attach(policy, to)

    IAMBackend._init_aws_policies = lambda self: list(by_arn(self).values())  # type: ignore[method-assign]
    IAMBackend._init_managed_policies = by_arn  # type: ignore[method-assign]
    ManagedPolicy.attach_to = attach_to  # type: ignore[assignment, method-assign]


def _change_clients() -> None:
    """Let AddClientIDToOpenIDConnectProvider and RemoveClientIDFromOpenIDConnectProvider be there."""

    def clients(self: Any) -> tuple[list[str], str]:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        return provider.client_id_list, self._get_param("ClientID")

    def add(self: Any) -> ActionResult:
        ids, client_id = clients(self)
        if client_id not in ids:
            ids.append(client_id)
        return EmptyResult()

    def remove(self: Any) -> ActionResult:
        ids, client_id = clients(self)
        if client_id in ids:
            ids.remove(client_id)
        return EmptyResult()

    IamResponse.add_client_id_to_open_id_connect_provider = add  # type: ignore[attr-defined]
    IamResponse.remove_client_id_from_open_id_connect_provider = remove  # type: ignore[attr-defined]


def _refuse_roles() -> None:
    """Refuse a trust policy that trusts nobody, and a permissions boundary that is not there."""
    create, bound = IAMBackend.create_role, IAMBackend.put_role_permissions_boundary
    trust = IAMBackend.update_assume_role_policy

    def create_role(
        self: Any, role_name: str, assume_role_policy_document: str, *args: Any, **kwargs: Any
    ) -> Any:
        _check_trust(assume_role_policy_document)
        _check_boundary(self, kwargs.get("permissions_boundary") or (args[1] if len(args) > 1 else None))
        return create(self, role_name, assume_role_policy_document, *args, **kwargs)

    def update_assume_role_policy(self: Any, role_name: str, policy_document: str) -> None:
        _check_trust(policy_document)
        trust(self, role_name, policy_document)

    def put_role_permissions_boundary(self: Any, role_name: str, permissions_boundary: str) -> None:
        _check_boundary(self, permissions_boundary)
        bound(self, role_name, permissions_boundary)

    IAMBackend.create_role = create_role  # type: ignore[method-assign]
    IAMBackend.update_assume_role_policy = update_assume_role_policy  # type: ignore[method-assign]
    IAMBackend.put_role_permissions_boundary = put_role_permissions_boundary  # type: ignore[method-assign]


def _check_trust(document: str) -> None:
    try:
        policy = json.loads(document)
    except ValueError:
        raise Refused("MalformedPolicyDocument", "This policy contains invalid Json") from None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not statements or not all(_is_trust(statement) for statement in statements):
        raise Refused("MalformedPolicyDocument", "Syntax errors in policy.")


def _is_trust(statement: Any) -> bool:
    return isinstance(statement, dict) and all(
        {name, f"Not{name}"} & set(statement) for name in ("Effect", "Principal", "Action")
    )


def _check_boundary(backend: Any, arn: str | None) -> None:
    if arn and arn not in backend.managed_policies:
        message = f"Scope ARN: {arn} does not exist or is not attachable."
        raise Refused("NoSuchEntity", message, "404 Not Found")
