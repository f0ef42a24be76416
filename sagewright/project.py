"""Where things are in a checkout, and the process environment in which its tools run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagewright.errors import Usage

GOGC = "400"
"""How much garbage Terraform and its providers let gather, in percent of what is in use, by default.

Every one of them decodes the AWS provider's schema of 13 MB at its start. With Go's own 100, collecting what
that leaves behind is a quarter of the CPU time of `terraform show`; with 400 each takes up to 150 MB more.
https://pkg.go.dev/runtime#hdr-Environment_Variables
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A checkout of Sagewright; every path below hangs on its root."""

    root: Path

    @property
    def environments(self) -> Path:
        """The environment files."""
        return self.root / "environments"

    @property
    def prices(self) -> Path:
        """The checkout's own price file, where `sagewright prices refresh` has made one."""
        return self.root / "prices.json"

    @property
    def resource_types(self) -> frozenset[str]:
        """The resource types that the modules are made of."""
        listed = self.root / "modules" / "_aws" / "resources.txt"
        return frozenset(listed.read_text(encoding="utf-8").split() if listed.is_file() else ())

    @property
    def output(self) -> Path:
        """Where synthesis writes: `cdktf.out`."""
        return self.root / "cdktf.out"

    @property
    def work(self) -> Path:
        """What set-up, the embedded AWS and local state keep: `.sagewright`, never committed."""
        return self.root / ".sagewright"

    @property
    def bin(self) -> Path:
        """The tools that set-up put in place: node, npm, cdktf, terraform."""
        return self.work / "bin"

    @property
    def terraform(self) -> Path:
        """The real Terraform, which the gate runs."""
        return self.bin / "terraform"

    @property
    def gate(self) -> Path:
        """The Terraform that plans, gates, applies and verifies (sagewright/wrapper.py)."""
        return self.root / ".venv" / "bin" / "sagewright-terraform"

    @property
    def provider_lock(self) -> Path:
        """The provider version of every stack: with this platform's sums, where set-up has made them."""
        made = self.work / "terraform.lock.hcl"
        return made if made.is_file() else self.root / ".terraform.lock.hcl"

    def variables(self) -> dict[str, str]:
        """Return the process environment for the project's tools: its own, plain, without colour.

        The user's settings of Terraform are left out but for its logs: TF_DATA_DIR, TF_WORKSPACE, TF_CLI_ARGS
        and the like would lead a command elsewhere than it says.
        """
        theirs = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TF_") or name.startswith("TF_LOG")
        }
        return {
            "GOGC": GOGC,
            **theirs,
            "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "TERRAFORM_BINARY_NAME": str(self.gate),
            "TF_CLI_CONFIG_FILE": str(self.work / "terraform.rc"),
            "TF_IN_AUTOMATION": "true",
            "TF_INPUT": "false",
            "CHECKPOINT_DISABLE": "true",
            "JSII_NODE": str(self.bin / "jsii-node"),
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "true",
        }


def find(start: Path | None = None) -> Project:
    """Return the checkout that `start` (default: the working directory) lies in.

    Raises `Usage` where neither it nor a folder above it holds cdktf.json and environments/.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "cdktf.json").is_file() and (folder / "environments").is_dir():
            return Project(root=folder)
    raise Usage(f"{here}: not in a Sagewright checkout; go to the folder that holds cdktf.json")


def embedded(variables: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return `variables` pointed at the embedded AWS by `settings`, nothing of the user's AWS left."""
    return {**{name: value for name, value in variables.items() if not name.startswith("AWS_")}, **settings}
