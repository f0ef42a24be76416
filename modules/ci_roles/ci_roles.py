"""Roles for CI: one plans and changes nothing, one applies what was reviewed, and neither its own limits.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from constructs import Construct

from .._aws.iam_policy import IamPolicy
from .._aws.iam_role import IamRole
from .._aws.iam_role_policy import IamRolePolicy
from .._aws.iam_role_policy_attachment import IamRolePolicyAttachment
from .._core import Principal, Statement, at_least, at_most, document, matches, record, refuse
from .access import (
    API,
    API_READ,
    CEILING,
    EMPTY,
    MODELS,
    NEVER,
    PASSED_TO,
    PLATFORM,
    POLICIES,
    READ,
    ROLES,
    SERVICE_LINKED,
    SERVICES,
    Access,
    of,
)
from .decisions import Trust

OF_ROLES = of("iam", "DeleteRole", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole*")
OF_POLICIES = of("iam", "CreatePolicy*", "DeletePolicy*", "TagPolicy", "UntagPolicy")
"""What is done with policies, and with roles, on no other condition than their names."""


@record
class CiRolesConfig:
    """Two roles that are drawn by names: they reach what bears an environment's prefix."""

    prefix: str
    """Start of the names of everything in the environment, such as `acme-prod-`, and of nothing else."""
    tags: Mapping[str, str]
    """Tags that everything in the environment has, and nothing else: for what has no name."""
    parameter_path: str
    """Start of the names of its SSM parameters, such as `/sagewright/prod`."""
    trust: Trust
    """Whose tokens open the roles: `GitHub(…).trust("prod")`."""
    provider_arn: str
    """The issuer's OIDC provider in the account."""
    state_bucket_name: str
    """Where the Terraform states are."""
    state_key_prefix: str
    """Start of the keys of the states that the roles read, and the second writes, such as `prod-`."""
    own_state_key: str
    """The state that holds the roles themselves, which neither may read or write."""
    state_kms_key_arn: str
    """Key of the states, and of the plans that are kept between the jobs."""
    plans_context: Mapping[str, str]
    """Encryption context of these plans, such as `{"environment": "prod"}`: what else it holds is free."""
    roles_boundary_name: str
    """Boundary, a managed policy, that every role must have which the second role makes or changes."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    closed_bucket_names: tuple[str, ...] = ()
    """Other buckets that neither role may change or read, whatever their names begin with."""
    may_empty: bool = False
    """Whether the second role may delete what buckets, repositories and registries hold."""
    apply_session_seconds: int = 7200
    """Longest time for which the second role is taken; an endpoint may be updated for an hour."""

    def __post_init__(self) -> None:
        refuse(
            matches("prefix", self.prefix, r"[a-z0-9-]+-", "acme-prod-"),
            matches("parameter_path", self.parameter_path, r"(/[\w.-]+)+", "/sagewright/prod"),
            matches("state_key_prefix", self.state_key_prefix, r"[\w./-]+", "prod-"),
            matches(
                "roles_boundary_name", self.roles_boundary_name, r"[\w+=,.@-]{1,128}", "acme-prod-boundary"
            ),
            at_least("apply_session_seconds", self.apply_session_seconds, 3600),
            at_most("apply_session_seconds", self.apply_session_seconds, 43200),
        )

    def arn(self, resource: str) -> str:
        """Return an ARN from what stands after the partition."""
        return f"arn:{self.partition}:{resource}"

    @property
    def roles_boundary_arn(self) -> str:
        """The boundary by its name, so that a plan shows it."""
        return self.arn(f"iam::{self.account_id}:policy/{self.roles_boundary_name}")


@record
class CiRolesOutputs:
    """What the workflows name."""

    plan_role_arn: str
    apply_role_arn: str


class CiRoles(Construct):
    """Both are within a boundary that denies them their own limits, the state bucket's, and data."""

    def __init__(self, scope: Construct, id_: str, config: CiRolesConfig) -> None:
        super().__init__(scope, id_)
        self.config = config
        boundary = self._policy("boundary", "The most that CI can do", ceiling(config))
        read = (
            self._policy("read", "What CI looks at", reading(config)),
            self._policy("read-api", "What CI looks at: API", granted(config, API_READ)),
        )
        change = (
            self._policy("platform", "What CI changes: platform", granted(config, PLATFORM)),
            self._policy("models", "What CI changes: SageMaker", changing_models(config)),
            self._policy("services", "What CI changes: services", granted(config, SERVICES)),
            self._policy("api", "What CI changes: API", granted(config, API)),
            self._policy("identities", "What CI changes: roles", identities(config)),
        )
        plan = self._role("plan", "Plans, and changes nothing", config.trust.plan_subjects, 3600, boundary)
        apply = self._role(
            "apply", "Applies plans", config.trust.apply_subjects, config.apply_session_seconds, boundary
        )
        self._state(plan, "plan", f"{config.state_key_prefix}*.tflock", "kms:GenerateDataKey")
        self._state(apply, "apply", f"{config.state_key_prefix}*", "kms:Decrypt")
        for purpose, role, policies in (("plan", plan, read), ("apply", apply, (*read, *change))):
            for policy in policies:
                IamRolePolicyAttachment(
                    self, f"{purpose}_{policy.node.id}", role=role.name, policy_arn=policy.arn
                )
        roles = f"iam::{config.account_id}:role/"
        self.outputs = CiRolesOutputs(
            plan_role_arn=config.arn(f"{roles}{config.prefix}plan"),
            apply_role_arn=config.arn(f"{roles}{config.prefix}apply"),
        )

    def _policy(self, purpose: str, description: str, statements: Iterable[Statement]) -> IamPolicy:
        return IamPolicy(
            self,
            purpose,
            name=f"{self.config.prefix}ci-{purpose}",
            description=description,
            policy=document(*statements),
        )

    def _role(
        self, purpose: str, description: str, subjects: tuple[str, ...], seconds: int, boundary: IamPolicy
    ) -> IamRole:
        trust = self.config.trust
        compare = "StringLike" if any("*" in subject for subject in subjects) else "StringEquals"
        conditions: dict[str, dict[str, str | tuple[str, ...]]] = {
            "StringEquals": {f"{trust.issuer}:aud": trust.audience}
        }
        conditions.setdefault(compare, {})[f"{trust.issuer}:sub"] = subjects
        return IamRole(
            self,
            purpose,
            name=f"{self.config.prefix}{purpose}",
            description=description,
            assume_role_policy=document(
                Statement(
                    actions=("sts:AssumeRoleWithWebIdentity",),
                    principals=(Principal(kind="Federated", identifiers=(self.config.provider_arn,)),),
                    conditions=conditions,
                )
            ),
            permissions_boundary=boundary.arn,
            max_session_duration=seconds,
        )

    def _state(self, role: IamRole, purpose: str, written: str, plans: str) -> None:
        IamRolePolicy(
            self,
            f"{purpose}_state",
            name="state",
            role=role.name,
            policy=document(*states(self.config, written), saved_plans(self.config, plans)),
        )


