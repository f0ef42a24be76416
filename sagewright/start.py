"""The programs' entry points: Ctrl-C while Python still imports ends them, without a traceback."""

from __future__ import annotations

import signal


def cli() -> None:
    """Run the command line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sagewright.cli import main

    main()


def wrapper() -> int:
    """Run the Terraform that CDKTF calls; returns its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sagewright.wrapper import main

    return main()
