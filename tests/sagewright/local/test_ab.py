"""An A/B test is divided as its weights say: the handler in this process, its endpoint over HTTP."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from typing import Any

import pytest

from tests.runtime.conftest import SYNCHRONOUS, Context, load_handler
from tests.sagewright.local.conftest import Account, variant

REQUESTS = 10_000
Z = 4.5
"""Standard deviations: a right split is outside once in 150,000 runs."""


def test_weights_of_90_and_10_divide_ten_thousand_requests(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.configuration("first", variant("champion", 90), variant("challenger", 10))
    account.endpoint()
    route = {**SYNCHRONOUS, "endpoint_name": "churn", "target_models": []}
    handler = load_handler(
        monkeypatch,
        "runtime.inference_api.handler",
        ROUTES=json.dumps({"churn": route}),
        AWS_ENDPOINT_URL=account.server.url,
        AWS_ACCESS_KEY_ID=account.id,
        LOG_LEVEL="ERROR",
    )
    event = {
        "path": "/endpoints/churn/invocations",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "requestContext": {"requestId": "1"},
        "body": "{}",
    }
    found: Counter[str] = Counter()
    for _ in range(REQUESTS):
        answer: Any = handler.handle(event, Context())
        found[answer["multiValueHeaders"]["X-Invoked-Variant"][0]] += 1
        capsys.readouterr()
    assert sum(found.values()) == REQUESTS
    assert abs(found["challenger"] - 1000) < Z * math.sqrt(REQUESTS * 0.1 * 0.9)
    sys.modules.pop("runtime.inference_api.handler")
