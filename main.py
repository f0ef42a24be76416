"""Synthesize the environments: `environments/*.yaml` to `cdktf.out/stacks/<environment>-<part>/`.

SAGEWRIGHT_ENVIRONMENT names the one to synthesize; without it, all are. SAGEWRIGHT_BOOTSTRAP, set to
anything, has just `<environment>-bootstrap` synthesized, which no other run ever has.
"""

import os
import sys
from pathlib import Path

from cdktf import App

from stacks.bootstrap import Bootstrap
from stacks.environment import Environment, InvalidEnvironment, names, read_all
from stacks.parts import build as build_stacks

FOLDER = Path(__file__).parent / "environments"
GATE = "sagewright-terraform"


def main() -> int:
    """Read the environments, then build and synthesize their stacks."""
    terraform = os.environ.get("TERRAFORM_BINARY_NAME", "terraform")
    if "CDKTF_OUTDIR" in os.environ and not terraform.endswith(GATE):
        print(
            f"cdktf would run {terraform}, not the plan gate; run this first: . .sagewright/env",
            file=sys.stderr,
        )
        return 2
    wanted = os.environ.get("SAGEWRIGHT_ENVIRONMENT")
    try:
        environments = read_all([wanted] if wanted else names(FOLDER), FOLDER)
        app = App()
        for name, environment in environments.items():
            build(app, name, environment)
        app.synth()
    except (ValueError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def build(app: App, name: str, environment: Environment) -> None:
    """Build an environment's stacks.

    Raises `InvalidEnvironment` with the words of what refused to be built; jsii passes them on in a
    `RuntimeError`.
    """
    try:
        if os.environ.get("SAGEWRIGHT_BOOTSTRAP"):
            if not environment.embedded:
                Bootstrap(app, name, environment)
            return
        build_stacks(app, name, environment)
    except (ValueError, RuntimeError) as error:
        place = f"{FOLDER.name}/{name}.yaml"
        lines = (f"{place}: {line}" for line in str(error).splitlines())
        raise InvalidEnvironment("\n".join(lines)) from error


if __name__ == "__main__":
    sys.exit(main())
