"""What every stack has: addresses, provider, backend, tags, the gate's lock, parameters."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cdktf import App, TerraformOutput
from constructs import Construct

from modules._aws.iam_role import IamRole
from modules._aws.ssm_parameter import SsmParameter
from sagewright.synth import places
from stacks.base import AddressedStack, wait_for
from stacks.environment import names
from tests.conftest import ROOT, Synth
from tests.stacks.conftest import Stacks

ENVIRONMENTS = names(ROOT / "environments")
PARTS = ("foundation", "training", "serving")
everywhere = pytest.mark.parametrize("name", ENVIRONMENTS)


class Pair(Construct):
    """A module of two resources."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.main = IamRole(self, "this", assume_role_policy="{}")
        IamRole(self, "other", assume_role_policy="{}")


def test_an_address_is_the_ids_on_the_way_and_the_main_resource_has_that_of_its_module(synth: Synth) -> None:
    def build(stack: AddressedStack) -> None:
        Pair(stack, "churn-v4_role")
        Pair(Construct(stack, "studio"), "eu-central-1a")

    assert synth(build).addresses == [
        "aws_iam_role.churn_v4_role",
        "aws_iam_role.churn_v4_role_other",
        "aws_iam_role.studio_eu_central_1a",
        "aws_iam_role.studio_eu_central_1a_other",
    ]


def test_two_resources_of_one_address_are_refused(synth: Synth) -> None:
    def build(stack: AddressedStack) -> None:
        Pair(stack, "churn-v4")
        Pair(stack, "churn_v4")

    with pytest.raises(
        RuntimeError, match=r"aws_iam_role\.churn_v4: supply construct ids that give different names"
    ):
        synth(build)


def test_two_types_may_share_a_name(synth: Synth) -> None:
    def build(stack: AddressedStack) -> None:
        Pair(stack, "churn")
        SsmParameter(stack, "churn_other", name="/a", type="String", insecure_value="a")

    assert {"aws_iam_role.churn_other", "aws_ssm_parameter.churn_other"} < set(synth(build).addresses)


def test_a_module_may_wait_for_another(synth: Synth) -> None:
    def build(stack: AddressedStack) -> None:
        wait_for(Pair(stack, "endpoint"), Pair(stack, "logs"))

    made = synth(build)
    assert made.one("aws_iam_role", "endpoint")["depends_on"] == ["aws_iam_role.logs"]
    assert "depends_on" not in made.one("aws_iam_role", "endpoint_other")


def test_a_module_without_a_main_resource_cannot_be_waited_for(synth: Synth) -> None:
    def build(stack: AddressedStack) -> None:
        empty = Construct(stack, "empty")
        Construct(empty, "this")
        wait_for(Pair(stack, "endpoint"), empty)

    with pytest.raises(TypeError, match="supply modules whose main resource has the id 'this'"):
        synth(build)


def test_what_crosses_stacks_is_readable_and_not_hidden(committed: Callable[[str], Stacks]) -> None:
    stacks = committed("local")
    outputs = stacks["foundation"].document["output"]
    assert outputs["aws_kms_key_data_key_arn"] == {"value": "${aws_kms_key.data_key.arn}"}
    model = stacks["serving"].one("aws_sagemaker_model", "churn_v4_model")
    reference = (
        "${data.terraform_remote_state.local_foundation.outputs.aws_security_group_network_workloads_id}"
    )
    assert model["vpc_config"]["security_group_ids"] == [reference]


def test_an_output_that_a_stack_calls_sensitive_stays_so(tmp_path: object) -> None:
    app = App(outdir=str(tmp_path))
    stack = AddressedStack(app, "one")
    TerraformOutput(stack, "password", value="x", sensitive=True)
    assert stack.to_terraform()["output"]["password"]["sensitive"] is True


@everywhere
def test_addresses_hold_no_hash(name: str, committed: Callable[[str], Stacks]) -> None:
    for stack in committed(name).values():
        named = [address.partition(".")[2] for address in (*stack.addresses, *stack.outputs)]
        assert not [one for one in named if re.search(r"_[0-9A-F]{8}$", one)]


