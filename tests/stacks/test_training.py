"""Training: the registry, and who reads it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.inventory import Inventory
from tests.stacks.conftest import Stacks


@pytest.mark.parametrize("name", ["local", "prod"])
def test_inventory(name: str, committed: Callable[[str], Stacks], inventory: Inventory) -> None:
    inventory(f"stacks/{name}-training", committed(name)["training"])


def test_accounts_that_the_environment_names_read_or_deploy_the_versions(
    committed: Callable[[str], Stacks],
) -> None:
    def principals(name: str) -> dict[str, list[str]]:
        statements = committed(name)["training"].policy(
            "aws_sagemaker_model_package_group_policy", attribute="resource_policy"
        )
        return {action: one["Principal"]["AWS"] for one in statements for action in one["Action"]}

    reading, deploying = "sagemaker:DescribeModelPackage", "sagemaker:CreateModel"
    assert principals("dev")[reading] == ["arn:aws:iam::777788889999:root"]
    assert deploying not in principals("dev")
    assert principals("staging")[deploying] == ["arn:aws:iam::888899990000:root"]


def test_a_registry_that_no_account_shares_has_no_policy(committed: Callable[[str], Stacks]) -> None:
    assert not committed("prod")["training"].all("aws_sagemaker_model_package_group_policy")
