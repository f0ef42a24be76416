"""Jobs that pipelines, state machines, schedules and monitors start: in our network, isolated, encrypted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.plan.model import (
    INTERPOLATION,
    Block,
    Finding,
    Planned,
    Resource,
    Undecided,
    identifies,
    judged,
    nested,
    rule,
)

DEFINITION = "aws_sagemaker_data_quality_job_definition"
NETWORK = {"Subnets": "aws_subnet", "SecurityGroupIds": "aws_security_group"}
STARTS = re.compile(r":(?:aws-sdk:)?sagemaker:create(\w+)")
"""What a state machine or a schedule asks SageMaker for, in the ARN of the call."""
CLARIFY = "/sagemaker-clarify-processing"
"""Image of AWS that makes an endpoint of its own, and asks it: with network isolation it cannot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """Where a kind of job has what rules ask for; empty where it has none."""

    network: tuple[str, ...] = ()
    """Way to `VpcConfig`."""
    isolation: tuple[str, ...] = ()
    encryption: tuple[str, ...] = ()
    """Way to the switch of encryption between containers."""
    output: tuple[str, ...] = ()
    """Way to the block with the key of what the job writes."""
    cluster: tuple[str, ...] = ()
    """Way to the block with instance types and the key of the volumes."""
    image: tuple[str, ...] = ()


TRAINING = Form(
    network=("VpcConfig",),
    isolation=("EnableNetworkIsolation",),
    encryption=("EnableInterContainerTrafficEncryption",),
    output=("OutputDataConfig",),
    cluster=("ResourceConfig",),
    image=("AlgorithmSpecification", "TrainingImage"),
)
PROCESSING = Form(
    network=("NetworkConfig", "VpcConfig"),
    isolation=("NetworkConfig", "EnableNetworkIsolation"),
    encryption=("NetworkConfig", "EnableInterContainerTrafficEncryption"),
    output=("ProcessingOutputConfig",),
    cluster=("ProcessingResources", "ClusterConfig"),
    image=("AppSpecification", "ImageUri"),
)
FORMS = {
    "AutoML": Form(
        network=("AutoMLJobConfig", "SecurityConfig", "VpcConfig"),
        encryption=("AutoMLJobConfig", "SecurityConfig", "EnableInterContainerTrafficEncryption"),
        output=("OutputDataConfig",),
    ),
    "Training": TRAINING,
    "Processing": PROCESSING,
    "QualityCheck": PROCESSING,
    "ClarifyCheck": PROCESSING,
    "Transform": Form(output=("TransformOutput",), cluster=("TransformResources",)),
}
"""Kinds of jobs as pipelines name them; a transform job runs in the network of its model.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
"""
TUNING = ("Tuning", "HyperParameterTuning")
OF_CALLS = {"AutoMLJob": "AutoML", "TrainingJob": "Training", "ProcessingJob": "Processing"}
OF_CALLS |= {"TransformJob": "Transform", "HyperParameterTuningJob": "Tuning"}
"""Kinds of jobs as calls name them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What a definition asks SageMaker for: a job, or something else."""

    argument: str
    """Argument of the resource that the definition is in."""
    name: str
    """Step or state that asks."""
    kind: str
    request: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Default values of a pipeline's parameters."""

    @property
    def form(self) -> Form | None:
        """Where the job has what rules ask for; nothing where the call is for no job."""
        return FORMS.get(self.kind)

    def at(self, *way: str) -> Any:
        """Return what stands at the end of a way, or nothing.

        Raises `Undecided` for what is known only when the job starts.
        """
        value: Any = self.request
        for step in way:
            value = self.settled(value, way)
            if isinstance(value, str) or (isinstance(value, Mapping) and f"{step}.$" in value):
                raise Undecided(self.place(way))
            if not isinstance(value, Mapping):
                return None
            value = value.get(step)
        return self.settled(value, way)

    def settled(self, value: Any, way: tuple[str, ...]) -> Any:
        """Return a value, or the default of the parameter that it is; raises `Undecided` if it has none."""
        if isinstance(value, Mapping) and len(value) == 1:
            ((function, argument),) = value.items()
            name = str(argument).removeprefix("Parameters.")
            if function == "Get" and name in self.parameters:
                return self.parameters[name]
            if function == "Get" or function.startswith("Std:"):
                raise Undecided(self.place(way))
        return value

    def default(self, value: Any) -> Any:
        """Return a value, or the default of the parameter that it is; what is known later stays as it is."""
        try:
            return self.settled(value, ())
        except Undecided:
            return value

    def known(self, *way: str) -> Any:
        """Return what stands at the end of a way; raises `Undecided` where a part of it is not known."""
        value = self.at(*way)
        if isinstance(value, str) and (value.startswith("{%") or INTERPOLATION.search(value)):
            raise Undecided(self.place(way))
        return value

    def has(self, *way: str, types: tuple[str, ...]) -> bool:
        """Tell whether there is a value; the ARN, id or name of a resource of some types is one.

        Raises `Undecided` where it comes from anything else.
        """
        value = self.at(*way)
        for one in value if isinstance(value, list) else [value]:
            text = self.settled(one, way)
            references = INTERPOLATION.findall(text) if isinstance(text, str) else []
            if isinstance(text, str) and (
                text.startswith("{%") or not all(identifies(reference, *types) for reference in references)
            ):
                raise Undecided(self.place(way))
        return value not in (None, "", [], {})

    @property
    def instance_types(self) -> list[str]:
        """The instance types that the job may run on; raises `Undecided` where one is not known."""
        if not self.form or not self.form.cluster:
            return []
        groups = self.at(*self.form.cluster, "InstanceGroups") or []
        found = [self.known(*self.form.cluster, "InstanceType")]
        for group in groups:
            one = self.settled(group.get("InstanceType"), self.form.cluster)
            if INTERPOLATION.search(str(one)):
                raise Undecided(self.place(self.form.cluster))
            found.append(one)
        return [str(one) for one in found if one is not None]

    def place(self, way: tuple[str, ...]) -> str:
        """Return where a value stands, for a reader: `pipeline_definition: Train.VpcConfig`."""
        return f"{self.argument}: {'.'.join((self.name, *way))}"


