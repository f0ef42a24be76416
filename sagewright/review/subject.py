"""One resource of a plan as a review looks at it: before and after, masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policies.plan.model import Template, Unknown, resource_of
from sagewright.review.model import Action
from sagewright.synth import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A managed resource and what happens to it; secrets in its values are masked where they stand."""

    environment: str
    stack: str
    address: str
    type: str
    action: Action
    place: Place
    before: Mapping[str, Any]
    """Empty where there was none."""
    after: Mapping[str, Any]
    """Empty where none is left; may hold `Template` and `Unknown`."""

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments of both sides."""
        return tuple({**self.before, **self.after})

    @property
    def changes(self) -> bool:
        """Whether anything happens to it."""
        return self.action != "none"


NAMES = (
    "name",
    "bucket",
    "function_name",
    "domain_name",
    "model_package_group_name",
    "id",
    "arn",
    "key_id",
    "url",
)
"""Attributes by which a resource is known; the first that is there is what people call it."""
NAMED = frozenset(
    {
        "aws_api_gateway_rest_api",
        "aws_cloudwatch_event_bus",
        "aws_ecr_repository",
        "aws_iam_group",
        "aws_iam_role",
        "aws_iam_user",
        "aws_kms_key",
        "aws_lambda_function",
        "aws_s3_bucket",
        "aws_sagemaker_model_package_group",
        "aws_secretsmanager_secret",
        "aws_security_group",
        "aws_sns_topic",
        "aws_sqs_queue",
    }
)
"""Types that policies and rules are of: their names are their own, and not another's."""


class Names:
    """What the resources of all plans are called, and which of them the plans make or destroy."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._called: dict[tuple[str, str], str] = {}
        self._made: set[str] = set()
        self._old: set[str] = set()
        self._ended: set[str] = set()
        for subject in subjects:
            values = subject.after or subject.before
            names = [values[name] for name in NAMES if type(values.get(name)) is str]
            if names:
                self._called[subject.stack, subject.address] = names[0]
            known = {"add": self._made, "destroy": self._ended}.get(subject.action, self._old)
            known.update([f"{subject.stack} {subject.address}", *(names if subject.type in NAMED else ())])

    def of(self, stack: str, value: Any) -> Any:
        """Return what a reference means by its name, where it is nothing but a reference; else the value."""
        if isinstance(value, (Template, Unknown)) and len(value.references) == 1:
            address = resource_of(value.references[0])
            if isinstance(value, Unknown) or value == f"${{{value.references[0]}}}":
                return self._called.get((stack, address), address)
        return value

    def makes(self, stack: str, value: Any) -> bool:
        """Tell whether the plans make what a value names."""
        if isinstance(value, (Template, Unknown)):
            return any(f"{stack} {resource_of(one)}" in self._made for one in value.references)
        return value in self._made - self._old

    def ends(self, value: Any) -> bool:
        """Tell whether the plans destroy what a value names."""
        return type(value) is str and value in self._ended - self._old - self._made
