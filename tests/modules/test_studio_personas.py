"""Personas of Studio: what each may do, and what it may not, by IAM's own rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import policy_sentry
import pytest

from modules._core import Statement, document
from modules.role import execution
from modules.studio_domain import PERSONAS, Limits, Persona, PersonaScope, statements

from .iam import allowed

HERE = "eu-west-1:111122223333"
SAGEMAKER = f"arn:aws:sagemaker:{HERE}"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SCOPE = PersonaScope(
    role_name="acme-dev-studio",
    prefix="acme-dev-",
    account_id="111122223333",
    region="eu-west-1",
    subnet_ids=("subnet-0a1b2c3d", "subnet-4e5f6a7b"),
    security_group_ids=("sg-0a1b2c3d",),
    kms_key_arn=KEY,
)
ADA: dict[str, Any] = {"sagemaker:DomainId": "d-1", "sagemaker:UserProfileName": "ada"}
"""What Studio says of a request from the profile ada."""
OWN, OTHERS = f"{SAGEMAKER}:user-profile/d-1/ada", f"{SAGEMAKER}:user-profile/d-1/bob"
OWNED = {"sagemaker:OwnerUserProfileArn": OWN, "sagemaker:SpaceSharingType": "Private"}
SHARED = {"sagemaker:OwnerUserProfileArn": OWN, "sagemaker:SpaceSharingType": "Shared"}
JOB: dict[str, Any] = {
    "sagemaker:VpcSubnets": ("subnet-0a1b2c3d", "subnet-4e5f6a7b"),
    "sagemaker:VpcSecurityGroupIds": ("sg-0a1b2c3d",),
    "sagemaker:NetworkIsolation": "true",
    "sagemaker:InterContainerTrafficEncryption": "true",
    "sagemaker:OutputKmsKey": KEY,
    "sagemaker:VolumeKmsKey": KEY,
    "sagemaker:InstanceTypes": ("ml.m5.xlarge",),
    "sagemaker:MaxRuntimeInSeconds": "3600",
}
"""A job as it must be."""
TRAINING = ("sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/acme-dev-churn")
PENDING = {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
APPROVED = {"sagemaker:ModelApprovalStatus": "Approved"}
VERSION = f"{SAGEMAKER}:model-package/acme-dev-churn/1"
ANALYSTS: tuple[Persona, ...] = ("DataScientist", "MlEngineer")
"""Those who run apps and jobs."""


def may(persona: Persona, action: str, resource: str, context: dict[str, Any] | None = None) -> bool:
    """Tell whether a persona, as the profile ada, may do something."""
    return allowed(statements(persona, SCOPE), action, resource, {**ADA, **(context or {})})


def without(key: str) -> dict[str, Any]:
    """Return a job that lacks something."""
    return {name: value for name, value in JOB.items() if name != f"sagemaker:{key}"}


@cache
def service() -> dict[str, Any]:
    """Return AWS's own list of SageMaker's actions, resources and condition keys."""
    path = Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["sagemaker"]
    return found


def every() -> Iterator[tuple[Persona, Statement]]:
    for persona in PERSONAS:
        for statement in statements(persona, SCOPE):
            yield persona, statement


@pytest.mark.parametrize("persona", PERSONAS)
def test_everybody_comes_in_as_oneself_and_as_nobody_else(persona: Persona) -> None:
    assert may(persona, "sagemaker:CreatePresignedDomainUrl", OWN)
    assert not may(persona, "sagemaker:CreatePresignedDomainUrl", OTHERS)
    assert not may(persona, "sagemaker:DescribeUserProfile", OTHERS)
    assert not may(persona, "sagemaker:CreatePresignedDomainUrl", f"{SAGEMAKER}:user-profile/d-2/ada")


@pytest.mark.parametrize("persona", PERSONAS)
def test_outside_of_studio_nobody_comes_in(persona: Persona) -> None:
    assert not allowed(statements(persona, SCOPE), "sagemaker:CreatePresignedDomainUrl", OWN, {})


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("DescribeTrainingJob", "training-job"),
        ("DescribeModelPackage", "model-package"),
        ("DescribeEndpoint", "endpoint"),
        ("DescribePipelineExecution", "pipeline"),
    ],
)
def test_everybody_looks_at_the_environment_and_at_no_other(persona: Persona, action: str, kind: str) -> None:
    assert may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:{kind}/acme-dev-churn/1")
    assert not may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:{kind}/acme-prod-churn/1")


@pytest.mark.parametrize("persona", PERSONAS)
def test_everybody_reads_the_logs_of_the_environment_and_of_no_other(persona: Persona) -> None:
    groups = f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker"
    for log in (
        "TrainingJobs:log-stream:acme-{}-churn/algo-1",
        "Endpoints/acme-{}-churn:log-stream:AllTraffic/i-1",
    ):
        assert may(persona, "logs:GetLogEvents", f"{groups}/{log.format('dev')}")
        assert not may(persona, "logs:GetLogEvents", f"{groups}/{log.format('prod')}")
    assert not may(persona, "logs:GetLogEvents", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/x:log-stream:y")


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("kind", ["domain/d-1", "space/d-1/churn", "app/d-1/churn/jupyterlab/default"])
def test_everybody_looks_at_the_own_domain_and_at_no_other(persona: Persona, kind: str) -> None:
    action = f"sagemaker:Describe{kind.partition('/')[0].capitalize()}"
    assert may(persona, action, f"{SAGEMAKER}:{kind}")
    assert not may(persona, action, f"{SAGEMAKER}:{kind}".replace("d-1", "d-2"))


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("DeleteDomain", "domain/d-1"),
        ("UpdateDomain", "domain/d-1"),
        ("CreateUserProfile", "user-profile/d-1/eve"),
        ("UpdateUserProfile", "user-profile/d-1/ada"),
        ("DeleteUserProfile", "user-profile/d-1/ada"),
        ("DeleteModelPackage", "model-package/acme-dev-churn/1"),
        ("DeleteModelPackageGroup", "model-package-group/acme-dev-churn"),
        ("CreateEndpoint", "endpoint/acme-dev-churn"),
        ("UpdateEndpoint", "endpoint/acme-dev-churn"),
        ("UpdatePipeline", "pipeline/acme-dev-churn"),
        ("DeleteTags", "training-job/acme-dev-churn"),
        ("CreateStudioLifecycleConfig", "studio-lifecycle-config/acme-dev-x"),
    ],
)
def test_nobody_changes_what_is_terraforms_or_the_registrys(
    persona: Persona, action: str, resource: str
) -> None:
    assert not may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:{resource}")


@pytest.mark.parametrize("persona", ["Approver", "Viewer"])
@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("CreateApp", "app/d-1/churn/jupyterlab/default", OWNED),
        ("CreateApp", "app/d-1/churn/jupyterlab/default", SHARED),
        ("CreateSpace", "space/d-1/churn", OWNED),
        ("CreateTrainingJob", "training-job/acme-dev-churn", JOB),
        ("StopTrainingJob", "training-job/acme-dev-churn", {}),
        ("CreateModelPackage", "model-package/acme-dev-churn/1", PENDING),
        ("StartPipelineExecution", "pipeline/acme-dev-churn", {}),
        ("InvokeEndpoint", "endpoint/acme-dev-churn", {}),
        ("AddTags", "training-job/acme-dev-churn", {"sagemaker:TaggingAction": "CreateTrainingJob"}),
    ],
)
def test_who_only_looks_starts_nothing(
    persona: Persona, action: str, resource: str, context: dict[str, Any]
) -> None:
    assert not may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:{resource}", context)


@pytest.mark.parametrize("persona", ANALYSTS)
@pytest.mark.parametrize("action", ["CreateSpace", "UpdateSpace", "DeleteSpace"])
def test_a_space_is_changed_by_its_owner_alone(persona: Persona, action: str) -> None:
    space = f"{SAGEMAKER}:space/d-1/churn"
    assert may(persona, f"sagemaker:{action}", space, OWNED)
    assert not may(persona, f"sagemaker:{action}", space, {**OWNED, "sagemaker:OwnerUserProfileArn": OTHERS})
    assert not may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:space/d-2/churn", OWNED)


def test_an_ml_engineer_makes_shared_spaces_and_a_data_scientist_does_not() -> None:
    space = f"{SAGEMAKER}:space/d-1/common"
    assert may("MlEngineer", "sagemaker:CreateSpace", space, SHARED)
    assert not may("DataScientist", "sagemaker:CreateSpace", space, SHARED)


@pytest.mark.parametrize("persona", ANALYSTS)
@pytest.mark.parametrize("action", ["CreateApp", "DeleteApp"])
def test_apps_run_in_own_spaces_and_in_shared_ones(persona: Persona, action: str) -> None:
    app = f"{SAGEMAKER}:app/d-1/churn/jupyterlab/default"
    of_others = {"sagemaker:OwnerUserProfileArn": OTHERS}
    assert may(persona, f"sagemaker:{action}", app, OWNED)
    assert may(persona, f"sagemaker:{action}", app, {**SHARED, **of_others})
    assert not may(persona, f"sagemaker:{action}", app, {**OWNED, **of_others})
    assert not may(persona, f"sagemaker:{action}", app)
    assert not may(persona, f"sagemaker:{action}", app.replace("d-1", "d-2"), OWNED)


@pytest.mark.parametrize("persona", ANALYSTS)
def test_apps_run_on_machines_that_are_allowed(persona: Persona) -> None:
    app = ("sagemaker:CreateApp", f"{SAGEMAKER}:app/d-1/churn/jupyterlab/default")
    assert may(persona, *app, {**OWNED, "sagemaker:InstanceTypes": ("ml.t3.large",)})
    assert not may(persona, *app, {**OWNED, "sagemaker:InstanceTypes": ("ml.p5.48xlarge",)})


@pytest.mark.parametrize("persona", ANALYSTS)
def test_tags_are_set_at_creation_and_never_after(persona: Persona) -> None:
    tag = ("sagemaker:AddTags", f"{SAGEMAKER}:training-job/acme-dev-churn")
    assert may(persona, *tag, {"sagemaker:TaggingAction": "CreateTrainingJob"})
    assert not may(persona, *tag)


@pytest.mark.parametrize("persona", ANALYSTS)
@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("CreateTrainingJob", "training-job"),
        ("CreateProcessingJob", "processing-job"),
        ("CreateHyperParameterTuningJob", "hyper-parameter-tuning-job"),
    ],
)
def test_jobs_have_names_of_the_environment(persona: Persona, action: str, kind: str) -> None:
    assert may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:{kind}/acme-dev-churn", JOB)
    assert not may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:{kind}/acme-prod-churn", JOB)
    assert not may(persona, f"sagemaker:{action}", f"{SAGEMAKER}:{kind}/churn", JOB)


@pytest.mark.parametrize("persona", ANALYSTS)
@pytest.mark.parametrize(
    "job",
    [
        without("VpcSubnets"),
        without("VpcSecurityGroupIds"),
        {**JOB, "sagemaker:VpcSubnets": ("subnet-0a1b2c3d", "subnet-0ffff000")},
        {**JOB, "sagemaker:VpcSecurityGroupIds": ("sg-0ffff000",)},
        without("NetworkIsolation"),
        {**JOB, "sagemaker:NetworkIsolation": "false"},
        without("InterContainerTrafficEncryption"),
        {**JOB, "sagemaker:InterContainerTrafficEncryption": "false"},
        without("OutputKmsKey"),
        {**JOB, "sagemaker:OutputKmsKey": KEY.replace("1111", "9999")},
        without("VolumeKmsKey"),
        {**JOB, "sagemaker:VolumeKmsKey": KEY.replace("1111", "9999")},
        {**JOB, "sagemaker:InstanceTypes": ("ml.m5.xlarge", "ml.p5.48xlarge")},
        {**JOB, "sagemaker:MaxRuntimeInSeconds": "86401"},
    ],
    ids=[
        "without subnets",
        "without security groups",
        "in another subnet, too",
        "in another security group",
        "silent about its isolation",
        "connected",
        "silent about its traffic",
        "in clear between its machines",
        "without a key for its output",
        "with another key for its output",
        "without a key for its volumes",
        "with another key for its volumes",
        "on a machine that is not allowed, too",
        "longer than a day",
    ],
)
def test_no_job_is(persona: Persona, job: dict[str, Any]) -> None:
    assert may(persona, *TRAINING, JOB)
    assert not may(persona, *TRAINING, job)


@pytest.mark.parametrize("persona", ANALYSTS)
def test_machines_with_local_nvme_take_no_key_for_it(persona: Persona) -> None:
    gpu = {**without("VolumeKmsKey"), "sagemaker:InstanceTypes": ("ml.g5.xlarge",)}
    assert may(persona, *TRAINING, gpu)
    mixed = {**gpu, "sagemaker:InstanceTypes": ("ml.g5.xlarge", "ml.m5.xlarge")}
    assert not may(persona, *TRAINING, mixed)


@pytest.mark.parametrize("persona", ANALYSTS)
def test_a_job_is_stopped_only_from_the_domain_that_it_was_started_in(persona: Persona) -> None:
    stop = ("sagemaker:StopTrainingJob", f"{SAGEMAKER}:training-job/acme-dev-churn")
    tag = "aws:ResourceTag/sagemaker:domain-arn"
    assert may(persona, *stop, {tag: f"{SAGEMAKER}:domain/d-1"})
    assert not may(persona, *stop, {tag: f"{SAGEMAKER}:domain/d-2"})
    assert not may(persona, *stop)


@pytest.mark.parametrize("persona", ANALYSTS)
def test_the_own_role_and_no_other_is_passed_and_only_to_sagemaker(persona: Persona) -> None:
    own = ("iam:PassRole", "arn:aws:iam::111122223333:role/acme-dev-studio")
    to_sagemaker = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    assert may(persona, *own, to_sagemaker)
    assert not may(persona, *own, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not may(persona, "iam:PassRole", "arn:aws:iam::111122223333:role/acme-dev-other", to_sagemaker)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("CreateModel", "model/acme-dev-churn", JOB),
        ("CreateTransformJob", "transform-job/acme-dev-churn", JOB),
        ("StartPipelineExecution", "pipeline/acme-dev-churn", {}),
        ("StopPipelineExecution", "pipeline/acme-dev-churn/execution/x", {}),
        ("InvokeEndpoint", "endpoint/acme-dev-churn", {}),
    ],
)
def test_an_ml_engineer_may_and_a_data_scientist_may_not(
    action: str, resource: str, context: dict[str, Any]
) -> None:
    assert may("MlEngineer", f"sagemaker:{action}", f"{SAGEMAKER}:{resource}", context)
    assert not may("DataScientist", f"sagemaker:{action}", f"{SAGEMAKER}:{resource}", context)
    elsewhere = resource.replace("dev", "prod")
    assert not may("MlEngineer", f"sagemaker:{action}", f"{SAGEMAKER}:{elsewhere}", context)


@pytest.mark.parametrize("key", ["VpcSubnets", "VpcSecurityGroupIds", "NetworkIsolation"])
def test_no_model_is_outside_the_vpc_or_connected(key: str) -> None:
    model = ("sagemaker:CreateModel", f"{SAGEMAKER}:model/acme-dev-churn")
    assert not may("MlEngineer", *model, without(key))


@pytest.mark.parametrize("persona", ANALYSTS)
def test_a_model_is_registered_for_approval_and_never_as_approved(persona: Persona) -> None:
    register = ("sagemaker:CreateModelPackage", VERSION)
    assert may(persona, *register, PENDING)
    assert may(persona, *register)
    assert not may(persona, *register, APPROVED)


def test_the_approver_alone_approves_and_rejects() -> None:
    for status in ("Approved", "Rejected"):
        decision = {"sagemaker:ModelApprovalStatus": status}
        for persona in PERSONAS:
            assert may(persona, "sagemaker:UpdateModelPackage", VERSION, decision) == (persona == "Approver")


def test_the_approver_changes_nothing_but_the_approval() -> None:
    assert not may("Approver", "sagemaker:UpdateModelPackage", VERSION)


@pytest.mark.parametrize("persona", ["DataScientist", "MlEngineer", "Viewer"])
def test_approval_stays_denied_whatever_else_the_role_is_given(persona: Persona) -> None:
    more = Statement(actions=("sagemaker:UpdateModelPackage",), resources=("*",))
    assert not allowed(
        (*statements(persona, SCOPE), more), "sagemaker:UpdateModelPackage", VERSION, {**ADA, **APPROVED}
    )


def test_limits_are_those_that_are_decided() -> None:
    scope = replace(SCOPE, limits=Limits(job_instance_types=("ml.p5.*",), max_runtime_seconds=60))
    large: dict[str, Any] = {
        **JOB,
        "sagemaker:InstanceTypes": ("ml.p5.48xlarge",),
        "sagemaker:MaxRuntimeInSeconds": "60",
    }
    assert allowed(statements("DataScientist", scope), *TRAINING, {**ADA, **large})
    assert not allowed(statements("DataScientist", scope), *TRAINING, {**ADA, **JOB})


def meant(action: str) -> list[str]:
    """Return SageMaker's actions that a statement's action stands for."""
    names = [name for name in service()["privileges"] if fnmatchcase(f"sagemaker:{name}", action)]
    assert names or not action.startswith("sagemaker:"), action
    return names


def test_every_action_exists_and_only_those_without_resources_are_given_all() -> None:
    for persona, statement in every():
        for name in (name for action in statement.actions for name in meant(action)):
            if statement.effect == "Allow" and "*" in statement.resources:
                assert set(service()["privileges"][name]["resource_types"]) == {""}, (persona, name)


def test_every_condition_key_is_one_that_its_actions_have() -> None:
    granted = {
        name
        for _, statement in every()
        if statement.effect == "Allow"
        for action in statement.actions
        for name in meant(action)
    }
    for persona, statement in every():
        keys = {key for keys in statement.conditions.values() for key in keys if key.startswith("sagemaker:")}
        for name in granted & {name for action in statement.actions for name in meant(action)}:
            types = service()["privileges"][name]["resource_types"].values()
            known = {key for one in types for key in one.get("condition_keys") or ()}
            optional = {"sagemaker:MaxRuntimeInSeconds"} if name == "CreateTransformJob" else set()
            assert keys - optional <= known, (persona, statement.sid, name)


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_role_has_room_for_a_persona_and_for_what_the_environment_grants(persona: Persona) -> None:
    logs = execution(
        account_id=SCOPE.account_id,
        region=SCOPE.region,
        log_group_names=("/aws/sagemaker/studio", "/aws/sagemaker/TrainingJobs*"),
    )
    policy = document(*statements(persona, SCOPE), *logs)
    assert len(re.sub(r"\s", "", policy)) < 8700


def test_arns_are_written_for_the_partition() -> None:
    govcloud = replace(SCOPE, partition="aws-us-gov", region="us-gov-west-1")
    for persona in PERSONAS:
        for statement in statements(persona, govcloud):
            assert all(one == "*" or one.startswith("arn:aws-us-gov:") for one in statement.resources)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role_name": "a/b"}, "role_name: supply a value such as acme-dev-studio-data-scientist"),
        ({"prefix": "acme"}, "prefix: supply a value such as acme-dev-, got 'acme'"),
        ({"subnet_ids": ()}, "subnet_ids: supply at least one, got none"),
        ({"security_group_ids": ()}, "security_group_ids: supply at least one, got none"),
    ],
    ids=["a role with a path", "a prefix without an end", "no subnet", "no security group"],
)
def test_a_scope_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SCOPE, **change)  # type: ignore[arg-type]