@rule("SW_JOB_VPC")
def jobs_are_in_our_subnets(resource: Resource, planned: Planned) -> Finding:
    """Ask for subnets and security groups of every job that has a network of its own."""
    if resource.type == DEFINITION:
        return judged([resource.block], monitor_outside)
    return judged(jobs(resource), outside)


@rule("SW_JOB_ISOLATION")
def jobs_have_no_network(resource: Resource, planned: Planned) -> Finding:
    """Ask for network isolation of every job that can have it."""
    if resource.type == DEFINITION:
        return judged([resource.block], lambda block: switched_on(block, "enable_network_isolation"))
    return judged(jobs(resource), reachable)


@rule("SW_JOB_ENCRYPTION")
def jobs_talk_in_secret(resource: Resource, planned: Planned) -> Finding:
    """Ask for encryption of what the containers of a job tell one another."""
    return judged(jobs(resource), readable)


def outside(job: Call) -> str:
    """Return what a job lacks to be in our network."""
    if not job.form or not job.form.network:
        return ""
    for name, type_ in NETWORK.items():
        if not job.has(*job.form.network, name, types=(type_,)):
            return f"{job.place((*job.form.network, name))} is missing"
    return ""


def reachable(job: Call) -> str:
    """Return whether a job has a network that it can do without."""
    if not job.form or not job.form.isolation or job.known(*job.form.isolation) is True:
        return ""
    if CLARIFY in str(job.known(*job.form.image)):
        return ""
    return f"{job.place(job.form.isolation)} is not true"


def readable(job: Call) -> str:
    """Return whether the containers of a job talk in clear."""
    if not job.form or not job.form.encryption or job.known(*job.form.encryption) is True:
        return ""
    return f"{job.place(job.form.encryption)} is not true"


def monitor_outside(definition: Block) -> str:
    """Return what a monitor lacks to be in our network."""
    for network in nested(definition, "network_config", "vpc_config"):
        for name, type_ in (("subnets", "aws_subnet"), ("security_group_ids", "aws_security_group")):
            if not network.has(name, type_):
                return f"network_config.vpc_config.{name} is missing"
        return ""
    return "network_config.vpc_config is missing"


