"""One engine, all sizes: called by `make bench` in a process of its own for each engine."""

import json
import logging
import os
import sys
from pathlib import Path

import django
from django.conf import settings

django.setup()

from tests.bench import peers  # noqa: E402 - there are no models before

# Before anything is rendered.
settings.TEMPLATES.append(peers.TEMPLATES)

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from tests.bench import cases, deliveries, goals, memory, place, rounds, writes  # noqa: E402
from tests.bench.figures import say  # noqa: E402


def main(
    sizes: list[int], only: set[str], repeated: int, requests: int, keep: bool
) -> list[goals.Verdict]:
    # Refused statements are counted and printed; their traces would bury the table.
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    say(f"\n=== {_engine()}, Django {django.get_version()}, Python {sys.version.split()[0]}")
    ours, stock = import_string(settings.WSGI_APPLICATION), peers.application()
    places = [place.stand(rows, ours, stock, keep=keep) for rows in sizes]
    asked = [case for case in cases.CASES if case.group in only | {"empty"}]
    results = rounds.run(places, asked, repeated)
    rounds.show(results)
    measured = goals.Measured(connection.vendor, results)
    if "decide" in only:
        measured.decisions, measured.statements = writes.decide(places[-1])
        say(f"\ndecisions at {places[-1].rows:,}: {measured.statements} statements a denial")
        writes.show(measured.decisions)
    if "intake" in only:
        for each in places:
            measured.intake[each.rows] = writes.receive(each)
            say(f"\nintake at {each.rows:,}")
            writes.show(measured.intake[each.rows])
    if "memory" in only:
        memory.run(places[0], requests)
    if "deliveries" in only:
        say("\ndeliveries")
        deliveries.run()
    return list(goals.verdicts(measured))


def _engine() -> str:
    with connection.cursor() as cursor:
        sqlite = connection.vendor == "sqlite"
        cursor.execute("SELECT sqlite_version()" if sqlite else "SHOW server_version")
        return f"{connection.display_name} {cursor.fetchone()[0]}"


if __name__ == "__main__":
    told = json.loads(os.environ["BENCH"])
    only, answer = set(told.pop("only")), Path(told.pop("answer"))
    reached = main(only=only, **told)
    answer.write_text(json.dumps([[str(one), one.is_reached] for one in reached]))
    connection.close()
