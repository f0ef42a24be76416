"""Saved plans of any origin as JSON: Terraform, run in a folder made from the plan itself.

A saved plan is a zip: the plan, the state, the configuration and the lock file of its providers. To show
it, Terraform needs those providers and nothing else; neither the folder nor the backend that it came from.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sagewright.errors import Usage
from sagewright.gate.plan import PlanError, Show
from sagewright.project import find

LOCK_FILE = ".terraform.lock.hcl"
PROVIDER = re.compile(r'^provider "([^"]+)" \{\s*version\s*=\s*"([^"]+)"', re.MULTILINE)
PATIENCE_SECONDS = 300


def show_saved_plan(
    path: Path, terraform: Path | None = None, variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a saved plan's JSON; raises `PlanError` when Terraform cannot read it.

    `terraform` is the program (default: the one on PATH), `variables` its process environment (default: that
    of this process), in which TF_CLI_CONFIG_FILE says where providers come from.
    """
    variables = os.environ if variables is None else variables
    program = terraform or shutil.which("terraform", path=variables.get("PATH"))
    if program is None:
        raise PlanError(
            "is a saved plan, and there is no terraform on PATH", "supply its JSON: terraform show -json PLAN"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            if "tfplan" not in archive.namelist():
                raise PlanError("is a zip, but no saved plan: there is no tfplan in it")
            lock = archive.read(LOCK_FILE).decode() if LOCK_FILE in archive.namelist() else ""
    except (zipfile.BadZipFile, KeyError, OSError, UnicodeDecodeError) as error:
        raise PlanError(f"is a saved plan that is not whole ({error})") from None
    with tempfile.TemporaryDirectory(prefix="sagewright-plan-") as name:
        folder = Path(name)
        if lock:
            (folder / LOCK_FILE).write_text(lock, encoding="utf-8")
        (folder / "providers.tf.json").write_text(json.dumps(providers(lock)), encoding="utf-8")
        run = partial(run_terraform, str(program), folder, variables)
        run("init", "-backend=false", "-input=false", "-no-color", "-lockfile=readonly")
        text = run("show", "-json", "-no-color", str(path.resolve()))
    document: dict[str, Any] = json.loads(text)
    return document


def show_here() -> Show:
    """Return `show_saved_plan` with the Terraform and the providers of the checkout that this runs in."""
    try:
        project = find()
    except Usage:
        return show_saved_plan
    terraform = project.terraform if project.terraform.exists() else None
    return partial(show_saved_plan, terraform=terraform, variables=project.variables())


def providers(lock: str) -> dict[str, Any]:
    """Return a configuration that needs the providers of a lock file, in their versions, and nothing else."""
    required = {
        f"provider{number}": {"source": source, "version": version}
        for number, (source, version) in enumerate(PROVIDER.findall(lock))
    }
    return {"terraform": {"required_providers": required}}


def run_terraform(program: str, folder: Path, variables: Mapping[str, str], *arguments: str) -> str:
    """Run Terraform and return what it prints; raises `PlanError` with its own words."""
    own = {name: value for name, value in variables.items() if name not in ("TF_WORKSPACE", "TF_DATA_DIR")}
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=folder,
            env={**own, "TF_IN_AUTOMATION": "true", "CHECKPOINT_DISABLE": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PlanError(f"is a saved plan that terraform {arguments[0]} could not show: {error}") from None
    if done.returncode:
        words = " ".join(re.sub(r"[│╷╵]", " ", done.stderr or done.stdout).split())
        raise PlanError(f"is a saved plan that terraform {arguments[0]} could not show: {words}")
    return done.stdout
