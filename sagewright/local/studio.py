"""Domains, images, notebooks and work forces: what they do beyond being stored."""

from __future__ import annotations

import hashlib

from sagewright.local import homes
from sagewright.local.control_plane import ControlPlane, Hooks, Record, in_use
from sagewright.local.kinds import Members, hexadecimal
from sagewright.local.refusal import Refused


def _created_domain(plane: ControlPlane, domain: Record) -> None:
    domain.members["Url"] = f"https://{domain.name}.studio.{plane.region}.sagemaker.aws"
    homes.make(plane, domain)


def _delete_domain(plane: ControlPlane, request: Members) -> Members:
    """Delete a domain; the homes of its users stay, unless the request says otherwise."""
    domain = plane.of_request("Domain", request)
    plane.refuse_children(domain)
    if (request.get("RetentionPolicy") or {}).get("HomeEfsFileSystem") == "Delete":
        homes.remove(plane, domain)
    plane.delete(domain)
    return {}


def _created_space(plane: ControlPlane, space: Record) -> None:
    space.members["Url"] = f"https://{space.key[0]}.studio.{plane.region}.sagemaker.aws/{space.name}"


def _refuse_apps(plane: ControlPlane, owner: Record) -> None:
    for app in plane.records("App"):
        if app.members["DomainId"] == owner.key[0] and app.members.get(owner.kind.key[-1]) == owner.name:
            raise in_use(owner, "App")


def _creating_version(plane: ControlPlane, version: Members) -> None:
    """Number the next version of an image."""
    image = plane.get("Image", version["ImageName"])
    number = image.hidden.get("Versions", 0) + 1
    version |= {"Version": number, "ImageArn": image.arn, "ContainerImage": version["BaseImage"]}


def _created_version(plane: ControlPlane, version: Record) -> None:
    """Use the number up: it is never given again."""
    plane.get("Image", version.key[0]).hidden["Versions"] = version.members["Version"]


def _versions(plane: ControlPlane, image_name: str) -> list[Record]:
    return [each for each in plane.records("ImageVersion") if each.key[0] == image_name]


def _deleting_image(plane: ControlPlane, image: Record) -> None:
    for version in _versions(plane, image.name):
        plane.delete(version)


def _find_version(plane: ControlPlane, request: Members) -> Record:
    """Return an image version by number or alias; without either, the newest."""
    image_name, alias, number = request["ImageName"], request.get("Alias"), request.get("Version")
    if alias:
        found = [v for v in _versions(plane, image_name) if alias in v.hidden.get("Aliases", [])]
        number = int(found[0].name) if found else 0
    elif number is None:
        number = max((int(version.name) for version in _versions(plane, image_name)), default=0)
    return plane.get("ImageVersion", image_name, str(number))


def _describe_version(plane: ControlPlane, request: Members) -> Members:
    version = _find_version(plane, request)
    version.described()
    return version.description()


def _update_version(plane: ControlPlane, request: Members) -> Members:
    version = _find_version(plane, request)
    aliases = [a for a in version.hidden.get("Aliases", []) if a not in request.pop("AliasesToDelete", [])]
    version.hidden["Aliases"] = aliases + request.pop("AliasesToAdd", [])
    shown = version.kind.description.members
    version.members |= {name: value for name, value in request.items() if name in shown and name != "Version"}
    return {"ImageVersionArn": version.arn}


def _delete_version(plane: ControlPlane, request: Members) -> Members:
    plane.delete(_find_version(plane, request))
    return {}


def _list_aliases(plane: ControlPlane, request: Members) -> Members:
    wanted = request.get("Version")
    versions = [v for v in _versions(plane, request["ImageName"]) if wanted in (None, int(v.name))]
    aliases = [alias for version in versions for alias in version.hidden.get("Aliases", [])]
    return {"SageMakerImageVersionAliases": aliases}


def _creating_notebook(plane: ControlPlane, notebook: Members) -> None:
    """Refuse Amazon Linux 1 and 2, which are no longer made.

    https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-al2.html
    """
    platform = notebook.get("PlatformIdentifier") or ""
    if platform.startswith(("notebook-al1-", "notebook-al2-")):
        message = f"Notebook instances with the platform identifier {platform} can no longer be created."
        raise Refused("ValidationException", message)


def _created_notebook(plane: ControlPlane, notebook: Record) -> None:
    notebook.members["Url"] = f"{notebook.name}.notebook.{plane.region}.sagemaker.aws"
    if notebook.members.get("SubnetId"):
        notebook.members["NetworkInterfaceId"] = f"eni-{hexadecimal(17)}"


