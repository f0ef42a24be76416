"""CloudWatch log group: encrypted under a customer-managed key, kept for a number of days."""

from __future__ import annotations

from constructs import Construct

from .._aws.cloudwatch_log_group import CloudwatchLogGroup
from .._core import Statement, matches, one_of, record, refuse

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""What CloudWatch Logs accepts.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""


@record
class LogGroupConfig:
    """A log group; make it before the service that would make it without key and limit."""

    name: str
    """Full name, such as `/aws/sagemaker/Endpoints/acme-prod-churn`."""
    kms_key_arn: str
    """Key whose policy lets CloudWatch Logs use it: `use_by_log_groups` of the module `key`."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    retention_days: int = 365

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, r"[\w./#-]{1,512}", "/aws/sagemaker/Endpoints/acme-prod-churn"),
            one_of("retention_days", self.retention_days, RETENTION_DAYS),
        )


@record
class LogGroupOutputs:
    """What others need of a log group."""

    name: str
    arn: str


class LogGroup(Construct):
    """A log group whose ARN is known at plan, so that policies on it can be read there."""

    def __init__(self, scope: Construct, id_: str, config: LogGroupConfig) -> None:
        super().__init__(scope, id_)
        group = CloudwatchLogGroup(
            self,
            "this",
            name=config.name,
            retention_in_days=config.retention_days,
            kms_key_id=config.kms_key_arn,
        )
        self._arn = f"arn:{config.partition}:logs:{config.region}:{config.account_id}:log-group:{config.name}"
        self.outputs = LogGroupOutputs(name=group.name, arn=group.arn)

    def write(self) -> Statement:
        """Return what a role needs to write log events."""
        return Statement(
            actions=("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
            resources=(self._arn, f"{self._arn}:*"),
        )
