"""A topic on the embedded AWS: published to by more services, told to more people, and gone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modules.topic import Subscription, Topic, TopicConfig

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local


def test_publishers_and_subscriptions_are_added_in_place(deployment: Deployment) -> None:
    alarms = f"arn:aws:cloudwatch:{REGION}:{deployment.account_id}:alarm:acme-test-*"
    config = TopicConfig(
        name="acme-test-alarms",
        kms_key_arn=deployment.client("kms").create_key()["KeyMetadata"]["Arn"],
        account_id=deployment.account_id,
        region=REGION,
        publishing_services={"cloudwatch.amazonaws.com": alarms},
        subscriptions={"on-call": Subscription(protocol="email", endpoint="on-call@example.com")},
    )
    deployment.plan(lambda stack: Topic(stack, "alarms", config))
    deployment.apply()
    assert not deployment.plan(lambda stack: Topic(stack, "alarms", config))

    wider = replace(
        config,
        publishing_account_ids=("222233334444",),
        subscriptions={
            **config.subscriptions,
            "pager": Subscription(protocol="https", endpoint="https://example.com/alarms"),
        },
    )
    deployment.plan(lambda stack: Topic(stack, "alarms", wider))
    assert deployment.actions() == {
        "aws_sns_topic_policy.alarms_policy": ["update"],
        "aws_sns_topic_subscription.alarms_pager_subscription": ["create"],
    }
    deployment.apply()
    sns = deployment.client("sns")
    arn = sns.list_topics()["Topics"][0]["TopicArn"]
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["KmsMasterKeyId"] == config.kms_key_arn
    assert [one["Sid"] for one in json.loads(attributes["Policy"])["Statement"]] == [
        "DenyInsecureTransport",
        "PublishByCloudwatch",
        "PublishByAccounts",
    ]
    assert not deployment.plan(lambda stack: Topic(stack, "alarms", wider))

    deployment.destroy()
    assert sns.list_topics()["Topics"] == []
    assert sns.list_subscriptions()["Subscriptions"] == []