def granted(config: CiRolesConfig, accesses: Iterable[Access]) -> Iterator[Statement]:
    """Yield the statements of a table, for one environment."""
    names = {
        "here": f"{config.region}:{config.account_id}",
        "region": config.region,
        "account": config.account_id,
        "prefix": config.prefix,
        "name": config.prefix.removesuffix("-"),
        "underscored": config.prefix.replace("-", "_"),
        "parameters": config.parameter_path,
    }
    for access in accesses:
        equals = dict(access.conditions.get("StringEquals", {}))
        if access.on == ("*",):
            equals["aws:RequestedRegion"] = config.region
        if access.tagged:
            equals.update({f"aws:{access.tagged}/{key}": value for key, value in config.tags.items()})
        yield Statement(
            actions=access.actions,
            resources=tuple(one if one == "*" else config.arn(one.format_map(names)) for one in access.on),
            conditions={**access.conditions, "StringEquals": equals} if equals else access.conditions,
        )


def reading(config: CiRolesConfig) -> Iterator[Statement]:
    """Yield what both roles look at."""
    yield from granted(config, READ)


def changing_models(config: CiRolesConfig) -> Iterator[Statement]:
    """Yield what the second role makes, changes and deletes of SageMaker, and what it may empty."""
    yield from granted(config, MODELS)
    if config.may_empty:
        yield from granted(config, EMPTY)


def identities(config: CiRolesConfig) -> Iterator[Statement]:
    """Yield what the second role does with roles and policies."""
    yield from bounded(config)
    yield from granted(config, (Access(actions=OF_ROLES, on=ROLES), Access(actions=OF_POLICIES, on=POLICIES)))


