"""Make the lock files from pyproject.toml: hashes, no addresses, one version of each package for all groups.

`requirements.lock` is what `make setup` installs: the extras, and everything but the groups `bench` and
`ml`, whose additions are in lock files of their own. `requirements-runtime.lock` is the layer of our Lambda
functions: the group `runtime`, for Lambda's platform. All come from one resolution. `tools/uv.lock` is the
installer.

    python tools/lock.py              lock again; versions stay where they still fit
    python tools/lock.py --upgrade    take the newest versions
    python tools/lock.py --check      tell whether the locks are those of pyproject.toml; needs no network
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli

from tools.setup import LAMBDA

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".sagewright" / "uv"
UV_VERSION = "0.13.9"
OPTIONAL = ("bench", "ml")
"""The groups that set-up leaves out, for their size."""
RUNTIME = "runtime"
PROVIDED = ("botocore", "python-dateutil", "six", "urllib3")
"""What Lambda's Python brings along with boto3, so that the layer need not."""


def inputs(project: Path) -> str:
    """Return the hash of what a resolution depends on: requirements, extras, groups, overrides, Pythons."""
    document: Mapping[str, Any] = tomli.loads(project.read_text(encoding="utf-8"))
    parts = [
        document["project"]["requires-python"],
        document["project"]["dependencies"],
        {**document["project"]["optional-dependencies"], **document["dependency-groups"]},
        document["tool"]["uv"]["override-dependencies"],
        UV_VERSION,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def recorded(lock: Path) -> str | None:
    """Return the hash that a lock file says it was made from; `None` where it says none."""
    found = re.search(r"^# made from: ([0-9a-f]{64})$", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return found and found.group(1)


def stale(root: Path) -> list[str]:
    """Return the lock files that are missing or were made from another pyproject.toml."""
    expected = inputs(root / "pyproject.toml")
    optional = [root / f"requirements-{group}.lock" for group in OPTIONAL]
    runtime = root / f"requirements-{RUNTIME}.lock"
    locks = [root / "requirements.lock", *optional, runtime, root / "tools" / "uv.lock"]
    return [str(lock.relative_to(root)) for lock in locks if not lock.is_file() or recorded(lock) != expected]


def packages(text: str) -> dict[str, str]:
    """Return the entries of a lock file's text by their first line: `name==version ; marker`."""
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    return {entry.splitlines()[0].rstrip("\\ "): entry for entry in entries if entry and entry[0].isalnum()}


EVERYWHERE = ("--universal", "--python-version", "3.10")
"""All supported platforms and Python versions."""


def resolve(*requirements: str, output: Path, where: tuple[str, ...] = EVERYWHERE) -> None:
    """Run the resolver for requirements, files or groups with their options."""
    form = ("--generate-hashes", "--no-header", "--no-emit-index-url", "-o", str(output))
    command = [str(UV), "pip", "compile", "--quiet", *where, *form, *requirements]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit("lock: the versions could not be resolved, see above; nothing was changed")


def write(lock: Path, title: str, text: str) -> None:
    """Write a lock file: what it is, what it was made from, then the packages."""
    header = f"# {title}; made by tools/lock.py.\n# made from: {inputs(ROOT / 'pyproject.toml')}\n"
    lock.write_text(header + text, encoding="utf-8")


def lock(upgrade: bool) -> None:
    """Resolve everything at once, then divide it into what is always installed and what each group adds."""
    project, always = ROOT / "pyproject.toml", ROOT / "requirements.lock"
    optional = {group: ROOT / f"requirements-{group}.lock" for group in OPTIONAL}
    document = tomli.loads(project.read_text(encoding="utf-8"))
    groups = document["dependency-groups"]
    base = [option for extra in document["project"]["optional-dependencies"] for option in ("--extra", extra)]
    base += [option for group in groups if group not in OPTIONAL for option in ("--group", group)]
    with tempfile.TemporaryDirectory(prefix="lock-") as name:
        whole, part, installer = (Path(name) / file for file in ("whole", "part", "uv.in"))
        if not upgrade:
            present = [
                path.read_text(encoding="utf-8") for path in (always, *optional.values()) if path.is_file()
            ]
            whole.write_text("".join(present), encoding="utf-8")
        additional = [option for group in OPTIONAL for option in ("--group", group)]
        resolve(str(project), *base, *additional, output=whole)

        def locked(*requirements: str, where: tuple[str, ...] = EVERYWHERE) -> str:
            part.unlink(missing_ok=True)
            resolve(*requirements, "-c", str(whole), output=part, where=where)
            return re.sub(r"^ *#.*-c .*\n", "", part.read_text(encoding="utf-8"), flags=re.MULTILINE)

        installed = locked(str(project), *base)
        added = {group: locked(str(project), *base, "--group", group) for group in OPTIONAL}
        provided = [option for name in PROVIDED for option in ("--no-emit-package", name)]
        layer = locked("--group", RUNTIME, *provided, where=LAMBDA)
        installer.write_text(f"uv=={UV_VERSION}\n", encoding="utf-8")
        part.unlink()
        resolve(str(installer), "--no-annotate", output=part)
        uv = part.read_text(encoding="utf-8")
    known = packages(installed)
    write(always, "What `make setup` installs", installed)
    for group, path in optional.items():
        additions = [entry for first, entry in packages(added[group]).items() if first not in known]
        write(path, f"What the group {group} adds to requirements.lock", "".join(additions))
    write(ROOT / f"requirements-{RUNTIME}.lock", "The layer of our Lambda functions", layer)
    write(ROOT / "tools" / "uv.lock", "The installer", uv)


def main() -> int:
    """Lock, or tell whether that is needed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only tell; exit code 1 if a lock is not fresh")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    arguments = parser.parse_args()
    if not arguments.check:
        lock(arguments.upgrade)
        return 0
    for name in stale(ROOT):
        print(f"{name}: not made from this pyproject.toml; run: make lock", file=sys.stderr)
    return 1 if stale(ROOT) else 0


if __name__ == "__main__":
    raise SystemExit(main())
