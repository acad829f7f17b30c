import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from verifications import folding


class Command(BaseCommand):
    help = (
        "Counts everything again and compares it with the counters, while work goes on. "
        "Exit 0: they are right (or were put right), 1: they are not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="put right what is not")

    def handle(self, *args: Any, repair: bool = False, **options: Any) -> None:
        found = 0
        for difference in folding.repair() if repair else folding.check():
            self.stdout.write(self.style.ERROR(str(difference)))
            found += 1
        if not found:
            self.stdout.write("The counters are right.")
        elif repair:
            self.stdout.write(f"Put right: {found}.")
        else:
            self.stdout.write(f"The counters are NOT right: {found} differ.")
            sys.exit(1)
