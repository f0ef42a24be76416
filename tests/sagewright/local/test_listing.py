"""List operations: filters, order, pages."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.sagewright.local.conftest import Account, refused

NAMES = [f"group-{number:02}" for number in range(12)]


@pytest.fixture
def groups(account: Account) -> Account:
    for name in NAMES:
        account.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return account


def names(account: Account, **request: object) -> list[str]:
    answer = account.sagemaker.list_model_package_groups(**request)
    return [group["ModelPackageGroupName"] for group in answer["ModelPackageGroupSummaryList"]]


def test_a_page_has_ten_unless_the_request_says(groups: Account) -> None:
    assert names(groups) == NAMES[:10]
    assert names(groups, MaxResults=100) == NAMES


def test_paginators_see_all(groups: Account) -> None:
    paginator = groups.sagemaker.get_paginator("list_model_package_groups")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["ModelPackageGroupSummaryList"]) for page in pages] == [5, 5, 2]
    assert "NextToken" not in pages[-1]


def test_a_token_belongs_to_its_request(groups: Account) -> None:
    token = groups.sagemaker.list_model_package_groups(NameContains="group")["NextToken"]
    assert names(groups, NameContains="group", NextToken=token) == NAMES[10:]
    for wrong in ({"NameContains": "0", "NextToken": token}, {"NextToken": "bm8="}, {"NextToken": "no"}):
        with refused("Invalid NextToken"):
            names(groups, **wrong)


def test_order(groups: Account) -> None:
    assert names(groups, SortBy="Name", SortOrder="Descending", MaxResults=2) == NAMES[::-1][:2]
    assert names(groups, SortBy="CreationTime", SortOrder="Descending", MaxResults=1) == NAMES[-1:]


def test_the_default_order_is_that_of_the_operation(account: Account) -> None:
    for name in ("a", "b", "c"):
        account.model(name)
    listed = account.sagemaker.list_models()["Models"]
    assert [model["ModelName"] for model in listed] == ["c", "b", "a"], "newest first, as documented"


def test_filters_by_name_and_by_time(groups: Account) -> None:
    assert names(groups, NameContains="-1") == ["group-10", "group-11"]
    now = datetime.now(tz=timezone.utc)
    before, after = now - timedelta(hours=1), now + timedelta(hours=1)
    assert names(groups, CreationTimeAfter=before, CreationTimeBefore=after) == NAMES[:10]
    assert names(groups, CreationTimeAfter=after) == []
    assert names(groups, CreationTimeBefore=before) == []
    assert names(groups, CrossAccountFilterOption="CrossAccount") == []


def test_filter_by_status(account: Account) -> None:
    account.configuration()
    account.fail("CreateEndpoint", name="broken")
    account.endpoint("broken")
    account.endpoint("whole")

    def endpoints(**request: object) -> list[str]:
        listed = account.sagemaker.list_endpoints(SortBy="Name", SortOrder="Ascending", **request)[
            "Endpoints"
        ]
        return [endpoint["EndpointName"] for endpoint in listed]

    assert endpoints() == ["broken", "whole"]
    assert endpoints(StatusEquals="InService") == ["whole"]
    assert endpoints(StatusEquals="Failed") == ["broken"]
    assert account.sagemaker.list_endpoints(SortBy="Status")["Endpoints"][0]["EndpointStatus"] == "InService"


def test_a_filter_that_is_not_known_is_not_ignored(account: Account) -> None:
    with refused("does not implement ListHubs sorted by", "NotImplemented", 501):
        account.sagemaker.list_hubs(SortBy="AccountIdOwner")


def test_the_length_of_a_page_is_checked(account: Account) -> None:
    with refused("Value '101' at 'maxResults' failed to satisfy constraint: Member must have value"):
        names(account, MaxResults=101)


def test_pages_skip_nothing_while_what_they_list_is_deleted(groups: Account) -> None:
    sagemaker = groups.sagemaker
    for order in ({}, {"SortBy": "Name", "SortOrder": "Descending"}):
        seen, token = [], None
        while token != "":
            page = sagemaker.list_model_package_groups(
                MaxResults=5, **order, **({"NextToken": token} if token else {})
            )
            for group in page["ModelPackageGroupSummaryList"]:
                seen.append(group["ModelPackageGroupName"])
                sagemaker.delete_model_package_group(ModelPackageGroupName=seen[-1])
            token = page.get("NextToken", "")
        assert seen == (NAMES[::-1] if order else NAMES)
        for name in NAMES:
            sagemaker.create_model_package_group(ModelPackageGroupName=name)


def test_search_skips_nothing_while_what_it_finds_is_deleted(groups: Account) -> None:
    sagemaker = groups.sagemaker
    asked = {"Resource": "ModelPackageGroup", "SortBy": "CreationTime", "SortOrder": "Ascending"}
    first = sagemaker.search(**asked, MaxResults=5)
    for result in first["Results"]:
        name = result["ModelPackageGroup"]["ModelPackageGroupName"]
        sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    second = sagemaker.search(**asked, MaxResults=5, NextToken=first["NextToken"])
    found = [result["ModelPackageGroup"]["ModelPackageGroupName"] for result in second["Results"]]
    assert found == NAMES[5:10]


def test_list_tags_and_add_tags_of_what_is_not_there(account: Account) -> None:
    arn = f"arn:aws:sagemaker:{account.region}:{account.id}"
    tags = [{"Key": "a", "Value": "b"}]
    with refused(f'Could not find model "{arn}:model/none".'):
        account.sagemaker.list_tags(ResourceArn=f"{arn}:model/none")
    with refused(f"ModelPackageGroup {arn}:model-package-group/none does not exist."):
        account.sagemaker.add_tags(ResourceArn=f"{arn}:model-package-group/none", Tags=tags)
    with refused("does not exist", "ResourceNotFound"):
        account.sagemaker.delete_tags(ResourceArn=f"{arn}:domain/d-0", TagKeys=["a"])


def test_tag_keys_that_aws_refuses(account: Account) -> None:
    group = {"ModelPackageGroupName": "churn"}
    own, twice = (
        [{"Key": "AWS:owner", "Value": "a"}],
        [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
    )
    for tags, message in ((own, "reserved for AWS use"), (twice, "Duplicate tag key: a")):
        with refused(message):
            account.sagemaker.create_model_package_group(**group, Tags=tags)
    arn = account.sagemaker.create_model_package_group(**group)["ModelPackageGroupArn"]
    for tags, message in ((own, "reserved for AWS use"), (twice, "Duplicate tag key: a")):
        with refused(message):
            account.sagemaker.add_tags(ResourceArn=arn, Tags=tags)
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
