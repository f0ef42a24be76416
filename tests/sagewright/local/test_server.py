"""What the server does around the services: accounts, loud refusals, the log, faults, moto's own API."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from sagewright.local.server import EmbeddedAws
from sagewright.local.wire import json_answer
from tests.sagewright.local.conftest import REGION, Account, Server, refused, serving
from tests.sagewright.local.inference_api import JSON, RestApi, inference_function


@pytest.mark.parametrize(
    ("service", "call", "protocol"),
    [
        ("sagemaker", "create_edge_packaging_job", "json"),
        ("codecommit", "create_commit", "json"),
        ("iam", "generate_organizations_access_report", "query"),
        ("ec2", "import_image", "ec2"),
        ("s3", "put_bucket_analytics_configuration", "rest-xml"),
        ("apigateway", "test_invoke_method", "rest-json"),
        ("cloudwatch", "describe_anomaly_detectors", "cbor"),
    ],
)
def test_what_is_not_implemented_is_said_in_every_protocol(
    account: Account, service: str, call: str, protocol: str
) -> None:
    parameters: dict[str, dict[str, Any]] = {
        "create_edge_packaging_job": {
            "EdgePackagingJobName": "a",
            "CompilationJobName": "a",
            "ModelName": account.model(),
            "ModelVersion": "1",
            "RoleArn": f"arn:aws:iam::{account.id}:role/model",
            "OutputConfig": {"S3OutputLocation": "s3://a/b"},
        },
        "create_commit": {"repositoryName": "a", "branchName": "a"},
        "generate_organizations_access_report": {"EntityPath": "o-0/r-0"},
        "put_bucket_analytics_configuration": {
            "Bucket": account.bucket(),
            "Id": "a",
            "AnalyticsConfiguration": {"Id": "a", "StorageClassAnalysis": {}},
        },
        "test_invoke_method": {"restApiId": "a", "resourceId": "a", "httpMethod": "GET"},
    }
    with refused("the embedded AWS does not implement ", "NotImplemented", 501):
        getattr(account.client(service), call)(**parameters.get(call, {}))


def test_a_failure_of_moto_is_said_and_not_retried(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from moto.ssm.models import SimpleSystemManagerBackend

    monkeypatch.setattr(SimpleSystemManagerBackend, "get_parameter", lambda *_: 1 / 0)
    client = account.client("ssm", config=None)
    before = len(account.server.entries())
    message = "the embedded AWS failed at GetParameter of ssm: ZeroDivisionError"
    with refused(message, "EmbeddedAwsFailure", 501):
        client.get_parameter(Name="/a")
    assert len(account.server.entries()) == before + 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_one_request_is_answered_after_the_other(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto fails where a request adds a resource while another goes through all of them."""
    from moto.ssm.models import SimpleSystemManagerBackend

    inside: list[object] = []
    together: list[int] = []

    def slow(*_: Any) -> None:
        inside.append(None)
        time.sleep(0.02)
        together.append(len(inside))
        inside.pop()

    monkeypatch.setattr(SimpleSystemManagerBackend, "get_parameter", slow)
    client = account.client("ssm")

    def ask(number: int) -> None:
        with pytest.raises(ClientError, match="ParameterNotFound"):
            client.get_parameter(Name=f"/{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(8)))
    assert together == [1] * 8


def test_an_unknown_sub_resource_of_a_bucket_does_not_touch_the_bucket(account: Account) -> None:
    """Stock moto deletes the bucket for it: DeleteBucketIntelligentTieringConfiguration, …"""
    s3, bucket = account.client("s3"), account.bucket()
    for call in (
        s3.delete_bucket_intelligent_tiering_configuration,
        s3.delete_bucket_metrics_configuration,
        s3.delete_bucket_analytics_configuration,
        s3.delete_bucket_inventory_configuration,
    ):
        with refused("does not implement DeleteBucket", "NotImplemented", 501):
            call(Bucket=bucket, Id="a")
    with refused("does not implement ListBucketMetricsConfigurations", "NotImplemented", 501):
        s3.list_bucket_metrics_configurations(Bucket=bucket)
    s3.head_bucket(Bucket=bucket)


def test_a_missing_object_is_missing_and_not_unimplemented(account: Account) -> None:
    with refused("Not Found", "404", 404):
        account.client("s3").head_object(Bucket=account.bucket(), Key="none")


def test_the_request_log_names_operations_and_holds_no_payload(account: Account) -> None:
    before = len(account.server.entries())
    account.client("ssm").put_parameter(Name="/a", Value="s3cr3t-value", Type="SecureString")
    account.client("s3").put_object(Bucket=account.bucket(), Key="k", Body=b"s3cr3t-body")
    account.client("iam").list_roles()
    account.client("cloudwatch").describe_alarms()
    with pytest.raises(ClientError):
        account.sagemaker.describe_model(ModelName="none")
    entries = account.server.entries()[before:]
    assert [(entry["service"], entry["operation"], entry["status"]) for entry in entries] == [
        ("ssm", "PutParameter", 200),
        ("s3", "CreateBucket", 200),
        ("s3", "PutObject", 200),
        ("iam", "ListRoles", 200),
        ("monitoring", "DescribeAlarms", 200),
        ("sagemaker", "DescribeModel", 400),
    ]
    assert {entry["account"] for entry in entries} == {account.id}
    assert {entry["region"] for entry in entries[:1]} == {REGION}
    assert entries[-1]["code"] == "ValidationException"
    assert entries[-1]["milliseconds"] >= 0
    assert "s3cr3t" not in account.server.log.getvalue()


def test_accounts_are_separate_and_buckets_are_not(account: Account) -> None:
    other = Account(account.server, "999999999999")
    account.role()
    assert account.client("iam").list_roles()["Roles"]
    assert not other.client("iam").list_roles()["Roles"]
    bucket = account.bucket()
    with refused("", "BucketAlreadyExists", 409):
        other.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )


