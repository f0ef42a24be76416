"""Make a plan of about a thousand resources of the plans by which the policies' rules are shown.

Those were made by Terraform and the provider, hold resources of every type that a rule is for, and pass and
fail. All of them are put into one plan, several times, each time under other names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parent.parent / "policies" / "examples"


def examples() -> list[Path]:
    """Return the plans of the rules, in order."""
    return sorted(path for which in ("fail", "pass") for path in EXAMPLES.glob(f"*/{which}.json"))


def plan(resources: int) -> dict[str, Any]:
    """Return a plan of at least so many resources."""
    texts = [path.read_text(encoding="utf-8") for path in examples()]
    merged: dict[str, Any] = {**json.loads(texts[0]), "resource_changes": []}
    made: dict[str, list[Any]] = {"planned": [], "prior": [], "configured": []}
    copy = 0
    while len(made["planned"]) < resources:
        for number, text in enumerate(texts):
            document = renamed(text, f"_{copy}_{number}")
            merged["resource_changes"] += document["resource_changes"]
            made["planned"] += document["planned_values"]["root_module"].get("resources", [])
            made["prior"] += prior(document).get("resources", [])
            made["configured"] += document["configuration"]["root_module"].get("resources", [])
        copy += 1
    merged["planned_values"] = {"root_module": {"resources": made["planned"]}}
    merged["prior_state"] = {"format_version": "1.0", "values": {"root_module": {"resources": made["prior"]}}}
    merged["configuration"]["root_module"] = {"resources": made["configured"]}
    return merged


def renamed(text: str, suffix: str) -> dict[str, Any]:
    """Return a plan in which every resource's name ends otherwise, also where others refer to it."""
    document: dict[str, Any] = json.loads(text)
    names = {(each["type"], each["name"]) for each in entries(document)}
    for type_, name in sorted(names):
        text = re.sub(rf"\b{type_}\.{name}\b(?!-)", f"{type_}.{name}{suffix}", text)
    document = json.loads(text)
    for each in entries(document):
        each["name"] += suffix
    return document


def entries(document: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Return all that a plan says of resources and data sources."""
    return [
        *document["resource_changes"],
        *document["planned_values"].get("root_module", {}).get("resources", []),
        *prior(document).get("resources", []),
        *document["configuration"]["root_module"].get("resources", []),
    ]


def prior(document: dict[str, Any]) -> dict[str, Any]:
    """Return the root module of the state before the plan."""
    module: dict[str, Any] = document["prior_state"].get("values", {}).get("root_module", {})
    return module
