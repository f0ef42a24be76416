"""Private network: subnets over several zones, AWS reached by VPC endpoints, no internet, flow logs."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Literal

from cdktf import Fn
from constructs import Construct

from .._aws.default_security_group import DefaultSecurityGroup
from .._aws.flow_log import FlowLog
from .._aws.route_table import RouteTable
from .._aws.route_table_association import RouteTableAssociation
from .._aws.security_group import SecurityGroup
from .._aws.subnet import Subnet
from .._aws.vpc import Vpc
from .._aws.vpc_endpoint import VpcEndpoint
from .._aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from .._aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from .._core import (
    Principal,
    Statement,
    at_most,
    distinct,
    document,
    matches,
    not_empty,
    one_of,
    record,
    refuse,
    unresolved,
    when,
)
from ..log_group import LogGroup, LogGroupConfig
from ..role import Role, RoleConfig, Services

HTTPS = 443
PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
SUBNET_BITS = 4
"""A zone's subnet is a sixteenth of the VPC: its place in the list of zones decides which."""

PRIVATE_API = "execute-api"
"""Its callers may be of another account, or of none: their API asks who they are."""

FEATURES: dict[str, tuple[str, ...]] = {
    "api": (PRIVATE_API,),
    "explanation": ("sagemaker.api", "sagemaker.runtime"),
    "inference": ("sagemaker.runtime",),
    "registry": ("sagemaker.api",),
    "training": ("ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "sagemaker.api", "sts"),
    "studio": (
        "ecr.api",
        "ecr.dkr",
        "events",
        "kms",
        "logs",
        "monitoring",
        "sagemaker.api",
        "sagemaker.runtime",
        "ssm",
        "sts",
        "studio",
    ),
}
"""What is done in the network, and the AWS services that it calls from there; S3 is always there.

https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html
"""


@record
class NewNetwork:
    """A VPC of our own, with one private subnet in each zone."""

    kind: Literal["New"] = "New"
    cidr_block: str
    """Range of /16 to /24 within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, such as `10.20.0.0/16`."""
    availability_zones: tuple[str, ...]
    """Names of at least two zones. Append only: a zone's place decides its addresses."""

    def __post_init__(self) -> None:
        refuse(
            self._range(),
            distinct("availability_zones", self.availability_zones),
            when(
                not unresolved(self.availability_zones)
                and not 2 <= len(self.availability_zones) <= 2**SUBNET_BITS,
                f"availability_zones: supply 2 to {2**SUBNET_BITS}, got {len(self.availability_zones)}",
            ),
            *(
                matches("availability_zones", zone, r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "eu-central-1a")
                for zone in self.availability_zones
            ),
        )

    def _range(self) -> str | None:
        if unresolved(self.cidr_block):
            return None
        try:
            block = ipaddress.IPv4Network(self.cidr_block)
        except ValueError:
            block = None
        if block and any(map(block.subnet_of, PRIVATE)) and 16 <= block.prefixlen <= 24:
            return None
        return (
            f"cidr_block: supply a private range of /16 to /24 such as 10.20.0.0/16, got {self.cidr_block!r}"
        )


@record
class ExistingNetwork:
    """A VPC that someone else runs; nothing is made, its endpoints and flow logs are theirs."""

    kind: Literal["Existing"] = "Existing"
    vpc_id: str
    subnet_ids: tuple[str, ...]
    """Private subnets in at least two zones, 2 to 16."""
    security_group_ids: tuple[str, ...]
    """What workloads run in, 1 to 5."""

    def __post_init__(self) -> None:
        refuse(
            matches("vpc_id", self.vpc_id, r"vpc-[0-9a-f]{8,17}", "vpc-0a1b2c3d4e5f67890"),
            when(
                not unresolved(self.subnet_ids) and not 2 <= len(self.subnet_ids) <= 16,
                f"subnet_ids: supply 2 to 16, got {len(self.subnet_ids)}",
            ),
            not_empty("security_group_ids", self.security_group_ids),
            at_most("security_group_ids: number of groups", len(self.security_group_ids), 5),
            distinct("subnet_ids", self.subnet_ids),
            distinct("security_group_ids", self.security_group_ids),
            *(
                matches("subnet_ids", one, r"subnet-[0-9a-f]{8,17}", "subnet-0a1b2c3d4e5f67890")
                for one in self.subnet_ids
            ),
            *(
                matches("security_group_ids", one, r"sg-[0-9a-f]{8,17}", "sg-0a1b2c3d4e5f67890")
                for one in self.security_group_ids
            ),
        )


@record
class NetworkConfig:
    """A network for workloads, and what they do in it."""

    name: str
    """Prefix of the names of security groups, role and log group."""
    network: NewNetwork | ExistingNetwork
    features: tuple[str, ...]
    """Keys of `FEATURES`: the interface endpoints follow from these."""
    region: str
    account_id: str
    kms_key_arn: str
    """Key for the flow logs."""
    permissions_boundary_arn: str
    """Boundary of the role that writes the flow logs."""
    flow_log_retention_days: int = 365
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""

    def __post_init__(self) -> None:
        refuse(
            distinct("features", self.features),
            *(one_of("features", feature, FEATURES) for feature in self.features),
        )


@record
class NetworkOutputs:
    """What workloads need of a network."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    vpc_endpoint_ids: Mapping[str, str]
    """Interface endpoints by service, such as `execute-api`; those of an existing network are not known."""


class Network(Construct):
    """Workloads reach the AWS services of the features in use, and nothing else."""

    def __init__(self, scope: Construct, id_: str, config: NetworkConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        if isinstance(config.network, ExistingNetwork):
            self.outputs = NetworkOutputs(
                vpc_id=config.network.vpc_id,
                subnet_ids=config.network.subnet_ids,
                security_group_ids=config.network.security_group_ids,
                vpc_endpoint_ids={},
            )
        else:
            self.outputs = self._create(config.network)

    def _create(self, network: NewNetwork) -> NetworkOutputs:
        vpc = Vpc(
            self, "this", cidr_block=network.cidr_block, enable_dns_hostnames=True, enable_dns_support=True
        )
        DefaultSecurityGroup(self, "default", vpc_id=vpc.id)  # without rules: closed in both directions
        routes = RouteTable(self, "routes", vpc_id=vpc.id)
        subnets = []
        for place, zone in enumerate(network.availability_zones):
            subnet = Subnet(
                self,
                f"subnet_{zone}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=Fn.cidrsubnet(network.cidr_block, SUBNET_BITS, place),
                map_public_ip_on_launch=False,
            )
            RouteTableAssociation(self, f"routes_{zone}", subnet_id=subnet.id, route_table_id=routes.id)
            subnets.append(subnet.id)
        workloads = SecurityGroup(
            self,
            "workloads",
            name=f"{self.config.name}-workloads",
            description="Workloads: out to AWS services only, nothing comes in",
            vpc_id=vpc.id,
        )
        self._s3(vpc, routes, workloads)
        endpoints = self._interface_endpoints(vpc, subnets, workloads)
        self._flow_logs(vpc)
        return NetworkOutputs(
            vpc_id=vpc.id,
            subnet_ids=tuple(subnets),
            security_group_ids=(workloads.id,),
            vpc_endpoint_ids={service: endpoint.id for service, endpoint in endpoints.items()},
        )

    def _s3(self, vpc: Vpc, routes: RouteTable, workloads: SecurityGroup) -> None:
        """Make the gateway to S3, for principals of this account, and for the layers of ECR's images.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-setting-up-s3-gateway
        """
        region, partition = self.config.region, self.config.partition
        layers = Statement(
            sid="ImageLayers",
            principals=(Principal(kind="AWS", identifiers=("*",)),),
            actions=("s3:GetObject",),
            resources=(f"arn:{partition}:s3:::prod-{region}-starport-layer-bucket/*",),
        )
        gateway = VpcEndpoint(
            self,
            "s3",
            vpc_id=vpc.id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{region}.s3",
            route_table_ids=[routes.id],
            policy=document(self._own_principals("s3:*"), layers),
        )
        VpcSecurityGroupEgressRule(
            self,
            "workloads_to_s3",
            security_group_id=workloads.id,
            description="S3",
            prefix_list_id=gateway.prefix_list_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
        )

    def _interface_endpoints(
        self, vpc: Vpc, subnet_ids: list[str], workloads: SecurityGroup
    ) -> dict[str, VpcEndpoint]:
        services = sorted({service for feature in self.config.features for service in FEATURES[feature]})
        if not services:
            return {}
        endpoints = SecurityGroup(
            self,
            "endpoints",
            name=f"{self.config.name}-endpoints",
            description="Interface endpoints: from workloads only",
            vpc_id=vpc.id,
        )
        VpcSecurityGroupIngressRule(
            self,
            "endpoints_from_workloads",
            security_group_id=endpoints.id,
            description="Workloads",
            referenced_security_group_id=workloads.id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
        )
        VpcSecurityGroupEgressRule(
            self,
            "workloads_to_endpoints",
            security_group_id=workloads.id,
            description="Interface endpoints",
            referenced_security_group_id=endpoints.id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
        )
        return {
            service: VpcEndpoint(
                self,
                service,
                vpc_id=vpc.id,
                vpc_endpoint_type="Interface",
                service_name=self._service_name(service),
                private_dns_enabled=True,
                subnet_ids=subnet_ids,
                security_group_ids=[endpoints.id],
                policy=document(self._own_apis() if service == PRIVATE_API else self._own_principals("*")),
            )
            for service in services
        }

    def _service_name(self, service: str) -> str:
        if service == "studio":
            return f"aws.sagemaker.{self.config.region}.studio"
        return f"com.amazonaws.{self.config.region}.{service}"

    def _own_principals(self, action: str) -> Statement:
        """Let only principals of this account through: credentials of another one cannot carry data out."""
        return Statement(
            sid="OwnPrincipals",
            principals=(Principal(kind="AWS", identifiers=("*",)),),
            actions=(action,),
            resources=("*",),
            conditions={"StringEquals": {"aws:PrincipalAccount": self.config.account_id}},
        )

    def _own_apis(self) -> Statement:
        """Let requests through to the APIs of this account, whoever sends them."""
        config = self.config
        return Statement(
            sid="OwnApis",
            principals=(Principal(kind="AWS", identifiers=("*",)),),
            actions=("execute-api:Invoke",),
            resources=(f"arn:{config.partition}:execute-api:{config.region}:{config.account_id}:*",),
        )

    def _flow_logs(self, vpc: Vpc) -> None:
        config = self.config
        group = LogGroup(
            self,
            "flow_logs",
            LogGroupConfig(
                name=f"/aws/vpc/{config.name}/flow-logs",
                retention_days=config.flow_log_retention_days,
                kms_key_arn=config.kms_key_arn,
                account_id=config.account_id,
                region=config.region,
                partition=config.partition,
            ),
        )
        role = Role(
            self,
            "flow_logs_role",
            RoleConfig(
                name=f"{config.name}-flow-logs",
                description="Writes the network's flow logs",
                trust=Services(names=("vpc-flow-logs.amazonaws.com",)),
                account_id=config.account_id,
                partition=config.partition,
                permissions_boundary_arn=config.permissions_boundary_arn,
                # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
                statements=(
                    group.write(),
                    Statement(
                        actions=("logs:DescribeLogGroups",),
                        resources=(
                            f"arn:{config.partition}:logs:{config.region}:{config.account_id}:log-group:*",
                        ),
                    ),
                ),
            ),
        )
        FlowLog(
            self,
            "flow_log",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.outputs.arn,
            iam_role_arn=role.outputs.arn,
        )
