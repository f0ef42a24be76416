"""AWS WAF in front of a stage: limits by address, sizes and expressions. Managed rules match nothing here.

https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statements.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.wafv2.models import wafv2_backends

from sagewright.local.gateway.limits import Limits

INSPECTED_BYTES = 16 * 2**10
"""Of a body; https://docs.aws.amazon.com/waf/latest/developerguide/waf-oversize-request-components.html"""

_COMPARED = {
    "EQ": lambda size, wanted: size == wanted,
    "NE": lambda size, wanted: size != wanted,
    "LE": lambda size, wanted: size <= wanted,
    "LT": lambda size, wanted: size < wanted,
    "GE": lambda size, wanted: size >= wanted,
    "GT": lambda size, wanted: size > wanted,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspected:
    """What a firewall looks at."""

    address: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocked:
    """What a firewall answers; without a status of its own, API Gateway answers."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    content_type: str = "text/plain"


def check(account_id: str, region: str, stage_arn: str, request: Inspected, limits: Limits) -> Blocked | None:
    """Return how a request is blocked; `None` lets it through. Raises `NotImplementedError`."""
    acl = wafv2_backends[account_id][region].get_web_acl_for_resource(stage_arn)
    if acl is None:
        return None
    for rule in sorted(acl.rules or [], key=lambda one: one.priority):
        if "ManagedRuleGroupStatement" in rule.statement:
            continue
        if _matches(rule.statement, request, limits, f"{acl.arn}/{rule.name}"):
            action = rule.action or {}
            if "Block" in action:
                return _blocked(action["Block"] or {}, acl)
            if "Allow" in action:
                return None
            if "Count" not in action:
                raise NotImplementedError(f"action {next(iter(action), 'of a rule group')} of a firewall")
    return _blocked(acl.default_action["Block"] or {}, acl) if "Block" in acl.default_action else None


def _blocked(block: Mapping[str, Any], acl: Any) -> Blocked:
    custom = block.get("CustomResponse")
    if not custom:
        return Blocked()
    bodies = getattr(acl, "custom_response_bodies", None) or {}
    body = bodies.get(custom.get("CustomResponseBodyKey"), {})
    types = {"APPLICATION_JSON": "application/json", "TEXT_HTML": "text/html"}
    return Blocked(
        status=int(custom["ResponseCode"]),
        headers=tuple((one["Name"], one["Value"]) for one in custom.get("ResponseHeaders") or ()),
        body=body.get("Content", ""),
        content_type=types.get(body.get("ContentType", ""), "text/plain"),
    )


def _matches(statement: Mapping[str, Any], request: Inspected, limits: Limits, name: str) -> bool:
    ((kind, members),) = statement.items()
    if kind == "AndStatement":
        return all(_matches(one, request, limits, name) for one in members["Statements"])
    if kind == "OrStatement":
        return any(_matches(one, request, limits, name) for one in members["Statements"])
    if kind == "NotStatement":
        return not _matches(members["Statement"], request, limits, name)
    if kind == "RateBasedStatement":
        return _is_too_often(members, request, limits, name)
    if kind == "SizeConstraintStatement":
        content, oversize = _field(members["FieldToMatch"], request)
        if oversize and oversize != "CONTINUE":
            return oversize == "MATCH"
        return bool(_COMPARED[members["ComparisonOperator"]](len(content), int(members["Size"])))
    if kind == "RegexMatchStatement":
        if any(one["Type"] != "NONE" for one in members["TextTransformations"]):
            raise NotImplementedError("text transformations of a firewall")
        content, _ = _field(members["FieldToMatch"], request)
        return re.search(members["RegexString"], content.decode(errors="replace")) is not None
    raise NotImplementedError(f"{kind} of a firewall")


def _is_too_often(members: Mapping[str, Any], request: Inspected, limits: Limits, name: str) -> bool:
    """Count by address. AWS looks every few seconds, so that it lets more through."""
    if members["AggregateKeyType"] != "IP":
        raise NotImplementedError(f"AggregateKeyType {members['AggregateKeyType']} of a firewall")
    scope = members.get("ScopeDownStatement")
    if scope and not _matches(scope, request, limits, name):
        return False
    seconds = int(members.get("EvaluationWindowSec") or 300)
    return limits.count((name, request.address), seconds) > int(members["Limit"])


def _field(field: Mapping[str, Any], request: Inspected) -> tuple[bytes, str]:
    """Return what is looked at, and what is to be thought of it where it is too large to look at."""
    ((kind, members),) = field.items()
    if kind == "SingleHeader":
        return request.headers.get(members["Name"].lower(), "").encode(), ""
    if kind == "Body":
        oversize = members.get("OversizeHandling") or "CONTINUE"
        whole = len(request.body) <= INSPECTED_BYTES
        return request.body[:INSPECTED_BYTES], "" if whole else oversize
    texts = {"UriPath": request.path, "QueryString": request.query, "Method": request.method}
    if kind not in texts:
        raise NotImplementedError(f"FieldToMatch {kind} of a firewall")
    return texts[kind].encode(), ""
