"""Terraform as a program: one folder, one stack, every call timed; JSON in, plain text never parsed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any, TypeVar

from sagewright.errors import SagewrightError
from sagewright.project import Project
from sagewright.providers import Providers

GATE_VARIABLE = {"TF_VAR_plan_gate": "sagewright"}
"""What opens the lock in every stack (stacks/base.py): a Terraform that was not started here lacks it."""


PROVIDER = "terraform-provider-aws_*"
USING = ("init", "plan", "show", "apply")
"""The commands that need a provider; `init` installs and checks those that are not lent."""


class TerraformFailed(SagewrightError):
    """Terraform ended with an error; the text holds its own diagnostics."""


T = TypeVar("T")

BUSY: set[object] = set()
"""One token for each call of `patiently` under way: from before a Terraform starts to after its end."""
RUNNING: dict[subprocess.Popen[str], bool] = {}
"""The Terraform processes under way, and whether each was told to end."""
INTERRUPTS: list[int] = []
"""The signals that ended this program; after the first, no Terraform is started."""
STARTING = threading.RLock()
"""Held while a Terraform starts in any thread, so that `interrupt` misses none."""


@dataclass(slots=True)
class Clock:
    """The time spent inside Terraform processes, in seconds, summed over all of them."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Terraform:
    """The Terraform of one stack's folder.

    `variables` is the whole process environment: credentials, region, endpoint. With `providers`, the AWS
    provider is lent by them.
    """

    project: Project
    folder: Path
    variables: Mapping[str, str]
    clock: Clock = field(default_factory=Clock)
    providers: Providers | None = None

    @property
    def stack(self) -> str:
        """The stack that the folder holds."""
        return self.folder.name

    def init(self) -> None:
        """Make the folder ready: backend and provider; does nothing when it is already.

        The provider version comes from the project's lock file, so that every stack has the same; a lock
        that is another than init left is replaced.
        """
        stamp = self.folder / ".terraform" / "sagewright-initialized"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == self._initialized_by():
            return
        if self.project.provider_lock.exists():
            shutil.copyfile(self.project.provider_lock, self._lock)
        self._text("init", "-input=false", "-no-color", "-reconfigure")
        if self._lent is not None:
            self._link(self._lent)
        stamp.write_text(self._initialized_by(), encoding="utf-8")

    def _link(self, program: Path) -> None:
        """Put a lent provider, which `init` passes over, where `init` puts one: other commands look there."""
        installed = Path(".terraform", "providers", "registry.terraform.io", "hashicorp", "aws")
        installed = self.folder / installed / program.parents[1].name / program.parent.name
        installed.parent.mkdir(parents=True, exist_ok=True)
        if installed.is_symlink():
            installed.unlink()  # it may lead to where the checkout was before
        if not installed.exists():
            installed.symlink_to(program.parent)

    @property
    def _lock(self) -> Path:
        return self.folder / ".terraform.lock.hcl"

    def _configuration(self) -> dict[str, Any]:
        path = self.folder / "cdk.tf.json"
        configuration: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return configuration

    def _initialized_by(self) -> str:
        synthesized = self._configuration()
        lent = self._lent is not None
        settings = [synthesized.get("terraform"), self.variables.get("AWS_ENDPOINT_URL"), lent]
        configuration = Path(self.variables.get("TF_CLI_CONFIG_FILE", os.devnull))
        files = [configuration, self.project.provider_lock, self._lock]
        parts = [sha256(path.read_bytes()) if path.is_file() else None for path in files]
        return sha256(json.dumps([settings, *parts], sort_keys=True).encode())

    def plan(self, out: Path, *arguments: str) -> bool:
        """Save a plan in `out`, readable by its owner only; tell whether it changes anything."""
        private(out)
        command = ["plan", f"-out={out}", "-detailed-exitcode", *arguments]
        code = self._knowing_the_types(lambda: self._events(command, accepted=(0, 2)))
        out.chmod(0o600)
        return code == 2

    def show(self, plan: Path | None = None) -> dict[str, Any]:
        """Return a saved plan, or the state, as Terraform's JSON."""
        command = ["show", "-json", *([str(plan)] if plan else [])]
        text = self._knowing_the_types(lambda: self._text(*command))
        document: dict[str, Any] = json.loads(text)
        return document

    def has_state(self) -> bool:
        """Tell whether the state holds a resource or an output; asks no provider, so takes no time.

        https://developer.hashicorp.com/terraform/cli/commands/state/pull
        """
        state = self._pulled()
        return bool(state.get("resources") or state.get("outputs"))

    def version_of_state(self) -> str:
        """Return the lineage and the serial of the state: a plan that was made on others is stale.

        Empty where there is no state. https://developer.hashicorp.com/terraform/cli/commands/state/push
        """
        state = self._pulled()
        return f"{state['lineage']}/{state['serial']}" if state else ""

    def _pulled(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._text("state", "pull") or "{}")
        return state

    def text(self, plan: Path) -> str:
        """Return a saved plan as Terraform prints it; what is marked sensitive is not in it."""
        return self._knowing_the_types(lambda: self._text("show", "-no-color", str(plan)))

    def apply(self, plan: Path, *arguments: str, say: Callable[[str], None] = lambda _: None) -> None:
        """Apply a saved plan, and nothing but that plan."""
        self._events(["apply", *arguments, str(plan)], accepted=(0,), say=say)

    @property
    def _all_types(self) -> Path:
        """Is there where `_types` were not enough."""
        return self.folder / ".terraform" / "sagewright-all-types"

    def _types(self) -> set[str]:
        """Return the resource types that Terraform is told of: the modules', and what the folder names."""
        types = set(self.project.resource_types)
        for path in self.folder.rglob("*.tf.json"):
            named = json.loads(path.read_text(encoding="utf-8"))
            types.update(named.get("resource", {}), named.get("data", {}))
        return types

    def _may_lack_a_type(self) -> bool:
        """Tell whether there may be others: of modules from elsewhere, or of what the state still has."""
        if "module" in self._configuration():
            return True
        try:
            state = self._pulled()
        except TerraformFailed:
            return False
        return not {resource["type"] for resource in state.get("resources", [])} <= self._types()

    def _knowing_the_types(self, run: Callable[[], T]) -> T:
        """Run a command that changes nothing; again, with all of the provider's types, where it lacked one.

        An `apply` comes after the plan that it applies was shown here, so it never lacks one.
        """
        try:
            return run()
        except TerraformFailed:
            if self.providers is None or self._all_types.exists() or not self._may_lack_a_type():
                raise
        self._all_types.touch()
        return run()

    @property
    def _lent(self) -> Path | None:
        """The AWS provider that set-up has checked, where it is lent; who wants its log has one for each."""
        if self.providers is None or any(name.startswith("TF_LOG") for name in self.variables):
            return None
        if "aws" not in self._configuration().get("terraform", {}).get("required_providers", {}):
            return None
        return next(self.project.work.glob(f"providers/*/hashicorp/aws/*/*/{PROVIDER}"), None)

    @contextmanager
    def _provider(self, command: str) -> Iterator[Mapping[str, str]]:
        """Lend the AWS provider to a command that uses it.

        The provider reads a stack's assets by their paths from the stack's folder.
        """
        program = self._lent if command in USING else None
        if self.providers is None or program is None:
            yield {}
            return
        folder = self.folder if (self.folder / "assets").is_dir() else self.project.root
        types = None if self._all_types.exists() else self._types()
        with self.providers.lend(program, folder, self.variables, types) as told:
            yield told

    def _start(
        self, arguments: Sequence[str], errors: IO[str] | int, told: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.project.terraform), *arguments],
            cwd=self.folder,
            env={**self.variables, **GATE_VARIABLE, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def _text(self, *arguments: str) -> str:
        start = time.monotonic()
        with self._provider(arguments[0]) as told:
            process, (output, errors) = patiently(
                lambda: self._start(arguments, subprocess.PIPE, told), lambda process: process.communicate()
            )
        self.clock.seconds += time.monotonic() - start
        if process.returncode:
            raise TerraformFailed(
                f"{self.stack}: terraform {arguments[0]} failed\n{plain(errors or output).strip()}"
            )
        return output

    def _events(
        self, arguments: Sequence[str], accepted: tuple[int, ...], say: Callable[[str], None] = lambda _: None
    ) -> int:
        """Run a command that prints an event a line; its errors become one text.

        https://developer.hashicorp.com/terraform/internals/machine-readable-ui
        """
        problems: list[str] = []
        finished = 0

        def read(process: subprocess.Popen[str]) -> None:
            nonlocal finished
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    event = json.loads(line)
                except ValueError:
                    problems.append(plain(line).strip())
                    continue
                if event.get("type") == "diagnostic" and event["diagnostic"]["severity"] == "error":
                    problems.append(diagnostic(event["diagnostic"]))
                elif event.get("type") == "apply_complete":
                    finished += 1
                    say(f"{finished} done, last {event['hook']['resource']['addr']}")

        start = time.monotonic()
        command = [arguments[0], "-json", "-input=false", *arguments[1:]]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors, self._provider(arguments[0]) as told:
            process, _ = patiently(lambda: self._start(command, errors, told), read)
            errors.seek(0)
            said = plain(errors.read()).strip()
        self.clock.seconds += time.monotonic() - start
        if process.returncode not in accepted:
            text = "\n".join(problems) or said or f"exit code {process.returncode}"
            raise TerraformFailed(f"{self.stack}: terraform {arguments[0]} failed\n{text}")
        return process.returncode


def patiently(
    start: Callable[[], subprocess.Popen[str]], wait: Callable[[subprocess.Popen[str]], T]
) -> tuple[subprocess.Popen[str], T]:
    """Start Terraform and wait until it ends in its own way, also when the user interrupts.

    Terraform has a session of its own, so that a Ctrl-C reaches it once, from `interrupt`: it finishes
    what it is at, saves its state and releases its lock. A second Ctrl-C is passed on too: it stops hard.
    The interrupt is raised here when Terraform has ended, and in no other moment, so that none is orphaned.
    """
    token = object()
    BUSY.add(token)
    try:
        with STARTING:
            if INTERRUPTS:
                raise KeyboardInterrupt
            process = start()
            RUNNING[process] = False
            if INTERRUPTS and not RUNNING[process]:
                tell(process)
        try:
            with process:
                result = wait(process)
        finally:
            del RUNNING[process]
    finally:
        BUSY.discard(token)
    if INTERRUPTS:
        raise KeyboardInterrupt
    return process, result


def tell(process: subprocess.Popen[str]) -> None:
    """Tell a Terraform to end."""
    RUNNING[process] = True
    process.send_signal(signal.SIGINT)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle SIGINT, SIGTERM and SIGHUP: every Terraform that runs is told, then the command ends."""
    with STARTING:
        INTERRUPTS.append(number)
        for process in tuple(RUNNING):
            tell(process)
    if not BUSY:
        raise KeyboardInterrupt


def handle_interrupts() -> None:
    """Route the signals that end a command through `interrupt`; to be called once by a program."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def private(path: Path) -> Path:
    """Make the folder of a file that may hold secrets, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def plain(text: str) -> str:
    """Return Terraform's text without colour codes and frame characters."""
    without = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return "\n".join(line.lstrip("│╷╵ ").rstrip() for line in without.splitlines())


def diagnostic(entry: Mapping[str, Any]) -> str:
    """Return one diagnostic as text: where, what, why."""
    where = entry.get("address")
    lines = [f"{where}: {entry['summary']}" if where else str(entry["summary"])]
    if entry.get("detail"):
        lines.append(str(entry["detail"]).strip())
    return "\n  ".join(lines)
