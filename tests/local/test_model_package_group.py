"""A model package group on the embedded AWS: shared, shared with others, and gone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modules.model_package_group import ModelPackageGroup, ModelPackageGroupConfig

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local


def test_a_group_is_shared_with_another_account_in_place(deployment: Deployment) -> None:
    config = ModelPackageGroupConfig(
        name="acme-test-churn",
        account_id=deployment.account_id,
        region=REGION,
        description="Customers who are about to leave",
        deployer_account_ids=("222233334444",),
    )
    deployment.plan(lambda stack: ModelPackageGroup(stack, "churn", config))
    deployment.apply()
    group = deployment.client("sagemaker").describe_model_package_group(ModelPackageGroupName=config.name)

    wider = replace(config, reader_account_ids=("333344445555",))
    deployment.plan(lambda stack: ModelPackageGroup(stack, "churn", wider))
    assert deployment.actions() == {"aws_sagemaker_model_package_group_policy.churn_policy": ["update"]}
    deployment.apply()
    answer = deployment.client("sagemaker").get_model_package_group_policy(ModelPackageGroupName=config.name)
    read, _ = json.loads(answer["ResourcePolicy"])["Statement"]
    assert group["ModelPackageGroupArn"] in read["Resource"]
    assert not deployment.plan(lambda stack: ModelPackageGroup(stack, "churn", wider))

    deployment.destroy()
    assert deployment.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"] == []
