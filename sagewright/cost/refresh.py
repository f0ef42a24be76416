"""Prices from AWS itself: the Price List Query API is asked, and the checkout's price file written anew.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from sagewright.cost.prices import GLOBAL, KINDS, Kind, PriceFile, PriceList, Unit, read
from sagewright.errors import SagewrightError

API_REGION = "us-east-1"
"""One of the regions that answer for all: https://docs.aws.amazon.com/general/latest/gr/billing.html."""
OFFER = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/{region}index.json"
"""Where AWS publishes the same price list for everybody to read, without credentials.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html"""
PREFIX = r"(?:(?:[A-Z]{2,4}\d?|[a-z]{2}(?:-[a-z]+)+-\d)-)?"
"""What stands before a usage type in most regions: `EUC1-`, `eu-central-1-`."""
REQUIRED = ("hosting", *(name for name, kind in KINDS.items() if kind.service and not kind.told_apart))
"""Kinds of which every region has a price; the others are not offered everywhere."""
UNITS: Mapping[str, str] = {"hour": "h", "second": "s"}
"""What AWS's word for a unit begins with; what is paid for by the month is called by what it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A price that is new, gone, or another than before, in dollars."""

    region: str
    key: str
    before: float | None
    after: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """What became of a price file."""

    path: Path
    regions: tuple[str, ...]
    prices: int
    """How many prices were asked for."""
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it for a program."""
        return {
            "path": str(self.path),
            "regions": list(self.regions),
            "prices": self.prices,
            "differences": [asdict(difference) for difference in self.differences],
        }


def refresh(
    client: Any, path: Path, regions: Sequence[str], today: date, say: Callable[[str], None]
) -> Refreshed:
    """Ask AWS for all prices of some regions, and write them into a price file, as of today.

    `client` is boto3's for `pricing`. Other regions stay as they are in the file, and so does what AWS is not
    asked for, such as tracking servers. `say` is told what is asked. The file is replaced in one step, at the
    end: raises `SagewrightError`, and leaves it as it was, where AWS refuses, or answers anything but one
    price in dollars for each kind of price.
    """
    kept = list(read(path).lists) if path.is_file() else []
    old = {(each.region, key): price for each in kept for key, price in each.prices.items()}
    asked = list(dict.fromkeys([*regions, GLOBAL]))
    found = [each for region in asked for each in ask(client, region, today, say)]
    fresh = {(each.region, key): price for each in found for key, price in each.prices.items()}
    lists = [*without(kept, asked), *found]
    write(path, lists)
    new = {(each.region, key): price for each in lists for key, price in each.prices.items()}
    differences = [
        Difference(region=region, key=key, before=old.get((region, key)), after=new.get((region, key)))
        for region, key in sorted({*old, *new})
        if old.get((region, key)) != new.get((region, key))
    ]
    return Refreshed(path=path, regions=tuple(regions), prices=len(fresh), differences=tuple(differences))


def without(lists: Iterable[PriceList], regions: Sequence[str]) -> Iterator[PriceList]:
    """Yield what lists hold that AWS is not asked for."""
    for each in lists:
        asked = kinds_of(each.region) if each.region in regions else {}
        prices = {key: price for key, price in each.prices.items() if key.partition("/")[0] not in asked}
        if prices:
            yield each.model_copy(update={"prices": prices})


def kinds_of(region: str) -> dict[str, Kind]:
    """Return what AWS is asked for in a region, or once for all regions, by name."""
    everywhere = region == GLOBAL
    return {name: kind for name, kind in KINDS.items() if kind.service and kind.everywhere == everywhere}


def ask(client: Any, region: str, today: date, say: Callable[[str], None]) -> Iterator[PriceList]:
    """Yield AWS's prices of a region, or of those that are listed once for all; raises `SagewrightError`."""
    kinds = kinds_of(region)
    found: dict[tuple[str, Unit], dict[str, float]] = {}
    for service, family in dict.fromkeys((kind.service, kind.family) for kind in kinds.values()):
        say(f"{service} in {region}")
        items = products(client, service, family, region)
        for name, kind in kinds.items():
            if (kind.service, kind.family) == (service, family):
                prices = priced(name, kind, items, region)
                found.setdefault((service, kind.unit), {}).update(prices)
    for (service, unit), prices in sorted(found.items()):
        if prices:
            yield PriceList(
                region=region,
                currency="USD",
                unit=unit,
                date=today,
                source=OFFER.format(service=service, region="" if region == GLOBAL else f"{region}/"),
                prices=dict(sorted(prices.items())),
            )


