"""What an environment file may say: the human decisions, made of the modules' own value objects."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Discriminator, StringConstraints, TypeAdapter, ValidationError

from modules._core import at_least, at_most, described, distinct, matches, one_of, record, refuse, when
from modules._core.checks import printable
from modules.alarms import Thresholds
from modules.athena_workgroup import Queries
from modules.batch_transform import TransformJob
from modules.bucket import NAME as BUCKET_NAME
from modules.bucket import Retention
from modules.budget import MonthlyBudget
from modules.ci_roles import GitHub, Oidc
from modules.ecr_registry import Registry
from modules.ecr_repository import ImageRetention
from modules.endpoint import (
    Asynchronous,
    Inference,
    OffHours,
    RealTime,
    Serverless,
    scheduled,
    with_off_hours,
)
from modules.feature_group import FeatureGroupDefinition
from modules.inference_api import Api, Private
from modules.labeling import Workers
from modules.log_group import RETENTION_DAYS
from modules.mlflow_tracking_server import TrackingServer
from modules.model import Container, Definition, Direct, ModelPackage, Serial
from modules.model_monitor import DataQuality, EndpointCapture, Explainability, ModelQuality, Monitor
from modules.model_package_group import Approvals
from modules.network import ExistingNetwork, NewNetwork
from modules.notebook_instance import Notebook
from modules.pipeline import Drift, Trigger
from modules.schedule import Parameter, ScheduledStart
from modules.studio_domain import Studio
from modules.topic import Subscription

PRODUCTION_LOG_RETENTION_DAYS = 365
NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
ENVIRONMENT_NAME = r"[a-z][a-z0-9]{0,15}"
"""No hyphens: `acme-prod-*` must not be what `prod-eu` has, too."""
RESERVED = ("amzn-s3-demo", "sg", "sthree")
"""Words with which, and a hyphen, S3 and EC2 let no name of ours begin."""
LONGEST_NAMES = {
    "model_package_groups": 63,
    "repositories": 256,
    "models": 54,
    "endpoints": 63,
    "batch_transforms": 33,
    "monitors": 31,
}
"""How long the names of AWS resources may be that are made of an environment file's keys."""

Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
"""Lower-case words, digits and single hyphens: part of the names of AWS resources."""
AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
"""An AWS account; in quotes, since YAML reads a number else."""
PrincipalArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[a-zA-Z0-9_+=,.@/-]+$")
]
RoleArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+$")
]
"""An IAM role; its path, if it has one, stands before its name."""
Tag = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9 _.:/=+@-]{1,256}$")]
"""A tag's value as AWS takes it."""
Ci = Annotated[GitHub | Oidc, Discriminator("kind")]
Network = Annotated[NewNetwork | ExistingNetwork, Discriminator("kind")]
Version = Annotated[str, StringConstraints(pattern=r"^v[1-9]\d{0,3}$")]
"""A version, such as `v1`."""
DefinitionFile = Annotated[str, StringConstraints(pattern=r"^[\w-]+(/[\w-][\w.-]*)*\.json$")]
"""A file of the checkout, such as `pipelines/churn.json`."""


class InvalidEnvironment(ValueError):
    """An environment file is missing or wrong; the text has one line for each problem."""


@record
class State:
    """Where Terraform keeps what it knows."""

    bucket: str
    """S3 bucket for the states of the environment's stacks, versioned and encrypted."""

    def __post_init__(self) -> None:
        refuse(matches("bucket", self.bucket, BUCKET_NAME, "acme-prod-terraform-state"))


@record
class Repository:
    """Decisions on one ECR repository."""

    retention: ImageRetention = ImageRetention()
    """Which images are removed."""
    pull_account_ids: tuple[AccountId, ...] = ()
    """Other accounts that may pull its images."""

    def __post_init__(self) -> None:
        refuse(distinct("pull_account_ids", self.pull_account_ids))


@record
class ModelPackageGroup:
    """Decisions on one group of model versions."""

    description: Annotated[str, StringConstraints(max_length=1024)] | None = None
    """What the model is for, without line breaks."""
    reader_account_ids: tuple[AccountId, ...] = ()
    """Other accounts that may look at its versions."""
    deployer_account_ids: tuple[AccountId, ...] = ()
    """Other accounts that may also make models of its versions, hence read the environment's artifacts. The
    repositories with their images are shared one by one, by `pull_account_ids`."""

    approvals: Approvals | None = None
    """Event bus that is told when a version is approved or rejected, in the account that deploys, say."""

    def __post_init__(self) -> None:
        accounts = self.reader_account_ids + self.deployer_account_ids
        refuse(
            printable("description", self.description),
            distinct("reader_account_ids, deployer_account_ids", accounts),
        )


