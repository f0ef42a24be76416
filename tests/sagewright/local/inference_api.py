"""An inference API as the module makes one, by boto3: functions of runtime/, endpoints, and a REST API."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.sagewright.local.conftest import IMAGE, REGION, Account, variant

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
ERROR = (
    '{"error": {"code": "$context.error.responseType", "message": $context.error.messageString, '
    '"request_id": "$context.requestId"}}'
)
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "caller": "$context.identity.userArn",
    "principal": "$context.authorizer.principalId",
    "subject": "$context.authorizer.claims.sub",
}
JSON = {"Content-Type": "application/json"}


def zipped(files: dict[str, str]) -> bytes:
    """Return an archive of files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def package(name: str) -> bytes:
    """Return the code of a function of runtime/."""
    folder = ROOT / "runtime" / name
    return zipped({f"{name}/{path.name}": path.read_text(encoding="utf-8") for path in folder.glob("*.py")})


def make_function(
    account: Account, name: str, code: bytes, handler: str = "code.handle", **members: Any
) -> str:
    """Create a function and return its ARN; API Gateway may call it."""
    role = account.role(f"function-{name}", TRUST_LAMBDA)
    made = account.client("lambda").create_function(
        **{
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": handler,
            "Role": role,
            "Code": {"ZipFile": code},
            "Timeout": 20,
            "MemorySize": 512,
            **members,
        }
    )
    account.client("lambda").add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    return str(made["FunctionArn"])


def uri_of(function_arn: str) -> str:
    """Return how API Gateway names a function."""
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function_arn}/invocations"


@dataclass
class RestApi:
    """A REST API with one method, for any path, before a function."""

    account: Account
    function_arn: str
    id: str = ""
    stage: str = "live"
    resources: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        """Client of API Gateway."""
        return self.account.client("apigateway")

    @property
    def url(self) -> str:
        """Address of the stage."""
        return f"{self.account.server.url}/restapis/{self.id}/{self.stage}/_user_request_"

    def create(self, **method: Any) -> RestApi:
        """Create all of it."""
        self.id = self.client.create_rest_api(name="inference", binaryMediaTypes=["*/*"])["id"]
        root = self.client.get_resources(restApiId=self.id)["items"][0]["id"]
        made = self.client.create_resource(restApiId=self.id, parentId=root, pathPart="{proxy+}")
        self.resources["proxy"] = made["id"]
        for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
            self.client.put_gateway_response(
                restApiId=self.id, responseType=kind, responseTemplates={"application/json": ERROR}
            )
        self.put_method(**method)
        return self

    def put_method(self, **method: Any) -> None:
        """Create the method, its integration and the stage."""
        place = {"restApiId": self.id, "resourceId": self.resources["proxy"], "httpMethod": "ANY"}
        self.client.put_method(**{"authorizationType": "AWS_IAM", **place, **method})
        self.put_integration()
        self.deploy()

    def put_integration(self, **integration: Any) -> None:
        """Create or change the integration."""
        self.client.put_integration(
            restApiId=self.id,
            resourceId=self.resources["proxy"],
            httpMethod="ANY",
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=uri_of(self.function_arn),
            **integration,
        )

    def deploy(self) -> None:
        """Deploy what there is now."""
        self.client.create_deployment(restApiId=self.id, stageName=self.stage)

    def authorizer(self, **members: Any) -> str:
        """Create an authorizer and return its id."""
        made = self.client.create_authorizer(restApiId=self.id, name="callers", **members)
        return str(made["id"])

    def patch(self, *operations: tuple[str, str]) -> None:
        """Change the stage."""
        patches = [{"op": "replace", "path": path, "value": value} for path, value in operations]
        self.client.update_stage(restApiId=self.id, stageName=self.stage, patchOperations=patches)

    def log_access(self) -> str:
        """Let the stage write its access log, and return the name of its group."""
        trust = json.loads(json.dumps(TRUST_LAMBDA).replace("lambda.", "apigateway."))
        role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": self.account.role("logs", trust)}
        self.client.update_account(patchOperations=[role])
        name = f"/aws/apigateway/{self.id}"
        self.account.client("logs").create_log_group(logGroupName=name)
        arn = f"arn:aws:logs:{REGION}:{self.account.id}:log-group:{name}"
        self.patch(
            ("/accessLogSettings/destinationArn", arn), ("/accessLogSettings/format", json.dumps(ACCESS_LOG))
        )
        return name

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send a request as it is."""
        return requests.request(method, f"{self.url}{path}", data=body, headers=headers, timeout=60)

    def signed(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        credentials: Credentials | None = None,
    ) -> requests.Response:
        """Send a request with a signature: the account's own, unless others are given."""
        request = AWSRequest(method, f"{self.url}{path}", data=body, headers=headers or {})
        who = credentials or Credentials(self.account.id, "embedded")
        SigV4Auth(who, "execute-api", REGION).add_auth(request)
        return self.ask(method, path, body, dict(request.headers))


