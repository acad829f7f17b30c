import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from accounts import proof
from verifications import history


class Command(BaseCommand):
    help = (
        "Proves the audit log: chains, heads, checkpoints, guards, that rows say what it says, and "
        "that what was erased is gone. Exit 0: intact, 1: not as it was written, 2: unreadable."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--copies", type=Path, help="a file of checkpoints that was kept on another machine"
        )

    def handle(self, *args: Any, copies: Path | None = None, **options: Any) -> None:
        started = time.monotonic()
        try:
            kept = copies.read_text(encoding="ascii").split("\n") if copies else []
            found = proof.verify(line for line in kept if line)
            seconds = time.monotonic() - started
            found.problems += history.problems()
        except (DatabaseError, OSError) as error:
            self.stderr.write(f"The audit log could not be read ({type(error).__name__}).")
            sys.exit(2)
        self.stdout.write(
            f"{found.entries} entries in {found.streams} streams, {found.covered} of them under "
            f"{found.checkpoints} checkpoints, {found.entries / seconds:.0f} a second."
        )
        for problem in found.problems:
            self.stdout.write(self.style.ERROR(problem))
        self.stdout.write("Intact." if found.holds else "NOT as it was written.")
        if not found.holds:
            sys.exit(1)
