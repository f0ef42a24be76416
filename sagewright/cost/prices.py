"""The price file: what AWS asks for, by region, each list with its source and its day; nothing is guessed.

One file ships with Sagewright and holds what a named public source shows, which is little. A checkout can
have its own, made by `sagewright prices refresh`; then that one counts alone.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from sagewright.cost.model import HOURS_PER_MONTH
from sagewright.errors import Usage
from sagewright.gate.catalog import Strict, problem
from sagewright.project import Project

SHIPPED = Path(__file__).with_name("prices.json")
STALE_DAYS = 90
"""Days after which prices are called old: a quarter. AWS says of no price how long it will hold."""
GLOBAL = "global"
"""Stands for every region, where AWS asks for the same everywhere."""

Unit = Literal["hour", "second", "month"]
PER_MONTH: Mapping[Unit, int] = {"hour": HOURS_PER_MONTH, "second": HOURS_PER_MONTH * 3600, "month": 1}
"""How often a price is asked for in a month."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of price, and what AWS's price list calls it."""

    unit: Unit
    service: str = ""
    """Service code of the price list; empty for what `sagewright prices refresh` cannot ask for."""
    family: str = ""
    """Its product family."""
    usage: str = ""
    """Pattern of the usage type, behind the region's prefix; its group is what follows `/` in the key."""
    everywhere: bool = False
    """Listed once for all regions."""

    @property
    def told_apart(self) -> bool:
        """Whether its keys name what its prices differ by: an instance type, a memory, a size."""
        return "(" in self.usage or not self.service


INSTANCE = r"(ml\.[a-z0-9-]+\.[a-z0-9]+)"
KINDS: Mapping[str, Kind] = {
    **{
        name: Kind(unit="hour", service="AmazonSageMaker", family="ML Instance", usage=usage + INSTANCE)
        for name, usage in {
            "hosting": "Host:",
            "asynchronous": "AsyncInf:",
            "notebook": "Notebk:",
            "processing": "Processing:",
            "studio-jupyterlab": "Studio:JupyterLab-",
            "studio-codeeditor": "Studio:CodeEditor-",
            "studio-kernelgateway": "Studio:KernelGateway-",
        }.items()
    },
    **{
        name: Kind(unit="second", service="AmazonSageMaker", family="ML Serverless", usage=usage)
        for name, usage in {
            "serverless": r"ServerlessInf:Mem-(\dGB)",
            "serverless-provisioned": r"ProvisionedConcurrency:Usage-(\dGB)",
            "serverless-provisioned-used": r"ProvisionedConcurrency:Mem-(\dGB)",
        }.items()
    },
    "mlflow": Kind(unit="hour"),
    "nat-gateway": Kind(unit="hour", service="AmazonEC2", family="NAT Gateway", usage="NatGateway-Hours"),
    "vpc-endpoint": Kind(unit="hour", service="AmazonVPC", family="VpcEndpoint", usage="VpcEndpoint-Hours"),
    "kms-key": Kind(unit="month", service="awskms", family="Encryption Key", usage="KMS-Keys"),
    "alarm": Kind(unit="month", service="AmazonCloudWatch", family="Alarm", usage="CW:AlarmMonitorUsage"),
    "alarm-high-resolution": Kind(
        unit="month", service="AmazonCloudWatch", family="Alarm", usage="CW:HighResAlarmMonitorUsage"
    ),
    "dashboard": Kind(
        unit="month",
        service="AmazonCloudWatch",
        family="Dashboard",
        usage="DashboardsUsageHour",
        everywhere=True,
    ),
    "web-acl": Kind(unit="month", service="awswaf", family="Web Application Firewall", usage="WebACLV2"),
    "web-acl-rule": Kind(unit="month", service="awswaf", family="Web Application Firewall", usage="RuleV2"),
}
"""What a price can be of: `hosting/ml.m5.xlarge`, `serverless/2GB`, `kms-key`.

https://docs.aws.amazon.com/cur/latest/userguide/product-columns.html
"""


