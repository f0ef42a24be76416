"""Model package groups, their policies, and the versions in them."""

from __future__ import annotations

import json

import pytest

from tests.sagewright.local.conftest import REGION, Account, refused


@pytest.fixture
def registry(account: Account) -> Account:
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    return account


def group_arn(account: Account, name: str = "churn") -> str:
    return f"arn:aws:sagemaker:{REGION}:{account.id}:model-package-group/{name}"


def add_version(account: Account, **members: object) -> str:
    answer = account.sagemaker.create_model_package(ModelPackageGroupName="churn", **members)
    return str(answer["ModelPackageArn"])


def policy(account: Account, **changes: object) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": ["sagemaker:DescribeModelPackageGroup"],
        "Resource": group_arn(account),
        **changes,
    }
    statement = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_versions_are_numbered_and_never_reused(registry: Account) -> None:
    first, second = add_version(registry), add_version(registry)
    assert first == group_arn(registry).replace("package-group", "package") + "/1"
    registry.sagemaker.delete_model_package(ModelPackageName=second)
    third = add_version(registry)
    described = registry.sagemaker.describe_model_package(ModelPackageName=third)
    assert described["ModelPackageVersion"] == 3
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["ModelPackageStatus"] == "Completed"
    assert described["ModelPackageGroupName"] == "churn"


def test_an_approval_is_an_event(registry: Account) -> None:
    events, sqs = registry.client("events"), registry.client("sqs")
    queue = sqs.create_queue(QueueName="approvals")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{registry.id}:approvals"
    events.put_rule(Name="approvals", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    events.put_targets(Rule="approvals", Targets=[{"Id": "queue", "Arn": queue_arn}])
    package = add_version(registry)
    registry.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    details = [json.loads(message["Body"])["detail"] for message in messages]
    assert [detail["ModelApprovalStatus"] for detail in details] == ["PendingManualApproval", "Approved"]


def test_metadata_is_added_to_and_removed(registry: Account) -> None:
    package = add_version(registry, CustomerMetadataProperties={"auc": "0.9", "data": "a"})
    registry.sagemaker.update_model_package(
        ModelPackageArn=package,
        CustomerMetadataProperties={"data": "b"},
        CustomerMetadataPropertiesToRemove=["auc"],
    )
    described = registry.sagemaker.describe_model_package(ModelPackageName=package)
    assert described["CustomerMetadataProperties"] == {"data": "b"}


def test_versions_are_listed_by_group_and_by_approval(registry: Account) -> None:
    add_version(registry, ModelApprovalStatus="Approved")
    add_version(registry)
    registry.sagemaker.create_model_package(ModelPackageName="alone")

    def listed(**request: object) -> list[object]:
        packages = registry.sagemaker.list_model_packages(**request)["ModelPackageSummaryList"]
        return [package.get("ModelPackageVersion") for package in packages]

    assert listed() == [None], "by default, packages without a version only"
    assert listed(ModelPackageGroupName="churn") == [1, 2]
    assert listed(ModelPackageGroupName=group_arn(registry)) == [1, 2]
    assert listed(ModelPackageGroupName="churn", ModelApprovalStatus="Approved") == [1]
    assert len(listed(ModelPackageType="Both")) == 3


def test_several_packages_are_described_at_once(registry: Account) -> None:
    package = add_version(registry)
    missing = f"{package[:-1]}9"
    answer = registry.sagemaker.batch_describe_model_package(ModelPackageArnList=[package, missing])
    assert list(answer["ModelPackageSummaries"]) == [package]
    assert list(answer["BatchDescribeModelPackageErrorMap"]) == [missing]


def test_a_package_is_in_a_group_or_has_a_name(registry: Account) -> None:
    with refused("Both ModelPackageName and ModelPackageGroupName are provided"):
        add_version(registry, ModelPackageName="alone")
    with refused("Missing ARN."):
        registry.sagemaker.create_model_package()
    with refused(f"{group_arn(registry, 'none')} does not exist"):
        registry.sagemaker.create_model_package(ModelPackageGroupName="none")


def test_a_group_with_versions_cannot_be_deleted(registry: Account) -> None:
    package = add_version(registry)
    with refused("still contains Model Packages", "ConflictException"):
        registry.sagemaker.delete_model_package_group(ModelPackageGroupName="churn")
    registry.sagemaker.delete_model_package(ModelPackageName=package)
    registry.sagemaker.delete_model_package_group(ModelPackageGroupName="churn")
    with refused("does not exist"):
        registry.sagemaker.describe_model_package_group(ModelPackageGroupName="churn")


def test_a_group_exists_once(registry: Account) -> None:
    with refused(f"Model Package Group already exists: {group_arn(registry)}"):
        registry.sagemaker.create_model_package_group(ModelPackageGroupName="churn")


def test_a_policy_is_kept_as_it_was_given(registry: Account) -> None:
    name = {"ModelPackageGroupName": "churn"}
    with refused("Cannot find resource policy for"):
        registry.sagemaker.get_model_package_group_policy(**name)
    document = policy(registry)
    registry.sagemaker.put_model_package_group_policy(**name, ResourcePolicy=document)
    assert registry.sagemaker.get_model_package_group_policy(**name)["ResourcePolicy"] == document
    registry.sagemaker.delete_model_package_group_policy(**name)
    with refused("Cannot find resource policy for"):
        registry.sagemaker.delete_model_package_group_policy(**name)


def test_a_policy_that_is_none_is_refused(registry: Account) -> None:
    for document, message in (
        ("{", "not valid JSON"),
        ("[]", "has no statement"),
        ('{"Statement": []}', "has no statement"),
        (policy(registry, Principal=None), "lacks Principal"),
    ):
        with refused(message):
            registry.sagemaker.put_model_package_group_policy(
                ModelPackageGroupName="churn", ResourcePolicy=document
            )


def test_search_finds_by_member_and_by_tag(registry: Account) -> None:
    add_version(registry, ModelApprovalStatus="Approved")
    add_version(registry)
    registry.sagemaker.add_tags(ResourceArn=group_arn(registry), Tags=[{"Key": "Owner", "Value": "team"}])

    def found(resource: str, *filters: dict[str, str], operator: str = "And") -> int:
        expression = {"Filters": list(filters), "Operator": operator}
        wanted = {"SearchExpression": expression} if filters else {}
        answer = registry.sagemaker.search(Resource=resource, **wanted)
        assert all(set(result) == {resource} for result in answer["Results"])
        return len(answer["Results"])

    approved = {"Name": "ModelApprovalStatus", "Operator": "Equals", "Value": "Approved"}
    other = {"Name": "ModelApprovalStatus", "Operator": "NotEquals", "Value": "Approved"}
    assert found("ModelPackage") == 2
    assert found("ModelPackage", approved) == 1
    assert found("ModelPackage", approved, other) == 0
    assert found("ModelPackage", approved, other, operator="Or") == 2
    assert found("ModelPackageGroup", {"Name": "Tags.Owner", "Value": "team"}) == 1
    assert found("ModelPackageGroup", {"Name": "Tags.Owner", "Value": "other"}) == 0
    with refused("Unknown property name: Nope"):
        found("ModelPackage", {"Name": "Nope", "Value": "1"})
    with refused("does not implement Search with the operator GreaterThan", "NotImplemented", 501):
        found("ModelPackage", {"Name": "CreationTime", "Operator": "GreaterThan", "Value": "1"})
