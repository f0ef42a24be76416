"""What SageMaker has: kinds of resources, read from its service model, and the facts that the model lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.moto_api._internal import mock_random

from sagewright.local.service_models import Shape, StringShape, StructureShape, service_model

Members = dict[str, Any]
"""A request, a description or an answer, as JSON has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What AWS does with a kind beyond what its service model says."""

    missing: str = "{kind} {name} does not exist."
    """Message when there is none; terraform-provider-aws knows some kinds by it."""
    missing_code: str = ""
    """Code of that error, where it is not the one that the service model declares."""
    taken: str = "{kind} {arn} already exists."
    """Message when the name is in use."""
    key: tuple[str, ...] = ()
    """Members that identify one, where Describe does not require exactly them."""
    arn_type: str = ""
    """Resource type in the ARN, where it is not the kind in kebab case."""
    arn_in_lower_case: bool = False
    any_case: bool = False
    """Names that differ only in case are the same."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Request member → description member."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What AWS fills in where the request has nothing."""
    generated: Mapping[str, Callable[[Members], Any]] = field(default_factory=dict)
    """What AWS makes at creation, from the description."""
    merged: tuple[str, ...] = ()
    """Structures of which an update changes only the members that it names."""
    parent: str = ""
    """Kind that must exist first; the request names it."""
    blocks_parent: bool = True
    """The parent cannot be deleted while it has any of these."""


def hexadecimal(length: int) -> str:
    """Return random digits, as AWS uses in ids; seedable with moto's seed API."""
    return str(mock_random.get_random_hex(length))


def _id(member: str, prefix: str, length: int = 12) -> Mapping[str, Callable[[Members], str]]:
    return {member: lambda _: prefix + hexadecimal(length)}


def _missing_by_arn(noun: str) -> str:
    return f'Could not find {noun} "{{arn}}".'


def _taken_by_arn(noun: str) -> str:
    return f'Cannot create already existing {noun} "{{arn}}".'


def _hosting(noun: str, **facts: Any) -> Facts:
    missing, taken = _missing_by_arn(noun), _taken_by_arn(noun)
    return Facts(missing=missing, taken=taken, arn_in_lower_case=True, **facts)


_NOTEBOOK_DEFAULTS = {
    "DirectInternetAccess": "Enabled",
    "RootAccess": "Enabled",
    "VolumeSizeInGB": 5,
    "PlatformIdentifier": "notebook-al2023-v1",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
}

