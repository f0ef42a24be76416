"""Managed IAM policy that no role of an environment can cross."""

from .permissions_boundary import (
    PermissionsBoundary,
    PermissionsBoundaryConfig,
    PermissionsBoundaryOutputs,
)

__all__ = ["PermissionsBoundary", "PermissionsBoundaryConfig", "PermissionsBoundaryOutputs"]
