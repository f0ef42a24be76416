"""Clean up: what people made outside of Terraform, and what keeps Terraform from destroying an environment.

AWS deletes no user profile, space or domain while apps run in it, no model package group while it has
versions, and leaves the homes of a domain that was made to retain them, whose mount targets and security
groups hold the subnets and the VPC. So there is a plan, to be shown first, and then its deletions: those of
a kind at once, one kind after the other. What is in the state is Terraform's, and stays.
https://docs.aws.amazon.com/sagemaker/latest/dg/gs-studio-delete-domain.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from sagewright.errors import Denied, SagewrightError, Usage
from sagewright.verify import Aws, NotAnswered, Resource, resources

POLL_SECONDS = 5.0
TIMEOUT_SECONDS = 900.0
"""For all deletions of one kind: an app takes a minute or two, a space with its volume some more."""

GONE = ("ResourceNotFound", "ResourceNotFoundException", "FileSystemNotFound", "MountTargetNotFound")
"""Error codes that tell that there is nothing to delete any more."""
MISSING = ("does not exist", "Could not find")
"""The same in words, where SageMaker calls it a ValidationException."""
BUSY = ("ConflictException", "DependencyViolation", "FileSystemInUse", "ResourceInUse", "ThrottlingException")
"""Error codes of what is still in use, or on its way: it is tried again."""

NO_APP = ("Deleted", "Failed")
"""Statuses of apps that AWS still shows, though they keep nothing from being deleted."""

OWNER_TAG = "ManagedByAmazonSageMakerResource"
"""Tag that SageMaker sets on the homes of a domain: the domain's ARN."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """One thing to delete, and why."""

    kind: str
    """A key of `KINDS`."""
    name: str
    """What a person calls it."""
    arguments: Mapping[str, str] = field(hash=False)
    """What AWS calls it: the arguments of the operation that deletes it."""
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """How the things of one kind are deleted, and how it is seen that they are gone."""

    service: str
    delete: str
    there: Callable[[Aws, Mapping[str, str]], bool]
    """Tells whether there is one; raises `ClientError` and `NotAnswered`."""
    prepare: Callable[[Any, Mapping[str, str]], None] | None = None
    """What must be done before, with the service's client."""


def plan_studio(
    state: Mapping[str, Any], session: boto3.session.Session, homes_of: Collection[str] = ()
) -> tuple[Deletion, ...]:
    """Return what must go before the state's domains can: apps, then spaces and profiles that others made.

    `state` is the output of `terraform show -json`. `homes_of` names domains that are gone, by their ids: the
    file system that each left behind is added, with its mount targets and security groups. Raises `Usage`
    where one of them still exists, and `SagewrightError` with AWS's words where it does not answer.
    """
    aws, known = Aws(session), tuple(_resources(state))
    domains = [one.values["id"] for one in known if one.type == "aws_sagemaker_domain"]
    found = [deletion for domain_id in domains for deletion in _of_domain(aws, domain_id, known)]
    found += [deletion for domain_id in homes_of for deletion in _homes(aws, domain_id)]
    return _in_order(found)


def plan_model_packages(state: Mapping[str, Any], session: boto3.session.Session) -> tuple[Deletion, ...]:
    """Return all versions in the state's model package groups, which cannot be deleted while they have some.

    The artifacts and images of which the versions were made stay where they are.
    """
    aws = Aws(session)
    return _in_order(
        Deletion(
            kind="model package",
            name=f"{group} version {version['ModelPackageVersion']}",
            arguments={"ModelPackageName": version["ModelPackageArn"]},
            reason=f"{version['ModelApprovalStatus']}; the group cannot be deleted while it has versions",
        )
        for group in (
            one.values["model_package_group_name"]
            for one in _resources(state)
            if one.type == "aws_sagemaker_model_package_group"
        )
        for version in _listed(
            aws,
            "sagemaker",
            "list_model_packages",
            "ModelPackageSummaryList",
            ModelPackageGroupName=group,
        )
    )


