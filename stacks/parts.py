"""The stacks of an environment, in the order in which they need each other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping

from cdktf import App
from constructs import Construct

from .base import EnvironmentStack
from .environment import Environment
from .features import Features
from .foundation import Foundation
from .serving import Serving
from .studio import Studio
from .training import Training


def build(scope: Construct, name: str, environment: Environment) -> tuple[EnvironmentStack, ...]:
    """Build all stacks of an environment; the foundation stands by itself, the others on it."""
    foundation = Foundation(scope, name, environment)
    standing = (part(scope, name, environment, foundation) for part in (Studio, Features, Training, Serving))
    return (foundation, *standing)


def published(environments: Mapping[str, Environment]) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, type, part and description of every parameter that environments give to other teams."""
    for name, environment in environments.items():
        for stack in build(App(outdir=tempfile.gettempdir()), name, environment):
            part = stack.node.id.removeprefix(f"{name}-")
            for parameter, (type_, description) in stack.published.items():
                yield parameter, type_, part, description
