"""The examples that callers of the inference API are shown run, one after the other."""

from __future__ import annotations

import re
from typing import Any

import boto3
import pytest

from tests.sagewright.local.conftest import REGION, Account
from tests.sagewright.local.inference_api import ROOT, RestApi, inference_function

README = (ROOT / "runtime" / "inference_api" / "README.md").read_text(encoding="utf-8")


def test_the_readmes_examples_run(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    function_arn, _ = inference_function(account)
    api = RestApi(account, function_arn).create()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the credentials of its first use
    monkeypatch.setenv("INFERENCE_API", api.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "embedded")
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 4
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)
    assert names["prediction"] and names["variant"] in ("champion", "challenger")
