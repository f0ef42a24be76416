"""Which endpoint a route leads to, and what a caller may ask of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("RealTime", "Serverless", "Asynchronous")


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One exposed endpoint."""

    endpoint_name: str
    kind: str
    """One of `KINDS`."""
    content_types: tuple[str, ...]
    """Media types that the model takes, without parameters."""
    max_payload_bytes: int
    """Largest body that is passed on."""
    timeout_seconds: int
    """How long the endpoint may take to answer."""
    target_variants: tuple[str, ...]
    """Variants that a caller may name; none, if it is empty."""
    target_models: tuple[str, ...]
    """Models of a multi-model endpoint that a caller may name; none, if it is empty."""
    input_s3_uri: str | None
    """Where inputs and the records of inferences are kept; asynchronous endpoints only."""
    output_s3_uri: str | None
    """Where SageMaker puts results; asynchronous endpoints only."""
    failure_s3_uri: str | None
    """Where SageMaker puts failures; asynchronous endpoints only."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: supply one of {', '.join(KINDS)}, got {self.kind}")
        for name in ("input_s3_uri", "output_s3_uri", "failure_s3_uri"):
            if (getattr(self, name) is None) == (self.kind == "Asynchronous"):
                raise ValueError(f"{name}: supply it for Asynchronous and for no other kind, got {self.kind}")
        if self.kind == "Asynchronous" and (self.target_variants or self.target_models):
            raise ValueError("target_variants, target_models: supply none for Asynchronous")


def read_routes(text: str) -> Mapping[str, Route]:
    """Return the routes by name from the environment variable `ROUTES`; raises `ValueError` for others."""
    routes: dict[str, Route] = {}
    for name, members in json.loads(text).items():
        listed: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in members.items()
        }
        try:
            routes[name] = Route(**listed)
        except (TypeError, ValueError) as error:
            raise ValueError(f"ROUTES: {name}: {error}") from None
    return routes
