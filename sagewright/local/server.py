"""The embedded AWS as one WSGI application: what is loaded at once, so that it starts quickly."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TextIO

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug import serving

from sagewright.local.faults import FAULTS
from sagewright.local.refusal import Refused
from sagewright.local.wire import (
    Answer,
    Call,
    Environ,
    error,
    json_answer,
    operation_name,
    read_body,
    read_call,
)

if TYPE_CHECKING:
    from sagewright.local.answers import Answers

NOT_IMPLEMENTED = "501 Not Implemented"
"""Answer to what cannot be done here. SDKs retry a 500, Terraform's for minutes; a 501 they do not."""


class EmbeddedAws:
    """Administers, logs every request, and writes refusals as AWS writes them; `Answers` has the substance.

    That takes as long to load again, so it is loaded beside the first steps of whoever started this.
    """

    def __init__(self, *, nonce: str, request_log: TextIO, enforce_iam: bool = False) -> None:
        self._nonce = nonce
        self._request_log = request_log
        self._answers: Future[Answers] = Future()
        threading.Thread(target=self._load, args=(enforce_iam,), daemon=True).start()

    def _load(self, enforce_iam: bool) -> None:
        try:
            from sagewright.local.answers import Answers

            self._answers.set_result(Answers(enforce_iam=enforce_iam))
        except BaseException as failure:
            self._answers.set_exception(failure)
            raise

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path.startswith("/sagewright/"):
            answer = self._administer(environ)
        elif path.startswith("/moto-api"):
            answer = self._answers.result().of_moto(environ)
            if path == "/moto-api/reset":
                FAULTS.clear()
        else:
            answer = self._serve(environ)
        start_response(answer.status, answer.headers)
        return [answer.body]

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

    def _serve(self, environ: Environ) -> Answer:
        started = time.monotonic()
        call = read_call(environ)
        operation = operation_name(environ, call)
        code = ""
        try:
            answer = self._answers.result().answer(environ, call, operation)
        except Refused as refusal:
            code = refusal.code
            answer = error(call, refusal.status, refusal.code, refusal.message)
        except NotImplementedError as failure:
            code = "NotImplemented"
            answer = error(call, NOT_IMPLEMENTED, code, _not_implemented(call, operation, failure))
        except Exception as failure:
            traceback.print_exc(file=sys.stderr)
            code = "EmbeddedAwsFailure"
            message = f"the embedded AWS failed at {operation} of {call.service}: {failure!r}"
            answer = error(call, NOT_IMPLEMENTED, code, message)
        self._log(call, operation, answer, code, started)
        return answer

    def _log(self, call: Call, operation: str, answer: Answer, code: str, started: float) -> None:
        """Write one line, without any payload: requests hold secrets."""
        entry = {
            "time": round(time.time(), 3),
            "milliseconds": round((time.monotonic() - started) * 1000, 1),
            "account": call.account_id,
            "region": call.region,
            "service": call.service,
            "operation": operation,
            "status": int(answer.status[:3]),
        }
        self._request_log.write(json.dumps(entry | ({"code": code} if code else {})) + "\n")


def make_server(application: EmbeddedAws, listener: socket.socket) -> serving.BaseWSGIServer:
    """Make a threaded server on a bound socket; it listens when this returns."""
    listener.listen(128)
    host, port = listener.getsockname()
    return serving.make_server(
        host, port, application, threaded=True, request_handler=_QuietHandler, fd=listener.fileno()
    )


class _QuietHandler(MotoRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Leave it to the request log."""


def _not_implemented(call: Call, operation: str, failure: NotImplementedError) -> str:
    said = str(failure)
    what = operation if not said or "has not been implemented" in said else said
    return f"the embedded AWS does not implement {what} of {call.service or 's3'}"
