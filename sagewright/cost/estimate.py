"""What a plan costs before and after, from its JSON and dated prices alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from policies.plan.model import Change, Planned, Resource, Undecided
from sagewright.cost.classes import FREE, USAGE
from sagewright.cost.model import Amount, Cost, Row
from sagewright.cost.priced import PRICED, Estimate, beside
from sagewright.cost.prices import STALE_DAYS, Prices, Rates, Unpriced
from sagewright.gate.plan import read_changes, read_resources

ENDPOINT = "aws_sagemaker_endpoint"


def estimate(document: Mapping[str, Any], region: str, prices: Prices, today: date) -> Cost:
    """Return what the resources of one plan cost in a month, those that it does not change too.

    `document` is plan JSON that the gate could read. What a plan cannot tell is unknown, never 0.
    """
    rates = prices.rates(region)
    rows = tuple(rows_of(document, rates))
    oldest = prices.oldest(region)
    return Cost(
        rows=rows,
        before=sum((row.before for row in rows if row.before), Amount()),
        after=sum((row.after for row in rows if row.after), Amount()),
        unknown=sum(bool(row.unknown) for row in rows),
        source=", ".join(dict.fromkeys(each.source for each in rates.lists)),
        price_date=oldest,
        stale=(today - oldest).days > STALE_DAYS,
    )


def rows_of(document: Mapping[str, Any], rates: Rates) -> Iterator[Row]:
    """Yield a row for each managed resource that costs something, or may."""
    changes = {change.address: change for change in read_changes(document, "") if not change.deposed}
    before = Planned(tuple(read_before(document, changes)))
    after = Planned(tuple(read_resources(document, "", changes, {})))
    old, new = ({resource.address: resource for resource in side.resources} for side in (before, after))
    for address, change in changes.items():
        sides = ((old.get(address), before), (new.get(address), after))
        if change.type not in FREE and (row := row_of(change, sides, rates)):
            yield row


def read_before(document: Mapping[str, Any], changes: Mapping[str, Change]) -> Iterator[Resource]:
    """Yield the managed resources as they are."""
    for entry in document["resource_changes"]:
        change = changes.get(entry["address"])
        if change and change.before and not entry.get("deposed"):
            yield Resource(
                stack="",
                address=change.address,
                type=change.type,
                name=entry["name"],
                module=entry.get("module_address", ""),
                values=change.before,
                change=change,
            )


def row_of(change: Change, sides: Sequence[tuple[Resource | None, Planned]], rates: Rates) -> Row | None:
    """Return what a resource costs on both sides of a plan; `None` where it is free on both, or not there."""
    try:
        before, after = (resource and cost_of(resource, planned, rates) for resource, planned in sides)
        during = switching(sides, before, after) if before and after else None
    except Unpriced as error:
        return Row(address=change.address, type=change.type, what="", unknown=str(error))
    except Undecided as error:
        return Row(address=change.address, type=change.type, what="", unknown=error.told_to(change.address))
    found = [one for one in (before, after) if one]
    if not found:
        return None
    return Row(
        address=change.address,
        type=change.type,
        what=" → ".join(dict.fromkeys(one.what for one in found)),
        before=before.amount if before else Amount(),
        after=after.amount if after else Amount(),
        during=during,
    )


def cost_of(resource: Resource, planned: Planned, rates: Rates) -> Estimate | None:
    """Return what a resource costs on one side of a plan; `None` where it is free."""
    if resource.type in PRICED:
        return PRICED[resource.type](resource, planned, rates)
    if resource.type in USAGE:
        raise Unpriced(f"it costs by use: {USAGE[resource.type]}")
    raise Unpriced("what resources of this type cost is not known here")


def switching(
    sides: Sequence[tuple[Resource | None, Planned]], before: Estimate, after: Estimate
) -> Amount | None:
    """Return what an endpoint costs while it goes to another configuration; `None` for all others."""
    (old, _), (new, _) = sides
    if not (old and new) or new.type != ENDPOINT or new.change.actions != ("update",):
        return None
    if new.values.get("endpoint_config_name") == old.values.get("endpoint_config_name"):
        return None
    return beside(new, before, after)
