"""ECR registry: scanning, copies, caches, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modules.ecr_registry import (
    EcrRegistry,
    EcrRegistryConfig,
    PullThroughCache,
    Registry,
    Replication,
    creation,
)
from tests.conftest import Synth
from tests.inventory import Inventory

ACCOUNT, REGION = "111122223333", "eu-central-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/docker-a1b2c3"
WHOLE = Registry(
    replications={"disaster": Replication(region="eu-west-1", repository_prefixes=("acme-prod-",))},
    replicate_from_account_ids=("222233334444",),
    pull_through_caches={"public": PullThroughCache(upstream="public.ecr.aws")},
)


def config(registry: Registry, **changes: Any) -> EcrRegistryConfig:
    wiring = {
        "prefix": "acme-prod-",
        "kms_key_arn": KEY,
        "creation_role_arn": f"arn:aws:iam::{ACCOUNT}:role/caches",
        "account_id": ACCOUNT,
        "region": REGION,
    }
    return EcrRegistryConfig(registry=registry, **{**wiring, **changes})


def test_by_default_every_image_is_scanned_again_and_again_and_nothing_else_is_made(synth: Synth) -> None:
    made = synth(EcrRegistry, config(Registry()))
    assert made.addresses == ["aws_ecr_registry_scanning_configuration.this"]
    scanning = made.one("aws_ecr_registry_scanning_configuration")
    assert scanning["scan_type"] == "ENHANCED"
    (rule,) = scanning["rule"]
    assert rule["scan_frequency"] == "CONTINUOUS_SCAN"
    assert rule["repository_filter"] == [{"filter": "*", "filter_type": "WILDCARD"}]


def test_basic_scanning_is_at_the_push(synth: Synth) -> None:
    made = synth(EcrRegistry, config(Registry(scan_type="BASIC")))
    (rule,) = made.one("aws_ecr_registry_scanning_configuration")["rule"]
    assert rule["scan_frequency"] == "SCAN_ON_PUSH"


def test_copies_stay_in_the_own_account_unless_another_is_named(synth: Synth) -> None:
    copies = {
        "own": Replication(region="eu-west-1"),
        "partner": Replication(region=REGION, account_id="222233334444"),
    }
    made = synth(EcrRegistry, config(Registry(replications=copies)))
    rules = made.one("aws_ecr_replication_configuration")["replication_configuration"]["rule"]
    assert [rule["destination"] for rule in rules] == [
        [{"region": "eu-west-1", "registry_id": ACCOUNT}],
        [{"region": REGION, "registry_id": "222233334444"}],
    ]


def test_other_accounts_may_copy_in_and_nothing_more(synth: Synth) -> None:
    (statement,) = synth(EcrRegistry, config(WHOLE)).policy("aws_ecr_registry_policy")
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::222233334444:root"]}
    assert statement["Action"] == ["ecr:CreateRepository", "ecr:ReplicateImage"]


def test_cached_repositories_are_immutable_encrypted_and_emptied(synth: Synth) -> None:
    made = synth(EcrRegistry, config(WHOLE))
    template = made.one("aws_ecr_repository_creation_template")
    assert template["image_tag_mutability"] == "IMMUTABLE"
    assert template["encryption_configuration"] == [{"encryption_type": "KMS", "kms_key": KEY}]
    assert json.loads(template["lifecycle_policy"])["rules"]
    cache = made.one("aws_ecr_pull_through_cache_rule")
    assert cache["ecr_repository_prefix"] == "${aws_ecr_repository_creation_template.public_template.prefix}"


def test_the_address_of_a_cache_is_an_output(synth: Synth) -> None:
    made: list[EcrRegistry] = []
    synth(lambda stack: made.append(EcrRegistry(stack, "registry", config(WHOLE))))
    assert made[0].outputs.cache_urls == {
        "public": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/acme-prod-public"
    }


def test_the_role_of_the_caches_makes_repositories_under_the_prefix_only() -> None:
    repositories, key = creation("acme-prod-", KEY, ACCOUNT, REGION)
    assert repositories.resources == (f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/acme-prod-*",)
    assert key.resources == (KEY,)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: PullThroughCache(upstream="registry-1.docker.io"),
            "credential_arn: supply the secret for registry-1.docker.io, got none",
        ),
        (
            lambda: PullThroughCache(upstream="public.ecr.aws", credential_arn=SECRET),
            f"credential_arn: remove it, public.ecr.aws takes none; got {SECRET}",
        ),
        (
            lambda: PullThroughCache(
                upstream="registry-1.docker.io", credential_arn=SECRET.replace("ecr-", "")
            ),
            "credential_arn: supply a value such as arn:aws:secretsmanager",
        ),
        (
            lambda: PullThroughCache(upstream="docker.io"),  # type: ignore[arg-type]
            "upstream: supply one of ghcr.io, public.ecr.aws, quay.io, registry-1.docker.io, "
            "registry.gitlab.com, registry.k8s.io, got 'docker.io'",
        ),
        (lambda: Replication(region="Ireland"), "region: supply a value such as eu-west-1, got 'Ireland'"),
        (
            lambda: Replication(region="eu-west-1", account_id="1"),
            "account_id: supply a value such as 111122223333, got '1'",
        ),
        (
            lambda: Registry(replications={name: Replication(region="eu-west-1") for name in "ab"}),
            "replications: region and account: supply each once, got ('eu-west-1', None) twice",
        ),
        (
            lambda: Registry(
                replications={f"r{n}": Replication(region=f"eu-west-{n}") for n in range(1, 12) if n < 10}
                | {f"s{n}": Replication(region=f"us-west-{n}") for n in (1, 2)}
            ),
            "replications: number of replications: supply at most 10, got 11",
        ),
        (
            lambda: config(Registry(replications={"own": Replication(region=REGION)})),
            "replications.own.region: supply another region than the registry's own, "
            f"or another account; got {REGION}",
        ),
        (
            lambda: config(Registry(replicate_from_account_ids=(ACCOUNT,))),
            f"replicate_from_account_ids: supply other accounts than the registry's own, got {ACCOUNT}",
        ),
        (
            lambda: config(WHOLE, prefix="a-very-long-organization-prod-"),
            "pull_through_caches: prefix and name: supply at most 30 characters, got 36",
        ),
    ],
)
def test_what_ecr_refuses_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        make()
    assert str(refused.value).startswith(problem)


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/ecr_registry", synth(EcrRegistry, config(WHOLE)))
