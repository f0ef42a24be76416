"""Who may do what afterwards and not before: policies, trust, networks, keys and APIs, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.plan.documents import listed
from policies.plan.model import Unknown
from sagewright.review.grants import compared, has_statements
from sagewright.review.model import Access, Area, Direction, Words
from sagewright.review.subject import Names, Subject
from sagewright.review.words import Teller

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
