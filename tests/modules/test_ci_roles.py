"""CI's roles: who takes them, what each may and may not, and that no policy is idle or too long."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import policy_sentry
import pytest

from modules.ci_roles import CiRoles, CiRolesConfig, GitHub, Oidc
from modules.ci_roles.access import (
    API,
    API_READ,
    CEILING,
    EMPTY,
    MODELS,
    NEVER,
    PLATFORM,
    READ,
    SERVICES,
    Access,
)
from tests.conftest import ROOT, Synth, Synthesized
from tests.inventory import Inventory

ACCOUNT = "111122223333"
HERE = f"eu-central-1:{ACCOUNT}"
STATES = "arn:aws:s3:::acme-prod-terraform-state"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = f"arn:aws:kms:{HERE}:key/0000abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/acme-prod-boundary"
GITHUB = GitHub(repository="acme/ml-platform")
SUBJECT = "token.actions.githubusercontent.com:sub"
TAGS = {"Organization": "acme", "Environment": "prod"}


def config(**changes: Any) -> CiRolesConfig:
    values = {
        "prefix": "acme-prod-",
        "tags": TAGS,
        "parameter_path": "/sagewright/prod",
        "trust": GITHUB.trust("prod"),
        "provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
        "state_bucket_name": "acme-prod-terraform-state",
        "state_key_prefix": "prod-",
        "own_state_key": "prod-bootstrap.tfstate",
        "state_kms_key_arn": KEY,
        "plans_context": {"environment": "prod"},
        "roles_boundary_name": "acme-prod-boundary",
        "closed_bucket_names": ("acme-prod-state-logs",),
        "account_id": ACCOUNT,
        "region": "eu-central-1",
    }
    return CiRolesConfig(**{**values, **changes})


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda got, wanted: got == wanted,
    "StringLike": fnmatch.fnmatchcase,
    "ArnLike": fnmatch.fnmatchcase,
    "Bool": lambda got, wanted: got == wanted,
}


def meets(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Tell whether a statement is about a request."""
    conditions = (
        any(
            OPERATORS[operator](context.get(key, ""), one)
            for one in ([value] if isinstance(value, str) else value)
        )
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    )
    return (
        any(fnmatch.fnmatchcase(action.lower(), one.lower()) for one in statement["Action"])
        and any(fnmatch.fnmatchcase(resource, one) for one in statement["Resource"])
        and all(conditions)
    )


