"""The process of the embedded AWS; `sagewright.local.process.up` starts it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from pathlib import Path

from sagewright.local import HOST
from sagewright.local.process import REQUEST_LOG, remove_record, write_record


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM; without `--ready-fd`, in the foreground."""
    options = _parser().parse_args(arguments)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, options.port))
    except OSError as error:
        print(f"port: {HOST}:{options.port}: {error.strerror}", file=sys.stderr)
        return 2
    if options.ready_fd is not None and os.fork():
        return 0
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _serve(listener, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sagewright.local", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the record and the logs are kept")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose a free one")
    parser.add_argument("--nonce", default="", help="identity that is shown in the command line")
    parser.add_argument("--ready-fd", type=int, help="pipe that is told when the server answers")
    parser.add_argument(
        "--enforce-iam", action="store_true", help="deny what IAM denies to users and assumed roles"
    )
    return parser


def _serve(listener: socket.socket, options: argparse.Namespace) -> None:
    port: int = listener.getsockname()[1]
    os.environ["MOTO_PORT"] = str(port)
    from sagewright.local.server import EmbeddedAws, make_server

    with (options.folder / REQUEST_LOG).open("w", encoding="utf-8", buffering=1) as request_log:
        application = EmbeddedAws(
            nonce=options.nonce, request_log=request_log, enforce_iam=options.enforce_iam
        )
        server = make_server(application, listener)
        if options.ready_fd is not None:
            _announce(options, port)
        server.serve_forever()


def _announce(options: argparse.Namespace, port: int) -> None:
    """Tell the caller of `up`; end when it is gone, so that an interrupted start leaves nothing."""
    write_record(options.folder, port=port, nonce=options.nonce, started=time.time())
    try:
        os.write(options.ready_fd, b"1")
        os.close(options.ready_fd)
    except BrokenPipeError:
        remove_record(options.folder, options.nonce)
        sys.exit("nobody waits for this server any more")


if __name__ == "__main__":
    sys.exit(main())
