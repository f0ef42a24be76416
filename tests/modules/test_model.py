"""Model: isolation, replacement, and what is refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from cdktf import Fn, Token
from pydantic import TypeAdapter

from modules.model import Container, Definition, Direct, Model, ModelConfig, ModelPackage, Serial
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
    definition=CONTAINER,
)
PACKAGE = ModelPackage(
    model_package_arn="arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn/7",
    environment={"LOG_LEVEL": "info"},
)
BARE = Container(image=CONTAINER.image)
MULTI = Container(image=CONTAINER.image, mode="MultiModel", model_data_url="s3://acme-dev-artifacts/models/")
DEFINITIONS: dict[str, Definition] = {
    "a container": CONTAINER,
    "a container in a private registry": Container(
        image=f"registry.acme.example/churn@sha256:{DIGEST}", repository_access="Vpc"
    ),
    "a container with many models": replace(MULTI, model_cache_setting="Disabled"),
    "a version from the registry": PACKAGE,
    "containers in a row": Serial(containers=(BARE, CONTAINER)),
    "containers side by side": Direct(containers={"second": BARE, "first": CONTAINER}),
}


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
        "kind": "Container",
        "containers": [
            {
                "image": CONTAINER.image,
                "model_data_url": "s3://acme-dev-artifacts/churn/model.tar.gz",
                "environment": {"LOG_LEVEL": "info"},
            }
        ],
        "execution_role_arn": "arn:aws:iam::111122223333:role/acme-dev-model",
        "subnet_ids": ["subnet-0a", "subnet-0b"],
        "security_group_ids": ["sg-0a"],
        "network_isolation": True,
    }


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_every_argument_that_replaces_a_model_is_part_of_its_revision(
    synth: Synth, definition: Definition
) -> None:
    synthesized = synth(Model, replace(CONFIG, definition=definition))
    model = synthesized.one("aws_sagemaker_model")
    content = synthesized.one("terraform_data", "revision")["triggers_replace"]
    several = content["kind"] in ("Serial", "Direct")
    ran = (
        {"container": content["containers"], "inference_execution_config": {"mode": content["kind"]}}
        if several
        else {"primary_container": content["containers"][0]}
    )
    arguments = {
        "execution_role_arn": content["execution_role_arn"],
        "enable_network_isolation": content["network_isolation"],
        "vpc_config": {
            "subnets": content["subnet_ids"],
            "security_group_ids": content["security_group_ids"],
        },
        **ran,
    }
    assert {key: value for key, value in model.items() if key not in {"name", "lifecycle", "//"}} == arguments


def test_the_order_of_environment_variables_does_not_matter(synth: Synth) -> None:
    def content(*keys: str) -> list[str]:
        container = replace(CONTAINER, environment={key: "1" for key in keys})
        revision = synth(Model, replace(CONFIG, definition=container)).one("terraform_data")
        return list(revision["triggers_replace"]["containers"][0]["environment"])

    assert content("A", "B") == content("B", "A")


def test_tags_come_from_the_provider_alone(synth: Synth) -> None:
    assert "tags" not in synth(Model, CONFIG).one("aws_sagemaker_model")


def test_the_image_holds_the_model_when_there_is_no_artifact(synth: Synth) -> None:
    container = Container(image=CONTAINER.image)
    model = synth(Model, replace(CONFIG, definition=container)).one("aws_sagemaker_model")
    assert model["primary_container"] == {"image": CONTAINER.image}


def test_a_private_registry_is_reached_through_the_vpc_only_when_asked_for(synth: Synth) -> None:
    container = Container(image=f"registry.acme.example:5000/churn@sha256:{DIGEST}", repository_access="Vpc")
    model = synth(Model, replace(CONFIG, definition=container)).one("aws_sagemaker_model")
    assert model["primary_container"]["image_config"] == {"repository_access_mode": "Vpc"}
    assert "image_config" not in synth(Model, CONFIG).one("aws_sagemaker_model")["primary_container"]


def test_values_that_terraform_knows_later_pass(synth: Synth) -> None:
    token = Token.as_string({"Ref": "later"})
    config = ModelConfig(
        name=token,
        execution_role_arn=token,
        subnet_ids=(token,),
        security_group_ids=(token,),
        definition=Container(image=token, model_data_url=token, environment={"URL": Fn.lower(token)}),
    )
    assert synth(Model, config).addresses == ["aws_sagemaker_model.this", "terraform_data.revision"]


def test_a_version_from_the_registry_names_no_image_beside_it(synth: Synth) -> None:
    package = replace(
        PACKAGE, images=(CONTAINER.image,), model_data_urls=("s3://acme-dev-artifacts/churn/model.tar.gz",)
    )
    model = synth(Model, replace(CONFIG, definition=package)).one("aws_sagemaker_model")
    assert model["primary_container"] == {
        "model_package_name": PACKAGE.model_package_arn,
        "environment": {"LOG_LEVEL": "info"},
    }
    assert package.all_containers == ()


def test_a_row_of_containers_keeps_its_order(synth: Synth) -> None:
    model = synth(Model, replace(CONFIG, definition=DEFINITIONS["containers in a row"])).one(
        "aws_sagemaker_model"
    )
    assert model["inference_execution_config"] == {"mode": "Serial"}
    assert ["environment" in one for one in model["container"]] == [False, True]
    assert "primary_container" not in model


def test_a_caller_chooses_among_containers_by_their_names(synth: Synth) -> None:
    model = synth(Model, replace(CONFIG, definition=DEFINITIONS["containers side by side"])).one(
        "aws_sagemaker_model"
    )
    assert model["inference_execution_config"] == {"mode": "Direct"}
    assert [one["container_hostname"] for one in model["container"]] == ["first", "second"]


def test_a_container_with_many_models_is_given_where_they_are(synth: Synth) -> None:
    many = replace(MULTI, model_cache_setting="Disabled")
    model = synth(Model, replace(CONFIG, definition=many)).one("aws_sagemaker_model")
    assert model["primary_container"] == {
        "image": CONTAINER.image,
        "mode": "MultiModel",
        "model_data_url": "s3://acme-dev-artifacts/models/",
        "multi_model_config": {"model_cache_setting": "Disabled"},
    }


def test_a_model_for_serverless_endpoints_is_in_no_vpc_and_not_isolated(synth: Synth) -> None:
    config = replace(CONFIG, serverless=True, subnet_ids=(), security_group_ids=())
    model = synth(Model, config).one("aws_sagemaker_model")
    assert model["enable_network_isolation"] is False
    assert "vpc_config" not in model


def test_kinds_of_models_are_read_from_a_file_as_they_stand() -> None:
    adapter = TypeAdapter(Definition)
    for definition in DEFINITIONS.values():
        assert adapter.validate_json(json.dumps(asdict(definition))) == definition


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
        ({"mode": "Many"}, "mode: supply one of SingleModel, MultiModel, got 'Many'"),
        (
            {"mode": "MultiModel"},
            "model_data_url: supply a value such as s3://bucket/models/, got 's3://acme-dev-artifacts/churn/mo",
        ),
        (
            {"mode": "MultiModel", "model_data_url": None},
            "model_data_url: supply the prefix of the artifacts for mode MultiModel, got none",
        ),
        (
            {"mode": "MultiModel", "model_data_url": "s3://b/", "model_cache_setting": "On"},
            "model_cache_setting: supply one of Enabled, Disabled, got 'On'",
        ),
        (
            {"model_cache_setting": "Disabled"},
            "model_cache_setting: supply it with mode MultiModel only, got 'Disabled'",
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
        "a mode that there is not",
        "one artifact for many models",
        "many models from nowhere",
        "a way to cache that there is not",
        "a cache of one model",
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
    ("made", "change", "message"),
    [
        (
            PACKAGE,
            {"model_package_arn": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/churn"},
            "model_package_arn: supply a value such as .*/churn/7, got",
        ),
        (PACKAGE, {"images": ("churn",)}, "images: supply a value such as 1111"),
        (
            PACKAGE,
            {"model_data_urls": ("s3://bucket",)},
            "model_data_urls: supply a value such as s3://bucket/",
        ),
        (PACKAGE, {"environment": {"HF_TOKEN": "x"}}, "environment.HF_TOKEN: supply the ARN of a secret"),
        (
            DEFINITIONS["containers in a row"],
            {"containers": (BARE,)},
            "containers: number of containers: supply at least 2, got 1",
        ),
        (
            DEFINITIONS["containers in a row"],
            {"containers": (BARE,) * 16},
            "containers: number of containers: supply at most 15, got 16",
        ),
        (
            DEFINITIONS["containers in a row"],
            {"containers": (MULTI, MULTI)},
            "containers: supply at most one of mode MultiModel, got 2",
        ),
        (
            DEFINITIONS["containers in a row"],
            {"containers": (replace(BARE, environment={f"K{i}": "x" * 1000 for i in range(20)}),) * 2},
            "bytes of all keys and values of environment: supply at most 32768",
        ),
        (
            DEFINITIONS["containers side by side"],
            {"containers": {"only": BARE}},
            "containers: number of containers: supply at least 2, got 1",
        ),
        (
            DEFINITIONS["containers side by side"],
            {"containers": {"the_first": BARE, "second": BARE}},
            "containers: name: supply a value such as churn, got 'the_first'",
        ),
        (
            DEFINITIONS["containers side by side"],
            {"containers": {"h" * 64: BARE, "second": BARE}},
            "containers: name: supply at most 63 characters, got 64",
        ),
        (
            DEFINITIONS["containers side by side"],
            {"containers": {"first": MULTI, "second": BARE}},
            "containers.first.mode: supply SingleModel, got 'MultiModel'",
        ),
    ],
    ids=[
        "a group in place of a version",
        "an image without its registry",
        "an artifact without a key",
        "a secret beside a version",
        "a row of one",
        "a row that is too long",
        "two containers with many models in a row",
        "too much in the variables of all containers",
        "one container to choose from",
        "a name of a container with an underscore",
        "a name of a container that is too long",
        "a container with many models to choose",
    ],
)
def test_a_kind_of_model_is_refused(made: Definition, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(made, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "subnet_ids, security_group_ids: supply none with serverless, got some"),
        (
            {"definition": DEFINITIONS["containers in a row"]},
            "definition: supply one container with serverless, got Serial",
        ),
        ({"definition": MULTI}, "definition.mode: supply SingleModel with serverless, got 'MultiModel'"),
        (
            {"definition": DEFINITIONS["a container in a private registry"]},
            "definition.repository_access: supply Platform with serverless, got 'Vpc'",
        ),
    ],
    ids=["a VPC", "several containers", "many models", "a private registry"],
)
def test_a_model_for_serverless_endpoints_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, serverless=True, **change)  # type: ignore[arg-type]


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