def lines_of(account: Account, group: str) -> list[str]:
    """Return what is in a log group."""
    found = account.client("logs").filter_log_events(logGroupName=group)
    return [event["message"] for event in found["events"]]


def inference_function(account: Account, **route: Any) -> tuple[str, str]:
    """Create an endpoint of each kind, and the function before them; return its ARN and the bucket.

    Routes: churn (real-time, two variants), backoffice (serverless), letters (asynchronous), cities
    (multi-model); `route` changes all of them.
    """
    bucket = account.bucket("inference")
    account.configuration()
    account.endpoint()
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 5}
    account.configuration(
        "serverless", {"VariantName": "all", "ModelName": "churn", "ServerlessConfig": serverless}
    )
    account.endpoint("backoffice", "serverless")
    places = {"S3OutputPath": f"s3://{bucket}/out", "S3FailurePath": f"s3://{bucket}/failures"}
    account.configuration("asynchronous", variant("all"), AsyncInferenceConfig={"OutputConfig": places})
    account.endpoint("letters", "asynchronous")
    account.client("s3").put_object(Bucket=bucket, Key="models/berlin.tar.gz", Body=b"model")
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{bucket}/models/"}
    account.model("cities", PrimaryContainer=container)
    account.configuration("multi", variant("all", ModelName="cities"))
    account.endpoint("cities", "multi")
    common: dict[str, Any] = {
        "kind": "RealTime",
        "content_types": ["application/json", "text/csv", "application/octet-stream"],
        "max_payload_bytes": 4_000_000,
        "timeout_seconds": 5,
        "target_variants": [],
        "target_models": [],
        "input_s3_uri": None,
        "output_s3_uri": None,
        "failure_s3_uri": None,
    }
    asynchronous = {
        "kind": "Asynchronous",
        "input_s3_uri": f"s3://{bucket}/in",
        "output_s3_uri": places["S3OutputPath"],
        "failure_s3_uri": places["S3FailurePath"],
    }
    routes: dict[str, dict[str, Any]] = {
        "churn": {"endpoint_name": "churn", "target_variants": ["challenger"]},
        "backoffice": {"endpoint_name": "backoffice", "kind": "Serverless"},
        "letters": {"endpoint_name": "letters", **asynchronous},
        "cities": {"endpoint_name": "cities", "target_models": ["berlin.tar.gz"]},
        "gone": {"endpoint_name": "gone"},
    }
    variables = {
        "ROUTES": json.dumps({name: {**common, **members, **route} for name, members in routes.items()}),
        "LOG_LEVEL": "DEBUG",
        "POWERTOOLS_SERVICE_NAME": "inference-api",
        "POWERTOOLS_METRICS_NAMESPACE": "Sagewright",
    }
    arn = make_function(
        account,
        "inference-api",
        package("inference_api"),
        "inference_api.handler.handle",
        Environment={"Variables": variables},
    )
    return arn, bucket
