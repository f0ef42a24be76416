"""Write `environments/schema.json`, by which editors check and complete environment files.

It is made from the classes that read them. `--check` writes nothing and fails when it is stale.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "environments" / "schema.json"


def main(arguments: list[str]) -> int:
    """Write the schema, or with `--check` tell whether it is as it would be written."""
    os.environ["PATH"] = f"{ROOT / '.sagewright' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    from stacks.environment import schema  # starts Node

    text = json.dumps(schema(), indent=2) + "\n"
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        print("environments/schema.json: stale; run: python tools/schema.py", file=sys.stderr)
        return 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
