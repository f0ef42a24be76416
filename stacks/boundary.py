"""The boundary of an environment's roles: made before any of them, by those who may set limits.

In an account that is `bootstrap`: CI, which makes the roles, cannot change it. On the embedded AWS, which
has no CI and nothing to bootstrap, it is the foundation.
"""

from __future__ import annotations

from modules._core import record
from modules.permissions_boundary import (
    PermissionsBoundary,
    PermissionsBoundaryConfig,
    PermissionsBoundaryOutputs,
)

from .base import EnvironmentStack


@record
class Made:
    """A boundary that is there already."""

    outputs: PermissionsBoundaryOutputs


def name(stack: EnvironmentStack) -> str:
    """Return the boundary's name."""
    return f"{stack.prefix}boundary"


def make(stack: EnvironmentStack) -> PermissionsBoundary:
    """Make the boundary in a stack."""
    state = stack.environment.state
    return PermissionsBoundary(
        stack,
        "permissions_boundary",
        PermissionsBoundaryConfig(
            name=name(stack),
            prefix=stack.prefix,
            closed_bucket_names=(state.bucket,) if state else (),
            **stack.location,
        ),
    )


def made(stack: EnvironmentStack) -> Made:
    """Return the boundary where another stack has made it: by its name, so that a plan shows it."""
    location = stack.location
    arn = f"arn:{location['partition']}:iam::{location['account_id']}:policy/{name(stack)}"
    return Made(outputs=PermissionsBoundaryOutputs(arn=arn))
