"""Lambda and WAF as AWS has them: settings are kept, and what cannot work is refused."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from .conftest import REGION, Account, refused
from .test_mends_apigateway import URI, trust

INVALID = "InvalidParameterValueException"
RULES = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
MISSING = "WAFNonexistentItemException"


def code() -> bytes:
    """Return the zip of a function."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("f/handler.py", "def handle(event, context): ...\n")
    return made.getvalue()


@pytest.fixture
def function(account: Account) -> dict[str, Any]:
    """What makes a function."""
    return {
        "FunctionName": "f",
        "Role": account.role("f", trust("lambda.amazonaws.com")),
        "Runtime": "python3.13",
        "Handler": "f.handler.handle",
        "Code": {"ZipFile": code()},
    }


def test_create_function_keeps_how_it_logs_and_refuses_what_cannot_run(
    account: Account, function: dict[str, Any]
) -> None:
    lambda_ = account.client("lambda")
    for changes, message in (
        ({"Role": account.role()}, "cannot be assumed by Lambda"),
        ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip uploaded file"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": []}}, "'subnet-1' does not exist"),
        ({"Environment": {"Variables": {"LONG": "x" * 5000}}}, "exceeded the 4KB limit"),
    ):
        with refused(message, INVALID):
            lambda_.create_function(**{**function, **changes})
    with refused("Handler is mandatory", INVALID):
        lambda_.create_function(**{name: function[name] for name in function if name != "Handler"})
    with refused("does not exist", "KMSNotFoundException"):
        lambda_.create_function(**function, KMSKeyArn=f"arn:aws:kms:{REGION}:{account.id}:key/none")
    with refused("Member must satisfy enum value set"):
        lambda_.create_function(**{**function, "Runtime": "cobol"})
    lambda_.create_function(**function, LoggingConfig={"LogFormat": "JSON", "LogGroup": "/aws/lambda/f"})
    found = lambda_.get_function_configuration(FunctionName="f")
    assert found["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f"}
    with refused("Function already exist: f", "ResourceConflictException", 409):
        lambda_.create_function(**function)


def test_update_function_configuration_changes_key_tracing_and_logs(
    account: Account, function: dict[str, Any]
) -> None:
    lambda_, key = account.client("lambda"), account.key()
    lambda_.create_function(**function)
    lambda_.update_function_configuration(
        FunctionName="f",
        KMSKeyArn=key,
        TracingConfig={"Mode": "Active"},
        LoggingConfig={"LogFormat": "JSON"},
        EphemeralStorage={"Size": 1024},
    )
    found = lambda_.get_function_configuration(FunctionName="f")
    assert (found["KMSKeyArn"], found["TracingConfig"]) == (key, {"Mode": "Active"})
    assert found["LoggingConfig"]["LogFormat"] == "JSON"
    assert found["EphemeralStorage"] == {"Size": 1024}


def test_update_function_code_and_publish_layer_version_take_zips_alone(
    account: Account, function: dict[str, Any]
) -> None:
    lambda_ = account.client("lambda")
    lambda_.create_function(**function)
    with refused("Could not unzip uploaded file", INVALID):
        lambda_.update_function_code(FunctionName="f", ZipFile=b"no zip")
    with refused("Could not unzip uploaded file", INVALID):
        lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": b"no zip"})
    assert lambda_.publish_layer_version(LayerName="l", Content={"ZipFile": code()})["Version"] == 1


def test_put_function_concurrency_leaves_some_to_others(account: Account, function: dict[str, Any]) -> None:
    lambda_ = account.client("lambda")
    for name in ("f", "g"):
        lambda_.create_function(**{**function, "FunctionName": name})
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=500)
    with refused("below its minimum value of [100]", INVALID):
        lambda_.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=401)
    lambda_.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=400)


@pytest.fixture
def acl(account: Account) -> dict[str, Any]:
    """A firewall without rules."""
    made: dict[str, Any] = account.client("wafv2").create_web_acl(
        Name="models", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=RULES
    )["Summary"]
    return made


def test_associate_web_acl_and_delete_web_acl_know_the_stage(account: Account, acl: dict[str, Any]) -> None:
    gateway, waf = account.client("apigateway"), account.client("wafv2")
    api = gateway.create_rest_api(name="models")
    where = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "POST"}
    gateway.put_method(**where, authorizationType="AWS_IAM")
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=URI)
    stage = {
        "WebACLArn": acl["ARN"],
        "ResourceArn": f"arn:aws:apigateway:{REGION}::/restapis/{api['id']}/stages/live",
    }
    with refused("does not exist", MISSING):
        waf.associate_web_acl(**stage)
    deployment = gateway.create_deployment(restApiId=api["id"])["id"]
    gateway.create_stage(restApiId=api["id"], stageName="live", deploymentId=deployment)
    waf.associate_web_acl(**stage)
    gone = {"Name": "models", "Scope": "REGIONAL", "Id": acl["Id"], "LockToken": acl["LockToken"]}
    with refused("is being used by another resource", "WAFAssociatedItemException"):
        waf.delete_web_acl(**gone)
    waf.disassociate_web_acl(ResourceArn=stage["ResourceArn"])
    waf.delete_web_acl(**gone)


def test_put_logging_configuration_writes_to_groups_of_its_own_name(
    account: Account, acl: dict[str, Any]
) -> None:
    waf, logs = account.client("wafv2"), account.client("logs")
    start = f"arn:aws:logs:{REGION}:{account.id}:log-group:"
    for name in ("other", "aws-waf-logs-models"):
        with refused("LOG_DESTINATION", "WAFInvalidParameterException"):
            waf.put_logging_configuration(
                LoggingConfiguration={"ResourceArn": acl["ARN"], "LogDestinationConfigs": [start + name]}
            )
        logs.create_log_group(logGroupName=name)
    whole = {"ResourceArn": acl["ARN"], "LogDestinationConfigs": [f"{start}aws-waf-logs-models"]}
    waf.put_logging_configuration(LoggingConfiguration=whole)
    with refused("does not exist", MISSING):
        waf.put_logging_configuration(LoggingConfiguration={**whole, "ResourceArn": f"{acl['ARN']}0"})
    with refused("Member must satisfy enum value set"):
        waf.create_web_acl(Name="m", Scope="GLOBAL", DefaultAction={"Allow": {}}, VisibilityConfig=RULES)
