"""Makes the plans of `policies/examples` from their configurations: python -m tests.policies.plan_examples.

Every example is a module of one configuration, planned by the real Terraform and provider in one run,
without credentials; each module's part of the plan is then written as a plan of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "policies" / "examples"
PROVIDER = {
    "region": "eu-central-1",
    "access_key": "example",
    "secret_key": "example",
    "skip_credentials_validation": True,
    "skip_requesting_account_id": True,
    "skip_metadata_api_check": "true",
    "default_tags": {
        "tags": {
            "Organization": "acme",
            "Environment": "prod",
            "Stack": "examples",
            "Owner": "ml-platform@example.com",
            "CostCenter": "1234",
            "ManagedBy": "sagewright",
        }
    },
}


def sources(folder: Path, only: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield the module name and the configuration of every example, or of some rules' only."""
    for path in sorted(folder.glob("*/*.tf.json")):
        if not only or path.parent.name in only:
            yield f"{path.parent.name}_{path.name.partition('.')[0]}", path


def state(examples: Mapping[str, Path], version: str) -> dict[str, Any]:
    """Return a Terraform state with what the examples' `state.json` say is there."""
    resources: list[dict[str, Any]] = []
    for module, path in examples.items():
        file = path.parent / "state.json"
        for address, attributes in json.loads(file.read_text()).items() if file.exists() else ():
            type_, name = address.split(".")
            resources.append(
                {
                    "module": f"module.{module}",
                    "mode": "managed",
                    "type": type_,
                    "name": name,
                    "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                    "instances": [{"schema_version": 0, "attributes": attributes}],
                }
            )
    return {
        "version": 4,
        "terraform_version": version,
        "serial": 1,
        "lineage": "examples",
        "outputs": {},
        "resources": resources,
    }


def plan(examples: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    """Plan all examples at once in a folder and return the plan's JSON."""

    def terraform(*arguments: str) -> str:
        done = subprocess.run(
            ["terraform", *arguments], cwd=folder, capture_output=True, text=True, env=os.environ
        )
        if done.returncode:
            raise SystemExit(f"terraform {arguments[0]} failed\n{done.stdout}{done.stderr}")
        return done.stdout

    for module, path in examples.items():
        (folder / module).mkdir()
        (folder / module / "main.tf.json").write_text(path.read_text(), encoding="utf-8")
    root = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
        "provider": {"aws": PROVIDER},
        "module": {module: {"source": f"./{module}"} for module in examples},
    }
    (folder / "main.tf.json").write_text(json.dumps(root), encoding="utf-8")
    version = json.loads(terraform("version", "-json"))["terraform_version"]
    (folder / "terraform.tfstate").write_text(json.dumps(state(examples, version)), encoding="utf-8")
    terraform("init", "-input=false", "-no-color")
    terraform("plan", "-input=false", "-no-color", "-refresh=false", "-out=plan")
    document: dict[str, Any] = json.loads(terraform("show", "-json", "plan"))
    return document


def part(document: Mapping[str, Any], module: str) -> dict[str, Any]:
    """Return one module's part of a plan, as the plan of a configuration that is that module alone."""
    configuration = document["configuration"]
    providers = configuration["provider_config"]
    prior = document.get("prior_state", {})  # Terraform leaves it out where nothing is there yet
    provider = providers.get(f"{module}:aws") or providers["aws"]
    own = {
        "format_version": document["format_version"],
        "terraform_version": document["terraform_version"],
        "planned_values": {"root_module": module_values(document["planned_values"], module)},
        "resource_changes": [
            change
            for change in document["resource_changes"]
            if change.get("module_address") == f"module.{module}"
        ],
        "prior_state": {
            "format_version": prior.get("format_version", "1.0"),
            "terraform_version": document["terraform_version"],
            "values": {"root_module": module_values(prior.get("values", {}), module)},
        },
        "configuration": {
            "provider_config": {"aws": {key: provider[key] for key in provider if key != "module_address"}},
            "root_module": configuration["root_module"]["module_calls"][module]["module"],
        },
        "applyable": True,
        "complete": True,
        "errored": False,
    }
    text = json.dumps(own).replace(f"module.{module}.", "").replace(f'"{module}:aws"', '"aws"')
    alone: dict[str, Any] = json.loads(text)
    for change in alone["resource_changes"]:
        change.pop("module_address", None)
        change["change"].get("replace_paths", []).sort(key=json.dumps)  # a set, in any order
    return alone


def module_values(values: Mapping[str, Any], module: str) -> dict[str, Any]:
    """Return a module's resources out of planned values or a state."""
    for child in values.get("root_module", {}).get("child_modules", ()):
        if child["address"] == f"module.{module}":
            return {"resources": child["resources"]}
    return {}


def main() -> None:
    """Write the plan of every example beside its configuration, or of the rules that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rule", nargs="*", help="ids of rules; without, all")
    only = parser.parse_args().rule
    examples = dict(sources(EXAMPLES, only))
    with tempfile.TemporaryDirectory(prefix="sagewright-examples-") as folder:
        document = plan(examples, Path(folder))
    for module, path in examples.items():
        text = json.dumps(part(document, module), indent=1, sort_keys=True)
        path.with_name(re.sub(r"\.tf\.json$", ".json", path.name)).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
