"""EventBridge, SQS, notifications of S3, named queries of Athena, and identity providers of IAM."""

from __future__ import annotations

import json

from tests.sagewright.local.conftest import Account, refused


def test_update_event_bus(account: Account) -> None:
    events, key = account.client("events"), account.key()
    arn = events.create_event_bus(Name="platform", Description="first")["EventBusArn"]
    changed = events.update_event_bus(Name="platform", KmsKeyIdentifier=key)
    assert (changed["Arn"], changed["KmsKeyIdentifier"]) == (arn, key)
    described = events.describe_event_bus(Name="platform")
    assert described["KmsKeyIdentifier"] == key
    assert "Description" not in described
    with refused("Event bus none does not exist", "ResourceNotFoundException"):
        events.update_event_bus(Name="none")


def test_get_queue_attributes_shows_the_redrive_policy_without_white_space(account: Account) -> None:
    sqs = account.client("sqs")
    sqs.create_queue(QueueName="dead")
    arn = f"arn:aws:sqs:{account.region}:{account.id}:dead"
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    queue = sqs.create_queue(QueueName="alive", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    shown = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert shown["RedrivePolicy"] == policy.replace(" ", "")


def test_get_bucket_notification_configuration_shows_event_bridge(account: Account) -> None:
    s3, bucket = account.client("s3"), account.bucket()
    told: dict[str, dict[str, str]] = {"EventBridgeConfiguration": {}}
    for wanted in (told, {}, told):
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
        shown = s3.get_bucket_notification_configuration(Bucket=bucket)
        assert {name: shown[name] for name in told if name in shown} == wanted


def test_delete_named_query(account: Account) -> None:
    athena = account.client("athena")
    query = athena.create_named_query(Name="q", Database="d", QueryString="SELECT 1")["NamedQueryId"]
    athena.delete_named_query(NamedQueryId=query)
    assert athena.list_named_queries()["NamedQueryIds"] == []
    with refused("was not found", "InvalidRequestException"):
        athena.delete_named_query(NamedQueryId=query)


def test_add_client_id_to_open_id_connect_provider_and_remove_it(account: Account) -> None:
    iam = account.client("iam")
    made = iam.create_open_id_connect_provider(Url="https://token.example", ClientIDList=["a"])
    arn = {"OpenIDConnectProviderArn": made["OpenIDConnectProviderArn"]}
    for _ in range(2):
        iam.add_client_id_to_open_id_connect_provider(**arn, ClientID="b")
        iam.remove_client_id_from_open_id_connect_provider(**arn, ClientID="a")
    assert iam.get_open_id_connect_provider(**arn)["ClientIDList"] == ["b"]
    with refused("not found", "NoSuchEntity", 404):
        iam.add_client_id_to_open_id_connect_provider(
            OpenIDConnectProviderArn=f"arn:aws:iam::{account.id}:oidc-provider/none", ClientID="b"
        )
