"""Lambda: functions in Python run, each in processes of its own, one request at a time in each, as on AWS.

They run in this environment's Python, with its packages in the place of their layers, which are for another
platform. What they print goes to their log group.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.logs.models import logs_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from sagewright.local import HOST, function_worker
from sagewright.local.refusal import Refused
from sagewright.local.wire import Answer, Call, Environ, read_body

LARGEST_REQUEST = 6 * 2**20
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
MOST_WORKERS = 4
"""Of one function; further requests wait. On AWS there are up to a thousand, here there is one machine."""
MOST_IDLE = 8
"""Of all functions: a process takes 50 MB, and waits for requests that may never come."""
START_SECONDS = 60
"""How long a function may take to be imported; on AWS that is ten seconds."""
SESSION_SECONDS = 12 * 3600

_INVOCATION = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
_MARK = "\x1eanswered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A version of a function, with all that its processes are started with."""

    account_id: str
    region: str
    arn: str
    name: str
    version: str
    handler: str
    code_sha_256: str
    role: str
    memory_megabytes: int
    timeout_seconds: int
    variables: tuple[tuple[str, str], ...]
    log_group: str
    reserved_concurrency: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """What came of a request."""

    payload: bytes
    failed: bool
    """The handler raised, ran out of time or ended its process."""
    log: str
    version: str


