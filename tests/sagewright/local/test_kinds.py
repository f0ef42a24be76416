"""Every kind that the control plane serves, by its service model: create, describe, list, tag, delete."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import xform_name

from sagewright.local import listing
from sagewright.local.kinds import FACTS, kind
from sagewright.local.service_models import service_model
from tests.sagewright.local.conftest import IMAGE, REGION, Account, Server, refused
from tests.sagewright.local.requests import minimal

MODEL = service_model("sagemaker")

NEEDS = {
    "App": ("UserProfile",),
    "Endpoint": ("EndpointConfig",),
    "EndpointConfig": ("Model",),
    "ImageVersion": ("Image",),
    "MonitoringSchedule": ("DataQualityJobDefinition",),
    "Space": ("Domain",),
    "UserProfile": ("Domain",),
    "Workteam": ("Workforce",),
}
"""Kinds that must exist first, with the name churn."""
EXTRA: dict[str, dict[str, Any]] = {
    "App": {"UserProfileName": "churn", "AppName": "default"},
    "EndpointConfig": {
        "ProductionVariants": [
            {
                "VariantName": "champion",
                "ModelName": "churn",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ]
    },
    "FeatureGroup": {
        "FeatureDefinitions": [
            {"FeatureName": "id", "FeatureType": "String"},
            {"FeatureName": "at", "FeatureType": "String"},
        ],
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "OnlineStoreConfig": {"EnableOnlineStore": True},
    },
    "Model": {"PrimaryContainer": {"Image": IMAGE}},
    "ModelPackage": {"ModelPackageName": "churn"},
    "MonitoringSchedule": {
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinitionName": "churn",
            "MonitoringType": "DataQuality",
        }
    },
    "Workforce": {"CognitoConfig": {"UserPool": "eu-west-1_x", "ClientId": "x"}},
    "Workteam": {"WorkforceName": "churn"},
}
"""What a kind needs beyond what its service model requires."""


class Maker:
    """Creates resources of any kind in one account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.needed: set[str] = set()
        subnet, group = account.network()
        self.fixed: dict[str, Any] = {
            "ContainerImage": IMAGE,
            "ImageUri": IMAGE,
            "RoleArn": account.role(),
            "SecurityGroupId": group,
            "SubnetId": subnet,
            "Tag": {"Key": "Owner", "Value": "team"},
        }

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation with those members of a request that it takes."""
        shape = MODEL.operation_model(operation).input_shape
        assert shape is not None
        members = {name: value for name, value in request.items() if name in shape.members}
        answer: dict[str, Any] = getattr(self.account.sagemaker, xform_name(operation))(**members)
        return answer

    def create(self, of: str, name: str) -> dict[str, Any]:
        """Create a resource after those that it needs; return all that names it."""
        for needed in NEEDS.get(of, ()):
            if needed not in self.needed:
                self.needed.add(needed)
                self.create(needed, "churn")
        shape, key = MODEL.operation_model(f"Create{of}").input_shape, kind(of).key[-1]
        assert shape is not None
        request = {**minimal(shape, self.fixed), **EXTRA.get(of, {})}
        if key in shape.members:
            request[key] = name
        answer = self.call(f"Create{of}", request | {"Tags": [{"Key": "Owner", "Value": "team"}]})
        if of == "Domain" and name == "churn":
            self.fixed["DomainId"] = answer["DomainId"]
        if of == "ModelPackage":
            answer["ModelPackageName"] = answer["ModelPackageArn"]
        return {**request, **answer}


@pytest.fixture(scope="module")
def shared(server: Server) -> Maker:
    return Maker(Account(server, "000000000077"))


@pytest.fixture
def maker(shared: Maker, account: Account, request: pytest.FixtureRequest) -> Maker:
    """One for all kinds, but for those of which an account can have only one."""
    alone = request.node.callspec.params["of"] in ("Workforce", "Workteam")
    return Maker(account) if alone else shared


@pytest.mark.parametrize("of", FACTS)
def test_a_resource_can_be_created_described_listed_tagged_and_deleted(of: str, maker: Maker) -> None:
    found, sagemaker = kind(of), maker.account.sagemaker
    named = maker.create(of, "own")

    described = maker.call(f"Describe{of}", named)
    described = described[found.wrapper] if found.wrapper else described
    arn = described[found.arn_member]
    assert set(found.description.required_members) <= set(described)
    assert arn.startswith(f"arn:aws:sagemaker:{REGION}:{maker.account.id}:{found.arn_type}/")
    if found.created and of != "Action":
        assert described[found.status_member] == found.created[1]

    list_operation = next((name for name, listed in listing.KINDS.items() if listed == of), "")
    listed = maker.call(list_operation, named | {"MaxResults": 100})
    (rows,) = [value for value in listed.values() if isinstance(value, list)]
    assert len([row for row in rows if arn in row.values() or described[found.key[-1]] in row.values()]) == 1

    at_creation = MODEL.operation_model(f"Create{of}").input_shape
    tags = [{"Key": "Owner", "Value": "team"}] if at_creation and "Tags" in at_creation.members else []
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "Cost", "Value": "7"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["Owner"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "Cost", "Value": "7"}]

    if of == "NotebookInstance":
        maker.call("StopNotebookInstance", named)
    maker.call(f"Delete{of}", named)
    with refused("", found.missing_code):
        maker.call(f"Describe{of}", named)


@pytest.mark.parametrize("of", FACTS)
def test_the_service_model_has_the_operations_of_the_kind(of: str) -> None:
    """A misspelt kind or List operation would be served by nobody."""
    assert {f"Create{of}", f"Describe{of}", f"Delete{of}"} <= set(MODEL.operation_names)
    assert set(listing.KINDS) <= set(MODEL.operation_names)
