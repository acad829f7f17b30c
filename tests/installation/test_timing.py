"""Where the time of a page went, for developers only."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import RequestFactory

from accounts.models import Role
from idv_dashboard.timing import timing

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = (
    "from django.conf import settings as s; print('idv_dashboard.timing.timing' in s.MIDDLEWARE)"
)
HEADER = re.compile(
    r'db;desc="(\d+) statements";dur=([\d.]+), templates;dur=([\d.]+), total;dur=([\d.]+)'
)


def test_an_answer_says_where_its_time_went(
    rf: RequestFactory, db: None, settings: LazySettings
) -> None:
    settings.TEMPLATES = [*settings.TEMPLATES]  # read anew, and anew afterwards

    def view(request: HttpRequest) -> HttpResponse:
        list(Role.objects.all())
        list(Role.objects.filter(rank=40))
        return render(None, "error.html", {"status": 404, "title": "x", "text": "y"})  # type: ignore[arg-type]

    found = HEADER.fullmatch(timing(view)(rf.get("/")).headers["Server-Timing"])
    assert found
    assert found[1] == "2"
    database, templates, total = map(float, found.groups()[1:])
    assert 0 < database < total
    assert 0 < templates < total
    assert database + templates <= total + 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("debug", "timed"), [("1", "True"), ("", "False")])
def test_only_developers_are_told(debug: str, timed: str, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "idv_dashboard.settings",
        "DATA_DIR": str(tmp_path),
        "DEMO": "1",
        "DEBUG": debug or "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", SETTINGS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == timed


def test_nobody_else_is(client: object, db: None) -> None:
    assert "Server-Timing" not in client.get("/healthz").headers  # type: ignore[attr-defined]
