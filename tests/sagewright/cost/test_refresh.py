"""Prices from AWS: what it lists goes into the file in one step; an unclear answer changes nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from rich.console import Console

from sagewright.cost import Prices
from sagewright.cost.prices import KINDS
from sagewright.cost.refresh import API_REGION, Refreshed, refresh, show
from sagewright.errors import SagewrightError

Json = dict[str, Any]
REGION = "eu-central-1"
TODAY = date(2026, 3, 1)


def product(usage: str, price: float, unit: str = "Hrs", currency: str = "USD", **more: Any) -> Json:
    """Return a product as AWS lists it: an offer with one term on demand, and another in advance.

    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file.html
    """
    dimension = {
        "unit": unit,
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${price} per {usage}",
        "appliesTo": [],
        "rateCode": "SKU.JRTCKXETXF.6YS6EN2CT7",
        "pricePerUnit": {currency: f"{price:.10f}"},
    }
    return {
        "product": {
            "productFamily": "…",
            "attributes": {"usagetype": usage, "regionCode": REGION, "operation": "…"},
            "sku": "SKU",
        },
        "serviceCode": "…",
        "terms": {
            "OnDemand": {
                "SKU.JRTCKXETXF": {
                    "priceDimensions": {"SKU.JRTCKXETXF.6YS6EN2CT7": dimension},
                    "sku": "SKU",
                    "effectiveDate": "2026-02-01T00:00:00Z",
                    "offerTermCode": "JRTCKXETXF",
                    "termAttributes": {},
                }
            }
        },
        "version": "20260201000000",
        "publicationDate": "2026-02-01T00:00:00Z",
        **more,
    }


def answers() -> dict[str, list[Json]]:
    """Return what AWS lists, by product family: other products too, as it does."""
    tiers = product("EUC1-CW:AlarmMonitorUsage", 0.10, "Alarms")
    term = tiers["terms"]["OnDemand"]["SKU.JRTCKXETXF"]["priceDimensions"]
    term["second"] = {**term["SKU.JRTCKXETXF.6YS6EN2CT7"], "pricePerUnit": {"USD": "0.0000000000"}}
    return {
        "ML Instance": [
            product("EUC1-Host:ml.m5.large", 0.138),
            product("EUC1-Host:ml.m5.large", 0.138),
            product("EUC1-AsyncInf:ml.m5.large", 0.138),
            product("EUC1-Notebk:ml.t3.medium", 0.06),
            product("EUC1-Studio:JupyterLab-ml.t3.medium", 0.06),
            product("EUC1-Train:ml.m5.large", 0.138),
            product("EUC1-Host:ml.preview.large", 0),
        ],
        "ML Serverless": [
            product("EUC1-ServerlessInf:Mem-2GB", 0.00005, "seconds"),
            product("EUC1-ProvisionedConcurrency:Usage-2GB", 0.00001, "Second"),
        ],
        "NAT Gateway": [product("EUC1-NatGateway-Hours", 0.052), product("EUC1-NatGateway-Bytes", 0.052)],
        "VpcEndpoint": [product("EUC1-VpcEndpoint-Hours", 0.012), product("EUC1-VpcEndpoint-Bytes", 0.01)],
        "Encryption Key": [product("eu-central-1-KMS-Keys", 1.0, "Keys")],
        "Alarm": [tiers, product("EUC1-CW:HighResAlarmMonitorUsage", 0.3, "Alarms")],
        "Web Application Firewall": [
            product("EUC1-WebACLV2", 5.0, "WebACL"),
            product("EUC1-RuleV2", 1.0, "Rule"),
            product("EUC1-ShieldProtected-WebACLV2", 0.0, "WebACL"),
        ],
        "Dashboard": [product("DashboardsUsageHour", 3.0, "Dashboards")],
    }


@pytest.fixture(scope="module")
def client() -> Any:
    """boto3's client for prices, which never reaches AWS."""
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")
    return session.client("pricing", region_name=API_REGION)


@pytest.fixture
def stubber(client: Any) -> Iterator[Stubber]:
    """AWS, which expects just what it is told, in order."""
    with Stubber(client) as stubber:
        yield stubber


Ask = Callable[..., Refreshed]


