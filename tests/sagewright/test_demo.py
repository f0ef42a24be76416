"""What the demo says of an endpoint, and of an environment without any."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sagewright.demo import show, variants
from sagewright.deploy import Run
from sagewright.environment import Environment
from sagewright.local.process import Running
from sagewright.project import Project
from sagewright.steps import Steps
from sagewright.synth import Assembly, Stack
from sagewright.target import Target
from sagewright.verify import Resource


def resource(type_: str, **values: Any) -> Resource:
    return Resource(address=f"{type_}.churn", type=type_, values=values, depends_on=frozenset())


@pytest.mark.parametrize(
    ("runs_on", "said"),
    [
        (
            {"initial_instance_count": 2, "instance_type": "ml.m5.large", "serverless_config": []},
            "champion: weight 90, 2 x ml.m5.large, scales 1 to 4",
        ),
        (
            {"serverless_config": [{"memory_size_in_mb": 2048, "max_concurrency": 5}]},
            "champion: weight 90, 2048 MB, 5 at once, scales 1 to 4",
        ),
    ],
)
def test_each_variant_is_told_with_its_weight_what_it_runs_on_and_its_bounds(
    runs_on: dict[str, Any], said: str
) -> None:
    variant = {"variant_name": "champion", "initial_variant_weight": 90.0, **runs_on}
    made = [
        resource("aws_sagemaker_endpoint_configuration", name="old", production_variants=[{}]),
        resource("aws_sagemaker_endpoint_configuration", name="new", production_variants=[variant]),
        resource(
            "aws_appautoscaling_target",
            resource_id="endpoint/churn/variant/champion",
            min_capacity=1,
            max_capacity=4,
        ),
    ]
    assert variants(made, {"name": "churn", "endpoint_config_name": "new"}) == said


def test_of_an_environment_without_endpoints_none_is_looked_at(tmp_path: Path) -> None:
    url = "http://127.0.0.1:5000"
    target = Target(
        environment=Environment(
            name="local",
            organization="acme",
            account_id="111122223333",
            region="eu-central-1",
            production=False,
            protected=False,
            embedded=True,
            state_bucket=None,
            path=tmp_path / "environments" / "local.yaml",
        ),
        variables={},
        running=Running(url=url, port=5000, pid=1, started=0.0, log=tmp_path / "log"),
    )
    parts = ("foundation", "serving")
    bucket = {"address": "aws_s3_bucket.data", "mode": "managed", "type": "aws_s3_bucket", "name": "data"}
    run = Run(
        project=Project(root=tmp_path),
        target=target,
        assembly=Assembly(
            stacks=tuple(
                Stack(name=f"local-{part}", folder=tmp_path / part, dependencies=()) for part in parts
            )
        ),
        steps=Steps(Console(file=io.StringIO())),
        states={
            "local-foundation": {
                "format_version": "1.0",
                "values": {
                    "root_module": {"resources": [{**bucket, "values": {"bucket": "acme-local-data"}}]}
                },
            },
            "local-serving": {"format_version": "1.0"},
        },
    )
    said = io.StringIO()
    show(run, Console(file=said, width=100))
    assert "acme-local-data" in said.getvalue()
    assert "1 resources in all" in said.getvalue()
    assert "aws sagemaker list-endpoints" in said.getvalue()
    assert "describe-endpoint" not in said.getvalue()