class Worker:
    """One process of a function."""

    def __init__(self, function: Function, code: bytes, credentials: Mapping[str, str]) -> None:
        self.function = function
        self.log_stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{function.version}]{uuid.uuid4().hex}"
        self._folder = tempfile.mkdtemp(prefix="sagewright-function-")
        with zipfile.ZipFile(io.BytesIO(code)) as opened:
            opened.extractall(self._folder)
        answers, theirs = os.pipe()
        caches = ("-X", f"pycache_prefix={sys.pycache_prefix}") if sys.pycache_prefix else ()
        program = (sys.executable, "-I", *caches, function_worker.__file__)
        arguments = (self._folder, function.handler, str(function.memory_megabytes), str(theirs))
        self._process = subprocess.Popen(
            [*program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs,),
            cwd=self._folder,
            env=self._environment(credentials),
        )
        os.close(theirs)
        self._answers = answers
        self._unread = b""
        self._lines: list[str] = []
        self._marked = threading.Event()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._started = False

    def ask(self, event: bytes) -> tuple[dict[str, Any] | None, str]:
        """Return the answer to an event, and what was logged; none if the process had to be ended."""
        request_id = str(uuid.uuid4())
        if not self._started:
            first = self._answer(START_SECONDS)
            if first is None or "ready" not in first:
                self.end()
                return first or _error("Runtime.ExitError", request_id, "Runtime exited"), self._log()
            self._started = True
        timeout = self.function.timeout_seconds
        context = {
            "function_name": self.function.name,
            "function_version": self.function.version,
            "invoked_function_arn": self.function.arn,
            "memory_limit_in_mb": str(self.function.memory_megabytes),
            "aws_request_id": request_id,
            "log_group_name": self.function.log_group,
            "log_stream_name": self.log_stream,
            "deadline": time.time() + timeout,
        }
        self._marked.clear()
        request = {"event": event.decode(), "context": context, "mark": _MARK}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answered = self._answer(timeout)
        except BrokenPipeError:
            answered = None
        if answered is not None:
            self._marked.wait(1)
            return answered, self._log()
        late = self._process.poll() is None
        self.end()
        said = f"Task timed out after {timeout:.2f} seconds" if late else "Runtime exited without an answer"
        return _error("Sandbox.Timedout" if late else "Runtime.ExitError", request_id, said), self._log(said)

    def end(self) -> None:
        """End the process, and remove its code."""
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        os.close(self._answers)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.returncode is not None

    def _environment(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that Lambda defines, without those of this process.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        """
        function = self.function
        return {
            **dict(function.variables),
            **credentials,
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ENDPOINT_URL": f"http://{HOST}:{os.environ['MOTO_PORT']}",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_megabytes),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_XRAY_SDK_ENABLED": "false",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "LAMBDA_TASK_ROOT": self._folder,
            "PATH": os.defpath,
            "TZ": ":UTC",
            "_HANDLER": function.handler,
        }

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """Wait for a line; `None` if none comes, or none any more."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                return None
            chunk = os.read(self._answers, 2**16)
            if not chunk:
                self._process.wait()
                return None
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        answered: dict[str, Any] = json.loads(line)
        return answered

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            if text == _MARK:
                self._marked.set()
            else:
                self._lines.append(text)

    def _log(self, *more: str) -> str:
        lines, self._lines = [*self._lines, *more], []
        return "\n".join(lines)


class Functions:
    """All functions of all accounts, as moto has them, and their processes."""

    def __init__(self, state: threading.RLock) -> None:
        self._state = state
        """Whoever reads what moto holds has it; nobody has it while a function runs."""
        self._changed = threading.Condition()
        self._idle: list[Worker] = []
        """Who waits for work, the longest first."""
        self._running: dict[Function, int] = {}

    def invoke(
        self, account_id: str, region: str, name: str, qualifier: str | None, event: bytes
    ) -> Invocation:
        """Run a function; raises `Refused`, and `NotImplementedError` for one that is not in Python."""
        function, code = self._find(account_id, region, name, qualifier)
        worker = self._take(function, code)
        try:
            answered, log = worker.ask(event)
        finally:
            self._give_back(worker)
        assert answered is not None
        self._write_log(worker, log)
        return Invocation(
            payload=answered["payload"].encode(),
            failed=answered["failed"],
            log=log,
            version=function.version,
        )

    def answer(self, call: Call, environ: Environ, account_id: str) -> Answer | None:
        """Answer Invoke, or return `None` for any other request.

        https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        """
        found = _INVOCATION.fullmatch(environ["PATH_INFO"]) if call.service == "lambda" else None
        if found is None or environ["REQUEST_METHOD"] != "POST":
            return None
        name, event = unquote(found[1]), read_body(environ) or b"{}"
        qualifier = parse_qs(environ.get("QUERY_STRING", "")).get("Qualifier", [None])[0]
        how = environ.get("HTTP_X_AMZ_INVOCATION_TYPE") or "RequestResponse"
        if len(event) > LARGEST_REQUEST:
            message = f"Request must be smaller than {LARGEST_REQUEST} bytes for the InvokeFunction operation"
            raise Refused("RequestEntityTooLargeException", message, "413 Request Entity Too Large")
        try:
            json.loads(event)
        except ValueError:
            message = "Could not parse request body into json: it is none"
            raise Refused("InvalidRequestContentException", message) from None
        if how == "DryRun":
            self._find(account_id, call.region, name, qualifier)
            return Answer(status="204 No Content", headers=[], body=b"")
        if how == "Event":
            self._find(account_id, call.region, name, qualifier)
            arguments = (account_id, call.region, name, qualifier, event)
            threading.Thread(target=self.invoke, args=arguments, daemon=True).start()
            return Answer(status="202 Accepted", headers=[("Content-Length", "0")], body=b"")
        done = self.invoke(account_id, call.region, name, qualifier, event)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(done.payload))),
            ("X-Amz-Executed-Version", done.version),
        ]
        if done.failed:
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        if environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail":
            headers.append(("X-Amz-Log-Result", base64.b64encode(done.log.encode()[-4096:]).decode()))
        return Answer(status="200 OK", headers=headers, body=done.payload)

    def end(self) -> None:
        """End all processes that wait for work: moto's reset has forgotten their functions."""
        with self._changed:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def _find(self, account_id: str, region: str, name: str, qualifier: str | None) -> tuple[Function, bytes]:
        with self._state:
            try:
                found: Any = get_backend(account_id, region).get_function(name, qualifier)
            except UnknownFunctionException as unknown:
                raise Refused("ResourceNotFoundException", unknown.message, "404 Not Found") from None
            if not (found.run_time or "").startswith("python"):
                raise NotImplementedError(f"a function in {found.run_time or 'an image'}")
            logging = getattr(found, "logging_config", None) or {}
            version = str(found.version)
            concurrency = found.reserved_concurrency
            function = Function(
                account_id=account_id,
                region=region,
                arn=found.function_arn,
                name=found.function_name,
                version=version if found.function_arn.endswith(f":{version}") else "$LATEST",
                handler=found.handler,
                code_sha_256=found.code_sha_256,
                role=found.role,
                memory_megabytes=int(found.memory_size),
                timeout_seconds=int(found.timeout),
                variables=tuple(sorted(found.environment_vars.items())),
                log_group=logging.get("LogGroup") or found.logs_group_name,
                reserved_concurrency=None if concurrency is None else int(concurrency),
            )
            return function, found.code_bytes

    def _take(self, function: Function, code: bytes) -> Worker:
        """Return an idle process, or start one, or wait for one; refuse what exceeds the reserved number."""
        with self._changed:
            self._forget_older(function)
            reserved = function.reserved_concurrency
            if reserved is not None and self._running.get(function, 0) >= reserved:
                raise Refused("TooManyRequestsException", "Rate Exceeded.", "429 Too Many Requests")
            while self._running.get(function, 0) >= MOST_WORKERS:
                self._changed.wait()
            self._running[function] = self._running.get(function, 0) + 1
            for worker in reversed(self._idle):
                if worker.function == function:
                    self._idle.remove(worker)
                    return worker
        try:
            return Worker(function, code, self._credentials(function))
        except BaseException:
            self._count_down(function)
            raise

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            if not worker.ended:
                self._idle.append(worker)
            too_many, self._idle = self._idle[:-MOST_IDLE], self._idle[-MOST_IDLE:]
        self._count_down(worker.function)
        for one in too_many:
            one.end()

    def _count_down(self, function: Function) -> None:
        with self._changed:
            self._running[function] -= 1
            self._changed.notify()

    def _forget_older(self, function: Function) -> None:
        """End the processes of what a version was before its code or configuration was changed."""
        for worker in [*self._idle]:
            if worker.function.arn == function.arn and worker.function != function:
                self._idle.remove(worker)
                worker.end()

    def _credentials(self, function: Function) -> dict[str, str]:
        """Return a session of the function's role; raises `Refused` where there is none."""
        partition = get_partition(function.region)
        with self._state:
            session = sts_backends[function.account_id][partition].assume_role(
                region_name=function.region,
                role_session_name=function.name,
                role_arn=function.role,
                policy="",
                duration=SESSION_SECONDS,
                external_id="",
            )
        return {
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": str(session.secret_access_key),
            "AWS_SESSION_TOKEN": session.session_token,
        }

    def _write_log(self, worker: Worker, log: str) -> None:
        """Put what a function printed into its log group, which Lambda makes where it is missing."""
        function, now = worker.function, round(time.time() * 1000)
        with self._state:
            backend = logs_backends[function.account_id][function.region]
            if function.log_group not in backend.groups:
                backend.create_log_group(function.log_group, {})
            group = backend.groups[function.log_group]
            if worker.log_stream not in group.streams:
                backend.create_log_stream(function.log_group, worker.log_stream)
            events = [{"timestamp": now, "message": line} for line in log.splitlines()]
            if events:
                group.put_log_events(worker.log_stream, events)


def _error(type_: str, request_id: str, said: str) -> dict[str, Any]:
    content = {"errorType": type_, "errorMessage": f"RequestId: {request_id} Error: {said}"}
    return {"payload": json.dumps(content), "failed": True}
