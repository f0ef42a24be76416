"""SageMaker code repository: a Git repository that notebooks clone."""

from .code_repository import CodeRepository, CodeRepositoryConfig, CodeRepositoryOutputs, GitRepository

__all__ = ["CodeRepository", "CodeRepositoryConfig", "CodeRepositoryOutputs", "GitRepository"]
