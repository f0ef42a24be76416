"""An ECR registry on the embedded AWS: set up, changed in place, and back to what AWS begins with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modules.ecr_registry import EcrRegistry, EcrRegistryConfig, PullThroughCache, Registry, Replication

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local


def test_a_registry_is_changed_in_place(deployment: Deployment) -> None:
    key = deployment.client("kms").create_key()["KeyMetadata"]["Arn"]
    registry = Registry(
        replications={"own": Replication(region="eu-central-1")},
        replicate_from_account_ids=("222233334444",),
        pull_through_caches={"public": PullThroughCache(upstream="public.ecr.aws")},
    )
    config = EcrRegistryConfig(
        registry=registry,
        prefix="acme-test-",
        kms_key_arn=key,
        creation_role_arn=f"arn:aws:iam::{deployment.account_id}:role/caches",
        account_id=deployment.account_id,
        region=REGION,
    )
    deployment.plan(lambda stack: EcrRegistry(stack, "registry", config))
    deployment.apply()
    assert not deployment.plan(lambda stack: EcrRegistry(stack, "registry", config))

    wider = replace(
        config,
        registry=replace(
            registry,
            scan_type="BASIC",
            replications={"own": Replication(region="eu-central-1", repository_prefixes=("acme-",))},
            replicate_from_account_ids=("222233334444", "333344445555"),
        ),
    )
    deployment.plan(lambda stack: EcrRegistry(stack, "registry", wider))
    assert deployment.actions() == {
        "aws_ecr_registry_policy.registry_policy": ["update"],
        "aws_ecr_registry_scanning_configuration.registry": ["update"],
        "aws_ecr_replication_configuration.registry_replication": ["update"],
    }
    deployment.apply()
    assert not deployment.plan(lambda stack: EcrRegistry(stack, "registry", wider))

    deployment.destroy()
    ecr = deployment.client("ecr")
    assert ecr.describe_registry()["replicationConfiguration"] == {"rules": []}
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []
    with pytest.raises(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.get_registry_policy()
