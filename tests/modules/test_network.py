"""Network: subnets, endpoints by feature, closed groups, flow logs, and an existing VPC."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modules.network import FEATURES, ExistingNetwork, Network, NetworkConfig, NewNetwork
from tests.conftest import Synth, Synthesized
from tests.inventory import Inventory

ACCOUNT = "111122223333"
REGION = "eu-central-1"
ZONES = (f"{REGION}a", f"{REGION}b")
EXISTING: dict[str, Any] = {
    "vpc_id": "vpc-0a1b2c3d4e5f67890",
    "subnet_ids": ("subnet-0a1b2c3d4e5f67890", "subnet-0b1b2c3d4e5f67890"),
    "security_group_ids": ("sg-0a1b2c3d4e5f67890",),
}


def new(**changes: Any) -> NewNetwork:
    return NewNetwork(**{"cidr_block": "10.40.0.0/16", "availability_zones": ZONES, **changes})


def existing(**changes: Any) -> ExistingNetwork:
    return ExistingNetwork(**{**EXISTING, **changes})


def config(**changes: Any) -> NetworkConfig:
    values = {
        "name": "acme-prod",
        "network": new(),
        "features": ("inference",),
        "region": REGION,
        "account_id": ACCOUNT,
        "kms_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "permissions_boundary_arn": f"arn:aws:iam::{ACCOUNT}:policy/acme-prod-boundary",
    }
    return NetworkConfig(**{**values, **changes})


def services(synthesized: Synthesized) -> set[str]:
    return {one["service_name"] for one in synthesized.all("aws_vpc_endpoint").values()}


def test_each_zone_has_a_private_subnet_of_its_own_range(synth: Synth) -> None:
    subnets = synth(Network, config()).all("aws_subnet")
    assert [subnet["availability_zone"] for subnet in subnets.values()] == list(ZONES)
    assert [subnet["cidr_block"] for subnet in subnets.values()] == [
        '${cidrsubnet("10.40.0.0/16", 4, 0)}',
        '${cidrsubnet("10.40.0.0/16", 4, 1)}',
    ]
    assert not any(subnet["map_public_ip_on_launch"] for subnet in subnets.values())


def test_a_zone_that_is_appended_changes_no_other(synth: Synth) -> None:
    before = synth(Network, config()).all("aws_subnet")
    after = synth(Network, config(network=new(availability_zones=(*ZONES, f"{REGION}c")))).all("aws_subnet")
    assert {name: after[name] for name in before} == before


def test_there_is_no_way_to_the_internet(synth: Synth) -> None:
    made = synth(Network, config(features=tuple(FEATURES)))
    types = {address.partition(".")[0] for address in made.addresses}
    assert not types & {
        "aws_internet_gateway",
        "aws_nat_gateway",
        "aws_egress_only_internet_gateway",
        "aws_route",
    }
    assert "route" not in made.one("aws_route_table")


def test_the_default_security_group_is_closed(synth: Synth) -> None:
    assert synth(Network, config()).one("aws_default_security_group") == {"vpc_id": "${aws_vpc.this.id}"}


def test_s3_is_reached_from_every_subnet(synth: Synth) -> None:
    made = synth(Network, config())
    table = "${aws_route_table.routes.id}"
    assert made.one("aws_vpc_endpoint", "s3")["route_table_ids"] == [table]
    associations = made.all("aws_route_table_association").values()
    assert {one["route_table_id"] for one in associations} == {table}
    assert {one["subnet_id"] for one in associations} == {
        f"${{aws_subnet.{name}.id}}" for name in made.all("aws_subnet")
    }


def test_without_features_only_s3_is_reached(synth: Synth) -> None:
    made = synth(Network, config(features=()))
    assert services(made) == {f"com.amazonaws.{REGION}.s3"}
    assert list(made.all("aws_security_group")) == ["workloads"]


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_brings_the_endpoints_of_the_services_that_it_calls(synth: Synth, feature: str) -> None:
    names = {
        f"aws.sagemaker.{REGION}.studio" if name == "studio" else f"com.amazonaws.{REGION}.{name}"
        for name in (*FEATURES[feature], "s3")
    }
    assert services(synth(Network, config(features=(feature,)))) == names


def test_features_share_endpoints(synth: Synth) -> None:
    made = synth(Network, config(features=("training", "studio")))
    assert len(services(made)) == len({*FEATURES["training"], *FEATURES["studio"], "s3"})


def test_interface_endpoints_are_private_and_in_every_zone(synth: Synth) -> None:
    endpoint = synth(Network, config()).one("aws_vpc_endpoint", "sagemaker_runtime")
    assert endpoint["private_dns_enabled"] is True
    assert len(endpoint["subnet_ids"]) == len(ZONES)


def test_only_principals_of_the_account_pass_an_endpoint(synth: Synth) -> None:
    for name, endpoint in synth(Network, config()).all("aws_vpc_endpoint").items():
        statements = {one["Sid"]: one for one in json.loads(endpoint["policy"])["Statement"]}
        own = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
        assert statements.pop("OwnPrincipals")["Condition"] == own
        assert set(statements) == ({"ImageLayers"} if name == "s3" else set())


def test_workloads_open_https_to_endpoints_and_s3_and_nothing_comes_in(synth: Synth) -> None:
    made = synth(Network, config())
    egress = made.all("aws_vpc_security_group_egress_rule")
    assert set(egress) == {"workloads_to_endpoints", "workloads_to_s3"}
    assert all(rule["security_group_id"] == "${aws_security_group.workloads.id}" for rule in egress.values())
    ingress = made.one("aws_vpc_security_group_ingress_rule")
    assert ingress["security_group_id"] == "${aws_security_group.endpoints.id}"
    assert ingress["referenced_security_group_id"] == "${aws_security_group.workloads.id}"
    assert all((rule["from_port"], rule["to_port"]) == (443, 443) for rule in (*egress.values(), ingress))


def test_all_traffic_is_logged_under_the_key(synth: Synth) -> None:
    made = synth(Network, config(flow_log_retention_days=731))
    assert made.one("aws_flow_log")["traffic_type"] == "ALL"
    group = made.one("aws_cloudwatch_log_group")
    assert group["kms_key_id"] == config().kms_key_arn
    assert group["retention_in_days"] == 731


def test_flow_logs_are_written_by_a_role_of_their_own_within_the_boundary(synth: Synth) -> None:
    made = synth(Network, config())
    assert made.one("aws_iam_role")["permissions_boundary"] == config().permissions_boundary_arn
    (trust,) = made.policy("aws_iam_role", attribute="assume_role_policy")
    assert trust["Principal"] == {"Service": ["vpc-flow-logs.amazonaws.com"]}
    writing = made.policy("aws_iam_role_policy")[0]
    assert writing["Resource"][0] == f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/vpc/acme-prod/flow-logs"


def test_an_existing_network_is_adopted_and_nothing_is_made(synth: Synth) -> None:
    made: list[Network] = []
    adopted = config(network=existing(), features=())
    synthesized = synth(lambda stack: made.append(Network(stack, "network", adopted)))
    assert synthesized.addresses == []
    outputs = made[0].outputs
    assert {name: getattr(outputs, name) for name in EXISTING} == EXISTING


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        *(
            (
                lambda block=block: new(cidr_block=block),
                f"cidr_block: supply a private range of /16 to /24 such as 10.20.0.0/16, got {block!r}",
            )
            for block in ("10.0.0.0/8", "10.0.0.0/25", "10.0.0.1/16", "8.8.0.0/16", "198.18.0.0/16", "ten")
        ),
        (lambda: new(availability_zones=ZONES[:1]), "availability_zones: supply 2 to 16, got 1"),
        (
            lambda: new(availability_zones=(ZONES[0], ZONES[0])),
            f"availability_zones: supply each once, got '{ZONES[0]}' twice",
        ),
        (
            lambda: new(availability_zones=("a", ZONES[0])),
            "availability_zones: supply a value such as eu-central-1a, got 'a'",
        ),
        (lambda: existing(vpc_id="main"), "vpc_id: supply a value such as vpc-0a1b2c3d4e5f67890, got 'main'"),
        (lambda: existing(subnet_ids=EXISTING["subnet_ids"][:1]), "subnet_ids: supply 2 to 16, got 1"),
        (
            lambda: existing(subnet_ids=tuple(f"subnet-{place:08x}" for place in range(17))),
            "subnet_ids: supply 2 to 16, got 17",
        ),
        (
            lambda: existing(subnet_ids=(EXISTING["subnet_ids"][0],) * 2),
            "subnet_ids: supply each once, got 'subnet-0a1b2c3d4e5f67890' twice",
        ),
        (
            lambda: existing(subnet_ids=("a", EXISTING["subnet_ids"][0])),
            "subnet_ids: supply a value such as subnet-0a1b2c3d4e5f67890, got 'a'",
        ),
        (lambda: existing(security_group_ids=()), "security_group_ids: supply at least one, got none"),
        (
            lambda: existing(security_group_ids=tuple(f"sg-{place:08x}" for place in range(6))),
            "security_group_ids: number of groups: supply at most 5, got 6",
        ),
        (
            lambda: existing(security_group_ids=EXISTING["security_group_ids"] * 2),
            "security_group_ids: supply each once, got 'sg-0a1b2c3d4e5f67890' twice",
        ),
        (
            lambda: existing(security_group_ids=("web",)),
            "security_group_ids: supply a value such as sg-0a1b2c3d4e5f67890, got 'web'",
        ),
        (
            lambda: config(features=("gaming",)),
            "features: supply one of api, explanation, inference, registry, training, studio, got 'gaming'",
        ),
        (
            lambda: config(features=("inference", "inference")),
            "features: supply each once, got 'inference' twice",
        ),
    ],
)
def test_a_network_that_cannot_be_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        make()
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/network", synth(Network, config()))
