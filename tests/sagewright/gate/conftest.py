"""Plans made by hand, as small as a rule or a refusal needs them."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from policies.plan.model import Registry, nobody
from sagewright.environment import Environment
from sagewright.gate import PlanInput, Report, gate
from sagewright.gate.catalog import POLICIES

ACCOUNT = "111122223333"
TAGS = {
    "Organization": "acme",
    "Environment": "prod",
    "Stack": "prod-serving",
    "Owner": "ml-platform",
    "CostCenter": "4700",
    "ManagedBy": "sagewright",
}
Json = dict[str, Any]


def environment(**facts: Any) -> Environment:
    """Return the environment `prod`, or one that differs in some facts."""
    prod = Environment(
        name="prod",
        organization="acme",
        account_id=ACCOUNT,
        region="eu-central-1",
        production=True,
        protected=True,
        embedded=False,
        state_bucket="acme-prod-state",
        path=Path("environments/prod.yaml"),
    )
    return dataclasses.replace(prod, **facts)


@dataclasses.dataclass(kw_only=True)
class Planned:
    """A resource of a plan made by hand."""

    address: str
    values: Json
    unknown: Json = dataclasses.field(default_factory=dict)
    expressions: Json = dataclasses.field(default_factory=dict)
    actions: Sequence[str] = ("create",)
    before: Json | None = None
    sensitive: Json = dataclasses.field(default_factory=dict)
    deposed: str = ""
    replace_paths: Sequence[Sequence[str]] = ()

    @property
    def identity(self) -> Json:
        """What state, values, changes and configuration all say of it."""
        type_, name = self.address.split(".")
        return {"address": self.address, "mode": "managed", "type": type_, "name": name}

    @property
    def gone(self) -> bool:
        return list(self.actions) in (["delete"], ["forget"]) or bool(self.deposed)

    @property
    def prior(self) -> bool:
        return list(self.actions) != ["create"] and not self.deposed

    @property
    def change(self) -> Json:
        change: Json = {
            "actions": list(self.actions),
            "before": self.before if self.before is not None else (self.values if self.prior else None),
            "after": None if self.gone else self.values,
            "after_unknown": self.unknown,
            "before_sensitive": self.sensitive,
            "after_sensitive": self.sensitive,
        }
        if self.replace_paths:
            change["replace_paths"] = [list(path) for path in self.replace_paths]
        entry = {**self.identity, "change": change}
        return {**entry, "deposed": self.deposed} if self.deposed else entry


def planned(address: str, values: Json | None = None, **more: Any) -> Planned:
    """Return a resource, tagged as the required tags want it unless its values say otherwise."""
    return Planned(address=address, values={"tags_all": dict(TAGS), **(values or {})}, **more)


def plan(*resources: Planned, tags: Mapping[str, str] = TAGS, **top: Any) -> Json:
    """Return plan JSON as Terraform writes it for a configuration in JSON."""
    configured = {resource.address: resource for resource in resources if not resource.gone}
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {
            "root_module": {
                "resources": [
                    {**resource.identity, "values": resource.values}
                    for resource in resources
                    if not resource.gone
                ]
            }
        },
        "resource_changes": [resource.change for resource in resources],
        "prior_state": {
            "values": {
                "root_module": {
                    "resources": [
                        {**resource.identity, "values": resource.before or resource.values}
                        for resource in resources
                        if resource.prior
                    ]
                }
            }
        },
        "configuration": {
            "provider_config": {
                "aws": {
                    "name": "aws",
                    "expressions": {
                        "allowed_account_ids": {"constant_value": [ACCOUNT]},
                        "default_tags": [{"tags": {"constant_value": dict(tags)}}],
                    },
                }
            },
            "root_module": {
                "resources": [
                    {**resource.identity, "expressions": resource.expressions}
                    for resource in configured.values()
                ],
                "variables": {},
            },
        },
        "applyable": True,
        "complete": True,
        "errored": False,
        **top,
    }


class Judge(Protocol):
    """Puts plan JSON through the gate."""

    def __call__(
        self,
        *plans: Json,
        policies: Path | None = None,
        stack: str | None = None,
        registry: Registry = nobody,
        **facts: Any,
    ) -> Report: ...


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Write each plan to a file and gate them together, for `prod` or an environment that differs."""

    def run(
        *plans: Json,
        policies: Path | None = None,
        stack: str | None = None,
        today: Any = None,
        registry: Registry = nobody,
        **facts: Any,
    ) -> Report:
        inputs = []
        for number, document in enumerate(plans):
            path = tmp_path / f"plan-{number}.json"
            path.write_text(json.dumps(document), encoding="utf-8")
            inputs.append(PlanInput(path=path, stack=stack))
        return gate(inputs, environment(**facts), policies=policies, today=today, registry=registry)

    return run


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Return a copy of the policies that a test may damage, laid out so that they find their data."""
    root = tmp_path / "checkout"
    shutil.copytree(POLICIES, root / "policies", ignore=shutil.ignore_patterns("examples", "__pycache__"))
    data = Path("modules", "_core", "instance_types.json")
    (root / data).parent.mkdir(parents=True)
    shutil.copy(POLICIES.parent / data, root / data)
    return root / "policies"


Edit = Callable[[str], str]


def edit(path: Path, change: Edit) -> None:
    """Rewrite a file."""
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def states(report: Report, rule: str) -> dict[str, str]:
    """Return what a rule says of each address."""
    return {result.address: result.state for result in report.results if result.rule == rule}


def errors(report: Report) -> str:
    """Return all errors of a report as one text, with what to do about them."""
    broken = [result for result in report.results if result.state == "error"]
    return "\n".join(f"{result.message}; {result.remedy}" for result in broken)
