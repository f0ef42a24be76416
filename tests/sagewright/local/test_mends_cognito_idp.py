"""What moto answers wrongly for Cognito user pools, named by operation."""

from __future__ import annotations

from typing import Any

from tests.sagewright.local.conftest import Account, refused


def pool(account: Account, **settings: Any) -> dict[str, Any]:
    made: dict[str, Any] = account.client("cognito-idp").create_user_pool(PoolName="labeling", **settings)
    return made["UserPool"]  # type: ignore[no-any-return]


def test_update_user_pool_keeps_how_people_sign_in_and_tags(account: Account) -> None:
    cognito = account.client("cognito-idp")
    made = pool(
        account,
        UsernameAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        UserPoolTags={"Owner": "ml"},
    )
    policies = {"PasswordPolicy": {"MinimumLength": 20}}
    cognito.update_user_pool(UserPoolId=made["Id"], Policies=policies)
    updated = cognito.describe_user_pool(UserPoolId=made["Id"])["UserPool"]
    assert updated["UsernameAttributes"] == ["email"]
    assert updated["UsernameConfiguration"] == {"CaseSensitive": False}
    assert updated["UserPoolTags"] == {"Owner": "ml"}
    assert updated["Policies"]["PasswordPolicy"]["MinimumLength"] == 20


def test_delete_user_pool_refuses_one_that_is_protected_or_has_a_domain(account: Account) -> None:
    cognito = account.client("cognito-idp")
    protected = pool(account, DeletionProtection="ACTIVE")["Id"]
    with refused("deletion protection is activated", "InvalidParameterException"):
        cognito.delete_user_pool(UserPoolId=protected)
    cognito.update_user_pool(UserPoolId=protected, DeletionProtection="INACTIVE")
    cognito.create_user_pool_domain(UserPoolId=protected, Domain=f"labeling-{account.id}")
    with refused("It has a domain configured", "InvalidParameterException"):
        cognito.delete_user_pool(UserPoolId=protected)
    cognito.delete_user_pool_domain(UserPoolId=protected, Domain=f"labeling-{account.id}")
    cognito.delete_user_pool(UserPoolId=protected)
    assert cognito.list_user_pools(MaxResults=10)["UserPools"] == []


def test_create_user_pool_domain_refuses_one_that_is_taken_or_reserved(account: Account) -> None:
    cognito, made = account.client("cognito-idp"), pool(account)
    with refused("Domain cannot contain reserved word: aws", "InvalidParameterException"):
        cognito.create_user_pool_domain(UserPoolId=made["Id"], Domain="laws")
    cognito.create_user_pool_domain(UserPoolId=made["Id"], Domain=f"taken-{account.id}")
    with refused("Domain already associated with another user pool.", "InvalidParameterException"):
        cognito.create_user_pool_domain(UserPoolId=pool(account)["Id"], Domain=f"taken-{account.id}")


def test_tag_resource_untag_resource_and_list_tags_for_resource(account: Account) -> None:
    cognito, arn = account.client("cognito-idp"), pool(account)["Arn"]
    cognito.tag_resource(ResourceArn=arn, Tags={"Owner": "ml", "Stack": "training"})
    cognito.untag_resource(ResourceArn=arn, TagKeys=["Stack", "Missing"])
    assert cognito.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"Owner": "ml"}
    with refused("", "ResourceNotFoundException"):
        cognito.tag_resource(ResourceArn=f"{arn}x", Tags={"Owner": "ml"})


def test_a_request_that_cognito_does_not_know_is_refused(account: Account) -> None:
    with refused("Value 'ON' at 'userPoolTier' failed to satisfy", "InvalidParameterException"):
        pool(account, UserPoolTier="ON")


def test_create_user_pool_gives_the_tier_of_aws_where_none_is_asked_for(account: Account) -> None:
    assert pool(account)["UserPoolTier"] == "ESSENTIALS"
    plus = pool(account, UserPoolTier="PLUS")
    cognito = account.client("cognito-idp")
    cognito.update_user_pool(UserPoolId=plus["Id"], Policies={"PasswordPolicy": {"MinimumLength": 20}})
    assert cognito.describe_user_pool(UserPoolId=plus["Id"])["UserPool"]["UserPoolTier"] == "PLUS"
