"""The processes that read what a stranger sent: what they hold, and where they start."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from tests import factories
from tests.verifications.test_report_letters import made
from verifications import children
from verifications.callbacks import pictures
from verifications.models import Verification

Work = Callable[[], object]


@pytest.fixture(params=["picture", "report"])
def work(request: pytest.FixtureRequest, suspected: Verification, mia: User) -> Work:
    if request.param == "picture":
        return lambda: pictures.made_ours(factories.jpeg())
    return lambda: made(suspected, mia)


def test_no_child_is_given_a_secret(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        told.update(options)
        return subprocess.CompletedProcess(command, 0, bytes(8), b"")

    monkeypatch.setenv("DATA_KEY", "a secret")
    monkeypatch.setenv("ANOTHER_KEY", "a secret")
    monkeypatch.setattr(subprocess, "run", run)
    work()
    assert "a secret" not in (told.get("env", {"inherited": "a secret"})).values()
    assert set(told["env"]) <= {*children.KEPT, "RAYON_NUM_THREADS"}


def test_a_child_starts_from_any_folder(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert work()
