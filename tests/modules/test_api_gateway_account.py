"""API Gateway's setting of an account: the role by which it writes logs."""

from __future__ import annotations

from modules.api_gateway_account import ApiGatewayAccount, ApiGatewayAccountConfig
from tests.conftest import Synth
from tests.inventory import Inventory

CONFIG = ApiGatewayAccountConfig(
    name="acme-prod-api-gateway-logs",
    permissions_boundary_arn="arn:aws:iam::111122223333:policy/acme-prod-boundary",
    account_id="111122223333",
    region="eu-west-1",
)


def test_it_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/api_gateway_account", synth(ApiGatewayAccount, CONFIG))


def test_api_gateway_alone_takes_the_role_on_behalf_of_its_account(synth: Synth) -> None:
    (trust,) = synth(ApiGatewayAccount, CONFIG).policy("aws_iam_role", attribute="assume_role_policy")
    assert trust["Principal"] == {"Service": ["apigateway.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_the_setting_waits_until_the_role_may_write(synth: Synth) -> None:
    settings = synth(ApiGatewayAccount, CONFIG).one("aws_api_gateway_account")
    assert "aws_iam_role_policy.role_policy" in settings["cloudwatch_role_arn"]
