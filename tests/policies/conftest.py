"""The catalogue, and the plans that its rules are shown by."""

from __future__ import annotations

import functools
from pathlib import Path

from sagewright.environment import Environment
from sagewright.gate import PlanInput, Report, gate
from sagewright.gate.catalog import POLICIES, Catalog, Rule, read_catalog

EXAMPLES = POLICIES / "examples"
CATALOG: Catalog = read_catalog(POLICIES)
RULES: list[Rule] = CATALOG.rules
PROD = Environment(
    name="prod",
    organization="acme",
    account_id="111122223333",
    region="eu-central-1",
    production=True,
    protected=True,
    embedded=False,
    state_bucket="acme-prod-state",
    path=Path("environments/prod.yaml"),
)


def example(rule: str, which: str) -> Path:
    """Return the plan that passes a rule, or the one that fails it."""
    return EXAMPLES / rule / f"{which}.json"


@functools.cache
def judged(rule: str, which: str) -> Report:
    """Return what the gate says of an example in production."""
    return gate([PlanInput(path=example(rule, which))], PROD)
