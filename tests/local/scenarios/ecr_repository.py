"""A repository of images: retention and who pulls change in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from modules.ecr_repository import EcrRepository, EcrRepositoryConfig, ImageRetention

from ..conftest import Account
from ..matrix import Gone, Stage, Step


def own(ecr: Any, name: str) -> list[Any]:
    """Return the scenario's repository, if it is there."""
    return [one for one in ecr.describe_repositories()["repositories"] if one["repositoryName"] == name]


def steps(account: Account) -> Iterator[Step]:
    ecr = account.client("ecr")
    config = EcrRepositoryConfig(
        name="acme-test/churn", kms_key_arn=account.key(), pull_account_ids=("222233334444",)
    )
    yield Stage(lambda stack: EcrRepository(stack, "churn", config))
    (before,) = own(ecr, config.name)
    assert before["imageTagMutability"] == "IMMUTABLE"

    wider = replace(
        config,
        retention=ImageRetention(tagged_count=20),
        pull_account_ids=("222233334444", "333344445555"),
        force_delete=True,
    )
    yield Stage(
        lambda stack: EcrRepository(stack, "churn", wider),
        {
            "aws_ecr_lifecycle_policy.churn_lifecycle": ["delete", "create"],
            "aws_ecr_repository.churn": ["update"],
            "aws_ecr_repository_policy.churn_policy": ["update"],
        },
    )
    (after,) = own(ecr, config.name)
    assert after["createdAt"] == before["createdAt"]
    policy = json.loads(ecr.get_repository_policy(repositoryName=config.name)["policyText"])
    assert policy["Statement"][0]["Principal"]["AWS"] == [
        "arn:aws:iam::222233334444:root",
        "arn:aws:iam::333344445555:root",
    ]
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName=config.name)["lifecyclePolicyText"])["rules"]
    assert [rule["selection"]["countNumber"] for rule in rules] == [14, 20]

    yield Gone()
    assert own(ecr, config.name) == []