def test_an_assumed_role_is_in_the_account_of_the_role(account: Account) -> None:
    role = account.role()
    session = account.client("sts").assume_role(RoleArn=role, RoleSessionName="s")["Credentials"]
    keys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    assert account.client("sts", **keys).get_caller_identity()["Account"] == account.id
    listed = account.client("sagemaker", **keys).list_model_package_groups()
    assert len(listed["ModelPackageGroupSummaryList"]) == 1


def test_a_region_that_does_not_exist_is_refused(account: Account) -> None:
    message = "Credential should be scoped to a valid region, not 'eu-west-9'."
    for service, call in (("sagemaker", "list_models"), ("s3", "list_buckets"), ("ec2", "describe_vpcs")):
        client = account.client(service, region_name="eu-west-9")
        with refused(message, "InvalidSignatureException", 403):
            getattr(client, call)()
    account.client("sagemaker", region_name="cn-north-1").list_models()


def test_status(server: Server) -> None:
    status, answer = server.ask("GET", "/sagewright/status")
    assert (status, answer["nonce"]) == (200, "test")
    assert server.ask("GET", "/sagewright/nothing")[0] == 404
    assert server.ask("PUT", "/sagewright/faults", {})[0] == 404


@pytest.fixture
def connection(server: Server) -> Iterator[HTTPConnection]:
    """A connection to the server, which is not opened anew when it closes it."""
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=60)) as made:
        made.auto_open = False
        made.connect()
        yield made


def test_one_connection_takes_one_request_after_another(connection: HTTPConnection) -> None:
    body, path = b'{"operation": "CreateModel", "code": "InternalFailure"}', "/sagewright/faults"
    asked: list[tuple[str, str, Any]] = [
        ("POST", "/sagewright/nowhere", b"read though nobody asks for it"),
        ("POST", path, body),
        ("POST", path, iter([body[:20], body[20:]])),  # sent in chunks
        ("HEAD", "/sagewright/status", None),
        ("GET", path, None),
        ("DELETE", path, None),
    ]
    answered = []
    for method, place, content in asked:
        connection.request(method, place, content, encode_chunked=True)
        with connection.getresponse() as answer:
            answered.append((answer.status, len(json.loads(answer.read() or b"{}").get("faults", ()))))
    assert answered == [(404, 0), (200, 1), (200, 2), (404, 0), (200, 2), (200, 0)]


