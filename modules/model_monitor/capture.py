"""Whether an endpoint captures what a monitor is to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .._core import when
from ..endpoint import Inference, RealTime


def problems_of_capture(
    name: str, endpoint: str, endpoints: Mapping[str, Inference], variant: str | None = None
) -> Iterator[str | None]:
    """Yield a problem where there is no such endpoint or variant, or none of whose data is captured."""
    inference = endpoints.get(endpoint)
    if inference is None:
        legal = ", ".join(sorted(endpoints)) or "(none)"
        yield f"{name}: supply one of {legal}, got {endpoint!r}"
        return
    if not isinstance(inference, RealTime) or inference.data_capture is None:
        yield f"{name}: supply an endpoint of kind RealTime with data_capture, got {endpoint!r}"
        return
    yield when(
        variant is not None and variant not in inference.variants,
        f"{name.rpartition('.')[0]}.variant: supply one of {', '.join(sorted(inference.variants))}, "
        f"got {variant!r}",
    )
