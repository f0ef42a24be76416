"""The Lambda authorizer for OIDC tokens, which API Gateway cannot verify for a REST API by itself."""
