"""Where in Python a resource is made: the line in a module, and the lines that led there.

A line is `path/in/the/checkout.py:123`, the checkout being the nearest folder above with a `cdktf.json`; code
that was installed is named as it is imported, `acme_ml/endpoints.py:12`. So the same code gives the same
lines on every machine.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from types import FrameType

from constructs import Construct

from .notes import MADE, PATHS

CHECKOUT = "cdktf.json"
INSTALLED = {"site-packages", "dist-packages"}
TOOLS = {"cdktf", "constructs", "jsii", "typeguard", *sys.stdlib_module_names}
OURS = tuple(f"{__name__.split('._core')[0]}.{part}" for part in ("_core", "_aws"))
"""What no author of a stack or a module looks for: it makes what they say."""
INLINED = {"<listcomp>", "<dictcomp>", "<setcomp>"}
"""Code that is a function of its own before Python 3.12, and from then on part of the one around it."""


def remember(resource: Construct, scope: Construct, id_: str) -> None:
    """Note where a resource is made: right after that; the bindings do it for theirs, in `__init__`.

    Its path follows from what it is made of, as constructs has it: an id's `/` becomes `--` there.
    """
    PATHS[resource] = f"{path_of(scope)}/{id_.replace('/', '--')}"
    MADE[resource] = lines(sys._getframe(1))


def path_of(construct: Construct) -> str:
    """Return the construct path; CDKTF is asked once, and with one question: `node.path` are two."""
    if construct not in PATHS:
        path = construct.to_string()
        PATHS[construct] = "" if path == "<root>" else path
    return PATHS[construct]


def lines(frame: FrameType | None) -> list[str]:
    """Return the lines of a frame and those that called it, as far out as the checkout's own code goes."""
    found: list[str] = []
    inside = 0
    while frame is not None:
        name, in_checkout = source(frame.f_code.co_filename, frame.f_globals.get("__name__", ""))
        if name:
            found.append(f"{name}:{frame.f_lineno}")
            inside = len(found) if in_checkout else inside
        if frame.f_code.co_name in INLINED and frame.f_back is not None:
            frame = frame.f_back
        frame = frame.f_back
    return found[:inside] if inside else found


@cache
def source(file: str, module: str) -> tuple[str, bool]:
    """Return the name of a file, and whether it lies in a checkout; no name for one that is left out."""
    if module.partition(".")[0] in TOOLS or f"{module}.".startswith(tuple(f"{one}." for one in OURS)):
        return "", False
    path = Path(os.path.abspath(file))
    if not INSTALLED & set(path.parts):
        for folder in path.parents:
            if (folder / CHECKOUT).is_file():
                return path.relative_to(folder).as_posix(), True
    depth = len(module.split(".")) + (path.name == "__init__.py")
    return "/".join(path.parts[-depth:]), False
