"""What else moto answers wrongly for the resources that Sagewright deploys, named by operation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sagewright.local.conftest import TRUST_SAGEMAKER, Account, Server, refused


def test_update_role_keeps_the_description(account: Account) -> None:
    account.role()
    iam = account.client("iam")
    iam.update_role(RoleName="model", Description="serves models")
    iam.update_role(RoleName="model", MaxSessionDuration=7200)
    role = iam.get_role(RoleName="model")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("serves models", 7200)
    iam.update_role(RoleName="model", Description="")
    assert not iam.get_role(RoleName="model")["Role"].get("Description")


def test_put_image_scanning_configuration_can_switch_off(account: Account) -> None:
    ecr = account.client("ecr")
    on, off = {"scanOnPush": True}, {"scanOnPush": False}
    ecr.create_repository(repositoryName="models", imageScanningConfiguration=on)
    ecr.put_image_scanning_configuration(repositoryName="models", imageScanningConfiguration=off)
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["imageScanningConfiguration"] == off


def test_create_role_refuses_a_trust_policy_that_trusts_nobody(account: Account) -> None:
    iam = account.client("iam")
    statement = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    with refused("invalid Json", "MalformedPolicyDocument"):
        iam.create_role(RoleName="model", AssumeRolePolicyDocument="{")
    trusts: list[Any] = [{}, [], {"Statement": []}, {"Statement": "all"}, {"Statement": [statement]}]
    for trust in trusts:
        with refused("Syntax errors in policy.", "MalformedPolicyDocument"):
            account.role(trust=trust)
    account.role()
    with refused("Syntax errors in policy.", "MalformedPolicyDocument"):
        iam.update_assume_role_policy(RoleName="model", PolicyDocument="{}")


def test_create_role_refuses_a_permissions_boundary_that_is_not_there(account: Account) -> None:
    iam = account.client("iam")
    missing = f"arn:aws:iam::{account.id}:policy/none"
    trust = json.dumps(TRUST_SAGEMAKER)
    with refused(f"Scope ARN: {missing} does not exist", "NoSuchEntity", 404):
        iam.create_role(RoleName="model", AssumeRolePolicyDocument=trust, PermissionsBoundary=missing)
    aws = "arn:aws:iam::aws:policy/AmazonSageMakerReadOnly"
    iam.create_role(RoleName="model", AssumeRolePolicyDocument=trust, PermissionsBoundary=aws)
    with refused(f"Scope ARN: {missing} does not exist", "NoSuchEntity", 404):
        iam.put_role_permissions_boundary(RoleName="model", PermissionsBoundary=missing)
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    own = iam.create_policy(PolicyName="boundary", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="model", PermissionsBoundary=own)


def test_put_retention_policy_refuses_days_that_aws_does_not_have(account: Account) -> None:
    logs = account.client("logs")
    logs.create_log_group(logGroupName="a")
    with refused("Value '8' at 'retentionInDays' failed to satisfy constraint", "InvalidParameterException"):
        logs.put_retention_policy(logGroupName="a", retentionInDays=8)
    logs.put_retention_policy(logGroupName="a", retentionInDays=3653)


def test_create_log_group_and_associate_kms_key_refuse_a_key_that_is_not_there(account: Account) -> None:
    logs, key = account.client("logs"), account.key()
    for missing in (key[:-12] + "0" * 12, key.rpartition("/")[2]):
        with refused("The specified KMS key does not exist", "InvalidParameterException"):
            logs.create_log_group(logGroupName="a", kmsKeyId=missing)
    logs.create_log_group(logGroupName="a")
    with refused("The specified KMS key does not exist", "InvalidParameterException"):
        logs.associate_kms_key(logGroupName="a", kmsKeyId=key[:-12] + "0" * 12)
    with refused("The specified log group does not exist", "ResourceNotFoundException"):
        logs.associate_kms_key(logGroupName="none", kmsKeyId=key)
    logs.associate_kms_key(logGroupName="a", kmsKeyId=key)
    assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == key
    logs.disassociate_kms_key(logGroupName="a")
    assert "kmsKeyId" not in logs.describe_log_groups()["logGroups"][0]


def test_create_repository_refuses_a_key_that_is_not_there(account: Account) -> None:
    ecr, key = account.client("ecr"), account.key()
    encryption = {"encryptionType": "KMS", "kmsKey": key[:-12] + "0" * 12}
    with refused("does not exist", "KmsException"):
        ecr.create_repository(repositoryName="models", encryptionConfiguration=encryption)
    ecr.create_repository(
        repositoryName="models", encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key}
    )


PORTS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def rules(account: Account, group: str) -> list[dict[str, Any]]:
    found = account.client("ec2").describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )
    return [rule for rule in found["SecurityGroupRules"] if rule.get("Description")]


@pytest.mark.parametrize(
    ("end", "wanted"),
    [
        ({"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}, {"CidrIpv4": "10.1.0.0/16"}),
        ({"Ipv6Ranges": [{"CidrIpv6": "fd00::/8"}]}, {"CidrIpv6": "fc00::/8"}),
        ({"PrefixListIds": [{"PrefixListId": "pl-1"}]}, {"PrefixListId": "pl-2"}),
        ({"UserIdGroupPairs": [{"GroupId": "own"}]}, {"ReferencedGroupId": "own"}),
    ],
)
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_authorize_security_group_and_modify_security_group_rules_keep_descriptions(
    account: Account, direction: str, end: dict[str, Any], wanted: dict[str, str]
) -> None:
    _, group = account.network()
    ec2 = account.client("ec2")
    end = json.loads(json.dumps(end).replace('"own"', f'"{group}"'))
    wanted = json.loads(json.dumps(wanted).replace('"own"', f'"{group}"'))
    ((kind, (other,)),) = end.items()
    permission = {**PORTS, kind: [{**other, "Description": "first"}]}
    getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=[permission])
    (rule,) = rules(account, group)
    assert rule["Description"] == "first"
    ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
                "SecurityGroupRule": {**PORTS, "FromPort": 80, **wanted, "Description": "second"},
            }
        ],
    )
    (rule,) = rules(account, group)
    assert (rule["Description"], rule["FromPort"]) == ("second", 80)
    ((name, value),) = wanted.items()
    shown = rule["ReferencedGroupInfo"]["GroupId"] if name == "ReferencedGroupId" else rule[name]
    assert shown == value


def test_modify_security_group_rules_takes_a_rule_for_all_protocols(account: Account) -> None:
    _, group = account.network()
    ec2 = account.client("ec2")
    permission = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "all"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    (rule,) = rules(account, group)
    change = {"IpProtocol": "-1", "CidrIpv4": "10.0.0.0/16", "Description": "every one"}
    ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[
            {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": change}
        ],
    )
    assert [rule["Description"] for rule in rules(account, group)] == ["every one"]


def test_delete_vpc_endpoints_leaves_none(account: Account) -> None:
    subnet, _ = account.network()
    ec2 = account.client("ec2")
    vpc_id = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    name = f"com.amazonaws.{account.region}.s3"
    made = ec2.create_vpc_endpoint(VpcId=vpc_id, ServiceName=name, VpcEndpointType="Gateway")
    endpoint = made["VpcEndpoint"]["VpcEndpointId"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    with refused("", "InvalidVpcEndpointId.NotFound"):
        ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])


@pytest.mark.parametrize(
    ("service", "exists"),
    [
        ("com.amazonaws.eu-west-1.sagemaker.runtime", True),
        ("com.amazonaws.eu-west-1.sagemaker.api", True),
        ("com.amazonaws.eu-west-1.ecr.dkr", True),
        ("com.amazonaws.eu-west-1.bedrock-runtime", True),
        ("com.amazonaws.eu-west-1.kms-fips", True),
        ("aws.sagemaker.eu-west-1.studio", True),
        ("com.amazonaws.vpce.eu-west-1.vpce-svc-0", True),
        ("com.amazonaws.us-east-1.logs", False),
        ("com.amazonaws.eu-west-1.sagemaker.runtimes", False),
        ("aws.sagemaker.eu-west-1.api", False),
        ("logs", False),
    ],
)
def test_create_vpc_endpoint_refuses_an_unknown_service(account: Account, service: str, exists: bool) -> None:
    subnet, group = account.network()
    ec2 = account.client("ec2")
    vpc_id = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    wanted = {"VpcId": vpc_id, "VpcEndpointType": "Interface", "ServiceName": service, "SubnetIds": [subnet]}
    if exists:
        ec2.create_vpc_endpoint(**wanted, SecurityGroupIds=[group])
        with refused("The security group 'sg-0' does not exist", "InvalidGroup.NotFound"):
            ec2.create_vpc_endpoint(**wanted, SecurityGroupIds=[group, "sg-0"])
    else:
        with refused(f"The Vpc Endpoint Service '{service}' does not exist", "InvalidServiceName"):
            ec2.create_vpc_endpoint(**wanted, SecurityGroupIds=[group])


def test_get_caller_identity_is_the_root_of_the_account(account: Account) -> None:
    identity = account.client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{account.id}:root"
    assert identity["Account"] == identity["UserId"] == account.id


def test_attach_role_policy_is_counted_per_account(server: Server, account: Account) -> None:
    """The policies of AWS are the same object in no two accounts."""
    arn = "arn:aws:iam::aws:policy/AmazonSageMakerReadOnly"
    account.role()
    account.client("iam").attach_role_policy(RoleName="model", PolicyArn=arn)
    other = Account(server, "000000000002")
    for each, count in ((account, 1), (other, 0)):
        assert each.client("iam").get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == count