@record
class Pipeline:
    """Decisions on one SageMaker pipeline.

    A definition is the same in all environments. Its parameters ArtifactsBucket, KmsKeyArn, Prefix, RoleArn,
    SecurityGroupId, SubnetId1 and SubnetId2, where it has them, get what this environment has.
    """

    definition: DefinitionFile
    """File with the definition, as the SageMaker SDK writes it."""
    description: Annotated[str, StringConstraints(max_length=3072)] | None = None
    """What the pipeline is for."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Values of its parameters, in place of the definition's own."""
    max_parallel_execution_steps: int | None = None
    """Most steps of one execution that run at once; as many as can, by default."""
    schedules: Mapping[Name, ScheduledStart] = field(default_factory=dict)
    """When it is started."""
    triggers: Mapping[Name, Trigger] = field(default_factory=dict)
    """Which events start it: new objects in the bucket `artifacts`, approvals, drift that a monitor finds,
    or a pattern of your own."""


@record
class StateMachine:
    """Decisions on one state machine.

    In its definition, `${PipelineName_churn}` is the name of the pipeline `churn`, with `_` for `-`, and
    `${AlarmTopicArn}` the topic of the alarms.
    """

    definition: DefinitionFile
    """File with the definition in the Amazon States Language."""
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    """Standard runs for up to a year, express for five minutes at most."""
    pipelines: tuple[Name, ...] = ()
    """Pipelines that it may start and watch."""
    schedules: Mapping[Name, ScheduledStart] = field(default_factory=dict)
    """When it is started."""

    def __post_init__(self) -> None:
        refuse(distinct("pipelines", self.pipelines))


