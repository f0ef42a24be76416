"""The embedded AWS as one WSGI application: what is loaded at once, so that it starts quickly."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug import serving

from sagewright.local.attempts import Attempts, read_attempt
from sagewright.local.faults import FAULTS
from sagewright.local.refusal import Refused
from sagewright.local.wire import (
    Answer,
    Call,
    Environ,
    error,
    json_answer,
    names,
    operation_name,
    read_body,
    read_call,
)

if TYPE_CHECKING:
    from sagewright.local.answers import Answers

FAILURE = "EmbeddedAwsFailure"
NOT_IMPLEMENTED = "501 Not Implemented"
"""Answer to what cannot be done here. SDKs retry a 500, Terraform's for minutes; a 501 they do not."""

WHAT = "sagewright.what"
"""Says in a WSGI environment what is asked for."""


class EmbeddedAws:
    """Administers, logs every request, and writes refusals as AWS writes them; `Answers` has the substance.

    That takes as long to load again, so it is loaded beside the first steps of whoever started this.
    """

    def __init__(self, *, nonce: str, request_log: TextIO, enforce_iam: bool = False) -> None:
        self._nonce = nonce
        self._request_log = request_log
        self._log_lock = threading.Lock()
        self._one_at_a_time = threading.RLock()
        """Moto goes through its resources while other threads add to them, and fails."""
        self._attempts = Attempts()
        self._answers: Future[Answers] = Future()
        threading.Thread(target=self._load, args=(enforce_iam,), daemon=True).start()

    def _load(self, enforce_iam: bool) -> None:
        try:
            from sagewright.local.answers import Answers

            self._answers.set_result(Answers(enforce_iam=enforce_iam, state=self._one_at_a_time))
        except BaseException as failure:
            self._answers.set_exception(failure)
            raise

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        """Answer one request; raises `ConnectionAbortedError` only, where its answer is to get lost."""
        try:
            answer = self._answer(environ)
        except Exception as failure:
            _report(traceback.format_exc())
            content = {"__type": FAILURE, "message": f"the embedded AWS failed: {failure!r}"}
            answer = json_answer(content, NOT_IMPLEMENTED)
        if answer is None:
            raise ConnectionAbortedError("a fault wants the answer to be lost")
        headers, body = framed(answer, environ["REQUEST_METHOD"])
        start_response(answer.status, headers)
        return [body]

    def _answer(self, environ: Environ) -> Answer | None:
        path = environ["PATH_INFO"]
        if path.startswith("/sagewright/"):
            return self._administer(environ)
        if path.startswith("/moto-api"):
            answers = self._answers.result()
            answers.settle()
            with self._one_at_a_time:
                answer = answers.of_moto(environ)
            if path == "/moto-api/reset":
                FAULTS.clear()
                answers.forget()
            return answer
        if path.startswith("/restapis/") and "/_user_request_" in path:
            return self._serve_api(environ)
        return self._serve(environ)

    def _administer(self, environ: Environ) -> Answer:
        """Answer the paths that AWS does not have: who am I, and faults on demand."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == "/sagewright/status" and method == "GET":
            return json_answer({"nonce": self._nonce, "pid": os.getpid()})
        if path == "/sagewright/faults" and method in ("GET", "POST", "DELETE"):
            try:
                if method == "POST":
                    FAULTS.add(json.loads(read_body(environ) or b"{}"))
                elif method == "DELETE":
                    FAULTS.clear()
            except (Refused, ValueError) as refusal:
                return json_answer({"error": str(refusal)}, "400 Bad Request")
            return json_answer({"faults": FAULTS.waiting()})
        return json_answer({"error": f"no {method} {path} here"}, "404 Not Found")

    def _serve_api(self, environ: Environ) -> Answer:
        """Answer a request to an API, and log which method it was for; its path may hold anything."""
        started = time.monotonic()
        try:
            answer, operation = self._answers.result().gateway.answer(environ)
        except NotImplementedError as failure:
            content = {"message": f"the embedded AWS does not implement {failure} of execute-api"}
            answer, operation = json_answer(content, NOT_IMPLEMENTED), ""
        self._log(
            {
                "time": round(time.time(), 3),
                "milliseconds": round((time.monotonic() - started) * 1000, 1),
                "service": "execute-api",
                "operation": operation,
                "status": int(answer.status[:3]),
            }
        )
        return answer

    def _serve(self, environ: Environ) -> Answer | None:
        """Answer a request to AWS, and log it; `None` is an answer that is to get lost."""
        started = time.monotonic()
        call, attempt = read_call(environ), read_attempt(environ)
        operation = operation_name(environ, call)
        environ[WHAT] = (
            f"{operation} of {call.service or 's3'}, attempt {attempt.number} of {attempt.invocation_id}"
        )
        asked = names(environ, call)

        def do() -> Answer:
            if milliseconds := FAULTS.delay(operation, asked):
                time.sleep(milliseconds / 1000)
            return self._do(environ, call, operation)

        repeated = False
        if attempt.invocation_id and environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            work = (attempt.invocation_id, call.service, call.region, operation)
            answer, repeated = self._attempts.answer(work, do)
        else:
            answer = do()
        lost = answer.is_success and FAULTS.loses(operation, asked)
        entry = {
            "time": round(time.time(), 3),
            "milliseconds": round((time.monotonic() - started) * 1000, 1),
            "account": call.account_id,
            "region": call.region,
            "service": call.service,
            "operation": operation,
            "status": int(answer.status[:3]),
            "invocation": attempt.invocation_id,
            "attempt": attempt.number,
        }
        told = {"code": answer.code, "repeated": repeated, "lost": lost}
        self._log(entry | {name: value for name, value in told.items() if value})
        return None if lost else answer

    def _do(self, environ: Environ, call: Call, operation: str) -> Answer:
        answers = self._answers.result()
        try:
            ran = answers.run(environ, call, operation)
            if ran is not None:
                return ran
            with self._one_at_a_time:
                return answers.answer(environ, call, operation)
        except Refused as refusal:
            return error(call, refusal.status, refusal.code, refusal.message, refusal.members)
        except NotImplementedError as failure:
            return error(call, NOT_IMPLEMENTED, "NotImplemented", _not_implemented(call, operation, failure))
        except Exception as failure:
            _report(traceback.format_exc())
            message = f"the embedded AWS failed at {operation} of {call.service}: {failure!r}"
            return error(call, NOT_IMPLEMENTED, FAILURE, message)

    def _log(self, entry: dict[str, Any]) -> None:
        """Write one line, without any payload: requests hold secrets. An answer does not depend on it."""
        try:
            with self._log_lock:
                self._request_log.write(json.dumps(entry) + "\n")
        except Exception:
            _report(traceback.format_exc())


def framed(answer: Answer, method: str) -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body from which a client knows where the answer ends.

    https://www.rfc-editor.org/rfc/rfc9112#section-6.3
    """
    if method == "HEAD":
        return answer.headers, b""
    headers = [one for one in answer.headers if one[0].lower() not in ("content-length", "transfer-encoding")]
    if answer.status[:3] in ("204", "304"):
        return headers, b""
    return [*headers, ("Content-Length", str(len(answer.body)))], answer.body


