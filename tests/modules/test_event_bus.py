"""Event bus: who may put what on it."""

from __future__ import annotations

from typing import Any

import pytest

from modules.event_bus import EventBus, EventBusConfig
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT, REGION = "111122223333", "eu-central-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"


def config(**changes: Any) -> EventBusConfig:
    given = {
        "name": "acme-prod-models",
        "kms_key_arn": KEY,
        "sender_account_ids": ("222233334444",),
        "sources": ("aws.sagemaker",),
        "account_id": ACCOUNT,
        "region": REGION,
    }
    return EventBusConfig(**{**given, **changes})


def test_events_are_encrypted_under_the_key(synth: Synth) -> None:
    assert synth(EventBus, config()).one("aws_cloudwatch_event_bus")["kms_key_identifier"] == KEY


def test_named_accounts_put_events_of_named_sources_and_nothing_else(synth: Synth) -> None:
    (statement,) = synth(EventBus, config()).policy("aws_cloudwatch_event_bus_policy")
    assert statement == {
        "Sid": "PutFromOtherAccounts",
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::222233334444:root"]},
        "Action": ["events:PutEvents"],
        "Resource": [f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/acme-prod-models"],
        "Condition": {"StringEquals": {"events:source": ["aws.sagemaker"]}},
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "default"}, "name: supply a value such as acme-prod-models, got 'default'"),
        ({"sender_account_ids": ()}, "sender_account_ids: supply at least one, got none"),
        (
            {"sender_account_ids": ("222233334444",) * 2},
            "sender_account_ids: supply each once, got '222233334444' twice",
        ),
        ({"sender_account_ids": ("*",)}, "sender_account_ids: supply a value such as 111122223333, got '*'"),
        ({"sources": ()}, "sources: supply at least one, got none"),
    ],
)
def test_what_would_open_it_or_cannot_be_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        config(**changes)
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/event_bus", synth(EventBus, config()))
