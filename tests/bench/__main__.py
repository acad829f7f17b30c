"""`make bench`: figures, on databases of its own. Variables:

SIZES=10k,100k   rows; 1m and 10m as well    BACKEND=both   or sqlite, postgresql
ONLY=list,home   groups of cases             ROUNDS=30      how often each is asked
REQUESTS=2000    of the worker weighed       KEEP=folder    where databases stay for the next time
AS_IT_IS=1       what stands in KEEP is migrated, and not built anew after a change of the builder

`python -m tests.bench build --rows 1000000 --database URL|path` only fills a database.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import cluster
from tests.bench.figures import say

GROUPS = [
    "list",
    "filters",
    "search",
    "details",
    "home",
    "peers",
    "decide",
    "intake",
    "memory",
    "deliveries",
]
ENGINES = ("sqlite", "postgresql")
UNITS = {"k": 1000, "m": 1_000_000}


def bench(scratch: Path) -> int:
    sizes = sorted(_rows(text) for text in _words("SIZES", "10k,100k"))
    only = _words("ONLY", ",".join(GROUPS))
    if unknown := set(only) - set(GROUPS):
        sys.exit(f"ONLY= knows {', '.join(GROUPS)}; not {', '.join(unknown)}.")
    backend = os.environ.get("BACKEND", "both")
    engines = ENGINES if backend == "both" else (backend,)
    folder = Path(os.environ["KEEP"]).resolve() if os.environ.get("KEEP") else scratch
    folder.mkdir(parents=True, exist_ok=True)
    asked = {
        "sizes": sizes,
        "only": only,
        "repeated": int(os.environ.get("ROUNDS", "30")),
        "requests": int(os.environ.get("REQUESTS", "2000")),
        "keep": bool(os.environ.get("AS_IT_IS")),
        "answer": str(scratch / "answer.json"),
    }
    verdicts: list[tuple[str, bool]] = []
    unmeasured = [engine for engine in engines if not _measure(engine, folder, asked, verdicts)]
    say("\ngoals (medians, and in brackets the least; ! marks fewer than ten samples)")
    for told, _ in verdicts:
        say(f"  {told}")
    for engine in unmeasured:
        say(f"  not measured: {engine}")
    say(f"goals reached: {sum(reached for _, reached in verdicts)} of {len(verdicts)}")
    return 1 if unmeasured else 0


def _measure(
    engine: str, folder: Path, asked: dict[str, object], verdicts: list[tuple[str, bool]]
) -> bool:
    answer = Path(str(asked["answer"]))
    answer.unlink(missing_ok=True)
    try:
        with _database(engine, folder) as url:
            environment = _environment(
                DATABASE_URL=url, DATA_DIR=str(folder / "data"), BENCH=json.dumps(asked)
            )
            done = subprocess.run(
                [sys.executable, "-m", "tests.bench.run"], env=environment, check=False
            )
    except cluster.Unavailable as why:
        say(f"\n=== {engine}: not measured: {why}")
        return False
    if done.returncode or not answer.exists():
        say(f"\n=== {engine}: broke off with {done.returncode}")
        return False
    verdicts += json.loads(answer.read_text())
    return True


@contextmanager
def _database(engine: str, folder: Path) -> Iterator[str]:
    given = os.environ.get("DATABASE_URL", "")
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
    elif given.startswith("postgres"):
        with cluster.beside(given, keep="KEEP" in os.environ) as url:
            yield url
    else:
        with cluster.running(folder / "postgresql") as url:
            yield url


def _environment(**more: str) -> dict[str, str]:
    return os.environ | {"DEMO": "1", "DJANGO_SETTINGS_MODULE": "idv_dashboard.settings"} | more


def _words(name: str, otherwise: str) -> list[str]:
    return [word for word in os.environ.get(name, otherwise).lower().split(",") if word]


def _rows(text: str) -> int:
    return int(text.rstrip("km")) * UNITS.get(text[-1], 1)


def build(arguments: argparse.Namespace) -> int:
    given = arguments.database
    url = given if "://" in given else f"sqlite:///{Path(given).resolve()}"
    asked = ["--rows", str(arguments.rows)]
    asked += [f"--{name}" for name in ("keep", "anew") if getattr(arguments, name)]
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.fill", *asked],
        # With the keys of the program's own folder, under which its pages open what is sealed.
        env=_environment(DATABASE_URL=url),
        check=False,
    ).returncode


def _arguments() -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=form
    )
    commands = parser.add_subparsers(dest="command")
    build_ = commands.add_parser("build", help="fill a database with seeded rows")
    build_.add_argument("--rows", type=int, default=100_000)
    build_.add_argument("--database", required=True, help="a URL, or the path of a SQLite file")
    build_.add_argument("--keep", action="store_true", help="what stands there is good enough")
    build_.add_argument("--anew", action="store_true", help="empty it first, whatever is there")
    return parser.parse_args()


if __name__ == "__main__":
    # Whoever ends it ends the database server with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        # PostgreSQL may run as another user, who has to get in.
        Path(folder).chmod(0o755)
        todo = build(arguments) if arguments.command else bench(Path(folder))
    sys.exit(todo)
