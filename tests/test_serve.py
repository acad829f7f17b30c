"""`make run`: one command, both servers, and nothing left behind."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import urllib3

from idv_dashboard import serve

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
OURS = {"DATABASE_URL", "DEBUG", "SECRET_KEY", "HOST", "PORT"}
PATIENCE = 120


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo is written by whichever test starts it first."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def running(port: int, data: Path) -> Iterator[subprocess.Popen[str]]:
    program = start(port, data)
    try:
        wait_until(lambda: answers(port) or program.poll() is not None)
        yield program
    finally:
        program.terminate()
        program.wait(30)


def start(port: int, data: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    environment |= {"DEMO": "1", "DATA_DIR": str(data), "PORT": str(port)}
    command = [sys.executable, "-m", "idv_dashboard.serve"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def answers(port: int, host: str = "localhost") -> bool:
    try:
        url = f"http://{host}:{port}/accounts/login/"
        return urllib3.request("GET", url, retries=False, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def wait_until(it_is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not it_is_so():
        assert time.monotonic() < until
        time.sleep(0.2)


def children(program: subprocess.Popen[str]) -> dict[str, int]:
    """Process ids by command line, as the system tells them."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"\nPPid:\t{program.pid}\n" in (process / "status").read_text():
                found[(process / "cmdline").read_text()] = int(process.name)
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_both_servers_stand_and_end_together(
    running: subprocess.Popen[str], port: int, sign: signal.Signals
) -> None:
    assert answers(port, "localhost")
    assert answers(port, "127.0.0.1")
    started = children(running)
    assert len(started) == 2
    running.send_signal(sign)
    assert running.wait(30) == 0
    assert not answers(port)
    assert not [pid for pid in started.values() if is_alive(pid)]


def test_what_no_middleware_could_read_is_answered_like_the_rest(
    running: subprocess.Popen[str], port: int
) -> None:
    """Before Django's own request was made, it ended with the server's bare 500."""
    garbled = {"Content-Type": "text/plain; charset=rot13"}
    url = f"http://localhost:{port}/accounts/login/?a=1"
    answer = urllib3.request("GET", url, headers=garbled, retries=False, timeout=5)
    assert answer.status == 400
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_where_the_worker_ends_the_web_server_ends_too(
    running: subprocess.Popen[str], port: int
) -> None:
    (worker,) = [pid for args, pid in children(running).items() if "run_worker" in args]
    os.kill(worker, signal.SIGKILL)
    assert running.wait(30) == 1
    assert not answers(port)
    assert running.stdout
    assert "The worker ended by itself" in running.stdout.read()


def test_started_again_it_keeps_its_data(port: int, data: Path) -> None:
    kept = []
    for _ in range(2):
        program = start(port, data)
        wait_until(lambda: answers(port))
        program.terminate()
        program.wait(30)
        kept.append(column(data, "SELECT scan_ref FROM verifications_verification ORDER BY id"))
    assert kept[0] == kept[1] != []
    named = re.findall(r"\S+@\S+", serve.PEOPLE)
    assert named
    assert set(named) <= set(column(data, "SELECT email FROM accounts_user"))


def column(data: Path, query: str) -> list[str]:
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        return [value for (value,) in database.execute(query)]


def test_a_port_that_is_taken_is_told_in_one_line(port: int, data: Path) -> None:
    with socket.create_server(("127.0.0.1", port)):
        program = start(port, data)
        said, _ = program.communicate(timeout=30)
    assert program.returncode == 1
    assert said == f"Cannot start: port {port} of 127.0.0.1: Address already in use.\n"


@pytest.mark.parametrize("port", ["eighty", "0", "65536"])
def test_a_port_that_is_none_is_told(port: str) -> None:
    with pytest.raises(ValueError, match="not a number from 1 to 65535"):
        serve._port(port)
