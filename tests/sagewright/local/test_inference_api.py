"""The inference API over HTTP: from a caller's request through API Gateway and our function to endpoints."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
import requests
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.sagewright.local.conftest import REGION, Account
from tests.sagewright.local.inference_api import (
    JSON,
    RestApi,
    inference_function,
    lines_of,
    make_function,
    package,
    uri_of,
    zipped,
)

ECHO = """
import json, time

def handle(event, context):
    if event["path"] == "/slow":
        time.sleep(5)
    if event["path"] == "/raise":
        raise ValueError(event["body"])
    if event["path"] == "/odd":
        return {"no": "status"}
    return {"statusCode": 200, "body": json.dumps(event)}
"""


@pytest.fixture
def api(account: Account) -> RestApi:
    """The API for signatures, before an endpoint of each kind."""
    function_arn, _ = inference_function(account)
    return RestApi(account, function_arn).create()


@pytest.fixture
def echo(account: Account) -> RestApi:
    """An API before a function that answers with its event."""
    return RestApi(account, make_function(account, "echo", zipped({"code.py": ECHO})))


def code(answer: requests.Response) -> tuple[int, str]:
    """Return status and error code; the error is complete."""
    content = answer.json()
    assert set(content) == {"error"} and set(content["error"]) == {"code", "message", "request_id"}, content
    assert content["error"]["request_id"] == answer.headers["x-amzn-RequestId"]
    return answer.status_code, content["error"]["code"]


def invocations(account: Account) -> int:
    """Return how many requests to endpoints were answered, of any account."""
    return sum(entry.get("operation") == "InvokeEndpoint" for entry in account.server.entries())


# endpoints


def test_a_request_reaches_each_kind_of_endpoint(account: Account, api: RestApi) -> None:
    for route, model in (("churn", "churn"), ("backoffice", "churn")):
        answer = api.signed("POST", f"/endpoints/{route}/invocations", '{"tenure": 3}', JSON)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        content = answer.json()
        assert content["model"] == model
        assert content["sha256"] == hashlib.sha256(b'{"tenure": 3}').hexdigest()
        assert answer.headers["X-Invoked-Variant"] == content["variant"]
    answer = api.signed("POST", "/endpoints/letters/invocations", "1,2", {"Content-Type": "text/csv"})
    assert answer.status_code == 202, answer.text
    done = api.signed("GET", answer.json()["result_path"])
    assert done.status_code == 200, done.text
    result = requests.get(done.json()["result_url"], timeout=10).json()
    assert (result["variant"], result["bytes"], result["content_type"]) == ("all", 3, "text/csv")


def test_bytes_survive_both_ways(api: RestApi) -> None:
    sent = bytes(range(256)) * 4000
    headers = {"Content-Type": "application/octet-stream", "Accept": "application/octet-stream"}
    answer = api.signed("POST", "/endpoints/churn/invocations", sent, headers)
    assert (answer.status_code, answer.content) == (200, sent)
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_a_large_input_is_uploaded(account: Account, api: RestApi) -> None:
    upload = api.signed("POST", "/endpoints/letters/uploads", '{"content_type": "text/csv"}', JSON).json()
    sent = b"1,2\n" * 3_000_000
    stored = requests.put(upload["upload_url"], data=sent, headers=upload["headers"], timeout=60)
    assert stored.status_code == 200, stored.text
    named = json.dumps({"input_id": upload["input_id"]})
    headers = {"Content-Type": "application/vnd.sagewright.input+json", "X-Inference-Id": "letter-1"}
    answer = api.signed("POST", "/endpoints/letters/invocations", named, headers)
    assert (answer.status_code, answer.json()["inference_id"]) == (202, "letter-1")
    done = api.signed("GET", "/endpoints/letters/results/letter-1").json()
    assert requests.get(done["result_url"], timeout=10).json()["bytes"] == len(sent)


def test_a_result_is_pending_failed_or_unknown(account: Account, api: RestApi) -> None:
    account.fail("InvokeEndpointAsync", name="letters", reason="out of memory")
    failed = api.signed("POST", "/endpoints/letters/invocations", "{}", JSON).json()["result_path"]
    assert code(api.signed("GET", failed)) == (502, "inference_failed")
    none = [{"VariantName": "all", "DesiredInstanceCount": 0}]
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="letters", DesiredWeightsAndCapacities=none
    )
    pending = api.signed("POST", "/endpoints/letters/invocations", "{}", JSON).json()
    assert api.signed("GET", pending["result_path"]).status_code == 202
    assert code(api.signed("GET", "/endpoints/letters/results/none")) == (404, "inference_not_found")


def test_a_caller_names_a_variant_or_model_where_that_is_allowed(api: RestApi) -> None:
    def named(route: str, header: str, value: str) -> requests.Response:
        return api.signed("POST", f"/endpoints/{route}/invocations", "{}", {**JSON, header: value})

    assert {named("churn", "X-Target-Variant", "challenger").json()["variant"] for _ in range(5)} == {
        "challenger"
    }
    assert named("cities", "X-Target-Model", "berlin.tar.gz").json()["model"] == "berlin.tar.gz"
    for route, header, value in (
        ("churn", "X-Target-Variant", "champion"),
        ("backoffice", "X-Target-Variant", "all"),
        ("churn", "X-Target-Model", "berlin.tar.gz"),
        ("cities", "X-Target-Model", "rome.tar.gz"),
    ):
        assert code(named(route, header, value)) == (403, "target_not_allowed")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"code": "ModelError", "reason": "planted-7f3a"}, (424, "model_error")),
        ({"code": "ModelError", "reason": "Your invocation timed out: planted-7f3a"}, (504, "model_timeout")),
        ({"code": "ThrottlingException", "reason": "planted-7f3a"}, (429, "throttled")),
        ({"code": "ModelNotReadyException"}, (503, "not_ready")),
        ({"code": "ServiceUnavailable"}, (503, "not_ready")),
        ({"code": "InternalFailure"}, (502, "bad_gateway")),
        ({"delay_milliseconds": 7000}, (504, "endpoint_timeout")),
    ],
)
def test_what_goes_wrong_behind_has_its_status(
    account: Account, api: RestApi, fault: dict[str, Any], expected: tuple[int, str]
) -> None:
    account.fail("InvokeEndpoint", name="churn", **fault)
    asked = invocations(account)
    answer = api.signed("POST", "/endpoints/churn/invocations", '{"secret": "planted-7f3a"}', JSON)
    assert code(answer) == expected
    assert "planted-7f3a" not in answer.text
    assert ("Retry-After" in answer.headers) == (expected[0] in (429, 503))
    deadline = time.monotonic() + 30
    while invocations(account) == asked:  # one that is late would meet another test's fault
        assert time.monotonic() < deadline, "the endpoint never answered"
        time.sleep(0.1)


def test_an_endpoint_that_is_gone_is_503_and_a_route_that_is_not_there_404(api: RestApi) -> None:
    assert code(api.signed("POST", "/endpoints/gone/invocations", "{}", JSON)) == (503, "not_in_service")
    assert code(api.signed("POST", "/endpoints/none/invocations", "{}", JSON)) == (404, "route_not_found")


def test_nothing_of_a_payload_or_a_token_is_in_any_log(account: Account, api: RestApi) -> None:
    access = api.log_access()
    secret = "planted-7f3a"
    path = "/endpoints/churn/invocations"
    account.fail("InvokeEndpoint", name="churn", code="ModelError", reason=secret)
    answers = [
        api.signed("POST", path, json.dumps(secret), {**JSON, "X-Planted": secret}),
        api.signed("POST", path, json.dumps(secret), {**JSON, "X-Planted": secret}),
        api.signed("POST", path, f"{{{secret}", JSON),
        api.signed("POST", path, secret.encode() * 500_000, {"Content-Type": "text/csv"}),
        api.signed("POST", "/endpoints/letters/invocations", json.dumps(secret), JSON),
        api.signed("POST", "/endpoints/letters/uploads", "{}", JSON),
        api.ask("POST", path, json.dumps(secret), {"Authorization": f"Bearer {secret}"}),
    ]
    assert [answer.status_code for answer in answers] == [424, 200, 400, 413, 202, 201, 403]
    function, gateway = lines_of(account, "/aws/lambda/inference-api"), lines_of(account, access)
    assert any('"message":"answered"' in line for line in function)
    assert [json.loads(line)["status"] for line in gateway] == [
        "424",
        "200",
        "400",
        "413",
        "202",
        "201",
        "403",
    ]
    told = "\n".join((*function, *gateway, account.server.log.getvalue()))
    assert secret not in told and "X-Amz-Signature" not in told and "AWS4-HMAC" not in told


# signatures


def test_a_signature_is_verified(account: Account, echo: RestApi) -> None:
    echo.create()
    event = echo.signed("POST", "/a/b?c=d&c=e", "{}", JSON).json()
    assert event["requestContext"]["identity"]["userArn"] == f"arn:aws:iam::{account.id}:root"
    assert event["multiValueQueryStringParameters"] == {"c": ["d", "e"]}
    assert event["pathParameters"] == {"proxy": "a/b"}
    assert base64.b64decode(event["body"]) == b"{}" and event["isBase64Encoded"] is True


def test_a_session_of_a_role_signs(account: Account, echo: RestApi) -> None:
    echo.create()
    session = account.client("sts").assume_role(RoleArn=account.role("caller"), RoleSessionName="monday")
    keys = session["Credentials"]
    good = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    identity = echo.signed("GET", "/a", credentials=good).json()["requestContext"]["identity"]
    assert identity["userArn"].endswith(":assumed-role/caller/monday")
    assert identity["caller"].endswith(":monday")
    bad = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], "another")
    assert code(echo.signed("GET", "/a", credentials=bad)) == (403, "INVALID_SIGNATURE")


def test_what_is_not_signed_well_is_403(account: Account, echo: RestApi) -> None:
    echo.create()
    assert code(echo.ask("POST", "/a", "{}")) == (403, "MISSING_AUTHENTICATION_TOKEN")
    wrong = Credentials(account.id, "wrong")
    assert code(echo.signed("POST", "/a", "{}", credentials=wrong)) == (403, "INVALID_SIGNATURE")
    stranger = Credentials("AKIAIOSFODNN7EXAMPLE", "wrong")
    assert code(echo.signed("POST", "/a", "{}", credentials=stranger)) == (403, "INVALID_SIGNATURE")
    other = Credentials("999999999999", "embedded")
    assert code(echo.signed("POST", "/a", "{}", credentials=other)) == (403, "ACCESS_DENIED")
    assert code(echo.ask("POST", "/a", "{}", {"Authorization": "Bearer x"})) == (403, "INVALID_SIGNATURE")


def test_a_changed_body_or_an_old_signature_is_403(account: Account, echo: RestApi) -> None:
    echo.create()
    sent = echo.signed("POST", "/a", "{}")
    headers = {name: str(value) for name, value in sent.request.headers.items() if name != "Content-Length"}
    assert echo.ask("POST", "/a", "{}", headers).status_code == 200
    assert code(echo.ask("POST", "/a", '{"a": 1}', headers)) == (403, "INVALID_SIGNATURE")
    assert code(echo.ask("POST", "/b", "{}", headers)) == (403, "INVALID_SIGNATURE")
    old = {**headers, "X-Amz-Date": "20200101T000000Z"}
    assert code(echo.ask("POST", "/a", "{}", old)) == (403, "INVALID_SIGNATURE")


# user pools


@pytest.fixture
def pool(account: Account) -> dict[str, str]:
    """A user pool with a user who is signed in: its ARN, and the tokens."""
    client = account.client("cognito-idp")
    made = client.create_user_pool(PoolName="callers")["UserPool"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    app = client.create_user_pool_client(UserPoolId=made["Id"], ClientName="app", ExplicitAuthFlows=flows)
    app_id = app["UserPoolClient"]["ClientId"]
    client.admin_create_user(UserPoolId=made["Id"], Username="ada", MessageAction="SUPPRESS")
    client.admin_set_user_password(
        UserPoolId=made["Id"], Username="ada", Password="Long-enough-1", Permanent=True
    )
    done = client.initiate_auth(
        ClientId=app_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Long-enough-1"},
    )["AuthenticationResult"]
    return {"arn": made["Arn"], "id": done["IdToken"], "access": done["AccessToken"]}


def of_pool(echo: RestApi, pool: dict[str, str], **method: Any) -> RestApi:
    """Create an API for the users of a pool."""
    echo.create()
    authorizer = echo.authorizer(
        type="COGNITO_USER_POOLS",
        providerARNs=[pool["arn"]],
        identitySource="method.request.header.Authorization",
    )
    place = {"restApiId": echo.id, "resourceId": echo.resources["proxy"], "httpMethod": "ANY"}
    echo.client.delete_method(**place)
    echo.put_method(authorizationType="COGNITO_USER_POOLS", authorizerId=authorizer, **method)
    return echo


def test_a_token_of_the_user_pool_is_verified(echo: RestApi, pool: dict[str, str]) -> None:
    of_pool(echo, pool)
    for scheme in ("", "Bearer "):
        answer = echo.ask("GET", "/a", headers={"Authorization": f"{scheme}{pool['id']}"})
        claims = answer.json()["requestContext"]["authorizer"]["claims"]
        assert claims["cognito:username"] == "ada" and claims["token_use"] == "id"
    header, claims, signature = pool["id"].split(".")
    refused = (None, "x", pool["access"], f"{header}.{claims}.{signature[:-8]}AAAAAAAA")
    for token in refused:
        headers = {"Authorization": f"Bearer {token}"} if token else None
        assert code(echo.ask("GET", "/a", headers=headers)) == (401, "UNAUTHORIZED")


def test_an_access_token_is_wanted_where_scopes_are(echo: RestApi, pool: dict[str, str]) -> None:
    of_pool(echo, pool, authorizationScopes=["aws.cognito.signin.user.admin"])
    assert echo.ask("GET", "/a", headers={"Authorization": pool["access"]}).status_code == 200
    assert code(echo.ask("GET", "/a", headers={"Authorization": pool["id"]})) == (401, "UNAUTHORIZED")


def test_a_scope_that_a_token_lacks_is_401(echo: RestApi, pool: dict[str, str]) -> None:
    of_pool(echo, pool, authorizationScopes=["inference/invoke"])
    assert code(echo.ask("GET", "/a", headers={"Authorization": pool["access"]})) == (401, "UNAUTHORIZED")


# Lambda authorizers

AUTHORIZER = """
calls = []

