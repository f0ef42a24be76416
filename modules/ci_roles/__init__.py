"""Two roles for CI: one plans and changes nothing, one applies what was reviewed."""

from .ci_roles import CiRoles, CiRolesConfig, CiRolesOutputs
from .decisions import GitHub, Oidc, Trust

__all__ = ["CiRoles", "CiRolesConfig", "CiRolesOutputs", "GitHub", "Oidc", "Trust"]
