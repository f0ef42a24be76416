"""A network: a zone and a feature are added beside what is there, flow logs are kept longer in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modules._core import Statement, document
from modules.network import Network, NetworkConfig, NewNetwork

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test"


def steps(account: Account) -> Iterator[Step]:
    ec2, logs = account.client("ec2"), account.client("logs")
    network = NewNetwork(cidr_block="10.40.0.0/16", availability_zones=(f"{REGION}a", f"{REGION}b"))
    boundary = account.client("iam").create_policy(
        PolicyName="network", PolicyDocument=document(Statement(actions=("logs:*",), resources=("*",)))
    )
    config = NetworkConfig(
        name=NAME,
        network=network,
        features=("inference",),
        region=REGION,
        account_id=account.account_id,
        kms_key_arn=account.key(),
        permissions_boundary_arn=boundary["Policy"]["Arn"],
    )
    yield Stage(lambda stack: Network(stack, "network", config))
    (before,) = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [network.cidr_block]}])["Vpcs"]
    inside = [{"Name": "vpc-id", "Values": [before["VpcId"]]}]

    zones = (*network.availability_zones, f"{REGION}c")
    wider = replace(
        config,
        network=replace(network, availability_zones=zones),
        features=("inference", "registry"),
        flow_log_retention_days=731,
    )
    yield Stage(
        lambda stack: Network(stack, "network", wider),
        {
            "aws_cloudwatch_log_group.network_flow_logs": ["update"],
            "aws_route_table_association.network_routes_eu_west_1c": ["create"],
            "aws_subnet.network_subnet_eu_west_1c": ["create"],
            "aws_vpc_endpoint.network_sagemaker_api": ["create"],
            "aws_vpc_endpoint.network_sagemaker_runtime": ["update"],
        },
    )
    assert len(ec2.describe_subnets(Filters=inside)["Subnets"]) == 3
    (group,) = logs.describe_log_groups(logGroupNamePrefix=f"/aws/vpc/{NAME}/")["logGroups"]
    assert group["retentionInDays"] == 731

    yield Gone()
    assert ec2.describe_vpcs(Filters=inside)["Vpcs"] == []
    assert logs.describe_log_groups(logGroupNamePrefix="/aws/vpc/")["logGroups"] == []
    assert ec2.describe_flow_logs()["FlowLogs"] == []
