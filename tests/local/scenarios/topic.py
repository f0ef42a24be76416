"""A topic: more services publish and more people are told, in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modules.topic import Subscription, Topic, TopicConfig

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step


def own(sns: Any) -> list[Any]:
    """Return the topics that this scenario made, and no other's."""
    return [topic for topic in sns.list_topics()["Topics"] if topic["TopicArn"].endswith(":acme-test-alarms")]


def steps(account: Account) -> Iterator[Step]:
    sns = account.client("sns")
    alarms = f"arn:aws:cloudwatch:{REGION}:{account.account_id}:alarm:acme-test-*"
    config = TopicConfig(
        name="acme-test-alarms",
        kms_key_arn=account.key(),
        account_id=account.account_id,
        region=REGION,
        publishing_services={"cloudwatch.amazonaws.com": alarms},
        subscriptions={"on-call": Subscription(protocol="email", endpoint="on-call@example.com")},
    )
    yield Stage(lambda stack: Topic(stack, "alarms", config))

    wider = replace(
        config,
        kms_key_arn=account.key(),
        publishing_account_ids=("222233334444",),
        subscriptions={
            **config.subscriptions,
            "pager": Subscription(protocol="https", endpoint="https://example.com/alarms"),
        },
    )
    yield Stage(
        lambda stack: Topic(stack, "alarms", wider),
        {
            "aws_sns_topic.alarms": ["update"],
            "aws_sns_topic_policy.alarms_policy": ["update"],
            "aws_sns_topic_subscription.alarms_pager_subscription": ["create"],
        },
    )
    (topic,) = own(sns)
    attributes = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == wider.kms_key_arn
    assert [one["Sid"] for one in json.loads(attributes["Policy"])["Statement"]] == [
        "DenyInsecureTransport",
        "PublishByCloudwatch",
        "PublishByAccounts",
    ]

    yield Gone()
    assert own(sns) == []
    assert sns.list_subscriptions()["Subscriptions"] == []