def test_a_body_is_waited_for_where_the_client_waits_to_be_told_so(connection: HTTPConnection) -> None:
    connection.putrequest("POST", "/sagewright/faults")
    connection.putheader("Content-Length", "4")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(64) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(b"null")
    with connection.getresponse() as answer:
        assert answer.status == 400


def test_a_lost_answer_ends_the_connection(account: Account, connection: HTTPConnection) -> None:
    fault = {"operation": "CreateModelPackageGroup", "lose": True}
    account.server.ask("POST", "/sagewright/faults", fault)
    signed = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={account.id}/20260101/{REGION}/sagemaker/aws4_request"
    }
    headers = {**signed, "X-Amz-Target": "SageMaker.CreateModelPackageGroup"}
    connection.request("POST", "/", b'{"ModelPackageGroupName": "churn"}', headers)
    with pytest.raises(RemoteDisconnected):
        connection.getresponse()
    assert account.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]


def test_a_fault_refuses_an_operation_as_often_as_it_says(account: Account) -> None:
    fault = {"code": "ThrottlingException", "reason": "Rate exceeded", "times": 2, "name": "churn"}
    account.fail("CreateModelPackageGroup", **fault)
    account.sagemaker.create_model_package_group(ModelPackageGroupName="other")
    for _ in range(2):
        with refused("Rate exceeded", "ThrottlingException"):
            account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")


def test_a_fault_can_be_of_any_service(account: Account) -> None:
    account.fail("CreateRole", name="model", code="LimitExceeded", reason="too many roles")
    account.role("other")
    with refused("too many roles", "LimitExceeded"):
        account.role("model")
    account.role("model")


def test_faults_are_shown_and_forgotten(server: Server) -> None:
    server.ask("POST", "/sagewright/faults", {"operation": "UpdateEndpoint", "name": "churn"})
    status, answer = server.ask("GET", "/sagewright/faults")
    assert (status, [fault["name"] for fault in answer["faults"]]) == (200, ["churn"])
    assert server.ask("DELETE", "/sagewright/faults") == (200, {"faults": []})


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"operation": "UpdateEndpoint", "when": "now"},
        {"operation": "CreateModel"},
        {"operation": "UpdateEndpoint", "times": "2"},
        {"operation": "UpdateEndpoint", "times": True},
        {"operation": "UpdateEndpoint", "lose": 1},
        {"operation": "UpdateEndpoint", "lose": True, "code": "Throttling"},
        {"operation": 1},
    ],
)
def test_a_fault_that_is_none_is_refused(server: Server, document: Any) -> None:
    status, answer = server.ask("POST", "/sagewright/faults", document)
    assert status == 400
    assert answer["error"]
    assert server.ask("GET", "/sagewright/faults")[1] == {"faults": []}


def test_motos_reset_forgets_everything(tmp_path: Path) -> None:
    """Run beside the other tests' server, whose state is the same: nothing else may run meanwhile."""
    account = Account(_fresh(tmp_path), "111122223333")
    account.configuration()
    account.endpoint()
    account.fail("UpdateEndpoint")
    assert account.server.ask("POST", "/moto-api/reset") == (200, {"status": "ok"})
    assert account.sagemaker.list_endpoints()["Endpoints"] == []
    assert account.sagemaker.list_models()["Models"] == []
    assert account.client("iam").list_roles()["Roles"] == []
    assert account.server.ask("GET", "/sagewright/faults")[1] == {"faults": []}
    assert account.server.ask("GET", "/moto-api/data.json")[0] == 200


