"""Bootstrap up to Terraform: whom it refuses, whom it asks, and the bucket, made once and mended."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

import pytest
from rich.console import Console

from sagewright import bootstrap, environment, gate, synth, target
from sagewright.environment import Environment
from sagewright.errors import SagewrightError, Usage
from sagewright.local.process import Running
from sagewright.project import Project, embedded
from sagewright.steps import Steps
from sagewright.target import Target
from tests.sagewright.conftest import ENVIRONMENT, write_stack

BUCKET = "acme-small-states"
OTHER = "444455556666"


@pytest.fixture
def facts(checkout: Project) -> Environment:
    """An environment with its state in a bucket."""
    document = {**ENVIRONMENT, "embedded": False, "state": {"bucket": BUCKET}}
    (checkout.environments / "small.yaml").write_text(json.dumps(document))
    return environment.read("small", checkout.environments)


@pytest.fixture
def chosen(checkout: Project, facts: Environment, empty_aws: Running) -> Target:
    """The environment's account on the embedded AWS, which holds nothing."""
    return at(checkout, facts, empty_aws)


def at(checkout: Project, facts: Environment, running: Running) -> Target:
    variables = embedded(checkout.variables(), running.environment(facts.account_id, facts.region))
    return Target(environment=facts, variables=variables, running=running)


def state_bucket(chosen: Target) -> dict[str, Any]:
    """Return what matters of the bucket."""
    with chosen.session() as session:
        client = session.client("s3")
        block = client.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
        return {
            "region": client.get_bucket_location(Bucket=BUCKET)["LocationConstraint"],
            "versions": client.get_bucket_versioning(Bucket=BUCKET)["Status"],
            "closed": all(block.values()) and len(block) == 4,
        }


WHOLE = {"region": "eu-west-1", "versions": "Enabled", "closed": True}


def test_the_bucket_is_made_closed_with_versions_and_only_once(chosen: Target) -> None:
    assert not target.has_state_bucket(chosen, BUCKET)
    for _ in range(2):
        target.make_state_bucket(chosen, BUCKET)
        assert target.has_state_bucket(chosen, BUCKET)
        assert state_bucket(chosen) == WHOLE


def test_a_bucket_that_was_left_half_made_is_finished(chosen: Target) -> None:
    with chosen.session() as session:
        place = {"LocationConstraint": chosen.environment.region}
        session.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    target.make_state_bucket(chosen, BUCKET)
    assert state_bucket(chosen) == WHOLE


def test_a_bucket_in_another_region_is_refused(chosen: Target) -> None:
    with chosen.session() as session:
        place = {"LocationConstraint": "eu-central-1"}
        client = session.client("s3", region_name="eu-central-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    with pytest.raises(Usage, match=f"supply a bucket in eu-west-1, got {BUCKET} in eu-central-1"):
        target.make_state_bucket(chosen, BUCKET)


def test_a_name_that_another_account_has_is_refused(
    checkout: Project, chosen: Target, facts: Environment, empty_aws: Running
) -> None:
    target.make_state_bucket(chosen, BUCKET)
    theirs = at(checkout, dataclasses.replace(facts, account_id=OTHER), empty_aws)
    with pytest.raises(Usage, match=f"supply a name that no other account has.*got {BUCKET}"):
        target.make_state_bucket(theirs, BUCKET)


def steps() -> Steps:
    return Steps(Console(file=io.StringIO()))


def no(chosen: Target, what: str) -> None:
    raise SagewrightError(f"not approved: {what}")


def test_an_environment_without_an_account_is_refused(checkout: Project) -> None:
    with pytest.raises(Usage) as refused:
        bootstrap.prepare(checkout, "small", False, steps(), no)
    assert str(refused.value) == (
        "environments/small.yaml: there is nothing to bootstrap where embedded is true: its state is a local "
        "file; run `sagewright deploy -e small`"
    )


@pytest.fixture
def prepared(checkout: Project, chosen: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A checkout whose target is chosen, and whose synthesis is done."""
    write_stack(checkout, "small-bootstrap", {})
    monkeypatch.setattr(gate, "preload", lambda: None)
    monkeypatch.setattr(target, "choose", lambda *_: chosen)
    monkeypatch.setattr(synth, "synthesize", lambda project, *_, bootstrap: synth.read(project))
    return chosen


def test_a_person_is_asked_before_the_bucket_is_made(checkout: Project, prepared: Target) -> None:
    with pytest.raises(SagewrightError, match=f"not approved: make the bucket {BUCKET}"):
        bootstrap.prepare(checkout, "small", False, steps(), no)
    assert not target.has_state_bucket(prepared, BUCKET)


def test_nobody_is_asked_where_the_bucket_is_there(checkout: Project, prepared: Target) -> None:
    bootstrap.prepare(checkout, "small", False, steps(), lambda *_: None)
    run = bootstrap.prepare(checkout, "small", False, steps(), no)
    assert [stack.name for stack in run.assembly.stacks] == ["small-bootstrap"]


def test_an_account_without_the_boundary_is_not_ready(checkout: Project, chosen: Target) -> None:
    aws = dataclasses.replace(chosen, running=None)
    with pytest.raises(Usage) as refused:
        bootstrap.ready(checkout, aws, steps())
    assert str(refused.value) == (
        "AWS account 111122223333, eu-west-1 is not bootstrapped for small: it has no policy "
        "arn:aws:iam::111122223333:policy/acme-small-boundary; run `sagewright bootstrap -e small` first"
    )
    with chosen.session() as session:
        statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        session.client("iam").create_policy(PolicyName="acme-small-boundary", PolicyDocument=policy)
    bootstrap.ready(checkout, aws, steps())


def test_an_environment_without_an_account_is_always_ready(checkout: Project, chosen: Target) -> None:
    local = dataclasses.replace(chosen.environment, embedded=True, name="other")
    bootstrap.ready(checkout, dataclasses.replace(chosen, environment=local, running=None), steps())