@everywhere
def test_every_resource_tells_where_in_python_it_is_made(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    for stack in committed(name).values():
        made = places(stack.document)
        assert sorted(made) == stack.addresses
        for place in made.values():
            path, _, number = place.line.partition(":")
            assert path.startswith("stacks/"), place
            assert 0 < int(number) <= len((ROOT / path).read_text(encoding="utf-8").splitlines())


@everywhere
@pytest.mark.parametrize("part", PARTS)
def test_a_stack_is_bound_to_its_account_and_tags_everything(
    name: str, part: str, committed: Callable[[str], Stacks]
) -> None:
    document = committed(name)[part].document
    (provider,) = document["provider"]["aws"]
    assert len(provider["allowed_account_ids"]) == 1
    assert "endpoints" not in provider
    tags = provider["default_tags"][0]["tags"]
    assert set(tags) == {"Organization", "Environment", "Stack", "Owner", "CostCenter", "ManagedBy"}
    assert (tags["Environment"], tags["Stack"], tags["ManagedBy"]) == (name, part, "sagewright")


@everywhere
def test_tags_come_from_the_provider_only(name: str, committed: Callable[[str], Stacks]) -> None:
    for stack in committed(name).values():
        for named in stack.document["resource"].values():
            assert not [resource for resource in named.values() if "tags" in resource]


@pytest.mark.parametrize("part", PARTS)
def test_the_provider_has_a_floor_and_the_bindings_no_say(
    part: str, committed: Callable[[str], Stacks]
) -> None:
    required = committed("dev")[part].document["terraform"]["required_providers"]
    assert required == {"aws": {"source": "hashicorp/aws", "version": ">= 5.100.0, < 7.0.0"}}


@everywhere
@pytest.mark.parametrize("part", PARTS)
def test_no_stack_can_be_planned_past_the_gate(
    name: str, part: str, committed: Callable[[str], Stacks]
) -> None:
    lock = committed(name)[part].document["variable"]["plan_gate"]
    assert lock["default"] == ""
    (validation,) = lock["validation"]
    assert validation["condition"] == '${var.plan_gate == "sagewright"}'
    assert validation["error_message"].endswith(f"sagewright deploy -e {name}")


@pytest.mark.parametrize("part", PARTS)
def test_what_is_embedded_keeps_its_state_in_a_file(part: str, committed: Callable[[str], Stacks]) -> None:
    backend = committed("local")[part].document["terraform"]["backend"]
    assert backend == {"local": {"path": f"../../../.sagewright/state/local-{part}.tfstate"}}


@pytest.mark.parametrize("part", PARTS)
def test_all_else_keeps_it_encrypted_and_locked_in_a_bucket(
    part: str, committed: Callable[[str], Stacks]
) -> None:
    backend = committed("prod")[part].document["terraform"]["backend"]
    assert backend == {
        "s3": {
            "bucket": "acme-prod-terraform-state-888899990000",
            "key": f"prod-{part}.tfstate",
            "region": "eu-central-1",
            "use_lockfile": True,
            "allowed_account_ids": ["888899990000"],
        }
    }


@pytest.mark.parametrize("part", ["training", "serving"])
def test_stacks_read_the_state_of_others_where_it_is(part: str, committed: Callable[[str], Stacks]) -> None:
    states = committed("prod")[part].document["data"]["terraform_remote_state"]
    assert set(states) == {"prod_foundation"}
    config = states["prod_foundation"]["config"]
    assert (config["bucket"], config["key"]) == (
        "acme-prod-terraform-state-888899990000",
        "prod-foundation.tfstate",
    )


@everywhere
def test_what_other_teams_read_is_in_one_place_and_described(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    for part, stack in committed(name).items():
        parameters = stack.all("aws_ssm_parameter").values()
        assert parameters, f"{part} publishes nothing"
        for parameter in parameters:
            assert parameter["name"].startswith(f"/sagewright/{name}/")
            assert parameter["description"]
            assert parameter["type"] == ("StringList" if parameter["name"].endswith("_ids") else "String")
