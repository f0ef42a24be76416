"""A notebook instance: changed while it runs, its scripts too, which may also be taken away."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

from modules.notebook_instance import LifecycleScripts, Notebook, NotebookInstance, NotebookInstanceConfig

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step

NAME = "acme-test-churn"
ADDRESS = "aws_sagemaker_notebook_instance.churn"
LIFECYCLE = "aws_sagemaker_notebook_instance_lifecycle_configuration.churn_lifecycle"


def steps(account: Account) -> Iterator[Step]:
    sagemaker, network = account.client("sagemaker"), account.network()
    config = NotebookInstanceConfig(
        name=NAME,
        role_arn=account.role("notebook", "sagemaker"),
        subnet_id=network.subnet_ids[0],
        security_group_ids=network.security_group_ids,
        kms_key_arn=account.key(),
        account_id=account.account_id,
        region=REGION,
        notebook=Notebook(scripts=LifecycleScripts(on_start="#!/bin/bash\necho ${HOME}\n")),
    )
    yield Stage(lambda stack: NotebookInstance(stack, "churn", config))
    before = sagemaker.describe_notebook_instance(NotebookInstanceName=NAME)
    assert before["NotebookInstanceStatus"] == "InService"

    larger = Notebook(
        instance_type="ml.t3.large",
        volume_size_gb=20,
        scripts=LifecycleScripts(on_start="#!/bin/bash\necho ${USER}\n"),
    )
    grown = replace(config, notebook=larger)
    yield Stage(
        lambda stack: NotebookInstance(stack, "churn", grown), {ADDRESS: ["update"], LIFECYCLE: ["update"]}
    )
    after = sagemaker.describe_notebook_instance(NotebookInstanceName=NAME)
    assert after["CreationTime"] == before["CreationTime"]
    assert (after["NotebookInstanceStatus"], after["InstanceType"]) == ("InService", "ml.t3.large")
    lifecycle = sagemaker.describe_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName=NAME
    )
    assert b"USER" in base64.b64decode(lifecycle["OnStart"][0]["Content"])

    bare = replace(grown, notebook=replace(larger, scripts=None))
    yield Stage(
        lambda stack: NotebookInstance(stack, "churn", bare), {ADDRESS: ["update"], LIFECYCLE: ["delete"]}
    )

    yield Gone()
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    assert sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"] == []
