"""What must not be lost: stateful resources and live endpoints are neither deleted nor replaced."""

from __future__ import annotations

from policies.plan.model import Change, Finding, Planned, Resource, failed, passed, rule

ENDED = {
    ("delete",): "is deleted",
    ("forget",): "is dropped from the state, and from then on nobody manages it",
    ("create", "forget"): "is replaced, and the one of now is dropped from the state",
}


@rule("SW_STATEFUL_DELETE")
def stateful_resources_stay(change: Change, planned: Planned) -> Finding:
    """Deny the end of a resource whose content cannot be made again; a deposed object is one too."""
    return failed(ending(change)) if change.removes else passed()


@rule("SW_ENDPOINT_DELETE")
def live_endpoints_stay(change: Change, planned: Planned) -> Finding:
    """Deny the end of an endpoint: its callers get errors until a new one serves, which takes minutes."""
    return failed(ending(change)) if change.removes else passed()


@rule("SW_STATEFUL_FORCE_DESTROY")
def content_is_a_guard(resource: Resource, planned: Planned) -> Finding:
    """Deny the switch that lets Terraform delete a container together with its content."""
    for name in ("force_destroy", "force_delete"):
        if resource.block.get(name) is True:
            return failed(f"{name} is true")
    return passed()


def ending(change: Change) -> str:
    """Return in words how an object ends, and what makes it."""
    if change.deposed:
        return f"the left-over object {change.deposed} is deleted"
    said = ENDED.get(change.actions, "is replaced")
    if change.replace_paths:
        return f"{said}: {', '.join(change.replace_paths)} cannot be changed in place"
    if change.action_reason == "delete_because_no_resource_config":
        return f"{said}: it is not configured any more"
    return f"{said} ({change.action_reason.replace('_', ' ')})" if change.action_reason else said
