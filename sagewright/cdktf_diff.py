"""`cdktf diff` with a pattern: CDKTF itself takes one for deploy, but not there."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from collections.abc import Mapping, Sequence

from sagewright import project, synth
from sagewright.errors import SagewrightError, Usage, unforeseen


def main() -> int:
    """Show the difference of every stack that a pattern matches; synthesize once.

    The arguments are those of `cdktf diff`. Returns the exit code of the last diff that failed, or 0.
    """
    try:
        return diff(sys.argv[1], sys.argv[2:])
    except SagewrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        print(f"error: {unforeseen(error)}", file=sys.stderr)
        return SagewrightError.exit_code


def diff(pattern: str, arguments: Sequence[str]) -> int:
    """Run `cdktf diff` for each stack; raises `Usage` where the pattern matches none."""
    checkout = project.find()
    variables = checkout.variables()
    synthesis = [] if "--skip-synth" in arguments else ["--skip-synth"]
    if synthesis:
        done = call(["cdktf", "synth"], variables)
        if done:
            return done
    names = [stack.name for stack in synth.read(checkout).stacks]
    matching = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not matching:
        raise Usage(f"no stack matches {pattern!r}; there are: {', '.join(names)}")
    failed = 0
    for name in matching:
        failed = call(["cdktf", "diff", name, *arguments, *synthesis], variables) or failed
    return failed


def call(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run cdktf to its own end, also on Ctrl-C, which the terminal sends to both, then pass that on."""
    interrupted = False
    with subprocess.Popen(command, env=variables) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
