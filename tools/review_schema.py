"""Write `docs/review.schema.json`, the schema of what `sagewright review --json` writes.

It is made from the classes of the model. `--check` writes nothing and fails when it is stale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sagewright.review.document import schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "review.schema.json"


def text() -> str:
    """Return the schema as it is kept."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema, or with `--check` tell whether it is as it would be written."""
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text():
        return 0
    if "--check" in arguments:
        print("docs/review.schema.json: stale; run: python tools/review_schema.py", file=sys.stderr)
        return 1
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
