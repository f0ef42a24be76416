"""Starts, finds and stops the embedded AWS, which runs in the background in a process of its own."""

from __future__ import annotations

import errno
import fcntl
import http.client
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sagewright
from sagewright.errors import SagewrightError, Usage
from sagewright.local import HOST

RECORD = "embedded-aws.json"
"""What runs: port, process id, nonce. Written by the server once it answers, removed when it stops."""
LOG = "embedded-aws.log"
REQUEST_LOG = "embedded-aws-requests.jsonl"
"""One line per request, without payloads."""

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.02
MODULE = "sagewright.local"


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """An embedded AWS that answers."""

    url: str
    port: int
    pid: int
    started: float
    """Seconds since the epoch."""
    log: Path

    def environment(self, account_id: str, region: str) -> dict[str, str]:
        """Return the variables that point Terraform, boto3 and the AWS CLI here.

        The access key id is the account id: that is how one server holds several accounts. Unset every
        other `AWS_…` variable first; the user's own files are put out of reach, so that neither a profile
        nor an endpoint in them can lead a command to a real account.
        """
        variables = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_ACCESS_KEY_ID": account_id,
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name in ("NO_PROXY", "no_proxy"):
            hosts = [host for host in os.environ.get(name, "").split(",") if host]
            variables[name] = ",".join(hosts if HOST in hosts else [*hosts, HOST])
        return variables


def up(folder: Path, port: int | None = None) -> Running:
    """Start the embedded AWS, or return the one that runs already.

    `folder` keeps its record and its logs. Without `port`, the system chooses a free one.
    Returns as soon as it answers. It lives on in a session of its own: Ctrl-C here does not end it,
    but Ctrl-C before it answers leaves none behind.

    Raises `Usage` when the port is taken or another one was asked for than the running server has, and
    `SagewrightError` with the end of its log when it does not start.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        running = _running(folder)
        if running is None:
            _refuse_deaf(folder)
            return _start(folder, port)
    if port not in (None, running.port):
        raise Usage(
            f"port: the embedded AWS runs on port {running.port} already, got {port}; "
            "stop it first with `sagewright local down`"
        )
    return running


def status(folder: Path) -> Running | None:
    """Return the embedded AWS of this folder if it runs.

    The record of one that was killed is removed. A process that merely has its old id is left alone: the
    server is known by a nonce in its command line, and by the same nonce in its answer. Waits while one
    is being started or stopped.
    """
    if not folder.exists():
        return None
    with _locked(folder):
        return _running(folder)


def _running(folder: Path) -> Running | None:
    record = _read(folder)
    if record is None:
        return None
    if not record.alive():
        remove_record(folder, record.nonce)
        return None
    return record.running() if record.answers() else None


def down(folder: Path) -> bool:
    """Stop the embedded AWS of this folder and wait until it is gone; return whether one ran.

    Its state is lost. Only the process that this folder's record names by id and nonce is signalled, even
    when it no longer answers. Waits while one is being started.
    """
    if not folder.exists():
        return False
    with _locked(folder):
        return _stop(folder)


def _stop(folder: Path) -> bool:
    record = _read(folder)
    if record is None:
        return False
    ran = record.alive()
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if not record.signalled(signal_number):
            break
    if record.alive():
        raise SagewrightError(f"process {record.pid}, the embedded AWS, does not end; end it by hand")
    if ran:
        record.release_port()
    remove_record(folder, record.nonce)
    return ran


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    folder: Path
    port: int
    pid: int
    nonce: str
    started: float

    def running(self) -> Running:
        return Running(
            url=f"http://{HOST}:{self.port}",
            port=self.port,
            pid=self.pid,
            started=self.started,
            log=self.folder / LOG,
        )

    def alive(self) -> bool:
        return self.nonce in _command_line(self.pid)

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=STOP_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/sagewright/status")
            return bool(json.loads(connection.getresponse().read()).get("nonce") == self.nonce)
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return False
        finally:
            connection.close()

    def signalled(self, signal_number: signal.Signals) -> bool:
        """Signal the server and wait; return whether it still runs."""
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal_number)
        while self.alive() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return self.alive()

    def release_port(self) -> None:
        """Wait until all threads of a server that has ended have closed its port."""
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while _binding_error(self.port) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def write_record(folder: Path, *, port: int, nonce: str, started: float) -> None:
    """Record this process as the embedded AWS of the folder."""
    fields = {"port": port, "pid": os.getpid(), "nonce": nonce, "started": started}
    draft = folder / f"{RECORD}.{os.getpid()}"
    draft.write_text(json.dumps(fields) + "\n", encoding="utf-8")
    draft.replace(folder / RECORD)


def remove_record(folder: Path, nonce: str) -> None:
    """Remove the record of one server, and of no other that has taken its place."""
    record = _read(folder)
    if record is not None and record.nonce == nonce:
        (folder / RECORD).unlink(missing_ok=True)


def _read(folder: Path) -> _Record | None:
    folder = folder.absolute()
    try:
        fields = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return _Record(
            folder=folder,
            port=int(fields["port"]),
            pid=int(fields["pid"]),
            nonce=str(fields["nonce"]),
            started=float(fields["started"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        (folder / RECORD).unlink(missing_ok=True)
        return None


def _command_line(pid: int) -> str:
    """Return the command line of a process; empty when there is none, or when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/cmdline").exists():
            return ""
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one caller at a time start, find or stop a server."""
    with (folder / "embedded-aws.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(folder: Path, port: int | None) -> Running:
    _refuse_port_in_use(port)
    nonce = secrets.token_hex(16)
    receiver, sender = os.pipe()
    command = [
        *(sys.executable, "-m", MODULE, "--folder", str(folder)),
        *("--port", str(port or 0), "--nonce", nonce, "--ready-fd", str(sender)),
    ]
    log = folder / LOG
    try:
        with log.open("wb") as output:
            launcher = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(sender,),
                start_new_session=True,
                env=_environment(),
            )
        os.close(sender)
        with launcher:
            ready = _ready(receiver)
    finally:
        os.close(receiver)
    record = _read(folder)
    if not ready or record is None or record.nonce != nonce or not record.answers():
        _stop(folder)
        _refuse_port_in_use(port)
        last_lines = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
        raise SagewrightError(f"the embedded AWS did not start; its log, {log}, ends with:\n{last_lines}")
    return record.running()


def _refuse_deaf(folder: Path) -> None:
    record = _read(folder)
    if record is not None:
        raise SagewrightError(
            f"the embedded AWS, process {record.pid}, runs but does not answer on port {record.port}; "
            "stop it with `sagewright local down`"
        )


def _environment() -> dict[str, str]:
    """Return this process's environment, with this very package first on the path."""
    own = str(Path(sagewright.__file__).parent.parent)
    path = [own, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def _ready(receiver: int) -> bool:
    """Wait until the server says that it answers, or until it closes the pipe because it ended."""
    readable, _, _ = select.select([receiver], [], [], START_TIMEOUT_SECONDS)
    return bool(readable) and os.read(receiver, 1) != b""


def _refuse_port_in_use(port: int | None) -> None:
    if port is None:
        return
    if not 1 <= port <= 65535:
        raise Usage(f"port: supply a number from 1 to 65535, got {port}")
    if error := _binding_error(port):
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise Usage(f"port: {HOST}:{port} {reason}; choose another, or none to get a free one")


def _binding_error(port: int) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error
    return None
