"""What a bucket policy denies, by IAM's rules for statements and conditions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import fnmatch
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sagewright.local.refusal import Refused
from sagewright.local.statements import is_principal, texts
from sagewright.local.wire import Environ, read_call

_VERSIONS = ("2012-10-17", "2008-10-17")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One S3 request, as a policy sees it."""

    action: str
    resource: str
    account_id: str
    environ: Environ
    query: Mapping[str, list[str]]
    region: str

    def context(self) -> dict[str, str]:
        """Return the condition keys of this request, in lower case.

        The connection is loopback and so as safe as TLS 1.3, which it is therefore said to be.
        """
        headers = {
            f"s3:{name[5:].replace('_', '-').lower()}": value
            for name, value in self.environ.items()
            if name.startswith("HTTP_X_AMZ_")
        }
        query = {f"s3:{name.lower()}": values[0] for name, values in self.query.items()}
        return {
            **headers,
            **query,
            "aws:securetransport": "true",
            "s3:tlsversion": "1.3",
            "aws:sourceip": "127.0.0.1",
            "aws:viaawsservice": "false",
            "aws:principalisawsservice": "false",
            "aws:principalaccount": self.account_id,
            "aws:principaltype": "Account",
            "aws:principalarn": self.principal,
            "aws:requestedregion": self.region,
            "s3:resourceaccount": self.account_id,
        }

    @property
    def principal(self) -> str:
        """The account itself, or the access key of a user or role in it."""
        if read_call(self.environ).account_id:
            return f"arn:aws:iam::{self.account_id}:root"
        return f"arn:aws:iam::{self.account_id}:user/{read_call(self.environ).access_key_id}"


def check_document(document: bytes, bucket_arn: str) -> None:
    """Raise `Refused` if this cannot be the policy of a bucket."""
    try:
        policy = json.loads(document)
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    if unknown := sorted(set(policy) - {"Version", "Id", "Statement"}):
        raise _malformed(f"Unknown field {unknown[0]}")
    if policy.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise _malformed("The policy must contain a valid version string")
    statements = policy.get("Statement")
    if not statements:
        raise _malformed("Missing required field Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict):
            raise _malformed("Invalid policy syntax.")
        _check_statement(statement, bucket_arn)


def _check_statement(statement: Mapping[str, Any], bucket_arn: str) -> None:
    if "Effect" not in statement:
        raise _malformed("Missing required field Effect")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise _malformed(f"Invalid effect: {statement['Effect']}")
    principal, actions, resources = (
        _either(statement, element) for element in ("Principal", "Action", "Resource")
    )
    if not is_principal(principal):
        raise _malformed("Invalid principal in policy")
    if not texts(actions) or not all(re.fullmatch(r"\*|s3:[A-Za-z*?]+", each) for each in texts(actions)):
        raise _malformed("Policy has invalid action")
    if not texts(resources) or not all(_is_within(each, bucket_arn) for each in texts(resources)):
        raise _malformed("Policy has invalid resource")
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict) or not all(isinstance(keys, dict) for keys in conditions.values()):
        raise _malformed("Invalid policy syntax.")


def _either(statement: Mapping[str, Any], element: str) -> Any:
    """Return the value of an element or of its negation, of which a statement has exactly one."""
    found = [statement[name] for name in (element, f"Not{element}") if name in statement]
    if len(found) != 1:
        raise _malformed(f"Missing required field {element}" if not found else "Invalid policy syntax.")
    return found[0]


def _is_within(resource: str, bucket_arn: str) -> bool:
    return resource == bucket_arn or resource.startswith((f"{bucket_arn}/", f"{bucket_arn}*"))


def _malformed(message: str) -> Refused:
    return Refused("MalformedPolicy", message)


def check(policy: str, request: Request) -> None:
    """Raise `Refused` if a statement denies the request, `NotImplementedError` if that cannot be told."""
    if denies(policy, request):
        raise Refused(
            "AccessDenied",
            f"User: {request.principal} is not authorized to perform: {request.action} on resource: "
            f'"{request.resource}" with an explicit deny in a resource-based policy',
            "403 Forbidden",
        )


def denies(policy: str, request: Request) -> bool:
    """Return whether a statement denies the request."""
    statements = json.loads(policy)["Statement"]
    return any(
        statement["Effect"] == "Deny" and _applies(statement, request)
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    return (
        _matches(statement, "Action", request.action)
        and _matches(statement, "Resource", request.resource)
        and _names(statement, request)
        and all(
            _holds(operator, key, _listed(values), request.context())
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def _like(value: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(value, re.sub(r"\[", "[[]", pattern))


def _matches(statement: Mapping[str, Any], element: str, value: str) -> bool:
    fold = str.lower if element == "Action" else str
    if f"Not{element}" in statement:
        return not any(_like(fold(value), fold(each)) for each in _listed(statement[f"Not{element}"]))
    return any(_like(fold(value), fold(each)) for each in _listed(statement[element]))


def _names(statement: Mapping[str, Any], request: Request) -> bool:
    """Return whether a statement is about the caller."""
    if "NotPrincipal" in statement:
        raise NotImplementedError("a bucket policy with NotPrincipal")
    principal = statement["Principal"]
    named = ["*"] if principal == "*" else _listed(principal.get("AWS", []))
    root = f"arn:aws:iam::{request.account_id}:root"
    return bool({"*", request.account_id, root, request.principal} & set(named))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "IpAddress": _in_network,
    "NumericEquals": _number(lambda value, wanted: value == wanted),
    "NumericLessThan": _number(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _number(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _number(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _number(lambda value, wanted: value >= wanted),
}


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    """Return whether one condition holds. A key that is absent fails it, unless the operator negates."""
    value = context.get(key.lower())
    if operator == "Null":
        return (value is None) == (wanted[0].lower() == "true")
    name = operator.removesuffix("IfExists")
    positive = name.replace("Not", "", 1).replace("NotIpAddress", "IpAddress")
    if positive not in _OPERATORS:
        raise NotImplementedError(f"a bucket policy with the condition operator {operator}")
    negated = positive != name
    if value is None:
        return negated or operator.endswith("IfExists")
    return any(_OPERATORS[positive](value, each) for each in wanted) != negated
