"""What a review says, as plain data: redacted, serialisable, and in the order in which a reader needs it.

A field of the kind `Words` is a sentence of ours in which what comes from a plan stands between backticks. No
value holds a backtick, a line break or a control character, so that whoever renders the sentence can split it
at the backticks: the odd parts are the plan's, and are to be escaped as such. All other texts are the plan's
or the catalogue's, and are to be escaped as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sagewright.cost.model import Amount
from sagewright.gate.report import Mode, Severity, Verdict
from sagewright.synth import Place

NOWHERE = Place(construct="", lines=())
"""Stands for the place of what a plan of foreign origin holds."""

Words = str
"""A sentence in which values of the plan stand between backticks: "may now `s3:GetObject` on `arn:…`"."""

Action = Literal["add", "change", "replace", "destroy", "forget", "move", "import", "none"]
"""What happens to a resource. `forget`: Terraform drops it from its state and leaves it in AWS."""

Direction = Literal["widened", "narrowed", "changed"]
Area = Literal["permissions", "trust", "resource policy", "network", "key", "API"]
Nature = Literal["value", "absent", "unknown", "sensitive"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """What the gate says of one environment."""

    environment: str
    verdict: Verdict
    rules: int
    """How many rules apply to the environment."""
    touched: int
    """How many resources the plans change."""
    passed: int
    denied: int
    advised: int
    """Results that fail or are unknown, and close nothing."""
    overridden: int
    waived: int
    errors: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRow:
    """One row of the table of environments and stacks."""

    environment: str
    stack: str
    """With the environment: `dev-serving`."""
    digest: str
    """Keyed hash of all that applying the plan changes (sagewright/gate/identity.py)."""
    preview: bool
    """Planned against outputs that are not there yet: it will be planned, gated and reviewed again."""
    add: int
    change: int
    replace: int
    destroy: int
    forget: int
    move: int
    imports: int
    outputs: int
    """How many outputs change."""
    denied: int
    advised: int
    overridden: int
    waived: int
    errors: int
    before: Amount | None
    """Cost of the stack before, of what a price is known for; `None` where costs were not asked for."""
    after: Amount | None
    unpriced: int
    """How many rows of the stack have no figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """A stateful resource that a plan ends, and its data with it."""

    environment: str
    stack: str
    address: str
    type: str
    name: str
    """Its name or id in AWS, where the plan tells one."""
    place: Place
    action: Action
    """`replace`, `destroy` or `forget`."""
    why: Words
    """What makes Terraform end it."""
    forced_by: tuple[str, ...]
    """Arguments that cannot be changed in place."""
    means: Words
    """What is lost, in SageMaker's terms."""
    denied: bool
    """Whether the gate denies it here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What a container of a model runs."""

    kind: Literal["version", "image", "artifact"]
    name: str
    """ARN of a version of the registry, image by digest, or S3 URI of an artifact."""
    approval: str = ""
    """Of a version: its approval status, or why it is not known."""
    metrics: Mapping[str, str] = field(default_factory=dict)
    """Of a version: where its metrics are, and its own properties, as the registry has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A production variant, before or after."""

    share_percent: float | None
    """Its share of the traffic; `None` where weights are not known. A shadow variant gets copies."""
    capacity: str
    """What answers: instances and their type, or "serverless, up to 5 at once"."""
    served: tuple[Served, ...]
    """One for each container of its model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantChange:
    """A variant of an endpoint; absent before when it is new, absent after when it goes."""

    name: str
    shadow: bool
    before: Variant | None
    after: Variant | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """An endpoint of which the plan changes who answers, or with how much."""

    environment: str
    stack: str
    address: str
    endpoint: str
    """Its name in AWS."""
    place: Place
    action: Action
    moved_percent: float | None
    """Share of the traffic that another model answers afterwards, or another variant; `None`: not known."""
    rollout: Words
    """How SageMaker goes from one fleet to the other, and what turns it back."""
    variants: tuple[VariantChange, ...]
    unknown: Words
    """What could not be told, and why; empty when all could."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """One thing that somebody or something may do afterwards and not before, or the other way round."""

    environment: str
    stack: str
    address: str
    place: Place
    area: Area
    direction: Direction
    fresh: bool
    """Whether the plan makes that which it is about: nobody had it before."""
    subject: Words
    """Whose access it is: "role `acme-dev-sagemaker`", "security group `acme-dev-endpoints`"."""
    said: Words
    """What changes: "may now `s3:PutObject` on `arn:aws:s3:::acme-dev-data/*`"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What one rule says against one resource, or what kept the gate from judging."""

    environment: str
    stack: str
    address: str
    place: Place
    rule: str
    title: str
    severity: Severity
    state: Literal["fail", "unknown", "error"]
    mode: Mode
    denies: bool
    """Whether it keeps the gate closed; an error does."""
    touched: bool
    """Whether the plan changes the resource."""
    message: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """How one rule did on one stack: how many of its results are what."""

    environment: str
    stack: str
    rule: str
    title: str
    severity: Severity
    passed: int
    denied: int
    advised: int
    overridden: int
    waived: int
    errors: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CostRow:
    """What one resource costs."""

    environment: str
    stack: str
    address: str
    type: str
    what: str
    """What is paid for, as the price list counts it: so many instances of a type."""
    before: Amount | None
    after: Amount | None
    during: Amount | None
    """While a blue/green update runs: both fleets."""
    unknown: str
    """Why there is no figure; empty when there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What the environments cost; sums of what is known."""

    before: Amount
    after: Amount
    unknown: int
    """How many rows have no figure."""
    source: str
    price_date: str
    """Day of the prices, in ISO 8601."""
    stale: bool
    """Whether the prices are old."""
    rows: tuple[CostRow, ...]
    """What changes first, then by cost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One side of an attribute."""

    nature: Nature
    text: str
    """What to show: shortened, on one line; a placeholder in words where the nature is not `value`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """An attribute that differs before and after."""

    path: str
    """`production_variants[0].initial_instance_count`; members of a JSON document in a text follow it too."""
    before: Value
    after: Value
    forces: bool
    """Whether it forces the replacement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceChange:
    """What a plan does to one resource or output."""

    address: str
    """`output.NAME` for an output."""
    type: str
    action: Action
    why: Words
    """Why it is replaced, destroyed, moved or imported; empty where the attributes say it."""
    previous_address: str
    attributes: tuple[Attribute, ...]
    line: str
    """Where in Python it is made; empty where that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The changes of one construct."""

    environment: str
    stack: str
    construct: str
    """Construct path within the stack; of a plan of foreign origin the address of its one resource."""
    changes: tuple[ResourceChange, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """An exception that is in use."""

    environment: str
    stack: str
    address: str
    place: Place
    rule: str
    severity: Severity
    reason: str
    owner: str
    ticket: str
    """Where it is followed up."""
    written: str
    """Where it is written: `policies/waivers.yaml`, or a line in Python."""
    expires: str
    """Last day, in ISO 8601."""
    days_left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """A denial that somebody who may has opened, for these plans only."""

    environment: str
    stack: str
    address: str
    place: Place
    rule: str
    severity: Severity
    message: str
    """What would deny."""
    reason: str
    group: str
    """Approvers, as the environment file calls them."""
    approver: str
    """Who of them: the ARN of the session that AWS knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """Resources of one type that differ in AWS from what Terraform last made of them, in the same way."""

    environment: str
    stack: str
    type: str
    action: Literal["changed", "deleted"]
    """What was done to them outside of Terraform."""
    attributes: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A resource in the picture of the plans."""

    id: str
    """Stack and address, which is unique in the review: `dev-serving/aws_sagemaker_endpoint.churn`."""
    environment: str
    stack: str
    address: str
    construct: str
    type: str
    action: Action
    failing: bool
    """Whether a rule denies or advises against it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """One resource that refers to another; both are ids of nodes."""

    source: str
    """Who refers: it is made after its target."""
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """The whole review of the plans of one or several environments."""

    verdict: Verdict
    """`error` when the gate could not judge, `denied` when it denies in any environment, else `open`."""
    digest: str
    """Of all plans together: what is applied must have the same. Empty where no plan could be read."""
    gates: tuple[Gate, ...]
    """What the gate says of each environment."""
    stacks: tuple[StackRow, ...]
    """A row for each stack that was planned."""
    losses: tuple[Loss, ...]
    """Stateful resources that end, and their data with them."""
    traffic: tuple[Traffic, ...]
    """Endpoints at which it changes who answers."""
    access: tuple[Access, ...]
    """What changes in who may do what: what is widened first, and of that what is not new altogether."""
    failures: tuple[Failure, ...]
    """Errors first, then what denies, then advice; each by severity."""
    checks: tuple[Check, ...]
    """Every rule that was asked, also where all passed."""
    cost: Cost | None
    """What all plans cost together; nothing where costs were not asked for."""
    changes: tuple[Group, ...]
    """All that changes, by construct; what ends something first."""
    waivers: tuple[Waiver, ...]
    """Exceptions in use, those that end first on top."""
    overrides: tuple[Override, ...]
    """Denials that were opened for these plans."""
    drift: tuple[Drift, ...]
    """What was changed in AWS outside of Terraform."""
    nodes: tuple[Node, ...]
    """All resources, for a picture."""
    edges: tuple[Edge, ...]
    """Who refers to whom, over stacks too."""
