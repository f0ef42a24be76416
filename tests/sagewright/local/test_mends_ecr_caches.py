"""ECR: caches of other registries, and the templates of their repositories."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sagewright.local.conftest import Account, refused

CACHE = {"ecrRepositoryPrefix": "public", "upstreamRegistryUrl": "public.ecr.aws"}
TEMPLATE = {"prefix": "public", "appliedFor": ["PULL_THROUGH_CACHE"]}


def test_create_pull_through_cache_rule_is_there_until_delete_pull_through_cache_rule(
    account: Account,
) -> None:
    ecr = account.client("ecr")
    assert ecr.create_pull_through_cache_rule(**CACHE)["upstreamRegistry"] == "ecr-public"
    (rule,) = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    assert (rule["ecrRepositoryPrefix"], rule["registryId"]) == ("public", account.id)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="public")
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []


def test_create_repository_creation_template_is_changed_in_place(account: Account) -> None:
    ecr = account.client("ecr")
    made = ecr.create_repository_creation_template(**TEMPLATE)["repositoryCreationTemplate"]
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    ecr.update_repository_creation_template(prefix="public", imageTagMutability="IMMUTABLE")
    (template,) = ecr.describe_repository_creation_templates(prefixes=["public"])[
        "repositoryCreationTemplates"
    ]
    assert template["imageTagMutability"] == "IMMUTABLE"
    ecr.delete_repository_creation_template(prefix="public")
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        (
            "create_pull_through_cache_rule",
            CACHE | {"upstreamRegistryUrl": "example.com"},
            "UnsupportedUpstreamRegistryException",
            "'example.com' is not supported",
        ),
        (
            "create_pull_through_cache_rule",
            CACHE | {"upstreamRegistryUrl": "registry-1.docker.io"},
            "InvalidParameterException",
            "A credential ARN is required",
        ),
        (
            "create_repository_creation_template",
            TEMPLATE | {"encryptionConfiguration": {"encryptionType": "KMS"}},
            "ValidationException",
            "A custom role is required",
        ),
        (
            "delete_pull_through_cache_rule",
            {"ecrRepositoryPrefix": "none"},
            "PullThroughCacheRuleNotFoundException",
            "'none' does not exist",
        ),
        (
            "describe_repository_creation_templates",
            {"prefixes": ["none"]},
            "TemplateNotFoundException",
            "'none' does not exist",
        ),
    ],
)
def test_what_ecr_refuses_is_refused(
    account: Account, operation: str, request_: dict[str, Any], code: str, message: str
) -> None:
    with refused(message, code):
        getattr(account.client("ecr"), operation)(**request_)


def test_a_second_one_of_a_prefix_is_refused(account: Account) -> None:
    ecr = account.client("ecr")
    ecr.create_pull_through_cache_rule(**CACHE)
    ecr.create_repository_creation_template(**TEMPLATE)
    with refused("'public' already exists", "PullThroughCacheRuleAlreadyExistsException"):
        ecr.create_pull_through_cache_rule(**CACHE)
    with refused("'public' already exists", "TemplateAlreadyExistsException"):
        ecr.create_repository_creation_template(**TEMPLATE)