def may(made: Synthesized, role: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Tell whether IAM lets a role do something: allowed by a policy and by the boundary, denied by none.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    context = {"aws:RequestedRegion": resource.split(":")[3] or "eu-central-1", **context}
    names = [
        one["policy_arn"].split(".")[1]
        for name, one in made.all("aws_iam_role_policy_attachment").items()
        if name.startswith(f"{role}_")
    ]
    own = [one for name in names for one in made.policy("aws_iam_policy", name)]
    own += made.policy("aws_iam_role_policy", f"{role}_state")
    boundary = made.policy("aws_iam_policy", "boundary")
    hit = [
        {one["Effect"] for one in policy if meets(one, action, resource, context)}
        for policy in (own, boundary)
    ]
    return all("Allow" in effects and "Deny" not in effects for effects in hit)


@pytest.fixture(scope="module")
def made(synth: Synth) -> Synthesized:
    """The two roles of a protected environment."""
    return synth(CiRoles, config())


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{HERE}:{resource}"


def iam(resource: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


BOUND = {"iam:PermissionsBoundary": BOUNDARY}
ROLE = iam("role/acme-prod-churn-v4-model")
BUCKET = "arn:aws:s3:::acme-prod-artifacts"
FOR_PLANS = {"kms:EncryptionContext:environment": "prod", "kms:EncryptionContext:commit": "c0ffee"}
FOR_STATES = {"kms:EncryptionContext:aws:s3:arn": STATES}

VERSION_OF_STAGING = "arn:aws:sagemaker:eu-central-1:777788889999:model-package/acme-staging-churn/7"

BOTH_MAY = [
    ("s3:GetBucketPolicy", BUCKET, {}),
    ("s3:ListBucket", STATES, {}),
    ("s3:GetObject", f"{STATES}/prod-serving.tfstate", {}),
    ("s3:PutObject", f"{STATES}/prod-serving.tfstate.tflock", {}),
    ("s3:DeleteObject", f"{STATES}/prod-serving.tfstate.tflock", {}),
    ("kms:Decrypt", KEY, FOR_STATES),
    ("kms:GenerateDataKey", KEY, FOR_STATES),
    ("sagemaker:DescribeEndpoint", arn("sagemaker", "endpoint/acme-prod-churn"), {}),
    ("sagemaker:DescribeDomain", arn("sagemaker", "domain/d-abc"), {}),
    ("sagemaker:DescribeModelPackage", VERSION_OF_STAGING, {}),
    ("sagemaker:ListEndpoints", arn("sagemaker", "*"), {}),
    ("ec2:DescribeVpcs", arn("ec2", "*"), {}),
    ("ssm:GetParameter", arn("ssm", "parameter/sagewright/prod/keys/data_arn"), {}),
    ("iam:GetRole", ROLE, {}),
    ("iam:GetPolicy", BOUNDARY, {}),
    ("logs:ListTagsForResource", arn("logs", "log-group:/aws/vpc/acme-prod/flow-logs"), {}),
]
ONLY_APPLY_MAY = [
    ("kms:Decrypt", KEY, FOR_PLANS),
    ("s3:PutObject", f"{STATES}/prod-serving.tfstate", {}),
    ("s3:CreateBucket", BUCKET, {}),
    ("s3:PutBucketPolicy", BUCKET, {}),
    ("sagemaker:CreateEndpoint", arn("sagemaker", "endpoint/acme-prod-churn"), {}),
    ("sagemaker:UpdateEndpoint", arn("sagemaker", "endpoint/acme-prod-churn"), {}),
    ("sagemaker:UpdateUserProfile", arn("sagemaker", "user-profile/d-abc/ada"), {}),
    ("ec2:CreateVpc", arn("ec2", "vpc/*"), {}),
    ("ec2:DeleteVpc", arn("ec2", "vpc/vpc-1"), {f"aws:ResourceTag/{key}": one for key, one in TAGS.items()}),
    ("kms:CreateKey", arn("kms", "*"), {f"aws:RequestTag/{key}": one for key, one in TAGS.items()}),
    ("kms:CreateGrant", OTHER_KEY, {"kms:GrantIsForAWSResource": "true"}),
    ("logs:CreateLogGroup", arn("logs", "log-group:/aws/sagemaker/Endpoints/acme-prod-churn"), {}),
    ("kms:PutKeyPolicy", OTHER_KEY, {f"aws:ResourceTag/{key}": one for key, one in TAGS.items()}),
    ("glue:CreateDatabase", arn("glue", "database/acme_prod_features"), {}),
    ("ssm:PutParameter", arn("ssm", "parameter/sagewright/prod/keys/data_arn"), {}),
    ("iam:CreateRole", ROLE, BOUND),
    ("iam:PutRolePolicy", ROLE, BOUND),
    ("iam:AttachRolePolicy", ROLE, {**BOUND, "iam:PolicyARN": iam("policy/acme-prod-read")}),
    ("iam:UpdateAssumeRolePolicy", ROLE, {}),
    ("iam:DeleteRole", ROLE, {}),
    ("iam:PassRole", ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"}),
]
APPLY, PLAN = iam("role/acme-prod-apply"), iam("role/acme-prod-plan")
NEITHER_MAY = [
    # its own limits
    *((f"iam:{action}", BOUNDARY, {}) for action in ("CreatePolicyVersion", "DeletePolicy", "TagPolicy")),
    ("iam:CreatePolicyVersion", iam("policy/acme-prod-ci-boundary"), {}),
    ("iam:CreatePolicyVersion", iam("policy/acme-prod-ci-identities"), {}),
    *((f"iam:{action}", APPLY, BOUND) for action in ("PutRolePolicy", "PutRolePermissionsBoundary")),
    *((f"iam:{action}", APPLY, {}) for action in ("UpdateAssumeRolePolicy", "DeleteRole", "TagRole")),
    ("iam:AttachRolePolicy", PLAN, {**BOUND, "iam:PolicyARN": iam("policy/acme-prod-x")}),
    ("iam:UpdateOpenIDConnectProviderThumbprint", iam("oidc-provider/gitlab.com"), {}),
    ("iam:AddClientIDToOpenIDConnectProvider", iam("oidc-provider/gitlab.com"), {}),
    # roles and users without limits
    ("iam:CreateRole", ROLE, {}),
    ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": iam("policy/acme-prod-other")}),
    ("iam:CreateRole", iam("role/admin"), BOUND),
    ("iam:PutRolePolicy", ROLE, {}),
    ("iam:DeleteRolePermissionsBoundary", ROLE, BOUND),
    ("iam:AttachRolePolicy", ROLE, {**BOUND, "iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("iam:UpdateAssumeRolePolicy", iam("role/admin"), {}),
    ("iam:PassRole", iam("role/admin"), {"iam:PassedToService": "sagemaker.amazonaws.com"}),
    ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("iam:CreateUser", iam("user/eve"), BOUND),
    ("iam:CreateAccessKey", iam("user/eve"), {}),
    ("sts:AssumeRole", iam("role/acme-prod-approver"), {}),
    # the states' bucket and key, and the state of the bootstrap
    ("s3:PutBucketPolicy", STATES, {}),
    ("s3:DeleteBucketPolicy", STATES, {}),
    ("s3:PutBucketVersioning", STATES, {}),
    ("s3:DeleteBucket", STATES, {}),
    ("s3:PutLifecycleConfiguration", STATES, {}),
    ("s3:PutBucketPolicy", "arn:aws:s3:::acme-prod-state-logs", {}),
    ("s3:GetObject", "arn:aws:s3:::acme-prod-state-logs/a", {}),
    ("s3:DeleteObject", f"{STATES}/prod-serving.tfstate", {}),
    ("s3:DeleteObjectVersion", f"{STATES}/prod-serving.tfstate", {}),
    ("s3:GetObject", f"{STATES}/prod-bootstrap.tfstate", {}),
    ("s3:PutObject", f"{STATES}/prod-bootstrap.tfstate", {}),
    ("s3:PutObject", f"{STATES}/dev-serving.tfstate", {}),
    ("kms:PutKeyPolicy", KEY, {f"aws:ResourceTag/{key}": one for key, one in TAGS.items()}),
    ("kms:ScheduleKeyDeletion", KEY, {f"aws:ResourceTag/{key}": one for key, one in TAGS.items()}),
    ("kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
    # data and secrets
    ("s3:GetObject", f"{BUCKET}/churn/model.tar.gz", {}),
    ("s3:PutObject", f"{BUCKET}/churn/model.tar.gz", {}),
    ("s3:DeleteObject", f"{BUCKET}/churn/model.tar.gz", {}),
    ("kms:Decrypt", OTHER_KEY, FOR_STATES),
    ("kms:Decrypt", KEY, {}),
    ("kms:Decrypt", KEY, {**FOR_PLANS, "kms:EncryptionContext:environment": "dev"}),
    ("kms:GenerateDataKey", KEY, {}),
    ("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:acme-prod-token"), {}),
    ("ssm:GetParameter", arn("ssm", "parameter/other/password"), {}),
    ("ssm:GetParameter", arn("ssm", "parameter/sagewright/dev/keys/data_arn"), {}),
    ("logs:GetLogEvents", arn("logs", "log-group:/aws/sagemaker/Endpoints/acme-prod-churn"), {}),
    ("ecr:BatchGetImage", arn("ecr", "repository/acme-prod-churn"), {}),
    # work and approval
    ("sagemaker:InvokeEndpoint", arn("sagemaker", "endpoint/acme-prod-churn"), {}),
    ("sagemaker:CreateTrainingJob", arn("sagemaker", "training-job/acme-prod-churn"), {}),
    ("sagemaker:UpdateModelPackage", arn("sagemaker", "model-package/acme-prod-churn/1"), {}),
    ("sagemaker:UpdateModelPackage", VERSION_OF_STAGING, {}),
    ("sagemaker:CreatePresignedDomainUrl", arn("sagemaker", "user-profile/d-abc/ada"), {}),
    ("states:StartExecution", arn("states", "stateMachine:acme-prod-retrain"), {}),
    # others
    ("s3:PutBucketPolicy", "arn:aws:s3:::acme-dev-artifacts", {}),
    ("sagemaker:DeleteEndpoint", arn("sagemaker", "endpoint/acme-dev-churn"), {}),
    ("sagemaker:CreateModel", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model/acme-prod-churn", {}),
    ("ec2:DescribeVpcs", f"arn:aws:ec2:us-east-1:{ACCOUNT}:*", {}),
    ("ec2:DeleteVpc", arn("ec2", "vpc/vpc-1"), {"aws:ResourceTag/Environment": "dev"}),
    ("ec2:RunInstances", arn("ec2", "instance/*"), {}),
    ("kms:CreateKey", arn("kms", "*"), {}),
    ("kms:PutKeyPolicy", OTHER_KEY, {}),
    ("kms:ScheduleKeyDeletion", OTHER_KEY, {}),
    ("organizations:LeaveOrganization", "arn:aws:organizations::1:organization/o-1", {}),
]  # fmt: skip


def shown(case: Any) -> str | None:
    return case.replace(ACCOUNT, "") if isinstance(case, str) else None


@pytest.mark.parametrize(("action", "resource", "context"), BOTH_MAY, ids=shown)
def test_both_look_at_settings_and_states(
    made: Synthesized, action: str, resource: str, context: dict[str, str]
) -> None:
    assert may(made, "plan", action, resource, context)
    assert may(made, "apply", action, resource, context)


@pytest.mark.parametrize(("action", "resource", "context"), ONLY_APPLY_MAY, ids=shown)
def test_only_apply_changes_anything(
    made: Synthesized, action: str, resource: str, context: dict[str, str]
) -> None:
    assert not may(made, "plan", action, resource, context)
    assert may(made, "apply", action, resource, context)


def test_only_plan_seals_saved_plans(made: Synthesized) -> None:
    assert may(made, "plan", "kms:GenerateDataKey", KEY, FOR_PLANS)
    assert not may(made, "apply", "kms:GenerateDataKey", KEY, FOR_PLANS)


@pytest.mark.parametrize(("action", "resource", "context"), NEITHER_MAY, ids=shown)
def test_neither_lifts_limits_reads_data_runs_work_or_reaches_others(
    made: Synthesized, action: str, resource: str, context: dict[str, str]
) -> None:
    assert not may(made, "plan", action, resource, context)
    assert not may(made, "apply", action, resource, context)


def test_with_all_of_aws_allowed_the_boundary_still_keeps_the_limits(made: Synthesized) -> None:
    """Who attaches AdministratorAccess to a role of CI has not lifted anything."""
    boundary = made.policy("aws_iam_policy", "boundary")

    def within(action: str, resource: str, context: Mapping[str, str]) -> bool:
        context = {"aws:RequestedRegion": resource.split(":")[3] or "eu-central-1", **context}
        effects = {one["Effect"] for one in boundary if meets(one, action, resource, context)}
        return effects == {"Allow"}

    limits = [case for case in NEITHER_MAY if case[0].partition(":")[0] in ("iam", "sts", "secretsmanager")]
    states = [case for case in NEITHER_MAY if case[1].startswith((STATES, KEY))]
    assert [case for case in (*limits, *states) if within(*case)] == []


def test_what_is_unprotected_may_be_emptied(synth: Synth) -> None:
    unprotected = synth(CiRoles, config(may_empty=True))
    for action, resource in (
        ("s3:DeleteObjectVersion", f"{BUCKET}/churn/model.tar.gz"),
        ("ecr:BatchDeleteImage", arn("ecr", "repository/acme-prod-churn")),
        ("sagemaker:DeleteModelPackage", arn("sagemaker", "model-package/acme-prod-churn/1")),
    ):
        assert may(unprotected, "apply", action, resource, {}), action
        assert not may(unprotected, "plan", action, resource, {}), action
    assert not may(unprotected, "apply", "s3:DeleteObject", f"{STATES}/prod-serving.tfstate", {})
    assert not may(unprotected, "apply", "s3:DeleteObjectVersion", f"{STATES}/prod-serving.tfstate", {})


def trust(made: Synthesized, role: str) -> dict[str, Any]:
    (statement,) = made.policy("aws_iam_role", role, "assume_role_policy")
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert statement["Principal"] == {"Federated": [config().provider_arn]}
    conditions: dict[str, Any] = statement["Condition"]
    return conditions


def test_pull_requests_and_the_branch_plan_and_the_deployment_environment_applies(made: Synthesized) -> None:
    audience = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
    plan = ["repo:acme/ml-platform:pull_request", "repo:acme/ml-platform:ref:refs/heads/main"]
    assert trust(made, "plan") == {"StringEquals": {**audience, SUBJECT: plan}}
    environment = ["repo:acme/ml-platform:environment:prod"]
    assert trust(made, "apply") == {"StringEquals": {**audience, SUBJECT: environment}}


def test_other_issuers_are_trusted_as_they_are_described(synth: Synth) -> None:
    issuer = Oidc(
        url="https://gitlab.com",
        audience="https://gitlab.com",
        plan_subjects=("project_path:acme/ml:ref_type:branch:ref:*",),
        apply_subjects=("project_path:acme/ml:ref_type:branch:ref:main",),
    )
    made = synth(CiRoles, config(trust=issuer.trust("prod")))
    audience = {"gitlab.com:aud": "https://gitlab.com"}
    plan = {"gitlab.com:sub": ["project_path:acme/ml:ref_type:branch:ref:*"]}
    assert trust(made, "plan") == {"StringEquals": audience, "StringLike": plan}
    apply = {"gitlab.com:sub": ["project_path:acme/ml:ref_type:branch:ref:main"]}
    assert trust(made, "apply") == {"StringEquals": {**audience, **apply}}


def test_both_have_the_boundary(made: Synthesized) -> None:
    for role in made.all("aws_iam_role").values():
        assert role["permissions_boundary"] == "${aws_iam_policy.boundary.arn}"


def test_outputs_are_known_before_the_plan(synth: Synth) -> None:
    outputs = []
    synth(lambda stack: outputs.append(CiRoles(stack, "this", config()).outputs))
    assert (outputs[0].plan_role_arn, outputs[0].apply_role_arn) == (iam("role/acme-prod-plan"), APPLY)


def test_no_policy_is_longer_than_iam_takes(synth: Synth) -> None:
    """With the longest names there are, and without white space, which is not counted."""
    prefix = f"{'o' * 20}-{'e' * 16}-"
    names = {"prefix": prefix, "plans_context": {"environment": "e" * 16}, "state_bucket_name": "b" * 63}
    long = synth(CiRoles, config(may_empty=True, region="ap-southeast-1", **names))
    for name, policy in long.all("aws_iam_policy").items():
        assert len(re.sub(r"\s", "", policy["policy"])) <= 6144, name
    for name, policy in long.all("aws_iam_role_policy").items():
        assert len(re.sub(r"\s", "", policy["policy"])) <= 10240, name


@cache
def definitions() -> Mapping[str, Any]:
    """Return what AWS says of actions: https://docs.aws.amazon.com/service-authorization/latest/reference/."""
    path = Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json"
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def actions_like(pattern: str) -> dict[str, Any]:
    """Return the actions of AWS that a pattern stands for."""
    service, _, name = pattern.partition(":")
    known = definitions()[service]["privileges"]
    return {one: known[one] for one in known if fnmatch.fnmatchcase(one.lower(), name.lower())}


TABLES = (*READ, *API_READ, *PLATFORM, *MODELS, *SERVICES, *API, *EMPTY)


def test_every_action_is_one_of_aws() -> None:
    patterns = [*NEVER, *(action for access in (*TABLES, *CEILING) for action in access.actions)]
    assert [one for one in patterns if not actions_like(one)] == []


def templates(service: str, action: Mapping[str, Any]) -> set[str]:
    """Return the ARNs, after the partition, of the resources that an action can be limited to."""
    arns = {kind.lower(): one for kind, one in definitions()[service]["resources"].items()}
    kinds = [kind.lower() for kind in action["resource_types"] if kind.lower() in arns]
    return {re.sub(r"\$\{[^}]*\}", "*", arns[kind]["arn"]).removeprefix("arn:*:") for kind in kinds}


NOT_LISTED = {
    *(f"apigateway:{method}" for method in ("DELETE", "GET", "PATCH", "POST", "PUT")),
    *("apigateway:SetWebACL", "glue:GetTags", "glue:TagResource", "glue:UntagResource"),
}
"""Actions of which the list does not have all resources: those of REST APIs, and newer ones."""


def idle(access: Access) -> Iterable[str]:
    """Yield the actions that are given on ARNs on which they never act, or on `*` where there are ARNs."""
    for action in access.actions:
        service = action.partition(":")[0]
        for name, found in actions_like(action).items():
            possible = templates(service, found)
            if access.on == ("*",):
                if possible and "*" not in action:
                    yield f"{service}:{name} on *"
                continue
            on = [re.sub(r"\{[^}]*\}", "*", one.replace("{here}", "*:*")) for one in access.on]
            meeting = any(
                fnmatch.fnmatchcase(one.replace("*", "x"), other)
                or fnmatch.fnmatchcase(other.replace("*", "x"), one)
                for one in on
                for other in possible
            )
            if not meeting and "*" not in action and action not in NOT_LISTED:
                yield f"{service}:{name} on {', '.join(on)}"


def test_no_action_is_given_where_it_has_no_effect_or_wider_than_it_can_be() -> None:
    wider = {"ec2:DescribeVpcAttribute on *", "kms:CreateKey on *"}
    assert sorted({one for access in TABLES for one in idle(access)} - wider) == []


BY_NAME = {"iam:CreateServiceLinkedRole", "iam:PassRole"}
"""Actions that are given for each service by its name."""


def dependents() -> Iterable[str]:
    """Yield what an action of the second role needs another action for, which that role has not."""
    given = {action for access in TABLES for action in access.actions}
    for action in sorted(given):
        for found in actions_like(action).values() if "*" not in action else ():
            for kind in found["resource_types"].values():
                for needed in kind.get("dependent_actions", ()):
                    if needed not in BY_NAME and not any(fnmatch.fnmatchcase(needed, one) for one in given):
                        yield f"{action} needs {needed}"


def test_what_an_action_needs_besides_is_given_too() -> None:
    of_others = re.compile(r"ec2:CreateFlowLogs needs ecs:|wafv2:\w+ needs (?!apigateway:|wafv2:)")
    assert {one for one in dependents() if not of_others.match(one)} == set()


SERVICE_OF = {
    "api_gateway": "apigateway",
    "appautoscaling": "application-autoscaling",
    "cloudwatch_event": "events",
    "cloudwatch_log": "logs",
    "cloudwatch_metric": "cloudwatch",
    "cognito": "cognito-idp",
    "default_security": "ec2",
    "flow_log": "ec2",
    "route_table": "ec2",
    "security_group": "ec2",
    "sfn": "states",
    "subnet": "ec2",
    "vpc": "ec2",
}
BY_PEOPLE = {"aws_iam_openid_connect_provider"}
"""What bootstrap alone makes."""


def test_every_kind_of_resource_that_modules_make_may_be_made() -> None:
    """A new type in resources.txt needs its lines in access.py."""
    given = {action for access in (*PLATFORM, *MODELS, *SERVICES, *API) for action in access.actions}
    given |= {"iam:CreateRole"}
    services = {action.partition(":")[0] for action in given}
    lacking = []
    for type_ in (ROOT / "modules" / "_aws" / "resources.txt").read_text().split():
        name = type_.removeprefix("aws_")
        start = next((one for one in SERVICE_OF if name.startswith(one)), name.partition("_")[0])
        service = SERVICE_OF.get(start, start)
        if service not in services:
            lacking.append(type_)
        elif service == "sagemaker":
            kind = {"endpoint_configuration": "EndpointConfig"}.get(
                name.removeprefix("sagemaker_"), "".join(map(str.capitalize, name.split("_")[1:]))
            ).replace("LifecycleConfiguration", "LifecycleConfig")
            verb = "Put" if kind.endswith("Policy") else "Create"
            if f"sagemaker:{verb}{kind}" not in given:
                lacking.append(type_)
    assert sorted(set(lacking) - BY_PEOPLE) == []


def gitlab(**changes: Any) -> Oidc:
    values = {"url": "https://gitlab.com", "plan_subjects": ("a:b",), "apply_subjects": ("a:b",)}
    return Oidc(**{**values, **changes})


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: GitHub(repository="ml-platform"),
            "repository: supply a value such as acme/ml-platform, got 'ml-platform'",
        ),
        (
            lambda: GitHub(repository="acme/*"),
            "repository: supply a value such as acme/ml-platform, got 'acme/*'",
        ),
        (lambda: GitHub(repository="a/b", branch="*"), "branch: supply a value such as main, got '*'"),
        (
            lambda: GitHub(repository="a/b", provider_arn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com"),
            "provider_arn: supply a value such as "
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com, "
            f"got 'arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com'",
        ),
        (
            lambda: gitlab(plan_subjects=("*",)),
            "plan_subjects: supply a value such as project_path:acme/ml:*, got '*'",
        ),
        (
            lambda: gitlab(plan_subjects=("project_path:acme/*",)),
            "plan_subjects: supply a value such as project_path:acme/ml:*, got 'project_path:acme/*'",
        ),
        (
            lambda: gitlab(apply_subjects=("a:b:*",)),
            "apply_subjects: supply a value such as project_path:acme/ml:ref:main, got 'a:b:*'",
        ),
        (
            lambda: gitlab(plan_subjects=(), apply_subjects=()),
            "plan_subjects: supply at least one, got none\napply_subjects: supply at least one, got none",
        ),
        (
            lambda: gitlab(audience="*"),
            "audience: supply a value such as sts.amazonaws.com, got '*'",
        ),
        (lambda: config(prefix="acme"), "prefix: supply a value such as acme-prod-, got 'acme'"),
        (
            lambda: config(parameter_path="/"),
            "parameter_path: supply a value such as /sagewright/prod, got '/'",
        ),
        (lambda: config(state_key_prefix="*"), "state_key_prefix: supply a value such as prod-, got '*'"),
        (lambda: config(apply_session_seconds=60), "apply_session_seconds: supply at least 3600, got 60"),
        (
            lambda: config(apply_session_seconds=43201),
            "apply_session_seconds: supply at most 43200, got 43201",
        ),
    ],
)  # fmt: skip
def test_what_would_open_too_much_or_nothing_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        make()
    assert str(refused.value) == problem


def test_tokens_pass() -> None:
    token = "${data.terraform_remote_state.x.outputs.y}"
    config(provider_arn=token, state_kms_key_arn=token, prefix=token)
    GitHub(repository=token, branch=token, provider_arn=token)


def test_inventory(made: Synthesized, inventory: Inventory) -> None:
    inventory("modules/ci_roles", made)
