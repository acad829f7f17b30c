import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from verifications.webhooks import claims
from verifications.worker import Worker


class Command(BaseCommand):
    help = (
        "Delivers webhooks, sends e-mail, fetches photos and does the chores, until SIGTERM or "
        "Ctrl-C. Several may run at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--once", action="store_true", help="Do what is due now, and stop.")
        mode.add_argument(
            "--until-empty",
            action="store_true",
            help="Stop when no message waits for an endpoint that is switched on.",
        )

    def handle(self, *args: Any, once: bool, until_empty: bool, **options: Any) -> None:
        worker = Worker()
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: worker.stop())
        if once:
            worker.run_once()
        elif until_empty:
            worker.send(claims.is_empty)
        else:
            self.stdout.write("The worker runs. Ctrl-C stops it when its tries in hand are done.")
            worker.run()
