"""What functions are made of: the same folder gives the same bytes, whenever and wherever it is zipped."""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from constructs import Construct

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell."""
READABLE = 0o100644
"""A file that everybody may read: Lambda runs the code as another user."""
LEFT_OUT = frozenset({"__pycache__"})


def zipped(folder: Path) -> bytes:
    """Return the zip of a package's folder, which is in the zip under its own name.

    Nothing is compressed: two versions of zlib give different bytes.
    Raises `ValueError` where there is no Python file.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts)
    )
    if not any(path.suffix == ".py" for path in files):
        raise ValueError(f"code_path: supply a folder with a Python package, got {folder.name!r}")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path in files:
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = READABLE << 16
            entry.create_system = 3  # Unix, also where it is made on another system
            archive.writestr(entry, path.read_bytes())
    return made.getvalue()


@cache
def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that lives as long as the process: CDKTF copies assets when all is built."""
    return tempfile.TemporaryDirectory(prefix="sagewright-code-")


def packaged(scope: Construct, id_: str, folder: Path) -> tuple[str, str]:
    """Put the zip of a folder beside the stack; return its path there, and its hash."""
    content = zipped(folder)
    place = Path(scratch().name) / hashlib.sha256(content).hexdigest() / f"{folder.name}.zip"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content)
    return shipped(scope, id_, place)


def shipped(scope: Construct, id_: str, file: Path) -> tuple[str, str]:
    """Put a file beside the stack; return its path there, which the hash is part of, and the hash.

    Raises `ValueError` where there is none.
    """
    if not file.is_file():
        raise ValueError(f"{id_}: supply a file that is there, such as set-up makes, got {file.name!r}")
    digest = hashlib.sha256(file.read_bytes())
    name = digest.hexdigest()[:32]
    asset = TerraformAsset(scope, id_, path=str(file), type=AssetType.FILE, asset_hash=name)
    return f"${{path.module}}/{asset.path}", base64.b64encode(digest.digest()).decode()
