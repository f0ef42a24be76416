"""Requests are checked against the service model, with AWS's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagewright.local import validation
from sagewright.local.refusal import Refused
from sagewright.local.service_models import service_model
from sagewright.local.validation import WORDING, read_request
from tests.sagewright.local.conftest import Account, refused


def refusal(service: str, operation: str, request: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        read_request(service, operation, json.dumps(request).encode())
    return caught.value


def configuration(**variant: Any) -> dict[str, Any]:
    return {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "a", **variant}]}


FAILED = "failed to satisfy constraint: Member must"
NAME_PATTERN = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        (
            "DescribeEndpoint",
            {},
            f"1 validation error detected: Value null at 'endpointName' {FAILED} not be null",
        ),
        (
            "CreateEndpointConfig",
            configuration(InitialInstanceCount=0),
            "1 validation error detected: Value '0' at 'productionVariants.1.member.initialInstanceCount' "
            f"{FAILED} have value greater than or equal to 1",
        ),
        (
            "CreateEndpointConfig",
            configuration(VolumeSizeInGB=1000),
            "1 validation error detected: Value '1000' at 'productionVariants.1.member.volumeSizeInGB' "
            f"{FAILED} have value less than or equal to 512",
        ),
        (
            "CreateEndpointConfig",
            configuration(AcceleratorType="ml.eia9.large"),
            "1 validation error detected: Value 'ml.eia9.large' at "
            f"'productionVariants.1.member.acceleratorType' {FAILED} satisfy enum value set: "
            "[ml.eia1.medium, ml.eia1.large, ml.eia1.xlarge, ml.eia2.medium, ml.eia2.large, ml.eia2.xlarge]",
        ),
        (
            "DescribeEndpointConfig",
            {"EndpointConfigName": "größe"},
            "1 validation error detected: Value 'größe' at 'endpointConfigName' "
            f"{FAILED} satisfy regular expression pattern: {NAME_PATTERN}",
        ),
        (
            "DescribeEndpointConfig",
            {"EndpointConfigName": "-" * 64},
            f"2 validation errors detected: Value '{'-' * 64}' at 'endpointConfigName' "
            f"{FAILED} have length less than or equal to 63; Value '{'-' * 64}' at 'endpointConfigName' "
            f"{FAILED} satisfy regular expression pattern: {NAME_PATTERN}",
        ),
        (
            "CreateEndpointConfig",
            {"EndpointConfigName": "c", "ProductionVariants": []},
            "1 validation error detected: Value '[]' at 'productionVariants' "
            f"{FAILED} have length greater than or equal to 1",
        ),
        (
            "CreateModel",
            {"ModelName": "m", "VpcConfig": {"Subnets": ["a_b"], "SecurityGroupIds": ["sg-0"]}},
            """1 validation error detected: Value '["a_b"]' at 'vpcConfig.subnets' """
            f"{FAILED} satisfy constraint: [Member must have length less than or equal to 32, "
            "Member must have length greater than or equal to 0, "
            "Member must satisfy regular expression pattern: [-0-9a-zA-Z]+]",
        ),
        (
            "AddTags",
            {"ResourceArn": "arn:aws:sagemaker:eu-west-1:111122223333:model/m", "Tags": [{"Key": "k"}]},
            f"1 validation error detected: Value null at 'tags.1.member.value' {FAILED} not be null",
        ),
        (
            "DescribeEndpoint",
            {"EndpointName": "churn", "Verbose": True},
            "1 validation error detected: Value at 'verbose' failed to satisfy constraint: "
            "Member is not in the model of this operation",
        ),
    ],
)
def test_the_words_of_sagemaker(operation: str, request_: dict[str, Any], message: str) -> None:
    found = refusal("sagemaker", operation, request_)
    assert (found.code, found.message) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"EndpointName": 1}, "NUMBER_VALUE can not be converted to string at 'endpointName'"),
        ({"EndpointName": ["a"]}, "START_ARRAY can not be converted to string at 'endpointName'"),
        ([], "Start of structure expected, got START_ARRAY"),
    ],
)
def test_another_type_cannot_be_read(request_: Any, message: str) -> None:
    found = refusal("sagemaker", "DescribeEndpoint", request_)
    assert (found.code, found.message) == ("SerializationException", message)


@pytest.mark.parametrize("flag", ["true", 1, None])
def test_a_flag_is_a_flag(flag: Any) -> None:
    request = {"ModelName": "m", "EnableNetworkIsolation": flag}
    if flag is None:
        assert read_request("sagemaker", "CreateModel", json.dumps(request).encode()) == request
    else:
        assert refusal("sagemaker", "CreateModel", request).code == "SerializationException"


def test_a_flag_is_no_number() -> None:
    found = refusal("sagemaker", "CreateEndpointConfig", configuration(InitialInstanceCount=True))
    assert found.message.startswith("BOOLEAN_VALUE can not be converted to integer")


def test_a_body_that_is_not_json() -> None:
    with pytest.raises(Refused, match="the body is not JSON"):
        read_request("sagemaker", "DescribeEndpoint", b"{")


def test_an_operation_that_aws_does_not_have() -> None:
    assert refusal("sagemaker", "CreateEverything", {}).code == "UnknownOperationException"


def test_the_words_of_ecr() -> None:
    found = refusal("ecr", "CreateRepository", {"repositoryName": "Models"})
    assert found.code == "InvalidParameterException"
    where = "Invalid parameter at 'repositoryName' failed to satisfy constraint"
    assert found.message.startswith(f"{where}: 'must satisfy regular expression '[a-z0-9]+")


def test_the_words_of_application_auto_scaling() -> None:
    found = refusal("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "sage"})
    assert found.code == "ValidationException"
    assert "Value 'sage' at 'serviceNamespace'" in found.message


def test_a_secret_is_not_shown() -> None:
    found = refusal("kms", "Encrypt", {"KeyId": "", "Plaintext": ""})
    assert "Value '' at 'keyId' failed" in found.message
    assert "Value at 'plaintext' failed" in found.message


def test_a_letter_is_a_letter_in_any_script() -> None:
    request = {"ResourceArn": "arn:aws:sagemaker:eu-west-1:111122223333:model/m"}
    tag = {"Key": "Größe 大", "Value": "1 €"}
    found = refusal("sagemaker", "AddTags", {**request, "Tags": [tag]})
    assert "'1 €' at 'tags.1.member.value'" in found.message
    assert "key" not in found.message


@pytest.mark.parametrize("service", WORDING)
def test_every_pattern_of_the_service_models_can_be_read(service: str) -> None:
    model = service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    for pattern in patterns:
        validation._compiled(pattern)


@given(st.from_regex(validation._compiled(NAME_PATTERN), fullmatch=True).filter(lambda name: len(name) <= 63))
def test_every_name_that_the_pattern_allows_is_accepted(name: str) -> None:
    request = json.dumps({"EndpointConfigName": name}).encode()
    assert read_request("sagemaker", "DescribeEndpointConfig", request)["EndpointConfigName"] == name


@given(st.text(max_size=70))
def test_a_name_is_refused_exactly_if_it_is_too_long_or_has_other_characters(name: str) -> None:
    allowed = len(name) <= 63 and name.isascii() and name.replace("-", "a").isalnum()
    allowed = allowed and name[0] != "-" and name[-1] != "-"
    request = json.dumps({"EndpointConfigName": name}).encode()
    if allowed:
        read_request("sagemaker", "DescribeEndpointConfig", request)
    else:
        found = refusal("sagemaker", "DescribeEndpointConfig", {"EndpointConfigName": name})
        assert found.code == "ValidationException"


def test_a_client_meets_the_refusal(account: Account) -> None:
    with refused("Value 'ml.none' at 'productionVariants.1.member.instanceType'"):
        account.sagemaker.create_endpoint_config(**configuration(InstanceType="ml.none"))
    with refused("Value '101' at 'maxResults'"):
        account.sagemaker.list_models(MaxResults=101)
    with refused("Invalid parameter at 'repositoryName'", "InvalidParameterException"):
        account.client("ecr").create_repository(repositoryName="Models")
    with refused("at 'logGroupName'", "InvalidParameterException"):
        account.client("logs").create_log_group(logGroupName="no spaces")
