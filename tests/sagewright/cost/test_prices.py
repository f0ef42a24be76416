"""The price file: every price has a source and a day; a wrong file is refused, with all that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.cost import Prices
from sagewright.cost.prices import SHIPPED, PriceFile, Unpriced
from sagewright.errors import Usage
from sagewright.project import Project

Json = dict[str, Any]


def listed(**more: Any) -> Json:
    return {
        "region": "eu-central-1",
        "currency": "USD",
        "unit": "hour",
        "date": "2026-01-31",
        "source": "https://example.com/prices",
        "prices": {"hosting/ml.m5.large": 0.138},
        **more,
    }


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[str], str]:
    """Return what is said of a price file that is refused, without the file's name."""

    def read(text: str) -> str:
        path = tmp_path / "prices.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Usage) as error:
            Prices.load(path)
        return str(error.value).replace(f"{path}: ", "")

    return read


def test_the_shipped_file_names_a_source_that_stays_as_it_is() -> None:
    """A file of a repository at a commit, or a page of AWS."""
    for each in Prices.load().lists:
        address = each.source.removeprefix("https://")
        assert address.startswith("aws.amazon.com/") or "/blob/" in address
        assert each.note


def test_a_price_is_of_one_region_and_what_holds_everywhere_is_of_all() -> None:
    rates = Prices.load().rates("us-east-1")
    assert rates.per_month("hosting/ml.m5.xlarge") == pytest.approx(167.9)
    assert rates.per_month("kms-key") == Prices.load().rates("ap-south-1").per_month("kms-key") == 1
    with pytest.raises(Unpriced, match=r"no price of hosting/ml\.m5\.xlarge in ap-south-1"):
        Prices.load().rates("ap-south-1").per_month("hosting/ml.m5.xlarge")


def test_a_region_s_own_price_goes_before_what_holds_everywhere(tmp_path: Path) -> None:
    everywhere = listed(region="global", unit="month", prices={"kms-key": 1.0})
    own = listed(unit="month", prices={"kms-key": 2.0})
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"lists": [everywhere, own]}), encoding="utf-8")
    assert Prices.load(path).rates("eu-central-1").per_month("kms-key") == 2


def test_a_checkout_s_own_file_counts_alone(tmp_path: Path) -> None:
    project = Project(root=tmp_path)
    assert Prices.of(project) == Prices.load(SHIPPED)
    project.prices.write_text(json.dumps({"lists": [listed()]}), encoding="utf-8")
    assert [each.region for each in Prices.of(project).lists] == ["eu-central-1"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"region": "Frankfurt"}, "lists.0.region: String should match pattern"),
        ({"currency": "CNY"}, "lists.0.currency: Input should be 'USD', got 'CNY'"),
        ({"date": "lately"}, "lists.0.date: Input should be a valid date"),
        ({"source": "heard it"}, "lists.0.source: String should match pattern"),
        ({"prices": {}}, "lists.0.prices: Dictionary should have at least 1 item"),
        (
            {"prices": {"hosting/ml.m5.large": 0}},
            "lists.0: hosting/ml.m5.large: supply a price above 0, got 0",
        ),
        ({"prices": {"hosting": 1}}, "lists.0: supply prices per hour, of asynchronous, hosting, mlflow,"),
        ({"prices": {"nat-gateway/big": 1}}, "got 'nat-gateway/big'"),
        ({"prices": {"kms-key": 1}}, "got 'kms-key'"),
        ({"prices": {"gold": 1}}, "got 'gold'"),
        ({"guess": True}, "lists.0.guess: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_value_is_refused(refused: Callable[[str], str], more: Json, said: str) -> None:
    assert said in refused(json.dumps({"lists": [listed(**more)]}))


def test_a_price_that_is_there_twice_is_refused(refused: Callable[[str], str]) -> None:
    twice = "hosting/ml.m5.large in eu-central-1"
    assert refused(json.dumps({"lists": [listed(), listed(date="2026-02-01")]})).endswith(f"twice: {twice}")
    key = '"hosting/ml.m5.large": 0.138'
    text = json.dumps({"lists": [listed()]}).replace(key, f"{key}, {key}")
    assert refused(text) == "not JSON: 'hosting/ml.m5.large' is there twice"


def test_what_is_no_price_file_is_refused(refused: Callable[[str], str], tmp_path: Path) -> None:
    assert refused("{").startswith("not JSON")
    assert refused("{}") == "lists: Field required"
    with pytest.raises(Usage, match="cannot be read: No such file"):
        Prices.load(tmp_path / "none.json")


def test_the_shipped_file_is_written_as_refresh_writes_it() -> None:
    file = PriceFile.model_validate_json(SHIPPED.read_text(encoding="utf-8"))
    written = json.dumps(file.model_dump(mode="json", exclude_defaults=True), indent=2, ensure_ascii=False)
    assert SHIPPED.read_text(encoding="utf-8") == f"{written}\n"
