"""API Gateway's setting of an account: who writes its logs."""

from .api_gateway_account import ApiGatewayAccount, ApiGatewayAccountConfig, ApiGatewayAccountOutputs

__all__ = ["ApiGatewayAccount", "ApiGatewayAccountConfig", "ApiGatewayAccountOutputs"]
