"""Every error that a user meets: one clear text and an exit code, never a traceback unless asked for."""

import os
import traceback

TRACEBACK = "SAGEWRIGHT_TRACEBACK"
"""Set to see where an error arose that nobody foresaw."""


class SagewrightError(Exception):
    """The run could not be finished: something failed, nothing was denied.

    The text is shown as it is; it says what was wrong, where, and what would be right.
    """

    exit_code = 3


class Denied(SagewrightError):
    """The plan gate is closed: a policy denies this plan."""

    exit_code = 1


class Usage(SagewrightError):
    """The input is wrong: a file, an option, an account, a port."""

    exit_code = 2


def unforeseen(error: Exception) -> str:
    """Return one line for an error of any other type; print its traceback first if `TRACEBACK` is set."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    return " ".join(f"{type(error).__name__}: {error}".split())
