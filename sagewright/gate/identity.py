"""What a plan does, as one number: the same for the same changes, and another for another secret.

The file of a saved plan differs on every run, and its text hides secrets. Whoever has the number cannot try
secrets on it without the key, which stays in the checkout.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagewright.errors import Usage
from sagewright.project import find

DECIDING = ("address", "previous_address", "deposed", "type", "change", "action_reason")


def identity(document: Mapping[str, Any], key: bytes) -> str:
    """Return the keyed hash of everything that applying a plan changes."""
    changes = sorted(
        json.dumps({name: change.get(name) for name in DECIDING}, sort_keys=True)
        for change in document["resource_changes"]
        if does_something(change)
    )
    return hmac.new(key, json.dumps(changes).encode(), hashlib.sha256).hexdigest()


def does_something(change: Mapping[str, Any]) -> bool:
    """Tell whether applying an entry of `resource_changes` changes anything, if only the state."""
    moved = change.get("previous_address") or change["change"].get("importing")
    return change["change"]["actions"] != ["no-op"] or bool(moved)


def together(environment: str, identities: Mapping[str, str]) -> str:
    """Return one digest of all plans of an environment, given the identity of each by its stack."""
    lines = sorted(f"{environment} {stack} {number}" for stack, number in identities.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def key_here() -> bytes:
    """Return the key of the checkout that this runs in; outside of one, a key for this run only."""
    try:
        folder = find().work
    except Usage:
        return secrets.token_bytes(32)
    return key_of(folder) if folder.is_dir() else secrets.token_bytes(32)


def key_of(folder: Path) -> bytes:
    """Return the key that a folder keeps, made at first use and readable for its user only."""
    path = folder / "plan-key"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()
