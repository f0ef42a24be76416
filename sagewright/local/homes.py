"""The homes of a domain's users: a file system, mount targets and security groups that SageMaker makes.

They are moto's EFS and EC2, so that whoever destroys a network finds them, as on AWS.
https://docs.aws.amazon.com/sagemaker/latest/dg/studio-tasks-manage-storage.html
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend
from moto.ec2.exceptions import InvalidSubnetIdError

from sagewright.local.control_plane import ControlPlane, Record
from sagewright.local.refusal import Refused

NFS = "2049"


def make(plane: ControlPlane, domain: Record) -> None:
    """Make the homes of a new domain in its subnets, a mount target in each zone; raises `Refused`."""
    if not domain.members.get("SubnetIds"):
        return
    efs, ec2 = _backends(plane)
    home = efs.create_file_system(
        creation_token=domain.name,
        performance_mode="generalPurpose",
        encrypted=True,
        kms_key_id=domain.members.get("KmsKeyId"),
        throughput_mode="bursting",
        provisioned_throughput_in_mibps=None,
        availability_zone_name=None,
        backup=False,
        tags=[{"Key": "ManagedByAmazonSageMakerResource", "Value": domain.arn}],
    )
    domain.members["HomeEfsFileSystemId"] = home.file_system_id
    try:
        subnets = [ec2.get_subnet(subnet_id) for subnet_id in domain.members["SubnetIds"]]
    except InvalidSubnetIdError as refusal:
        efs.delete_file_system(home.file_system_id)
        raise Refused("ValidationException", str(refusal.message)) from None
    inbound, outbound = (
        ec2.create_security_group(name, f"{name}, made by SageMaker", subnets[0].vpc_id)
        for name in _groups(domain.name)
    )
    ec2.authorize_security_group_ingress(inbound.id, "tcp", NFS, NFS, [], source_groups=_only(outbound))
    ec2.authorize_security_group_egress(outbound.id, "tcp", NFS, NFS, [], source_groups=_only(inbound))
    for subnet in {subnet.availability_zone: subnet for subnet in subnets}.values():
        efs.create_mount_target(home.file_system_id, subnet.id, security_groups=[inbound.id])


def remove(plane: ControlPlane, domain: Record) -> None:
    """Remove the homes of a domain, as far as they are still there."""
    efs, ec2 = _backends(plane)
    home_id = domain.members["HomeEfsFileSystemId"]
    for target in [each for each in efs.mount_targets_by_id.values() if each.file_system_id == home_id]:
        efs.delete_mount_target(target.mount_target_id)
    if home_id in efs.file_systems_by_id:
        efs.delete_file_system(home_id)
    made = [group for groups in ec2.groups.values() for group in groups.values()]
    for group in [group for group in made if group.name in _groups(domain.name)]:
        group.ingress_rules, group.egress_rules = [], []
        ec2.delete_security_group(group_id=group.id)


def _backends(plane: ControlPlane) -> tuple[Any, Any]:
    efs: Any = get_backend("efs")[plane.account_id][plane.region]
    return efs, efs.ec2_backend


def _groups(domain_id: str) -> tuple[str, str]:
    return f"security-group-for-inbound-nfs-{domain_id}", f"security-group-for-outbound-nfs-{domain_id}"


def _only(group: Any) -> list[dict[str, str]]:
    return [{"GroupId": group.id}]
