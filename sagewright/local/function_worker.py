"""What a Lambda function of the embedded AWS runs in: a process of its own, as Lambda's own Python runs it.

Started by `functions.py`, with the folder of the code, the handler and the memory as arguments. Requests come
line by line on standard input, answers leave line by line on a pipe; standard output is the function's log.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import resource
import shutil
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST_ANSWER = 6 * 2**20
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


@dataclass(frozen=True)
class Context:
    """What a handler is told: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float
    identity: Any = None
    client_context: Any = None

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the handler may still run."""
        return max(0, round((self.deadline - time.time()) * 1000))


def error_of(failure: BaseException) -> dict[str, Any]:
    """Return what Lambda answers for a handler that raised."""
    return {
        "errorMessage": str(failure),
        "errorType": type(failure).__name__,
        "stackTrace": traceback.format_tb(failure.__traceback__),
    }


def answer(handler: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Call the handler; what it raises is an answer, and is written to the log as Lambda does."""
    try:
        result = handler(json.loads(request["event"]), Context(**request["context"]))
        payload = json.dumps(result)
    except Exception as failure:
        error = error_of(failure)
        print(f"[ERROR] {error['errorType']}: {error['errorMessage']}\n{''.join(error['stackTrace'])}")
        return {"payload": json.dumps(error), "failed": True}
    if len(payload) > LARGEST_ANSWER:
        said = f"Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
        error = {"errorMessage": said, "errorType": "Function.ResponseSizeTooLarge"}
        return {"payload": json.dumps(error), "failed": True}
    return {"payload": payload, "failed": False}


def main(folder: str, handler_name: str, memory_megabytes: str, answers_descriptor: str) -> None:
    """Answer until whoever asks is gone; then remove the code, and end, whatever the handler does."""
    most = int(memory_megabytes) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    answers = os.fdopen(int(answers_descriptor), "w", encoding="utf-8", buffering=1)
    requests: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            requests.put(line)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    sys.path.insert(0, folder)
    module_name, _, function_name = handler_name.rpartition(".")
    try:
        handler = getattr(importlib.import_module(module_name.replace("/", ".")), function_name)
    except BaseException as failure:
        traceback.print_exc(file=sys.stdout)
        answers.write(json.dumps({"payload": json.dumps(error_of(failure)), "failed": True}) + "\n")
        return
    answers.write(json.dumps({"ready": True}) + "\n")
    while True:
        request = json.loads(requests.get())
        answered = answer(handler, request)
        print(request["mark"], flush=True)
        answers.write(json.dumps(answered) + "\n")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main(str(Path(sys.argv[1])), *sys.argv[2:])
