"""ECR repository: immutable tags, scanned images, encrypted under a customer-managed key."""

from .ecr_repository import (
    EcrRepository,
    EcrRepositoryConfig,
    EcrRepositoryOutputs,
    ImageRetention,
    pull_all,
)

__all__ = ["EcrRepository", "EcrRepositoryConfig", "EcrRepositoryOutputs", "ImageRetention", "pull_all"]
