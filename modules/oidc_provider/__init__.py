"""Identity provider, outside of AWS, whose tokens roles of the account can be taken with."""

from .oidc_provider import OidcProvider, OidcProviderConfig, OidcProviderOutputs

__all__ = ["OidcProvider", "OidcProviderConfig", "OidcProviderOutputs"]
