"""Model: isolation, replacement, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cdktf import Fn, Token

from modules.model import Container, Model, ModelConfig
from tests.conftest import Synth
from tests.inventory import Inventory

DIGEST = "a" * 64
CONTAINER = Container(
    image=f"222233334444.dkr.ecr.eu-west-1.amazonaws.com/churn@sha256:{DIGEST}",
    model_data_url="s3://acme-dev-artifacts/churn/model.tar.gz",
    environment={"LOG_LEVEL": "info"},
)
CONFIG = ModelConfig(
    name="acme-dev-churn",
    execution_role_arn="arn:aws:iam::111122223333:role/acme-dev-model",
    subnet_ids=("subnet-0a", "subnet-0b"),
    security_group_ids=("sg-0a",),
    container=CONTAINER,
)


def test_a_model_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/model", synth(Model, CONFIG))


def test_a_model_is_isolated_from_the_network_and_inside_of_the_vpc(synth: Synth) -> None:
    model = synth(Model, CONFIG).one("aws_sagemaker_model")
    assert model["enable_network_isolation"] is True
    assert model["vpc_config"] == {"subnets": ["subnet-0a", "subnet-0b"], "security_group_ids": ["sg-0a"]}


def test_a_new_model_is_made_before_the_old_one_goes(synth: Synth) -> None:
    model = synth(Model, CONFIG)
    assert model.one("aws_sagemaker_model")["lifecycle"] == {"create_before_destroy": True}
    assert model.one("terraform_data")["lifecycle"] == {"create_before_destroy": True}


def test_the_name_is_a_new_one_when_anything_of_the_model_changes(synth: Synth) -> None:
    synthesized = synth(Model, CONFIG)
    model = synthesized.one("aws_sagemaker_model")
    revision = synthesized.one("terraform_data", "revision")
    assert model["name"] == "acme-dev-churn-${substr(terraform_data.revision.id, 0, 8)}"
    assert revision["triggers_replace"] == {
        "image": CONTAINER.image,
        "model_data_url": "s3://acme-dev-artifacts/churn/model.tar.gz",
        "environment": {"LOG_LEVEL": "info"},
        "repository_access": "Platform",
        "execution_role_arn": "arn:aws:iam::111122223333:role/acme-dev-model",
        "subnet_ids": ["subnet-0a", "subnet-0b"],
        "security_group_ids": ["sg-0a"],
        "network_isolation": True,
    }


def test_every_argument_that_replaces_a_model_is_part_of_its_revision(synth: Synth) -> None:
    synthesized = synth(Model, replace(CONFIG, container=replace(CONTAINER, repository_access="Platform")))
    model = synthesized.one("aws_sagemaker_model")
    content = synthesized.one("terraform_data", "revision")["triggers_replace"]
    arguments = {
        "execution_role_arn": content["execution_role_arn"],
        "enable_network_isolation": content["network_isolation"],
        "vpc_config": {
            "subnets": content["subnet_ids"],
            "security_group_ids": content["security_group_ids"],
        },
        "primary_container": {
            "image": content["image"],
            "model_data_url": content["model_data_url"],
            "environment": content["environment"],
        },
    }
    assert {key: value for key, value in model.items() if key not in {"name", "lifecycle", "//"}} == arguments


def test_the_order_of_environment_variables_does_not_matter(synth: Synth) -> None:
    def content(*keys: str) -> list[str]:
        container = replace(CONTAINER, environment={key: "1" for key in keys})
        revision = synth(Model, replace(CONFIG, container=container)).one("terraform_data")
        return list(revision["triggers_replace"]["environment"])

    assert content("A", "B") == content("B", "A")


def test_tags_come_from_the_provider_alone(synth: Synth) -> None:
    assert "tags" not in synth(Model, CONFIG).one("aws_sagemaker_model")


def test_the_image_holds_the_model_when_there_is_no_artifact(synth: Synth) -> None:
    container = Container(image=CONTAINER.image)
    model = synth(Model, replace(CONFIG, container=container)).one("aws_sagemaker_model")
    assert model["primary_container"] == {"image": CONTAINER.image}


def test_a_private_registry_is_reached_through_the_vpc_only_when_asked_for(synth: Synth) -> None:
    container = Container(image=f"registry.acme.example:5000/churn@sha256:{DIGEST}", repository_access="Vpc")
    model = synth(Model, replace(CONFIG, container=container)).one("aws_sagemaker_model")
    assert model["primary_container"]["image_config"] == {"repository_access_mode": "Vpc"}
    assert "image_config" not in synth(Model, CONFIG).one("aws_sagemaker_model")["primary_container"]


def test_values_that_terraform_knows_later_pass(synth: Synth) -> None:
    token = Token.as_string({"Ref": "later"})
    config = ModelConfig(
        name=token,
        execution_role_arn=token,
        subnet_ids=(token,),
        security_group_ids=(token,),
        container=Container(image=token, model_data_url=token, environment={"URL": Fn.lower(token)}),
    )
    assert synth(Model, config).addresses == ["aws_sagemaker_model.this", "terraform_data.revision"]


@pytest.mark.parametrize("key", ["MAX_TOKENS", "TOKENIZER", "EOS_TOKEN", "SECRET_ARN", "KEYSPACE", "MONKEY"])
def test_a_variable_that_only_sounds_like_a_secret_passes(key: str) -> None:
    assert replace(CONTAINER, environment={key: "value"}).environment == {key: "value"}


def test_a_secret_is_named_by_its_arn() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hub-AbCdEf"
    assert replace(CONTAINER, environment={"HF_TOKEN": arn}).environment["HF_TOKEN"] == arn


@pytest.mark.parametrize(
    "key", ["HF_TOKEN", "db_password", "API_KEY", "APIKEY", "AWS_SECRET_ACCESS_KEY", "CLIENT_SECRET", "TOKEN"]
)
def test_a_secret_in_clear_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ValueError, match=f"environment.{key}: supply the ARN of a secret") as refusal:
        replace(CONTAINER, environment={key: "hunter2"})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image": "222233334444.dkr.ecr.eu-west-1.amazonaws.com/churn:latest"},
            "image: supply a value such as",
        ),
        ({"image": f"docker.io/acme/churn@sha256:{DIGEST}"}, "image: supply a value such as 1111"),
        ({"image": f"{CONTAINER.image[:-1]}"}, "image: supply a value such as"),
        ({"repository_access": "Internet"}, "repository_access: supply one of Platform, Vpc, got 'Internet'"),
        (
            {"model_data_url": "s3://bucket/model.zip"},
            "model_data_url: supply a value such as s3://bucket/model",
        ),
        ({"model_data_url": f"s3://b/{'m' * 1024}.tar.gz"}, "model_data_url: supply at most 1024 characters"),
        ({"environment": {"1ST": "x"}}, "environment: key: supply a value such as LOG_LEVEL, got '1ST'"),
        ({"environment": {"K" * 1025: "x"}}, "environment: key: supply at most 1024 characters, got 1025"),
        ({"environment": {"TEXT": "x" * 1025}}, "environment.TEXT: supply at most 1024 characters, got 1025"),
        (
            {"environment": {f"K{i}": "x" for i in range(101)}},
            "number of variables: supply at most 100, got 101",
        ),
        (
            {"environment": {f"K{i}": "x" * 1000 for i in range(40)}},
            "all keys and values: supply at most 32768",
        ),
    ],
    ids=[
        "an image by tag",
        "an image outside of ECR",
        "a digest that is cut short",
        "a way to the registry that there is not",
        "an artifact that is no tar.gz",
        "an address of the artifact that is too long",
        "a variable that begins with a digit",
        "a variable's name that is too long",
        "a variable's value that is too long",
        "too many variables",
        "too much in all variables together",
    ],
)
def test_a_container_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONTAINER, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "-churn"}, "name: supply a value such as acme-dev-churn, got '-churn'"),
        ({"name": "c" * 55}, "name: supply at most 54 characters, got 55"),
        (
            {"execution_role_arn": "acme-dev-model"},
            "execution_role_arn: supply a value such as arn:aws:iam::",
        ),
        ({"subnet_ids": ()}, "subnet_ids: supply at least one, got none"),
        (
            {"subnet_ids": tuple(f"subnet-{i}" for i in range(17))},
            "number of subnets: supply at most 16, got 17",
        ),
        ({"security_group_ids": ()}, "security_group_ids: supply at least one, got none"),
        (
            {"security_group_ids": tuple(f"sg-{i}" for i in range(6))},
            "number of groups: supply at most 5, got 6",
        ),
    ],
    ids=[
        "a name that begins with a hyphen",
        "a name that leaves no room for the revision",
        "a role without its ARN",
        "a model outside of a VPC",
        "too many subnets",
        "no security group",
        "too many security groups",
    ],
)
def test_a_model_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]
