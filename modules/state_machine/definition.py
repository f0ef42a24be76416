"""A state machine's definition in the Amazon States Language: what Step Functions would refuse in it.

https://states-language.net/spec.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._core import at_most, distinct, one_of, unresolved, when
from .._core.checks import no_longer_than

LONGEST = 1_048_576
"""Characters of a definition.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""
LONGEST_NAME = 80
"""Characters of a state's name."""

TYPES = ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
ENDS = ("Fail", "Succeed")
"""Types of states after which nothing comes."""
PLACEHOLDER = re.compile(r"\$\{(\w+)\}", re.ASCII)
"""`${Name}`, as in AWS CloudFormation's `DefinitionSubstitutions`."""

NOT_IN_EXPRESS = re.compile(r".*(\.sync(:2)?|\.waitForTaskToken)|arn:[^:]+:states:[^:]*:[^:]*:activity:.*")
"""Tasks that wait: an express workflow ends within five minutes.

https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
"""

Members = Mapping[str, Any]


def substituted(text: str, substitutions: Mapping[str, str]) -> str:
    """Return a definition with each placeholder, such as `${TopicArn}`, replaced."""
    return PLACEHOLDER.sub(lambda found: json.dumps(substitutions.get(found[1], found[0]))[1:-1], text)


def placeholders(text: str) -> list[str]:
    """Return the names of a definition's placeholders, each once."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def problems(text: str, type_: str) -> Iterator[str | None]:
    """Yield what is wrong with a definition; Tokens may stand in its texts."""
    if unresolved(text) and not text.lstrip().startswith("{"):
        return
    yield at_most("definition: number of characters", len(text), LONGEST)
    try:
        document = json.loads(text, object_pairs_hook=_without_repetition)
    except ValueError as error:
        yield f"definition: supply JSON, got an error: {error}"
        return
    if not isinstance(document, dict):
        yield f"definition: supply a JSON object, got {type(document).__name__}"
        return
    yield from _problems_of_states(document, "definition", type_)
    yield distinct("definition: names of states, the nested ones too", _names(document))


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; of two members with one name, JSON would keep the last in silence."""
    repeated = distinct("keys", [key for key, _ in pairs])
    if repeated:
        raise ValueError(repeated)
    return dict(pairs)


def _problems_of_states(machine: Members, place: str, type_: str) -> Iterator[str | None]:
    states = machine.get("States")
    if (
        not isinstance(states, dict)
        or not states
        or not all(isinstance(one, dict) for one in states.values())
    ):
        yield f"{place}.States: supply an object with at least one state, got none"
        return
    legal = ", ".join(states)
    begin = machine.get("StartAt")
    yield when(begin not in states, f"{place}.StartAt: supply one of the states {legal}, got {begin!r}")
    for name, state in states.items():
        here = f"{place}.States.{name}"
        yield no_longer_than(f"{place}.States", name, LONGEST_NAME)
        yield from _problems_of_state(state, here, type_)
        for field, target in _targets(state):
            yield when(
                target not in states, f"{here}.{field}: supply one of the states {legal}, got {target!r}"
            )
        for nested_place, nested in _nested(state, here):
            yield from _problems_of_states(nested, nested_place, type_)
    yield when(
        not any(_is_end(state) for state in states.values()),
        f"{place}.States: supply a state that ends it, by `End: true` or of type Succeed or Fail, got none",
    )
    if begin in states:
        unreached = sorted(set(states) - _reached(states, str(begin)))
        yield when(
            unreached, f"{place}.States: supply a way to each state, got none to {', '.join(unreached)}"
        )


def _problems_of_state(state: Members, place: str, type_: str) -> Iterator[str | None]:
    kind = state.get("Type")
    wrong = one_of(f"{place}.Type", kind or "", TYPES)
    yield wrong
    if wrong:
        return
    if kind not in ("Choice", *ENDS):
        yield when(
            ("Next" in state) == (state.get("End") is True),
            f"{place}: supply either `Next` or `End: true`, got {'both' if 'Next' in state else 'neither'}",
        )
    if kind == "Choice":
        yield when(not state.get("Choices"), f"{place}.Choices: supply at least one, got none")
    if kind == "Parallel":
        yield when(not state.get("Branches"), f"{place}.Branches: supply at least one, got none")
    if kind == "Map":
        yield when(
            not isinstance(state.get("ItemProcessor", state.get("Iterator")), dict),
            f"{place}.ItemProcessor: supply the states for each item, got none",
        )
    if kind == "Task":
        resource = state.get("Resource")
        yield when(
            not isinstance(resource, str) or not resource,
            f"{place}.Resource: supply an ARN such as arn:aws:states:::sns:publish, got none",
        )
        yield when(
            type_ == "EXPRESS" and isinstance(resource, str) and NOT_IN_EXPRESS.fullmatch(resource),
            f"{place}.Resource: supply a task that is not waited for in EXPRESS, got {resource!r}",
        )


def _is_end(state: Members) -> bool:
    return state.get("Type") in ENDS or state.get("End") is True


def _targets(state: Members) -> Iterator[tuple[str, Any]]:
    """Yield the states that may come next, each with the field that names it."""
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Choices", "Catch"):
        for index, rule in enumerate(_listed(state.get(field))):
            yield f"{field}[{index}].Next", rule.get("Next")


def _nested(state: Members, place: str) -> Iterator[tuple[str, Members]]:
    """Yield the state machines inside of a state, each with its place."""
    for index, branch in enumerate(_listed(state.get("Branches"))):
        yield f"{place}.Branches[{index}]", branch
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), dict):
            yield f"{place}.{field}", state[field]


def _listed(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _reached(states: Mapping[str, Members], begin: str) -> set[str]:
    reached: set[str] = set()
    todo = [begin]
    while todo:
        name = todo.pop()
        if name in states and name not in reached:
            reached.add(name)
            todo += [str(target) for _, target in _targets(states[name])]
    return reached


def _names(machine: Members) -> Iterator[str]:
    states = machine.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        yield name
        if isinstance(state, dict):
            for _, nested in _nested(state, ""):
                yield from _names(nested)
