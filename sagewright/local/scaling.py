"""The scalable targets of SageMaker endpoints, which moto holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    applicationautoscaling_backends,
)


class Target(NamedTuple):
    """What identifies a scalable target."""

    namespace: str
    resource_id: str
    dimension: str

    @property
    def variant_name(self) -> str:
        """Variant of the endpoint that is scaled."""
        return self.resource_id.rpartition("/")[2]


def backend(account_id: str, region: str) -> ApplicationAutoscalingBackend:
    """Return moto's Application Auto Scaling of an account and region."""
    found: ApplicationAutoscalingBackend = applicationautoscaling_backends[account_id][region]
    return found


def target_of(policy_or_action: Any) -> Target:
    """Return the target that a policy or a scheduled action is of."""
    return Target(
        policy_or_action.service_namespace, policy_or_action.resource_id, policy_or_action.scalable_dimension
    )


def targets_of(account_id: str, region: str, endpoint_name: str) -> Iterator[Target]:
    """Yield the scalable targets of an endpoint."""
    for dimension, targets in backend(account_id, region).targets.items():
        for resource_id in list(targets):
            if resource_id.startswith(f"endpoint/{endpoint_name}/variant/"):
                yield Target("sagemaker", resource_id, dimension)


def deregister(account_id: str, region: str, target: Target) -> None:
    """Deregister a target and delete its policies and scheduled actions, which moto alone would leave."""
    of = backend(account_id, region)
    of.deregister_scalable_target(*target)
    for policy in list(of.policies.values()):
        if target_of(policy) == target:
            of.delete_scaling_policy(policy.policy_name, *target)
    of.scheduled_actions = [action for action in of.scheduled_actions if target_of(action) != target]
