"""What a web process holds after many requests. Sign-ins are not among them: Argon2 asks 64 MiB."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from tests.test_serve import ROOT, answers, data, port, running, wait_until

__all__ = ["data", "port", "running"]

pytestmark = pytest.mark.slow

REQUESTS = 2000
MOST = 200  # MiB
SIGN_IN = """
import django; django.setup()
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.conf import settings
from accounts.models import User
from accounts.models.session import SessionStore
from verifications.models import Verification
ada, session = User.objects.get(email="ada@northbank.example"), SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(ada.pk), ada.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session.create()
print(session.session_key, *Verification.objects.values_list("scan_ref", flat=True)[:300])
"""
PAGES = ["/", "/?days=90", "/verifications/", "/verifications/?q=al", "/filter/", "/audit/"]
PAGES += ["/webhooks/", "/webhooks/deliveries/", "/accounts/sessions/", "/nothing/", "/healthz"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="No /proc here.")
def test_a_web_process_stays_small(running: subprocess.Popen[str], port: int, data: Path) -> None:
    wait_until(lambda: answers(port))
    key, *refs = _signed_in(data)
    one = [f"/verifications/{ref}/{more}" for ref in refs for more in ("", "deny/")]
    http = urllib3.PoolManager(maxsize=8, headers={"Cookie": f"sid={key}"})

    def ask(number: int) -> int:
        path = PAGES[number % len(PAGES)] if number % 2 else one[number % len(one)]
        url = f"http://localhost:{port}{path}"
        return http.request("GET", url, redirect=False, retries=False, timeout=60).status

    with ThreadPoolExecutor(8) as several:
        statuses = list(several.map(ask, range(REQUESTS)))
    assert statuses.count(200) > REQUESTS / 3
    assert max(statuses) < 500
    held = max(_mebibytes(pid) for pid in _below(running.pid) if _serves(pid))
    print(f"{REQUESTS} requests, {held} MiB")
    assert held < MOST


def _signed_in(data: Path) -> list[str]:
    environment = os.environ | {"DEMO": "1", "DATA_DIR": str(data)}
    environment["DJANGO_SETTINGS_MODULE"] = "idv_dashboard.settings"
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-c", SIGN_IN]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split()


def _below(pid: int) -> list[int]:
    """This process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _below(int(child)))]


def _serves(pid: int) -> bool:
    """The demo's writer and the worker of deliveries are other processes."""
    return b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _mebibytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (held,) = [line.split()[1] for line in lines if line.startswith("VmRSS")]
    return int(held) // 1024