def make_server(application: EmbeddedAws, listener: socket.socket) -> serving.BaseWSGIServer:
    """Make a threaded server on a bound socket; it listens when this returns."""
    listener.listen(128)
    host, port = listener.getsockname()
    return serving.make_server(
        host, port, application, threaded=True, request_handler=_Handler, fd=listener.fileno()
    )


class _Handler(MotoRequestHandler):
    """Answers all requests of a connection; Werkzeug closes it after each, and to open one takes as long."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    """An answer is sent whole."""

    def run_wsgi(self) -> None:
        """Answer one request, all of which is read before: the next begins after it."""
        environ = self.environ = self.make_environ()
        source = environ["wsgi.input"]
        if "wsgi.input_terminated" in environ:  # sent in chunks, of which nobody told the length
            body = source.read()
            environ["CONTENT_LENGTH"] = str(len(body))
        else:
            body = source.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            self.wfile.write(b"".join(self.server.app(environ, self._start)))
            self.wfile.flush()
        except ConnectionError as dropped:
            self.connection_dropped(dropped, environ)

    def handle_expect_100(self) -> bool:
        """Tell the client at once to go on: it waits with its body."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _start(self, status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[..., Any]:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        return self.wfile.write

    def log_request(self, *_: Any) -> None:
        """Leave it to the request log."""

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """Say whose answer got lost, and close the connection: else the client would wait for ever."""
        self.close_connection = True
        _report(f"connection dropped at {(environ or {}).get(WHAT, 'a request')}: {error!r}")


def _report(text: str) -> None:
    """Write to the log of what fails inside, which is standard error, if that can be written to."""
    with suppress(Exception):
        print(text, file=sys.stderr, flush=True)


def _not_implemented(call: Call, operation: str, failure: NotImplementedError) -> str:
    said = str(failure)
    what = operation if not said or "has not been implemented" in said else said
    return f"the embedded AWS does not implement {what} of {call.service or 's3'}"
