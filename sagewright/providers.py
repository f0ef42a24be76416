"""AWS providers that serve one Terraform process after another, where AWS is the embedded one.

A provider that Terraform starts builds its schema first, and Terraform decodes it: most of the CPU time of a
small plan. One that it is told of has built it before, and a relay tells of it what is in use
(local/relay.py). Terraform does not compare such a provider with the lock file again, as `init` did.
HashiCorp means this for debugging, so on AWS itself every Terraform starts its own.
https://developer.hashicorp.com/terraform/plugin/debugging#starting-a-provider-in-debug-mode
"""

from __future__ import annotations

import atexit
import json
import subprocess
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sagewright.errors import SagewrightError

if TYPE_CHECKING:
    from sagewright.local.relay import Relay

SETTING = "TF_REATTACH_PROVIDERS"
KEEPER = '"$0" -debug & exec >&-; read -r _; kill $!; wait; rm -r "$PLUGIN_UNIX_SOCKET_DIR"'
"""Ends the provider with the command that began it, in whatever way that ends: then this input is closed.

The sockets, which it would leave behind, go with it. The output is the provider's alone, so it ends with it.
"""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider that runs: what a Terraform must be told to have it, and what ends with it."""

    told: str
    relay: Relay
    keeper: subprocess.Popen[str]


class Providers:
    """The providers of one command: as many as it runs Terraform side by side."""

    def __init__(self) -> None:
        self._free: dict[Path, list[Provider]] = {}
        self._all: list[Provider] = []
        self._said: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @contextmanager
    def lend(
        self, program: Path, folder: Path, variables: Mapping[str, str], types: Collection[str] | None
    ) -> Iterator[dict[str, str]]:
        """Lend a provider that works in a folder to one Terraform; yield the variable that tells it where.

        Terraform configures it anew: whoever has it has it alone, and is told of these `types` only, or of
        all. `program` is the provider, `variables` its process environment; both must be the same at every
        call.
        """
        with self._lock:
            free = self._free.setdefault(folder, [])
            provider = free.pop() if free else None
        provider = provider or self._start(program, folder, variables)
        provider.relay.types = types
        try:
            yield {SETTING: provider.told}
        finally:
            with self._lock:
                free.append(provider)

    def _start(self, program: Path, folder: Path, variables: Mapping[str, str]) -> Provider:
        from sagewright.local.relay import Relay

        keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, str(program)],
            cwd=folder,
            env={**variables, "PLUGIN_UNIX_SOCKET_DIR": tempfile.mkdtemp(prefix="sagewright-")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert keeper.stdout is not None
        said = iter(keeper.stdout.readline, "")
        setting = next((line for line in said if f"{SETTING}=" in line), None)
        if setting is None:
            keeper.communicate()
            raise SagewrightError(
                f"{program}: the AWS provider does not start; install it again: "
                "rm -f .sagewright/stamps/provider && make setup"
            )
        ((name, how),) = json.loads(setting.partition("=")[2].strip().strip("'")).items()
        relay = Relay(how["Addr"]["String"], self._said)
        told = json.dumps({name: {**how, "Addr": {**how["Addr"], "String": relay.socket}}})
        provider = Provider(told, relay, keeper)
        with self._lock:
            if not self._all:
                atexit.register(self.close)
            self._all.append(provider)
        return provider

    def close(self) -> None:
        """End all of them."""
        atexit.unregister(self.close)
        with self._lock:
            self._free.clear()
            ended, self._all = self._all, []
        for provider in ended:
            provider.relay.close()
            provider.keeper.communicate()