FACTS: Mapping[str, Facts] = {
    "Action": Facts(),
    "AIWorkloadConfig": Facts(),
    "App": Facts(key=("DomainId", "UserProfileName|SpaceName", "AppType", "AppName"), parent="Domain"),
    "AppImageConfig": Facts(),
    "Artifact": Facts(key=("ArtifactArn",)),
    "ClusterSchedulerConfig": Facts(
        generated=_id("ClusterSchedulerConfigId", ""), defaults={"ClusterSchedulerConfigVersion": 1}
    ),
    "CodeRepository": Facts(missing="Cannot find CodeRepository: {arn}", merged=("GitConfig",)),
    "ComputeQuota": Facts(generated=_id("ComputeQuotaId", ""), defaults={"ComputeQuotaVersion": 1}),
    "Context": Facts(),
    "DataQualityJobDefinition": Facts(),
    "DeviceFleet": Facts(
        missing="No devicefleet with name {name} found in the account.", missing_code="ValidationException"
    ),
    "Domain": Facts(
        generated={
            **_id("DomainId", "d-"),
            **_id("HomeEfsFileSystemId", "fs-", 17),
            "HomeEfsFileSystemKmsKeyId": lambda domain: domain.get("KmsKeyId"),
        },
        defaults={"AppNetworkAccessType": "PublicInternetOnly"},
        merged=("DomainSettings",),
        renamed={"DomainSettingsForUpdate": "DomainSettings"},
    ),
    "Endpoint": _hosting("endpoint", any_case=True),
    "EndpointConfig": _hosting("endpoint configuration", defaults={"EnableNetworkIsolation": False}),
    "FeatureGroup": Facts(defaults={"ThroughputConfig": {"ThroughputMode": "OnDemand"}, "NextToken": ""}),
    "FlowDefinition": Facts(),
    "Hub": Facts(),
    "HumanTaskUi": Facts(),
    "Image": Facts(),
    "ImageVersion": Facts(key=("ImageName", "Version"), parent="Image", blocks_parent=False),
    "MlflowApp": Facts(key=("Arn",), defaults={"MlflowVersion": "3.0"}),
    "MlflowTrackingServer": Facts(
        defaults={
            "TrackingServerSize": "Small",
            "MlflowVersion": "2.16.2",
            "AutomaticModelRegistration": False,
            "WeeklyMaintenanceWindowStart": "Mon:12:00",
            "IsActive": "Active",
        },
        generated={"TrackingServerUrl": lambda _: f"https://{hexadecimal(12)}.experiments.sagemaker.aws"},
    ),
    "Model": _hosting("model", defaults={"EnableNetworkIsolation": False}),
    "ModelBiasJobDefinition": Facts(),
    "ModelExplainabilityJobDefinition": Facts(),
    "ModelPackage": Facts(
        key=("ModelPackageArn",),
        missing="ModelPackage {arn} does not exist.",
        taken="Model package already exists: {arn}",
        defaults={"CreatedBy": {}},
    ),
    "ModelPackageGroup": Facts(
        missing="ModelPackageGroup {arn} does not exist.",
        taken="Model Package Group already exists: {arn}",
        defaults={"CreatedBy": {}},
    ),
    "ModelQualityJobDefinition": Facts(),
    "MonitoringSchedule": Facts(),
    "NotebookInstance": Facts(
        missing="RecordNotFound: {arn}",
        renamed={
            "SecurityGroupIds": "SecurityGroups",
            "LifecycleConfigName": "NotebookInstanceLifecycleConfigName",
        },
        defaults=_NOTEBOOK_DEFAULTS,
    ),
    "NotebookInstanceLifecycleConfig": Facts(
        missing="RecordNotFound: Unable to describe Notebook Instance Lifecycle Config '{arn}'."
    ),
    "Project": Facts(missing="Project does not exist: {arn}", generated=_id("ProjectId", "p-")),
    "Space": Facts(parent="Domain", defaults={"HomeEfsFileSystemUid": "200001"}),
    "StudioLifecycleConfig": Facts(),
    "UserProfile": Facts(parent="Domain", defaults={"HomeEfsFileSystemUid": "200005"}),
    "Workforce": Facts(missing="No workforce found: {name}", arn_type="workforce/private-crowd"),
    "Workteam": Facts(missing="The work team {arn} does not exist.", arn_type="workteam/private-crowd"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of resource: Endpoint, Model, Domain, …"""

    name: str
    facts: Facts
    description: StructureShape
    """What Describe answers."""
    wrapper: str
    """Member in which Describe wraps the description; empty when it does not."""
    key: tuple[str, ...]
    """Members of the description that identify one; `A|B` is whichever is there."""
    arn_member: str
    arn_type: str
    status_member: str
    """Empty when the kind has no status."""
    missing_code: str
    taken_code: str

    @property
    def statuses(self) -> list[str]:
        """All values of the status."""
        return _enumeration(self.description, self.status_member)

    def status(self, *preferred: str) -> str | None:
        """Return the first of these statuses that the kind has."""
        return next((status for status in preferred if status in self.statuses), None)

    @property
    def created(self) -> tuple[str, str] | None:
        """Status while it is created, and when that is done."""
        settled = self.status(*_SETTLED)
        return (self.status(*_CREATING) or settled, settled) if settled else None

    @property
    def updated(self) -> tuple[str, str] | None:
        """Status while it is updated, and when that is done."""
        settled = self.status("Updated", "UpdateCompleted", *_SETTLED)
        return (self.status(*_UPDATING) or settled, settled) if settled else None


_SETTLED = (
    *("InService", "Completed", "CREATED", "Created", "CreateCompleted", "Active", "Scheduled"),
    *("Available", "Running"),
)
_CREATING = ("Creating", "CREATING", "CreateInProgress", "Initializing", "Pending")
_UPDATING = ("Updating", "UPDATING", "UpdateInProgress")


@cache
def kind(name: str) -> Kind:
    """Read a kind from the service model of SageMaker and from `FACTS`."""
    model, facts = service_model("sagemaker"), FACTS[name]
    describe, create = model.operation_model(f"Describe{name}"), model.operation_model(f"Create{name}")
    description, wrapper = _unwrapped(describe.output_shape)
    assert describe.input_shape is not None
    answer = create.output_shape.members if create.output_shape else {}
    arn_member = next(
        member for member in (*answer, f"{name}Arn", *description.members) if member.endswith("Arn")
    )
    return Kind(
        name=name,
        facts=facts,
        description=description,
        wrapper=wrapper,
        key=facts.key or tuple(describe.input_shape.required_members),
        arn_member=arn_member,
        arn_type=facts.arn_type or _kebab_case(name),
        status_member=next(
            (
                member
                for member in (f"{name}Status", f"{name.removeprefix('Mlflow')}Status", "Status")
                if _enumeration(description, member)
            ),
            "",
        ),
        missing_code=facts.missing_code or _declared(describe.error_shapes, "ResourceNotFound"),
        taken_code=_declared(create.error_shapes, "ResourceInUse", "ConflictException"),
    )


def _unwrapped(output: Shape | None) -> tuple[StructureShape, str]:
    """Return the shape that describes a resource, and the member that wraps it, if one does."""
    assert isinstance(output, StructureShape)
    wrapper, only = next(iter(output.members.items()))
    if len(output.members) == 1 and isinstance(only, StructureShape):
        return only, wrapper
    return output, ""


def _enumeration(shape: StructureShape, member: str) -> list[str]:
    found = shape.members.get(member)
    return list(found.enum) if isinstance(found, StringShape) else []


def _declared(errors: list[Shape], *wanted: str) -> str:
    names = [error.name for error in errors]
    return next((code for code in wanted if code in names), "ValidationException")


def _kebab_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
