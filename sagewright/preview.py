"""Plans of stacks whose inputs are not there yet, so that a whole environment is seen before it changes.

A stack reads what it needs from the states of others (`terraform_remote_state`). While those have
changes of their own in waiting, it can only be planned against what they *will* put out: the outputs
of their plans, with placeholders for what AWS has yet to name. Such a preview is gated and reviewed;
it is never applied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sagewright.environment import Environment
from sagewright.synth import Stack
from sagewright.terraform import Terraform, private


def changes_outputs(plan: Mapping[str, Any]) -> bool:
    """Tell whether applying a plan changes what other stacks read."""
    changes = plan.get("output_changes", {}).values()
    return any(change["actions"] != ["no-op"] for change in changes)


def state(plan: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """Return a Terraform state that holds just a plan's outputs, as they will be."""
    expressions = plan["configuration"]["root_module"].get("outputs", {})
    planned = plan["planned_values"].get("outputs", {})
    outputs: dict[str, Any] = {}
    for name, output in planned.items():
        change = plan["output_changes"].get(name, {})
        unknown = change.get("after_unknown", False)
        value = filled(output.get("value"), unknown, source(expressions, name), environment)
        outputs[name] = {"value": value, "type": output.get("type", "string")}
        if output.get("sensitive"):
            outputs[name]["sensitive"] = True
    return {
        "version": 4,
        "terraform_version": plan["terraform_version"],
        "serial": 1,
        "lineage": "preview",
        "outputs": outputs,
        "resources": [],
    }


def placeholders(plan: Mapping[str, Any], environment: Environment) -> frozenset[str]:
    """Return what `state` puts where a plan does not know its outputs."""
    expressions = plan["configuration"]["root_module"].get("outputs", {})
    return frozenset(
        placeholder(source(expressions, name), environment)
        for name, change in plan.get("output_changes", {}).items()
        if change.get("after_unknown")
    )


def source(expressions: Mapping[str, Any], output: str) -> str:
    """Return what an output refers to, by the expressions of a plan's outputs; else its own name."""
    references: list[str] = expressions.get(output, {}).get("expression", {}).get("references", [output])
    return references[0]


def filled(value: Any, unknown: Any, reference: str, environment: Environment) -> Any:
    """Return a value with placeholders where `unknown`, Terraform's own shape of marks, says so."""
    if unknown is True:
        return placeholder(reference, environment)
    if isinstance(unknown, dict):
        known = value or {}
        return {
            key: filled(known.get(key), unknown.get(key, False), reference, environment)
            for key in sorted({*known, *unknown})
        }
    if isinstance(unknown, list):
        known = value or []
        return [
            filled(known[index] if index < len(known) else None, mark, reference, environment)
            for index, mark in enumerate(unknown)
        ]
    return value


def placeholder(reference: str, environment: Environment) -> str:
    """Return a text of the shape that the provider accepts where the real one is not known yet.

    `aws_kms_key.data.arn` gives an ARN; an id or a name gives a word that tells where it comes from.
    """
    words = "-".join(part for part in reference.replace("_", "-").split(".") if part)
    if reference.endswith("arn"):
        return f"arn:aws:preview:{environment.region}:{environment.account_id}:{words}"
    return f"preview-{words}"


def prepare(stack: Stack, states: Mapping[str, Mapping[str, Any]], terraform: Terraform) -> Terraform:
    """Make a folder in which a stack is planned against the given states, by stack name.

    It lies beside the stack's own folder, at the same depth, so that relative paths hold.
    """
    folder = stack.folder.parent.parent / "previews" / stack.name
    folder.mkdir(parents=True, exist_ok=True)
    document = json.loads(stack.synthesized.read_text(encoding="utf-8"))
    for source in document.get("data", {}).get("terraform_remote_state", {}).values():
        upstream = Path(source["config"].get("path") or source["config"]["key"]).stem
        if upstream in states:
            path = private(folder / f"{upstream}.outputs.tfstate")
            path.write_text(json.dumps(states[upstream]), encoding="utf-8")
            path.chmod(0o600)
            source["backend"], source["config"] = "local", {"path": str(path)}
            source.pop("workspace", None)
    (folder / "cdk.tf.json").write_text(json.dumps(document), encoding="utf-8")
    return replace(terraform, folder=folder)
