"""Clean up, on the embedded AWS: what others made goes, what is Terraform's stays."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from rich.console import Console

from sagewright import cleanup as subject
from sagewright.cleanup import Deletion, carry_out, plan_model_packages, plan_studio, show
from sagewright.errors import Denied, SagewrightError, Usage
from tests.sagewright.local.conftest import IMAGE, REGION, Account, Server, serving

State = dict[str, Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """An embedded AWS for these tests."""
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def only_account(server: Server) -> Account:
    """One account for all tests: clients are slow to make."""
    return Account(server, "000000000078")


@pytest.fixture(scope="module")
def only_session(server: Server, only_account: Account) -> Iterator[boto3.session.Session]:
    """A session of that account, as the command line has it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", server.url)
        yield boto3.session.Session(only_account.id, "embedded", region_name=REGION)


@pytest.fixture
def account(only_account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account, empty again; nobody waits."""
    monkeypatch.setattr(subject, "POLL_SECONDS", 0.01)
    only_account.server.ask("POST", "/moto-api/reset")
    return only_account


@pytest.fixture
def session(account: Account, only_session: boto3.session.Session) -> boto3.session.Session:
    """A session of the account."""
    return only_session


def state(*found: tuple[str, dict[str, Any]]) -> State:
    """Return what `terraform show -json` says of resources."""
    listed = [
        {"address": f"{type_}.{index}", "mode": "managed", "type": type_, "values": values}
        for index, (type_, values) in enumerate(found)
    ]
    return {"format_version": "1.0", "values": {"root_module": {"resources": listed}}}


@pytest.fixture
def domain(account: Account) -> str:
    """A domain with a profile and a space of Terraform's, and others of people's own."""
    subnet, _ = account.network()
    sagemaker = account.sagemaker
    domain_id = sagemaker.create_domain(
        DomainName="studio",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": account.role()},
        SubnetIds=[subnet],
        VpcId=account.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"],
    )["DomainId"]
    for name in ("ada", "guest"):
        sagemaker.create_user_profile(DomainId=domain_id, UserProfileName=name)
    for name, owner in (("churn", "ada"), ("scratch", "ada"), ("visit", "guest")):
        sagemaker.create_space(
            DomainId=domain_id,
            SpaceName=name,
            OwnershipSettings={"OwnerUserProfileName": owner},
            SpaceSharingSettings={"SharingType": "Private"},
        )
        start(account, domain_id, name)
    return str(domain_id)


def start(account: Account, domain_id: str, space: str) -> None:
    """Start an app in a space."""
    account.sagemaker.create_app(DomainId=domain_id, SpaceName=space, AppType="JupyterLab", AppName="default")


def of_terraform(domain_id: str) -> State:
    """Return the state of the domain, with what of it is Terraform's."""
    return state(
        ("aws_sagemaker_domain", {"id": domain_id}),
        ("aws_sagemaker_user_profile", {"domain_id": domain_id, "user_profile_name": "Ada"}),
        ("aws_sagemaker_space", {"domain_id": domain_id, "space_name": "churn"}),
        ("aws_sagemaker_space", {"domain_id": "d-other", "space_name": "scratch"}),
    )


def said(plan: tuple[Deletion, ...]) -> list[str]:
    return [f"{deletion.kind} {deletion.name}" for deletion in plan]


def test_apps_go_and_what_others_made_and_terraforms_stays(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    plan = plan_studio(of_terraform(domain), session)
    assert said(plan) == [
        f"app {domain}/churn/JupyterLab/default",
        f"app {domain}/scratch/JupyterLab/default",
        f"app {domain}/visit/JupyterLab/default",
        f"space {domain}/scratch",
        f"space {domain}/visit",
        f"user profile {domain}/guest",
    ]
    progress: list[str] = []
    carry_out(plan, session, protected=False, say=progress.append)
    assert progress == [f"deleted {each}" for each in said(plan)]
    sagemaker = account.sagemaker
    assert sagemaker.list_apps()["Apps"] == []
    assert [one["SpaceName"] for one in sagemaker.list_spaces()["Spaces"]] == ["churn"]
    assert [one["UserProfileName"] for one in sagemaker.list_user_profiles()["UserProfiles"]] == ["ada"]
    assert plan_studio(of_terraform(domain), session) == ()


def test_a_plan_can_be_carried_out_again(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    plan = plan_studio(of_terraform(domain), session)
    carry_out(plan, session, protected=False)
    carry_out(plan, session, protected=False)


def test_lists_are_read_to_their_end(account: Account, session: boto3.session.Session, domain: str) -> None:
    for number in range(25):
        account.sagemaker.create_user_profile(DomainId=domain, UserProfileName=f"guest-{number}")
    plan = plan_studio(of_terraform(domain), session)
    assert len([deletion for deletion in plan if deletion.kind == "user profile"]) == 26


def test_another_domain_is_left_alone(account: Account, session: boto3.session.Session, domain: str) -> None:
    assert plan_studio(state(), session) == ()
    assert plan_studio(state(("aws_sagemaker_domain", {"id": "d-gone"})), session) == ()


def test_nothing_is_touched_in_a_protected_environment_unless_the_caller_insists(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    plan = plan_studio(of_terraform(domain), session)
    with pytest.raises(
        Denied, match=r"the environment is protected: nothing was deleted. What is there: app"
    ):
        carry_out(plan, session, protected=True)
    assert len(account.sagemaker.list_apps()["Apps"]) == 3
    carry_out(plan, session, protected=True, although_protected=True)
    assert account.sagemaker.list_apps()["Apps"] == []


def test_nothing_to_delete_is_fine_in_a_protected_environment_too(session: boto3.session.Session) -> None:
    carry_out((), session, protected=True)


def test_what_is_in_use_is_tried_again_until_the_time_is_over(
    account: Account, session: boto3.session.Session, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "TIMEOUT_SECONDS", 0.1)
    plan = plan_studio(of_terraform(domain), session)
    spaces = tuple(deletion for deletion in plan if deletion.kind == "space")
    with pytest.raises(SagewrightError, match=r"still there after 0.1 s:\nspace .*ResourceInUse") as caught:
        carry_out(spaces, session, protected=False)
    assert len(str(caught.value).splitlines()) == 3
    carry_out(plan, session, protected=False)


def test_what_aws_refuses_once_is_tried_again(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    account.fail("DeleteSpace", name="scratch", code="ResourceInUse", reason="busy", times=2)
    carry_out(plan_studio(of_terraform(domain), session), session, protected=False)
    assert [one["SpaceName"] for one in account.sagemaker.list_spaces()["Spaces"]] == ["churn"]


def test_an_app_is_gone_when_aws_still_shows_it_as_deleted(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    asked: list[str] = []
    statuses = ["Deleting", "Deleting", "Deleted"]

    def answer(model: Any, **_: Any) -> tuple[Any, Any] | None:
        asked.append(model.name)
        if model.name == "DescribeApp":
            return SimpleNamespace(status_code=200), {"Status": statuses.pop(0)}
        return None

    plan = plan_studio(of_terraform(domain), session)
    session.events.register("before-call.sagemaker", answer, unique_id="apps")  # type: ignore[arg-type]
    try:
        carry_out(plan[:1], session, protected=False)
    finally:
        session.events.unregister("before-call.sagemaker", unique_id="apps")
    assert asked == ["DeleteApp", "DescribeApp", "DescribeApp", "DescribeApp"]


@pytest.mark.parametrize("status", ["Deleted", "Failed"])
def test_an_app_that_keeps_nothing_is_left_alone(
    session: boto3.session.Session, domain: str, status: str
) -> None:
    app = {"DomainId": domain, "SpaceName": "x", "AppType": "JupyterLab", "AppName": "y", "Status": status}

    def answer(**_: Any) -> tuple[Any, Any]:
        return SimpleNamespace(status_code=200), {"Apps": [app]}

    session.events.register("before-call.sagemaker.ListApps", answer, unique_id="apps")  # type: ignore[arg-type]
    try:
        plan = plan_studio(of_terraform(domain), session)
    finally:
        session.events.unregister("before-call.sagemaker.ListApps", unique_id="apps")
    assert {deletion.kind for deletion in plan} == {"space", "user profile"}


def test_a_refusal_is_told_in_the_words_of_aws(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    account.fail("ListApps", code="AccessDeniedException", reason="not yours")
    with pytest.raises(SagewrightError, match=r"list_apps: .*not yours"):
        plan_studio(of_terraform(domain), session)
    plan = plan_studio(of_terraform(domain), session)
    account.fail("DeleteApp", code="AccessDeniedException", reason="not yours either")
    with pytest.raises(SagewrightError, match=r"app .*not yours either"):
        carry_out(plan, session, protected=False)


def gone(account: Account, session: boto3.session.Session, domain_id: str) -> None:
    """Delete a domain with all that is in it, and leave its homes behind."""
    carry_out(
        plan_studio(state(("aws_sagemaker_domain", {"id": domain_id})), session), session, protected=False
    )
    account.sagemaker.delete_domain(DomainId=domain_id)


def test_the_homes_of_a_domain_that_is_gone_go_with_what_holds_its_network(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    home = account.sagemaker.describe_domain(DomainId=domain)["HomeEfsFileSystemId"]
    account.client("efs").create_file_system(CreationToken="other")
    gone(account, session, domain)
    plan = plan_studio(state(), session, homes_of=(domain,))
    assert [deletion.kind for deletion in plan] == [
        "mount target",
        "file system",
        "security group",
        "security group",
    ]
    assert f"file system {home}" in said(plan)
    carry_out(plan, session, protected=False)
    systems = account.client("efs").describe_file_systems()["FileSystems"]
    assert [one["FileSystemId"] for one in systems] != [home]
    assert len(systems) == 1
    filters = [{"Name": "group-name", "Values": ["security-group-for-*"]}]
    assert account.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"] == []
    carry_out(plan, session, protected=False)
    assert plan_studio(state(), session, homes_of=(domain,)) == ()


def test_homes_stay_unless_they_are_asked_for(
    account: Account, session: boto3.session.Session, domain: str
) -> None:
    gone(account, session, domain)
    assert plan_studio(state(), session) == ()
    assert plan_studio(state(), session, homes_of=("d-other",)) == ()


def test_the_homes_of_a_domain_that_exists_are_refused(session: boto3.session.Session, domain: str) -> None:
    with pytest.raises(Usage, match=f"homes_of: supply a domain that is gone, got {domain}, which exists"):
        plan_studio(state(), session, homes_of=(domain,))


def test_versions_go_before_their_group(account: Account, session: boto3.session.Session) -> None:
    sagemaker = account.sagemaker
    for group in ("churn", "other"):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
        for _ in range(12):
            sagemaker.create_model_package(
                ModelPackageGroupName=group,
                InferenceSpecification={
                    "Containers": [{"Image": IMAGE}],
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedResponseMIMETypes": ["text/csv"],
                },
            )
    document = state(("aws_sagemaker_model_package_group", {"model_package_group_name": "churn"}))
    plan = plan_model_packages(document, session)
    assert len(plan) == 12
    assert {deletion.kind for deletion in plan} == {"model package"}
    with pytest.raises(Denied):
        carry_out(plan, session, protected=True)
    carry_out(plan, session, protected=False)
    assert plan_model_packages(document, session) == ()
    sagemaker.delete_model_package_group(ModelPackageGroupName="churn")
    others = sagemaker.list_model_packages(ModelPackageGroupName="other", MaxResults=100)
    assert len(others["ModelPackageSummaryList"]) == 12


def test_a_group_that_is_gone_has_no_versions(account: Account, session: boto3.session.Session) -> None:
    document = state(("aws_sagemaker_model_package_group", {"model_package_group_name": "gone"}))
    assert plan_model_packages(document, session) == ()


def test_a_plan_is_shown_line_by_line(session: boto3.session.Session) -> None:
    app = Deletion(kind="app", name="d-1/[churn]/x", arguments={}, reason="InService; files stay")
    output = io.StringIO()
    show((app,), Console(file=output, width=200))
    show((), Console(file=output, width=200))
    assert output.getvalue() == "- app d-1/[churn]/x  InService; files stay\nNothing to delete.\n"


@pytest.mark.parametrize(
    ("document", "got"),
    [
        ({}, "a mapping of nothing"),
        ({"version": 4}, "a mapping of version"),
        ({"format_version": "1.2", "planned_values": {}}, "a plan"),
    ],
    ids=["nothing", "a state file", "a plan"],
)
def test_what_is_no_state_is_refused(document: State, got: str, session: boto3.session.Session) -> None:
    with pytest.raises(
        SagewrightError, match=f"state: supply the output of `terraform show -json`, got {got}"
    ):
        plan_studio(document, session)
