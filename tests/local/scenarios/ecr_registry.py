"""An ECR registry: set up, changed in place, and back to what AWS begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from modules.ecr_registry import EcrRegistry, EcrRegistryConfig, PullThroughCache, Registry, Replication
from modules.ecr_repository import ImageRetention

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step


def steps(account: Account) -> Iterator[Step]:
    secret = f"arn:aws:secretsmanager:{REGION}:{account.account_id}:secret:ecr-pullthroughcache/"
    registry = Registry(
        replications={"own": Replication(region="eu-central-1")},
        replicate_from_account_ids=("222233334444",),
        pull_through_caches={
            "public": PullThroughCache(upstream="public.ecr.aws"),
            "hub": PullThroughCache(upstream="registry-1.docker.io", credential_arn=f"{secret}hub-AbCdEf"),
        },
    )
    config = EcrRegistryConfig(
        registry=registry,
        prefix="acme-test-",
        kms_key_arn=account.key(),
        creation_role_arn=f"arn:aws:iam::{account.account_id}:role/caches",
        account_id=account.account_id,
        region=REGION,
    )
    yield Stage(lambda stack: EcrRegistry(stack, "registry", config))

    wider = replace(
        config,
        registry=replace(
            registry,
            scan_type="BASIC",
            replications={"own": Replication(region="eu-central-1", repository_prefixes=("acme-",))},
            replicate_from_account_ids=("222233334444", "333344445555"),
            pull_through_caches={
                "public": PullThroughCache(upstream="public.ecr.aws"),
                "hub": PullThroughCache(
                    upstream="registry-1.docker.io", credential_arn=f"{secret}docker-AbCdEf"
                ),
            },
        ),
        retention=ImageRetention(tagged_count=20),
    )
    yield Stage(
        lambda stack: EcrRegistry(stack, "registry", wider),
        {
            "aws_ecr_pull_through_cache_rule.registry_hub_cache": ["update"],
            "aws_ecr_registry_policy.registry_policy": ["update"],
            "aws_ecr_registry_scanning_configuration.registry": ["update"],
            "aws_ecr_replication_configuration.registry_replication": ["update"],
            "aws_ecr_repository_creation_template.registry_hub_template": ["update"],
            "aws_ecr_repository_creation_template.registry_public_template": ["update"],
        },
    )

    yield Gone()
    ecr = account.client("ecr")
    assert ecr.describe_registry()["replicationConfiguration"] == {"rules": []}
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []
    with pytest.raises(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.get_registry_policy()
