"""Checks that what a SageMaker request refers to is there: in IAM, KMS, EC2, ECR, S3 and SageMaker itself.

A member refers to something by its shape in the service model: whatever has the shape RoleArn names a role.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from sagewright.local.kinds import FACTS, Members, kind
from sagewright.local.refusal import Refused
from sagewright.local.service_models import ListShape, Shape, StructureShape, service_model

if TYPE_CHECKING:
    from sagewright.local.control_plane import ControlPlane

_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]+)|@(?P<digest>sha256:[0-9a-f]{64}))"
)
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(key|alias)/.+")


def check(plane: ControlPlane, operation: str, request: Members) -> None:
    """Raise `Refused` if a Create or Update request refers to what does not exist."""
    shape = service_model("sagemaker").operation_model(operation).input_shape
    if shape is None or not operation.startswith(("Create", "Update")):
        return
    of = operation[6:]
    own = kind(of).key if of in FACTS else ()
    for name, value in request.items():
        if name not in own:
            _check(plane, shape.members[name], value)


def deployed_image(account_id: str, image: str) -> Members:
    """Return an image as DescribeEndpoint shows it; resolved to its digest where that can be known."""
    found = _ECR_IMAGE.fullmatch(image)
    if found and found["digest"]:
        return {"SpecifiedImage": image, "ResolvedImage": image}
    if found and found["account"] == account_id:
        stored = _stored_image(found)
        if stored is not None:
            resolved = image.removesuffix(f":{found['tag']}") + f"@{stored.get_image_digest()}"
            return {"SpecifiedImage": image, "ResolvedImage": resolved}
    return {"SpecifiedImage": image}


def _check(plane: ControlPlane, shape: Shape, value: Any) -> None:
    if value is None:
        return
    if shape.name in _CHECKS:
        _CHECKS[shape.name](plane, value)
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            _check(plane, shape.members[name], member)
    elif isinstance(shape, ListShape):
        for element in value:
            _check(plane, shape.member, element)


def _refused(message: str) -> Refused:
    return Refused("ValidationException", message)


def _backend(plane: ControlPlane, service: str) -> Any:
    """Return moto's backend of a regional service in this account and region."""
    return get_backend(service)[plane.account_id][plane.region]  # type: ignore[call-overload]


def _global_backend(plane: ControlPlane, service: str) -> Any:
    return get_backend(service)[plane.account_id][get_partition(plane.region)]  # type: ignore[call-overload]


def _check_role(plane: ControlPlane, arn: str) -> None:
    if arn.split(":")[4] != plane.account_id:
        raise _refused("Cross-account pass role is not allowed.")
    if trusting_role(plane.account_id, plane.region, arn, "sagemaker.amazonaws.com") is None:
        raise _refused(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )


def trusting_role(account_id: str, region: str, arn: str, service: str) -> Any:
    """Return moto's role of an ARN if a service may assume it, else nothing."""
    roles = get_backend("iam")[account_id][get_partition(region)].roles.values()
    return next(
        (role for role in roles if role.arn == arn and _trusts(role.assume_role_policy_document, service)),
        None,
    )


def _trusts(policy: str, service: str) -> bool:
    statements = json.loads(policy).get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        services = ["*"] if principal == "*" else _listed(principal.get("Service", []))
        allows = statement["Effect"] == "Allow" and "sts:AssumeRole" in _listed(statement.get("Action"))
        if allows and (service in services or "*" in services):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_key(plane: ControlPlane, key_id: str) -> None:
    if key_id:
        check_key(plane.account_id, plane.region, key_id, _refused)


