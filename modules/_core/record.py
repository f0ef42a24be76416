"""The value object of which configs, decisions and outputs are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from typing_extensions import dataclass_transform

T = TypeVar("T")

READ: dict[str, Any] = {"extra": "forbid", "strict": True}
"""How pydantic reads every record. Strict means that `"2"` is not a number and `1` is not a text."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, keyword-only dataclass that refuses unknown keys when read from a file.

    The pydantic configuration is plain data: modules do not depend on pydantic, environments are
    read with it.
    """
    made = dataclass(frozen=True, kw_only=True, slots=True)(cls)
    made.__pydantic_config__ = READ  # type: ignore[attr-defined]
    return made


@contextmanager
def described() -> Iterator[None]:
    """Let pydantic take the docstrings of fields, for a schema; to read files it need not parse all sources.

    https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.use_attribute_docstrings
    """
    READ["use_attribute_docstrings"] = True
    try:
        yield
    finally:
        del READ["use_attribute_docstrings"]


class ByKind:
    """Marks a union of records that are told apart by `kind`: `Annotated[OnDemand | Provisioned, ByKind()]`.

    Whoever reads it by pydantic gets the errors of the record that is meant, and of no other.
    https://docs.pydantic.dev/latest/concepts/unions/#discriminated-unions
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Hand over to pydantic, which alone calls this."""
        from pydantic import Discriminator

        return Discriminator("kind").__get_pydantic_core_schema__(source, handler)
