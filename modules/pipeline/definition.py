"""A pipeline's definition: what SageMaker would refuse in it, and its parameters.

https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

from __future__ import annotations

import graphlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core import at_most, distinct, matches, not_empty, one_of, unresolved, when

LONGEST = 1_048_576
"""Characters of a definition.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
"""
MOST_PARAMETERS = 200

NAME = r"[A-Za-z0-9_-]{1,64}"
BRANCHES = ("IfSteps", "ElseSteps")
TYPES: Mapping[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}
"""A parameter's type, and the types of its values in JSON."""

Members = Mapping[str, Any]


def known(text: str) -> bool:
    """Tell whether the definition can be read: a text that is one Token cannot."""
    return not unresolved(text) or text.lstrip().startswith("{")


def problems(text: str) -> Iterator[str | None]:
    """Yield what is wrong with a definition; Tokens may stand in its texts."""
    if not known(text):
        return
    try:
        document = json.loads(text)
    except ValueError as error:
        yield f"definition: supply JSON, got an error: {error}"
        return
    if not isinstance(document, dict):
        yield f"definition: supply a JSON object, got {shown(document)}"
        return
    yield at_most("definition: number of characters", len(compact(document)), LONGEST)
    yield when(
        document.get("Version") != "2020-12-01",
        f"definition.Version: supply 2020-12-01, got {shown(document.get('Version'))}",
    )
    yield from _problems_of_parameters(document)
    yield from _problems_of_steps(document)


def parameters(text: str) -> dict[str, Members]:
    """Return the parameters of a definition without problems, by name."""
    if not known(text):
        return {}
    return {parameter["Name"]: parameter for parameter in listed(json.loads(text), "Parameters")}


def with_defaults(text: str, defaults: Members) -> str:
    """Return a definition whose parameters have these default values, as short as JSON can be."""
    if not known(text):
        return text
    document = json.loads(text)
    for parameter in listed(document, "Parameters"):
        if parameter["Name"] in defaults:
            parameter["DefaultValue"] = defaults[parameter["Name"]]
    return compact(document)


def escaped(text: str) -> str:
    """Return a text that Terraform takes as it is, but for Tokens: `${HOME}` is the shell's, `%{` a text."""
    return re.sub(r"\$\{(?=\w+\})", "$${", text.replace("%{", "%%{"))


def compact(document: Members) -> str:
    """Return JSON without white space, the same text for the same content."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def fits(place: str, value: object, parameter: Members) -> Iterator[str | None]:
    """Yield a problem where a value is not of a parameter's type, or not one of those that it may have."""
    type_ = parameter.get("Type", "String")
    right = isinstance(value, TYPES[type_]) and (type_ == "Boolean" or not isinstance(value, bool))
    yield when(
        not unresolved(value) and not right, f"{place}: supply a value of type {type_}, got {shown(value)}"
    )
    if parameter.get("EnumValues"):
        yield one_of(place, value, parameter["EnumValues"])


def listed(document: Members, key: str) -> list[dict[str, Any]]:
    """Return the objects of a list, or nothing where something else stands there."""
    found = document.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def shown(value: object) -> str:
    """Return a value as an error names it."""
    return "none" if value is None else json.dumps(value)[:80]


def _problems_of_parameters(document: Members) -> Iterator[str | None]:
    found = listed(document, "Parameters")
    yield at_most("definition.Parameters: number of parameters", len(found), MOST_PARAMETERS)
    yield distinct("definition.Parameters: Name", [parameter.get("Name") for parameter in found])
    for parameter in found:
        place = f"definition.Parameters.{parameter.get('Name')}"
        yield matches("definition.Parameters: Name", str(parameter.get("Name", "")), NAME, "InputData")
        wrong = one_of(f"{place}.Type", parameter.get("Type", "String"), tuple(TYPES))
        yield wrong
        if not wrong and "DefaultValue" in parameter:
            yield from fits(f"{place}.DefaultValue", parameter["DefaultValue"], parameter)


