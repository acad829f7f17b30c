import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from verifications.names import proof


class Command(BaseCommand):
    help = (
        "Proves that the index by which names are found says what the names say. "
        "Exit 0: it does (or was repaired), 1: it does not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="make it say what the names say")

    def handle(self, *args: Any, repair: bool, **options: Any) -> None:
        found = proof.compare()
        self.stdout.write(f"{found.names} verifications, {found.words} words.")
        for pk in found.wrong_names:
            self.stdout.write(self.style.ERROR(f"Verification {pk} is not found by its name."))
        for pk in found.wrong_words:
            self.stdout.write(self.style.ERROR(f"Word {pk} is used by nobody, or not found."))
        if found.holds:
            self.stdout.write("Names and index agree.")
        elif repair:
            proof.repair(found)
            found = proof.compare()
            self.stdout.write("Repaired." if found.holds else "NOT repaired.")
        if not found.holds:
            sys.exit(1)
