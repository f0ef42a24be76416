"""Studio and notebook instances: where people write code, kept in the network, and their files kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from policies.plan.model import Block, Finding, Planned, Resource, failed, judged, passed, rule

APPS = {"JupyterLab": "jupyter_lab_app_settings", "CodeEditor": "code_editor_app_settings"}
PLATFORM = re.compile(r"notebook-al2023-v\d+")
"""Platforms of notebook instances that AWS mends: Amazon Linux 2 ended on 2026-06-30.

https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-al2.html
"""
METADATA = "instance_metadata_service_configuration"
METADATA_VERSION = "minimum_instance_metadata_service_version"


@rule("SW_STUDIO_VPC")
def apps_are_in_our_network(domain: Resource, planned: Planned) -> Finding:
    """Ask for apps in the VPC only; by default, they have a way to the internet beside it."""
    access = domain.block.get("app_network_access_type")
    return passed() if access == "VpcOnly" else failed(f"app_network_access_type is {access or 'not set'}")


@rule("SW_STUDIO_HOMES")
def homes_stay(domain: Resource, planned: Planned) -> Finding:
    """Deny a domain that takes the home folders with it; by default, AWS retains them."""
    for policy in domain.block.blocks("retention_policy"):
        kept = policy.get("home_efs_file_system")
        if kept not in (None, "", "Retain"):
            return failed(f"retention_policy.home_efs_file_system is {kept}")
    return passed()


@rule("SW_STUDIO_IDLE")
def idle_apps_end(resource: Resource, planned: Planned) -> Finding:
    """Ask for idle shutdown of every app that a domain shows, and for no profile that has it off."""
    of_domain = resource.type == "aws_sagemaker_domain"
    return judged(shown(resource.block) if of_domain else own(resource.block), stays_on)


def shown(domain: Block) -> Iterator[tuple[str, Sequence[Block]]]:
    """Yield the path and the settings of every app that people find in Studio; of shared spaces too."""
    for settings in domain.blocks("default_user_settings"):
        hidden = [
            app
            for portal in settings.blocks("studio_web_portal_settings")
            for app in portal.get("hidden_app_types") or ()
        ]
        for app, name in APPS.items():
            if app not in hidden:
                yield f"default_user_settings.{name}", settings.blocks(name)
        for spaces in domain.blocks("default_space_settings"):
            name = APPS["JupyterLab"]
            if "JupyterLab" not in hidden:
                yield f"default_space_settings.{name}", spaces.blocks(name)


def own(profile: Block) -> Iterator[tuple[str, Sequence[Block]]]:
    """Yield the path and the settings of every app for which a profile has idle settings of its own."""
    for settings in profile.blocks("user_settings"):
        for name in APPS.values():
            apps = settings.blocks(name)
            if any(app.blocks("app_lifecycle_management") for app in apps):
                yield f"user_settings.{name}", apps


def stays_on(place: tuple[str, Sequence[Block]]) -> str:
    """Return why an app runs on when nobody uses it."""
    path, apps = place
    said = [
        idle.get("lifecycle_management")
        for app in apps
        for lifecycle in app.blocks("app_lifecycle_management")
        for idle in lifecycle.blocks("idle_settings")
    ]
    if "ENABLED" in said:
        return ""
    found = next(filter(None, said), "not set")
    return f"{path}.app_lifecycle_management.idle_settings.lifecycle_management is {found}"


@rule("SW_NOTEBOOK_CLOSED")
def notebooks_are_closed(notebook: Resource, planned: Planned) -> Finding:
    """Ask for a subnet of ours and no other way out, no root, and credentials for signed requests only."""
    return judged((direct, root, outside, old_metadata), lambda problem: problem(notebook.block))


@rule("SW_NOTEBOOK_PLATFORM")
def notebooks_get_mended(notebook: Resource, planned: Planned) -> Finding:
    """Ask for a platform that AWS still mends, or for none: AWS takes its newest then."""
    if notebook.block.computed("platform_identifier"):
        return passed()
    platform = notebook.block.get("platform_identifier")
    if platform is None or PLATFORM.fullmatch(platform):
        return passed()
    return failed(f"platform_identifier is {platform}")


def direct(notebook: Block) -> str:
    """Return whether a notebook has a way to the internet beside its subnet."""
    return opened(notebook, "direct_internet_access")


def root(notebook: Block) -> str:
    """Return whether whoever works in a notebook may become root."""
    return opened(notebook, "root_access")


def outside(notebook: Block) -> str:
    """Return whether a notebook is in no subnet of ours."""
    return "" if notebook.has("subnet_id", "aws_subnet") else "subnet_id is not set"


def old_metadata(notebook: Block) -> str:
    """Return whether credentials of the role are given to any request on the instance."""
    if not notebook.computed(METADATA):
        for metadata in notebook.blocks(METADATA):
            if not metadata.computed(METADATA_VERSION) and metadata.get(METADATA_VERSION) == "2":
                return ""
    return f"{METADATA}.{METADATA_VERSION} is not 2"


def opened(notebook: Block, name: str) -> str:
    """Return whether a switch is on that is on by default."""
    value = notebook.get(name)
    return "" if value == "Disabled" else f"{name} is {value or 'not set'}"
