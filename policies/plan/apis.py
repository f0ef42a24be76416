"""APIs: every method asks who calls, and stages are guarded, limited and logged, without payloads."""

from __future__ import annotations

from policies.plan.buckets import fitting
from policies.plan.model import Finding, Planned, Resource, failed, passed, relative, rule

API = "aws_api_gateway_rest_api"
ASSOCIATION = "aws_wafv2_web_acl_association"
SETTINGS = "aws_api_gateway_method_settings"
STAGE = "aws_api_gateway_stage"
ALL_METHODS = "*/*"


@rule("SW_API_AUTH")
def methods_ask_who_calls(method: Resource, planned: Planned) -> Finding:
    """Ask for authorization, except of the preflights of browsers, which carry no credentials."""
    if method.block["authorization"] != "NONE":
        return passed()
    if method.block["http_method"] == "OPTIONS":
        return passed("a preflight carries no credentials")
    return failed("authorization is NONE")


@rule("SW_API_WAF")
def stages_have_a_firewall(stage: Resource, planned: Planned) -> Finding:
    """Ask for an association with a firewall, except for private APIs."""
    if fitting(planned.of(ASSOCIATION), lambda one: guards(one, stage)):
        return passed()
    api = planned.find(stage, "rest_api_id", API, "id")
    if api and any("PRIVATE" in one["types"] for one in api.block.blocks("endpoint_configuration")):
        return passed("the API is private")
    return failed(f"no {ASSOCIATION} is for it")


@rule("SW_API_THROTTLING")
def stages_are_throttled(stage: Resource, planned: Planned) -> Finding:
    """Ask for settings of all methods that have a rate and a burst limit."""
    found = fitting(planned.of(SETTINGS), lambda one: is_for(one, stage, planned))
    for settings in found:
        for one in settings.block.blocks("settings"):
            limits = {name: one.get(name) for name in ("throttling_rate_limit", "throttling_burst_limit")}
            missing = [name for name, limit in limits.items() if limit is None or limit < 0]
            if not missing:
                return passed()
            return failed(f"{' and '.join(missing)} of {settings.address} is not set")
    return failed(f"no {SETTINGS} for {ALL_METHODS} is for it")


@rule("SW_API_LOGS")
def stages_log_who_calls(stage: Resource, planned: Planned) -> Finding:
    """Ask for an access log."""
    return passed() if stage.block.blocks("access_log_settings") else failed("access_log_settings is missing")


@rule("SW_API_TRACE")
def payloads_are_not_logged(settings: Resource, planned: Planned) -> Finding:
    """Refuse the trace that writes requests and responses into a log."""
    if any(one.get("data_trace_enabled") for one in settings.block.blocks("settings")):
        return failed("settings.data_trace_enabled is true")
    return passed()


def guards(association: Resource, stage: Resource) -> bool:
    """Tell whether an association is of a stage: by reference, or by its ARN."""
    block = association.block
    beside = (association.stack, association.module) == (stage.stack, stage.module)
    if beside and relative(stage) in block.references("resource_arn"):
        return True
    arn = stage.values.get("arn")
    return isinstance(arn, str) and block["resource_arn"] == arn


def is_for(settings: Resource, stage: Resource, planned: Planned) -> bool:
    """Tell whether settings are those of all methods of a stage."""
    if settings.block["method_path"] != ALL_METHODS:
        return False
    return planned.find(settings, "stage_name", STAGE, "stage_name") is stage
