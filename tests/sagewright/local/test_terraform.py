"""The real Terraform provider meets the embedded AWS: it converges, updates in place, and leaves nothing.

What the stacks deploy is tested with them; this holds what needed a mend, and the S3 backend.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from sagewright.local.process import Running, down, up
from sagewright.project import Project, embedded
from sagewright.terraform import Terraform, TerraformFailed
from tests.conftest import ROOT
from tests.sagewright.local.conftest import IMAGE, REGION, TRUST_SAGEMAKER

pytestmark = pytest.mark.local

ACCOUNT_ID = "111122223333"
STATE_BUCKET = "acme-state"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("embedded-aws")
    yield up(folder)
    down(folder)


@pytest.fixture
def terraform(running: Running, tmp_path: Path) -> Terraform:
    """Terraform in an empty folder, pointed at the embedded AWS by its environment only."""
    project = Project(root=ROOT)
    variables = embedded(project.variables(), running.environment(ACCOUNT_ID, REGION))
    return Terraform(project, tmp_path, variables)


def client(terraform: Terraform, service: str) -> Any:
    variables = terraform.variables
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name=REGION,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="embedded",
    )


def apply(terraform: Terraform, *arguments: str) -> bool:
    """Plan and apply; tell whether anything changed."""
    plan = terraform.folder / "tfplan"
    changed = terraform.plan(plan, *arguments)
    if changed:
        terraform.apply(plan)
    return changed


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def variant(name: str, weight: str) -> dict[str, Any]:
    return {
        "variant_name": name,
        "model_name": "${aws_sagemaker_model.churn.name}",
        "instance_type": "ml.m5.large",
        "initial_instance_count": "${var.instances}",
        "initial_variant_weight": weight,
    }


PORTS = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
GROUP = {"security_group_id": "${aws_security_group.models.id}"}
FIRST = {"lifecycle": {"create_before_destroy": True}}

CONFIGURATION: dict[str, Any] = {
    "terraform": {
        "required_providers": {"aws": {"source": "hashicorp/aws"}},
        "backend": {
            "s3": {
                "bucket": STATE_BUCKET,
                "key": "stack.tfstate",
                "region": REGION,
                "encrypt": True,
                "use_lockfile": True,
                "allowed_account_ids": [ACCOUNT_ID],
            }
        },
    },
    "variable": {
        "plan_gate": {"default": ""},
        "tag": {"default": "one"},
        "revision": {"default": "a"},
        "instances": {"type": "number", "default": 2},
        "weight": {"type": "number", "default": 90},
    },
    "provider": {
        "aws": {
            "region": REGION,
            "allowed_account_ids": [ACCOUNT_ID],
            "default_tags": {"tags": {"Owner": "${var.tag}"}},
        }
    },
    "resource": {
        "aws_vpc": {"main": {"cidr_block": "10.0.0.0/16"}},
        "aws_subnet": {"main": {"vpc_id": "${aws_vpc.main.id}", "cidr_block": "10.0.0.0/24"}},
        "aws_security_group": {
            "models": {"name": "models", "description": "models", "vpc_id": "${aws_vpc.main.id}"}
        },
        "aws_vpc_security_group_egress_rule": {
            "own": {
                **GROUP,
                **PORTS,
                "description": "${var.tag}",
                "referenced_security_group_id": GROUP["security_group_id"],
            }
        },
        "aws_vpc_security_group_ingress_rule": {
            "range": {**GROUP, **PORTS, "description": "${var.tag}", "cidr_ipv4": "10.0.0.0/16"}
        },
        "aws_s3_bucket": {"data": {"bucket": "acme-data", "force_destroy": True}},
        "aws_s3_bucket_policy": {
            "data": {
                "bucket": "${aws_s3_bucket.data.id}",
                "policy": policy(
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": ["arn:aws:s3:::acme-data", "arn:aws:s3:::acme-data/*"],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ),
            }
        },
        "aws_s3_object": {
            "model": {
                "bucket": "${aws_s3_bucket_policy.data.bucket}",
                "key": "model.tar.gz",
                "content": "${var.tag}",
            }
        },
        "aws_ecr_repository": {
            "models": {
                "name": "models",
                "force_delete": True,
                "image_scanning_configuration": {"scan_on_push": '${var.tag == "one"}'},
            }
        },
        "aws_iam_role": {
            "model": {
                "name": "model",
                "description": "serves models",
                "max_session_duration": "${var.instances * 3600}",
                "assume_role_policy": json.dumps(TRUST_SAGEMAKER),
            }
        },
        "aws_sagemaker_model_package_group": {"churn": {"model_package_group_name": "churn"}},
        "aws_sagemaker_model_package_group_policy": {
            "churn": {
                "model_package_group_name": (
                    "${aws_sagemaker_model_package_group.churn.model_package_group_name}"
                ),
                "resource_policy": policy(
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
                        "Action": ["sagemaker:DescribeModelPackageGroup"],
                        "Resource": "${aws_sagemaker_model_package_group.churn.arn}",
                    }
                ),
            }
        },
        "aws_sagemaker_model": {
            "churn": {
                "name": "churn-${var.revision}",
                "execution_role_arn": "${aws_iam_role.model.arn}",
                "enable_network_isolation": True,
                "primary_container": {
                    "image": IMAGE,
                    "model_data_url": "s3://acme-data/${aws_s3_object.model.key}",
                    "environment": {"REVISION": "${var.revision}"},
                },
                "vpc_config": {
                    "subnets": ["${aws_subnet.main.id}"],
                    "security_group_ids": ["${aws_security_group.models.id}"],
                },
                **FIRST,
            }
        },
        "aws_sagemaker_endpoint_configuration": {
            "churn": {
                "name_prefix": "churn-",
                "production_variants": [
                    variant("champion", "${var.weight}"),
                    variant("challenger", "${100 - var.weight}"),
                ],
                **FIRST,
            }
        },
        "aws_sagemaker_endpoint": {
            "churn": {
                "name": "churn",
                "endpoint_config_name": "${aws_sagemaker_endpoint_configuration.churn.name}",
            }
        },
        "aws_appautoscaling_target": {
            "champion": {
                "service_namespace": "sagemaker",
                "scalable_dimension": "sagemaker:variant:DesiredInstanceCount",
                "resource_id": "endpoint/${aws_sagemaker_endpoint.churn.name}/variant/champion",
                "min_capacity": "${var.instances}",
                "max_capacity": 4,
            }
        },
        "aws_appautoscaling_policy": {
            "champion": {
                "name": "invocations",
                "policy_type": "TargetTrackingScaling",
                "service_namespace": "sagemaker",
                "scalable_dimension": "${aws_appautoscaling_target.champion.scalable_dimension}",
                "resource_id": "${aws_appautoscaling_target.champion.resource_id}",
                "target_tracking_scaling_policy_configuration": {
                    "target_value": "${var.weight}",
                    "predefined_metric_specification": {
                        "predefined_metric_type": "SageMakerVariantInvocationsPerInstance"
                    },
                },
            }
        },
    },
}


def left_over(terraform: Terraform) -> dict[str, list[Any]]:
    """Return what is in the account, of all that the configuration makes."""
    sagemaker, scaling = client(terraform, "sagemaker"), client(terraform, "application-autoscaling")
    buckets = client(terraform, "s3").list_buckets()["Buckets"]
    vpcs = client(terraform, "ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])
    return {
        "models": sagemaker.list_models()["Models"],
        "configurations": sagemaker.list_endpoint_configs()["EndpointConfigs"],
        "endpoints": sagemaker.list_endpoints()["Endpoints"],
        "groups": sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"],
        "targets": scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"],
        "policies": scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"],
        "alarms": client(terraform, "cloudwatch").describe_alarms()["MetricAlarms"],
        "roles": client(terraform, "iam").list_roles()["Roles"],
        "repositories": client(terraform, "ecr").describe_repositories()["repositories"],
        "buckets": [bucket["Name"] for bucket in buckets if bucket["Name"] != STATE_BUCKET],
        "networks": vpcs["Vpcs"],
    }


def test_it_converges_updates_in_place_and_leaves_nothing(terraform: Terraform) -> None:
    s3 = client(terraform, "s3")
    s3.create_bucket(Bucket=STATE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    (terraform.folder / "cdk.tf.json").write_text(json.dumps(CONFIGURATION))
    terraform.init()
    assert apply(terraform)
    assert not apply(terraform), "the second plan is not empty"
    endpoint = client(terraform, "sagemaker").describe_endpoint(EndpointName="churn")

    change = [f"-var={each}" for each in ("tag=two", "revision=b", "instances=3", "weight=80")]
    assert apply(terraform, *change)
    assert not apply(terraform, *change), "the second plan after the update is not empty"
    updated = client(terraform, "sagemaker").describe_endpoint(EndpointName="churn")
    assert updated["CreationTime"] == endpoint["CreationTime"], "the endpoint was replaced"
    assert [
        (each["VariantName"], each["CurrentWeight"], each["CurrentInstanceCount"])
        for each in updated["ProductionVariants"]
    ] == [("champion", 80, 3), ("challenger", 20, 3)]

    apply(terraform, "-destroy", *change)
    assert left_over(terraform) == {name: [] for name in left_over(terraform)}
    (state,) = s3.list_objects_v2(Bucket=STATE_BUCKET)["Contents"]
    assert state["Key"] == "stack.tfstate", "a lock is left"


def test_a_state_that_is_locked_is_not_planned(terraform: Terraform) -> None:
    bucket = "acme-locked-state"
    s3 = client(terraform, "s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    backend = {**CONFIGURATION["terraform"]["backend"]["s3"], "bucket": bucket}
    document = {
        "terraform": {"backend": {"s3": backend}},
        "variable": CONFIGURATION["variable"],
        "output": {"one": {"value": 1}},
    }
    (terraform.folder / "cdk.tf.json").write_text(json.dumps(document))
    terraform.init()
    lock = {"ID": "0", "Operation": "OperationTypeApply", "Who": "ada@laptop", "Version": "1.11.4"}
    s3.put_object(Bucket=bucket, Key="stack.tfstate.tflock", Body=json.dumps(lock).encode())
    with pytest.raises(TerraformFailed, match="ada@laptop"):
        apply(terraform)
    s3.delete_object(Bucket=bucket, Key="stack.tfstate.tflock")
    assert apply(terraform)


def test_what_is_not_implemented_fails_at_once(terraform: Terraform) -> None:
    """A 500 would be retried for minutes."""
    resource = {"aws_s3_bucket_metric": {"m": {"bucket": "${aws_s3_bucket.b.id}", "name": "all"}}}
    document = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "variable": CONFIGURATION["variable"],
        "provider": {"aws": {"region": REGION}},
        "resource": {"aws_s3_bucket": {"b": {"bucket": "acme-metrics"}}, **resource},
    }
    (terraform.folder / "cdk.tf.json").write_text(json.dumps(document))
    terraform.init()
    with pytest.raises(TerraformFailed, match="does not implement PutBucketMetricsConfiguration"):
        apply(terraform)


def test_an_answer_that_gets_lost_is_given_to_the_retry(terraform: Terraform) -> None:
    document = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "variable": CONFIGURATION["variable"],
        "provider": {"aws": {"region": REGION}},
        "resource": {
            "aws_iam_role": {"lost": {"name": "lost", "assume_role_policy": json.dumps(TRUST_SAGEMAKER)}},
            "aws_sagemaker_model": {
                "lost": {
                    "name": "lost",
                    "execution_role_arn": "${aws_iam_role.lost.arn}",
                    "primary_container": {"image": IMAGE},
                }
            },
        },
    }
    (terraform.folder / "cdk.tf.json").write_text(json.dumps(document))
    terraform.init()
    for operation in ("CreateRole", "CreateModel"):
        lose_answer(terraform, operation)
    assert apply(terraform)
    assert not apply(terraform)
    for operation in ("DeleteRole", "DeleteModel"):
        lose_answer(terraform, operation)
    apply(terraform, "-destroy")
    with urllib.request.urlopen(faults(terraform)) as answer:
        assert json.loads(answer.read()) == {"faults": []}


def faults(terraform: Terraform) -> str:
    return f"{terraform.variables['AWS_ENDPOINT_URL']}/sagewright/faults"


def lose_answer(terraform: Terraform, operation: str) -> None:
    fault = json.dumps({"operation": operation, "lose": True}).encode()
    with urllib.request.urlopen(faults(terraform), data=fault) as answer:
        assert answer.status == 200