def check_key(account_id: str, region: str, key_id: str, refused: Callable[[str], Refused]) -> None:
    """Refuse a key, by id, alias or ARN, that a service could not use; one of another account is trusted."""
    if key_id.startswith("arn:"):
        arn = _KEY_ARN.fullmatch(key_id)
        if arn is None:
            raise refused(f"KMS key {key_id} does not exist.")
        if arn["region"] != region:
            raise refused(f"KMS key {key_id} is not in region {region}.")
        if arn["account"] != account_id:
            return
    kms = get_backend("kms")[account_id][region]
    name = kms.get_alias_name(key_id)
    raw_id = kms.get_key_id_from_alias(name) if name.startswith("alias/") else kms.get_key_id(key_id)
    key = kms.keys.get(raw_id or "")
    if key is None:
        raise refused(f"KMS key {key_id} does not exist.")
    if key.key_state != "Enabled":
        raise refused(f"KMS key {key_id} cannot be used: its state is {key.key_state}.")


def _check_vpc(plane: ControlPlane, vpc: Members) -> None:
    ec2 = _backend(plane, "ec2")
    subnets = {id_: subnet for zone in ec2.subnets.values() for id_, subnet in zone.items()}
    groups = {id_: group for of_vpc in ec2.groups.values() for id_, group in of_vpc.items()}
    vpc_ids = set()
    for what, known, ids in (
        ("subnet", subnets, vpc.get("Subnets") or []),
        ("security group", groups, vpc.get("SecurityGroupIds") or []),
    ):
        for id_ in ids:
            if id_ not in known:
                raise _refused(f"The {what} ID '{id_}' does not exist.")
            vpc_ids.add(known[id_].vpc_id)
    if len(vpc_ids) > 1:
        raise _refused("The subnets and security groups of a VpcConfig must be in the same VPC.")


def _check_container(plane: ControlPlane, container: Members) -> None:
    """Refuse an image that is not in ECR, unless it comes from a private registry in the VPC."""
    image = container.get("Image")
    in_vpc = (container.get("ImageConfig") or {}).get("RepositoryAccessMode") == "Vpc"
    if image and not in_vpc and not _ECR_IMAGE.fullmatch(image):
        raise _refused(f'ECR image "{image}" is invalid.')


def _check_image(plane: ControlPlane, image: str) -> None:
    found = _ECR_IMAGE.fullmatch(image)
    if found is None:
        return
    if found["region"] != plane.region:
        raise _refused(f"The image {image} must be in region {plane.region}.")
    if found["account"] == plane.account_id and _stored_image(found) is None:
        raise _refused(f"Requested image {image} not found.")


def _stored_image(found: re.Match[str]) -> Any:
    repositories = get_backend("ecr")[found["account"]][found["region"]].repositories
    repository = repositories.get(found["repository"])
    for image in repository.images if repository else []:
        if found["tag"] in image.image_tags or found["digest"] == image.get_image_digest():
            return image
    return None


def _check_model_data(plane: ControlPlane, url: str) -> None:
    found = re.fullmatch(r"s3://([^/]+)/?(.*)", url)
    if found is None:
        return
    bucket_name, key = found.groups()
    s3 = _global_backend(plane, "s3")
    if bucket_name in s3_backends.bucket_accounts:
        is_prefix = key.endswith("/") or not key
        keys = s3.get_bucket(bucket_name).keys if is_prefix else [key]
        if any(name.startswith(key) and s3.get_object(bucket_name, name) for name in keys):
            return
    raise _refused(f"Could not find model data at {url}.")


def _named(of: str) -> Callable[[ControlPlane, str], object]:
    return lambda plane, name: plane.get(of, name)


_CHECKS: Mapping[str, Callable[[ControlPlane, Any], object]] = {
    "RoleArn": _check_role,
    "KmsKeyId": _check_key,
    "VpcConfig": _check_vpc,
    "ContainerDefinition": _check_container,
    "ContainerImage": _check_image,
    "Url": _check_model_data,
    "S3ModelUri": _check_model_data,
    "ModelName": _named("Model"),
    "EndpointConfigName": _named("EndpointConfig"),
    "EndpointName": _named("Endpoint"),
}
