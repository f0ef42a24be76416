"""A stack on the embedded AWS: synthesized, planned, applied and destroyed with the real provider."""

from __future__ import annotations

import json
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from cdktf import LocalBackend, TerraformStack, Testing

from modules._aws.provider import AwsProvider
from sagewright.local import process
from sagewright.project import Project, embedded
from sagewright.terraform import Terraform
from stacks.base import AddressedStack
from tests.conftest import ROOT

REGION = "eu-west-1"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One stack of one account."""

    terraform: Terraform
    account_id: str

    def client(self, service: str) -> Any:
        """Return a client of that account on the embedded AWS."""
        variables = self.terraform.variables
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )

    def fail(self, operation: str, name: str, **how: str) -> None:
        """Make the embedded AWS fail once: refuse with `code`, else accept and fail afterwards."""
        body = json.dumps({"operation": operation, "name": name, **how}).encode()
        url = f"{self.terraform.variables['AWS_ENDPOINT_URL']}/sagewright/faults"
        urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST")).close()

    def plan(self, build: Callable[[TerraformStack], object]) -> bool:
        """Synthesize what `build` puts into the stack; tell whether a plan for it changes anything."""
        stack = AddressedStack(Testing.app(), "stack")
        AwsProvider(stack, "aws", region=REGION, allowed_account_ids=[self.account_id])
        LocalBackend(stack, path="terraform.tfstate")
        build(stack)
        folder = self.terraform.folder
        folder.mkdir(exist_ok=True)
        (folder / "cdk.tf.json").write_text(Testing.synth(stack), encoding="utf-8")
        self.terraform.init()
        return self.terraform.plan(self.path)

    def actions(self) -> dict[str, list[str]]:
        """Return what the plan that was made last does, by address."""
        return {
            change["address"]: change["change"]["actions"]
            for change in self.terraform.show(self.path)["resource_changes"]
            if change["change"]["actions"] != ["no-op"]
        }

    def apply(self) -> None:
        """Apply the plan that was made last."""
        self.terraform.apply(self.path)

    def destroy(self) -> None:
        """Destroy all that the state holds."""
        self.terraform.plan(self.path, "-destroy")
        self.apply()

    @property
    def path(self) -> Path:
        """Where the plan is."""
        return self.terraform.folder / "plan.tfplan"


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Running]:
    """An embedded AWS for the tests of one process."""
    folder = tmp_path_factory.mktemp("embedded-aws")
    yield process.up(folder)
    process.down(folder)


@pytest.fixture
def deployment(embedded_aws: process.Running, tmp_path: Path, request: pytest.FixtureRequest) -> Deployment:
    """A stack in an account of its own, which nothing else uses."""
    account_id = f"{zlib.crc32(request.node.nodeid.encode()):012d}"
    project = Project(root=ROOT)
    variables = embedded(project.variables(), embedded_aws.environment(account_id, REGION))
    terraform = Terraform(project, tmp_path / "stack", variables)
    return Deployment(terraform=terraform, account_id=account_id)
