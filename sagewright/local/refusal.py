"""How a request is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """AWS refuses the request: error code and message as AWS gives them, and what else the error has."""

    def __init__(
        self,
        code: str,
        message: str,
        status: str = "400 Bad Request",
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members or {}