def _problems_of_steps(document: Members) -> Iterator[str | None]:
    yield not_empty("definition.Steps", listed(document, "Steps"))
    found = list(_steps(document))
    for step in found:
        yield matches("definition.Steps: Name", str(step.get("Name", "")), NAME, "Train")
        yield when(
            not isinstance(step.get("Type"), str) or not step["Type"],
            f"definition.Steps.{step.get('Name')}.Type: supply a type such as Training, "
            f"got {shown(step.get('Type'))}",
        )
    names = [str(step.get("Name")) for step in found]
    repeated = distinct("definition.Steps: Name", names)
    yield repeated
    broken = [problem for step in found for problem in _broken_references(step, found, document)]
    yield from broken
    if not repeated and not broken:
        yield _circle(document)


def _steps(document: Members) -> Iterator[dict[str, Any]]:
    """Yield every step, those in the branches of a condition after it."""
    for step in listed(document, "Steps"):
        yield step
        for branch in _branches(step):
            yield from _steps({"Steps": branch})


def _branches(step: Members) -> Iterator[Sequence[Any]]:
    arguments = step.get("Arguments")
    if isinstance(arguments, dict):
        yield from (listed(arguments, branch) for branch in BRANCHES)


def _own(step: Members) -> Members:
    """Return a step without the steps in its branches."""
    arguments = step.get("Arguments")
    if not isinstance(arguments, dict):
        return step
    return {**step, "Arguments": {key: value for key, value in arguments.items() if key not in BRANCHES}}


def _gets(value: object) -> Iterator[str]:
    """Yield what is referred to anywhere in a value, such as `Parameters.InputData`."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("Get"), str):
            yield value["Get"]
        for item in value.values():
            yield from _gets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _gets(item)


def _needs(step: Members) -> set[str]:
    """Return the steps that must be done before this one, by name."""
    depends_on = step.get("DependsOn")
    named = {str(name) for name in depends_on} if isinstance(depends_on, list) else set()
    return named | {path.split(".")[1] for path in _gets(_own(step)) if re.match(r"Steps\.", path)}


def _broken_references(step: Members, steps: Sequence[Members], document: Members) -> Iterator[str]:
    place = f"definition.Steps.{step.get('Name')}"
    by_name = {str(other.get("Name")): other for other in steps}
    legal = [str(parameter.get("Name")) for parameter in listed(document, "Parameters")]
    for name in sorted(_needs(step) - set(by_name)):
        yield f"{place}: supply one of the steps {', '.join(by_name)}, got a reference to {name!r}"
    for path in dict.fromkeys(_gets(_own(step))):
        kind, _, rest = path.partition(".")
        if kind == "Parameters" and rest not in legal:
            yield (
                f"{place}: supply one of the parameters {', '.join(legal) or '(none)'}, "
                f"got a reference to {rest!r}"
            )
        elif found := re.fullmatch(r"Steps\.([^.]+)\.PropertyFiles\.(.+)", path):
            files = [
                str(file.get("PropertyFileName"))
                for file in listed(by_name.get(found[1], {}), "PropertyFiles")
            ]
            if found[1] in by_name and found[2] not in files:
                yield (
                    f"{place}: supply one of the property files {', '.join(files) or '(none)'} of "
                    f"{found[1]}, got a reference to {found[2]!r}"
                )


def _circle(document: Members) -> str | None:
    """Return the problem of steps that wait for each other; those in a branch wait for the condition."""
    graph = {str(step["Name"]): _needs(step) for step in _steps(document)}
    for step in _steps(document):
        for branch in _branches(step):
            for inner in branch:
                graph[str(inner["Name"])].add(str(step["Name"]))
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return (
            f"definition.Steps: supply steps that do not wait for each other, got {' → '.join(error.args[1])}"
        )
    return None
