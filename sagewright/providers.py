"""AWS providers that serve one Terraform process after another, where AWS is the embedded one.

A provider that Terraform starts builds its schema first, which is half of the CPU time of a small plan. That
of one that it is told of, Terraform does not compare with the lock file again, as `init` did. HashiCorp means
this for debugging, so on AWS itself every Terraform starts its own.
https://developer.hashicorp.com/terraform/plugin/debugging#starting-a-provider-in-debug-mode
"""

from __future__ import annotations

import atexit
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SETTING = "TF_REATTACH_PROVIDERS"
KEEPER = '"$0" -debug & read -r _; kill $!; wait'
"""Ends the provider with the command that began it, in whatever way that ends: then this input is closed."""


class Providers:
    """The providers of one command: as many as it runs Terraform side by side."""

    def __init__(self) -> None:
        self._free: dict[Path, list[str]] = {}
        self._keepers: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, program: Path, folder: Path, variables: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Lend a provider that works in a folder to one Terraform; yield the variable that tells it where.

        Terraform configures it anew: whoever has it has it alone. `program` is the provider, `variables` its
        process environment; both must be the same at every call.
        """
        with self._lock:
            free = self._free.setdefault(folder, [])
            told = free.pop() if free else ""
        told = told or self._start(program, folder, variables)
        try:
            yield {SETTING: told}
        finally:
            with self._lock:
                free.append(told)

    def _start(self, program: Path, folder: Path, variables: Mapping[str, str]) -> str:
        """Start a provider; return what it says a Terraform must be told."""
        keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, str(program)],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        with self._lock:
            if not self._keepers:
                atexit.register(self.close)
            self._keepers.append(keeper)
        assert keeper.stdout is not None
        said = iter(keeper.stdout.readline, "")
        setting = next(line for line in said if f"{SETTING}=" in line)
        return setting.partition("=")[2].strip().strip("'")

    def close(self) -> None:
        """End all of them."""
        atexit.unregister(self.close)
        with self._lock:
            self._free.clear()
            keepers, self._keepers = self._keepers, []
        for keeper in keepers:
            keeper.communicate()
