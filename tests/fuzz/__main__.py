"""`make fuzz`: random requests on a database of its own. REQUESTS, SEED, DATABASE_URL.

TOLD is a file for what each request was answered, one line each: engines must answer alike.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["DEMO"] = "1"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")
SCRATCH = tempfile.TemporaryDirectory()
os.environ["DATA_DIR"] = SCRATCH.name
os.chdir(Path(__file__).resolve().parent.parent.parent)

import django  # noqa: E402 - the settings read what stands above

django.setup()

import logging  # noqa: E402

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from tests.fuzz.run import Fuzz, told  # noqa: E402
from tests.fuzz.world import World  # noqa: E402

REQUESTS = int(os.environ.get("REQUESTS") or "10000")
SEED = int(os.environ.get("SEED") or time.time_ns() % 1_000_000_000)
TOLD = os.environ.get("TOLD")


def main() -> int:
    print(f"{connection.vendor}, seed {SEED}, {REQUESTS} requests", flush=True)
    began = time.monotonic()
    with transaction.atomic():
        world = World()
        world.store_photos()
        fuzz = Fuzz(world, SEED)
        failures = fuzz.run(REQUESTS)
        transaction.set_rollback(True)
    if TOLD:
        Path(TOLD).write_text("\n".join(fuzz.told) + "\n", encoding="utf-8")
    print(f"answers {told(fuzz.answers)}, {time.monotonic() - began:.0f} s")
    print(f"{len(failures)} answers of 5xx")
    print("\n".join(failures[:20]))
    return 1 if failures else 0


if __name__ == "__main__":
    logging.disable()
    setup_test_environment()
    call_command("collectstatic", verbosity=0, interactive=False)
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        status = main()
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
        SCRATCH.cleanup()
    sys.exit(status)