def kind_of(key: str) -> Kind | None:
    """Return the kind of a key; `None` where it is of none, or names more or less than its kind wants."""
    name, _, rest = key.partition("/")
    kind = KINDS.get(name)
    return kind if kind is not None and bool(rest) == kind.told_apart else None


class PriceList(Strict):
    """Prices of one region, in one unit, from one source, of one day."""

    region: str = Field(pattern=r"^([a-z]{2}(-[a-z]+)+-\d|global)$")
    currency: Literal["USD"]
    unit: Unit
    """What a price is for: an hour, a second, or a month of one of its kind."""
    date: datetime.date
    """Day that the source is of; where it does not say, the earliest that it can be of."""
    source: str = Field(pattern=r"^https://")
    note: str = ""
    """How the figures were read from the source, where it does not show them as they stand here."""
    prices: dict[str, float] = Field(min_length=1)

    @model_validator(mode="after")
    def _prices_are_of_a_kind(self) -> PriceList:
        for key, price in self.prices.items():
            kind = kind_of(key)
            if kind is None or kind.unit != self.unit:
                wanted = ", ".join(sorted(name for name, kind in KINDS.items() if kind.unit == self.unit))
                raise ValueError(f"supply prices per {self.unit}, of {wanted}, got {key!r}")
            if not 0 < price < float("inf"):
                raise ValueError(f"{key}: supply a price above 0, got {price}")
        return self


class PriceFile(Strict):
    """A price file as it is written."""

    lists: list[PriceList] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_price_is_there_once(self) -> PriceFile:
        counted = Counter(f"{key} in {each.region}" for each in self.lists for key in each.prices)
        if twice := sorted(key for key, count in counted.items() if count > 1):
            raise ValueError(f"supply each price once, got twice: {', '.join(twice)}")
        return self


class Unpriced(Exception):
    """There is no figure; the text says why, in words that stand alone."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The prices of one region."""

    region: str
    lists: tuple[PriceList, ...]

    @cached_property
    def prices(self) -> Mapping[str, float]:
        """Dollars by key; what is the region's own goes before what holds everywhere."""
        own = sorted(self.lists, key=lambda each: each.region != GLOBAL)
        return {key: price for each in own for key, price in each.prices.items()}

    def per_month(self, key: str) -> float:
        """Return what one of a kind costs if it is there for a whole month, in dollars; raises `Unpriced`."""
        price = self.prices.get(key)
        if price is None:
            raise Unpriced(f"no price of {key} in {self.region}; `sagewright prices refresh` asks AWS")
        return price * PER_MONTH[KINDS[key.partition("/")[0]].unit]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What AWS asks for, as a price file has it."""

    lists: tuple[PriceList, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """Read a price file, or the one that ships with Sagewright.

        Raises `Usage` that names the file and every wrong value in it.
        """
        return cls(lists=tuple(read(path or SHIPPED).lists))

    @classmethod
    def of(cls, project: Project) -> Prices:
        """Read the checkout's own price file where there is one, else the one that ships; raises `Usage`."""
        return cls.load(project.prices if project.prices.is_file() else None)

    def rates(self, region: str) -> Rates:
        """Return the prices of a region, those that hold everywhere too."""
        lists = tuple(each for each in self.lists if each.region in (region, GLOBAL))
        return Rates(region=region, lists=lists)

    def oldest(self, region: str) -> datetime.date:
        """Return the day of the oldest price of a region; of all, where there is none of it."""
        return min(each.date for each in self.rates(region).lists or self.lists)


def read(path: Path) -> PriceFile:
    """Return a price file's content; raises `Usage`."""
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=once)
    except OSError as error:
        raise Usage(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise Usage(f"{path}: not JSON: {error}") from None
    try:
        return PriceFile.model_validate_json(text)
    except ValidationError as error:
        lines = [problem(detail, content) for detail in error.errors(include_url=False)]
        raise Usage("\n".join(f"{path}: {line}" for line in lines)) from None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raises `ValueError` where a key is there twice, of which JSON keeps the last."""
    if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise ValueError(f"{twice[0]!r} is there twice")
    return dict(pairs)
