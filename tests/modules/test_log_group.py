"""Log group: key, retention, and who writes."""

from __future__ import annotations

from typing import Any

import pytest

from modules._core import Statement
from modules.log_group import LogGroup, LogGroupConfig
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NAME = "/aws/sagemaker/Endpoints/acme-prod-churn"


def config(**changes: Any) -> LogGroupConfig:
    values = {"name": NAME, "kms_key_arn": KEY, "account_id": ACCOUNT, "region": "eu-central-1"}
    return LogGroupConfig(**{**values, **changes})


def test_it_is_encrypted_and_kept_for_a_year(synth: Synth) -> None:
    group = synth(LogGroup, config()).one("aws_cloudwatch_log_group")
    assert group == {"name": NAME, "kms_key_id": KEY, "retention_in_days": 365}


def test_a_writer_writes_to_this_group_only(synth: Synth) -> None:
    made: list[Statement] = []
    synth(lambda stack: made.append(LogGroup(stack, "churn_logs", config()).write()))
    arn = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:{NAME}"
    assert made[0].resources == (arn, f"{arn}:*")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "a b"}, "name: supply a value such as /aws/sagemaker/Endpoints/acme-prod-churn, got 'a b'"),
        (
            {"retention_days": 366},
            "retention_days: supply one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, ",
        ),
    ],
)
def test_what_cloudwatch_refuses_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        config(**changes)
    assert str(refused.value).startswith(problem)


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/log_group", synth(LogGroup, config()))
