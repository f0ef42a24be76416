"""A notebook instance on the embedded AWS: made, changed while it runs, and gone without a trace."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from modules.notebook_instance import LifecycleScripts, Notebook, NotebookInstance, NotebookInstanceConfig

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local

NAME = "acme-test-churn"
ADDRESS = "aws_sagemaker_notebook_instance.churn"
LIFECYCLE = "aws_sagemaker_notebook_instance_lifecycle_configuration.churn_lifecycle"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    ],
}


@pytest.fixture
def config(deployment: Deployment) -> NotebookInstanceConfig:
    """A notebook instance with what it needs: role, key, subnet, security group."""
    role = deployment.client("iam").create_role(
        RoleName="notebook", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    key = deployment.client("kms").create_key()
    ec2 = deployment.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
    return NotebookInstanceConfig(
        name=NAME,
        role_arn=role["Role"]["Arn"],
        subnet_id=subnet["SubnetId"],
        security_group_ids=(groups["SecurityGroups"][0]["GroupId"],),
        kms_key_arn=key["KeyMetadata"]["Arn"],
        account_id=deployment.account_id,
        region=REGION,
        notebook=Notebook(scripts=LifecycleScripts(on_start="#!/bin/bash\necho ${HOME}\n")),
    )


def test_a_running_instance_is_changed_in_place(
    deployment: Deployment, config: NotebookInstanceConfig
) -> None:
    sagemaker = deployment.client("sagemaker")
    deployment.plan(lambda stack: NotebookInstance(stack, "churn", config))
    deployment.apply()
    before = sagemaker.describe_notebook_instance(NotebookInstanceName=NAME)
    assert before["NotebookInstanceStatus"] == "InService"
    assert not deployment.plan(lambda stack: NotebookInstance(stack, "churn", config))

    larger = Notebook(
        instance_type="ml.t3.large",
        volume_size_gb=20,
        scripts=LifecycleScripts(on_start="#!/bin/bash\necho ${USER}\n"),
    )
    grown = replace(config, notebook=larger)
    deployment.plan(lambda stack: NotebookInstance(stack, "churn", grown))
    assert deployment.actions() == {ADDRESS: ["update"], LIFECYCLE: ["update"]}
    deployment.apply()
    after = sagemaker.describe_notebook_instance(NotebookInstanceName=NAME)
    assert after["CreationTime"] == before["CreationTime"]
    assert (after["NotebookInstanceStatus"], after["InstanceType"]) == ("InService", "ml.t3.large")
    lifecycle = sagemaker.describe_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName=NAME
    )
    assert b"USER" in base64.b64decode(lifecycle["OnStart"][0]["Content"])
    assert not deployment.plan(lambda stack: NotebookInstance(stack, "churn", grown))

    bare = replace(grown, notebook=replace(larger, scripts=None))
    deployment.plan(lambda stack: NotebookInstance(stack, "churn", bare))
    assert deployment.actions() == {ADDRESS: ["update"], LIFECYCLE: ["delete"]}

    deployment.destroy()
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    assert sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"] == []
