"""The attempts of one SDK call: a retry is answered what the attempt before it was answered.

An answer can get lost after the work was done. AWS promises nothing for that case; here, where load or a
test drops connections, a retry must not meet its own first attempt as `Cannot create already existing …`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from sagewright.local.wire import Answer, Environ

MOST_REMEMBERED = 500

Work = tuple[str, str, str, str]
"""Invocation id, service, region and operation."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of an SDK call: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html."""

    invocation_id: str
    """The same in all attempts of a call; empty when the client sends none."""
    number: int


def read_attempt(environ: Environ) -> Attempt:
    """Tell from the headers which attempt of which call a request is."""
    number = re.search(r"attempt=(\d+)", environ.get("HTTP_AMZ_SDK_REQUEST", ""))
    return Attempt(environ.get("HTTP_AMZ_SDK_INVOCATION_ID", ""), int(number[1]) if number else 1)


class Attempts:
    """The latest answers that changed something, or may have."""

    def __init__(self) -> None:
        self._answers: dict[Work, Future[Answer | None]] = {}
        self._lock = threading.Lock()

    def answer(self, work: Work, do: Callable[[], Answer]) -> tuple[Answer, bool]:
        """Do the work, or wait for the other attempt that does; tell whether its answer is repeated.

        Which attempt has which number does not matter: the first may be read after the second. A refusal is
        not repeated, for it changed nothing, and by the next attempt it may not hold any more.
        """
        while True:
            with self._lock:
                earlier = self._answers.get(work)
                if earlier is None:
                    own = self._remember(work)
                    break
            answer = earlier.result()
            if answer is not None:
                return answer, True
        try:
            done = do()
            own.set_result(done if done.is_success else None)
            return done, False
        finally:
            self._forget_unless_successful(work, own)

    def _remember(self, work: Work) -> Future[Answer | None]:
        own = self._answers[work] = Future()
        if len(self._answers) > MOST_REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return own

    def _forget_unless_successful(self, work: Work, own: Future[Answer | None]) -> None:
        if own.done() and own.result() is not None:
            return
        with self._lock:
            if self._answers.get(work) is own:
                del self._answers[work]
        if not own.done():
            own.set_result(None)