@record
class Environment:
    """One environment; its name is that of the file."""

    organization: Annotated[str, StringConstraints(pattern=f"^{NAME}$", max_length=20)]
    """Start of every name in AWS."""
    account_id: AccountId
    """The only account in which the environment may be made."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    """The only region of its resources, one of the partition `aws` or `aws-us-gov`."""
    production: bool
    """Rules for production apply: capacity, scaling, log retention."""
    protected: bool
    """What holds data can be neither deleted nor replaced."""
    embedded: bool = False
    """Lives on the embedded AWS only, with its state in a local file."""
    owner: Tag
    """Team that answers for it; a tag on everything."""
    cost_center: Tag
    """Who pays; a tag on everything."""
    state: State | None = None
    """Where the Terraform state is; left out where `embedded` is true, and only there."""
    ci: Ci | None = None
    """Which runs of CI may plan and apply (`kind: GitHub` or `Oidc`); without it, people deploy."""
    network: Network
    """A VPC to make (`kind: New`), or one to use (`kind: Existing`)."""
    log_retention_days: int = PRODUCTION_LOG_RETENTION_DAYS
    """Days for which logs are kept."""
    key_deletion_window_days: int = 30
    """Days from the deletion of a key until its data is lost for good, 7 to 30."""
    retention: Retention | None = Retention()
    """For how long buckets keep what is no longer current; `null` keeps it for ever."""
    access_logs: Retention | None = None
    """For how long it is kept who read and wrote the buckets; without it, it is not recorded."""
    approver_principal_arns: tuple[PrincipalArn, ...] = ()
    """IAM roles and users, which must exist, that may take the role which alone approves models."""
    override_approvers: Mapping[Name, RoleArn] = field(default_factory=dict)
    """Groups that may open the plan gate for one rule and one run, each with the role in this account that
    its people take, and nobody else: see docs/policies.md."""
    registry: Registry | None = None
    """Scanning, copies and caches of ECR: for one environment in each account and region."""
    repositories: Mapping[Name, Repository] = field(default_factory=dict)
    """ECR repositories by name."""
    model_package_groups: Mapping[Name, ModelPackageGroup] = field(default_factory=dict)
    """Groups of model versions by name."""
    approval_sender_account_ids: tuple[AccountId, ...] = ()
    """Other accounts that may tell this one, on an event bus, that a version was approved or rejected."""
    feature_groups: Mapping[Name, Mapping[Version, FeatureGroupDefinition]] = field(default_factory=dict)
    """Feature groups by name and version. A feature is added to a version in place; any other change of one
    needs a new version, beside the old one until that is taken out. Use no version twice."""
    feature_queries: Queries = Queries()
    """How the feature groups' history is queried."""
    studio: Studio | None = None
    """SageMaker Studio, with its people; there is none without it."""
    notebook_instances: Mapping[Name, Notebook] = field(default_factory=dict)
    """Notebook instances by name, beside Studio or instead of it."""
    tracking_server: TrackingServer | None = None
    """MLflow, which costs money for as long as it is there."""
    pipelines: Mapping[Name, Pipeline] = field(default_factory=dict)
    """SageMaker pipelines by name."""
    state_machines: Mapping[Name, StateMachine] = field(default_factory=dict)
    """State machines by name."""
    labeling: Workers | None = None
    """Who labels data; an account has one private workforce in a region."""
    alarm_subscriptions: Mapping[Name, Subscription] = field(default_factory=dict)
    """Who is told of alarms on pipelines, state machines, endpoints and transforms, and by the budget."""
    budget: MonthlyBudget | None = None
    """What a month may cost of all that bears the environment's tag; without it, nobody is told."""
    models: Mapping[Name, Definition] = field(default_factory=dict)
    """Models by name: what each variant of an endpoint may serve. A serverless endpoint needs one of its own,
    since it takes neither VPC nor network isolation, which all others have."""
    endpoints: Mapping[Name, Inference] = field(default_factory=dict)
    """Endpoints by name."""
    batch_transforms: Mapping[Name, TransformJob] = field(default_factory=dict)
    """Transform jobs by name, described once and run on schedules, on new data, or by hand."""
    monitors: Mapping[Name, Monitor] = field(default_factory=dict)
    """Monitors by name: data quality of what is captured, model quality, bias and explainability. Each has a
    place in the bucket `monitors` for its baselines, what it is given, and its reports."""
    api: Api | None = None
    """An API by which callers reach endpoints over HTTPS, and nothing else of AWS; without it, they use AWS's
    own. It needs the account's setting `api_gateway_logs`, made here or by somebody else."""
    api_gateway_logs: bool = False
    """Whether API Gateway may write logs: a setting of an account and region, for one environment in each."""
    off_hours: OffHours | None = None
    """When nobody works: endpoints that are scaled go down to few instances or none; not in production."""
    alarms: Mapping[Name, Thresholds | None] = field(default_factory=dict)
    """When somebody is told that an endpoint does badly, by endpoint; `null` for never. One that is not named
    here has the default thresholds."""
    dashboard: bool = True
    """Whether there is a dashboard of the endpoints and the pipelines; an account has three for nothing."""

    def __post_init__(self) -> None:
        zones = self.network.availability_zones if isinstance(self.network, NewNetwork) else ()
        refuse(
            when(
                f"{self.organization}-".startswith(tuple(f"{word}-" for word in RESERVED)),
                f"organization: supply another start of names than {', '.join(RESERVED)}, "
                f"got {self.organization!r}",
            ),
            when(
                re.match("cn-|[a-z]{2}-iso", self.region),
                f"region: supply a region of the partition aws or aws-us-gov, got {self.region!r}",
            ),
            when(
                self.embedded and self.state,
                "state: remove it; where embedded is true the state is a local file",
            ),
            when(
                not self.embedded and not self.state,
                "state: supply the bucket of the Terraform state, got nothing",
            ),
            when(self.embedded and self.ci, "ci: remove it; where embedded is true nobody is let in"),
            when(
                self.ci and self.ci.provider_arn and f"::{self.account_id}:" not in self.ci.provider_arn,
                f"ci.provider_arn: supply a provider of account {self.account_id}, "
                f"got {self.ci and self.ci.provider_arn!r}",
            ),
            when(
                self.embedded and self.production, "production: supply false where embedded is true, got true"
            ),
            one_of("log_retention_days", self.log_retention_days, RETENTION_DAYS),
            at_least("log_retention_days", self.log_retention_days, PRODUCTION_LOG_RETENTION_DAYS)
            if self.production
            else None,
            at_least("key_deletion_window_days", self.key_deletion_window_days, 7),
            at_most("key_deletion_window_days", self.key_deletion_window_days, 30),
            distinct("approver_principal_arns", self.approver_principal_arns),
            distinct("override_approvers", self.override_approvers.values()),
            *(
                when(
                    f"::{self.account_id}:" not in arn,
                    f"override_approvers.{name}: supply a role of account {self.account_id}, got {arn!r}",
                )
                for name, arn in self.override_approvers.items()
            ),
            *(
                when(
                    self.account_id in accounts,
                    f"{path}: supply other accounts than the environment's own, got {self.account_id!r}",
                )
                for path, accounts in self._other_accounts()
            ),
            *(
                when(
                    not zone.startswith(self.region),
                    f"network.availability_zones: supply zones of {self.region}, got {zone!r}",
                )
                for zone in zones
            ),
            when(
                self.budget and self.partition != "aws",
                f"budget: remove it; there is none in {self.region}, whose costs the account that pays has",
            ),
            when(
                self.production and self.off_hours,
                "off_hours: remove it where production is true: customers come at all hours",
            ),
            *(
                when(
                    self.off_hours,
                    f"endpoints.{name}.{path}: remove it where there are off_hours, which would undo it",
                )
                for name, inference in self.endpoints.items()
                for path in scheduled(inference)
            ),
            *(
                when(
                    name not in self.endpoints,
                    f"alarms.{name}: supply one of the endpoints "
                    f"({', '.join(sorted(self.endpoints)) or 'none is described'}), got {name!r}",
                )
                for name in self.alarms
            ),
            *(problem for name, model in self.models.items() for problem in self._unreachable(name, model)),
            *(
                problem
                for name, inference in self.endpoints.items()
                for problem in self._unfit(f"endpoints.{name}", inference)
            ),
            *(self._unfit_for_batch(name, job.model) for name, job in self.batch_transforms.items()),
            *(
                problem
                for name, one in self.monitors.items()
                for problem in self._unmonitored(f"monitors.{name}", one)
            ),
            *(
                when(
                    trigger.monitor not in self.monitors,
                    f"pipelines.{name}.triggers.{start}.monitor: supply one of the monitors "
                    f"({', '.join(sorted(self.monitors)) or 'none is described'}), got {trigger.monitor!r}",
                )
                for name, pipeline in self.pipelines.items()
                for start, trigger in pipeline.triggers.items()
                if isinstance(trigger, Drift)
            ),
            *self._unfit_for_api(),
        )

    def _unreachable(self, name: str, model: Definition) -> Iterator[str | None]:
        """Yield a problem where SageMaker could not fetch a model's image, or a version of the registry."""
        if isinstance(model, ModelPackage):
            here = f":{self.region}:"
            yield when(
                here not in model.model_package_arn,
                f"models.{name}.model_package_arn: supply a version in {self.region}, "
                f"got {model.model_package_arn!r}",
            )
        for path, container in containers(model).items():
            host = container.image.partition("/")[0]
            platform = container.repository_access == "Platform"
            yield when(
                platform and f".{self.region}." not in host,
                f"models.{name}.{path}image: supply an image in Amazon ECR in {self.region}, "
                f"got one in {host}",
            )
            yield when(
                not platform and isinstance(self.network, NewNetwork),
                f"models.{name}.{path}repository_access: supply Platform, or a network of kind Existing, "
                f"got {container.repository_access!r}",
            )

    def _unfit(self, path: str, inference: Inference) -> Iterator[str | None]:
        """Yield a problem for each model that the kind of endpoint cannot serve.

        https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
        https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html
        """
        for place, key in inference.models.items():
            model = self.models.get(key)
            if model is None:
                continue
            several = isinstance(model, (Serial, Direct))
            multi = any(container.mode == "MultiModel" for container in model.all_containers)
            private = any(container.repository_access == "Vpc" for container in model.all_containers)
            got = f"got {key!r}, which is {'of mode MultiModel' if multi else f'of kind {model.kind}'}"
            if isinstance(inference, Serverless):
                yield when(several or multi, f"{path}.{place}: supply a model with one container, {got}")
                yield when(
                    private, f"{path}.{place}: supply a model whose image is in Amazon ECR, got {key!r}"
                )
                yield when(
                    key not in self.serverless_models,
                    f"{path}.{place}: supply a model of its own, which is in no VPC; "
                    f"got {key!r}, which instances serve as well",
                )
            elif isinstance(inference, Asynchronous):
                yield when(
                    isinstance(model, Direct) or multi,
                    f"{path}.{place}: supply a model of which a request need not name a part, {got}",
                )
            elif inference.shadow_variants:
                yield when(several or multi, f"{path}.{place}: supply a model with one container, {got}")

    def _unfit_for_batch(self, name: str, key: str) -> str | None:
        """Return a problem where a transform job cannot say which part of a model it means.

        https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-batch.html
        """
        model = self.models.get(key)
        if model is None:
            return None
        multi = any(container.mode == "MultiModel" for container in model.all_containers)
        return when(
            isinstance(model, Direct) or multi,
            f"batch_transforms.{name}.model: supply a model of which a request need not name a part, "
            f"got {key!r}, which is {'of mode MultiModel' if multi else f'of kind {model.kind}'}",
        )

    def _unmonitored(self, path: str, monitor: Monitor) -> Iterator[str | None]:
        """Yield a problem where a monitor has no image here, no captured data, or no model to ask."""
        images = {"image": monitor.image}
        if isinstance(monitor, ModelQuality):
            images["merger_image"] = monitor.merger_image
            yield from self._uncaptured(f"{path}.endpoint", monitor.endpoint)
            yield from self._without_variant(f"{path}.variant", monitor)
        elif isinstance(monitor, DataQuality) and isinstance(monitor.source, EndpointCapture):
            yield from self._uncaptured(f"{path}.source.endpoint", monitor.source.endpoint)
        elif isinstance(monitor, Explainability):
            yield from self._unexplained(f"{path}.model", monitor.model)
        for field_, image in images.items():
            yield when(
                f".{self.region}." not in image,
                f"{path}.{field_}: supply an image in Amazon ECR in {self.region}, got {image!r}",
            )

    def _uncaptured(self, path: str, endpoint: str) -> Iterator[str | None]:
        captured = [
            name
            for name, inference in self.endpoints.items()
            if isinstance(inference, RealTime) and inference.data_capture
        ]
        yield when(
            endpoint not in captured,
            f"{path}: supply one of the endpoints with data_capture "
            f"({', '.join(sorted(captured)) or 'none is described'}), got {endpoint!r}",
        )

    def _without_variant(self, path: str, monitor: ModelQuality) -> Iterator[str | None]:
        inference = self.endpoints.get(monitor.endpoint)
        variants = inference.variants if isinstance(inference, RealTime) else {}
        yield when(
            variants and monitor.variant not in variants,
            f"{path}: supply one of the variants ({', '.join(sorted(variants))}), got {monitor.variant!r}",
        )

    def _unexplained(self, path: str, name: str) -> Iterator[str | None]:
        """Yield a problem where Clarify could make no endpoint of a model.

        https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-configure-analysis.html
        """
        model = self.models.get(name)
        legal = ", ".join(sorted(self.models)) or "none is described"
        yield when(model is None, f"{path}: supply one of the models ({legal}), got {name!r}")
        several = isinstance(model, (Serial, Direct)) or (
            model is not None and any(one.mode == "MultiModel" for one in model.all_containers)
        )
        yield when(several, f"{path}: supply a model with one container and one model, got {name!r}")
        yield when(
            name in self.serverless_models,
            f"{path}: supply a model that instances serve, got {name!r}, which is of serverless endpoints",
        )

    def _unfit_for_api(self) -> Iterator[str | None]:
        """Yield a problem for each part of the API that the rest of the file does not allow."""
        api = self.api
        if api is None:
            return
        for name, route in api.routes.items():
            yield when(
                route.endpoint not in self.endpoints,
                f"api.routes.{name}.endpoint: supply one of the endpoints "
                f"({', '.join(sorted(self.endpoints)) or 'none is described'}), got {route.endpoint!r}",
            )
        private = isinstance(api.access, Private)
        yield when(
            isinstance(api.access, Private)
            and not api.access.vpc_endpoint_ids
            and not isinstance(self.network, NewNetwork),
            "api.access.vpc_endpoint_ids: supply those for execute-api where network is of kind Existing, "
            "got none",
        )
        yield when(
            self.production and not private and api.firewall is None,
            "api.firewall: supply one where production is true and the API is on the internet, got null",
        )

    @property
    def serverless_models(self) -> frozenset[str]:
        """Models that serverless endpoints serve and nothing else does."""
        served: dict[bool, set[str]] = {True: set(), False: set()}
        served[False].update(job.model for job in self.batch_transforms.values())
        for inference in self.endpoints.values():
            served[isinstance(inference, Serverless)].update(inference.models.values())
        return frozenset(served[True] - served[False])

    def _other_accounts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name, repository in self.repositories.items():
            yield f"repositories.{name}.pull_account_ids", repository.pull_account_ids
        for name, group in self.model_package_groups.items():
            yield f"model_package_groups.{name}.reader_account_ids", group.reader_account_ids
            yield f"model_package_groups.{name}.deployer_account_ids", group.deployer_account_ids

    @property
    def deployer_account_ids(self) -> tuple[str, ...]:
        """The other accounts that make models of some group's versions, sorted."""
        groups = self.model_package_groups.values()
        return tuple(sorted({one for group in groups for one in group.deployer_account_ids}))

    @property
    def partition(self) -> str:
        """Part of AWS that the region belongs to: `aws` or `aws-us-gov`."""
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    @property
    def timed_endpoints(self) -> Mapping[str, Inference]:
        """The endpoints, with the scheduled actions of off-hours where there are any."""
        hours = self.off_hours
        return {
            name: with_off_hours(inference, hours) if hours else inference
            for name, inference in self.endpoints.items()
        }

    @property
    def thresholds(self) -> Mapping[str, Thresholds]:
        """When somebody is told, by endpoint; those are left out about which nobody ever is."""
        decided = {name: self.alarms.get(name, Thresholds()) for name in self.endpoints}
        return {name: one for name, one in decided.items() if one}

    @property
    def told_by(self) -> tuple[str, ...]:
        """Services that tell people of something: of alarms, of costs."""
        alarms = (
            self.pipelines
            or self.state_machines
            or self.batch_transforms
            or self.monitors
            or self.thresholds
            or (self.api and self.api.alarms)
        )
        return (
            *(("budgets.amazonaws.com",) if self.budget else ()),
            *(("cloudwatch.amazonaws.com",) if alarms else ()),
        )

    @property
    def features(self) -> tuple[str, ...]:
        """What is done in its network: keys of `modules.network.FEATURES`."""
        asking = [one for one in self.monitors.values() if isinstance(one, Explainability)]
        api = self.api
        closed = api and isinstance(api.access, Private) and not api.access.vpc_endpoint_ids
        used = {
            "api": closed,
            "explanation": asking,
            "inference": self.endpoints,
            "registry": self.model_package_groups,
        }
        return tuple(feature for feature, items in used.items() if items)


