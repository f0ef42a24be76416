"""API Gateway's one setting of an account and region: the role by which it writes logs.

Without it, API Gateway refuses every stage that logs. Two that make it fight, so that one stack alone may.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

from __future__ import annotations

from constructs import Construct

from .._aws.api_gateway_account import ApiGatewayAccount as AccountSettings
from .._core import Statement, record
from ..role import Role, RoleConfig, Services


@record
class ApiGatewayAccountConfig:
    """The role, and where it writes."""

    name: str
    """Name of the role."""
    permissions_boundary_arn: str
    """Boundary of the role."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""


@record
class ApiGatewayAccountOutputs:
    """What the setting gives."""

    role_arn: str


class ApiGatewayAccount(Construct):
    """The setting. Before version 6, the provider leaves it behind when it is destroyed."""

    def __init__(self, scope: Construct, id_: str, config: ApiGatewayAccountConfig) -> None:
        super().__init__(scope, id_)
        groups = f"arn:{config.partition}:logs:{config.region}:{config.account_id}:log-group:*"
        role = Role(
            self,
            "role",
            RoleConfig(
                name=config.name,
                description="Writes the logs of API Gateway",
                trust=Services(names=("apigateway.amazonaws.com",)),
                # API Gateway asks for all of these, also for those that it has no use for.
                statements=(
                    Statement(
                        actions=(
                            "logs:CreateLogGroup",
                            "logs:CreateLogStream",
                            "logs:DescribeLogStreams",
                            "logs:FilterLogEvents",
                            "logs:GetLogEvents",
                            "logs:PutLogEvents",
                        ),
                        resources=(groups,),
                    ),
                    Statement(actions=("logs:DescribeLogGroups",), resources=("*",)),
                ),
                permissions_boundary_arn=config.permissions_boundary_arn,
                account_id=config.account_id,
                partition=config.partition,
            ),
        )
        AccountSettings(self, "this", cloudwatch_role_arn=role.outputs.arn)
        self.outputs = ApiGatewayAccountOutputs(role_arn=role.outputs.arn)
