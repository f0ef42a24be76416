"""Synthesize the environments: `environments/*.yaml` to `cdktf.out/stacks/<environment>-<part>/`.

SAGEWRIGHT_ENVIRONMENT names the one to synthesize; without it, all are.
"""

import os
import sys
from pathlib import Path

from cdktf import App

from stacks.environment import InvalidEnvironment, names, read_all
from stacks.foundation import Foundation
from stacks.serving import Serving
from stacks.training import Training

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
    except InvalidEnvironment as error:
        print(error, file=sys.stderr)
        return 2
    app = App()
    for name, environment in environments.items():
        foundation = Foundation(app, name, environment)
        Training(app, name, environment, foundation)
        Serving(app, name, environment, foundation)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
