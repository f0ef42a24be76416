"""The model registry: what it says of a version, and which version of a group was approved last.

It is only looked at. https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.plan.model import Unanswered
from sagewright.environment import Environment
from sagewright.errors import SagewrightError
from sagewright.project import Project
from sagewright.target import Target, choose
from sagewright.verify import Aws, NotAnswered

APPROVED = "Approved"
VERSION = re.compile(
    r"(?P<group>arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):(?P<account_id>\d{12}):"
    r"model-package/(?P<name>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}))/(?P<number>[1-9]\d{0,8})"
)
"""ARN of a version; `group` is what all versions of its group begin with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version of a model as the registry describes it."""

    arn: str
    approval: str
    """`Approved`, `Rejected` or `PendingManualApproval`."""
    status: str
    """`Completed` when it can be deployed."""
    reason: str
    """What whoever approved or rejected it wrote."""
    modified_by: str
    """Who changed it last, which includes its approval; empty where AWS does not say."""
    modified_at: str
    """When, in ISO 8601; empty where it never was."""
    metrics: Mapping[str, str]
    """Where in S3 its metrics are, by kind, and its own properties, by name."""
    images: tuple[str, ...]
    model_data_urls: tuple[str, ...]


def describe(aws: Aws, arn: str) -> Version:
    """Return what the registry says of a version; raises `NotAnswered`.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html
    """
    answer = aws.call("sagemaker", "describe_model_package", ModelPackageName=arn)
    modified_at = answer.get("LastModifiedTime")
    containers = answer.get("InferenceSpecification", {}).get("Containers", [])
    return Version(
        arn=arn,
        approval=answer.get("ModelApprovalStatus", "none"),
        status=answer["ModelPackageStatus"],
        reason=answer.get("ApprovalDescription", ""),
        modified_by=_who(answer.get("LastModifiedBy", {})),
        modified_at=modified_at.isoformat() if modified_at else "",
        metrics=dict(_metrics(answer)),
        images=_distinct(one.get("Image") for one in containers),
        model_data_urls=_distinct(map(_artifact, containers)),
    )


def newest_approved(aws: Aws, group: str) -> str | None:
    """Return the ARN of the highest approved version of a group, or nothing; raises `NotAnswered`.

    `group` is what the ARNs of its versions begin with.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModelPackages.html
    """
    request = {
        "ModelPackageGroupName": group.replace(":model-package/", ":model-package-group/"),
        "ModelApprovalStatus": APPROVED,
    }
    page = aws.call("sagemaker", "list_model_packages", **request)
    found = list(page["ModelPackageSummaryList"])
    while page.get("NextToken"):
        page = aws.call("sagemaker", "list_model_packages", **request, NextToken=page["NextToken"])
        found += page["ModelPackageSummaryList"]
    numbers = [one["ModelPackageVersion"] for one in found if one["ModelPackageStatus"] == "Completed"]
    return f"{group}/{max(numbers)}" if numbers else None


def version(target: Target, arn: str) -> Version:
    """Return what the registry says of a version, for the gate and the review.

    Raises `Unanswered` in AWS's own words.
    """
    with target.session() as session:
        try:
            return describe(Aws(session), arn)
        except NotAnswered as error:
            raise Unanswered(f"the approval of {arn}", str(error)) from None


def approval(target: Target, arn: str) -> str:
    """Return the approval status of a version, for the gate; raises `Unanswered` in AWS's own words."""
    return version(target, arn).approval


def version_here(project: Project, environment: Environment, local: bool, arn: str) -> Version:
    """Return `version`, of whatever account an environment is in; without credentials it is `Unanswered`."""
    try:
        target = choose(project, environment, local)
    except SagewrightError as error:
        raise Unanswered(f"the approval of {arn}", str(error)) from None
    return version(target, arn)


def approval_here(project: Project, environment: Environment, local: bool, arn: str) -> str:
    """Return `approval`, of whatever account an environment is in; without credentials it is `Unanswered`."""
    return version_here(project, environment, local, arn).approval


def _who(context: Mapping[str, Any]) -> str:
    """Return a user of Studio by the profile's name, anybody else by the ARN of the identity.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UserContext.html
    """
    return str(context.get("UserProfileName") or context.get("IamIdentity", {}).get("Arn") or "")


def _metrics(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for kind, sources in answer.get("ModelMetrics", {}).items():
        for name, source in sources.items():
            yield f"{kind}.{name}", source["S3Uri"]
    yield from answer.get("CustomerMetadataProperties", {}).items()


def _artifact(container: Mapping[str, Any]) -> str | None:
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    found: str | None = container.get("ModelDataUrl") or source.get("S3Uri")
    return found


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, values)))
