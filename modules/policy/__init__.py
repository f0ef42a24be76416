"""Customer-managed IAM policy: statements that several roles share."""

from .policy import Policy, PolicyConfig, PolicyOutputs

__all__ = ["Policy", "PolicyConfig", "PolicyOutputs"]
