"""Environments of containers: whoever may describe a model, a job or a function reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from policies.plan.jobs import DEFINITION, calls
from policies.plan.model import (
    INTERPOLATION,
    Block,
    Finding,
    Planned,
    Resource,
    Template,
    judged,
    nested,
    rule,
)
from policies.plan.secrets import secret_parts

WAYS = {
    "aws_lambda_function": (("environment", "variables"),),
    "aws_sagemaker_model": (("primary_container", "environment"), ("container", "environment")),
    DEFINITION: (("data_quality_app_specification", "environment"),),
}
"""Ways to the maps that containers get as their environment, by type of resource; calls have their own."""
KEYS = ("Environment", "HyperParameters", "StaticHyperParameters")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
SECRET = re.compile(
    r"(.* )?(password|passwd|passphrase|pwd|secret|token|credentials?|dsn|connection string"
    r"|(private|api|access|auth|signing|encryption) ?key)"
)
"""Names of variables, in lower-case words, that end in what is secret: `DB_PASSWORD`; not `TOKEN_LIMIT`."""
HARMLESS = re.compile(r"(?i)|[\d.]+|true|false|none|null|arn:[^:]+:.*")
"""Values that are no secret, whatever their name is: the ARN of a secret is not one."""


@rule("SW_ENVIRONMENT_SECRETS")
def environments_hold_no_secrets(resource: Resource, planned: Planned) -> Finding:
    """Deny variables that are named as secrets are, or whose value looks like a key or a token."""
    return judged(variables(resource), lambda variable: secret(*variable))


def variables(resource: Resource) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """Yield the place and the name of every variable, and what tells its value but for names and ARNs in it.

    What only the start of a job fills in is in no plan: that value is the text that says how.
    """
    for way in WAYS.get(resource.type, ()):
        for block in nested(resource.block, *way[:-1]):
            inside: Block = block.get(way[-1]) or Block({})
            for name in inside:
                yield ".".join(way), name, partial(inside.literal, name, "aws_*")
    for call in calls(resource) if resource.type not in WAYS else ():
        for place, values in asked(call.name, call.request):
            inside = Block({name: template(call.default(value)) for name, value in values.items()})
            for name in inside:
                yield f"{call.argument}: {place}", name, partial(inside.literal, name, "aws_*")


def asked(place: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the environments anywhere in a call, each with its place."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in KEYS and isinstance(item, Mapping):
                yield f"{place}.{key}", item
            else:
                yield from asked(f"{place}.{key}", item)
    elif isinstance(value, list):
        for item in value:
            yield from asked(place, item)


def template(value: Any) -> str:
    """Return a value of a call as a text, of which references are no part."""
    text = value if isinstance(value, str) else json.dumps(value)
    return Template(text) if INTERPOLATION.search(text) else text


def secret(place: str, name: str, literal: Callable[[], str]) -> str:
    """Return whether a variable is a secret; raises `Undecided` where its value is not known."""
    value = literal()
    words = " ".join(WORDS.findall(name)).lower()
    if SECRET.fullmatch(words) and not HARMLESS.fullmatch(value):
        return f"{place}.{name} is named as secrets are"
    return f"{place}.{name} looks like a secret" if any(secret_parts(value)) else ""
