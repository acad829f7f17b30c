"""`make bench`, on a database of its own; or `python -m tests.bench build`, for data to keep.

python -m tests.bench build --rows 1000000 --database postgres://… [--keep | --anew]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

SCRATCH = tempfile.TemporaryDirectory()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    build = commands.add_parser("build", help="fill a database with seeded rows")
    build.add_argument("--rows", type=int, default=100_000)
    build.add_argument("--database", required=True, help="a URL, or the path of a SQLite file")
    build.add_argument(
        "--keep",
        action="store_true",
        help="use what stands there, even if it would be built otherwise today",
    )
    build.add_argument(
        "--anew", action="store_true", help="empty the database first, whatever is there"
    )
    return parser.parse_args()


def _url(database: str) -> str:
    return database if "://" in database else f"sqlite:///{Path(database).resolve()}"


ARGUMENTS = _arguments()
if ARGUMENTS.command == "build":
    os.environ["DATABASE_URL"] = _url(ARGUMENTS.database)
os.environ["DEMO"] = "1"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idv_dashboard.settings")
os.environ["DATA_DIR"] = SCRATCH.name
os.chdir(Path(__file__).resolve().parent.parent.parent)

import django  # noqa: E402 - the settings read what stands above

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.bench import deliveries, elsewhere, pages  # noqa: E402
from tests.bench.figures import say  # noqa: E402


def main() -> None:
    if ARGUMENTS.command == "build":
        elsewhere.prepare(ARGUMENTS.rows, keep=ARGUMENTS.keep, anew=ARGUMENTS.anew)
        return
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    say(f"{connection.vendor}, Django {django.get_version()}")
    pages.run(int(os.environ.get("ROWS", "1000")))
    deliveries.run()


if __name__ == "__main__":
    try:
        main()
    except elsewhere.NotOurs as refusal:
        sys.exit(str(refusal))
    finally:
        connection.close()
        SCRATCH.cleanup()
