"""Who answers at each endpoint before and after: variants, their share of the traffic, capacity and models.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from policies.plan.endpoints import CONFIGURATION, targets_of
from policies.plan.model import Change, Planned, Resource, Unanswered, Undecided
from policies.plan.models import MODEL
from sagewright.registry import Version
from sagewright.review.model import Served, Traffic, Variant, VariantChange, Words
from sagewright.review.subject import Subject
from sagewright.review.words import Teller, counted

ENDPOINT = "aws_sagemaker_endpoint"
TARGET = "aws_appautoscaling_target"
TIMES = "\N{MULTIPLICATION SIGN}"
VARIANTS = {"production_variants": False, "shadow_production_variants": True}
"""Arguments with variants, and whether theirs get copies only."""

Versions = Callable[[str], Version]
"""Returns what the registry says of a version by its ARN; raises `Unanswered`."""


def not_asked(arn: str) -> Version:
    """Stand for a registry where plans are reviewed without AWS."""
    raise Unanswered(f"the approval of {arn}", "the registry was not asked")


class Router:
    """Tells who answers at endpoints; the resources and changes of `planned` are masked already."""

    def __init__(self, planned: Planned, versions: Versions, teller: Teller) -> None:
        self._planned = planned
        self._teller = teller
        self._version = cache(lambda arn: self._asked(arn, versions))

    def traffic(self, subject: Subject) -> Traffic | None:
        """Return what changes at an endpoint, or nothing where everybody is answered as before."""
        endpoint = next(
            (
                one
                for one in self._planned.of(ENDPOINT)
                if (one.stack, one.address) == (subject.stack, subject.address)
            ),
            None,
        )
        unknown = ""
        old = self._before(subject)
        new: dict[tuple[str, bool], Variant] = {}
        if endpoint:
            try:
                new = self._after(endpoint)
            except Undecided as error:
                unknown = self._teller.text(error.told_to(subject.address))
        if old == new or (unknown and subject.action == "none"):
            return None
        return Traffic(
            environment=subject.environment,
            stack=subject.stack,
            address=self._teller.text(subject.address),
            endpoint=self._teller.value(subject.after.get("name") or subject.before.get("name")),
            place=subject.place,
            action=subject.action,
            moved_percent=None if unknown or subject.action == "add" else moved(old, new),
            rollout=self._rollout(subject),
            variants=tuple(
                VariantChange(
                    name=self._teller.text(name),
                    shadow=shadow,
                    before=old.get((name, shadow)),
                    after=new.get((name, shadow)),
                )
                for name, shadow in sorted({**old, **new}, key=lambda key: (key[1], key[0]))
            ),
            unknown=unknown,
        )

    def _before(self, subject: Subject) -> dict[tuple[str, bool], Variant]:
        """Return the variants of now."""
        name = subject.before.get("endpoint_config_name")
        configuration = self._of_now(CONFIGURATION, "name", name)
        if configuration is None:
            return {}
        endpoint = subject.before.get("name")

        def served(variant: Mapping[str, Any], index: int, argument: str) -> tuple[Served, ...]:
            model = self._of_now(MODEL, "name", variant.get("model_name"))
            return tuple(self._containers(model.before)) if model else ()

        def bounds(variant: str) -> list[Mapping[str, Any]]:
            target = self._of_now(TARGET, "resource_id", f"endpoint/{endpoint}/variant/{variant}")
            return [target.before] if target else []

        return self._variants(configuration.before, served, bounds)

    def _after(self, endpoint: Resource) -> dict[tuple[str, bool], Variant]:
        """Return the planned variants; raises `Undecided` where they cannot be told."""
        configuration = self._planned.find(endpoint, "endpoint_config_name", CONFIGURATION, "name")
        if configuration is None:
            raise Undecided("endpoint_config_name", endpoint.address)

        def served(variant: Mapping[str, Any], index: int, argument: str) -> tuple[Served, ...]:
            block = configuration.block.blocks(argument)[index]
            try:
                model = self._planned.find(configuration, "model_name", MODEL, "name", block)
            except Undecided:
                return ()
            return tuple(self._containers(model.values)) if model else ()

        def bounds(variant: str) -> list[Mapping[str, Any]]:
            try:
                return [target.values for target in targets_of(endpoint, variant, self._planned)]
            except Undecided:
                return []

        return self._variants(configuration.values, served, bounds)

    def _of_now(self, type_: str, argument: str, value: Any) -> Change | None:
        """Return what is there now under a name."""
        if not isinstance(value, str):
            return None
        changes = self._planned.changes
        return next((one for one in changes if one.type == type_ and one.before.get(argument) == value), None)

    def _variants(
        self,
        configuration: Mapping[str, Any],
        served: Callable[[Mapping[str, Any], int, str], tuple[Served, ...]],
        bounds: Callable[[str], list[Mapping[str, Any]]],
    ) -> dict[tuple[str, bool], Variant]:
        """Return the variants of a configuration by name, and whether they are shadows."""
        found: dict[tuple[str, bool], Variant] = {}
        for argument, shadow in VARIANTS.items():
            blocks = configuration.get(argument)
            blocks = blocks if isinstance(blocks, list) else []
            weights = [number(block.get("initial_variant_weight")) for block in blocks]
            total = None if None in weights else sum(filter(None, weights))
            for index, (block, weight) in enumerate(zip(blocks, weights, strict=True)):
                name = str(block.get("variant_name"))
                share = None if shadow or not total or weight is None else round(100 * weight / total, 1)
                found[name, shadow] = Variant(
                    share_percent=share,
                    capacity=self._teller.text(capacity(block, bounds(name))),
                    served=served(block, index, argument),
                )
        return found

    def _containers(self, model: Mapping[str, Any]) -> Iterator[Served]:
        """Yield what the containers of a model run."""
        for argument in ("primary_container", "container"):
            blocks = model.get(argument)
            for container in blocks if isinstance(blocks, list) else []:
                if arn := container.get("model_package_name"):
                    yield self._version(arn) if type(arn) is str else self._served("version", arn)
                    continue
                if image := container.get("image"):
                    yield self._served("image", image)
                if artifact := container.get("model_data_url"):
                    yield self._served("artifact", artifact)

    def _served(self, kind: Any, name: Any, approval: str = "", **metrics: str) -> Served:
        return Served(kind=kind, name=self._teller.value(name), approval=approval, metrics=metrics)

    def _asked(self, arn: str, versions: Versions) -> Served:
        """Return a version with what the registry says of it."""
        try:
            version = versions(arn)
        except Unanswered as error:
            return self._served("version", arn, f"not known: {self._teller.text(error.why)}")
        tell = self._teller.text
        return Served(
            kind="version",
            name=tell(arn),
            approval=tell(version.approval),
            metrics={tell(name): tell(value) for name, value in sorted(version.metrics.items())},
        )

    def _rollout(self, subject: Subject) -> Words:
        """Return how SageMaker goes from one fleet to the other."""
        if subject.action == "destroy":
            return "its callers get errors from then on"
        if subject.action == "replace":
            return "the endpoint goes before the new one is made: its callers get errors meanwhile"
        if subject.action != "change":
            return ""
        config = only(subject.after.get("deployment_config"))
        alarms = only(config.get("auto_rollback_configuration")).get("alarms")
        count = len(alarms) if isinstance(alarms, list) else 0
        back = f"{counted(count, 'alarm')} can turn it back" if count else "no alarm turns it back"
        rolling = only(config.get("rolling_update_policy"))
        if rolling:
            size = only(rolling.get("maximum_batch_size"))
            wait = self._teller.quoted(rolling.get("wait_interval_in_seconds"))
            return f"in batches of {self._of(size)}, {wait} s apart; {back}"
        routing = only(only(config.get("blue_green_update_policy")).get("traffic_routing_configuration"))
        wait = self._teller.quoted(routing.get("wait_interval_in_seconds"))
        if routing.get("type") == "CANARY":
            first = self._of(only(routing.get("canary_size")))
            return f"{first} of a second fleet first, all the rest after {wait} s; {back}"
        if routing.get("type") == "LINEAR":
            step = self._of(only(routing.get("linear_step_size")))
            return f"onto a second fleet in steps of {step}, {wait} s apart; {back}"
        return f"onto a second fleet, all at once; {back}"

    def _of(self, size: Mapping[str, Any]) -> Words:
        """Return a part of a fleet in words."""
        unit = "%" if size.get("type") == "CAPACITY_PERCENT" else "instances"
        return f"{self._teller.quoted(size.get('value'))} {unit}"


def number(value: Any) -> float | None:
    """Return a number, or nothing for what is none or not known."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def capacity(variant: Mapping[str, Any], bounds: list[Mapping[str, Any]]) -> str:
    """Return in words what a variant runs on."""
    serverless = only(variant.get("serverless_config"))
    if serverless:
        ready = serverless.get("provisioned_concurrency")
        memory, most = serverless.get("memory_size_in_mb"), serverless.get("max_concurrency")
        always = f", {ready} always ready" if number(ready) else ""
        return f"serverless, {memory} MB, up to {most} at once{always}"
    count = number(variant.get("initial_instance_count"))
    instances = "?" if count is None else f"{count:g}"
    type_ = variant.get("instance_type")
    scales = "".join(f", scales {one.get('min_capacity')} to {one.get('max_capacity')}" for one in bounds)
    return f"{instances} {TIMES} {type_ if isinstance(type_, str) else '?'}{scales}"


def moved(
    before: Mapping[tuple[str, bool], Variant], after: Mapping[tuple[str, bool], Variant]
) -> float | None:
    """Return the share of the traffic that another variant or another model answers afterwards."""
    shares: dict[Any, float] = {}
    for sign, variants in ((-1, before), (1, after)):
        for (name, shadow), variant in variants.items():
            if shadow:
                continue
            if variant.share_percent is None:
                return None
            who = (name, tuple(one.name for one in variant.served))
            shares[who] = shares.get(who, 0.0) + sign * variant.share_percent
    return round(sum(share for share in shares.values() if share > 0), 1)


def only(value: Any) -> Mapping[str, Any]:
    """Return the one block of a list; nothing in it where there is none."""
    return value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else {}
