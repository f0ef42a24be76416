"""Tags and descriptions: who owns it, who pays for it, where it comes from, what it is for."""

from __future__ import annotations

from policies.plan.model import Finding, Planned, Resource, Undecided, failed, passed, rule

REQUIRED = ("Organization", "Environment", "Stack", "Owner", "CostCenter", "ManagedBy")


@rule("SW_TAGS")
def required_tags(resource: Resource, planned: Planned) -> Finding:
    """Ask for every required tag with a value; `tags_all` holds the provider's default tags too."""
    tags = resource.block.get("tags_all") or {}
    missing, unknown = [], []
    for key in REQUIRED:
        try:
            if not tags.get(key):
                missing.append(key)
        except Undecided as error:
            unknown.append(error)
    if missing:
        return failed(f"without the tag{'s' * (len(missing) > 1)} {', '.join(missing)}")
    if unknown:
        raise unknown[0]
    return passed()


@rule("SW_DESCRIPTION")
def it_says_what_it_is_for(resource: Resource, planned: Planned) -> Finding:
    """Ask for a description."""
    return passed() if resource.block.get("description") else failed("description is not set")
