"""EC2: moto loses what a security group rule says of its other end, and takes and keeps any VPC endpoint."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule
from moto.ec2.models.vpcs import VPCBackend

from sagewright.local.refusal import Refused

_NOT_IN_BOTOCORE = {
    *("airflow.api", "airflow.env", "aps-workspaces", "codeartifact.api", "codeartifact.repositories"),
    *("ec2messages", "ecr.dkr", "ecs-agent", "ecs-telemetry", "email-smtp", "execute-api", "git-codecommit"),
    *("guardduty-data", "kinesis-firehose", "kinesis-streams", "q", "sagemaker.featurestore-runtime"),
    *("sagemaker.metrics", "ssmmessages", "sync-states"),
}
"""Endpoint services that have another name in botocore, or none.

https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
"""


def apply() -> None:
    """Mend AuthorizeSecurityGroup…, ModifySecurityGroupRules, CreateVpcEndpoint and DeleteVpcEndpoints."""
    _keep_rules()
    _refuse_endpoints()
    _forget_endpoints()


def _refuse_endpoints() -> None:
    """Refuse a VPC endpoint of a service or with a security group that does not exist."""
    create = VPCBackend.create_vpc_endpoint

    def create_vpc_endpoint(self: Any, vpc_id: str, service_name: str, *args: Any, **kwargs: Any) -> Any:
        if not _is_service(service_name, self.region_name):
            message = f"The Vpc Endpoint Service '{service_name}' does not exist"
            raise Refused("InvalidServiceName", message)
        for group_id in kwargs.get("security_group_ids") or []:
            if self.get_security_group_from_id(group_id) is None:
                raise Refused("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        return create(self, vpc_id, service_name, *args, **kwargs)

    VPCBackend.create_vpc_endpoint = create_vpc_endpoint  # type: ignore[method-assign]


def _is_service(name: str, region: str) -> bool:
    """Return whether there is an endpoint service; those of other accounts are taken on trust."""
    if name.startswith(f"com.amazonaws.vpce.{region}."):
        return True
    if found := re.fullmatch(rf"aws\.sagemaker\.{region}\.(.+)", name):
        return found[1] in ("experiments", "notebook", "partner-app", "studio")
    found = re.fullmatch(rf"com\.amazonaws\.{region}\.(.+?)(-fips)?", name)
    return found is not None and found[1] in _services()


@cache
def _services() -> frozenset[str]:
    """Return the services of AWS as VPC endpoints name them: `ecr.api` for the host `api.ecr`."""
    session = botocore.session.Session()
    partitions = session.get_data("endpoints")["partitions"]
    hosts = {host for partition in partitions for host in partition["services"]}
    reversed_hosts = {".".join(reversed(host.split("."))) for host in hosts}
    return frozenset(hosts | reversed_hosts | set(session.get_available_services()) | _NOT_IN_BOTOCORE)


def _forget_endpoints() -> None:
    """Let a deleted VPC endpoint be gone, as it is on AWS after a while."""
    delete = VPCBackend.delete_vpc_endpoints

    def delete_vpc_endpoints(self: Any, vpce_ids: list[str] | None = None) -> None:
        delete(self, vpce_ids)
        for id_ in vpce_ids or []:
            self.vpc_end_points.pop(id_, None)

    VPCBackend.delete_vpc_endpoints = delete_vpc_endpoints  # type: ignore[method-assign]


def _keep_rules() -> None:
    """Keep description and other end of security group rules."""
    initialise, modify = SecurityGroupRule.__init__, SecurityGroupBackend.modify_security_group_rules

    def create(self: Any, *args: Any, **kwargs: Any) -> None:
        initialise(self, *args, **kwargs)
        ends = [each for each in (*args, *kwargs.values()) if isinstance(each, dict)]
        self.prefix_list = next((end for end in ends if "PrefixListId" in end), {})

    def describe(self: Any) -> str | None:
        ends = (self.ip_range, self.source_group, self.prefix_list)
        return next((end["Description"] for end in ends if end.get("Description")), None)

    def change(self: Any, group_id: str, rules: dict[str, dict[str, Any]]) -> None:
        for wanted in rules.values():
            if wanted.get("IpProtocol") == "-1":
                wanted |= {"FromPort": -1, "ToPort": -1}
        modify(self, group_id, rules)
        group = self.get_security_group_by_name_or_id(group_id)
        for rule_id, wanted in rules.items():
            _set_end(group.get_rule(rule_id), wanted)

    SecurityGroupRule.__init__ = create  # type: ignore[method-assign]
    SecurityGroupRule.description = property(describe)  # type: ignore[assignment,method-assign]
    SecurityGroupBackend.modify_security_group_rules = change  # type: ignore[method-assign]


def _set_end(rule: Any, wanted: dict[str, Any]) -> None:
    """Make the other end of a rule what the request says, and nothing else."""
    description = {"Description": wanted["Description"]} if wanted.get("Description") else {}
    rule.ip_range, rule.source_group, rule.prefix_list, rule.prefix_list_id = {}, {}, {}, None
    if wanted.get("CidrIpv4"):
        rule.ip_range = {"CidrIp": wanted["CidrIpv4"], **description}
    elif wanted.get("CidrIpv6"):
        rule.ip_range = {"CidrIpv6": wanted["CidrIpv6"], **description}
    elif wanted.get("ReferencedGroupId"):
        rule.source_group = {"GroupId": wanted["ReferencedGroupId"], **description}
    else:
        rule.prefix_list_id = wanted["PrefixListId"]
        rule.prefix_list = {"PrefixListId": wanted["PrefixListId"], **description}
    if rule.ip_protocol == "-1":
        rule.from_port = rule.to_port = None
