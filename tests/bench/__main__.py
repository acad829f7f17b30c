"""`make bench`: on a database of its own, which is gone afterwards. ROWS=1000, DATABASE_URL."""

import os
import tempfile
from pathlib import Path

os.environ["DEMO"] = "1"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")
SCRATCH = tempfile.TemporaryDirectory()
os.environ["DATA_DIR"] = SCRATCH.name
os.chdir(Path(__file__).resolve().parent.parent.parent)

import django  # noqa: E402 - the settings read what stands above

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.bench import deliveries, pages  # noqa: E402
from tests.bench.figures import say  # noqa: E402


def main() -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    say(f"{connection.vendor}, Django {django.get_version()}")
    pages.run(int(os.environ.get("ROWS", "1000")))
    deliveries.run()


if __name__ == "__main__":
    try:
        main()
    finally:
        connection.close()
        SCRATCH.cleanup()
