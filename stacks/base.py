"""What every stack has: readable addresses, provider, backend, tags, names, and the gate's lock."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypedDict

from cdktf import (
    Fn,
    LocalBackend,
    S3Backend,
    TerraformElement,
    TerraformResource,
    TerraformStack,
    TerraformVariable,
    TerraformVariableValidationConfig,
)
from constructs import Construct, IConstruct

from modules._aws.provider import AwsProvider, AwsProviderDefaultTags
from modules._aws.ssm_parameter import SsmParameter
from modules._core.notes import PATHS, keep_notes

from .environment import Environment

PROVIDER_VERSION = ">= 5.100.0, < 7.0.0"
"""A floor for reuse; `.terraform.lock.hcl` decides which one an environment gets."""
ENVIRONMENT_TAG = "Environment"
"""Tag by which costs are told apart: everything of an environment has it."""


class Location(TypedDict):
    """Where a stack is, as most modules' configs take it."""

    account_id: str
    region: str
    partition: str


class AddressedStack(TerraformStack):
    """A stack whose Terraform addresses are the construct ids on the way to a resource.

    An id `this` is left out: the main resource of a module has the address of the module itself. No
    hash is added, so ids are a public contract, and two equal addresses are refused.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self._path = f"{self.node.path}/"
        self._addresses: dict[tuple[str, str], str] = {}
        self._crossing: set[str] = set()
        self._notes = keep_notes(self)

    def _allocate_logical_id(self, tf_element: TerraformElement | IConstruct) -> str:  # type: ignore[override]
        """Return the Terraform name of an element, or of an asset's node: its construct ids, joined with `_`.

        Raises `ValueError` when another element of the same kind has that name.
        """
        element: Any = tf_element
        path = PATHS.get(element) or getattr(element, "node", element).path
        ids = path.removeprefix(self._path).split("/")
        joined = "_".join([id_ for id_ in ids if id_ != "this"] or ids[-1:])
        name = re.sub(r"\W+", "_", re.sub(r"^cross-stack-(output|reference-input)-", "", joined))
        if joined.startswith("cross-stack-output-"):
            self._crossing.add(name)
        self._notes.paths[tf_element] = path
        class_: type = type(element)
        kind = resource_type(class_)
        if kind is None:
            kind = str(getattr(element, "terraform_resource_type", class_.__name__))
        other = self._addresses.setdefault((kind, name), path)
        if other != path:
            raise ValueError(
                f"{kind}.{name}: supply construct ids that give different names, got {other} and {path}"
            )
        return name

    def to_terraform(self) -> Any:
        """Return the Terraform JSON.

        CDKTF marks each value that another stack takes as sensitive; names and ARNs are not, and a
        reviewer must see them. What the provider calls sensitive, Terraform refuses to put out unmarked.
        """
        document = super().to_terraform()
        for name in self._crossing:
            document["output"][name].pop("sensitive", None)
        return document


@cache
def resource_type(class_: type) -> str | None:
    """Return the Terraform type of all resources of a class of the bindings; nothing for another class."""
    return getattr(class_, "TF_RESOURCE_TYPE", None)


def wait_for(module: Construct, other: Construct) -> None:
    """Make a module's main resource come after another module's, and go before it."""
    first, second = other.node.find_child("this"), module.node.find_child("this")
    if not isinstance(first, TerraformResource) or not isinstance(second, TerraformResource):
        raise TypeError(f"supply modules whose main resource has the id 'this', got {other} and {module}")
    second.depends_on = [
        *(second.depends_on or ()),
        f"{first.terraform_resource_type}.{first.friendly_unique_id}",
    ]


class EnvironmentStack(AddressedStack):
    """One part of an environment, with a Terraform state of its own: `<environment>-<part>`."""

    COMMAND = "deploy"
    """Which command of Sagewright changes it."""

    def __init__(self, scope: Construct, part: str, name: str, environment: Environment) -> None:
        super().__init__(scope, f"{name}-{part}")
        self.environment_name = name
        self.environment = environment
        self.prefix = f"{environment.organization}-{name}-"
        self.published: dict[str, tuple[str, str]] = {}
        """Type and description of each parameter that other teams read, by its name."""
        self.tags = {
            "Organization": environment.organization,
            ENVIRONMENT_TAG: name,
            "Stack": part,
            "Owner": environment.owner,
            "CostCenter": environment.cost_center,
            "ManagedBy": "sagewright",
        }
        """Tags of everything that Terraform makes here; what is made at run time must be given them."""
        AwsProvider(
            self,
            "aws",
            region=environment.region,
            allowed_account_ids=[environment.account_id],
            default_tags=[AwsProviderDefaultTags(tags=self.tags)],
        )
        self.add_override("terraform.required_providers.aws.version", PROVIDER_VERSION)
        self._keep_state()
        way = f"sagewright {self.COMMAND} -e {name}"
        TerraformVariable(
            self,
            "plan_gate",
            type="string",
            default="",
            description="Set by Sagewright, which shows every plan to the gate before it is applied.",
            validation=[
                TerraformVariableValidationConfig(
                    condition='${var.plan_gate == "sagewright"}',
                    error_message=f"This stack changes only through the gate: {way}",
                )
            ],
        )

    def _keep_state(self) -> None:
        """Name the place of the state: a bucket with its own locks, or a file for the embedded AWS.

        `encrypt` is left out: without a key it asks for the key of S3, where the bucket has one of ours.
        """
        stack, state = self.node.id, self.environment.state
        if state is None:
            LocalBackend(self, path=f"../../../.sagewright/state/{stack}.tfstate")
            return
        S3Backend(
            self,
            bucket=state.bucket,
            key=f"{stack}.tfstate",
            region=self.environment.region,
            allowed_account_ids=[self.environment.account_id],
        )
        self.add_override("terraform.backend.s3.use_lockfile", True)

    def publish(
        self, name: str, value: str | tuple[str, ...], description: str, key: str | None = None
    ) -> None:
        """Write a value that other teams read to the SSM parameter `/sagewright/<environment>/<name>`.

        `{key}` in the name stands for the key in the environment file. docs/ssm-parameters.md lists them all.
        """
        listed = isinstance(value, tuple)
        type_ = "StringList" if listed else "String"
        self.published[name] = (type_, description)
        path = name.replace("{key}", key or "")
        SsmParameter(
            self,
            "parameter_" + path.replace("/", "_"),
            name=f"/sagewright/{self.environment_name}/{path}",
            description=f"{description} {key}" if key else description,
            type=type_,
            insecure_value=Fn.join(",", list(value)) if listed else value,
        )

    def monitor_name(self, key: str) -> str:
        """Return the name of a monitor, which training knows before serving makes it."""
        return f"{self.prefix}{key}-monitor"

    @property
    def location(self) -> Location:
        """Account, region and partition of the stack."""
        return Location(
            account_id=self.environment.account_id,
            region=self.environment.region,
            partition=self.environment.partition,
        )
