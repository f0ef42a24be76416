"""The model registry: package groups, their policies, and the versions in them."""

from __future__ import annotations

import json
import sys
import traceback

from moto.events.models import events_backends

from sagewright.local import listing
from sagewright.local.control_plane import ControlPlane, Hooks, Record
from sagewright.local.kinds import Members, kind
from sagewright.local.refusal import Refused
from sagewright.local.statements import is_principal

_EVENT_MEMBERS = (
    *("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageStatus"),
    *("ModelApprovalStatus", "ModelPackageDescription", "InferenceSpecification"),
)


def find_package(plane: ControlPlane, name: str) -> Record:
    """Return a model package by its ARN, or an unversioned one by its name; raises `Refused`."""
    return plane.get("ModelPackage", plane.arn(kind("ModelPackage"), name))


def _refused(message: str) -> Refused:
    return Refused("ValidationException", message)


def _check_package(plane: ControlPlane, package: Members) -> None:
    group_name, name = package.get("ModelPackageGroupName"), package.get("ModelPackageName")
    if group_name and name:
        raise _refused(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
            "Cannot determine which one to use."
        )
    if group_name:
        _number(plane, package, plane.get("ModelPackageGroup", group_name))
    elif name:
        package["ModelPackageArn"] = plane.arn(kind("ModelPackage"), name)
    else:
        raise _refused("Missing ARN.")
    package["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}


def _number(plane: ControlPlane, package: Members, group: Record) -> None:
    """Give a package the next version of its group."""
    version = group.hidden.get("Versions", 0) + 1
    package |= {
        "ModelPackageGroupName": group.name,
        "ModelPackageName": group.name,
        "ModelPackageVersion": version,
        "ModelPackageArn": plane.arn(kind("ModelPackage"), group.name, str(version)),
    }
    package.setdefault("ModelApprovalStatus", "PendingManualApproval")


def _created_package(plane: ControlPlane, package: Record) -> None:
    """Use the version up: numbers are never given again."""
    if version := package.members.get("ModelPackageVersion"):
        plane.get("ModelPackageGroup", package.members["ModelPackageGroupName"]).hidden["Versions"] = version
    _publish(plane, package)


def _updating_package(plane: ControlPlane, package: Record, request: Members) -> None:
    properties = package.members.setdefault("CustomerMetadataProperties", {})
    for name in request.pop("CustomerMetadataPropertiesToRemove", None) or []:
        properties.pop(name, None)
    properties |= request.pop("CustomerMetadataProperties", None) or {}
    added = request.pop("AdditionalInferenceSpecificationsToAdd", None) or []
    package.members.setdefault("AdditionalInferenceSpecifications", []).extend(added)
    for name in [name for name in request if name in package.kind.description.members]:
        package.members[name] = request.pop(name)
    _publish(plane, package)


def _publish(plane: ControlPlane, package: Record) -> None:
    """Tell EventBridge: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html."""
    described = package.description()
    event = {
        "Source": "aws.sagemaker",
        "DetailType": "SageMaker Model Package State Change",
        "Resources": [package.arn],
        "Detail": json.dumps({name: described[name] for name in _EVENT_MEMBERS if name in described}),
    }
    try:
        events_backends[plane.account_id][plane.region].put_events([event])
    except Exception:
        traceback.print_exc(file=sys.stderr)


def _describe_package(plane: ControlPlane, request: Members) -> Members:
    package = find_package(plane, request["ModelPackageName"])
    package.described()
    return package.description()


def _delete_package(plane: ControlPlane, request: Members) -> Members:
    plane.delete(find_package(plane, request["ModelPackageName"]))
    return {}


def _batch_describe(plane: ControlPlane, request: Members) -> Members:
    found: Members = {}
    failed: Members = {}
    for arn in request["ModelPackageArnList"]:
        package = plane.find("ModelPackage", arn)
        if package is None:
            failed[arn] = {"ErrorCode": "ValidationException", "ErrorResponse": f"{arn} does not exist."}
        else:
            found[arn] = package.description()
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": failed}


def _deleting_group(plane: ControlPlane, group: Record) -> None:
    packages = plane.records("ModelPackage")
    if any(package.members.get("ModelPackageGroupName") == group.name for package in packages):
        message = (
            f"Model Package Group cannot be deleted because it still contains Model Packages: {group.arn}"
        )
        raise Refused("ConflictException", message)


def _group_of_policy(plane: ControlPlane, request: Members) -> Record:
    """Return the group that a policy is of; terraform-provider-aws knows a missing one by these words."""
    name = request["ModelPackageGroupName"]
    group = plane.find("ModelPackageGroup", name)
    if group is None:
        raise _refused(f"Cannot find Model Package Group: {plane.arn(kind('ModelPackageGroup'), name)}")
    return group


def _put_policy(plane: ControlPlane, request: Members) -> Members:
    group = _group_of_policy(plane, request)
    try:
        policy = json.loads(request["ResourcePolicy"])
    except ValueError:
        raise _refused("The resource policy is not valid JSON.") from None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not statements:
        raise _refused("The resource policy has no statement.")
    for statement in statements:
        _check_statement(statement)
    group.hidden["Policy"] = request["ResourcePolicy"]
    return {"ModelPackageGroupArn": group.arn}


def _check_statement(statement: object) -> None:
    if not isinstance(statement, dict):
        raise _refused("A statement of the resource policy is no object.")
    missing = {"Effect", "Principal", "Action", "Resource"} - set(statement)
    if missing:
        raise _refused(f"A statement of the resource policy lacks {', '.join(sorted(missing))}.")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise _refused(f"The resource policy has an invalid effect: {statement['Effect']}")
    if not is_principal(statement["Principal"]):
        raise _refused(f"The resource policy has an invalid principal: {json.dumps(statement['Principal'])}")


def _get_policy(plane: ControlPlane, request: Members) -> Members:
    group = _group_of_policy(plane, request)
    if "Policy" not in group.hidden:
        raise _refused(f"Cannot find resource policy for: {group.arn}")
    return {"ResourcePolicy": group.hidden["Policy"]}


def _delete_policy(plane: ControlPlane, request: Members) -> Members:
    _get_policy(plane, request)
    _group_of_policy(plane, request).hidden.pop("Policy")
    return {}


def _list_packages(plane: ControlPlane, request: Members) -> Members:
    """List versions of a group, or, by default, only packages that have no version."""
    request = dict(request)
    name = request.get("ModelPackageGroupName") or ""
    if name.startswith("arn:"):
        request["ModelPackageGroupName"] = plane.get("ModelPackageGroup", name).name
    default = "Versioned" if name else "Unversioned"
    wanted = request.pop("ModelPackageType", None) or default
    of_type = {
        "Versioned": lambda package: "ModelPackageVersion" in package.members,
        "Unversioned": lambda package: "ModelPackageVersion" not in package.members,
        "Both": lambda _: True,
    }[wanted]
    packages = list(filter(of_type, plane.records("ModelPackage")))
    return listing.answer("ListModelPackages", kind("ModelPackage"), packages, request)


def _list_groups(plane: ControlPlane, request: Members) -> Members:
    request = dict(request)
    groups = plane.records("ModelPackageGroup")
    if request.pop("CrossAccountFilterOption", None) == "CrossAccount":
        groups = []
    return listing.answer("ListModelPackageGroups", kind("ModelPackageGroup"), groups, request)


HOOKS = {
    "ModelPackage": Hooks(creating=_check_package, created=_created_package, updating=_updating_package),
    "ModelPackageGroup": Hooks(deleting=_deleting_group),
}
OPERATIONS = {
    "DescribeModelPackage": _describe_package,
    "DeleteModelPackage": _delete_package,
    "BatchDescribeModelPackage": _batch_describe,
    "ListModelPackages": _list_packages,
    "ListModelPackageGroups": _list_groups,
    "PutModelPackageGroupPolicy": _put_policy,
    "GetModelPackageGroupPolicy": _get_policy,
    "DeleteModelPackageGroupPolicy": _delete_policy,
}
