"""Write `docs/ssm-parameters.md`: what other teams read of an environment, as the stacks publish it.

It is made from the committed environments. `--check` writes nothing and fails when it is stale.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "ssm-parameters.md"
COMMAND = "python tools/ssm_page.py"

HEAD = """# SSM parameters

What an environment gives to other teams is in the Parameter Store of its account, under
`/sagewright/<environment>/`. These names, types and meanings are a public contract: a change is told in the
changelog. `<key>` is a key of the environment file; a `StringList` has its values with commas between them.
A parameter is there when the environment has what it is about.

    aws ssm get-parameter --name /sagewright/dev/network/vpc_id --query Parameter.Value --output text

Terraform reads them by the data source `aws_ssm_parameter`, CDK for Terraform by `DataAwsSsmParameter`.

| parameter | type | stack | what it is |
|---|---|---|---|"""


def page() -> str:
    """Return the page, a row for each parameter."""
    from stacks.environment import names, read_all  # starts Node
    from stacks.parts import published

    folder = ROOT / "environments"
    found = sorted(set(published(read_all(names(folder), folder))))
    lines = (
        f"| `{name.replace('{key}', '<key>')}` | {type_} | {part} | {description} |"
        for name, type_, part, description in found
    )
    return "\n".join([f"<!-- Made from the stacks by {COMMAND}. -->", HEAD, *lines, ""])


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` tell whether it is as it would be written."""
    os.environ["PATH"] = f"{ROOT / '.sagewright' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    text = page()
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in arguments:
        print(f"docs/ssm-parameters.md: stale; run: {COMMAND}", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