ADAPTER: TypeAdapter[Environment] = TypeAdapter(Environment)


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of an environment file, as strict as reading is where a schema can be.

    `kind` is always to be said, also where there is one kind so far; keys that are names have a form.
    """
    with described():
        whole = tightened(TypeAdapter(Environment).json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


def tightened(part: Any) -> Any:
    """Return a part of pydantic's schema without titles, with names and kinds enforced."""
    if isinstance(part, list):
        return [tightened(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {
        key: tightened(value)
        for key, value in part.items()
        if not (key == "title" and isinstance(value, str))
    }
    if "patternProperties" in made:
        made["additionalProperties"] = False
    if "const" in made.get("properties", {}).get("kind", {}):
        made["properties"]["kind"].pop("default", None)
        made["required"] = ["kind", *made.get("required", [])]
    return made


def names(folder: Path) -> list[str]:
    """Return the environments that a folder describes, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(name: str, folder: Path) -> Environment:
    """Read `<folder>/<name>.yaml`.

    Raises `InvalidEnvironment` with every problem at once, each on a line of its own: file, path in
    the file, what to supply, what was got.
    """
    path = folder / f"{name}.yaml"
    place = f"{folder.name}/{path.name}"
    if not path.is_file():
        known = ", ".join(names(folder)) or "none"
        raise InvalidEnvironment(
            f"{place}: supply the name of an environment that is there: {known}; got {name!r}"
        )
    if not re.fullmatch(ENVIRONMENT_NAME, name):
        legal = "at most 16 lower-case letters and digits, a letter first"
        raise InvalidEnvironment(f"{place}: supply a file name of {legal}, got {name!r}")
    try:
        node, document = parse(path.read_bytes())
        text = json.dumps(document, default=str)
        problems = list(duplicates(node, ""))
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InvalidEnvironment(f"{place}: {line}supply YAML, got {error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise InvalidEnvironment(f"{place}: supply YAML, got {str(error).splitlines()[0]}") from None
    if not isinstance(document, dict):
        raise InvalidEnvironment(
            f"{place}: supply a mapping of settings, got {shown(document, 'an empty file')}"
        )
    document = json.loads(text)
    problems += undescribed_models(document)
    problems += missing_definitions(document, folder.parent)
    problems += long_names(name, document)
    problems += untold_kinds(document)
    try:
        environment = ADAPTER.validate_json(text)
    except ValidationError as error:
        problems += [problem for one in error.errors(include_url=False) for problem in explain(one, document)]
    if problems:
        raise InvalidEnvironment("\n".join(f"{place}: {problem}" for problem in problems))
    return environment


def parse(content: bytes) -> tuple[yaml.Node | None, Any]:
    """Return a YAML document as nodes, which know the keys that stand twice, and as plain values.

    libyaml takes a tenth of the time; where it finds no YAML, PyYAML's own loader says better why.
    """
    fast: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(content, Loader=fast), yaml.load(content, Loader=fast)
    except yaml.YAMLError:
        return yaml.compose(content, Loader=yaml.SafeLoader), yaml.safe_load(content)


def read_all(wanted: Iterable[str], folder: Path) -> dict[str, Environment]:
    """Read several environments; raises `InvalidEnvironment` with the problems of all of them."""
    environments: dict[str, Environment] = {}
    problems: list[str] = []
    for name in wanted:
        try:
            environments[name] = read(name, folder)
        except InvalidEnvironment as error:
            problems.append(str(error))
    if problems:
        raise InvalidEnvironment("\n".join(problems))
    return environments


def duplicates(node: yaml.Node | None, path: str) -> Iterator[str]:
    """Yield a problem for each key that a mapping has twice; YAML itself would keep the last in silence."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from duplicates(item, f"{path}[{index}]")
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for name, value in node.value:
        here = f"{path}.{key(str(name.value))}".removeprefix(".")
        line = name.start_mark.line + 1
        if name.tag != "tag:yaml.org,2002:merge" and isinstance(name, yaml.ScalarNode):
            if name.value in seen:
                yield f"{here}: supply each key once, got it on lines {seen[name.value]} and {line}"
            seen[name.value] = line
        yield from duplicates(value, here)


def mapping(value: object, key: str) -> Mapping[str, Any]:
    """Return the mapping that stands under a key, or an empty one; types are checked elsewhere."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def containers(model: Definition) -> dict[str, Container]:
    """Return the containers of a model by where they stand in its description, as the start of a path."""
    if isinstance(model, Container):
        return {"": model}
    if isinstance(model, Direct):
        return {f"containers.{key(name)}.": container for name, container in model.containers.items()}
    return {f"containers[{index}].": container for index, container in enumerate(model.all_containers)}


def undescribed_models(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each variant, or transform job, of a model that the file does not describe."""
    models = mapping(document, "models")
    legal = ", ".join(sorted(models)) or "none is described"
    served = {
        f"{part}.{key(name)}": one
        for part in ("endpoints", "batch_transforms")
        for name, one in mapping(document, part).items()
    }
    for endpoint, inference in mapping(document, "endpoints").items():
        served |= {
            f"endpoints.{key(endpoint)}.{part}.{key(name)}": variant
            for part in ("variants", "shadow_variants")
            for name, variant in mapping(inference, part).items()
        }
    for path, one in served.items():
        model = one.get("model") if isinstance(one, dict) else None
        if isinstance(model, str) and model not in models:
            yield f"{path}.model: supply one of the models ({legal}), got {model!r}"


def missing_definitions(document: Mapping[str, Any], root: Path) -> Iterator[str]:
    """Yield a problem for each pipeline or state machine whose definition is no file of the checkout, and
    for each pipeline that a state machine starts and that is not described."""
    described = mapping(document, "pipelines")
    for part in ("pipelines", "state_machines"):
        for name, value in mapping(document, part).items():
            if not isinstance(value, dict):
                continue
            file = value.get("definition")
            if isinstance(file, str) and not (root / file).is_file():
                yield f"{part}.{key(name)}.definition: supply a file that is there, got {file!r}"
            started = value.get("pipelines", ()) if part == "state_machines" else ()
            for one in started if isinstance(started, list) else ():
                if one not in described:
                    legal = ", ".join(sorted(described)) or "none is described"
                    yield f"{part}.{key(name)}.pipelines: supply some of the pipelines ({legal}), got {one!r}"


def long_names(environment: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each key of which AWS could make no name, as it would be too long."""
    prefix = f"{document.get('organization')}-{environment}-"
    for part, limit in LONGEST_NAMES.items():
        for name in mapping(document, part):
            left = limit - len(prefix)
            if len(name) > left:
                yield f"{part}.{key(name)}: supply a name of at most {left} characters, got {len(name)}"


def untold_kinds(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem for each container of several that does not say its kind, also where there is one."""
    for name, model in mapping(document, "models").items():
        listed = model.get("containers") if isinstance(model, dict) else None
        here = f"models.{key(name)}.containers"
        paths = (
            {f"{here}[{index}]": one for index, one in enumerate(listed)} if isinstance(listed, list) else {}
        )
        paths |= {f"{here}.{key(host)}": one for host, one in mapping(model, "containers").items()}
        for path, container in paths.items():
            if isinstance(container, dict) and "kind" not in container:
                yield f"{path}.kind: supply this setting, got nothing"


TYPES = {
    "bool": "true or false",
    "dataclass": "a mapping",
    "dict": "a mapping",
    "float": "a number",
    "int": "an integer",
    "list": "a list",
    "mapping": "a mapping",
    "model_attributes": "a mapping",
    "string": "a string",
    "tuple": "a list",
}


def explain(error: Any, document: Mapping[str, Any]) -> Iterator[str]:
    """Yield pydantic's finding as lines of our own: path, what to supply, what was got."""
    steps = route(error["loc"], document)
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{key(step)}" for step in steps).removeprefix(
        "."
    )
    kind, context, got = error["type"], error.get("ctx", {}), shown(error["input"])
    expected = TYPES.get(kind.removesuffix("_type"))
    if kind == "value_error":
        start = f"{path}." if path else ""
        yield from (start + line for line in str(context["error"]).splitlines())
    elif kind == "missing":
        yield f"{path}: supply this setting, got nothing"
    elif kind == "unexpected_keyword_argument":
        legal = settings(steps[:-1], document)
        close = difflib.get_close_matches(str(steps[-1]), legal, 1)
        yield f"{path}: supply {close[0] if close else 'one of ' + ', '.join(legal)}, got an unknown setting"
    elif kind in ("union_tag_not_found", "union_tag_invalid"):
        legal = schema_at(steps, document)["discriminator"]["mapping"]
        yield f"{path}.kind: supply one of {', '.join(legal)}, got {shown(context.get('tag'))}"
    elif kind == "literal_error":
        yield f"{path}: supply {context['expected']}, got {got}"
    elif kind == "string_pattern_mismatch":
        yield f"{path}: supply a string that matches {context['pattern']}, got {got}"
    elif kind == "string_too_long":
        yield f"{path}: supply at most {context['max_length']} characters, got {len(error['input'])}"
    elif kind == "int_from_float":
        yield f"{path}: supply an integer, got {got}"
    else:
        yield (
            f"{path}: supply {expected}, got {got}"
            if expected
            else f"{path}: {error['msg'].lower()}, got {got}"
        )


def route(loc: tuple[int | str, ...], document: Any) -> list[int | str]:
    """Return pydantic's location as a path in the file, without the kind of a union as a step of its own."""
    steps: list[int | str] = []
    here = document
    for step in loc:
        if step == "[key]" or (isinstance(here, dict) and step not in here and here.get("kind") == step):
            continue
        steps.append(step)
        inside = (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int)
        )
        here = here[step] if inside else None
    return steps


def schema_at(steps: list[int | str], document: Any) -> dict[str, Any]:
    """Return the part of the JSON Schema that describes a place in the file."""
    whole = schema()

    def resolved(part: dict[str, Any], value: Any) -> dict[str, Any]:
        if "$ref" in part:
            return resolved(whole["$defs"][part["$ref"].rpartition("/")[2]], value)
        if "anyOf" in part:
            return resolved(next(one for one in part["anyOf"] if one.get("type") != "null"), value)
        kinds = part.get("discriminator", {}).get("mapping", {})
        kind = value.get("kind") if isinstance(value, dict) else None
        return resolved({"$ref": kinds[kind]}, value) if isinstance(kind, str) and kind in kinds else part

    part = resolved(whole, document)
    for step in steps:
        document = document[step]
        named = part.get("patternProperties", {}).values()
        inner = part["items"] if isinstance(step, int) else part.get("properties", {}).get(step)
        part = resolved(inner or next(iter(named), None) or part["additionalProperties"], document)
    return part


def settings(steps: list[int | str], document: Any) -> list[str]:
    """Return the settings that a place in the file may have."""
    return list(schema_at(steps, document)["properties"])


def key(name: str | int) -> str:
    """Return a key as a path names it: as it is, or quoted where it would not read as one word."""
    return str(name) if re.fullmatch(r"[\w-]+", str(name), re.ASCII) else repr(name)


def shown(value: object, nothing: str = "nothing") -> str:
    """Return a value as an error names it."""
    if value is None:
        return nothing
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else repr(value)
