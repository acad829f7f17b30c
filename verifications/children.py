"""Programs of ours that read what a stranger sent, each in a process of its own.

A flaw in a decoder gives away what its process holds: these are given their input, and no keys.
"""

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
# What an interpreter may need to find itself and its libraries.
KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH")


def run(module: str, given: bytes, *, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """However it ends; its limits are its own. Raises subprocess.TimeoutExpired."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", module],
        input=given,
        capture_output=True,
        timeout=seconds,
        check=False,
        # From wherever the web server was started.
        cwd=HOME,
        # One thread, of which the limits are known, on whatever machine.
        env={**kept, "RAYON_NUM_THREADS": "1"},
    )
