"""How many requests come through: token buckets, quotas, and the counts of a firewall."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from datetime import datetime, timezone


class Limits:
    """All that is counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[Hashable, tuple[float, float]] = {}
        """Tokens that were left, and when."""
        self._used: dict[Hashable, int] = {}
        self._seen: dict[Hashable, deque[float]] = {}

    def take(self, who: Hashable, rate: float, burst: int) -> bool:
        """Take a token of a bucket of this size that is filled at this rate per second, if there is one.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
        """
        with self._lock:
            now = self._clock()
            left, then = self._buckets.get(who, (float(burst), now))
            left = min(float(burst), left + (now - then) * rate)
            taken = left >= 1
            self._buckets[who] = (left - 1 if taken else left, now)
            return taken

    def use(self, who: Hashable, limit: int, period: str) -> bool:
        """Use one of so many requests that there are in a `DAY`, `WEEK` or `MONTH`, if one is left."""
        now = datetime.now(timezone.utc)
        day = {"DAY": now.date().isoformat(), "MONTH": f"{now:%Y-%m}"}
        key = (who, period, day.get(period) or "-".join(map(str, now.isocalendar()[:2])))
        with self._lock:
            self._used[key] = self._used.get(key, 0) + 1
            return self._used[key] <= limit

    def count(self, who: Hashable, seconds: float) -> int:
        """Count one more, and return how many there were in the last seconds."""
        with self._lock:
            now = self._clock()
            seen = self._seen.setdefault(who, deque())
            seen.append(now)
            while seen[0] < now - seconds:
                seen.popleft()
            return len(seen)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._buckets.clear()
            self._used.clear()
            self._seen.clear()
