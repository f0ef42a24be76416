"""SNS shows what it was told of a topic."""

from __future__ import annotations

from tests.sagewright.local.conftest import Account


def test_get_topic_attributes_shows_the_signature_version(account: Account) -> None:
    sns = account.client("sns")
    plain = sns.create_topic(Name="plain")["TopicArn"]
    assert "SignatureVersion" not in sns.get_topic_attributes(TopicArn=plain)["Attributes"]
    signed = sns.create_topic(Name="signed", Attributes={"SignatureVersion": "2"})["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=signed)["Attributes"]["SignatureVersion"] == "2"
    sns.set_topic_attributes(TopicArn=signed, AttributeName="SignatureVersion", AttributeValue="1")
    assert sns.get_topic_attributes(TopicArn=signed)["Attributes"]["SignatureVersion"] == "1"
