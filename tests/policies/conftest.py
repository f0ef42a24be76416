"""The catalogue, and the plans that its rules are shown by."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from policies.plan.model import Limits, nobody
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
    limits=Limits(
        account_id="111122223333",
        trusted_account_ids=("777788889999",),
        image_account_ids=("222233334444", "048819808253", "017069133835"),
        endpoint_instance_types=("ml.m5.large", "ml.g5.xlarge"),
        accelerated_instance_types=("ml.g5.xlarge",),
    ),
)


def example(rule: str, which: str) -> Path:
    """Return the plan that passes a rule, or the one that fails it."""
    return EXAMPLES / rule / f"{which}.json"


@functools.cache
def judged(rule: str, which: str) -> Report:
    """Return what the gate says of an example in production."""
    file = EXAMPLES / rule / "registry.json"
    registry = json.loads(file.read_text()).__getitem__ if file.exists() else nobody
    return gate([PlanInput(path=example(rule, which))], PROD, registry=registry)


Found = dict[tuple[str, str, str], str]
"""Pass or fail by plan, rule and address."""


def stock_checkov(folder: Path, *arguments: str) -> Found:
    """Return what stock checkov says of the plans in a folder, without a look at the network."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("checkov")),
            *("--directory", str(folder), "--framework", "terraform_plan"),
            *("--skip-download", "--compact", "--output", "json"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"},
    )
    results: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)["results"]
    assert not results["parsing_errors"]
    return {
        (check["file_path"].strip("/").removesuffix(".json"), check["check_id"], check["resource"]): said
        for said, key in (("pass", "passed_checks"), ("fail", "failed_checks"))
        for check in results[key]
    }
