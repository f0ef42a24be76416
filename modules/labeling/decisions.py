"""What people decide about labeling: value objects, as they stand in an environment file."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Literal

from .._core import (
    ByKind,
    at_least,
    at_most,
    distinct,
    matches,
    not_empty,
    one_of,
    record,
    refuse,
    unresolved,
    when,
)
from .._core.checks import no_longer_than, printable

KEY = "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
"""Name of a team or group, with single hyphens: two names never give one Terraform address."""

TASK_UI = "[a-z0-9]+(-[a-z0-9]+)*"
"""Name of a task UI, which SageMaker wants in lower case."""

RESERVED = r"(?!.*(aws|amazon|cognito))[a-z0-9](-*[a-z0-9])*"
"""What Cognito allows as the prefix of a domain."""


def _are_ranges(cidrs: tuple[str, ...]) -> Iterator[str | None]:
    yield not_empty("source_ip_cidrs", cidrs)
    yield at_most("source_ip_cidrs: number of ranges", len(cidrs), 10)
    yield distinct("source_ip_cidrs", cidrs)
    for cidr in cidrs:
        yield (
            None
            if unresolved(cidr) or _is_range(cidr)
            else (f"source_ip_cidrs: supply a range such as 203.0.113.0/24, got {cidr!r}")
        )


def _is_range(cidr: str) -> bool:
    try:
        ipaddress.ip_network(cidr)
    except ValueError:
        return False
    return "/" in cidr


@record
class Existing:
    """The workforce that the account has already: AWS has one private workforce per account and region.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-workforce-management-private-api.html
    """

    kind: Literal["Existing"] = "Existing"
    """Names this kind of workforce in an environment file."""
    name: str = "default"
    """The workforce's name; one that was made in the console is called so."""
    user_pool_id: str | None = None
    """Cognito user pool of the workforce; none when its people sign in by an OIDC identity provider."""
    client_id: str | None = None
    """Client of this pool that the workforce uses."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-zA-Z0-9][a-zA-Z0-9-]*", "acme-prod-labeling"),
            no_longer_than("name", self.name, 63),
            matches("user_pool_id", self.user_pool_id, r"[\w-]{1,45}_[0-9a-zA-Z]+", "eu-west-1_Ab1Cd2Ef3"),
            no_longer_than("user_pool_id", self.user_pool_id, 55),
            when(
                (self.user_pool_id is None) != (self.client_id is None),
                "user_pool_id, client_id: supply both, or none for a workforce of an OIDC identity provider; "
                "got one",
            ),
        )


@record
class Cognito:
    """A workforce of its own, with a Cognito user pool from which its people sign in.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-workforce-create-private-cognito.html
    """

    kind: Literal["Cognito"] = "Cognito"
    """Names this kind of workforce in an environment file."""
    groups: Mapping[str, str]
    """Groups of the pool, of which teams are made: what each is for, by name."""
    source_ip_cidrs: tuple[str, ...]
    """Addresses from which people work, 1 to 10 ranges; `0.0.0.0/0` lets them work from anywhere."""
    mfa_configuration: Literal["ON", "OPTIONAL"] = "ON"
    """Whether everybody needs a second factor, an authenticator app, or those who want one have it."""
    advanced_security_mode: Literal["ENFORCED", "AUDIT", "OFF"] = "ENFORCED"
    """Whether Cognito blocks risky sign-ins and leaked passwords, logs them, or neither. The first two cost
    by the person."""
    password_minimum_length: int = 14
    """Characters of a password, 8 to 99, which needs letters of both cases, digits and symbols."""
    domain: str | None = None
    """Start of the sign-in pages' host, unique among all accounts; by default the module's name and the
    account."""
    deletion_protection: bool = True
    """Whether AWS refuses to delete the pool, and with it all people; switch it off before you destroy."""

    def __post_init__(self) -> None:
        refuse(
            not_empty("groups", self.groups),
            *(
                problem
                for name, description in self.groups.items()
                for problem in (
                    matches("groups: name", name, KEY, "radiologists"),
                    no_longer_than("groups: name", name, 63),
                    no_longer_than(f"groups.{name}", description, 2048),
                )
            ),
            *_are_ranges(self.source_ip_cidrs),
            one_of("mfa_configuration", self.mfa_configuration, ("ON", "OPTIONAL")),
            one_of("advanced_security_mode", self.advanced_security_mode, ("ENFORCED", "AUDIT", "OFF")),
            at_least("password_minimum_length", self.password_minimum_length, 8),
            at_most("password_minimum_length", self.password_minimum_length, 99),
            matches("domain", self.domain, RESERVED, "acme-prod-labeling"),
            no_longer_than("domain", self.domain, 63),
        )


@record
class Oidc:
    """A workforce of its own, whose people sign in by your OIDC identity provider, which knows their groups.

    The client's secret is no decision: `LabelingConfig.oidc_client_secret`.
    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-workforce-create-private-oidc.html
    """

    kind: Literal["Oidc"] = "Oidc"
    """Names this kind of workforce in an environment file."""
    client_id: str
    """Client that the identity provider has for the workforce."""
    issuer: str
    """Address by which the identity provider signs."""
    authorization_endpoint: str
    """Where people sign in."""
    token_endpoint: str
    """Where a code is changed for a token."""
    user_info_endpoint: str
    """Where the claim `sagemaker:groups` is told."""
    logout_endpoint: str
    """Where people sign out."""
    jwks_uri: str
    """Where the keys of the signatures are."""
    source_ip_cidrs: tuple[str, ...]
    """Addresses from which people work, 1 to 10 ranges; `0.0.0.0/0` lets them work from anywhere."""

    def __post_init__(self) -> None:
        refuse(
            matches("client_id", self.client_id, "[ -~]{1,1024}", "acme-labeling"),
            *(
                problem
                for name, address in (
                    ("issuer", self.issuer),
                    ("authorization_endpoint", self.authorization_endpoint),
                    ("token_endpoint", self.token_endpoint),
                    ("user_info_endpoint", self.user_info_endpoint),
                    ("logout_endpoint", self.logout_endpoint),
                    ("jwks_uri", self.jwks_uri),
                )
                for problem in (
                    matches(name, address, r"https://\S+", "https://login.example.com/oauth2"),
                    no_longer_than(name, address, 500),
                )
            ),
            *_are_ranges(self.source_ip_cidrs),
        )


@record
class Team:
    """A work team: the people of some groups, to whom a labeling job is given.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sms-workforce-management-private.html
    """

    description: str
    """What the team is for, at most 200 characters; its people read it."""
    groups: tuple[str, ...]
    """Groups whose people are in the team, 1 to 10: of the user pool, or of the identity provider."""
    s3_presign: Literal["SourceIp", "VpcSourceIp", "Unconstrained"] = "SourceIp"
    """From where an object under work can be fetched by its presigned URL: the person's own address, that
    address by a VPC endpoint (for a workforce whose portal is in a VPC), or anywhere by anyone who has it."""

    def __post_init__(self) -> None:
        refuse(
            when(not self.description, "description: supply what the team is for, got none"),
            no_longer_than("description", self.description, 200),
            printable("description", self.description),
            not_empty("groups", self.groups),
            at_most("groups: number of groups", len(self.groups), 10),
            distinct("groups", self.groups),
            *(matches("groups", group, r"\S{1,63}", "radiologists") for group in self.groups),
            one_of("s3_presign", self.s3_presign, ("SourceIp", "VpcSourceIp", "Unconstrained")),
        )


@record
class Workers:
    """Who labels, in which teams, on which pages."""

    teams: Mapping[str, Team]
    """Work teams by name, at least one; the module's name goes before it."""
    workforce: Annotated[Existing | Cognito | Oidc, ByKind()] = Existing()
    """The workforce that is there, or one that is made; a second one is refused by AWS."""
    task_uis: Mapping[str, str] = field(default_factory=dict)
    """Pages for human review (Amazon A2I) by name: HTML with Liquid, at most 128,000 characters each. A
    labeling job of your own takes its page from S3 instead."""

    def __post_init__(self) -> None:
        refuse(
            not_empty("teams", self.teams),
            at_most("teams: number of teams", len(self.teams), 25),
            *(matches("teams: name", name, KEY, "radiology") for name in self.teams),
            *(problem for name, team in self.teams.items() for problem in self._fits(name, team)),
            *(
                problem
                for name, template in self.task_uis.items()
                for problem in (
                    matches("task_uis: name", name, TASK_UI, "bounding-box"),
                    when(not template, f"task_uis.{name}: supply HTML, got none"),
                    when(
                        "${TfToken[" not in template and len(template) > 128_000,
                        f"task_uis.{name}: supply at most 128000 characters, got {len(template)}",
                    ),
                )
            ),
        )

    def _fits(self, name: str, team: Team) -> Iterator[str | None]:
        """Yield what a team says that this workforce does not have."""
        if isinstance(self.workforce, Cognito):
            legal = self.workforce.groups
            for group in team.groups:
                yield when(
                    not unresolved((group, *legal)) and group not in legal,
                    f"teams.{name}.groups: supply groups of the workforce's pool, which has "
                    f"{', '.join(sorted(legal))}; got {group!r}",
                )
        yield when(
            not isinstance(self.workforce, Existing) and team.s3_presign == "VpcSourceIp",
            f"teams.{name}.s3_presign: supply SourceIp, since the portal of this workforce is in no VPC; "
            "got 'VpcSourceIp'",
        )