@pytest.fixture
def ask(client: Any, stubber: Stubber, tmp_path: Path) -> Ask:
    """Refresh a price file from what AWS lists, in two pages where there is more than one product."""

    def run(
        listed: dict[str, list[Json]], regions: Sequence[str] = (REGION,), today: date = TODAY
    ) -> Refreshed:
        for region in (*regions, None):
            kinds = [kind for kind in KINDS.values() if kind.service and kind.everywhere == (region is None)]
            for service, family in dict.fromkeys((kind.service, kind.family) for kind in kinds):
                where = {"productFamily": family, **({"regionCode": region} if region else {})}
                filters = [
                    {"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in where.items()
                ]
                wanted: Json = {"ServiceCode": service, "Filters": filters}
                items = list(map(json.dumps, listed[family]))
                first: Json = {"FormatVersion": "aws_v1", "PriceList": items[:1]}
                if items[1:]:
                    first["NextToken"] = "more"
                stubber.add_response("get_products", first, wanted)
                if items[1:]:
                    stubber.add_response(
                        "get_products", {"PriceList": items[1:]}, {**wanted, "NextToken": "more"}
                    )
        return refresh(client, tmp_path / "prices.json", list(regions), today, lambda _: None)

    return run


def test_what_aws_lists_is_written_with_its_source_and_its_day(ask: Ask, stubber: Stubber) -> None:
    refreshed = ask(answers())
    stubber.assert_no_pending_responses()
    rates = Prices.load(refreshed.path).rates(REGION)
    assert rates.prices == {
        "alarm": 0.1,
        "alarm-high-resolution": 0.3,
        "asynchronous/ml.m5.large": 0.138,
        "dashboard": 3.0,
        "hosting/ml.m5.large": 0.138,
        "kms-key": 1.0,
        "nat-gateway": 0.052,
        "notebook/ml.t3.medium": 0.06,
        "serverless-provisioned/2GB": 0.00001,
        "serverless/2GB": 0.00005,
        "studio-jupyterlab/ml.t3.medium": 0.06,
        "vpc-endpoint": 0.012,
        "web-acl": 5.0,
        "web-acl-rule": 1.0,
    }
    assert {each.date for each in rates.lists} == {TODAY}
    offers = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/"
    sources = {key: each.source.removeprefix(offers) for each in rates.lists for key in each.prices}
    assert sources["hosting/ml.m5.large"] == "AmazonSageMaker/current/eu-central-1/index.json"
    assert sources["dashboard"] == "AmazonCloudWatch/current/index.json"
    assert [path.name for path in refreshed.path.parent.iterdir()] == ["prices.json"]


def test_it_says_what_changed(ask: Ask) -> None:
    ask(answers())
    later = answers()
    later["NAT Gateway"] = [product("EUC1-NatGateway-Hours", 0.06)]
    later["ML Instance"] = [*later["ML Instance"][:1], product("EUC1-Notebk:ml.t3.large", 0.12)]
    out = io.StringIO()
    refreshed = ask(later)
    show(refreshed, Console(file=out, width=100))
    assert out.getvalue().splitlines() == [
        "  eu-central-1  nat-gateway  0.052 → 0.06 USD",
        "prices.json: 12 prices of eu-central-1: 1 changed, 1 new, 3 gone",
    ]
    assert refreshed.to_dict()["differences"][1] == {
        "region": REGION,
        "key": "nat-gateway",
        "before": 0.052,
        "after": 0.06,
    }


def test_other_regions_and_what_aws_is_not_asked_for_stay(ask: Ask, tmp_path: Path) -> None:
    common = {"currency": "USD", "unit": "hour", "date": "2020-01-01", "source": "https://example.com"}
    own = {**common, "region": REGION, "prices": {"mlflow/Small": 0.6, "nat-gateway": 9.9}}
    other = {**common, "region": "eu-west-1", "prices": {"nat-gateway": 0.048}}
    (tmp_path / "prices.json").write_text(json.dumps({"lists": [own, other]}), encoding="utf-8")
    prices = Prices.load(ask(answers()).path)
    assert prices.rates("eu-west-1").prices["nat-gateway"] == 0.048
    assert (prices.rates(REGION).prices["mlflow/Small"], prices.rates(REGION).prices["nat-gateway"]) == (
        0.6,
        0.052,
    )
    assert prices.oldest(REGION) == date(2020, 1, 1)


def test_two_regions_are_asked_for_and_what_is_everywhere_once(ask: Ask, stubber: Stubber) -> None:
    assert ask(answers(), (REGION, "eu-west-1")).regions == (REGION, "eu-west-1")
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("family", "items", "said"),
    [
        (
            "NAT Gateway",
            [],
            "nat-gateway in eu-central-1: AWS lists no price; supply a region that has SageMaker",
        ),
        (
            "ML Instance",
            [product("EUC1-Notebk:ml.t3.medium", 1)],
            "hosting in eu-central-1: AWS lists no price",
        ),
        (
            "VpcEndpoint",
            [product("EUC1-VpcEndpoint-Hours", 0.012), product("EUC1-VpcEndpoint-Hours", 0.02)],
            "vpc-endpoint in eu-central-1: AWS lists two prices, 0.012 and 0.02",
        ),
        (
            "Encryption Key",
            [product("eu-central-1-KMS-Keys", 6.88, "Keys", currency="CNY")],
            "kms-key in eu-central-1: expected a price in USD, AWS lists CNY",
        ),
        (
            "NAT Gateway",
            [product("EUC1-NatGateway-Hours", 0.052, "GB")],
            "nat-gateway in eu-central-1: expected a price per hour, AWS lists it per GB",
        ),
        (
            "NAT Gateway",
            [product("EUC1-NatGateway-Hours", 0.052, terms={"Reserved": {}})],
            "nat-gateway in eu-central-1: AWS lists no price on demand",
        ),
    ],
)
def test_an_answer_that_is_not_one_price_in_dollars_leaves_the_file_as_it_was(
    ask: Ask, stubber: Stubber, tmp_path: Path, family: str, items: list[Json], said: str
) -> None:
    before = ask(answers()).path.read_bytes()
    with pytest.raises(SagewrightError, match=said):
        ask({**answers(), family: items})
    assert (tmp_path / "prices.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["prices.json"]


def test_what_aws_refuses_is_said_in_its_own_words(client: Any, stubber: Stubber, tmp_path: Path) -> None:
    stubber.add_client_error("get_products", "AccessDeniedException", "not for you")
    with pytest.raises(
        SagewrightError, match=r"no prices of AmazonSageMaker in eu-central-1: .*not for you; supply"
    ):
        refresh(client, tmp_path / "prices.json", [REGION], TODAY, lambda _: None)
    assert list(tmp_path.iterdir()) == []
