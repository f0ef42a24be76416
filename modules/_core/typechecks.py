"""The type checks of the generated bindings, made once for what is asked again and again.

jsii has each resource look up its type hints anew, and check all arguments, also the many that are not given:
half the time that Python takes to make a resource.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, get_type_hints

import typeguard
from jsii._reference_map import InterfaceDynamicProxy

TYPEGUARD = int(version("typeguard").partition(".")[0])
"""Its major version: jsii allows 2 to 4, which are called in three ways."""
SAMPLES = {type(one): one for one in (None, True, 1, 1.0, "text")}
"""Plain values: whether one fits a type of the bindings depends on its own type alone.

Not so the empty text: it is also a sequence, of whatever is asked for.
"""

hints_of = cache(get_type_hints)
"""The type hints of a function, looked up once."""


def check_type(argname: str, value: object, expected_type: Any) -> None:
    """Raise `TypeError`, or with a later typeguard its `TypeCheckError`, where a value is not of a type."""
    kind: type = type(value)
    plain = kind in SAMPLES and value != ""
    if not (plain and fits(kind, expected_type)):
        check(argname, value, expected_type)


@cache
def fits(kind: type, expected: Any) -> bool:
    """Tell whether the values of a plain type are of an expected type."""
    try:
        check("", SAMPLES[kind], expected)
    except Exception:  # whatever it is, the value itself is checked, and raises it again
        return False
    return True


def check(argname: str, value: object, expected_type: Any) -> None:
    """Check one value as jsii's own bindings do."""
    guard: Any = typeguard
    if TYPEGUARD == 2:
        guard.check_type(argname=argname, value=value, expected_type=expected_type)
    elif isinstance(value, InterfaceDynamicProxy):
        return
    elif TYPEGUARD == 3:
        guard.config.collection_check_strategy = guard.CollectionCheckStrategy.ALL_ITEMS
        guard.check_type(value, expected_type)
    else:
        strategy = guard.CollectionCheckStrategy.ALL_ITEMS
        guard.check_type(value, expected_type, collection_check_strategy=strategy)
