"""The real provider accepts every value of every stack, and none can be planned past the gate."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright import environment
from sagewright.project import find
from sagewright.providers import Providers
from sagewright.terraform import PROVIDER
from stacks.environment import names
from tests.conftest import ROOT, Synthesized
from tests.stacks.conftest import Stacks

pytestmark = pytest.mark.plan

PROJECT = find(ROOT)
PARTS = ("foundation", "studio", "features", "training", "serving")
ENVIRONMENTS = names(ROOT / "environments")


def terraform(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROJECT.terraform), *arguments],
        cwd=folder,
        env={**PROJECT.variables(), **variables},
        capture_output=True,
        text=True,
    )


def provider(document: Any) -> Any:
    """Return a stack's configuration of the provider but for the stack's name."""
    (configuration,) = document["provider"]["aws"]
    (default_tags,) = configuration["default_tags"]
    return configuration | {"default_tags": default_tags["tags"] | {"Stack": ""}}


@pytest.fixture(scope="session")
def diagnostics(
    tmp_path_factory: pytest.TempPathFactory,
    committed: Callable[[str], Stacks],
    bootstrapped: Callable[[str], Synthesized],
) -> list[dict[str, Any]]:
    """Return what Terraform finds in all stacks, as modules of prod's bootstrap, for a module cannot import.

    Terraform starts the provider for each of its configurations; what is equal is configured once.
    """
    folder = tmp_path_factory.mktemp("all")
    shutil.copy(PROJECT.provider_lock, folder / ".terraform.lock.hcl")
    stacks = {f"{name}-{part}": stack for name in ENVIRONMENTS for part, stack in committed(name).items()}
    accepted = [provider(bootstrapped("prod").document)]
    for stack, synthesized in stacks.items():
        document = dict(synthesized.document)
        if provider(document) in accepted:
            del document["provider"]
        accepted.append(provider(synthesized.document))
        (folder / stack).mkdir()
        (folder / stack / "cdk.tf.json").write_text(json.dumps(document), encoding="utf-8")
    root = bootstrapped("prod")
    (folder / "cdk.tf.json").write_text(json.dumps(root.document), encoding="utf-8")
    modules = {"module": {stack: {"source": f"./{stack}", "plan_gate": "sagewright"} for stack in stacks}}
    (folder / "main.tf.json").write_text(json.dumps(modules), encoding="utf-8")
    types = {type_ for one in (root, *stacks.values()) for type_ in one.document["resource"]}
    providers = Providers()
    (program,) = PROJECT.work.glob(f"providers/*/hashicorp/aws/*/*/{PROVIDER}")
    with providers.lend(program, PROJECT.root, PROJECT.variables(), types) as told:
        done = terraform(folder, "init", "-backend=false", "-no-color", "-input=false", **told)
        assert done.returncode == 0, done.stderr
        said = terraform(folder, "validate", "-json", **told).stdout
    providers.close()
    found: list[dict[str, Any]] = json.loads(said)["diagnostics"]
    return found


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("part", PARTS)
def test_the_provider_accepts_every_value(name: str, part: str, diagnostics: list[dict[str, Any]]) -> None:
    assert [
        one
        for one in diagnostics
        if one["range"]["filename"] == f"{name}-{part}/cdk.tf.json"
        and one["summary"] != "Backend configuration ignored"
    ] == []


def test_the_provider_accepts_every_value_of_the_bootstrap(diagnostics: list[dict[str, Any]]) -> None:
    assert [one for one in diagnostics if one["range"]["filename"] == "cdk.tf.json"] == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_allows_the_accounts_and_the_instance_types_that_it_uses(
    name: str, committed: Callable[[str], Stacks]
) -> None:
    limits = environment.read(name, ROOT / "environments").limits
    texts = {part: json.dumps(stack.document["resource"]) for part, stack in committed(name).items()}
    images = {account for text in texts.values() for account in re.findall(r"(\d{12})\.dkr\.ecr", text)}
    trusted = {account for text in texts.values() for account in re.findall(r"iam::(\d{12}):root", text)}
    configurations = committed(name)["serving"].document["resource"]["aws_sagemaker_endpoint_configuration"]
    types = re.findall(r'"instance_type": "([^"]*)"', json.dumps(configurations))
    assert images <= {limits.account_id, *limits.image_account_ids}
    assert trusted <= {limits.account_id, *limits.trusted_account_ids}
    assert types and set(types) <= set(limits.endpoint_instance_types)


def test_what_the_provider_refuses_would_be_found(diagnostics: list[dict[str, Any]]) -> None:
    """Each stack was really looked at: all of them have a backend, which a module cannot."""
    assert {one["range"]["filename"] for one in diagnostics} == {
        f"{name}-{part}/cdk.tf.json" for name in ENVIRONMENTS for part in PARTS
    }


def test_no_stack_can_be_planned_by_a_terraform_that_does_not_go_through_the_gate(
    committed: Callable[[str], Stacks], tmp_path: Path
) -> None:
    document = committed("local")["training"].document
    alone = json.dumps({"variable": document["variable"]})  # the lock needs neither provider nor state
    (tmp_path / "cdk.tf.json").write_text(alone, encoding="utf-8")
    refused = terraform(tmp_path, "plan", "-no-color", "-input=false")
    assert refused.returncode == 1
    assert "This stack changes only through the gate: sagewright deploy -e local" in refused.stderr
    opened = terraform(tmp_path, "plan", "-no-color", "-input=false", TF_VAR_plan_gate="sagewright")
    assert opened.returncode == 0, opened.stderr
