"""IAM role for AWS services or for named principals, within a permissions boundary."""

from .execution import execution, fetch
from .role import UNSCOPED, Principals, Role, RoleConfig, RoleOutputs, Services, too_wide

__all__ = [
    "UNSCOPED",
    "Principals",
    "Role",
    "RoleConfig",
    "RoleOutputs",
    "Services",
    "execution",
    "fetch",
    "too_wide",
]
