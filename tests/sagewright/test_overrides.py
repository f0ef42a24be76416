"""Who may open the gate for one rule: whom AWS knows as an approver."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from sagewright import overrides
from sagewright.errors import Denied, Usage
from sagewright.local.process import Running
from sagewright.project import embedded
from sagewright.target import Target

from .gate.conftest import environment

LEADS = "arn:aws:iam::111122223333:role/teams/acme-prod-overrides"
LEAD = "arn:aws:sts::111122223333:assumed-role/acme-prod-overrides/ada@example.com"
ASKED = ["SW_STATEFUL_DELETE=copied to v2 = checked"]


@dataclasses.dataclass
class Sts:
    """STS, and the session that has it."""

    arn: str

    @contextmanager
    def session(self) -> Iterator[Sts]:
        yield self

    def client(self, name: str, config: object) -> Sts:
        assert name == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        if not self.arn:
            raise NoCredentialsError
        return {"Arn": self.arn}


def target(monkeypatch: pytest.MonkeyPatch, arn: str, **facts: Any) -> Target:
    """Return a target whose credentials are those of an ARN."""
    monkeypatch.setattr(Target, "session", lambda _: Sts(arn).session())
    facts = {"override_approvers": {"ml-leads": LEADS}, **facts}
    return Target(environment=environment(**facts), variables={}, running=None)


def test_an_approver_overrides_with_group_and_session(monkeypatch: pytest.MonkeyPatch) -> None:
    (override,) = overrides.prove(ASKED, None, target(monkeypatch, LEAD))
    assert (override.rule, override.reason) == ("SW_STATEFUL_DELETE", "copied to v2 = checked")
    assert (override.group, override.approver) == ("ml-leads", LEAD)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:user/acme-prod-overrides",
        "arn:aws:sts::999988887777:assumed-role/acme-prod-overrides/ada",
        "arn:aws:sts::111122223333:assumed-role/acme-prod-apply/acme-prod-overrides",
        "arn:aws-cn:sts::111122223333:assumed-role/acme-prod-overrides/ada",
        "arn:aws:sts::111122223333:assumed-role/overrides/ada",
        "arn:aws:iam::111122223333:root",
    ],
)
def test_whoever_is_no_session_of_an_approvers_role_is_refused(
    arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Denied) as refused:
        overrides.prove(ASKED, None, target(monkeypatch, arn))
    assert str(refused.value) == (
        f"SW_STATEFUL_DELETE: supply credentials of an approver of prod, one of ml-leads ({LEADS}); got {arn}"
    )


def test_an_environment_without_approvers_is_overridden_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Usage, match="override_approvers: supply who may override rules, got nobody"):
        overrides.prove(ASKED, None, target(monkeypatch, LEAD, override_approvers={}))


def test_credentials_that_aws_does_not_know_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Usage, match="the credentials at hand: Unable to locate credentials"):
        overrides.prove(ASKED, None, target(monkeypatch, ""))
    with pytest.raises(Usage, match="profile nobody: The config profile"):
        overrides.prove(ASKED, "nobody", target(monkeypatch, LEAD))


@pytest.mark.parametrize("role", ["acme-prod-overrides", "acme-prod-apply"])
def test_the_embedded_aws_is_asked_whose_a_profile_of_the_users_own_is(
    role: str, empty_aws: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = environment(override_approvers={"ml-leads": LEADS.replace("teams/", "")})
    variables = empty_aws.environment(facts.account_id, facts.region)
    there = Target(environment=facts, variables=embedded(os.environ, variables), running=empty_aws)
    with there.session() as session:
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": facts.account_id}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = session.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"][
            "Arn"
        ]
        taken = session.client("sts").assume_role(RoleArn=arn, RoleSessionName="ada")["Credentials"]
    profile = {
        "aws_access_key_id": taken["AccessKeyId"],
        "aws_secret_access_key": taken["SecretAccessKey"],
        "aws_session_token": taken["SessionToken"],
    }
    own = tmp_path / "credentials"
    own.write_text("[ada]\n" + "".join(f"{name} = {value}\n" for name, value in profile.items()))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(own))
    said = f"arn:aws:sts::{facts.account_id}:assumed-role/{role}/ada"
    if arn in facts.override_approvers.values():
        (override,) = overrides.prove(ASKED, "ada", there)
        assert (override.group, override.approver) == ("ml-leads", said)
    else:
        with pytest.raises(Denied, match=f"got {said}"):
            overrides.prove(ASKED, "ada", there)


def test_what_is_not_written_as_rule_and_reason_is_refused_all_at_once() -> None:
    with pytest.raises(Usage) as refused:
        overrides.understood(
            ["A", "=because it must be", "B=short", "C=one good reason", "C=two good reasons"]
        )
    assert str(refused.value).splitlines() == [
        "override: supply RULE=REASON, the reason in 10 characters or more, got 'A'",
        "override: supply RULE=REASON, the reason in 10 characters or more, got '=because it must be'",
        "override: supply RULE=REASON, the reason in 10 characters or more, got 'B=short'",
        "override: supply one reason for C, got 'one good reason' and 'two good reasons'",
    ]


def test_cdktf_is_told_by_variables_and_nobody_is_asked_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    here = target(monkeypatch, LEAD)
    told = {"SAGEWRIGHT_OVERRIDE": "SW_ENDPOINT_KIND=nobody calls it\nSW_STATEFUL_DELETE=copied to v2"}
    assert [one.rule for one in overrides.asked(told, here)] == ["SW_ENDPOINT_KIND", "SW_STATEFUL_DELETE"]
    assert overrides.asked({}, target(monkeypatch, "", override_approvers={})) == ()
