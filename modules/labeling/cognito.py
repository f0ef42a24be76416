"""The user pool of a workforce, the client by which it signs people in, and the client's way back.

https://docs.aws.amazon.com/cognito/latest/developerguide/security.html
"""

from __future__ import annotations

from cdktf import TerraformResource
from constructs import Construct

from .._aws.cognito_user_group import CognitoUserGroup
from .._aws.cognito_user_pool import (
    CognitoUserPool,
    CognitoUserPoolAccountRecoverySetting,
    CognitoUserPoolAccountRecoverySettingRecoveryMechanism,
    CognitoUserPoolAdminCreateUserConfig,
    CognitoUserPoolPasswordPolicy,
    CognitoUserPoolSoftwareTokenMfaConfiguration,
    CognitoUserPoolUsernameConfiguration,
    CognitoUserPoolUserPoolAddOns,
)
from .._aws.cognito_user_pool_client import CognitoUserPoolClient
from .._aws.cognito_user_pool_domain import CognitoUserPoolDomain
from .._aws.sagemaker_workforce import SagemakerWorkforce
from .._core.places import remember
from .decisions import Cognito


def user_pool(scope: Construct, name: str, decided: Cognito) -> CognitoUserPool:
    """Make a pool to which an administrator adds people, who sign in by their mail address."""
    return CognitoUserPool(
        scope,
        "pool",
        name=name,
        user_pool_tier="ESSENTIALS" if decided.advanced_security_mode == "OFF" else "PLUS",
        user_pool_add_ons=CognitoUserPoolUserPoolAddOns(
            advanced_security_mode=decided.advanced_security_mode
        ),
        admin_create_user_config=CognitoUserPoolAdminCreateUserConfig(allow_admin_create_user_only=True),
        username_attributes=["email"],
        username_configuration=CognitoUserPoolUsernameConfiguration(case_sensitive=False),
        auto_verified_attributes=["email"],
        account_recovery_setting=CognitoUserPoolAccountRecoverySetting(
            recovery_mechanism=[
                CognitoUserPoolAccountRecoverySettingRecoveryMechanism(name="verified_email", priority=1)
            ]
        ),
        mfa_configuration=decided.mfa_configuration,
        software_token_mfa_configuration=CognitoUserPoolSoftwareTokenMfaConfiguration(enabled=True),
        password_policy=CognitoUserPoolPasswordPolicy(
            minimum_length=decided.password_minimum_length,
            require_lowercase=True,
            require_uppercase=True,
            require_numbers=True,
            require_symbols=True,
            temporary_password_validity_days=3,
        ),
        deletion_protection="ACTIVE" if decided.deletion_protection else "INACTIVE",
    )


def client(scope: Construct, name: str, pool: CognitoUserPool) -> CognitoUserPoolClient:
    """Make the client, with a secret, without a way by which a password could be sent in clear.

    It has no way back to the portal yet: that one is known when the workforce is there. See `way_back`.
    """
    return CognitoUserPoolClient(
        scope,
        "client",
        name=name,
        user_pool_id=pool.id,
        generate_secret=True,
        explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
        prevent_user_existence_errors="ENABLED",
        enable_token_revocation=True,
        refresh_token_validity=1,  # days; access and identity tokens live for an hour
    )


def domain(scope: Construct, prefix: str, pool: CognitoUserPool) -> CognitoUserPoolDomain:
    """Make the host of the sign-in pages, without which SageMaker refuses the pool."""
    return CognitoUserPoolDomain(scope, "domain", domain=prefix, user_pool_id=pool.id)


def groups(scope: Construct, decided: Cognito, pool: CognitoUserPool) -> dict[str, CognitoUserGroup]:
    """Make the groups; who is in one is no business of Terraform's."""
    return {
        name: CognitoUserGroup(
            scope, f"{name}_group", name=name, description=description, user_pool_id=pool.id
        )
        for name, description in sorted(decided.groups.items())
    }


def way_back(
    scope: Construct,
    name: str,
    pool: CognitoUserPool,
    workforce: SagemakerWorkforce,
    *after: TerraformResource,
) -> None:
    """Let the client lead people back to the portal, and nowhere else, by the code flow alone.

    The workforce needs the client, and the client the address of the workforce's portal. Terraform has a
    second resource for a client that is there; without it, the client itself keeps what others set.
    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cognito_managed_user_pool_client
    """
    id_ = "client_way_back"
    managed = TerraformResource(
        scope,
        id_,
        terraform_resource_type="aws_cognito_managed_user_pool_client",
        depends_on=list(after),
    )
    remember(managed, scope, id_)
    for attribute, value in {
        "name_prefix": name,
        "user_pool_id": pool.id,
        "allowed_oauth_flows_user_pool_client": True,
        "allowed_oauth_flows": ["code"],
        "allowed_oauth_scopes": ["email", "openid", "profile"],
        "callback_urls": [f"https://{workforce.subdomain}/oauth2/idpresponse"],
        "logout_urls": [f"https://{workforce.subdomain}/logout"],
        "supported_identity_providers": ["COGNITO"],
    }.items():
        managed.add_override(attribute, value)
