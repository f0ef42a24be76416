"""Saved plans from one checkout to another: applied as they were reviewed, or not at all."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import moto
import pytest

from sagewright import reviewed
from sagewright.deploy import GateClosed, NotReviewed, Planned, Run
from sagewright.errors import Usage
from sagewright.project import Project
from sagewright.terraform import Terraform, TerraformFailed

from .conftest import write_stack
from .test_deploy import addresses, late, saved_plans, two_stacks, yes
from .test_deploy import run as run_of

KEYS = {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "embedded"}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    """A KMS in process."""
    with moto.mock_aws():
        yield


def git(checkout: Project, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(checkout.root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def committed(checkout: Project) -> Project:
    """A checkout at a commit."""
    git(checkout, "init", "-q")
    git(checkout, "add", "cdktf.json", "environments")
    git(checkout, "commit", "-q", "-m", "all")
    return checkout


def run(checkout: Project) -> Run:
    """A command's run with credentials of the KMS, as in a checkout that has planned nothing yet."""
    work = run_of(checkout)
    work.target = replace(work.target, variables={**work.target.variables, **KEYS})
    return work


def elsewhere(checkout: Project) -> Run:
    """The run of another checkout of the same commit."""
    for path in [checkout.work / "plan-key", *(checkout.work / "plans").glob("*")]:
        path.unlink(missing_ok=True)
    return run(checkout)


def save(checkout: Project) -> tuple[Path, str]:
    """Plan and save; return the file and the digest."""
    work, path = run(checkout), checkout.root / "plans"
    with work.saved_plans(work.assembly.stacks):
        plans = work.plan(work.assembly.stacks)
        return path, reviewed.save(work, plans, path)


def deploy(work: Run, path: Path, digest: str | None = None) -> bool:
    file = reviewed.find(path, work.project, work.target.environment)
    return reviewed.deploy(work, file, digest, yes)


def test_what_was_reviewed_is_applied_previews_too_and_once_only(
    committed: Project, gated: list[list[str]]
) -> None:
    two_stacks(committed)
    path, digest = save(committed)
    work = elsewhere(committed)
    assert deploy(work, path, digest.upper())
    assert gated == [["small-first", "small-second"], ["small-second"]]
    assert addresses(work, "small-second") >= {"terraform_data.user"}
    assert saved_plans(committed) == []
    with pytest.raises(NotReviewed, match=r"a state has changed.*nothing was changed; save") as refused:
        deploy(elsewhere(committed), path, digest)
    assert [str(one) for one in refused.value.differences] == [
        "small-first: terraform_data.thing: reviewed create, now nothing",
        "small-second: terraform_data.user: reviewed create, now nothing",
    ]
    assert saved_plans(committed) == []


def test_a_stack_that_turns_out_otherwise_than_its_preview_is_not_applied(
    committed: Project, gated: list[list[str]]
) -> None:
    preview = '${startswith(data.terraform_remote_state.small-first.outputs.id, "preview") ? '
    late(committed, "allowed", {"count": f"{preview}2 : 1}}"})
    path, digest = save(committed)
    work = elsewhere(committed)
    with pytest.raises(NotReviewed) as refused:
        deploy(work, path, digest)
    assert str(refused.value).startswith(
        "small-second: not what the reviewed preview said; already applied: small-first; nothing else was"
    )
    assert [str(one) for one in refused.value.differences] == [
        "small-second: terraform_data.user[1]: reviewed create, now nothing"
    ]
    assert addresses(work, "small-second") == set()


