"""Features: what a live group lacks is added, in place; anything else is refused before anything changes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from sagewright import features as subject
from sagewright.errors import SagewrightError, Usage
from sagewright.features import add, pending
from tests.sagewright.local.conftest import REGION, Account, Server, serving

NAME = "acme-dev-customers-v1"
ADDRESS = "aws_sagemaker_feature_group.customers_v1"
BASE = {"id": "String", "at": "Fractional"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The embedded AWS in this process."""
    with serving() as running:
        yield running


@pytest.fixture
def account(server: Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account with one feature group, at which AWS_ENDPOINT_URL points."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setattr(subject, "POLL_SECONDS", 0)
    account = Account(server, f"{zlib.crc32(request.node.nodeid.encode()):012d}")
    create(account, NAME)
    return account


def create(account: Account, name: str, storage_type: str = "Standard") -> None:
    account.sagemaker.create_feature_group(
        FeatureGroupName=name,
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[{"FeatureName": key, "FeatureType": type_} for key, type_ in BASE.items()],
        OnlineStoreConfig={"EnableOnlineStore": True, "StorageType": storage_type},
    )


def session(account: Account) -> boto3.session.Session:
    return boto3.session.Session(account.id, "embedded", region_name=REGION)


def state(**names: str) -> dict[str, Any]:
    """The state of a stack; without names, one group."""
    names = names or {"customers_v1": NAME}
    resources = [
        {
            "address": f"aws_sagemaker_feature_group.{key}",
            "mode": "managed",
            "type": "aws_sagemaker_feature_group",
            "values": {"feature_group_name": name},
        }
        for key, name in names.items()
    ]
    bucket = {"address": "aws_s3_bucket.x", "mode": "managed", "type": "aws_s3_bucket", "values": {}}
    return {"format_version": "1.0", "values": {"root_module": {"resources": [bucket, *resources]}}}


def configuration(name: str = NAME, /, key: str = "customers_v1", **features: Any) -> dict[str, Any]:
    """A synthesized stack with one group: its features, and what more they are to be."""
    definitions = [
        {"feature_name": feature, **(type_ if isinstance(type_, dict) else {"feature_type": type_})}
        for feature, type_ in {**BASE, **features}.items()
        if type_ is not None
    ]
    group = {"feature_group_name": name, "feature_definition": definitions}
    return {"resource": {"aws_sagemaker_feature_group": {key: group}}}


def live(account: Account, name: str = NAME) -> dict[str, str]:
    described = account.sagemaker.describe_feature_group(FeatureGroupName=name)
    return {one["FeatureName"]: one["FeatureType"] for one in described["FeatureDefinitions"]}


def test_what_is_configured_more_is_told_then_added_and_then_nothing_is_left(account: Account) -> None:
    wanted = configuration(age="Integral", city="String")
    (addition,) = pending("dev-features", state(), wanted, session(account))
    assert str(addition) == f"dev-features: {NAME}: age (Integral), city (String)"
    assert live(account) == BASE

    said: list[str] = []
    add([addition], session(account), said.append)
    assert said == [f"dev-features: {NAME}: adding age (Integral), city (String)"]
    assert live(account) == {**BASE, "age": "Integral", "city": "String"}
    assert pending("dev-features", state(), wanted, session(account)) == ()


def test_adding_the_same_again_changes_nothing(account: Account) -> None:
    additions = pending("dev-features", state(), configuration(age="Integral"), session(account))
    add(additions, session(account))
    said: list[str] = []
    add(additions, session(account), said.append)
    assert said == []


def test_collections_are_added_as_they_are(account: Account) -> None:
    create(account, "acme-dev-items-v1", storage_type="InMemory")
    vector = {
        "feature_type": "Fractional",
        "collection_type": "Vector",
        "collection_config": {"vector_config": {"dimension": 64}},
    }
    tags = {"feature_type": "String", "collection_type": "List"}
    wanted = configuration("acme-dev-items-v1", key="items_v1", embedding=vector, tags=tags)
    deployed = state(items_v1="acme-dev-items-v1")
    (addition,) = pending("dev-features", deployed, wanted, session(account))
    assert str(addition).endswith(": embedding (Fractional Vector 64), tags (String List)")
    add([addition], session(account))
    assert pending("dev-features", deployed, wanted, session(account)) == ()


def test_terraform_may_spell_a_block_as_a_list(account: Account) -> None:
    vector = {
        "feature_type": "Fractional",
        "collection_type": "Vector",
        "collection_config": [{"vector_config": [{"dimension": 64}]}],
    }
    (addition,) = pending("dev-features", state(), configuration(embedding=vector), session(account))
    assert addition.features[0]["CollectionConfig"] == {"VectorConfig": {"Dimension": 64}}


def test_more_than_a_hundred_are_added_in_several_updates(account: Account) -> None:
    more = {f"f{number}": "Integral" for number in range(250)}
    said: list[str] = []
    add(
        pending("dev-features", state(), configuration(**more), session(account)),
        session(account),
        said.append,
    )
    assert [line.count("Integral") for line in said] == [100, 100, 50]
    assert live(account) == {**BASE, **more}


def test_all_that_is_configured_otherwise_is_refused_at_once_and_nothing_is_added(account: Account) -> None:
    create(account, "acme-dev-shops-v1")
    two = configuration(at="String", age="Integral")
    shops = configuration("acme-dev-shops-v1", key="shops_v1", id=None, size="Integral")
    two["resource"]["aws_sagemaker_feature_group"] |= shops["resource"]["aws_sagemaker_feature_group"]
    with pytest.raises(Usage) as refusal:
        pending("dev-features", state(customers_v1=NAME, shops_v1="acme-dev-shops-v1"), two, session(account))
    assert str(refusal.value).splitlines() == [
        f"dev-features: {NAME}: at: supply Fractional, as live, or a new version of the group, got String; "
        "SageMaker neither changes nor removes a feature",
        "dev-features: acme-dev-shops-v1: id: supply String, as live, or a new version of the group, got "
        "none; SageMaker neither changes nor removes a feature",
    ]
    assert live(account) == BASE


@pytest.mark.parametrize("name", [NAME, "customers_v1"])
def test_groups_are_chosen_by_either_name(account: Account, name: str) -> None:
    create(account, "acme-dev-shops-v1")
    two = configuration(age="Integral")
    shops = configuration("acme-dev-shops-v1", key="shops_v1", size="Integral")
    two["resource"]["aws_sagemaker_feature_group"] |= shops["resource"]["aws_sagemaker_feature_group"]
    deployed = state(customers_v1=NAME, shops_v1="acme-dev-shops-v1")
    additions = pending("dev-features", deployed, two, session(account), [name])
    assert [addition.group.address for addition in additions] == [ADDRESS]


def test_a_name_that_no_group_has_is_refused_with_those_that_there_are(account: Account) -> None:
    with pytest.raises(Usage, match=rf"supply feature groups that are deployed \({NAME}\), got shops"):
        pending("dev-features", state(), configuration(), session(account), ["shops"])
    with pytest.raises(Usage, match=r"\(none: apply first\), got shops"):
        pending("dev-features", {"format_version": "1.0"}, configuration(), session(account), ["shops"])


@pytest.mark.parametrize(
    ("deployed", "wanted"),
    [
        ({"format_version": "1.0"}, configuration(age="Integral")),
        (state(), {"resource": {}}),
        (state(), {}),
        (state(), configuration("acme-dev-customers-v2", age="Integral")),
    ],
    ids=["not applied yet", "no longer configured", "an empty stack", "a new version at the same address"],
)
def test_what_an_apply_makes_or_removes_is_left_alone(
    account: Account, deployed: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert pending("dev-features", deployed, wanted, session(account)) == ()


def test_a_name_that_only_terraform_knows_is_that_of_the_state(account: Account) -> None:
    wanted = configuration("${var.name}", age="Integral")
    (addition,) = pending("dev-features", state(), wanted, session(account))
    assert addition.group.name == NAME


def test_an_update_under_way_is_waited_for(account: Account) -> None:
    with account.transition("sagemaker::feature_group", progression="manual", times=3):
        account.sagemaker.update_feature_group(
            FeatureGroupName=NAME, FeatureAdditions=[{"FeatureName": "age", "FeatureType": "Integral"}]
        )
        wanted = configuration(age="Integral", city="String")
        (addition,) = pending("dev-features", state(), wanted, session(account))
        assert str(addition).endswith(": city (String)")
        add([addition], session(account))
    assert set(live(account)) == {"id", "at", "age", "city"}


def test_an_update_that_does_not_end_is_told(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "POLLS", 2)
    additions = pending("dev-features", state(), configuration(age="Integral"), session(account))
    with (
        account.transition("sagemaker::feature_group", progression="manual", times=99),
        pytest.raises(SagewrightError, match=f"{NAME}: .*Max attempts exceeded.*; run this again"),
    ):
        add(additions, session(account))


def test_an_update_that_fails_is_told_with_its_reason(account: Account) -> None:
    account.fail("UpdateFeatureGroup", name=NAME, reason="no more columns")
    additions = pending("dev-features", state(), configuration(age="Integral"), session(account))
    with pytest.raises(
        SagewrightError, match=rf"{NAME}: SageMaker did not add age \(Integral\): no more columns"
    ):
        add(additions, session(account))
    add(additions, session(account))
    assert "age" in live(account)


def test_what_aws_refuses_is_told_in_its_words(account: Account) -> None:
    additions = pending("dev-features", state(), configuration(is_deleted="String"), session(account))
    with pytest.raises(SagewrightError, match=f"{NAME}: ValidationException: .*reserved words"):
        add(additions, session(account))
    with pytest.raises(SagewrightError, match="dev-features: gone: ResourceNotFound"):
        pending("dev-features", state(customers_v1="gone"), configuration("gone"), session(account))


def test_a_group_that_was_not_made_is_told_with_the_reason(account: Account) -> None:
    offline = {
        "S3StorageConfig": {"S3Uri": "s3://features/offline"},
        "DataCatalogConfig": {"Catalog": "AwsDataCatalog", "Database": "d", "TableName": "t"},
    }
    role = account.role()
    for name in ("first", "second"):
        account.sagemaker.create_feature_group(
            FeatureGroupName=name,
            RecordIdentifierFeatureName="id",
            EventTimeFeatureName="at",
            FeatureDefinitions=[{"FeatureName": key, "FeatureType": type_} for key, type_ in BASE.items()],
            OfflineStoreConfig=offline,
            RoleArn=role,
        )
    with pytest.raises(
        SagewrightError, match="second: it must be Created, got CreateFailed: Table t already"
    ):
        pending("dev-features", state(customers_v1="second"), configuration("second"), session(account))


def test_all_pages_of_a_description_are_read() -> None:
    def answer(model: Any, params: Any, **_: Any) -> tuple[Any, Any]:
        second = json.loads(params["body"]).get("NextToken")
        name = "at" if second else "id"
        page = {
            "FeatureGroupName": NAME,
            "FeatureGroupStatus": "Created",
            "FeatureDefinitions": [{"FeatureName": name, "FeatureType": BASE[name]}],
            "NextToken": "" if second else "more",
        }
        return SimpleNamespace(status_code=200), page

    paged = boto3.session.Session("test", "test", region_name=REGION)
    paged.events.register("before-call", answer)  # type: ignore[arg-type]
    (addition,) = pending("dev-features", state(), configuration(age="Integral"), paged)
    assert str(addition).endswith(": age (Integral)")
