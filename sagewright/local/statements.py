"""What any resource-based policy must be made of.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import re
from typing import Any

_ACCOUNT = re.compile(
    r"\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)"
)
_FORMS = {
    "AWS": _ACCOUNT,
    "Service": re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?"),
    "Federated": re.compile(r".+"),
    "CanonicalUser": re.compile(r"[0-9a-f]{64}"),
}


def is_principal(principal: Any) -> bool:
    """Return whether this can be the principal of a statement."""
    if not isinstance(principal, dict):
        return bool(principal == "*")
    return bool(principal) and all(
        of in _FORMS and texts(value) and all(_names(of, each) for each in texts(value))
        for of, value in principal.items()
    )


def _names(of: str, value: str) -> bool:
    return value == "*" or _FORMS[of].fullmatch(value) is not None


def texts(value: Any) -> list[str]:
    """Return a text, or a list of texts, as a list; empty when it is neither."""
    values = value if isinstance(value, list) else [value]
    return values if all(isinstance(each, str) and each for each in values) else []
