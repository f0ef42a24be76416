"""Plans of stacks whose inputs are not there yet."""

from __future__ import annotations

from pathlib import Path

from sagewright import environment, preview, synth
from sagewright.environment import Environment
from sagewright.project import Project
from sagewright.terraform import Terraform

from .conftest import remote_state, write_stack


def facts(project: Project) -> Environment:
    return environment.read("small", project.environments)


def test_unknown_values_become_placeholders_of_the_shape_that_the_provider_accepts(checkout: Project) -> None:
    small = facts(checkout)
    assert preview.placeholder("aws_kms_key.data.arn", small) == (
        "arn:aws:preview:eu-west-1:111122223333:aws-kms-key-data-arn"
    )
    assert preview.placeholder("aws_vpc.network.id", small) == "preview-aws-vpc-network-id"


def test_only_the_unknown_parts_of_a_value_are_filled(checkout: Project) -> None:
    filled = preview.filled(
        {"a": "x", "c": ["y"]}, {"b": True, "c": [False, True]}, "aws_x.y.id", facts(checkout)
    )
    assert filled == {"a": "x", "b": "preview-aws-x-y-id", "c": ["y", "preview-aws-x-y-id"]}


def test_a_stack_is_planned_against_what_another_will_put_out(checkout: Project) -> None:
    write_stack(
        checkout,
        "small-first",
        {
            "resource": {"terraform_data": {"thing": {"input": "known"}}},
            "output": {
                "id": {"value": "${terraform_data.thing.id}"},
                "name": {"value": "${terraform_data.thing.input}"},
                "secret": {"value": "s3cret", "sensitive": True},
            },
        },
    )
    outputs = "data.terraform_remote_state.small-first.outputs"
    write_stack(
        checkout,
        "small-second",
        {
            "data": remote_state("small-first"),
            "resource": {
                "terraform_data": {"user": {"input": [f"${{{outputs}.id}}", f"${{{outputs}.name}}"]}}
            },
        },
        "small-first",
    )
    first, second = synth.read(checkout).stacks
    terraform = Terraform(checkout, first.folder, checkout.variables())
    terraform.init()
    path = checkout.work / "plans" / "first.tfplan"
    assert terraform.plan(path)
    document = terraform.show(path)
    assert preview.changes_outputs(document)
    state = preview.state(document, facts(checkout))
    assert state["outputs"]["name"]["value"] == "known"
    assert state["outputs"]["secret"]["sensitive"] is True

    ahead = preview.prepare(second, {"small-first": state}, terraform)
    ahead.init()
    ahead.plan(checkout.work / "plans" / "second.tfplan")
    planned = ahead.show(checkout.work / "plans" / "second.tfplan")["planned_values"]["root_module"][
        "resources"
    ]
    assert planned[0]["values"]["input"] == ["preview-terraform-data-thing-id", "known"]

    terraform.apply(path)
    assert not terraform.plan(path)
    assert not preview.changes_outputs(terraform.show(path))


def test_the_placeholder_state_is_readable_by_its_owner_only(checkout: Project) -> None:
    write_stack(checkout, "small-first", {})
    write_stack(checkout, "small-second", {"data": remote_state("small-first")}, "small-first")
    second = synth.read(checkout).stacks[1]
    terraform = Terraform(checkout, second.folder, checkout.variables())
    made = preview.prepare(second, {"small-first": {"version": 4}}, terraform)
    state: Path = made.folder / "small-first.outputs.tfstate"
    assert state.stat().st_mode & 0o777 == 0o600
