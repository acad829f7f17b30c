"""A database of an earlier version, its guards in place, comes over to this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.slow


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DEMO": "1", "DATA_DIR": str(folder)}
    environment.pop("DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


LOOK = (
    "from django.db import connection; from accounts import guards, proof;"
    "print(guards.missing(connection), proof.verify().problems)"
)


def test_tables_are_rebuilt_though_guards_name_them(tmp_path: Path) -> None:
    """On SQLite, where a rebuilt table is away for a moment."""
    for target in (["verifications", "0009"], []):
        done = manage(tmp_path, "migrate", "-v0", *target)
        assert done.returncode == 0, done.stderr
    done = manage(tmp_path, "shell", "-v0", "-c", LOOK)
    assert done.stdout.strip() == "[] []", done.stderr
