"""What must never be shown: values that are secret by mark, by name, or by look.

Terraform's plan JSON holds every value in clear, the sensitive ones too; it only marks them. Whatever the
gate shows goes through a `Redactor`, which knows every such value of the plans.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from policies.plan.secrets import secret_parts

HIDDEN = "(sensitive)"
"""What stands in for a secret."""

SECRET_NAME = re.compile(
    r"(?i)pass(word|wd|phrase)|pwd|secret|token|credential|dsn$"
    r"|(private|api|access|auth|signing|encryption)[_-]?key|connection[_-]?string"
)
IDENTITY = re.compile(r"(^|_)(name|name_prefix|id|arn|bucket|url|address|region|type|path|family)$")
"""Arguments that are no secret although their name speaks of one: `secret_arn`."""
PUBLIC = re.compile(r"(^|_)(name|name_prefix|id|arn|bucket)$")
"""Attributes of AWS's resources that stay readable even where their value is marked elsewhere."""
SHORTEST = 4
"""Shorter values are hidden where they stand, and not looked for in other texts: `1` is everywhere."""


class Redactor:
    """Hides the secrets of some plans in any text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._open: set[str] = set()
        self._known: set[tuple[str, str]] = set()
        """Texts that were looked into, by the name that they were met under: a plan repeats most of them."""
        self._pattern: re.Pattern[str] | None = None

    def learn(self, plan: Mapping[str, Any]) -> None:
        """Take in every secret of a plan: resources, before and after, outputs, variables, providers."""
        self._pattern = None
        for entry in [*(plan.get("resource_changes") or ()), *(plan.get("resource_drift") or ())]:
            self._learn_change(entry.get("change") or {}, type_=entry.get("type", ""))
        for name, change in (plan.get("output_changes") or {}).items():
            self._learn_change(change, name)
        configuration = plan.get("configuration") or {}
        declared = (configuration.get("root_module") or {}).get("variables") or {}
        for name, variable in (plan.get("variables") or {}).items():
            self._learn(variable.get("value"), (declared.get(name) or {}).get("sensitive", False), name)
        for provider in (configuration.get("provider_config") or {}).values():
            self._learn(provider.get("expressions"), False, "")
        for state in ("prior_state", "planned_values"):
            values = plan.get(state) or {}
            self._learn_values(values.get("values") or values)

    def _learn_change(self, change: Mapping[str, Any], name: str = "", type_: str = "") -> None:
        same = change.get("before") == change.get("after")
        same = same and change.get("before_sensitive") == change.get("after_sensitive")
        for side in ("after",) if same else ("before", "after"):
            self._learn(change.get(side), change.get(f"{side}_sensitive"), name)
            self._learn_public(type_, change.get(side))

    def _learn_public(self, type_: str, values: Any) -> None:
        """Take in by which names, ids and ARNs a resource of AWS is known; those of others may be secrets."""
        if type_.startswith("aws_") and isinstance(values, Mapping):
            public = (value for key, value in values.items() if PUBLIC.search(key))
            self._open.update(value for value in public if isinstance(value, str))

    def _learn_values(self, values: Mapping[str, Any]) -> None:
        for name, output in (values.get("outputs") or {}).items():
            self._learn(output.get("value"), output.get("sensitive", False), name)
        modules = [values.get("root_module") or {}]
        while modules:
            module = modules.pop()
            modules.extend(module.get("child_modules") or ())
            for resource in module.get("resources") or ():
                self._learn(resource.get("values"), resource.get("sensitive_values"), "")
                self._learn_public(resource.get("type", ""), resource.get("values"))

    def _learn(self, value: Any, mark: Any, name: str) -> None:
        """Sort every text of a value into secret or open; `mark` is Terraform's own mark on it."""
        hidden = is_secret(value, mark, name)
        if isinstance(value, dict):
            for key, item in value.items():
                self._learn(item, hidden or below(mark, key), inner_name(name, str(key), value))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._learn(item, hidden or below(mark, index), name)
        elif hidden:
            self._secrets.update(texts(value))
        elif isinstance(value, str) and (value, name) not in self._known:
            self._known.add((value, name))
            if value[:1] in ("{", "[") and (document := parsed(value)) is not None:
                self._learn(document, mark, name)
            for part in secret_parts(value):
                self._secrets.update(texts(part))

    def hide(self, text: str) -> str:
        """Return a text with every secret in it replaced.

        A value that is marked in one place and is the name, id or ARN of a resource of AWS in another (a
        published parameter, say) is no secret, and stays.
        """
        if self._pattern is None:
            secrets = sorted(self._secrets - self._open, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, secrets)) or r"(?!)")
        text = self._pattern.sub(HIDDEN, text)
        for part in secret_parts(text):
            text = text.replace(part, HIDDEN)
        return text


def is_secret(value: Any, mark: Any, name: str) -> bool:
    """Tell whether a value is secret by Terraform's own mark on it, or by its name."""
    return mark is True or (names_a_secret(name) and not isinstance(value, (int, float)))


@cache
def names_a_secret(name: str) -> bool:
    """Tell whether what has such a name is a secret, whatever it is."""
    return bool(SECRET_NAME.search(name)) and not IDENTITY.search(name)


def below(value: Any, key: str | int) -> Any:
    """Return a member or an element of a value, or of the marks on one; `True` marks all that is in it."""
    if value is True:
        return True
    if isinstance(value, dict):
        return value.get(key)
    return value[key] if isinstance(value, list) and isinstance(key, int) and key < len(value) else None


def inner_name(name: str, key: str, beside: Mapping[str, Any]) -> str:
    """Return the name by which a nested value is judged.

    Terraform's wrappers keep the outer one; a pair such as `{"name": "TOKEN", "value": "…"}` says it itself.
    """
    if key not in ("constant_value", "value", "Value"):
        return key
    paired = next((beside[one] for one in ("name", "Name", "key", "Key") if one in beside), None)
    return paired if isinstance(paired, str) else name


def masked(value: Any, mark: Any, name: str = "") -> Any:
    """Return a value in which `HIDDEN` stands wherever it is secret by mark or by name, in JSON texts too."""
    if is_secret(value, mark, name):
        return value if value in (None, "") else HIDDEN
    if isinstance(value, dict):
        return {
            key: masked(item, below(mark, key), inner_name(name, str(key), value))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item, below(mark, index), name) for index, item in enumerate(value)]
    if isinstance(value, str) and value[:1] in ("{", "[") and (document := parsed(value)) is not None:
        hidden = masked(document, mark, name)
        return value if hidden == document else type(value)(json.dumps(hidden, ensure_ascii=False))
    return value


def texts(value: Any) -> Iterator[str]:
    """Yield the forms in which a secret scalar can turn up in a text."""
    if isinstance(value, str):
        forms = {
            value,
            value.strip(),
            json.dumps(value)[1:-1],
            value.replace("${", "$${").replace("%{", "%%{"),
            *(line.strip() for line in value.splitlines()),
        }
        yield from (form for form in forms if len(form) >= SHORTEST)
        if value[:1] in "{[" and (document := parsed(value)) is not None:
            yield from leaves(document)
    elif isinstance(value, int | float) and not isinstance(value, bool) and len(str(value)) >= SHORTEST:
        yield str(value)


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts inside a secret document."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield from texts(value)


def parsed(text: str) -> Any:
    """Return a JSON document, or `None` for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def looks_secret(text: str) -> bool:
    """Tell whether a text holds something that looks like a key, a token or a password in a URL."""
    return next(secret_parts(text), None) is not None
