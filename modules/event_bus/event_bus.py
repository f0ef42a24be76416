"""EventBridge bus: where other accounts tell what happened."""

from __future__ import annotations

from constructs import Construct

from .._aws.cloudwatch_event_bus import CloudwatchEventBus
from .._aws.cloudwatch_event_bus_policy import CloudwatchEventBusPolicy
from .._core import Principal, Statement, distinct, document, matches, not_empty, record, refuse


@record
class EventBusConfig:
    """A bus, and who may put which events on it."""

    name: str
    kms_key_arn: str
    """Key for events at rest; its policy lets `events.amazonaws.com` use it: `use_by_service` of `key`."""
    sender_account_ids: tuple[str, ...]
    """Other accounts that may put events on the bus."""
    sources: tuple[str, ...]
    """Sources of the events that they may put, such as `aws.sagemaker`."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    description: str | None = None

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"(?!default$|aws\.)[\w./-]{1,256}", "acme-prod-models"),
            not_empty("sender_account_ids", self.sender_account_ids),
            distinct("sender_account_ids", self.sender_account_ids),
            *(
                matches("sender_account_ids", one, r"\d{12}", "111122223333")
                for one in self.sender_account_ids
            ),
            not_empty("sources", self.sources),
            distinct("sources", self.sources),
        )


@record
class EventBusOutputs:
    """What others need of a bus."""

    name: str
    arn: str


class EventBus(Construct):
    """A bus that named accounts reach; rules on it decide what then happens.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
    """

    def __init__(self, scope: Construct, id_: str, config: EventBusConfig) -> None:
        super().__init__(scope, id_)
        arn = f"arn:{config.partition}:events:{config.region}:{config.account_id}:event-bus/{config.name}"
        bus = CloudwatchEventBus(
            self,
            "this",
            name=config.name,
            description=config.description,
            kms_key_identifier=config.kms_key_arn,
        )
        senders = Statement(
            sid="PutFromOtherAccounts",
            principals=(Principal.accounts(config.sender_account_ids, config.partition),),
            actions=("events:PutEvents",),
            resources=(arn,),
            conditions={"StringEquals": {"events:source": config.sources}},
        )
        CloudwatchEventBusPolicy(self, "policy", event_bus_name=bus.name, policy=document(senders))
        self.outputs = EventBusOutputs(name=bus.name, arn=bus.arn)
