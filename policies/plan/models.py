"""Models run without a way out, in subnets of ours."""

from __future__ import annotations

from policies.plan.model import Finding, Planned, Resource, Undecided, failed, passed, rule


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
        missing = [name for name in ("subnets", "security_group_ids") if not vpc.has(name)]
        if missing:
            return failed(f"vpc_config.{missing[0]} is empty")
        return passed()
    if serverless_only(model, planned):
        return passed("serverless endpoints take no VPC")
    return failed("vpc_config is missing")


def serverless_only(model: Resource, planned: Planned) -> bool:
    """Tell whether variants use a model, and all of them are serverless."""
    used: list[bool] = []
    for configuration in planned.of("aws_sagemaker_endpoint_configuration"):
        for variant in configuration.block.blocks("production_variants"):
            try:
                found = planned.find(configuration, "model_name", "aws_sagemaker_model", "name", variant)
            except Undecided:
                continue
            if found is model:
                used.append(bool(variant.blocks("serverless_config")))
    return bool(used) and all(used)
