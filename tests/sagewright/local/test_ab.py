"""An A/B test is divided as its weights say: all the way from HTTP through API Gateway and our function."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sagewright.local.process import down, up
from tests.sagewright.local.conftest import Account, Server
from tests.sagewright.local.inference_api import JSON, RestApi, inference_function

REQUESTS = 10_000
AT_ONCE = 250
"""Of one thread."""
THREADS = 4
Z = 4.5
"""Standard deviations: a right split is outside once in 150,000 runs."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[RestApi]:
    """The API of an embedded AWS in a process of its own: it, the function and callers share no lock."""
    running = up(tmp_path)
    account = Account(Server(running.url, io.StringIO()), "111122223333")
    yield RestApi(account, inference_function(account)[0]).create()
    down(tmp_path)


def test_weights_of_90_and_10_divide_ten_thousand_requests(api: RestApi) -> None:
    path = "/endpoints/churn/invocations"

    def ask(number: int) -> Counter[str]:
        """Ask so often with one signature, which is good for five minutes."""
        sent = api.signed("POST", path, "{}", JSON).request
        headers = {name: str(value) for name, value in sent.headers.items()}
        url = urlsplit(str(sent.url))
        found: Counter[str] = Counter()
        with closing(HTTPConnection(url.netloc, timeout=60)) as connection:
            for _ in range(number):
                connection.request("POST", url.path, "{}", headers)
                with connection.getresponse() as answer:
                    found[answer.headers["X-Invoked-Variant"]] += 1
                    answer.read()
        return found

    with ThreadPoolExecutor(THREADS) as threads:
        found = sum(threads.map(ask, [AT_ONCE] * (REQUESTS // AT_ONCE)), Counter[str]())
    assert set(found) == {"champion", "challenger"} and sum(found.values()) == REQUESTS
    assert abs(found["challenger"] - REQUESTS * 0.1) < Z * math.sqrt(REQUESTS * 0.1 * 0.9)