def test_what_the_gate_denies_meanwhile_is_not_applied(
    committed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stack(committed, "small-first", {"resource": {"terraform_data": {"thing": {}}}})
    path, digest = save(committed)

    def closed(work: Run, plans: Sequence[Planned]) -> None:
        raise GateClosed(Closed(), work.so_far)  # type: ignore[arg-type]

    class Closed:
        exit_code = 1

    monkeypatch.setattr(Run, "gate", closed)
    work = elsewhere(committed)
    with pytest.raises(GateClosed, match="nothing was changed"):
        deploy(work, path, digest)
    assert saved_plans(committed) == []


def test_terraforms_own_word_that_a_plan_is_stale_shows_the_differences_too(
    committed: Project, gated: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stack(committed, "small-first", {"resource": {"terraform_data": {"thing": {}}}})
    path, digest = save(committed)

    def another_was_first(work: Run, plan: Planned) -> None:
        raise TerraformFailed(f"small-first: terraform apply failed\n{reviewed.STALE}")

    monkeypatch.setattr(Run, "apply", another_was_first)
    with pytest.raises(NotReviewed, match="the plans are stale") as refused:
        deploy(elsewhere(committed), path, digest)
    assert refused.value.differences == ()


@pytest.fixture
def saved(committed: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a plan that Terraform has not made: what is refused is refused before it is asked."""
    write_stack(committed, "small-first", {})
    monkeypatch.setattr(Terraform, "version_of_state", lambda _: "lineage/1")
    work, path = run(committed), committed.root / "plans"
    plan = committed.work / "plan"
    plan.write_bytes(b"plan")
    document: dict[str, Any] = {"resource_changes": []}
    planned = Planned(
        stack=work.assembly.stacks[0],
        path=plan,
        json_path=plan,
        sums={},
        document=document,
        changes=True,
        preview=False,
    )
    reviewed.save(work, [planned], path)
    monkeypatch.setattr(Run, "restore", lambda *_: replace(planned, document={**document, **OTHERWISE}))
    return path


OTHERWISE = {
    "resource_changes": [{"address": "a", "type": "t", "change": {"actions": ["create"], "after": {}}}]
}


def refused(checkout: Project, path: Path, digest: str | None = None) -> str:
    with pytest.raises(Usage) as said:
        deploy(run(checkout), path, digest)
    text = str(said.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def test_plans_of_another_commit_are_refused(committed: Project, saved: Path) -> None:
    git(committed, "commit", "-q", "--allow-empty", "-m", "more")
    assert "commit: supply plans of " in refused(committed, saved)


def test_plans_of_another_environment_are_refused(committed: Project, saved: Path) -> None:
    work = run(committed)
    environment = replace(work.target.environment, name="prod")
    with pytest.raises(Usage, match="environment: supply plans of prod, got those of small"):
        reviewed.find(saved, committed, environment)


def test_another_digest_is_refused(committed: Project, saved: Path) -> None:
    assert refused(committed, saved, "c0ffee").startswith("supply plans of digest c0ffee, got those of ")


def test_other_locks_are_refused(committed: Project, saved: Path) -> None:
    (committed.root / "requirements.lock").write_text("another")
    assert refused(committed, saved).startswith("lock: supply plans made with ")


def test_other_policies_are_refused(
    committed: Project, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewed, "POLICIES", tmp_path / "none")
    assert refused(committed, saved).startswith("policies: supply plans made with ")


def test_what_is_synthesized_otherwise_is_refused(committed: Project, saved: Path) -> None:
    write_stack(committed, "small-first", {"locals": {"a": 1}})
    assert refused(committed, saved) == "small-first: supply plans of what is synthesized here, got another's"


def test_plans_that_do_other_than_their_digest_says_are_refused(committed: Project, saved: Path) -> None:
    assert refused(committed, saved) == (
        "supply plans that do what their digest says, got another of small-first"
    )


def test_a_key_of_another_environment_does_not_open_it(committed: Project, saved: Path) -> None:
    with reviewed.kms(run(committed).target) as client:
        other = client.create_key()["KeyMetadata"]["KeyId"]
        client.update_alias(AliasName="alias/acme-small-state", TargetKeyId=other)
    assert refused(committed, saved).startswith("supply plans that were saved under alias/acme-small-state")


def test_assets_that_a_stack_names_count_and_those_of_an_earlier_synthesis_do_not(committed: Project) -> None:
    write_stack(committed, "small-first", {"locals": {"code": "assets/code/1a/code.zip"}})
    stack = run(committed).assembly.stacks[0]
    before = reviewed.synthesized(stack)
    for folder, changes in (("0f", False), ("1a", True)):
        path = stack.folder / "assets" / "code" / folder / "code.zip"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"code")
        assert (reviewed.synthesized(stack) != before) is changes


def test_plans_of_a_checkout_that_no_commit_describes_are_not_saved(committed: Project) -> None:
    write_stack(committed, "small-first", {})
    environment = run(committed).target.environment
    (committed.root / "cdktf.json").write_text('{"changed": true}')
    with pytest.raises(Usage, match=r"as commit \w{12} has it, got changes of cdktf.json"):
        reviewed.facts_of(committed, environment)


def test_plans_outside_of_git_are_not_saved(checkout: Project) -> None:
    with pytest.raises(Usage, match="supply a git checkout at a commit, got: fatal: "):
        reviewed.commit(checkout)
