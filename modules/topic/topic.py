"""SNS topic: encrypted under a customer-managed key, published to over TLS by whom its policy names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Literal

from constructs import Construct

from .._aws.sns_topic import SnsTopic
from .._aws.sns_topic_policy import SnsTopicPolicy
from .._aws.sns_topic_subscription import SnsTopicSubscription
from .._core import Principal, Statement, distinct, document, matches, one_of, record, refuse, when

TOPIC_ARN = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]+"
"""What the ARN of a standard topic looks like."""

ENDPOINTS = {
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "team@example.com"),
    "https": (r"https://[^\s/@]+(/\S*)?", "https://example.com/alarms"),
}
"""What the endpoint of a protocol looks like, and an example."""

ACTIONS = (
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
)
"""All that a topic's policy can speak of; SNS refuses `sns:*` there."""

WITHOUT_CONDITIONS = "events.amazonaws.com"
"""EventBridge tells SNS not for whom it publishes, so that every account's rules could.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
"""


@record
class Subscription:
    """Who is told; by e-mail the receiver has to confirm it, over HTTPS the server."""

    protocol: Literal["email", "https"]
    """How messages are delivered."""
    endpoint: str
    """E-mail address or URL that they are delivered to."""

    def __post_init__(self) -> None:
        pattern, example = ENDPOINTS.get(self.protocol, (".*", ""))
        refuse(
            one_of("protocol", self.protocol, tuple(ENDPOINTS)),
            matches("endpoint", self.endpoint, pattern, example),
        )


@record
class TopicConfig:
    """A standard topic."""

    name: str
    """The topic's name, at most 256 characters."""
    kms_key_arn: str
    """Key for the messages; its policy lets the services in that publish: `use_by_service` of the module
    `key`."""
    account_id: str
    """Account that the topic is in."""
    region: str
    """Region that the topic is in."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    publishing_services: Mapping[str, str] = field(default_factory=dict)
    """Services that may publish, each with the ARN of what it does that for, `*` included:
    `{"cloudwatch.amazonaws.com": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:acme-prod-*"}`."""
    publishing_account_ids: tuple[str, ...] = ()
    """Other accounts that may publish; in them, their own IAM decides who."""
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    """Who is told, by a name of your choice."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[a-zA-Z0-9_-]{1,256}", "acme-prod-alarms"),
            matches("account_id", self.account_id, r"\d{12}", "111122223333"),
            *(
                matches("publishing_account_ids", account_id, r"\d{12}", "111122223333")
                for account_id in self.publishing_account_ids
            ),
            distinct("publishing_account_ids", self.publishing_account_ids),
            when(
                self.account_id in self.publishing_account_ids,
                "publishing_account_ids: supply other accounts than the topic's own, which IAM governs; "
                f"got {self.account_id}",
            ),
            *(
                problem
                for service, arn in self.publishing_services.items()
                for problem in _problems(service, arn)
            ),
            *(
                matches("subscriptions: name", name, "[a-z0-9]+(-[a-z0-9]+)*", "on-call")
                for name in self.subscriptions
            ),
        )


def _problems(service: str, source_arn: str) -> Iterator[str | None]:
    yield matches("publishing_services", service, r"[a-z0-9.-]+\.amazonaws\.com", "cloudwatch.amazonaws.com")
    yield when(
        service == WITHOUT_CONDITIONS,
        f"publishing_services: supply a role with `publish()` to the rule's target instead of {service}, "
        "for which a topic's policy can have no condition",
    )
    yield matches(
        f"publishing_services.{service}",
        source_arn,
        r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:(\d{12})?:[^:*].*",
        "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:acme-prod-*",
    )


@record
class TopicOutputs:
    """What others need of a topic."""

    name: str
    arn: str
    """Known only when the policy is in place: what publishes to the topic finds it closed."""


class Topic(Construct):
    """Nobody but the services and accounts that are named, and roles of its own account, may publish."""

    def __init__(self, scope: Construct, id_: str, config: TopicConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        self.arn = f"arn:{config.partition}:sns:{config.region}:{config.account_id}:{config.name}"
        topic = SnsTopic(
            self,
            "this",
            name=config.name,
            kms_master_key_id=config.kms_key_arn,
            signature_version=2,  # SHA-256, for those who check the signature of a message
        )
        policy = SnsTopicPolicy(self, "policy", arn=topic.arn, policy=document(*self._policy()))
        for name, subscription in sorted(config.subscriptions.items()):
            SnsTopicSubscription(
                self,
                f"{name}_subscription",
                topic_arn=policy.arn,
                protocol=subscription.protocol,
                endpoint=subscription.endpoint,
            )
        self.outputs = TopicOutputs(name=topic.name, arn=policy.arn)

    def publish(self) -> tuple[Statement, ...]:
        """Return what a role of the topic's own account needs to publish, the key included.

        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        return (
            Statement(actions=("sns:Publish",), resources=(self.arn,)),
            Statement(
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(self.config.kms_key_arn,),
                conditions={"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": self.arn}},
            ),
        )

    def _policy(self) -> Iterator[Statement]:
        config = self.config
        yield Statement(
            sid="DenyInsecureTransport",
            effect="Deny",
            principals=(Principal(kind="AWS", identifiers=("*",)),),
            actions=ACTIONS,
            resources=(self.arn,),
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        for service, source_arn in sorted(config.publishing_services.items()):
            yield Statement(
                sid="PublishBy" + "".join(part.capitalize() for part in service.split(".")[0].split("-")),
                principals=(Principal(kind="Service", identifiers=(service,)),),
                actions=("sns:Publish",),
                resources=(self.arn,),
                conditions={
                    "ArnLike": {"aws:SourceArn": source_arn},
                    "StringEquals": {"aws:SourceAccount": config.account_id},
                },
            )
        if config.publishing_account_ids:
            yield Statement(
                sid="PublishByAccounts",
                principals=(Principal.accounts(config.publishing_account_ids, config.partition),),
                actions=("sns:Publish",),
                resources=(self.arn,),
            )
