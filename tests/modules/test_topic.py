"""Topic: who may publish, over what, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modules.topic import Subscription, Topic, TopicConfig
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT = "111122223333"
ARN = f"arn:aws:sns:eu-west-1:{ACCOUNT}:acme-prod-alarms"
ALARMS = f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:acme-prod-*"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONFIG = TopicConfig(
    name="acme-prod-alarms",
    kms_key_arn=KEY,
    account_id=ACCOUNT,
    region="eu-west-1",
    publishing_services={"cloudwatch.amazonaws.com": ALARMS},
    publishing_account_ids=("222233334444",),
    subscriptions={
        "on-call": Subscription(protocol="email", endpoint="on-call@example.com"),
        "pager": Subscription(protocol="https", endpoint="https://example.com/alarms?team=churn"),
    },
)


def test_a_topic_with_subscriptions_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/topic", synth(Topic, CONFIG))


def test_nothing_is_done_with_the_topic_but_over_tls(synth: Synth) -> None:
    deny = synth(Topic, CONFIG).policy("aws_sns_topic_policy")[0]
    assert deny["Effect"] == "Deny"
    assert deny["Principal"] == {"AWS": ["*"]}
    assert {"sns:Publish", "sns:Subscribe"} <= set(deny["Action"])
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_service_publishes_for_this_account_and_for_what_is_named_only(synth: Synth) -> None:
    service = synth(Topic, CONFIG).policy("aws_sns_topic_policy")[1]
    assert service["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}
    assert service["Action"] == ["sns:Publish"]
    assert service["Condition"] == {
        "ArnLike": {"aws:SourceArn": ALARMS},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_other_accounts_publish_and_do_no_more(synth: Synth) -> None:
    accounts = synth(Topic, CONFIG).policy("aws_sns_topic_policy")[2]
    assert accounts["Principal"] == {"AWS": ["arn:aws:iam::222233334444:root"]}
    assert accounts["Action"] == ["sns:Publish"]


def test_without_publishers_the_policy_allows_nothing(synth: Synth) -> None:
    closed = replace(CONFIG, publishing_services={}, publishing_account_ids=())
    effects = [statement["Effect"] for statement in synth(Topic, closed).policy("aws_sns_topic_policy")]
    assert effects == ["Deny"]


def test_every_statement_is_of_this_topic_only(synth: Synth) -> None:
    for statement in synth(Topic, CONFIG).policy("aws_sns_topic_policy"):
        assert statement["Resource"] == [ARN]


def test_who_may_publish_may_use_the_key_for_this_topic_only(synth: Synth) -> None:
    made: list[Topic] = []
    synth(lambda stack: made.append(Topic(stack, "alarms", CONFIG)))
    publish, key = made[0].publish()
    assert (publish.actions, publish.resources) == (("sns:Publish",), (ARN,))
    assert key.actions == ("kms:Decrypt", "kms:GenerateDataKey")
    assert key.resources == (KEY,)
    assert key.conditions == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": ARN}}


def test_others_get_the_arn_when_the_policy_is_there(synth: Synth) -> None:
    subscription = synth(Topic, CONFIG).one("aws_sns_topic_subscription", "on_call_subscription")
    assert subscription["topic_arn"] == "${aws_sns_topic_policy.policy.arn}"


def test_arns_are_written_for_the_partition(synth: Synth) -> None:
    (deny,) = synth(
        Topic,
        replace(CONFIG, partition="aws-us-gov", publishing_services={}, publishing_account_ids=()),
    ).policy("aws_sns_topic_policy")
    assert deny["Resource"][0].startswith("arn:aws-us-gov:sns:")


def test_what_terraform_knows_later_passes(synth: Synth) -> None:
    token = "${aws_ssm_parameter.x.value}"
    later = replace(
        CONFIG,
        kms_key_arn=token,
        publishing_services={"cloudwatch.amazonaws.com": token},
        subscriptions={"on-call": Subscription(protocol="email", endpoint=token)},
    )
    assert synth(Topic, later).one("aws_sns_topic")["kms_master_key_id"] == token


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "alarms.fifo"}, "name: supply a value such as acme-prod-alarms, got 'alarms.fifo'"),
        ({"account_id": "1"}, "account_id: supply a value such as 111122223333, got '1'"),
        ({"publishing_account_ids": ("*",)}, r"publishing_account_ids: supply a value such as 111122223333"),
        ({"publishing_account_ids": ("222233334444",) * 2}, "supply each once, got '222233334444' twice"),
        ({"publishing_account_ids": (ACCOUNT,)}, "supply other accounts than the topic's own"),
        (
            {"publishing_services": {"cloudwatch": ALARMS}},
            "publishing_services: supply a value such as cloudwatch.amazonaws.com, got 'cloudwatch'",
        ),
        (
            {"publishing_services": {"events.amazonaws.com": "arn:aws:events:eu-west-1:111122223333:rule/x"}},
            r"publishing_services: supply a role with `publish\(\)` to the rule's target",
        ),
        (
            {"publishing_services": {"cloudwatch.amazonaws.com": "*"}},
            r"publishing_services.cloudwatch.amazonaws.com: supply a value such as arn:\S+ got",
        ),
        (
            {"subscriptions": {"On_Call": CONFIG.subscriptions["on-call"]}},
            "subscriptions: name: supply a value such as on-call, got 'On_Call'",
        ),
    ],
    ids=[
        "a queue-like topic",
        "an account id that is too short",
        "everybody as a publisher",
        "an account twice",
        "the topic's own account",
        "a service without its domain",
        "EventBridge",
        "a service for everything",
        "a name that may collide",
    ],
)
def test_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("protocol", "endpoint", "message"),
    [
        ("sms", "+4930123456", "protocol: supply one of email, https, got 'sms'"),
        ("email", "on-call", "endpoint: supply a value such as team@example.com, got 'on-call'"),
        ("https", "http://example.com", "endpoint: supply a value such as https://example.com/alarms"),
        ("https", "https://user:secret@example.com", "endpoint: supply a value such as https://example.com"),
    ],
)
def test_a_subscription_is_refused(protocol: str, endpoint: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Subscription(protocol=protocol, endpoint=endpoint)  # type: ignore[arg-type]