def bounded(config: CiRolesConfig) -> Iterator[Statement]:
    """Yield what is done with roles on a condition: none without the boundary gets or changes permissions.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_PermissionsBoundary
    """
    bounded = {"iam:PermissionsBoundary": config.roles_boundary_arn}
    own_policies = tuple(
        config.arn(one.format(account=config.account_id, prefix=config.prefix)) for one in POLICIES
    )
    yield from granted(
        config,
        (
            Access(
                actions=of(
                    "iam", "CreateRole", "DeleteRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy"
                ),
                on=ROLES,
                conditions={"StringEquals": bounded},
            ),
            Access(
                actions=of("iam", "AttachRolePolicy", "DetachRolePolicy"),
                on=ROLES,
                conditions={"StringEquals": bounded, "ArnLike": {"iam:PolicyARN": own_policies}},
            ),
            Access(
                actions=of("iam", "PassRole"),
                on=ROLES,
                conditions={"StringEquals": {"iam:PassedToService": PASSED_TO}},
            ),
            Access(
                actions=of("iam", "CreateServiceLinkedRole"),
                on=("iam::{account}:role/aws-service-role/*",),
                conditions={"StringEquals": {"iam:AWSServiceName": SERVICE_LINKED}},
            ),
        ),
    )


def states(config: CiRolesConfig, written: str) -> Iterator[Statement]:
    """Yield the use of the states: all are read, what is `written` is named, locks come and go.

    https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
    """
    bucket = config.arn(f"s3:::{config.state_bucket_name}")
    read = f"{config.state_key_prefix}*"
    actions = ("s3:PutObject",) if written == read else ()
    yield Statement(
        actions=("s3:GetObject", "s3:ListBucket", *actions), resources=(bucket, f"{bucket}/{read}")
    )
    if written != read:
        yield Statement(actions=("s3:PutObject",), resources=(f"{bucket}/{written}",))
    yield Statement(actions=("s3:DeleteObject",), resources=(f"{bucket}/{config.state_key_prefix}*.tflock",))
    yield Statement(
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        resources=(config.state_kms_key_arn,),
        conditions={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{bucket}*"}},
    )


def saved_plans(config: CiRolesConfig, *actions: str) -> Statement:
    """Return the use of the states' key for plans that are kept between the jobs; one encrypts, one decrypts.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context
    """
    context = {f"kms:EncryptionContext:{key}": value for key, value in config.plans_context.items()}
    return Statement(
        actions=actions, resources=(config.state_kms_key_arn,), conditions={"StringEquals": context}
    )


def ceiling(config: CiRolesConfig) -> Iterator[Statement]:
    """Yield the boundary of both roles: what they may be given, less what neither may ever do."""
    bucket = config.arn(f"s3:::{config.state_bucket_name}")
    own = f"iam::{config.account_id}:"
    limits = (
        *(f"{own}role/{config.prefix}{purpose}" for purpose in ("apply", "plan")),
        *(f"{own}policy/{name}" for name in (config.roles_boundary_name, f"{config.prefix}ci-*")),
    )
    yield from granted(config, CEILING)
    iam = (*of("iam", "Get*", "List*"), *OF_ROLES, *OF_POLICIES)
    yield from granted(config, (Access(actions=iam, on=(*ROLES, *POLICIES)),))  # one for all: IAM counts
    yield from bounded(config)
    yield from states(config, f"{config.state_key_prefix}*")
    yield saved_plans(config, "kms:Decrypt", "kms:GenerateDataKey")
    yield _never("Data", NEVER, ("*",))
    yield _never(
        "Limits",
        of(
            "iam",
            "Attach*",
            "Create*",
            "Delete*",
            "Detach*",
            "PassRole",
            "Put*",
            "Set*",
            "Tag*",
            "Untag*",
            "Update*",
        ),
        tuple(map(config.arn, limits)),
    )
    closed = tuple(config.arn(f"s3:::{name}") for name in config.closed_bucket_names)
    yield _never("Buckets", of("s3", "Delete*", "Put*"), (bucket, *closed))
    objects = (f"{bucket}/{config.own_state_key}*", *(f"{one}/*" for one in closed))
    yield _never("Objects", of("s3", "*Object*"), objects)
    yield _never("States", of("s3", "DeleteObject"), (f"{bucket}/*.tfstate",))
    yield _never("Versions", of("s3", "DeleteObjectVersion"), (f"{bucket}/*",))
    yield _never(
        "StateKey",
        of(
            "kms",
            "Create*",
            "Delete*",
            "Disable*",
            "Enable*",
            "Put*",
            "Schedule*",
            "Tag*",
            "Untag*",
            "Update*",
        ),
        (config.state_kms_key_arn,),
    )


def _never(what: str, actions: tuple[str, ...], resources: tuple[str, ...]) -> Statement:
    return Statement(sid=f"Never{what}", effect="Deny", actions=actions, resources=resources)
