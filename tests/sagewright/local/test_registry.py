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


def test_put_events_delivers_what_it_can(registry: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """Stock moto fails at a target that it does not know; rules fire that are disabled or have no pattern."""
    events, sqs = registry.client("events"), registry.client("sqs")
    queue = sqs.create_queue(QueueName="approvals")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{registry.id}:approvals"
    for name, how in (
        ("all", {"EventPattern": json.dumps({"source": ["aws.sagemaker"]})}),
        ("disabled", {"EventPattern": json.dumps({"source": ["aws.sagemaker"]}), "State": "DISABLED"}),
        ("daily", {"ScheduleExpression": "rate(1 day)"}),
    ):
        events.put_rule(Name=name, **how)
        targets = [f"arn:aws:lambda:{REGION}:{registry.id}:function:f", queue_arn]
        events.put_targets(Rule=name, Targets=[{"Id": str(n), "Arn": arn} for n, arn in enumerate(targets)])
    package = add_version(registry)
    registry.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert len(messages) == 2
    assert f"rule all cannot deliver to {targets[0]}" in capsys.readouterr().err


def test_an_approval_does_not_depend_on_its_event(
    registry: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from moto.events.models import EventsBackend

    package = add_version(registry)
    monkeypatch.setattr(EventsBackend, "put_events", lambda *_: 1 / 0)
    registry.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_refused_version_uses_up_no_number(registry: Account) -> None:
    with refused("Duplicate tag key: a"):
        add_version(registry, Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])
    token = {"ClientToken": "once"}
    first = add_version(registry, **token)
    assert add_version(registry, **token) == first
    assert first.endswith("/1")
    assert add_version(registry, ClientToken="twice").endswith("/2")
    with refused("ClientToken once was used with other parameters"):
        add_version(registry, **token, ModelApprovalStatus="Approved")
    registry.sagemaker.delete_model_package(ModelPackageName=first)
    assert add_version(registry, **token).endswith("/3")


def test_an_arn_of_another_account_or_region_is_another_group(registry: Account) -> None:
    for other in (
        group_arn(registry).replace(REGION, "us-east-1"),
        group_arn(registry).replace(registry.id, "123456789012"),
    ):
        with refused(f"ModelPackageGroup {other} does not exist."):
            registry.sagemaker.describe_model_package_group(ModelPackageGroupName=other)
        with refused(f"ModelPackageGroup {other} does not exist."):
            registry.sagemaker.list_model_packages(ModelPackageGroupName=other)
    own = registry.sagemaker.describe_model_package_group(ModelPackageGroupName=group_arn(registry))
    assert own["ModelPackageGroupName"] == "churn"


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
    user = {"AWS": "arn:aws:iam::123456789012:user/ada"}
    for document, message in (
        ("{", "not valid JSON"),
        ("[]", "has no statement"),
        ('{"Statement": []}', "has no statement"),
        ('{"Statement": ["all"]}', "is no object"),
        (policy(registry, Principal=None), "lacks Principal"),
        (policy(registry, Effect="Permit"), "invalid effect: Permit"),
        *(
            (policy(registry, Principal=principal), "invalid principal")
            for principal in (
                "123456789012",
                {},
                {"AWS": "ada"},
                {"AWS": [1]},
                {"Role": "*"},
                {"Service": "s3"},
            )
        ),
    ):
        with refused(message):
            registry.sagemaker.put_model_package_group_policy(
                ModelPackageGroupName="churn", ResourcePolicy=document
            )
    for principal in ("*", user, {"AWS": ["123456789012", "*"]}, {"Service": "sagemaker.amazonaws.com"}):
        registry.sagemaker.put_model_package_group_policy(
            ModelPackageGroupName="churn", ResourcePolicy=policy(registry, Principal=principal)
        )


def test_the_policy_of_a_group_that_is_not_there_is_refused_as_the_provider_expects(account: Account) -> None:
    for call in ("get", "delete", "put"):
        document = {"ResourcePolicy": policy(account)} if call == "put" else {}
        with refused(f"Cannot find Model Package Group: {group_arn(account)}"):
            getattr(account.sagemaker, f"{call}_model_package_group_policy")(
                ModelPackageGroupName="churn", **document
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
