"""Who may do what in Studio: the statements of each persona's execution role, made of names alone.

Code in an app has its profile's role, so a role is shared by all profiles of a persona. Who it is and where
stands in two keys that Studio sets, `sagemaker:DomainId` and `sagemaker:UserProfileName`: a role needs no
domain's id, which is known only after it. A request from elsewhere has neither key, and so reaches no
profile, space or app.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from .._core import Statement, matches, not_empty, record, refuse
from .._core.instance_types import families
from .decisions import Limits, Persona

DOMAIN = "$${sagemaker:DomainId}"
"""IAM's policy variable; Terraform makes one `$` of two."""
PROFILE = f"{DOMAIN}/$${{sagemaker:UserProfileName}}"

LISTS = (
    "sagemaker:ListApps",
    "sagemaker:ListDomains",
    "sagemaker:ListEndpoints",
    "sagemaker:ListHyperParameterTuningJobs",
    "sagemaker:ListModelPackageGroups",
    "sagemaker:ListModels",
    "sagemaker:ListPipelines",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListSpaces",
    "sagemaker:ListTrainingJobs",
    "sagemaker:ListTransformJobs",
    "sagemaker:ListUserProfiles",
    "sagemaker:Search",
)
"""What IAM can bind to no resource: names, statuses and times of all environments of the account."""

READS = (
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeHyperParameterTuningJob",
    "sagemaker:DescribeModel",
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:DescribePipeline",
    "sagemaker:DescribePipelineDefinitionForExecution",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:DescribeProcessingJob",
    "sagemaker:DescribeTrainingJob",
    "sagemaker:DescribeTransformJob",
    "sagemaker:ListModelPackages",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:ListPipelineExecutions",
    "sagemaker:ListPipelineParametersForExecution",
    "sagemaker:ListTags",
    "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
)
JOBS = ("HyperParameterTuningJob", "ProcessingJob", "TrainingJob")

ANY_JOB = "sagemaker:Create*Job"
"""In denials alone, which may not be longer: IAM gives a role 10,240 characters."""
CODE_JOB = "sagemaker:Create*ingJob"
"""Tuning, processing and training; and labeling, which no persona may do."""
MODEL = "sagemaker:CreateModel"
ENGINEERING = (
    MODEL,
    "sagemaker:InvokeEndpoint",
    "sagemaker:RetryPipelineExecution",
    "sagemaker:StartPipelineExecution",
    "sagemaker:StopPipelineExecution",
)


@record
class PersonaScope:
    """What a persona's role may reach: the environment's names, network and key."""

    role_name: str
    """The role itself, which its jobs have as well."""
    prefix: str
    """Start of the names of everything in the environment, such as `acme-dev-`, and of nothing else."""
    account_id: str
    """Account of the environment."""
    region: str
    """Region of the environment."""
    subnet_ids: tuple[str, ...]
    """The only subnets that jobs and models may be in."""
    security_group_ids: tuple[str, ...]
    """The only security groups that they may have."""
    kms_key_arn: str
    """The only key for what they write."""
    limits: Limits = Limits()
    """Machines and time."""
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""

    def __post_init__(self) -> None:
        refuse(
            matches("role_name", self.role_name, r"[\w+=,.@-]{1,64}", "acme-dev-studio-data-scientist"),
            matches("prefix", self.prefix, r"[a-z0-9-]+-", "acme-dev-"),
            not_empty("subnet_ids", self.subnet_ids),
            not_empty("security_group_ids", self.security_group_ids),
        )

    def arn(self, resource: str, service: str = "sagemaker") -> str:
        """Return the ARN of a resource of the environment's account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def own(self, kind: str = "*") -> str:
        """Return the ARN of the environment's own resources, of the kind that an action is for."""
        return self.arn(f"{kind}/{self.prefix}*")


def statements(persona: Persona, scope: PersonaScope) -> tuple[Statement, ...]:
    """Return what a persona's execution role may do, and what it may not whatever else it is given."""
    return {
        "Approver": approver,
        "DataScientist": data_scientist,
        "MlEngineer": ml_engineer,
        "Viewer": viewer,
    }[persona](scope)


def viewer(scope: PersonaScope) -> tuple[Statement, ...]:
    """Return what somebody needs who looks at jobs, models, pipelines and endpoints, and runs nothing."""
    return (*_look(scope), _approve_nothing())


