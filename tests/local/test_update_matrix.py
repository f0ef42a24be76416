"""The update matrix: each kind of resource is made, changed in place, found as planned, and gone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest

from sagewright.local import process
from tests.conftest import ROOT

from . import scenarios
from .conftest import Deployment, deploying, synthesize
from .matrix import Matrix

pytestmark = pytest.mark.local

SCENARIOS = {
    name: import_module(f"{scenarios.__name__}.{name}").steps
    for _, name, _ in iter_modules(scenarios.__path__)
}
TYPES = set((ROOT / "modules" / "_aws" / "resources.txt").read_text(encoding="utf-8").split())
"""All types of resources that modules may make."""
ELSEWHERE = {
    "aws_athena_named_query": "of no module",
    "aws_cloudwatch_log_resource_policy": "of no module",
    "aws_sagemaker_feature_group": "test_feature_group.py: it is changed between plans by our command",
    "aws_ssm_parameter": "test_prod.py: of the stacks, not of a module",
}
"""Types that no scenario begins with, and why."""
ALIKE = "its module makes it the same every time"
ANEW = "what its module lets vary, AWS or the provider replaces"
FIXED = {
    "aws_api_gateway_account": ALIKE,
    "aws_api_gateway_api_key": ANEW,
    "aws_api_gateway_base_path_mapping": ANEW,
    "aws_api_gateway_deployment": ANEW,
    "aws_api_gateway_gateway_response": ALIKE,
    "aws_api_gateway_integration": ALIKE,
    "aws_api_gateway_request_validator": ALIKE,
    "aws_api_gateway_resource": ANEW,
    "aws_api_gateway_usage_plan_key": ANEW,
    "aws_cognito_user_pool_client": ALIKE,
    "aws_cognito_user_pool_domain": ANEW,
    "aws_default_security_group": ALIKE,
    "aws_ecr_lifecycle_policy": ANEW,
    "aws_flow_log": ANEW,
    "aws_iam_role_policy_attachment": ANEW,
    "aws_kms_alias": ANEW,
    "aws_lambda_layer_version": ANEW,
    "aws_lambda_permission": ANEW,
    "aws_route53_record": ANEW,
    "aws_route_table": ALIKE,
    "aws_route_table_association": ALIKE,
    "aws_s3_bucket_notification": ALIKE,
    "aws_s3_bucket_ownership_controls": ALIKE,
    "aws_s3_bucket_public_access_block": ALIKE,
    "aws_s3_bucket_versioning": ALIKE,
    "aws_sagemaker_data_quality_job_definition": ANEW,
    "aws_sagemaker_endpoint_configuration": ANEW,
    "aws_sagemaker_human_task_ui": ANEW,
    "aws_sagemaker_image_version": ANEW,
    "aws_sagemaker_model": ANEW,
    "aws_sagemaker_model_package_group": ANEW,
    "aws_sagemaker_studio_lifecycle_config": ANEW,
    "aws_security_group": ANEW,
    "aws_sns_topic_subscription": ANEW,
    "aws_subnet": ANEW,
    "aws_vpc": ANEW,
    "aws_wafv2_web_acl_association": ANEW,
    "aws_wafv2_web_acl_logging_configuration": ALIKE,
}
"""Types of which no scenario changes a resource in place, and why."""


@pytest.fixture(scope="session")
def matrix(
    embedded_aws: process.Running, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Matrix]:
    """The scenarios of the tests that were selected, deployed together, each as far as it came."""
    users = [item for item in request.session.items if "matrix" in getattr(item, "fixturenames", ())]
    names = {item.callspec.params["name"] if hasattr(item, "callspec") else None for item in users}
    folder = tmp_path_factory.mktemp("matrix") / "stack"
    with deploying(embedded_aws, folder, "update matrix") as deployment:
        made = Matrix(
            deployment=deployment,
            scenarios={
                name: steps(deployment) for name, steps in SCENARIOS.items() if None in names or name in names
            },
        )
        made.run()
        yield made


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_is_made_changed_in_place_and_gone(name: str, matrix: Matrix) -> None:
    problem = matrix.outcomes[name]
    if problem:
        raise problem


def test_no_kind_of_resource_is_forgotten(deployment: Deployment) -> None:
    firsts = [next(steps(deployment)) for steps in SCENARIOS.values()]
    documents = [synthesize(first.build) for first in firsts]
    assert TYPES - kinds(documents) == set(ELSEWHERE)


def test_a_kind_of_resource_that_nothing_changes_in_place_is_known(matrix: Matrix) -> None:
    assert kinds(matrix.deployed.values()) - matrix.updated == set(FIXED)


def kinds(documents: Iterable[str]) -> set[str]:
    """Return the types of resources in Terraform JSON that modules may make."""
    return TYPES & {type_ for document in documents for type_ in json.loads(document)["resource"]}
