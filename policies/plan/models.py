"""Models run without a way out, in subnets of ours; what they are made of is approved."""

from __future__ import annotations

from collections.abc import Iterator

from policies.plan.model import Block, Finding, Planned, Resource, Undecided, failed, judged, passed, rule

APPROVED = "Approved"
MODEL = "aws_sagemaker_model"
NETWORK = {"subnets": "aws_subnet", "security_group_ids": "aws_security_group"}


@rule("SW_MODEL_ISOLATION")
def containers_have_no_network(model: Resource, planned: Planned) -> Finding:
    """Ask for network isolation, except where only serverless endpoints use the model."""
    if model.block.get("enable_network_isolation") is True:
        return passed()
    if serverless_only(model, planned):
        return passed("serverless endpoints take no network isolation")
    return failed("enable_network_isolation is not true")


@rule("SW_MODEL_VPC")
def containers_are_in_our_subnets(model: Resource, planned: Planned) -> Finding:
    """Ask for subnets and security groups, except where only serverless endpoints use the model."""
    for vpc in model.block.blocks("vpc_config"):
        missing = [name for name, type_ in NETWORK.items() if not vpc.has(name, type_)]
        if missing:
            return failed(f"vpc_config.{missing[0]} is empty")
        return passed()
    if serverless_only(model, planned):
        return passed("serverless endpoints take no VPC")
    return failed("vpc_config is missing")


@rule("SW_MODEL_APPROVAL")
def versions_are_approved(model: Resource, planned: Planned) -> Finding:
    """Ask the registry for each version that a model is made of, unless the model stays as it is."""
    if not model.touched:
        return passed("it stays as it is")

    def problem(arn: str) -> str:
        status = planned.registry(arn)
        return "" if status == APPROVED else f"{arn} is {status}"

    return judged(versions(model.block), problem)


def versions(model: Block) -> Iterator[str]:
    """Yield the ARNs of the versions of the registry that a model is made of."""
    for name in ("primary_container", "container"):
        for container in model.blocks(name):
            if arn := container.get("model_package_name"):
                yield arn


def serverless_only(model: Resource, planned: Planned) -> bool:
    """Tell whether variants use a model, and all of them are serverless.

    Raises `Undecided` when a variant that would make a difference may use it.
    """
    used: list[bool] = []
    doubts: list[tuple[bool, Undecided]] = []
    for configuration in planned.of("aws_sagemaker_endpoint_configuration"):
        for name in ("production_variants", "shadow_production_variants"):
            try:
                variants = list(configuration.block.blocks(name))
            except Undecided as error:
                doubts += [(True, error), (False, error)]
                continue
            for variant in variants:
                serverless = bool(variant.blocks("serverless_config"))
                try:
                    if planned.find(configuration, "model_name", MODEL, "name", variant) is model:
                        used.append(serverless)
                except Undecided as error:
                    doubts.append((serverless, error))
    if not all(used):
        return False
    for serverless, doubt in doubts:
        if serverless != bool(used):
            raise doubt
    return bool(used)