def _updating_notebook(plane: ControlPlane, notebook: Record, request: Members) -> None:
    _refuse_unless(notebook, "Updating", "Stopped", "Failed")
    for switch, member in (
        ("DisassociateLifecycleConfig", "NotebookInstanceLifecycleConfigName"),
        ("DisassociateDefaultCodeRepository", "DefaultCodeRepository"),
        ("DisassociateAdditionalCodeRepositories", "AdditionalCodeRepositories"),
        ("DisassociateAcceleratorTypes", "AcceleratorTypes"),
    ):
        if request.pop(switch, False):
            notebook.members.pop(member, None)
    for name, value in list(request.items()):
        shown = notebook.kind.facts.renamed.get(name, name)
        if shown != "NotebookInstanceName":
            notebook.members[shown] = value
        request.pop(name)
    notebook.begin("Updating", "Stopped")


def _deleting_notebook(plane: ControlPlane, notebook: Record) -> None:
    _refuse_unless(notebook, "Deleting", "Stopped", "Failed")


def _refuse_unless(notebook: Record, wanted: str, *allowed: str) -> None:
    status = notebook.status
    if status not in allowed:
        message = (
            f"Status ({status}) not in ([{', '.join(allowed)}]). Unable to transition to ({wanted}) "
            f"for Notebook Instance ({notebook.arn})"
        )
        raise Refused("ValidationException", message)


def _created_workforce(plane: ControlPlane, workforce: Record) -> None:
    if len(plane.records("Workforce")):
        raise Refused("ValidationException", "A workforce already exists in this account and region.")
    workforce.members["SubDomain"] = f"{hexadecimal(10)}.labeling.{plane.region}.sagemaker.aws"
    workforce.members.setdefault("SourceIpConfig", {"Cidrs": []})


def _deleting_workforce(plane: ControlPlane, workforce: Record) -> None:
    if any(team.members["WorkforceArn"] == workforce.arn for team in plane.records("Workteam")):
        raise in_use(workforce, "Workteam")


def _created_workteam(plane: ControlPlane, workteam: Record) -> None:
    workforce = plane.get("Workforce", workteam.hidden.get("WorkforceName", "default"))
    workteam.members |= {"SubDomain": workforce.members["SubDomain"], "WorkforceArn": workforce.arn}


def _created_task_ui(plane: ControlPlane, task_ui: Record) -> None:
    digest = hashlib.sha256(task_ui.members["UiTemplate"]["Content"].encode()).hexdigest()
    url = f"https://task-ui.{plane.region}.sagemaker.aws/{task_ui.name}"
    task_ui.members["UiTemplate"] = {"Url": url, "ContentSha256": digest}


def _created_device_fleet(plane: ControlPlane, fleet: Record) -> None:
    _role_alias(plane, fleet, fleet.hidden)


def _updating_device_fleet(plane: ControlPlane, fleet: Record, request: Members) -> None:
    _role_alias(plane, fleet, request)


def _role_alias(plane: ControlPlane, fleet: Record, request: Members) -> None:
    if request.pop("EnableIotRoleAlias", False):
        alias = f"rolealias/SageMakerEdge-{fleet.name}"
        fleet.members["IotRoleAlias"] = f"arn:aws:iot:{plane.region}:{plane.account_id}:{alias}"


def _created_project(plane: ControlPlane, project: Record) -> None:
    project.members["ServiceCatalogProvisionedProductDetails"] = {
        "ProvisionedProductId": f"pp-{hexadecimal(12)}",
        "ProvisionedProductStatusMessage": "",
    }


def _updating_project(plane: ControlPlane, project: Record, request: Members) -> None:
    details = request.pop("ServiceCatalogProvisioningUpdateDetails", None)
    if details:
        project.members["ServiceCatalogProvisioningDetails"] |= details


def _portfolio(status: str) -> Members:
    return {"Status": status}


HOOKS = {
    "DeviceFleet": Hooks(created=_created_device_fleet, updating=_updating_device_fleet),
    "Domain": Hooks(created=_created_domain),
    "HumanTaskUi": Hooks(created=_created_task_ui),
    "Image": Hooks(deleting=_deleting_image),
    "ImageVersion": Hooks(creating=_creating_version, created=_created_version),
    "NotebookInstance": Hooks(
        creating=_creating_notebook,
        created=_created_notebook,
        updating=_updating_notebook,
        deleting=_deleting_notebook,
    ),
    "Project": Hooks(created=_created_project, updating=_updating_project),
    "Space": Hooks(created=_created_space, deleting=_refuse_apps),
    "UserProfile": Hooks(deleting=_refuse_apps),
    "Workforce": Hooks(created=_created_workforce, deleting=_deleting_workforce),
    "Workteam": Hooks(created=_created_workteam),
}
OPERATIONS = {
    "DeleteDomain": _delete_domain,
    "DescribeImageVersion": _describe_version,
    "UpdateImageVersion": _update_version,
    "DeleteImageVersion": _delete_version,
    "ListAliases": _list_aliases,
}