def test_moto_looks_once_for_who_answers_a_host(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.client("sns").list_topics()
    monkeypatch.setattr("moto.backends.list_of_moto_modules", None)
    assert account.client("sns").list_topics()["Topics"] == []


def test_motos_reset_waits_until_all_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Answers:
        """Notes what it is asked."""

        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return lambda *_: json_answer({"status": "ok"})

    monkeypatch.setattr("sagewright.local.answers.Answers", lambda **_: Answers())
    with serving() as server:
        assert server.ask("POST", "/moto-api/reset") == (200, {"status": "ok"})
    assert asked == ["settle", "of_moto", "forget"]


def _fresh(folder: Path) -> Server:
    """Start a server in a process of its own."""
    from sagewright.local.process import up

    running = up(folder)
    _started.append(folder)
    return Server(url=running.url, log=None)  # type: ignore[arg-type]


_started: list[Path] = []


@pytest.fixture(autouse=True)
def _stop_started() -> Iterator[None]:
    from sagewright.local.process import down

    yield
    while _started:
        down(_started.pop())


def test_iam_is_enforced_where_it_is_switched_on() -> None:
    """In this very process, so it is switched off again afterwards."""
    from moto import settings
    from moto.core.authorization import ActionAuthenticatorMixin

    check, count = (
        ActionAuthenticatorMixin._authenticate_and_authorize_action,
        settings.INITIAL_NO_AUTH_ACTION_COUNT,
    )
    try:
        with serving(enforce_iam=True) as server:
            _check_enforcement(Account(server, "111122223333"))
            _check_enforcement_of_calls(Account(server, "111122224444"))
    finally:
        ActionAuthenticatorMixin._authenticate_and_authorize_action = check  # type: ignore[method-assign]
        settings.INITIAL_NO_AUTH_ACTION_COUNT = count


def _check_enforcement(account: Account) -> None:
    iam = account.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    reader = account.client("sagemaker", **keys)
    with refused("not authorized to perform: sagemaker:ListModels", "AccessDenied", 403):
        reader.list_models()
    allowed = {"Effect": "Allow", "Action": ["sagemaker:List*"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy)
    assert reader.list_models()["Models"] == []
    with refused("sagemaker:CreateModelPackageGroup", "AccessDenied", 403):
        reader.create_model_package_group(ModelPackageGroupName="churn")
    with refused("", "AccessDenied", 403):
        account.client("ssm", **keys).describe_parameters()
    wrong = account.client("sagemaker", **{**keys, "aws_secret_access_key": "guessed"})
    with refused("signature", "SignatureDoesNotMatch", 403):
        wrong.list_models()
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")


def _check_enforcement_of_calls(account: Account) -> None:
    """A caller may ask the API, and the API's function may ask the endpoint, if their policies say so."""
    function_arn, _ = inference_function(account)
    api = RestApi(account, function_arn).create()
    iam = account.client("iam")

    def allow(action: str, resource: str) -> str:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    iam.create_user(UserName="caller")
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    caller = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def ask() -> int:
        return api.signed("POST", "/endpoints/churn/invocations", "{}", JSON, caller).status_code

    assert ask() == 403
    churn = f"arn:aws:execute-api:{REGION}:{account.id}:{api.id}/live/POST/endpoints/churn/*"
    invoke = allow("execute-api:Invoke", churn)
    iam.put_user_policy(UserName="caller", PolicyName="ask", PolicyDocument=invoke)
    assert ask() == 502
    endpoints = allow("sagemaker:InvokeEndpoint", "*")
    iam.put_role_policy(RoleName="function-inference-api", PolicyName="ask", PolicyDocument=endpoints)
    assert ask() == 200


def test_a_server_that_cannot_load_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from sagewright.local import answers

    def broken(**_: Any) -> None:
        raise RuntimeError("no moto")

    monkeypatch.setattr(answers, "Answers", broken)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    application = EmbeddedAws(nonce="x", request_log=io.StringIO())
    statuses: list[str] = []
    environ = {
        "PATH_INFO": "/",
        "REQUEST_METHOD": "POST",
        "HTTP_X_AMZ_TARGET": "SageMaker.ListModels",
        "wsgi.input": io.BytesIO(),
    }
    (body,) = application(environ, lambda status, _: statuses.append(status))
    assert statuses == ["501 Not Implemented"]
    assert b"no moto" in body


def test_presigned_requests_are_of_their_account(account: Account) -> None:
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key="k", Body=b"content")
    client = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=account.server.url,
        aws_access_key_id=account.id,
        aws_secret_access_key="x",
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"content"
