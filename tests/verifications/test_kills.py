"""Killed by -9 at any moment of a decision, checkpoint or disposal, the log still proves itself."""

import json
import os
import subprocess
import sys

import pytest

from tests.verifications.test_delivery_faults import ROOT, Stage, stage

__all__ = ["stage"]
KILLS = int(os.environ.get("AUDIT_KILLS", "50"))

pytestmark = pytest.mark.slow


def test_whoever_is_killed_while_writing_leaves_nothing_half_done(stage: Stage) -> None:
    command = [sys.executable, "-m", "tests.verifications.kills", str(KILLS)]
    told = subprocess.run(
        command, cwd=ROOT, env=stage.environment, capture_output=True, text=True, timeout=900
    )
    assert told.returncode == 0, told.stderr[-2000:]
    found = json.loads(told.stdout)
    print(told.stdout)
    assert sum(found["kills"].values()) == KILLS
    assert found["problems"] == []
    assert found["decisions"] >= KILLS / 2
    assert found["checkpoints"] >= KILLS / 6
    assert found["disposals"] >= KILLS / 6


def test_the_log_that_was_left_is_proven_by_the_command(stage: Stage) -> None:
    killing = [sys.executable, "-m", "tests.verifications.kills", "6"]
    subprocess.run(killing, cwd=ROOT, env=stage.environment, capture_output=True, check=True)
    proving = [sys.executable, "manage.py", "verify_audit"]
    told = subprocess.run(proving, cwd=ROOT, env=stage.environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout
    assert "Intact." in told.stdout
