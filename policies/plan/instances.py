"""Instances: of the types that an environment allows, dear ones for endpoints and jobs only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.plan.jobs import DEFINITION, jobs
from policies.plan.keys import family
from policies.plan.model import Finding, Planned, Resource, failed, judged, nested, passed, rule

CONFIGURATION = "aws_sagemaker_endpoint_configuration"
VARIANTS = (("production_variants",), ("shadow_production_variants",))
ACCELERATED = re.compile(r"(p|gr?|inf|trn|dl)\d.*")
"""Families with GPUs or chips for machine learning.

https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""
APPS = ("code_editor", "jupyter_lab", "jupyter_server", "kernel_gateway", "r_session", "tensor_board")
SETTINGS = {
    "aws_sagemaker_domain": ("default_user_settings", "default_space_settings"),
    "aws_sagemaker_user_profile": ("user_settings",),
    "aws_sagemaker_space": ("space_settings",),
}
WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    CONFIGURATION: VARIANTS,
    DEFINITION: (("job_resources", "cluster_config"),),
    "aws_sagemaker_app": (("resource_spec",),),
    "aws_sagemaker_notebook_instance": ((),),
    **{
        type_: tuple(
            (settings, f"{app}_app_settings", "default_resource_spec") for settings in kinds for app in APPS
        )
        for type_, kinds in SETTINGS.items()
    },
}
"""Ways to the blocks with an `instance_type`, by type of resource; jobs have their own."""
WORKED_IN = ("Processing", "QualityCheck", "ClarifyCheck")
"""Kinds of jobs that have no use for dear instances, unless they are allowed by name."""


@rule("SW_ENDPOINT_TYPES")
def endpoints_are_of_listed_types(configuration: Resource, planned: Planned) -> Finding:
    """Ask for instance types that the environment lists for endpoints, where it lists any."""
    listed = planned.limits.endpoint_instance_types

    def problem(found: tuple[str, str]) -> str:
        place, type_ = found
        return f"{place} is {type_}, which is not among {', '.join(listed)}" if type_ not in listed else ""

    return judged(instance_types(configuration) if listed else (), problem)


@rule("SW_ACCELERATORS")
def accelerators_are_listed(resource: Resource, planned: Planned) -> Finding:
    """Ask that types with a GPU or another accelerator are listed in the environment."""
    listed = planned.limits.accelerated_instance_types

    def problem(found: tuple[str, str]) -> str:
        place, type_ = found
        if type_ in listed or not ACCELERATED.fullmatch(family(type_)):
            return ""
        return f"{place} is {type_}, and accelerators are {', '.join(listed) or 'not allowed'}"

    return judged(instance_types(resource), problem)


@rule("SW_INSTANCE_FAMILIES")
def work_is_inexpensive(resource: Resource, planned: Planned) -> Finding:
    """Ask for inexpensive families where people work, and of processing; listed accelerators are allowed."""
    allowed = planned.limits.inexpensive_instance_families

    def problem(found: tuple[str, str]) -> str:
        place, type_ = found
        if family(type_) in allowed or type_ in planned.limits.accelerated_instance_types:
            return ""
        return f"{place} is {type_}, whose family is not among {', '.join(allowed)}"

    return judged(instance_types(resource, WORKED_IN), problem)


@rule("SW_SERVERLESS_CONCURRENCY")
def concurrency_has_a_cap(configuration: Resource, planned: Planned) -> Finding:
    """Ask for a concurrency of serverless variants under the environment's limit."""
    limit = planned.limits.serverless_max_concurrency
    for way in VARIANTS:
        for serverless in nested(configuration.block, *way, "serverless_config"):
            concurrency = serverless.get("max_concurrency")
            if concurrency is None or concurrency > limit:
                found = f"{way[0]}.serverless_config.max_concurrency is {concurrency or 'not set'}"
                return failed(f"{found}, expected at most {limit}")
    return passed()


def instance_types(resource: Resource, kinds: tuple[str, ...] | None = None) -> Iterator[tuple[str, str]]:
    """Yield every instance type that a resource asks for, with its place; of jobs, of some kinds only."""
    if resource.type in WAYS:
        for way in WAYS[resource.type]:
            for block in nested(resource.block, *way):
                if not block.computed("instance_type") and (type_ := block.get("instance_type")):
                    yield ".".join((*way, "instance_type")), type_
        return
    for job in jobs(resource):
        if kinds is None or job.kind in kinds:
            yield from ((f"{job.place(())} instance type", type_) for type_ in job.instance_types)
