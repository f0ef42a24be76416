"""Permissions: what policies allow, whom roles trust, and where a policy can hide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.plan.documents import listed, statements
from policies.plan.model import Block, Finding, Planned, Resource, failed, judged, passed, rule

ALL = re.compile(r"[*?]+(:.*)?|[^:]*[*?][^:]*:.*")
"""Actions of every service, in whatever spelling: `*`, `*:*`, `s*:Get*`."""
WIDE = re.compile(
    r"arn:[^:]+:iam::aws:policy/(?:[^/]+/)*([\w-]*FullAccess\w*|AdministratorAccess[\w-]*|PowerUserAccess)"
)
NARROWING = re.compile(r"(?i)aws:(Principal(OrgID|OrgPaths|Account|Arn)|Source(Account|Arn|OrgID|Owner))")
"""Condition keys that say from where a caller is."""
COMPARING = re.compile(
    r"(?i)(ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)"
)
"""Condition operators that hold for callers only who have the key, with the value."""

ANYONE = re.compile(r"(arn:[^:]*:[^:]*:[^:]*:)?[*?:]*")
"""Values of a condition that everybody has."""


@rule("SW_POLICY_STAR")
def actions_are_named(resource: Resource, planned: Planned) -> Finding:
    """Ask for named services in every action that is allowed; what is left out by NotAction is not named."""
    name = "inline_policy" if "inline_policy" in resource.values else "policy"
    return judged(statements(resource.block, name), all_actions)


@rule("SW_POLICY_AWS")
def policies_are_ours(resource: Resource, planned: Planned) -> Finding:
    """Deny the policies of AWS that allow a whole service, or all of them."""
    names = [name for name in ("policy_arn", "managed_policy_arn") if name in resource.values]
    names += [name for name in ("managed_policy_arns",) if name in resource.configured]
    return judged(names, lambda name: wide(resource.block, name))


@rule("SW_POLICY_INLINE")
def policies_are_resources(resource: Resource, planned: Planned) -> Finding:
    """Deny policies inside what they are for, where no rule looks; what only AWS tells of is left alone."""
    if resource.type != "aws_iam_role":
        return failed("policy is set") if "policy" in resource.configured else passed()
    if resource.block.computed("inline_policy"):
        return passed()
    before = resource.change.before.get("inline_policy")
    told = () if "inline_policy" in resource.configured else listed(before)
    for policy in resource.block.blocks("inline_policy"):
        if (policy.get("name") or policy.text("policy")) and dict(policy) not in told:
            return failed(f"inline_policy {policy.get('name')} is set")
    return passed()


@rule("SW_ROLE_TRUST")
def trust_is_narrow(role: Resource, planned: Planned) -> Finding:
    """Deny a trust policy that lets everybody in, in any spelling, and does not say from where."""
    problem = open_to(role.block, "assume_role_policy")
    return failed(problem) if problem else passed()


@rule("SW_POLICY_PUBLIC")
def access_is_narrow(policy: Resource, planned: Planned) -> Finding:
    """Deny a policy that lets everybody use what it is for, in any spelling, and does not say from where."""
    name = "policy_document" if policy.type == "aws_cloudwatch_log_resource_policy" else "policy"
    problem = open_to(policy.block, name)
    return failed(problem) if problem else passed()


def open_to(block: Block, name: str) -> str:
    """Return whom a policy in an argument lets in that it does not name."""
    for statement in statements(block, name):
        if statement.get("Effect") != "Allow":
            continue
        if "NotPrincipal" in statement:
            return f"{name} allows by NotPrincipal, which means all others"
        for principal in principals(statement.get("Principal")):
            if re.search(r"[*?]", principal) and not narrowed(statement.get("Condition")):
                return f"{name} lets {principal} in"
    return ""


def all_actions(statement: Mapping[str, Any]) -> str:
    """Return what a statement allows beyond named services."""
    if statement.get("Effect") != "Allow":
        return ""
    if "NotAction" in statement:
        return f"a statement allows all but {' and '.join(map(str, listed(statement['NotAction'])))}"
    actions = [str(action) for action in listed(statement.get("Action"))]
    return next((f"a statement allows {action}" for action in actions if ALL.fullmatch(action)), "")


def wide(block: Block, name: str) -> str:
    """Return which wide policy of AWS an argument names."""
    matches = [WIDE.fullmatch(str(arn)) for arn in block.known(name)]
    if match := next(filter(None, matches), None):
        return f"{name} is {match[1]}"
    block.has(name, "aws_iam_policy")
    return ""


def principals(value: Any) -> Iterator[str]:
    """Yield every principal of a statement, whatever its kind."""
    for kind in value.values() if isinstance(value, dict) else [value]:
        yield from map(str, listed(kind))


def narrowed(condition: Any) -> bool:
    """Tell whether a condition lets callers in from named accounts, organizations or principals only."""
    for operator, tests in condition.items() if isinstance(condition, Mapping) else ():
        for key, values in tests.items() if isinstance(tests, Mapping) else ():
            open_ones = [value for value in listed(values) if ANYONE.fullmatch(str(value))]
            if COMPARING.fullmatch(operator) and NARROWING.fullmatch(key) and values and not open_ones:
                return True
    return False
