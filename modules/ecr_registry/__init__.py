"""ECR registry: what holds for all repositories of an account and region: scanning, replication, caches."""

from .ecr_registry import (
    EcrRegistry,
    EcrRegistryConfig,
    EcrRegistryOutputs,
    PullThroughCache,
    Registry,
    Replication,
    creation,
)

__all__ = [
    "EcrRegistry",
    "EcrRegistryConfig",
    "EcrRegistryOutputs",
    "PullThroughCache",
    "Registry",
    "Replication",
    "creation",
]