def handle(event, context):
    calls.append(1)
    token = event["authorizationToken"]
    if token == "nobody":
        raise Exception("Unauthorized")
    if token == "broken":
        raise Exception("Unavailable")
    statement = {"Action": "execute-api:Invoke", "Effect": token.title(), "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "ada", "policyDocument": policy, "context": {"calls": len(calls)}}
"""


def of_function(echo: RestApi, function_arn: str, **authorizer: Any) -> RestApi:
    """Create an API with a Lambda authorizer."""
    echo.create()
    made = echo.authorizer(
        **{
            "type": "TOKEN",
            "authorizerUri": uri_of(function_arn),
            "identitySource": "method.request.header.Authorization",
            **authorizer,
        }
    )
    echo.client.delete_method(restApiId=echo.id, resourceId=echo.resources["proxy"], httpMethod="ANY")
    echo.put_method(authorizationType="CUSTOM", authorizerId=made)
    return echo


def test_a_lambda_authorizer_decides_and_is_remembered(account: Account, echo: RestApi) -> None:
    of_function(echo, make_function(account, "callers", zipped({"code.py": AUTHORIZER})))

    def ask(token: str) -> requests.Response:
        return echo.ask("GET", "/a", headers={"Authorization": token})

    for _ in range(2):
        assert ask("allow").json()["requestContext"]["authorizer"] == {"principalId": "ada", "calls": "1"}
    assert code(ask("deny")) == (403, "ACCESS_DENIED")
    assert code(ask("nobody")) == (401, "UNAUTHORIZED")
    assert code(ask("broken")) == (500, "AUTHORIZER_FAILURE")
    assert code(echo.ask("GET", "/a")) == (401, "UNAUTHORIZED")
    assert code(echo.ask("GET", "/b", headers={"Authorization": "allow"})) == (403, "ACCESS_DENIED")


def test_a_lambda_authorizer_that_is_not_to_be_remembered_is_asked_each_time(
    account: Account, echo: RestApi
) -> None:
    function = make_function(account, "callers", zipped({"code.py": AUTHORIZER}))
    of_function(echo, function, authorizerResultTtlInSeconds=0)
    answers = [echo.ask("GET", "/a", headers={"Authorization": "allow"}).json() for _ in range(2)]
    assert [one["requestContext"]["authorizer"]["calls"] for one in answers] == ["1", "2"]


def test_our_authorizer_verifies_tokens_of_an_issuer(account: Account, echo: RestApi) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    bucket = account.bucket("issuer")
    s3 = account.client("s3")
    keys = json.dumps({"keys": [{**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "1"}]})
    s3.put_object(Bucket=bucket, Key="keys", Body=keys)
    where = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "keys"})
    variables = {
        "ISSUER": "https://issuer.example",
        "AUDIENCES": '["inference"]',
        "REQUIRED_SCOPES": '["invoke"]',
        "JWKS_URI": where,
        "POWERTOOLS_SERVICE_NAME": "authorizer",
    }
    function = make_function(
        account,
        "authorizer",
        package("jwt_authorizer"),
        "jwt_authorizer.handler.handle",
        Environment={"Variables": variables},
    )
    of_function(echo, function, identityValidationExpression=r"^Bearer [\w-]+\.[\w-]+\.[\w-]+$")

    def ask(**claims: Any) -> requests.Response:
        good = {"iss": "https://issuer.example", "aud": "inference", "sub": "ada", "exp": time.time() + 60}
        token = jwt.encode({**good, "scope": "invoke", **claims}, key, "RS256", headers={"kid": "1"})
        return echo.ask("GET", "/a", headers={"Authorization": f"Bearer {token}"})

    assert ask().json()["requestContext"]["authorizer"] == {"principalId": "ada", "scope": "invoke"}
    assert code(ask(exp=1)) == (401, "UNAUTHORIZED")
    assert code(ask(aud="billing")) == (401, "UNAUTHORIZED")
    assert code(ask(scope="other")) == (403, "ACCESS_DENIED")
    assert code(echo.ask("GET", "/a", headers={"Authorization": "Bearer x"})) == (401, "UNAUTHORIZED")


# limits


def test_a_payload_over_ten_megabytes_is_413(account: Account, echo: RestApi) -> None:
    echo.create()
    assert code(echo.signed("POST", "/a", b"x" * (10 * 2**20 + 1))) == (413, "REQUEST_TOO_LARGE")


def test_a_stage_is_throttled(account: Account, echo: RestApi) -> None:
    echo.create()
    assert echo.signed("GET", "/a").status_code == 200
    echo.patch(("/*/*/throttling/rateLimit", "0.1"), ("/*/*/throttling/burstLimit", "3"))
    answers = [echo.signed("GET", "/a") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert code(answers[-1]) == (429, "THROTTLED")


def test_a_key_of_a_usage_plan_is_wanted_and_counted(account: Account, echo: RestApi) -> None:
    echo.create(apiKeyRequired=True)
    client = echo.client
    plan = client.create_usage_plan(
        name="small",
        apiStages=[{"apiId": echo.id, "stage": echo.stage}],
        throttle={"rateLimit": 1000, "burstLimit": 1000},
        quota={"limit": 2, "period": "DAY"},
    )["id"]
    key = client.create_api_key(name="ada", enabled=True)
    assert code(echo.signed("GET", "/a", headers={"X-Api-Key": key["value"]})) == (403, "INVALID_API_KEY")
    client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    answers = [echo.signed("GET", "/a", headers={"X-Api-Key": key["value"]}) for _ in range(3)]
    assert answers[0].json()["requestContext"]["identity"]["apiKeyId"] == key["id"]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert code(answers[-1]) == (429, "QUOTA_EXCEEDED")
    assert code(echo.signed("GET", "/a")) == (403, "INVALID_API_KEY")


def test_a_parameter_that_is_required_is_wanted(account: Account, echo: RestApi) -> None:
    echo.create()
    client, place = echo.client, {"restApiId": echo.id, "resourceId": echo.resources["proxy"]}
    validator = client.create_request_validator(
        restApiId=echo.id, name="parameters", validateRequestParameters=True, validateRequestBody=False
    )["id"]
    client.delete_method(**place, httpMethod="ANY")
    echo.put_method(
        requestParameters={"method.request.header.Content-Type": True}, requestValidatorId=validator
    )
    assert echo.signed("POST", "/a", "{}", JSON).status_code == 200
    answer = echo.signed("POST", "/a", "{}", {})
    assert code(answer) == (400, "BAD_REQUEST_PARAMETERS")
    assert answer.json()["error"]["message"] == "Missing required request parameters: [Content-Type]"


def seen(name: str) -> dict[str, Any]:
    """Return how a rule is measured."""
    return {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": True, "MetricName": name}


def test_a_firewall_blocks_sizes_and_addresses(account: Account, echo: RestApi) -> None:
    echo.create()
    size = {
        "Name": "size",
        "Priority": 0,
        "Statement": {
            "RegexMatchStatement": {
                "RegexString": "^[1-9]\\d{3,}$",
                "FieldToMatch": {"SingleHeader": {"Name": "content-length"}},
                "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            }
        },
        "Action": {"Block": {"CustomResponse": {"ResponseCode": 413, "CustomResponseBodyKey": "large"}}},
        "VisibilityConfig": seen("size"),
    }
    managed = {
        "Name": "common",
        "Priority": 1,
        "Statement": {
            "ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}
        },
        "OverrideAction": {"None": {}},
        "VisibilityConfig": seen("common"),
    }
    rate = {
        "Name": "rate",
        "Priority": 2,
        "Statement": {"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP"}},
        "Action": {"Block": {}},
        "VisibilityConfig": seen("rate"),
    }
    client = account.client("wafv2")
    acl = client.create_web_acl(
        Name="firewall",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=seen("firewall"),
        CustomResponseBodies={"large": {"ContentType": "APPLICATION_JSON", "Content": '{"a": 1}'}},
        Rules=[size, managed, rate],
    )["Summary"]["ARN"]
    stage = f"arn:aws:apigateway:{REGION}::/restapis/{echo.id}/stages/{echo.stage}"
    client.associate_web_acl(WebACLArn=acl, ResourceArn=stage)
    large = echo.signed("POST", "/a", b"x" * 1000)
    assert (large.status_code, large.json()) == (413, {"a": 1})
    answers = [echo.signed("GET", "/a") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [403]
    assert code(answers[-1]) == (403, "WAF_FILTERED")


# what API Gateway itself does


def test_a_stage_serves_what_was_deployed(account: Account, echo: RestApi) -> None:
    echo.create()
    echo.client.delete_method(restApiId=echo.id, resourceId=echo.resources["proxy"], httpMethod="ANY")
    assert echo.signed("GET", "/a").status_code == 200
    with pytest.raises(echo.client.exceptions.ClientError):
        echo.deploy()


def test_what_is_not_there_is_403(account: Account, echo: RestApi) -> None:
    echo.create()
    assert code(echo.signed("GET", "/")) == (403, "MISSING_AUTHENTICATION_TOKEN")
    elsewhere = f"{account.server.url}/restapis/{echo.id}/none/_user_request_/a"
    assert requests.get(elsewhere, timeout=10).json() == {"message": "Forbidden"}


def test_a_function_that_raises_or_answers_oddly_is_502(account: Account, echo: RestApi) -> None:
    echo.create()
    assert code(echo.signed("POST", "/raise", "planted")) == (502, "DEFAULT_5XX")
    assert code(echo.signed("POST", "/odd", "{}")) == (502, "DEFAULT_5XX")


def test_a_function_that_takes_too_long_is_504(account: Account, echo: RestApi) -> None:
    echo.create()
    echo.put_integration(timeoutInMillis=1000)
    echo.deploy()
    started = time.monotonic()
    assert code(echo.signed("GET", "/slow")) == (504, "INTEGRATION_TIMEOUT")
    assert time.monotonic() - started < 3


def test_a_function_that_does_not_let_the_api_in_is_500(account: Account, echo: RestApi) -> None:
    echo.create()
    account.client("lambda").remove_permission(FunctionName="echo", StatementId="api")
    assert code(echo.signed("GET", "/a")) == (500, "API_CONFIGURATION_ERROR")


def test_an_alias_is_called_with_the_permission_that_names_it(account: Account, echo: RestApi) -> None:
    client = account.client("lambda")
    client.remove_permission(FunctionName="echo", StatementId="api")
    version = client.publish_version(FunctionName="echo")["Version"]
    client.create_alias(FunctionName="echo", Name="live", FunctionVersion=version)
    client.update_function_code(FunctionName="echo", ZipFile=zipped({"code.py": "no Python"}))
    echo.function_arn += ":live"
    echo.create()
    assert code(echo.signed("GET", "/a")) == (500, "API_CONFIGURATION_ERROR")
    permission = {
        "FunctionName": "echo",
        "Qualifier": "live",
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
    }
    start = f"arn:aws:execute-api:{REGION}:{account.id}"
    client.add_permission(**permission, StatementId="other", SourceArn=f"{start}:another/*")
    assert code(echo.signed("GET", "/a")) == (500, "API_CONFIGURATION_ERROR")
    client.add_permission(**permission, StatementId="this", SourceArn=f"{start}:{echo.id}/*/GET/*")
    assert echo.signed("GET", "/a").status_code == 200


def test_an_api_for_vpc_endpoints_is_for_them_alone(account: Account, echo: RestApi) -> None:
    echo.create()
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceVpce": ["vpce-1"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    echo.client.update_rest_api(
        restApiId=echo.id, patchOperations=[{"op": "replace", "path": "/policy", "value": policy}]
    )
    echo.deploy()
    assert code(echo.signed("GET", "/a")) == (403, "ACCESS_DENIED")
    by = {"X-Sagewright-Vpc-Endpoint": "vpce-1"}
    assert echo.signed("GET", "/a", headers=by).status_code == 200


def test_many_ask_at_once(account: Account, api: RestApi) -> None:
    barrier = threading.Barrier(12)

    def ask(number: int) -> tuple[int, str]:
        barrier.wait()
        answer = api.signed("POST", "/endpoints/churn/invocations", json.dumps(number), JSON)
        return answer.status_code, answer.json()["sha256"]

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(ask, range(12)))
    assert found == [(200, hashlib.sha256(str(number).encode()).hexdigest()) for number in range(12)]
