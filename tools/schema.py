"""Write the JSON Schemas by which editors check and complete environment files and the catalogue of policies.

They are made from the classes that read the files. `--check` writes nothing and fails when one is stale.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {name: ROOT / name / "schema.json" for name in ("environments", "policies")}


def main(arguments: list[str]) -> int:
    """Write the schemas, or with `--check` tell whether they are as they would be written."""
    os.environ["PATH"] = f"{ROOT / '.sagewright' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    from sagewright.gate.catalog import Catalog
    from stacks.environment import schema  # starts Node

    stale = 0
    for name, wanted in {"environments": schema(), "policies": Catalog.model_json_schema()}.items():
        text = json.dumps(wanted, indent=2) + "\n"
        if TARGETS[name].is_file() and TARGETS[name].read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"{name}/schema.json: stale; run: python tools/schema.py", file=sys.stderr)
            stale = 1
        else:
            TARGETS[name].write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