def products(client: Any, service: str, family: str, region: str) -> list[dict[str, Any]]:
    """Return the products of a family; raises `SagewrightError` in AWS's own words.

    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
    """
    fields = {"productFamily": family, **({} if region == GLOBAL else {"regionCode": region})}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields.items()]
    try:
        pages = client.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters)
        return [json.loads(item) for page in pages for item in page["PriceList"]]
    except (BotoCoreError, ClientError) as error:
        raise SagewrightError(
            f"AWS gives no prices of {service} in {region}: {error}; supply credentials that may "
            "pricing:GetProducts, of any account"
        ) from None


def priced(name: str, kind: Kind, items: Iterable[Mapping[str, Any]], region: str) -> dict[str, float]:
    """Return the prices of one kind by key; raises `SagewrightError` where a key has none, or two.

    What costs nothing is left out: that is a preview, or an allowance.
    """
    pattern = re.compile(PREFIX + kind.usage)
    found: dict[str, float] = {}
    for item in items:
        match = pattern.fullmatch(item["product"]["attributes"].get("usagetype", ""))
        if match is None:
            continue
        key = "/".join((name, *match.groups()))
        price = price_of(item, kind, f"{key} in {region}")
        if price and found.setdefault(key, price) != price:
            raise SagewrightError(f"{key} in {region}: AWS lists two prices, {found[key]:g} and {price:g}")
    if not found and name in REQUIRED:
        raise SagewrightError(f"{name} in {region}: AWS lists no price; supply a region that has SageMaker")
    return found


def price_of(item: Mapping[str, Any], kind: Kind, where: str) -> float:
    """Return what a product costs on demand, in dollars; raises `SagewrightError`.

    Of several tiers it is the dearest: the first, behind what is free.
    """
    dimensions = [
        dimension
        for term in item["terms"].get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
    ]
    if not dimensions:
        raise SagewrightError(f"{where}: AWS lists no price on demand")
    for dimension in dimensions:
        if not dimension["unit"].lower().startswith(UNITS.get(kind.unit, "")):
            raise SagewrightError(
                f"{where}: expected a price per {kind.unit}, AWS lists it per {dimension['unit']}"
            )
        if "USD" not in dimension["pricePerUnit"]:
            raise SagewrightError(
                f"{where}: expected a price in USD, AWS lists {', '.join(dimension['pricePerUnit'])}"
            )
    return max(float(dimension["pricePerUnit"]["USD"]) for dimension in dimensions)


def write(path: Path, lists: Sequence[PriceList]) -> None:
    """Replace a price file in one step."""
    document = PriceFile(lists=list(lists)).model_dump(mode="json", exclude_defaults=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def show(refreshed: Refreshed, console: Console) -> None:
    """Print which prices changed, and how many came and went."""
    changed = [one for one in refreshed.differences if one.before is not None and one.after is not None]
    for one in changed:
        console.print(Text(f"  {one.region}  {one.key}  {one.before:g} → {one.after:g} USD"))
    came = sum(one.before is None for one in refreshed.differences)
    went = sum(one.after is None for one in refreshed.differences)
    console.print(
        Text(
            f"{refreshed.path.name}: {refreshed.prices} prices of {', '.join(refreshed.regions)}: "
            f"{len(changed)} changed, {came} new, {went} gone"
        )
    )
