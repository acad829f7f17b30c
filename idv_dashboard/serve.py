"""`make run`: a database that is ready, then the web server and the worker, side by side.

Both end together: when this is told to stop, or when one of them ends by itself.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import django
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
LOCAL = ("127.0.0.1", "::1")
PATIENCE = 15  # seconds until a child that does not stop is killed
PEOPLE = """
  ada@northbank.example    Admin: approves and denies
  mo@northbank.example     Moderator: sees, and is told why not
  vera@northbank.example   Viewer
  otto@southpay.example    Admin of a partner whose pricing model has no Deny
  elsa@eastcredit.example  Admin of a partner for whom support switched both off
  sue@support.example      support, at /admin/

Everyone's password: demo-Passw0rd-2026
"""

Child = subprocess.Popen[bytes]


class Stopped(Exception):
    """Asked to end before the servers stood."""


def main() -> int:
    _on_a_signal(_give_up)
    try:
        host, port = os.environ.get("HOST", ""), _port(os.environ.get("PORT") or "8000")
        hosts = _free([host] if host else LOCAL, port)
        _prepare()
    except Stopped:
        return 0
    except (OSError, ValueError, CommandError, DatabaseError, ImproperlyConfigured) as problem:
        sys.stderr.write(f"Cannot start: {problem}\n")
        return 1
    return _serve(hosts, port, f"http://{host or 'localhost'}:{port}")


def _on_a_signal(handler: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)  # type: ignore[arg-type]


def _give_up(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"PORT is {text}, not a number from 1 to 65535.")
    return int(text)


def _free(hosts: Sequence[str], port: int) -> list[str]:
    """Those of the addresses that this machine has; one that is taken is an error."""
    free = []
    for host in hosts:
        try:
            _bind(host, port)
        except OSError as problem:
            if host != "::1" or "in use" in str(problem):
                raise OSError(f"port {port} of {host}: {problem.strerror}.") from problem
        else:
            free.append(host)
    return free


def _bind(host: str, port: int) -> None:
    family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _prepare() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if not get_user_model().objects.exists():
        sys.stdout.write("A new database: the demo is written into it, which takes a moment.\n")
        sys.stdout.flush()
        call_command("seed_demo")
    elif os.environ.get("DEMO"):
        call_command("seed_demo", follow=True)
    connections.close_all()


def _serve(hosts: Sequence[str], port: int, address: str) -> int:
    signals: list[int] = []
    _on_a_signal(lambda number, frame: signals.append(number))
    parent = os.getppid()
    children = {"web server": _web(hosts, port), "worker": _worker()}
    try:
        _announce(hosts[0], port, address)
        while not signals and os.getppid() == parent:
            for name, child in children.items():
                if child.poll() is not None:
                    sys.stderr.write(f"The {name} ended by itself ({child.returncode}).\n")
                    return 1
            time.sleep(0.2)
        return 0
    finally:
        _end(list(children.values()))


def _web(hosts: Sequence[str], port: int) -> Child:
    binds = [f"--bind={f'[{host}]' if ':' in host else host}:{port}" for host in hosts]
    options = ["--worker-class=gthread", "--workers=1", "--threads=8", "--graceful-timeout=10"]
    options += ["--no-control-socket", "--log-level=warning", *binds]
    command = [sys.executable, "-m", "gunicorn", "idv_dashboard.wsgi", *options]
    return subprocess.Popen(command, cwd=MANAGE.parent)  # noqa: S603


def _worker() -> Child:
    return subprocess.Popen([sys.executable, MANAGE, "run_worker"])  # noqa: S603


def _announce(host: str, port: int, address: str) -> None:
    for _ in range(100):
        try:
            socket.create_connection((host, port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    sys.stdout.write(f"\nIDV Dashboard stands at {address}\n{PEOPLE}\nCtrl-C stops it.\n\n")
    sys.stdout.flush()


def _end(children: Sequence[Child]) -> None:
    for child in children:
        child.terminate()
    patience = time.monotonic() + PATIENCE
    for child in children:
        try:
            child.wait(max(0, patience - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
