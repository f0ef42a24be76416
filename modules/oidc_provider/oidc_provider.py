"""OIDC provider: an issuer of tokens that the account believes, such as GitHub Actions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from __future__ import annotations

from constructs import Construct

from .._aws.iam_openid_connect_provider import IamOpenidConnectProvider
from .._core import distinct, matches, not_empty, record, refuse


@record
class OidcProviderConfig:
    """An issuer; an account has one provider for each URL."""

    url: str
    """Issuer of the tokens, such as `https://token.actions.githubusercontent.com`."""
    audiences: tuple[str, ...] = ("sts.amazonaws.com",)
    """For whom a token must be made, its claim `aud`."""

    def __post_init__(self) -> None:
        refuse(
            matches("url", self.url, r"https://[\w.-]+(/[\w./-]*[\w-])?", "https://gitlab.com"),
            not_empty("audiences", self.audiences),
            distinct("audiences", self.audiences),
        )


@record
class OidcProviderOutputs:
    """What the trust of a role needs."""

    arn: str


class OidcProvider(Construct):
    """It needs no thumbprint: AWS knows the authorities that sign the certificates of issuers.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
    """

    def __init__(self, scope: Construct, id_: str, config: OidcProviderConfig) -> None:
        super().__init__(scope, id_)
        provider = IamOpenidConnectProvider(
            self, "this", url=config.url, client_id_list=list(config.audiences)
        )
        self.outputs = OidcProviderOutputs(arn=provider.arn)
