"""Who may open the gate for one rule and one run: people whom AWS knows as approvers of the environment.

The environment file names their groups, each with the IAM role that they take. STS tells whose the
credentials at hand are, so nobody can say that somebody approved: only who can take the role is an approver.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from sagewright.errors import Denied, Usage
from sagewright.gate.report import Override
from sagewright.target import QUICK, Target

SESSION = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account_id>\d{12}):assumed-role/(?P<role>[^/]+)/.+"
)
ASKED, PROFILE = "SAGEWRIGHT_OVERRIDE", "SAGEWRIGHT_APPROVER_PROFILE"
"""What tells `cdktf deploy`, which has no options of ours: a RULE=REASON on each line, and a profile."""
SHORTEST_REASON = 10


def prove(wanted: Sequence[str], profile: str | None, target: Target) -> tuple[Override, ...]:
    """Return the overrides that are asked for as `RULE=REASON`, with who gives them; asks AWS for that.

    `profile` is the approver's in the AWS configuration; without it, the credentials that deploy count.
    Raises `Usage` for what is not written so and where the environment has no approvers, `Denied` where the
    credentials are of no approver.
    """
    reasons = understood(wanted)
    if not reasons:
        return ()
    environment = target.environment
    groups = environment.override_approvers
    if not groups:
        raise Usage(f"{environment.file}: override_approvers: supply who may override rules, got nobody")
    approver = caller(target, profile)
    group = group_of(approver, groups)
    if group is None:
        raise Denied(
            f"{', '.join(reasons)}: supply credentials of an approver of {environment.name}, one of "
            f"{', '.join(f'{name} ({arn})' for name, arn in groups.items())}; got {approver}"
        )
    return tuple(
        Override(rule=rule, reason=reason, group=group, approver=approver) for rule, reason in reasons.items()
    )


def asked(variables: Mapping[str, str], target: Target) -> tuple[Override, ...]:
    """Return the overrides that a process environment asks for; raises as `prove` does."""
    return prove(variables.get(ASKED, "").splitlines(), variables.get(PROFILE) or None, target)


def understood(wanted: Sequence[str]) -> dict[str, str]:
    """Return the reasons by rule; raises `Usage` with all that is wrong."""
    reasons: dict[str, str] = {}
    problems = []
    for one in wanted:
        rule, _, reason = (part.strip() for part in one.partition("="))
        if not rule or len(reason) < SHORTEST_REASON:
            least = f"{SHORTEST_REASON} characters or more"
            problems.append(f"override: supply RULE=REASON, the reason in {least}, got {one!r}")
        elif rule in reasons:
            problems.append(f"override: supply one reason for {rule}, got {reasons[rule]!r} and {reason!r}")
        reasons[rule] = reason
    if problems:
        raise Usage("\n".join(problems))
    return reasons


def caller(target: Target, profile: str | None) -> str:
    """Return the ARN of whose credentials these are; raises `Usage` where AWS does not tell."""
    try:
        own = credentials(profile, target.environment.region) if profile else {}
        with target.session() as session:
            arn: str = session.client("sts", config=QUICK, **own).get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError, ValueError) as error:
        whose = f"profile {profile}" if profile else "the credentials at hand"
        raise Usage(f"override: supply credentials of an approver; {whose}: {error}") from None
    return arn


def credentials(profile: str, region: str) -> dict[str, Any]:
    """Return a profile's credentials from the user's own AWS files, which a target may hide; for a client."""
    found = boto3.session.Session(profile_name=profile, region_name=region).get_credentials()
    if found is None:
        raise NoCredentialsError
    frozen = found.get_frozen_credentials()
    return {
        "aws_access_key_id": frozen.access_key,
        "aws_secret_access_key": frozen.secret_key,
        "aws_session_token": frozen.token,
    }


def group_of(session_arn: str, groups: Mapping[str, str]) -> str | None:
    """Return the group whose role a session is of; in a session's ARN, the path of the role is left out."""
    match = SESSION.fullmatch(session_arn)
    if match is None:
        return None
    for group, role_arn in groups.items():
        owner, _, path = role_arn.partition(":role/")
        if (
            owner == f"arn:{match['partition']}:iam::{match['account_id']}"
            and path.split("/")[-1] == match["role"]
        ):
            return group
    return None
