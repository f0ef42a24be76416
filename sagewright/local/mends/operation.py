"""What the mends share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import ServiceException, _RESTError

from sagewright.local.refusal import Refused

Operation = Callable[[str, str, dict[str, Any]], "dict[str, Any] | None"]
"""Takes account id, region and a valid request; answers, or returns `None` to let moto answer."""


@contextmanager
def refusals_of_moto() -> Iterator[None]:
    """Turn a refusal of moto, which knows but some protocols, into ours."""
    try:
        yield
    except ServiceException as refusal:
        raise Refused(refusal.code, refusal.message) from None
    except _RESTError as refusal:
        status = "403 Forbidden" if refusal.code in (401, 403) else "400 Bad Request"
        raise Refused(refusal.error_type, refusal.message, status) from None