def switched_on(definition: Block, name: str) -> str:
    """Return whether a monitor has a switch of its network off."""
    on = any(network.get(name) is True for network in nested(definition, "network_config"))
    return "" if on else f"network_config.{name} is not true"


def jobs(resource: Resource) -> Iterator[Call]:
    """Yield the jobs of a pipeline, a state machine or a schedule; those of a tuning job as training jobs.

    Raises `Undecided` where the definition cannot be read.
    """
    for call in calls(resource):
        if call.kind in TUNING:
            yield from tuned(call)
        elif call.form:
            yield call


def tuned(call: Call) -> Iterator[Call]:
    """Yield what a tuning job trains."""
    many = call.at("TrainingJobDefinitions") or [call.at("TrainingJobDefinition")]
    for request in many:
        name = f"{call.name}.TrainingJobDefinition"
        yield Call(
            argument=call.argument,
            name=name,
            kind="Training",
            request=request or {},
            parameters=call.parameters,
        )


def calls(resource: Resource) -> Iterator[Call]:
    """Yield what a resource asks SageMaker for; raises `Undecided` where the definition cannot be read."""
    if resource.type == "aws_sagemaker_pipeline":
        document = parsed(resource, resource.block, "pipeline_definition")
        named = {one.get("Name"): one for one in document.get("Parameters") or ()}
        defaults = {name: one["DefaultValue"] for name, one in named.items() if "DefaultValue" in one}
        for step in steps(document.get("Steps") or ()):
            yield Call(
                argument="pipeline_definition",
                name=str(step.get("Name")),
                kind=plain(resource, "pipeline_definition", step.get("Type")),
                request=step.get("Arguments") or {},
                parameters=defaults,
            )
    elif resource.type == "aws_sfn_state_machine":
        yield from states(resource, parsed(resource, resource.block, "definition"))
    else:
        for target in resource.block.blocks("target"):
            if asked := asks(resource, "target.arn", target.text("arn")):
                request = parsed(resource, target, "input") if target.text("input") else {}
                yield Call(argument="target.input", name=asked, kind=asked, request=request)


def steps(listed: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the steps of a pipeline, those that wait for a condition too."""
    for step in listed:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from steps((step.get("Arguments") or {}).get(branch) or ())


def states(resource: Resource, value: Any, name: str = "") -> Iterator[Call]:
    """Yield what the states of a state machine ask SageMaker for, also those inside of maps and branches."""
    if isinstance(value, list):
        for item in value:
            yield from states(resource, item, name)
    elif isinstance(value, Mapping):
        if asked := asks(resource, "definition", value.get("Resource")):
            request = value.get("Arguments") or value.get("Parameters") or {}
            yield Call(argument="definition", name=name, kind=asked, request=request)
        for key, item in value.items():
            if key not in ("Arguments", "Parameters"):
                yield from states(resource, item, key)


def asks(resource: Resource, argument: str, target: Any) -> str:
    """Return which kind of job a target makes, or the call to SageMaker that it is, or nothing.

    Raises `Undecided` where it cannot be told.
    """
    text = str(target or "")
    if found := STARTS.search(text):
        return OF_CALLS.get(found[1], found[1])
    if not all(identifies(reference, "aws_*") for reference in INTERPOLATION.findall(text)):
        raise Undecided(argument, resource.address)
    return ""


def parsed(resource: Resource, block: Block, name: str) -> Mapping[str, Any]:
    """Return the JSON in an argument; raises `Undecided` where there is none, or it is not known."""
    try:
        document = json.loads(block.text(name))
    except (TypeError, ValueError, RecursionError):
        raise Undecided(name, resource.address) from None
    if not isinstance(document, dict):
        raise Undecided(name, resource.address)
    return document


def plain(resource: Resource, argument: str, value: Any) -> str:
    """Return a text that decides; raises `Undecided` where a part of it is not known."""
    if INTERPOLATION.search(str(value)):
        raise Undecided(argument, resource.address)
    return str(value)
