"""Who may do what afterwards and not before: policies, trust, networks, keys and APIs, in words.

Policies are compared by what they grant, not by how they are written: each is taken apart into single grants
of one action on one resource to one principal, and what both sides have, or what a wider grant of the other
side covers, is no change. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

from policies.plan.documents import listed, policy
from policies.plan.model import Unknown
from sagewright.review.model import Access, Area, Direction, Words
from sagewright.review.subject import Names, Subject
from sagewright.review.words import Teller

NOT = "all but"
"""First part of a member that names what it does not mean: `NotAction` and the like."""
POLICY_ARGUMENTS = ("assume_role_policy", "policy", "policy_document", "resource_policy")
NOUNS = {
    "aws_api_gateway_method": ("method of API", "rest_api_id"),
    "aws_cloudwatch_event_bus_policy": ("event bus", "event_bus_name"),
    "aws_ecr_repository_policy": ("repository", "repository"),
    "aws_iam_group_policy": ("group", "group"),
    "aws_iam_policy": ("policy", "name"),
    "aws_iam_role": ("role", "name"),
    "aws_iam_role_policy": ("role", "role"),
    "aws_iam_role_policy_attachment": ("role", "role"),
    "aws_iam_user_policy": ("user", "user"),
    "aws_kms_grant": ("key", "key_id"),
    "aws_kms_key": ("key", "description"),
    "aws_kms_key_policy": ("key", "key_id"),
    "aws_lambda_permission": ("function", "function_name"),
    "aws_s3_bucket_policy": ("bucket", "bucket"),
    "aws_s3_bucket_public_access_block": ("bucket", "bucket"),
    "aws_sagemaker_domain": ("domain", "domain_name"),
    "aws_sagemaker_model_package_group_policy": ("model package group", "model_package_group_name"),
    "aws_sagemaker_notebook_instance": ("notebook instance", "name"),
    "aws_secretsmanager_secret_policy": ("secret", "secret_arn"),
    "aws_security_group": ("security group", "name"),
    "aws_security_group_rule": ("security group", "security_group_id"),
    "aws_sns_topic_policy": ("topic", "arn"),
    "aws_sqs_queue_policy": ("queue", "queue_url"),
    "aws_vpc_security_group_egress_rule": ("security group", "security_group_id"),
    "aws_vpc_security_group_ingress_rule": ("security group", "security_group_id"),
}
"""What a resource is about, and the argument that names it."""
OWN = ("description", "domain_name", "name")
"""Arguments by which a resource names itself, and no other."""
BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
SWITCHES: Mapping[tuple[str, str], tuple[Any, Area, str, str]] = {
    **{
        ("aws_s3_bucket_public_access_block", name): (
            True,
            "resource policy",
            f"`{name}` is off: it can be opened to the public",
            f"`{name}` is on",
        )
        for name in BLOCKS
    },
    ("aws_sagemaker_domain", "app_network_access_type"): (
        "VpcOnly",
        "network",
        "its apps reach the internet past the VPC",
        "its apps reach the internet by the VPC only",
    ),
    ("aws_sagemaker_model", "enable_network_isolation"): (
        True,
        "network",
        "its containers are not isolated from the network",
        "its containers are isolated from the network",
    ),
    ("aws_sagemaker_notebook_instance", "direct_internet_access"): (
        "Disabled",
        "network",
        "it reaches the internet past the VPC",
        "it reaches the internet by the VPC only",
    ),
    ("aws_sagemaker_notebook_instance", "root_access"): (
        "Disabled",
        "permissions",
        "its users are root",
        "its users are not root",
    ),
}
"""Arguments that open or close something: by type and argument the closed value, and what is said."""
AUTHENTICATION = {
    "aws_api_gateway_method": "authorization",
    "aws_apigatewayv2_route": "authorization_type",
    "aws_lambda_function_url": "authorization_type",
}
GROUPS = ("aws_security_group", "aws_default_security_group")
RULES = {
    "aws_vpc_security_group_ingress_rule": "ingress",
    "aws_vpc_security_group_egress_rule": "egress",
}
PEERS = (
    "cidr_blocks",
    "cidr_ipv4",
    "cidr_ipv6",
    "ipv6_cidr_blocks",
    "prefix_list_id",
    "prefix_list_ids",
    "referenced_security_group_id",
    "security_groups",
    "source_security_group_id",
)
Member = tuple[str, ...]
Test = tuple[str, frozenset[str]]
"""Operator with key, and the values of which one must hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """One action on one resource for one principal, as far as a policy tells them apart."""

    allow: bool
    principal: Member
    action: Member
    resource: Member
    conditions: frozenset[Test]

    @property
    def wide(self) -> bool:
        """Whether it may hold more than it names."""
        return (
            "*" in f"{self.principal}{self.action}{self.resource}" or "?" in f"{self.action}{self.resource}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Grants that are told together."""

    allow: bool
    principals: tuple[Member, ...]
    actions: tuple[Member, ...]
    resources: tuple[Member, ...]
    conditions: tuple[Test, ...]


def changes(subject: Subject, names: Names, teller: Teller) -> Iterator[Access]:
    """Yield what a change of one resource opens and closes.

    What is new is not narrowed by anything, and what ends is nobody's concern any more.
    """
    if has_ended(subject, names):
        return
    said: list[tuple[Area, Direction, Words]] = []
    fresh = is_fresh(subject, names)
    for name in subject.names:
        before, after = subject.before.get(name), subject.after.get(name)
        if (subject.type, name) in SWITCHES:
            said += switched(subject, name)
        if name in POLICY_ARGUMENTS and isinstance(after, Unknown) and not after.computed:
            said.append((area(subject, name), "changed", f"its {name} is known only after apply"))
        elif has_statements(before) or has_statements(after):
            where = area(subject, name)
            said += ((where, *one) for one in compared(before, after, where, teller))
    said += attached(subject, teller)
    said += networked(subject, names, teller)
    said += authenticated(subject, teller)
    for where, direction, words in dict.fromkeys(said):
        if fresh and direction == "narrowed":
            continue
        yield Access(
            environment=subject.environment,
            stack=subject.stack,
            address=teller.text(subject.address),
            place=subject.place,
            area=where,
            direction=direction,
            fresh=fresh,
            subject=called(subject, names, teller),
            said=words,
        )


def is_fresh(subject: Subject, names: Names) -> bool:
    """Tell whether the plans make what the access is about: a role, say, and not just a policy of it."""
    argument = NOUNS.get(subject.type, ("", ""))[1]
    if subject.action != "add" or argument in OWN or not argument:
        return subject.action == "add"
    return names.makes(subject.stack, subject.after.get(argument))


def has_ended(subject: Subject, names: Names) -> bool:
    """Tell whether the plans destroy what the access is about."""
    argument = NOUNS.get(subject.type, ("", ""))[1]
    if subject.action != "destroy" or argument in OWN or not argument:
        return subject.action == "destroy"
    return names.ends(subject.before.get(argument))


def called(subject: Subject, names: Names, teller: Teller) -> Words:
    """Return whose access it is."""
    noun, argument = NOUNS.get(subject.type, ("", ""))
    for values in (subject.after, subject.before):
        name = names.of(subject.stack, values.get(argument))
        if isinstance(name, str) and name:
            return f"{noun} {teller.quoted(name)}"
    return " ".join(filter(None, (noun, teller.quoted(subject.address))))


def area(subject: Subject, argument: str) -> Area:
    """Return what kind of access a policy is about."""
    if argument == "assume_role_policy":
        return "trust"
    if subject.type.startswith("aws_iam_"):
        return "permissions"
    return "key" if subject.type.startswith("aws_kms_") else "resource policy"


def has_statements(value: Any) -> bool:
    """Tell whether a value is a policy."""
    return isinstance(value, str) and '"Statement"' in value and policy(value) is not None


def compared(before: Any, after: Any, where: Area, teller: Teller) -> Iterator[tuple[Direction, Words]]:
    """Yield what a policy grants that another did not, and the other way round."""
    old, new = set(grants(before)), set(grants(after))
    kept = [one for one in old & new if one.wide]
    gone = {one for one in old - new if not any(covers(other, one) for other in kept)}
    come = {one for one in new - old if not any(covers(other, one) for other in kept)}
    earlier, later = {bare(one): one for one in gone}, {bare(one): one for one in come}
    both = earlier.keys() & later.keys()
    ties = {one: (earlier[one].conditions, later[one].conditions) for one in both}
    for tests_before, tests_after in sorted(set(ties.values()), key=str):
        tied = [one for one, tests_ in ties.items() if tests_ == (tests_before, tests_after)]
        for group in grouped(tied):
            yield conditioned(group, tests_before, tests_after, where, teller)
    wide_before, wide_after = [one for one in old if one.wide], [one for one in new if one.wide]
    gone = {one for one in gone if bare(one) not in both and not any(covers(o, one) for o in wide_after)}
    come = {one for one in come if bare(one) not in both and not any(covers(o, one) for o in wide_before)}
    for group in grouped(come):
        if group.allow:
            yield "widened", told(group, "may now", where, teller)
        else:
            yield "narrowed", told(group, "is now denied", where, teller)
    for group in grouped(gone):
        if group.allow:
            yield "narrowed", told(group, "may no longer", where, teller)
        else:
            yield "widened", told(group, "is no longer denied", where, teller)


def grants(text: Any) -> Iterator[Grant]:
    """Yield the single grants of a policy."""
    document = policy(text) if isinstance(text, str) else None
    for statement in listed((document or {}).get("Statement")):
        conditions = frozenset(tests(statement.get("Condition")))
        for principal, action, resource in product(
            members(statement, "Principal"), members(statement, "Action"), members(statement, "Resource")
        ):
            yield Grant(
                allow=statement.get("Effect") == "Allow",
                principal=principal,
                action=action,
                resource=resource,
                conditions=conditions,
            )


def members(statement: Mapping[str, Any], name: str) -> list[Member]:
    """Return the elements of a member of a statement; what is named by exclusion stays together."""
    if f"Not{name}" in statement:
        return [(NOT, *sorted(elements(statement[f"Not{name}"])))]
    return [(one,) for one in elements(statement.get(name))] or [()]


def elements(value: Any) -> Iterator[str]:
    """Yield the texts in a member, whatever the kind of principal."""
    for kind in value.values() if isinstance(value, Mapping) else [value]:
        yield from map(str, listed(kind))


def tests(condition: Any) -> Iterator[Test]:
    """Yield each test of a condition."""
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            yield f"{operator} {key}", frozenset(map(str, listed(values)))


def bare(grant: Grant) -> Grant:
    """Return a grant without its conditions."""
    return replace(grant, conditions=frozenset())


def covers(wide: Grant, grant: Grant) -> bool:
    """Tell whether a grant holds wherever another does."""
    return (
        wide.allow == grant.allow
        and wide.conditions <= grant.conditions
        and (wide.principal == grant.principal or wide.principal == ("*",))
        and within(wide.action, grant.action, re.IGNORECASE)
        and within(wide.resource, grant.resource)
    )


def within(wide: Member, member: Member, flags: int = 0) -> bool:
    """Tell whether an element means all that another means; `*` and `?` are as in policies."""
    if wide == member:
        return True
    if len(wide) != 1 or len(member) != 1:
        return False
    return re.fullmatch(pattern(wide[0]), member[0], flags) is not None


@cache
def pattern(text: str) -> str:
    """Return an element of a policy as a regular expression."""
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def grouped(grants_: Iterable[Grant]) -> list[Group]:
    """Put grants together again: the same actions on the same resources for the same principals."""
    actions: dict[Any, set[Member]] = {}
    for one in grants_:
        actions.setdefault((one.allow, one.principal, one.resource, one.conditions), set()).add(one.action)
    resources: dict[Any, set[Member]] = {}
    for (allow, principal, resource, conditions), what in actions.items():
        resources.setdefault((allow, principal, frozenset(what), conditions), set()).add(resource)
    principals: dict[Any, set[Member]] = {}
    for (allow, principal, what, conditions), where in resources.items():
        principals.setdefault((allow, what, frozenset(where), conditions), set()).add(principal)
    groups = [
        Group(
            allow=allow,
            principals=tuple(sorted(who)),
            actions=tuple(sorted(what)),
            resources=tuple(sorted(where)),
            conditions=tuple(sorted(conditions, key=str)),
        )
        for (allow, what, where, conditions), who in principals.items()
    ]
    return sorted(groups, key=str)


def told(group: Group, verb: str, where: Area, teller: Teller) -> Words:
    """Return in words what a group of grants allows or denies."""
    conditions = f" if {tested(group.conditions, teller)}" if group.conditions else ""
    return f"{what(group, verb, where, teller)}{conditions}"


def tested(conditions: Iterable[Test], teller: Teller) -> Words:
    """Return tests in words."""
    ordered = sorted((name, ", ".join(sorted(values))) for name, values in conditions)
    return teller.listed(f"{name} = {values}" for name, values in ordered)


def conditioned(
    group: Group, before: frozenset[Test], after: frozenset[Test], where: Area, teller: Teller
) -> tuple[Direction, Words]:
    """Return which way the conditions of a group of grants went, and say so."""
    said = what(group, "may" if group.allow else "is denied", where, teller)
    wider: Direction = "widened" if group.allow else "narrowed"
    narrower: Direction = "narrowed" if group.allow else "widened"
    new, old = after - before, before - after
    if not new:
        return wider, f"{said} no longer only if {tested(old, teller)}"
    if not old:
        return narrower, f"{said} only if {tested(new, teller)}"
    values_before, values_after = dict(old), dict(new)
    if values_before.keys() == values_after.keys() and not any("Not" in name for name in values_after):
        gained = {(name, values_after[name] - values_before[name]) for name in values_after}
        lost = {(name, values_before[name] - values_after[name]) for name in values_after}
        if not any(values for _, values in lost):
            return wider, f"{said} also if {tested(gained, teller)}"
        if not any(values for _, values in gained):
            return narrower, f"{said} no longer if {tested(lost, teller)}"
    return "changed", f"{said} if {tested(new, teller)}, no longer if {tested(old, teller)}"


def what(group: Group, verb: str, where: Area, teller: Teller) -> Words:
    """Return who may do what on what."""
    who = named(group.principals, teller, principals=True) if group.principals != ((),) else ""
    if where == "trust":
        others = [one for one in group.actions if one != ("sts:AssumeRole",)]
        doing = named(others, teller) if others else "take this role"
        return f"{who} {verb} {doing}"
    on = "" if group.resources == ((),) or (who and group.resources == (("*",),)) else None
    on = f" on {named(group.resources, teller)}" if on is None else on
    return f"{who} {verb} {named(group.actions, teller)}{on}".strip()


def named(group: Sequence[Member], teller: Teller, principals: bool = False) -> Words:
    """Return elements in words; those that are named by exclusion come last."""
    if list(group) == [("*",)] and principals:
        return "anybody"
    plain = [one[0] for one in group if len(one) == 1]
    excluding = [f"{NOT} {teller.listed(one[1:])}" for one in group if len(one) > 1]
    return " and ".join(filter(None, (teller.listed(plain), *excluding)))


def switched(subject: Subject, name: str) -> Iterator[tuple[Area, Direction, Words]]:
    """Yield whether an argument opens or closes something; what is new and closed is not worth a word."""
    closed, where, opening, closing = SWITCHES[subject.type, name]
    before, after = subject.before.get(name), subject.after.get(name)
    if isinstance(after, Unknown) or (subject.action == "destroy" and name not in BLOCKS):
        return
    if (before == closed or subject.action == "add") and after != closed:
        yield where, "widened", opening
    elif subject.action != "add" and before != closed and after == closed:
        yield where, "narrowed", closing


def attached(subject: Subject, teller: Teller) -> Iterator[tuple[Area, Direction, Words]]:
    """Yield policies and boundaries that come and go, grants of keys, and callers of functions."""
    before, after = subject.before, subject.after
    if subject.type == "aws_iam_role" and subject.action != "add" and after:
        old, new = before.get("permissions_boundary"), after.get("permissions_boundary")
        if old and not new:
            yield (
                "permissions",
                "widened",
                f"has no permissions boundary any more, {teller.quoted(old)} was one",
            )
        elif old != new and not isinstance(new, Unknown):
            direction: Direction = "changed" if old else "narrowed"
            yield "permissions", direction, f"has the permissions boundary {teller.quoted(new)}"
    if subject.type == "aws_iam_role_policy_attachment":
        names = before.get("policy_arn"), after.get("policy_arn")
        yield from come_and_gone("permissions", names, "has the policy", "has no longer the policy", teller)
    if subject.type == "aws_kms_grant":
        names = grantee(before, teller), grantee(after, teller)
        yield from come_and_gone("key", names, "may now be used:", "may no longer be used:", teller)
    if subject.type == "aws_lambda_permission":
        names = caller(before), caller(after)
        yield from come_and_gone("resource policy", names, "may be called by", "may not be called by", teller)


def come_and_gone(
    where: Area, names: tuple[Any, Any], coming: str, going: str, teller: Teller
) -> Iterator[tuple[Area, Direction, Words]]:
    """Yield what comes and what goes where they differ."""
    before, after = names
    if before == after:
        return
    if after:
        yield where, "widened", f"{coming} {teller.quoted(after)}"
    if before:
        yield where, "narrowed", f"{going} {teller.quoted(before)}"


def grantee(values: Mapping[str, Any], teller: Teller) -> str:
    """Return who may do what by a grant of a key."""
    if not values:
        return ""
    operations = ", ".join(sorted(map(str, listed(values.get("operations")))))
    return f"{teller.value(values.get('grantee_principal'))}: {operations}"


def caller(values: Mapping[str, Any]) -> str:
    """Return who may call a function, and from where."""
    found = [values.get(name) for name in ("principal", "source_arn", "source_account", "principal_org_id")]
    return " of ".join(str(one) for one in found if isinstance(one, str) and one)


def networked(subject: Subject, names: Names, teller: Teller) -> Iterator[tuple[Area, Direction, Words]]:
    """Yield what security groups let in and out that they did not, and the other way round."""
    if subject.type in GROUPS:
        directions = ["ingress", "egress"]
    elif direction := RULES.get(subject.type) or text_of(subject, "type", "aws_security_group_rule"):
        directions = [direction]
    else:
        return
    for direction in directions:
        way, preposition = ("in", "from") if direction == "ingress" else ("out", "to")
        if isinstance(after := subject.after.get(direction), Unknown):
            if not after.computed:
                yield "network", "changed", f"what it lets {way} is known only after apply"
            continue
        old, new = (
            {
                (ports, teller.value(names.of(subject.stack, peer)))
                for ports, peer in openings(values, direction, subject.type)
            }
            for values in (subject.before, subject.after)
        )
        for ports, peer in sorted(new - old):
            yield (
                "network",
                "widened",
                f"lets {way} {teller.quoted(ports)} {preposition} {teller.quoted(peer)}",
            )
        for ports, peer in sorted(old - new):
            said = f"no longer lets {way} {teller.quoted(ports)} {preposition} {teller.quoted(peer)}"
            yield "network", "narrowed", said


def text_of(subject: Subject, name: str, type_: str) -> str:
    """Return an argument of a resource of a type, after or before."""
    value = subject.after.get(name) or subject.before.get(name)
    return value if subject.type == type_ and isinstance(value, str) else ""


def openings(values: Mapping[str, Any], direction: str, type_: str) -> Iterator[tuple[str, Any]]:
    """Yield ports and peers that a group or a rule opens."""
    for rule in listed(values.get(direction)) if type_ in GROUPS else [values] if values else []:
        if not isinstance(rule, Mapping):
            continue
        protocol = str(rule.get("protocol") or rule.get("ip_protocol"))
        first, last = rule.get("from_port"), rule.get("to_port")
        ports = "all traffic" if protocol in ("-1", "all") else protocol
        if ports == protocol and first is not None:
            ports += f" {first}" if first == last else f" {first}-{last}"
        peers = [peer for name in PEERS for peer in listed(rule.get(name)) if peer]
        peers += ["itself"] if rule.get("self") is True else []
        yield from ((ports, peer) for peer in peers)


def authenticated(subject: Subject, teller: Teller) -> Iterator[tuple[Area, Direction, Words]]:
    """Yield how callers of APIs prove who they are, where that changes."""
    name = AUTHENTICATION.get(subject.type, "")
    before, after = subject.before.get(name), subject.after.get(name)
    if not name or not after or before == after or isinstance(after, Unknown):
        return
    what_ = text_of(subject, "http_method", subject.type) or text_of(subject, "route_key", subject.type)
    calls = f"{teller.quoted(what_)} asks callers for" if what_ else "asks callers for"
    if after == "NONE":
        was = f", no longer for {teller.quoted(before)}" if before else ""
        yield "API", "widened", f"{calls} nothing{was}"
    else:
        direction: Direction = "widened" if not before else "narrowed" if before == "NONE" else "changed"
        yield "API", direction, f"{calls} {teller.quoted(after)}"
