"""SW_PACKAGE_GROUP_POLICY: who may use a model package group is said by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck


class PackageGroupPolicy(BaseResourceCheck):
    """Wants no `*` in the principals, actions and resources of what a policy allows."""

    def __init__(self) -> None:
        super().__init__(
            name="A model package group's policy names principals, actions and resources",
            id="SW_PACKAGE_GROUP_POLICY",
            categories=[CheckCategories.IAM],
            supported_resources=["aws_sagemaker_model_package_group_policy"],
        )

    def scan_resource_conf(self, conf: dict[str, list[Any]]) -> CheckResult:
        """Judge every statement that allows; a policy that cannot be read is not judged."""
        self.evaluated_keys = ["resource_policy"]
        try:
            document = json.loads((conf.get("resource_policy") or [""])[0])
        except (TypeError, ValueError):
            return CheckResult.UNKNOWN
        if not isinstance(document, dict):
            return CheckResult.UNKNOWN
        self.details = [
            problem for statement in listed(document.get("Statement")) for problem in problems(statement)
        ]
        return CheckResult.FAILED if self.details else CheckResult.PASSED


def problems(statement: dict[str, Any]) -> Iterator[str]:
    """Yield what is too wide in one statement."""
    if statement.get("Effect") != "Allow":
        return
    name = statement.get("Sid") or "a statement"
    for inverted in ("NotPrincipal", "NotAction", "NotResource"):
        if inverted in statement:
            yield f"{name} allows by {inverted}, which means all others"
    principal = statement.get("Principal")
    kinds = principal.values() if isinstance(principal, dict) else [principal]
    principals = [value for kind in kinds for value in listed(kind)]
    for what, values, wide in (
        ("Principal", principals, lambda value: "*" in value),
        ("Action", listed(statement.get("Action")), lambda value: "*" in value),
        ("Resource", listed(statement.get("Resource")), lambda value: value == "*"),
    ):
        for value in values:
            if wide(str(value)):
                yield f"{name} allows {what} {value}"


def listed(value: Any) -> list[Any]:
    """Return a value as a list, as policies may leave out the brackets."""
    return [] if value is None else value if isinstance(value, list) else [value]


check = PackageGroupPolicy()
