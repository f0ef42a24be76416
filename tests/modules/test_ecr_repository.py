"""ECR repository: immutability, scanning, retention, and who pulls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modules._core import Statement
from modules.ecr_repository import EcrRepository, EcrRepositoryConfig, ImageRetention, pull_all
from tests.conftest import Synth
from tests.inventory import Inventory

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def config(**changes: Any) -> EcrRepositoryConfig:
    return EcrRepositoryConfig(**{"name": "acme-prod-churn", "kms_key_arn": KEY, **changes})


def test_tags_are_immutable_and_images_scanned_and_encrypted(synth: Synth) -> None:
    repository = synth(EcrRepository, config()).one("aws_ecr_repository")
    assert repository["image_tag_mutability"] == "IMMUTABLE"
    assert repository["image_scanning_configuration"] == {"scan_on_push": True}
    assert repository["encryption_configuration"] == [{"encryption_type": "KMS", "kms_key": KEY}]
    assert repository["force_delete"] is False


def test_untagged_images_go_by_age_and_tagged_ones_by_number(synth: Synth) -> None:
    retention = ImageRetention(untagged_days=3, tagged_count=20)
    policy = synth(EcrRepository, config(retention=retention)).one("aws_ecr_lifecycle_policy")["policy"]
    untagged, tagged = (rule["selection"] for rule in json.loads(policy)["rules"])
    assert untagged == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 3,
    }
    assert tagged == {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": 20,
    }


def test_no_other_account_pulls_unless_it_is_named(synth: Synth) -> None:
    assert not synth(EcrRepository, config()).all("aws_ecr_repository_policy")


def test_named_accounts_pull_and_do_nothing_else(synth: Synth) -> None:
    made = synth(EcrRepository, config(pull_account_ids=("444455556666",)))
    (statement,) = made.policy("aws_ecr_repository_policy")
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::444455556666:root"]}
    assert statement["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]


def test_who_pulls_does_not_push_and_who_pushes_acts_on_this_repository(synth: Synth) -> None:
    grants: dict[str, tuple[Statement, ...]] = {}

    def build(stack: Any) -> None:
        repository = EcrRepository(stack, "churn_repository", config())
        grants.update(pull=repository.pull(), push=repository.push())

    synth(build)
    pull, push = grants["pull"], grants["push"]
    assert "ecr:PutImage" not in pull[0].actions
    assert "ecr:PutImage" in push[0].actions
    assert all("ecr:GetAuthorizationToken" in grant[1].actions for grant in (pull, push))
    assert all(len(grant[0].resources) == 1 and "*" not in grant[0].resources for grant in (pull, push))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: config(name="Churn"), "name: supply a value such as acme-prod/churn, got 'Churn'"),
        (
            lambda: config(pull_account_ids=("1234",)),
            "pull_account_ids: supply a value such as 111122223333, got '1234'",
        ),
        (
            lambda: config(pull_account_ids=("444455556666",) * 2),
            "pull_account_ids: supply each once, got '444455556666' twice",
        ),
        (lambda: ImageRetention(untagged_days=0), "untagged_days: supply at least 1, got 0"),
        (lambda: ImageRetention(tagged_count=0), "tagged_count: supply at least 1, got 0"),
    ],
)
def test_what_ecr_refuses_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        make()
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/ecr_repository", synth(EcrRepository, config(pull_account_ids=("444455556666",))))


def test_all_repositories_of_a_prefix_are_pulled_and_no_other() -> None:
    images, log_in = pull_all("acme-prod-", "111122223333", "eu-west-1")
    assert images.resources == ("arn:aws:ecr:eu-west-1:111122223333:repository/acme-prod-*",)
    assert "ecr:PutImage" not in images.actions
    assert log_in.actions == ("ecr:GetAuthorizationToken",)
