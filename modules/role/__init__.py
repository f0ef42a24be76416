"""IAM role for AWS services or for named principals, within a permissions boundary."""

from .execution import execution, fetch
from .role import Principals, Role, RoleConfig, RoleOutputs, Services

__all__ = ["Principals", "Role", "RoleConfig", "RoleOutputs", "Services", "execution", "fetch"]
