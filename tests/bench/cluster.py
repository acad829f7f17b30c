"""A PostgreSQL of our own, in a folder, with durable commits; or why there is none."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "32MB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
}
PLACES = ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt")


class Unavailable(Exception):
    """There is no PostgreSQL here to measure on; says why."""


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Its URL; it is stopped afterwards, and the folder stays. Raises Unavailable."""
    programs = _programs()
    folder.mkdir(parents=True, exist_ok=True)
    data, sockets = folder / "data", folder / "s"
    sockets.mkdir(exist_ok=True)
    for path in (folder, sockets):
        if os.geteuid() == 0:
            shutil.chown(path, _user())
    if not (data / "PG_VERSION").exists():
        _run(programs / "initdb", "-D", data, "-U", "idv", "-E", "UTF8", "--locale=C.UTF-8")
    port = _free_port()
    told = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
    options = f"-p {port} -k '{sockets}' {told}"
    start = ("-D", data, "-l", folder / "log", "-w", "-o", options, "start")
    _run(programs / "pg_ctl", *start)
    try:
        at = ("-h", sockets, "-p", port, "-U", "idv")
        _run(programs / "createdb", *at, "idv", may_fail=True)
        yield f"postgres://idv@/idv?host={sockets}&port={port}"
    finally:
        _run(programs / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop", may_fail=True)


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    found_in = [path for place in PLACES for path in Path(place).glob("*/bin/initdb")]
    if not found_in:
        raise Unavailable("initdb was not found, and DATABASE_URL is not set")
    newest = max(found_in, key=lambda path: [int(part) for part in path.parts if part.isdigit()])
    return newest.parent


def _user() -> str:
    """PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Unavailable("PostgreSQL does not run as root, and there is no user postgres")


def _run(program: Path, *arguments: object, may_fail: bool = False) -> None:
    """From a folder that PostgreSQL's user may enter; a server that is left takes no pipe along."""
    user = _user() if os.geteuid() == 0 else None
    command = [str(program), *(str(each) for each in arguments)]
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(command, user=user, cwd="/", stdout=said, stderr=said, check=False)
        said.seek(0)
        if done.returncode and not may_fail:
            raise Unavailable(f"{program.name} failed: {said.read().strip()[-300:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def beside(url: str, *, keep: bool) -> Iterator[str]:
    """The URL of a database next to a given one; it goes afterwards, with those next to it."""
    parts = urlsplit(url)
    name = f"{parts.path.lstrip('/')}_bench"
    with psycopg.connect(url, autocommit=True) as server:
        found = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not found:
            server.execute(f'CREATE DATABASE "{name}"')
    yield parts._replace(path=f"/{name}").geturl()
    if keep:
        return
    with psycopg.connect(url, autocommit=True) as server:
        ours = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        for (each,) in server.execute(ours, [name]).fetchall():
            server.execute(f'DROP DATABASE "{each}"')
