"""What one real gunicorn worker weighs after many mixed requests."""

import http.client
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from tests.bench.cases import DETAILS, FILTERS, HOME, PAGES, SEARCH
from tests.bench.figures import say
from tests.bench.place import Place

PATIENCE = 30


def run(place: Place, requests: int) -> None:
    """One worker with the threads of production; nobody signs in meanwhile."""
    with place.entered():
        addresses = [case.address(place) for case in (*PAGES, *FILTERS, *SEARCH, *DETAILS, *HOME)]
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "idv_dashboard.wsgi", "--worker-class", "gthread"]
        + ["--workers", "1", "--threads", "8", "--bind", f"127.0.0.1:{port}"]
        + ["--no-control-socket", "--log-level", "error"],
        env=os.environ | {"DATABASE_URL": _url(place)},
        stderr=subprocess.DEVNULL,
    )
    try:
        worker = _worker_of(server.pid, port)
        chance = random.Random(requests)
        failures = _ask(port, place, [chance.choice(addresses) for _ in range(50)])
        early = _resident(worker)
        failures += _ask(port, place, [chance.choice(addresses) for _ in range(requests)])
        late = _resident(worker)
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)
    told = f"{failures} FAILED" if failures else "none failed"
    say(
        f"\nmemory of a gunicorn worker at {place.rows:,}: {early:.0f} MiB after 50 requests,"
        f" {late:.0f} MiB after {requests:,} more ({told})"
    )


def _url(place: Place) -> str:
    """That of this process, with the name of the other database."""
    name = place.connection.settings_dict["NAME"]
    if place.connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _worker_of(server: int, port: int) -> int:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        with socket.socket() as probe:
            if children and probe.connect_ex(("127.0.0.1", port)) == 0:
                return int(children[0])
        time.sleep(0.1)
    raise TimeoutError("gunicorn did not start")


def _ask(port: int, place: Place, addresses: list[str]) -> int:
    """How many did not answer 200."""
    failures = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for address in addresses:
        connection.request("GET", address, headers={"Cookie": place.ours.cookie, "Host": HOST})
        answer = connection.getresponse()
        answer.read()
        failures += answer.status != 200
    connection.close()
    return failures


HOST = settings.ALLOWED_HOSTS[0]


def _resident(process: int) -> float:
    """In MiB."""
    told = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in told.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