def approver(scope: PersonaScope) -> tuple[Statement, ...]:
    """Return what somebody needs who approves or rejects models, and registers none."""
    return (
        *_look(scope),
        Statement(
            sid="Approve",
            actions=("sagemaker:UpdateModelPackage",),
            resources=(scope.own("model-package"),),
            conditions={"Null": {"sagemaker:ModelApprovalStatus": "false"}},
        ),
        Statement(
            sid="RegisterNothing",
            effect="Deny",
            actions=("sagemaker:CreateModelPackage",),
            resources=("*",),
        ),
    )


def data_scientist(scope: PersonaScope) -> tuple[Statement, ...]:
    """Return what somebody needs who explores and trains, and registers models for approval."""
    return (
        *_look(scope),
        *_apps(scope, "Private"),
        *_run(scope, JOBS),
        *_guards(scope),
        _register(scope),
        _approve_nothing(),
    )


def ml_engineer(scope: PersonaScope) -> tuple[Statement, ...]:
    """Return what somebody needs who also makes models, transforms data, runs pipelines, calls endpoints."""
    return (
        *_look(scope),
        *_apps(scope, "Private", "Shared"),
        *_run(scope, (*JOBS, "TransformJob"), *ENGINEERING),
        *_guards(scope),
        _register(scope),
        _approve_nothing(),
    )


def _look(scope: PersonaScope) -> Iterator[Statement]:
    """Yield what everybody may: come in as oneself, and look at the domain and the environment."""
    logs = scope.arn("log-group:/aws/sagemaker/", service="logs")
    yield Statement(sid="List", actions=LISTS, resources=("*",))
    yield Statement(
        sid="ComeIn",
        actions=("sagemaker:CreatePresignedDomainUrl", "sagemaker:DescribeUserProfile"),
        resources=(scope.arn(f"user-profile/{PROFILE}"),),
    )
    yield Statement(
        sid="LookAtDomain",
        actions=("sagemaker:DescribeApp", "sagemaker:DescribeDomain", "sagemaker:DescribeSpace"),
        resources=tuple(
            scope.arn(each) for each in (f"app/{DOMAIN}/*", f"domain/{DOMAIN}", f"space/{DOMAIN}/*")
        ),
    )
    yield Statement(sid="LookAtEnvironment", actions=READS, resources=(scope.own(),))
    yield Statement(sid="ListLogs", actions=("logs:DescribeLogStreams",), resources=(f"{logs}*",))
    yield Statement(
        sid="ReadLogs",
        actions=("logs:GetLogEvents",),
        resources=(f"{logs}*:log-stream:{scope.prefix}*", f"{logs}Endpoints/{scope.prefix}*"),
    )


def _apps(scope: PersonaScope, *own_spaces: str) -> Iterator[Statement]:
    """Yield spaces of one's own, and apps in these and in shared ones, on the machines that are allowed.

    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-spaces.html
    """
    apps, spaces = scope.arn(f"app/{DOMAIN}/*"), scope.arn(f"space/{DOMAIN}/*")
    owner = {"ArnLike": {"sagemaker:OwnerUserProfileArn": scope.arn(f"user-profile/{PROFILE}")}}
    yield Statement(
        sid="OwnSpaces",
        actions=("sagemaker:CreateSpace", "sagemaker:DeleteSpace", "sagemaker:UpdateSpace"),
        resources=(spaces,),
        conditions={**owner, "StringEquals": {"sagemaker:SpaceSharingType": own_spaces}},
    )
    yield Statement(
        sid="AppsInOwnSpaces",
        actions=("sagemaker:CreateApp", "sagemaker:DeleteApp"),
        resources=(apps,),
        conditions={**owner, "StringEquals": {"sagemaker:SpaceSharingType": "Private"}},
    )
    yield Statement(
        sid="AppsInSharedSpaces",
        actions=("sagemaker:CreateApp", "sagemaker:DeleteApp"),
        resources=(apps,),
        conditions={"StringEquals": {"sagemaker:SpaceSharingType": "Shared"}},
    )
    yield Statement(
        sid="TagAtCreation",
        actions=("sagemaker:AddTags",),
        resources=(apps, spaces, scope.own()),
        conditions={"Null": {"sagemaker:TaggingAction": "false"}},
    )
    yield Statement(
        sid="MachinesOfApps",
        effect="Deny",
        actions=("sagemaker:CreateApp", "sagemaker:CreateSpace", "sagemaker:UpdateSpace"),
        resources=("*",),
        conditions={
            "ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": scope.limits.app_instance_types}
        },
    )


