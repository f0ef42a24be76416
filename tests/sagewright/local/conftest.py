"""The embedded AWS in this very process, on a free port, and an account of its own for each test."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import threading
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sagewright.local import HOST
from sagewright.local.server import EmbeddedAws, make_server

REGION = "eu-west-1"
TRUST_SAGEMAKER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
IMAGE = f"999988887777.dkr.ecr.{REGION}.amazonaws.com/churn@sha256:{'a' * 64}"


@dataclass(frozen=True)
class Server:
    """The embedded AWS of this process."""

    url: str
    log: io.StringIO

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Send one plain request; return status and answer."""
        body = json.dumps(document).encode() if document is not None else None
        request = urllib.request.Request(f"{self.url}{path}", data=body, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as failure:
            with failure:
                return failure.code, json.loads(failure.read() or b"null")

    def entries(self) -> list[dict[str, Any]]:
        """Return the lines of the request log."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@dataclass
class Account:
    """An empty AWS account on the embedded AWS."""

    server: Server
    id: str
    region: str = REGION
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **overrides: Any) -> Any:
        """Return a client; made once, for it is slow to make."""
        key = service + json.dumps(overrides, sort_keys=True, default=repr)
        if key not in self._clients:
            settings = {
                "region_name": self.region,
                "endpoint_url": self.server.url,
                "aws_access_key_id": self.id,
                "aws_secret_access_key": "embedded",
                "config": Config(retries={"total_max_attempts": 1}, parameter_validation=False),
                **overrides,
            }
            self._clients[key] = boto3.client(service, **settings)  # type: ignore[call-overload]
        return self._clients[key]

    @property
    def sagemaker(self) -> Any:
        """The SageMaker client; it checks nothing itself, so that every request reaches the server."""
        return self.client("sagemaker")

    def fail(self, operation: str, **fault: Any) -> None:
        """Make an operation fail; see `sagewright.local.faults.Fault`."""
        status, answer = self.server.ask("POST", "/sagewright/faults", {"operation": operation, **fault})
        assert status == 200, answer

    @contextmanager
    def transition(self, model: str, **how: Any) -> Iterator[None]:
        """Let a status settle as moto's state manager can, within the block."""
        path = "/moto-api/state-manager"
        self.server.ask("POST", f"{path}/set-transition", {"model_name": model, "transition": how})
        yield
        self.server.ask("POST", f"{path}/unset-transition", {"model_name": model})

    def role(self, name: str = "model", trust: Any = TRUST_SAGEMAKER) -> str:
        """Create a role, and return its ARN."""
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        return str(role["Role"]["Arn"])

    def key(self) -> str:
        """Create a KMS key, and return its ARN."""
        return str(self.client("kms").create_key()["KeyMetadata"]["Arn"])

    def bucket(self, name: str = "data") -> str:
        """Create a bucket, and return its name."""
        name = f"{name}-{self.id}"
        place = {"LocationConstraint": self.region}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
        return name

    def network(self) -> tuple[str, str]:
        """Create a VPC; return a subnet and a security group of it."""
        ec2 = self.client("ec2")
        vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="models", Description="models", VpcId=vpc_id)
        return subnet, group["GroupId"]

    def image(self, repository: str = "models", tag: str = "1") -> tuple[str, str]:
        """Push an image; return its URI by tag, and its digest."""
        ecr = self.client("ecr")
        made = ecr.create_repository(repositoryName=repository)["repository"]
        layer = {"digest": f"sha256:{hashlib.sha256(repository.encode()).hexdigest()}", "size": 1}
        media_type = "application/vnd.oci.image.manifest.v1+json"
        content = {"schemaVersion": 2, "mediaType": media_type, "config": layer, "layers": [layer]}
        manifest = json.dumps(content)
        put = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
        return f"{made['repositoryUri']}:{tag}", put["image"]["imageId"]["imageDigest"]

    def model(self, name: str = "churn", **members: Any) -> str:
        """Create a model, and return its name."""
        container = {} if "Containers" in members else {"PrimaryContainer": {"Image": IMAGE}}
        defaults = {"ExecutionRoleArn": self._role_arn(), **container}
        self.sagemaker.create_model(ModelName=name, **{**defaults, **members})
        return name

    def _role_arn(self) -> str:
        try:
            return str(self.client("iam").get_role(RoleName="model")["Role"]["Arn"])
        except self.client("iam").exceptions.NoSuchEntityException:
            return self.role()

    def configuration(self, name: str = "first", *variants: dict[str, Any], **members: Any) -> str:
        """Create an endpoint configuration, and return its name."""
        variants = variants or (variant("champion", 90), variant("challenger", 10, count=1))
        for model_name in {each["ModelName"] for each in variants if "ModelName" in each}:
            if not self.sagemaker.list_models(NameContains=model_name)["Models"]:
                self.model(model_name)
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants), **members
        )
        return name

    def endpoint(self, name: str = "churn", configuration: str = "first", **members: Any) -> str:
        """Create an endpoint, and return its name."""
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=configuration, **members)
        return name

    def describe(self, name: str = "churn") -> dict[str, Any]:
        """Describe an endpoint."""
        described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
        return described


def variant(name: str, weight: float = 1, count: int = 2, **members: Any) -> dict[str, Any]:
    """Return a production variant of the model churn."""
    return {
        "VariantName": name,
        "ModelName": "churn",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": count,
        "InitialVariantWeight": weight,
        **members,
    }


@contextmanager
def refused(message: str, code: str = "ValidationException", status: int = 400) -> Iterator[None]:
    """Expect AWS to refuse with this code and with a message that contains this one."""
    with pytest.raises(ClientError) as caught:
        yield
    error, metadata = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == (code, status), error
    assert message in error["Message"]


@contextmanager
def serving(**options: Any) -> Iterator[Server]:
    """Serve in threads of this process."""
    log = io.StringIO()
    listener = socket.socket()
    listener.bind((HOST, 0))
    before = os.environ.get("MOTO_PORT", "")
    os.environ["MOTO_PORT"] = str(listener.getsockname()[1])
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # hundreds in each account, and again at each reset
    server = make_server(EmbeddedAws(nonce="test", request_log=log, **options), listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Server(url=f"http://{HOST}:{listener.getsockname()[1]}", log=log)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        listener.close()
        os.environ["MOTO_PORT"] = before


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The embedded AWS, shared by all tests of this process."""
    with serving() as running:
        yield running


@pytest.fixture
def account(server: Server, request: pytest.FixtureRequest) -> Account:
    """An account that no other test uses."""
    return Account(server, f"{zlib.crc32(request.node.nodeid.encode()):012d}")
