"""A stack on the embedded AWS: synthesized, planned, applied and destroyed with the real provider."""

from __future__ import annotations

import json
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from cdktf import App, LocalBackend, TerraformStack

from modules._aws.provider import AwsProvider
from modules.network import ExistingNetwork
from sagewright.local import process
from sagewright.project import Project, embedded
from sagewright.providers import Providers
from sagewright.terraform import Terraform
from sagewright.verify import Finding, verify
from stacks.base import AddressedStack
from tests.conftest import ROOT

from .checkout import Checkout, make

REGION = "eu-west-1"
pytest.register_assert_rewrite("tests.local.matrix", "tests.local.scenarios")

OUTPUT = tempfile.TemporaryDirectory(prefix="sagewright-tests-")
"""What was synthesized last, with its assets: each is where it was as long as it is what it was."""

Build = Callable[[TerraformStack], object]
"""What puts constructs into a stack."""


def synthesize(build: Build) -> str:
    """Return the Terraform JSON of what `build` puts into a stack, with its assets where they were made."""
    app = App(outdir=OUTPUT.name, skip_validation=True)
    stack = AddressedStack(app, "stack")
    build(stack)
    app.synth()
    folder = Path(app.outdir) / "stacks" / "stack"
    text = (folder / "cdk.tf.json").read_text(encoding="utf-8")
    return text.replace("${path.module}", str(folder))


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account on the embedded AWS, and what tests need in it besides what they deploy."""

    account_id: str
    variables: Mapping[str, str]
    """The environment of processes that work in it: endpoint, credentials, region."""

    def client(self, service: str) -> Any:
        """Return a client of that account on the embedded AWS."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
        )

    def fail(self, operation: str, name: str, **how: str) -> None:
        """Make the embedded AWS fail once: refuse with `code`, else accept and fail afterwards."""
        self._fault({"operation": operation, "name": name, **how})

    def lose(self, *operations: str) -> None:
        """Make the embedded AWS do each operation once, and its answer get lost."""
        for operation in operations:
            self._fault({"operation": operation, "lose": True})

    def _fault(self, fault: Mapping[str, Any]) -> None:
        request = urllib.request.Request(self._faults, data=json.dumps(fault).encode(), method="POST")
        urllib.request.urlopen(request).close()

    def waiting_faults(self) -> list[Any]:
        """Return the faults that nothing has met yet."""
        with urllib.request.urlopen(self._faults) as answer:
            waiting: list[Any] = json.loads(answer.read())["faults"]
        return waiting

    @property
    def _faults(self) -> str:
        return f"{self.variables['AWS_ENDPOINT_URL']}/sagewright/faults"

    def role(self, name: str, *services: str) -> str:
        """Make a role that these services take, such as `events`; return its ARN."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": [f"{service}.amazonaws.com" for service in services]},
                }
            ],
        }
        made = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        arn: str = made["Role"]["Arn"]
        return arn

    def key(self) -> str:
        """Make a key; return its ARN."""
        arn: str = self.client("kms").create_key()["KeyMetadata"]["Arn"]
        return arn

    def bucket(self, purpose: str) -> str:
        """Make a bucket; return its name."""
        name = f"{purpose}-{self.account_id}"
        place = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
        return name

    def network(self) -> ExistingNetwork:
        """Return two subnets of the default VPC, and its security group."""
        ec2 = self.client("ec2")
        (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        subnets = ec2.describe_subnets(Filters=inside)["Subnets"][:2]
        groups = ec2.describe_security_groups(Filters=inside)["SecurityGroups"]
        return ExistingNetwork(
            vpc_id=vpc["VpcId"],
            subnet_ids=tuple(subnet["SubnetId"] for subnet in subnets),
            security_group_ids=(groups[0]["GroupId"],),
        )


@dataclass(frozen=True, kw_only=True)
class Deployment(Account):
    """One stack of one account."""

    terraform: Terraform

    def plan(self, build: Build, *arguments: str) -> bool:
        """Synthesize what `build` puts into the stack; tell whether a plan for it changes anything."""

        def whole(stack: TerraformStack) -> None:
            AwsProvider(stack, "aws", region=REGION, allowed_account_ids=[self.account_id])
            LocalBackend(stack, path="terraform.tfstate")
            build(stack)

        folder = self.terraform.folder
        folder.mkdir(exist_ok=True)
        (folder / "cdk.tf.json").write_text(synthesize(whole), encoding="utf-8")
        self.terraform.init()
        return self.terraform.plan(self.path, *arguments)

    def actions(self) -> dict[str, list[str]]:
        """Return what the plan that was made last does, by address."""
        return {
            change["address"]: change["change"]["actions"]
            for change in self.terraform.show(self.path)["resource_changes"]
            if change["change"]["actions"] != ["no-op"]
        }

    def modules(self) -> list[str]:
        """Return the addresses of the modules of which the state holds anything."""
        values = self.terraform.show().get("values", {})
        return [module["address"] for module in values.get("root_module", {}).get("child_modules", ())]

    def verified(self, module: str) -> tuple[Finding, ...]:
        """Return what `sagewright verify` finds of one module of the state."""
        state = self.terraform.show()
        modules = state["values"]["root_module"]["child_modules"]
        (one,) = (one for one in modules if one["address"] == f"module.{module}")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            session = boto3.session.Session(region_name=REGION)
            return verify(module, {**state, "values": {"root_module": one}}, session)

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
def deployment(
    embedded_aws: process.Running, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """A stack in an account of its own, which nothing else uses."""
    with deploying(embedded_aws, tmp_path / "stack", request.node.nodeid) as made:
        yield made


@contextmanager
def deploying(running: process.Running, folder: Path, user: str) -> Iterator[Deployment]:
    """Make a stack in `folder`, in an account that nobody else has than its user."""
    account_id = f"{zlib.crc32(user.encode()):012d}"
    project = Project(root=ROOT)
    variables = embedded(project.variables(), running.environment(account_id, REGION))
    providers = Providers()
    terraform = Terraform(project, folder, variables, providers=providers)
    yield Deployment(account_id=account_id, variables=variables, terraform=terraform)
    providers.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with an embedded AWS of its own."""
    project = make(tmp_path)
    yield Checkout(project=project, running=process.up(project.work))
    process.down(project.work)
