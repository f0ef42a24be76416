"""Monitoring schedules and what they run: on what they depend, and what goes before what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sagewright.local.control_plane import ControlPlane, Hooks, Record
from sagewright.local.kinds import Members
from sagewright.local.refusal import Refused

TYPES = ("DataQuality", "ModelBias", "ModelExplainability", "ModelQuality")
EXPRESSION = re.compile(r"NOW|cron\(0 (\*|(0?\d|1\d|2[0-3])(/(0?[1-9]|1\d|2[0-4]))?) \? \* \* \*\)")
"""https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-schedule-expression.html"""


def refuse_monitored(plane: ControlPlane, endpoint: Record) -> None:
    """Raise `Refused` while a schedule monitors an endpoint."""
    names = [
        schedule.name
        for schedule in plane.records("MonitoringSchedule")
        if (schedule.members.get("EndpointName") or "").lower() == endpoint.name.lower()
    ]
    if names:
        what = f"delete its monitoring schedules first: {', '.join(names)}"
        raise _refused(f'Cannot delete endpoint "{endpoint.arn}": {what}.')


def _refused(message: str) -> Refused:
    return Refused("ValidationException", message)


def _creating_job_definition(plane: ControlPlane, definition: Members) -> None:
    """Fill in how the inputs are read and the outputs written; refuse an endpoint that captures nothing."""
    for name, section in definition.items():
        if name.endswith("JobInput"):
            for source in section.values():
                if isinstance(source, dict) and "LocalPath" in source:
                    source.setdefault("S3DataDistributionType", "FullyReplicated")
                    source.setdefault("S3InputMode", "File")
            _refuse_silent(plane, *_endpoints([section]))
        elif name.endswith("JobOutputConfig"):
            for output in section["MonitoringOutputs"]:
                output["S3Output"].setdefault("S3UploadMode", "EndOfJob")


def _endpoints(inputs: list[Members]) -> Iterator[str]:
    for one in inputs:
        if one.get("EndpointInput"):
            yield one["EndpointInput"]["EndpointName"]


def _refuse_silent(plane: ControlPlane, *endpoint_names: str) -> None:
    for name in endpoint_names:
        endpoint = plane.get("Endpoint", name)
        configuration = endpoint.hidden.get("Configuration", {})
        if not (configuration.get("DataCaptureConfig") or {}).get("EnableCapture"):
            raise _refused(f'Data capture is not enabled for endpoint "{endpoint.arn}".')


def _definition(plane: ControlPlane, config: Members) -> list[Members]:
    """Return the inputs of what a schedule runs: a definition of its own, or one that it names."""
    inline, name = config.get("MonitoringJobDefinition"), config.get("MonitoringJobDefinitionName")
    if bool(inline) == bool(name):
        raise _refused("Specify exactly one of MonitoringJobDefinition and MonitoringJobDefinitionName.")
    if inline:
        return list(inline["MonitoringInputs"])
    type_ = config.get("MonitoringType")
    if type_ is None:
        raise _refused("MonitoringType is required with MonitoringJobDefinitionName.")
    found = plane.get(f"{type_}JobDefinition", str(name))
    return [found.members[f"{type_}JobInput"]]


def _check(plane: ControlPlane, own_name: str, config: Members) -> str | None:
    """Refuse what a schedule cannot run; return the endpoint that it monitors."""
    expression = (config.get("ScheduleConfig") or {}).get("ScheduleExpression")
    if expression is not None and not EXPRESSION.fullmatch(expression):
        raise _refused(f"Invalid ScheduleExpression: {expression}.")
    endpoint = next(_endpoints(_definition(plane, config)), None)
    if endpoint:
        _refuse_silent(plane, endpoint)
    name = config.get("MonitoringJobDefinitionName")
    for other in plane.records("MonitoringSchedule"):
        running = other.members["MonitoringScheduleConfig"]
        if name and other.name != own_name and running.get("MonitoringJobDefinitionName") == name:
            raise _refused(f"Job definition {name} is already used by monitoring schedule {other.name}.")
    return endpoint


def _created_schedule(plane: ControlPlane, schedule: Record) -> None:
    _describe(plane, schedule, schedule.members["MonitoringScheduleConfig"])


def _updating_schedule(plane: ControlPlane, schedule: Record, request: Members) -> None:
    if schedule.in_progress:
        raise _refused(f"Monitoring schedule in status {schedule.status}")
    _describe(plane, schedule, request["MonitoringScheduleConfig"])


def _describe(plane: ControlPlane, schedule: Record, config: Members) -> None:
    schedule.members["EndpointName"] = _check(plane, schedule.name, config)
    schedule.members["MonitoringType"] = config.get("MonitoringType", "DataQuality")


def _deleting_schedule(plane: ControlPlane, schedule: Record) -> None:
    if schedule.in_progress:
        raise _refused(f"Monitoring schedule in status {schedule.status}")


HOOKS = {
    **{f"{type_}JobDefinition": Hooks(creating=_creating_job_definition) for type_ in TYPES},
    "MonitoringSchedule": Hooks(
        created=_created_schedule, updating=_updating_schedule, deleting=_deleting_schedule
    ),
}
