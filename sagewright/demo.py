"""What `make demo` says at its end: what exists, how to look at it, change it, and take it down."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from sagewright.deploy import Run
from sagewright.verify import Resource, resources

SHOWN = {
    "aws_vpc": "id",
    "aws_kms_alias": "name",
    "aws_s3_bucket": "bucket",
    "aws_ecr_repository": "name",
    "aws_sagemaker_model_package_group": "model_package_group_name",
    "aws_sagemaker_model": "name",
    "aws_sagemaker_endpoint": "name",
}
"""The resources that a newcomer looks for, and the attribute that names each."""


def variants(made: Sequence[Resource], endpoint: Mapping[str, Any]) -> str:
    """Return an endpoint's variants: weight, instances, scaling limits."""
    scaling = {
        each.values["resource_id"]: each.values for each in made if each.type == "aws_appautoscaling_target"
    }
    said = []
    for each in made:
        if each.type != "aws_sagemaker_endpoint_configuration":
            continue
        if each.values["name"] != endpoint["endpoint_config_name"]:
            continue
        for variant in each.values["production_variants"]:
            limits = scaling.get(f"endpoint/{endpoint['name']}/variant/{variant['variant_name']}")
            said.append(
                f"{variant['variant_name']}: weight {variant['initial_variant_weight']:g}, "
                + capacity(variant)
                + (f", scales {limits['min_capacity']} to {limits['max_capacity']}" if limits else "")
            )
    return "\n".join(said)


def capacity(variant: Mapping[str, Any]) -> str:
    """Return what a variant runs on."""
    for serverless in variant["serverless_config"]:
        return f"{serverless['memory_size_in_mb']} MB, {serverless['max_concurrency']} at once"
    return f"{variant['initial_instance_count']} x {variant['instance_type']}"


def show(run: Run, console: Console) -> None:
    """Print the tables and the commands; every command works when pasted."""
    environment, running = run.target.environment, run.target.running
    assert running is not None
    table = Table("what", title="What exists", title_justify="left")
    table.add_column("name", overflow="fold")
    table.add_column("details", overflow="fold")
    total, endpoints = 0, []
    for stack in run.assembly.of(environment.name):
        made = list(resources(run.state(stack).get("values", {}).get("root_module", {})))
        total += len(made)
        for each in made:
            if each.type in SHOWN:
                details = ""
                if each.type == "aws_sagemaker_endpoint":
                    endpoints.append(each.values["name"])
                    details = variants(made, each.values)
                kind = each.type.removeprefix("aws_").replace("_", " ")
                table.add_row(kind, str(each.values[SHOWN[each.type]]), details)
    console.print()
    console.print(table)
    console.print(f"{total} resources in all\n")
    settings = running.environment(environment.account_id, environment.region)
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())
    looks = ["aws sagemaker list-endpoints"]
    if endpoints:
        python = shlex.quote(str(run.project.root / ".venv" / "bin" / "python"))
        call = f"boto3.client('sagemaker').describe_endpoint(EndpointName='{endpoints[0]}')"
        looks.append(f"aws sagemaker describe-endpoint --endpoint-name {endpoints[0]}")
        looks.append(f'{python} -c "import boto3; print({call})"')
    shown = "\n".join(looks)
    text = f"""Look at it (any AWS tool will do; the access key id is the account id):

unset AWS_PROFILE AWS_SESSION_TOKEN
{exports}
{shown}

Change something: edit environments/local.yaml, say a variant's weight, then
make deploy ENV=local

Take it down:
make down
"""
    console.print(text, markup=False, soft_wrap=True)