def carry_out(
    plan: Sequence[Deletion],
    session: boto3.session.Session,
    *,
    protected: bool,
    although_protected: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Delete what a plan names, kind by kind, and wait until each kind is gone; safe to run again.

    `protected` is what the environment says of itself: nothing is touched then, and `Denied` is raised,
    unless the caller insists by `although_protected`. Raises `SagewrightError` with all that is still there
    when the time is over, or that AWS refuses to delete.
    """
    if protected and plan and not although_protected:
        raise Denied(
            "the environment is protected: nothing was deleted. What is there: " + "; ".join(map(str, plan))
        )
    aws = Aws(session)
    for name, kind in KINDS.items():
        _delete(aws, kind, [deletion for deletion in plan if deletion.kind == name], say)


def show(plan: Sequence[Deletion], console: Console) -> None:
    """Print a plan, a line for each deletion, in the order in which they are made."""
    if not plan:
        console.print("Nothing to delete.")
    for deletion in plan:
        line = f"[red]-[/] {escape(f'{deletion.kind} {deletion.name}')}  [dim]{escape(deletion.reason)}[/]"
        console.print(line, soft_wrap=True)


def _resources(state: Mapping[str, Any]) -> Iterator[Resource]:
    if "format_version" not in state or "planned_values" in state:
        got = "a plan" if "planned_values" in state else f"a mapping of {', '.join(state) or 'nothing'}"
        raise SagewrightError(f"state: supply the output of `terraform show -json`, got {got}")
    yield from resources(state.get("values", {}).get("root_module", {}))


def _in_order(found: Iterable[Deletion]) -> tuple[Deletion, ...]:
    order = list(KINDS)
    return tuple(sorted(found, key=lambda deletion: (order.index(deletion.kind), deletion.name)))


def _of_domain(aws: Aws, domain_id: str, known: Sequence[Resource]) -> Iterator[Deletion]:
    """Yield the apps of a domain, and its spaces and profiles that are not in the state."""
    if not _domain_there(aws, domain_id):
        return
    where = {"DomainIdEquals": domain_id}
    for app in _listed(aws, "sagemaker", "list_apps", "Apps", **where):
        if app["Status"] in NO_APP:
            continue
        owner = {key: app[key] for key in ("SpaceName", "UserProfileName") if app.get(key)}
        yield Deletion(
            kind="app",
            name="/".join((domain_id, *owner.values(), app["AppType"], app["AppName"])),
            arguments={"DomainId": domain_id, "AppType": app["AppType"], "AppName": app["AppName"], **owner},
            reason=f"{app['Status']}; unsaved work in it is lost, files stay",
        )
    for kind, type_, operation, list_member, attribute, member in (
        ("space", "aws_sagemaker_space", "list_spaces", "Spaces", "space_name", "SpaceName"),
        (
            "user profile",
            "aws_sagemaker_user_profile",
            "list_user_profiles",
            "UserProfiles",
            "user_profile_name",
            "UserProfileName",
        ),
    ):
        ours = {
            one.values[attribute].lower()
            for one in known
            if one.type == type_ and one.values["domain_id"] == domain_id
        }
        lost = "its volume goes with it" if kind == "space" else "its home stays with the domain"
        for found in _listed(aws, "sagemaker", operation, list_member, **where):
            if found[member].lower() not in ours:
                yield Deletion(
                    kind=kind,
                    name=f"{domain_id}/{found[member]}",
                    arguments={"DomainId": domain_id, member: found[member]},
                    reason=f"not in the state; {lost}",
                )


def _domain_there(aws: Aws, domain_id: str) -> bool:
    with _answered("describe_domain"):
        return _there(aws, "sagemaker", "describe_domain", DomainId=domain_id) is not None


def _homes(aws: Aws, domain_id: str) -> Iterator[Deletion]:
    """Yield the file system that a domain left behind, and what holds the subnets and the VPC for it."""
    if _domain_there(aws, domain_id):
        raise Usage(f"homes_of: supply a domain that is gone, got {domain_id}, which exists")
    reason = f"left behind by domain {domain_id}"
    for home in _listed(aws, "efs", "describe_file_systems", "FileSystems"):
        owner = next((tag["Value"] for tag in home.get("Tags", []) if tag["Key"] == OWNER_TAG), "")
        if not owner.endswith(f":domain/{domain_id}"):
            continue
        file_system = {"FileSystemId": home["FileSystemId"]}
        yield Deletion(
            kind="file system",
            name=home["FileSystemId"],
            arguments=file_system,
            reason=f"{reason}; {home['SizeInBytes']['Value']} bytes are lost",
        )
        for target in _listed(aws, "efs", "describe_mount_targets", "MountTargets", **file_system):
            yield Deletion(
                kind="mount target",
                name=f"{home['FileSystemId']}/{target['MountTargetId']}",
                arguments={"MountTargetId": target["MountTargetId"]},
                reason=f"{reason}; it holds {target['SubnetId']}",
            )
    names = [f"security-group-for-{way}-nfs-{domain_id}" for way in ("inbound", "outbound")]
    filters = [{"Name": "group-name", "Values": names}]
    for group in _listed(aws, "ec2", "describe_security_groups", "SecurityGroups", Filters=filters):
        yield Deletion(
            kind="security group",
            name=f"{group['GroupId']} {group['GroupName']}",
            arguments={"GroupId": group["GroupId"]},
            reason=f"{reason}; it holds {group['VpcId']}",
        )


def _listed(aws: Aws, service: str, operation: str, member: str, **arguments: Any) -> Iterator[Any]:
    """Yield what all pages of a list have; raises `SagewrightError`."""
    with _answered(operation):
        for page in aws.client(service).get_paginator(operation).paginate(**arguments):
            yield from page[member]


@contextmanager
def _answered(what: str) -> Iterator[None]:
    """Turn what AWS refuses, or does not answer, into an error of ours, in AWS's words."""
    try:
        yield
    except (NotAnswered, BotoCoreError, ClientError) as error:
        raise SagewrightError(f"{what}: {error}") from None


def _there(aws: Aws, service: str, operation: str, **arguments: Any) -> Mapping[str, Any] | None:
    """Return what an operation describes, `None` where there is nothing; raises `ClientError` otherwise."""
    try:
        answer: Mapping[str, Any] = getattr(aws.client(service), operation)(**arguments)
    except ClientError as error:
        if _is_gone(error):
            return None
        raise
    return answer


def _is_gone(error: ClientError) -> bool:
    refusal = error.response.get("Error", {})
    code, message = str(refusal.get("Code")), str(refusal.get("Message"))
    return code in GONE or code.endswith(".NotFound") or any(words in message for words in MISSING)


def _delete(aws: Aws, kind: Kind, deletions: Sequence[Deletion], say: Callable[[str], None]) -> None:
    """Ask for all deletions of a kind, again where it is in use, and wait until none is there."""
    waiting = {deletion: "" for deletion in deletions}
    accepted: set[Deletion] = set()
    end = time.monotonic() + TIMEOUT_SECONDS
    while waiting:
        for deletion in list(waiting):
            with _answered(f"{deletion.kind} {deletion.name}"):
                if deletion not in accepted:
                    waiting[deletion] = _ask(aws, kind, deletion)
                    if not waiting[deletion]:
                        accepted.add(deletion)
                if not kind.there(aws, deletion.arguments):
                    del waiting[deletion]
                    say(f"deleted {deletion.kind} {deletion.name}")
        if waiting and time.monotonic() > end:
            lines = (f"{each.kind} {each.name}: {why or 'not gone yet'}" for each, why in waiting.items())
            raise SagewrightError(f"still there after {TIMEOUT_SECONDS:g} s:\n" + "\n".join(lines))
        if waiting:
            time.sleep(POLL_SECONDS)


def _ask(aws: Aws, kind: Kind, deletion: Deletion) -> str:
    """Ask for a deletion; return AWS's words where it must be asked again, raise `ClientError` otherwise."""
    client = aws.client(kind.service)
    try:
        if kind.prepare is not None:
            kind.prepare(client, deletion.arguments)
        getattr(client, kind.delete)(**deletion.arguments)
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code")) in BUSY:
            return str(error)
        if not _is_gone(error):
            raise
    return ""


def _app_there(aws: Aws, arguments: Mapping[str, str]) -> bool:
    """Tell whether an app is there: AWS shows one that is deleted for a day."""
    app = _there(aws, "sagemaker", "describe_app", **arguments)
    return app is not None and app["Status"] not in NO_APP


def _described(service: str, operation: str, plural: str = "") -> Callable[[Aws, Mapping[str, str]], bool]:
    """Find by an operation that takes what the deletion takes, or a list of it under another name."""

    def there(aws: Aws, arguments: Mapping[str, str]) -> bool:
        request: dict[str, Any] = {plural: list(arguments.values())} if plural else dict(arguments)
        return _there(aws, service, operation, **request) is not None

    return there


def _let_go(ec2: Any, arguments: Mapping[str, str]) -> None:
    """Take all rules out of a security group: the two of a domain name each other."""
    group_id = arguments["GroupId"]
    filters = [{"Name": "group-id", "Values": [group_id]}]
    for page in ec2.get_paginator("describe_security_group_rules").paginate(Filters=filters):
        for rule in page["SecurityGroupRules"]:
            revoke = (
                ec2.revoke_security_group_egress if rule["IsEgress"] else ec2.revoke_security_group_ingress
            )
            revoke(GroupId=group_id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


KINDS: Mapping[str, Kind] = {
    "app": Kind(service="sagemaker", delete="delete_app", there=_app_there),
    "space": Kind(
        service="sagemaker", delete="delete_space", there=_described("sagemaker", "describe_space")
    ),
    "user profile": Kind(
        service="sagemaker",
        delete="delete_user_profile",
        there=_described("sagemaker", "describe_user_profile"),
    ),
    "mount target": Kind(
        service="efs", delete="delete_mount_target", there=_described("efs", "describe_mount_targets")
    ),
    "file system": Kind(
        service="efs", delete="delete_file_system", there=_described("efs", "describe_file_systems")
    ),
    "security group": Kind(
        service="ec2",
        delete="delete_security_group",
        there=_described("ec2", "describe_security_groups", plural="GroupIds"),
        prepare=_let_go,
    ),
    "model package": Kind(
        service="sagemaker",
        delete="delete_model_package",
        there=_described("sagemaker", "describe_model_package"),
    ),
}
"""All kinds, in the order in which they go."""
