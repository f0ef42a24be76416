"""The process of the embedded AWS: started in the background, found again, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from sagewright.errors import SagewrightError, Usage
from sagewright.local import HOST, process
from sagewright.local.process import LOG, RECORD, REQUEST_LOG, Running, down, status, up

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose server is stopped at the end."""
    yield tmp_path / ".sagewright"
    down(tmp_path / ".sagewright")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that no test stops."""
    folder = tmp_path_factory.mktemp("sagewright")
    yield up(folder)
    down(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_alive(pid: int) -> bool:
    return process._command_line(pid) != ""


def test_it_answers_aws_requests_of_the_account_in_the_access_key_id(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in running.environment("111122223333", "eu-west-1").items():
        monkeypatch.setenv(name, value)
    assert boto3.session.Session().client("sts").get_caller_identity()["Account"] == "111122223333"


def test_its_variables_reach_nobody_else(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet")
    variables = running.environment("111122223333", "eu-west-1")
    assert variables["AWS_ENDPOINT_URL"] == f"http://{HOST}:{running.port}"
    assert variables["AWS_ACCESS_KEY_ID"] == "111122223333"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert variables["AWS_CONFIG_FILE"] == variables["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert variables["NO_PROXY"] == f"intranet,{HOST}"


def test_up_again_returns_the_one_that_runs(running: Running) -> None:
    folder = running.log.parent
    assert up(folder) == running
    assert up(folder, running.port) == running
    assert status(folder) == running


def test_another_port_than_that_of_the_running_server_is_refused(running: Running) -> None:
    with pytest.raises(Usage, match=rf"port: the embedded AWS runs on port {running.port} already, got 1024"):
        up(running.log.parent, 1024)


def test_it_lives_in_a_session_of_its_own(running: Running) -> None:
    """So Ctrl-C in the terminal of its caller does not reach it."""
    assert os.getsid(running.pid) != os.getsid(0)


def test_it_listens_on_loopback_only(running: Running) -> None:
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex((HOST, running.port)) == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", running.port))


def test_it_outlives_its_caller_and_is_stopped_by_another(folder: Path) -> None:
    code = f"from pathlib import Path; from sagewright.local.process import up; up(Path({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    found = status(folder)
    assert found is not None
    assert is_alive(found.pid)
    assert down(folder) is True
    assert not is_alive(found.pid)
    assert status(folder) is None
    assert down(folder) is False
    assert {path.name for path in folder.iterdir()} == {"embedded-aws.lock", LOG, REQUEST_LOG}


def test_a_port_in_use_is_one_clear_error(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Usage, match=rf"^port: {HOST}:{port} is in use; choose another"):
            up(folder, port)
    assert status(folder) is None


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none(folder: Path, port: int) -> None:
    with pytest.raises(Usage, match="port: supply a number from 1 to 65535, got"):
        up(folder, port)


def test_a_chosen_port_can_be_taken_again_at_once(folder: Path) -> None:
    port = free_port()
    first = up(folder, port)
    assert first.port == port
    down(folder)
    second = up(folder, port)
    assert (second.port, second.pid == first.pid) == (port, False)


def test_a_killed_server_is_recognised_and_replaced(folder: Path) -> None:
    killed = up(folder)
    os.kill(killed.pid, signal.SIGKILL)
    while is_alive(killed.pid):
        time.sleep(0.01)
    assert status(folder) is None
    assert not (folder / RECORD).exists()
    assert down(folder) is False
    assert up(folder).pid != killed.pid


def test_a_process_that_merely_has_its_id_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    record = {"port": free_port(), "pid": bystander.pid, "nonce": "0" * 32, "started": time.time()}
    for ask in (status, down):
        (folder / RECORD).write_text(json.dumps(record))
        assert not ask(folder)
        assert bystander.poll() is None
        assert not (folder / RECORD).exists()
    bystander.terminate()
    bystander.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"port": 1}', '{"port": "x", "pid": 1}'])
def test_a_broken_record_is_none(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / RECORD).write_text(text)
    assert status(folder) is None
    assert down(folder) is False


def test_two_callers_at_once_get_the_same_server(folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(up, [folder, folder])
    assert first == second


def test_status_and_down_wait_for_the_start(folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        started = pool.submit(up, folder)
        while not (folder / LOG).exists():
            time.sleep(0.01)
        found = pool.submit(status, folder)
        assert found.result() == started.result()
        again = pool.submit(up, folder)
        assert down(folder) is True
        again.result()


def test_a_record_is_removed_by_its_own_server_only(running: Running) -> None:
    folder = running.log.parent
    process.remove_record(folder, "0" * 32)
    assert status(folder) == running


def test_a_server_that_does_not_start_shows_the_end_of_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MODULE", "sagewright.local.none")
    with pytest.raises(SagewrightError, match=r"(?s)did not start; its log, .*ends with:.*No module named"):
        up(folder)
    assert status(folder) is None


def test_a_server_that_hangs_is_not_started_twice_and_can_be_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = up(folder)
    os.kill(hanging.pid, signal.SIGSTOP)
    monkeypatch.setattr(process, "STOP_TIMEOUT_SECONDS", 0.3)
    assert status(folder) is None
    with pytest.raises(SagewrightError, match=rf"process {hanging.pid}, runs but does not answer"):
        up(folder)
    assert down(folder) is True
    assert not is_alive(hanging.pid)


def test_an_interrupted_start_leaves_no_server(folder: Path) -> None:
    """The start takes about a second; the caller is interrupted in its middle."""
    code = f"from pathlib import Path; from sagewright.local.process import up; up(Path({str(folder)!r}))"
    caller = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not (folder / LOG).exists():
        time.sleep(0.01)
    caller.send_signal(signal.SIGINT)
    caller.wait()
    deadline = time.monotonic() + 20
    while not (folder / LOG).read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (folder / LOG).read_text().endswith("nobody waits for this server any more\n")
    assert status(folder) is None


def test_it_starts_quickly(folder: Path) -> None:
    """Two seconds on a quiet machine; this allows for a busy one."""
    started = time.monotonic()
    up(folder)
    assert time.monotonic() - started < 10