def _run(scope: PersonaScope, jobs: tuple[str, ...], *others: str) -> Iterator[Statement]:
    """Yield jobs and more with the environment's names, as oneself; jobs of other domains cannot be stopped.

    Studio sets the tag, and nobody can change it.
    https://docs.aws.amazon.com/sagemaker/latest/dg/domain-resource-isolation.html
    """
    yield Statement(
        sid="Run",
        actions=(*(f"sagemaker:Create{job}" for job in jobs), *others),
        resources=(scope.own(),),
    )
    yield Statement(
        sid="StopJobsOfDomain",
        actions=tuple(f"sagemaker:Stop{job}" for job in jobs),
        resources=(scope.own(),),
        conditions={"StringEquals": {"aws:ResourceTag/sagemaker:domain-arn": scope.arn(f"domain/{DOMAIN}")}},
    )
    yield Statement(
        sid="PassOwnRole",
        actions=("iam:PassRole",),
        resources=(f"arn:{scope.partition}:iam::{scope.account_id}:role/{scope.role_name}",),
        conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    )


def _guards(scope: PersonaScope) -> Iterator[Statement]:
    """Yield what no job and no model may be: outside the VPC, connected, unencrypted, large, endless.

    Each of the two keys of a VPC has statements of its own: in one, they would have to be missing both. An
    operator with `Not` also holds where the key is missing, so it denies that, too; with `ForAnyValue` it
    does not.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_operators.html
    """

    def deny(sid: str, *actions: str, **conditions: Mapping[str, str | tuple[str, ...]]) -> Statement:
        operators = {operator.replace("_", ":"): keys for operator, keys in conditions.items()}
        return Statement(sid=sid, effect="Deny", actions=actions, resources=("*",), conditions=operators)

    subnets, groups = "sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds"
    machines = "sagemaker:InstanceTypes"
    yield deny("InVpc", CODE_JOB, MODEL, Null={subnets: "true"})
    yield deny("InSecurityGroup", CODE_JOB, MODEL, Null={groups: "true"})
    yield deny("OwnSubnets", CODE_JOB, MODEL, ForAnyValue_StringNotEquals={subnets: scope.subnet_ids})
    yield deny(
        "OwnSecurityGroups", CODE_JOB, MODEL, ForAnyValue_StringNotEquals={groups: scope.security_group_ids}
    )
    yield deny("Isolated", CODE_JOB, MODEL, BoolIfExists={"sagemaker:NetworkIsolation": "false"})
    yield deny(
        "TrafficEncrypted", CODE_JOB, BoolIfExists={"sagemaker:InterContainerTrafficEncryption": "false"}
    )
    yield deny("OutputKey", ANY_JOB, ArnNotEquals={"sagemaker:OutputKmsKey": scope.kms_key_arn})
    yield deny("VolumeKey", ANY_JOB, **_without_volume_key(scope))
    yield deny(
        "MachinesOfJobs",
        ANY_JOB,
        ForAnyValue_StringNotLike={machines: scope.limits.job_instance_types},
    )
    yield deny(
        "Runtime",
        ANY_JOB,
        NumericGreaterThan={"sagemaker:MaxRuntimeInSeconds": str(scope.limits.max_runtime_seconds)},
    )


def _without_volume_key(scope: PersonaScope) -> dict[str, Mapping[str, str | tuple[str, ...]]]:
    """Return when a job's volumes are not encrypted: local NVMe has a key in hardware, and takes no other."""
    patterns = [pattern.split(".")[1] for pattern in scope.limits.job_instance_types]
    nvme = tuple(
        f"ml.{family}.*"
        for family in sorted(families("nvme_families"))
        if any(fnmatchcase(family, pattern) for pattern in patterns)
    )
    conditions: dict[str, Mapping[str, str | tuple[str, ...]]] = {
        "ArnNotEquals": {"sagemaker:VolumeKmsKey": scope.kms_key_arn}
    }
    if nvme:
        conditions["ForAnyValue_StringNotLike"] = {"sagemaker:InstanceTypes": nvme}
    return conditions


def _register(scope: PersonaScope) -> Statement:
    return Statement(
        sid="RegisterForApproval",
        actions=("sagemaker:CreateModelPackage",),
        resources=(scope.own("model-package-group"), scope.own("model-package")),
        conditions={"StringEqualsIfExists": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}},
    )


def _approve_nothing() -> Statement:
    return Statement(
        sid="ApproveNothing",
        effect="Deny",
        actions=("sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"),
        resources=("*",),
        conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": ("Approved", "Rejected")}},
    )
