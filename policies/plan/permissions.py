"""Permissions: what policies allow, whom roles trust, and where a policy can hide."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.plan.documents import listed, statements
from policies.plan.model import Block, Finding, Planned, Resource, failed, judged, passed, relative, rule

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

FROM_ACCOUNT = re.compile(r"(?i)aws:(PrincipalAccount|PrincipalArn|SourceAccount|SourceArn|SourceOwner)")
"""Condition keys whose values name accounts."""
ACCOUNT = re.compile(r"(?:arn:[^:]*:[^:]*:[^:]*:)?(\d{12})(?::.*)?")
"""An account by its number, or in an ARN."""
POLICIES = ("resource_policy", "assume_role_policy", "policy")
"""Arguments that hold who is let in."""
PASS = "iam:PassRole"
REGISTER = "sagemaker:CreateModelPackage"
APPROVE = "sagemaker:UpdateModelPackage"
STATUS = "sagemaker:ModelApprovalStatus"
"""Key of conditions with the status that a version gets, by either action.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""
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


@rule("SW_POLICY_PASSROLE")
def roles_are_passed_to_named_services(resource: Resource, planned: Planned) -> Finding:
    """Ask for a condition on the service wherever roles may be passed on."""
    name = "inline_policy" if "inline_policy" in resource.values else "policy"
    return judged(statements(resource.block, name), passed_anywhere)


@rule("SW_ROLE_BOUNDARY")
def roles_have_a_boundary(role: Resource, planned: Planned) -> Finding:
    """Ask for a permissions boundary."""
    return (
        passed()
        if role.block.has("permissions_boundary", "aws_iam_policy")
        else failed("permissions_boundary is not set")
    )


@rule("SW_POLICY_STRANGERS")
def strangers_stay_out(resource: Resource, planned: Planned) -> Finding:
    """Deny a policy that lets in an account which is neither the environment's own nor listed by it."""
    known = (planned.limits.account_id, *planned.limits.trusted_account_ids)
    name = next(name for name in POLICIES if name in resource.values)

    def problem(statement: Mapping[str, Any]) -> str:
        for account in accounts(statement):
            if account not in known:
                return f"{name} lets account {account} in"
        return ""

    return judged(statements(resource.block, name), problem)


@rule("SW_APPROVAL_AUTHOR")
def authors_do_not_approve(role: Resource, planned: Planned) -> Finding:
    """Deny a role that may both register a version of a model and approve one."""
    allowed = [
        statement for policy in policies_of(role, planned) for statement in statements(policy, "policy")
    ]
    if not may(REGISTER, allowed):
        return passed()
    found = [action for action in (REGISTER, APPROVE) if may(action, allowed, approving=True)]
    if found:
        return failed(f"it may register a version of a model, and approve one by {' and '.join(found)}")
    return passed()


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


def passed_anywhere(statement: Mapping[str, Any]) -> str:
    """Return whether a statement lets roles be passed to any service."""
    if statement.get("Effect") != "Allow" or not names_action(statement, PASS):
        return ""
    for values in tested(statement, "iam:PassedToService"):
        if values and not any(re.fullmatch(r"[*?]*", str(value)) for value in values):
            return ""
    return "a statement allows iam:PassRole without a condition on iam:PassedToService"


def tested(statement: Mapping[str, Any], key: str) -> Iterator[list[Any]]:
    """Yield what a key of conditions must be equal to, or like, for a statement to hold."""
    condition = statement.get("Condition")
    for operator, tests in condition.items() if isinstance(condition, Mapping) else ():
        for name, values in tests.items() if isinstance(tests, Mapping) else ():
            if COMPARING.fullmatch(operator) and name.lower() == key.lower():
                yield listed(values)


def names_action(statement: Mapping[str, Any], action: str) -> bool:
    """Tell whether a statement is about an action, in whatever spelling."""
    name = "NotAction" if "NotAction" in statement else "Action"
    patterns = [str(one).lower() for one in listed(statement.get(name))]
    return any(fnmatch.fnmatchcase(action.lower(), one) for one in patterns) == (name == "Action")


def may(action: str, allowed: list[Mapping[str, Any]], approving: bool = False) -> bool:
    """Tell whether statements together allow an action, or to approve by it.

    A statement that denies it counts where it has no condition, or where it is about approving.
    """
    about = [statement for statement in allowed if names_action(statement, action)]
    for statement in about:
        if statement.get("Effect") == "Deny" and "*" in listed(statement.get("Resource")):
            if not statement.get("Condition"):
                return False
            if approving and any("Approved" in values for values in tested(statement, STATUS)):
                return False
    return any(
        statement.get("Effect") == "Allow" and not (approving and kept_from_approving(statement))
        for statement in about
    )


def kept_from_approving(statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement holds for other statuses than Approved only."""
    condition = statement.get("Condition")
    for operator, tests in condition.items() if isinstance(condition, Mapping) else ():
        for name, values in tests.items() if isinstance(tests, Mapping) else ():
            if name.lower() == STATUS.lower() and re.fullmatch(r"StringEquals(IfExists)?", operator):
                return not any(fnmatch.fnmatchcase("Approved", str(value)) for value in listed(values))
    return False


def policies_of(role: Resource, planned: Planned) -> Iterator[Block]:
    """Yield the policies of a role that the plans have: its own, and those that are attached to it.

    Raises `Undecided` where it cannot be told of one whose it is.
    """
    name = role.values.get("name")
    for policy in planned.having("aws_iam_role_policy", "role", name):
        if of_role(policy, role):
            yield policy.block
    for attachment in planned.having("aws_iam_role_policy_attachment", "role", name):
        if of_role(attachment, role):
            found = planned.find(attachment, "policy_arn", "aws_iam_policy", "arn")
            if found:
                yield found.block


def of_role(other: Resource, role: Resource) -> bool:
    """Tell whether a policy or an attachment is of a role: by reference, or by its name."""
    references = other.block.references("role")
    if references and all(one.startswith(f"{role.type}.") for one in references):
        beside = (other.stack, other.module) == (role.stack, role.module)
        return beside and relative(role) in references
    name = other.block["role"]
    if role.block.computed("name") and not name.startswith(role.block.get("name_prefix") or ""):
        return False
    return bool(name == role.block["name"])


def accounts(statement: Mapping[str, Any]) -> Iterator[str]:
    """Yield the accounts that a statement lets in: as principals, or as where others must be from."""
    if statement.get("Effect") != "Allow":
        return
    texts = [*principals(statement.get("Principal"))]
    condition = statement.get("Condition")
    for tests in condition.values() if isinstance(condition, Mapping) else ():
        for key, values in tests.items() if isinstance(tests, Mapping) else ():
            if FROM_ACCOUNT.fullmatch(key):
                texts += map(str, listed(values))
    for text in texts:
        if found := ACCOUNT.fullmatch(text):
            yield found[1]


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
