"""Step Functions: moto takes any text for a definition, cannot validate one, and lists no versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from moto.stepfunctions.models import stepfunctions_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused

MOST_DIAGNOSTICS = 100
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html"""

MOST_PER_PAGE = 100
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListStateMachineVersions.html"""

Diagnostic = dict[str, str]


def _validate(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    found = list(_diagnostics(request["definition"], request.get("type", "STANDARD")))
    most = request.get("maxResults") or MOST_DIAGNOSTICS
    return {
        "result": "FAIL" if found else "OK",
        "diagnostics": found[:most],
        "truncated": len(found) > most,
    }


def _list_versions(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    machine = stepfunctions_backends[account_id][region].describe_state_machine(request["stateMachineArn"])
    versions = sorted(getattr(machine, "versions", {}).items(), reverse=True)
    if "nextToken" in request or len(versions) > (request.get("maxResults") or MOST_PER_PAGE):
        raise NotImplementedError("ListStateMachineVersions with more than one page")
    return {
        "stateMachineVersions": [
            {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date.timestamp()}
            for _, version in versions
        ]
    }


def _require_valid(account_id: str, region: str, request: dict[str, Any]) -> None:
    """Refuse a definition that is invalid, and leave the rest to moto; an update may have none."""
    if "definition" not in request:
        return
    found = list(_diagnostics(request["definition"], request.get("type", "STANDARD")))
    if found:
        told = ", ".join(f"{one['code']}: {one['message']} at {one['location']}" for one in found)
        raise Refused("InvalidDefinition", f"Invalid State Machine Definition: '{told}'")


def _diagnostics(definition: str, type_: str) -> Iterator[Diagnostic]:
    """Yield what is wrong: first the grammar, which moto knows, then where the transitions lead."""
    try:
        document = json.loads(definition)
    except ValueError as error:
        yield _error("INVALID_JSON_DESCRIPTION", str(error), "/")
        return
    grammar = _problem_of_grammar(definition, type_)
    if grammar:
        yield _error("SCHEMA_VALIDATION_FAILED", grammar, "/")
        return
    yield from _transitions(document, "")


@lru_cache
def _problem_of_grammar(definition: str, type_: str) -> str:
    """Return what moto's parser says; loading it takes seconds, which few need, and each definition a third.

    Terraform asks at every plan, and creation asks again.
    """
    from moto.stepfunctions.parser.asl.static_analyser.express_static_analyser import ExpressStaticAnalyser
    from moto.stepfunctions.parser.asl.static_analyser.static_analyser import StaticAnalyser

    analyser = ExpressStaticAnalyser if type_ == "EXPRESS" else StaticAnalyser
    try:
        analyser().analyse(definition)
    except Exception as error:  # the parser raises what comes to its mind
        return str(error) or repr(error)
    return ""


def _transitions(machine: Mapping[str, Any], path: str) -> Iterator[Diagnostic]:
    states = machine.get("States", {})
    if machine.get("StartAt") not in states:
        yield _missing(f"Missing 'StartAt' target: {machine.get('StartAt')}", f"{path}/StartAt")
    for name, state in states.items():
        here = f"{path}/States/{name}"
        kind = state.get("Type")
        if kind not in ("Choice", "Succeed", "Fail") and ("Next" in state) == (state.get("End") is True):
            yield _error("SCHEMA_VALIDATION_FAILED", "exactly one of Next and End: true is needed", here)
        for place, target in _targets(state):
            if target not in states:
                yield _missing(f"Missing 'Next' target: {target}", f"{here}{place}")
        for place, nested in _nested(state):
            yield from _transitions(nested, f"{here}{place}")
    if not any(state.get("Type") in ("Succeed", "Fail") or state.get("End") for state in states.values()):
        yield _error("SCHEMA_VALIDATION_FAILED", "no terminal state", f"{path}/States")
    for name in states.keys() - _reached(states, str(machine.get("StartAt"))):
        yield _missing(f'State "{name}" is not reachable.', f"{path}/States/{name}")


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((f"/{key}", state[key]) for key in ("Next", "Default") if key in state)
    for key in ("Choices", "Catch"):
        yield from ((f"/{key}[{i}]/Next", str(rule.get("Next"))) for i, rule in enumerate(state.get(key, ())))


def _nested(state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((f"/Branches[{index}]", branch) for index, branch in enumerate(state.get("Branches", ())))
    yield from ((f"/{key}", state[key]) for key in ("ItemProcessor", "Iterator") if key in state)


def _reached(states: Mapping[str, Mapping[str, Any]], begin: str) -> set[str]:
    reached: set[str] = set()
    todo = [begin]
    while todo:
        name = todo.pop()
        if name in states and name not in reached:
            reached.add(name)
            todo += [target for _, target in _targets(states[name])]
    return reached


def _missing(message: str, location: str) -> Diagnostic:
    return _error("MISSING_TRANSITION_TARGET", message, location)


def _error(code: str, message: str, location: str) -> Diagnostic:
    return {"severity": "ERROR", "code": code, "message": message, "location": location}


OPERATIONS: Mapping[str, Operation] = {
    "ListStateMachineVersions": _list_versions,
    "ValidateStateMachineDefinition": _validate,
    "CreateStateMachine": _require_valid,
    "UpdateStateMachine": _require_valid,
}
