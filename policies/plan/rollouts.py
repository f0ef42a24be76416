"""Rollouts: taken back by alarms, in steps, and with a record of what was asked and answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from policies.plan.endpoints import CONFIGURATION, configurations, kind
from policies.plan.model import Finding, Planned, Resource, Undecided, failed, nested, passed, rule

ALARMS = ("deployment_config", "auto_rollback_configuration", "alarms")


@rule("SW_ENDPOINT_ROLLBACK")
def alarms_take_it_back(endpoint: Resource, planned: Planned) -> Finding:
    """Ask for an alarm that takes an update back, except of a serverless endpoint."""
    for alarm in nested(endpoint.block, *ALARMS):
        if alarm.has("alarm_name", "aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"):
            return passed()
    configuration = planned.find(endpoint, "endpoint_config_name", CONFIGURATION, "name")
    if configuration is None:
        raise Undecided("endpoint_config_name", endpoint.address)
    if kind(configuration.block) == "serverless":
        return passed("serverless: AWS moves no fleet")
    return failed(f"{'.'.join(ALARMS)} is missing")


@rule("SW_ENDPOINT_CAPTURE")
def what_was_asked_is_kept(configuration: Resource, planned: Planned) -> Finding:
    """Ask for data capture of real-time endpoints; others cannot capture, or keep it anyway."""
    if (is_ := kind(configuration.block)) != "real-time":
        return passed(is_)
    for capture in configuration.block.blocks("data_capture_config"):
        if capture.get("enable_capture") is not True:
            return failed("data_capture_config.enable_capture is not true")
        if not capture.get("initial_sampling_percentage"):
            return failed("data_capture_config.initial_sampling_percentage is 0")
        return passed()
    return failed("data_capture_config is missing")


@rule("SW_TRAFFIC_SHIFT")
def traffic_moves_in_steps(endpoint: Resource, planned: Planned) -> Finding:
    """Compare each variant's share of the traffic, now and after, with what one change may move."""
    if endpoint.change.actions != ("update",):
        return passed()
    rollout = configurations(endpoint, planned)
    if rollout is None:
        return passed()
    old, new = rollout
    before = shares(old.before.get("production_variants") or ())
    after = shares(new.block.blocks("production_variants"))
    gains = {name: share - before.get(name, 0) for name, share in after.items()}
    moved = 100 * sum(gain for gain in gains.values() if gain > 0)
    limit = planned.limits.traffic_shift_percent
    if moved <= limit + 1e-9:
        return passed()
    said = ", ".join(
        f"{name} {100 * before.get(name, 0):.4g} % to {100 * after.get(name, 0):.4g} %"
        for name in sorted({*before, *after})
    )
    return failed(f"moves {moved:.4g} % of the traffic at once ({said}), expected at most {limit} %")


def shares(variants: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return each variant's share of the traffic, 0 to 1; a weight that is not set is 1."""
    weights: dict[str, float] = {}
    for variant in variants:
        weight = variant.get("initial_variant_weight")
        weights[variant["variant_name"]] = 1.0 if weight is None else float(weight)
    total = sum(weights.values())
    return {name: weight / total if total else 0.0 for name, weight in weights.items()}
