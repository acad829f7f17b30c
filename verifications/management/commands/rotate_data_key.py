import sys
from typing import Any

from django.core.management.base import BaseCommand

from accounts import sealing
from verifications import rotation


class Command(BaseCommand):
    help = (
        "Wraps all data keys and secrets anew under today's DATA_KEY; what they seal stays as it "
        "is. Broken off, it is run again. Exit 1: something does not open."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = rotation.rotate()
        self.stdout.write(
            f"Under master key {sealing.masters()[0]} now: {done.keys} data keys and "
            f"{done.secrets} secrets were wrapped anew, {done.already} were before."
        )
        for what in done.shut:
            self.stdout.write(self.style.ERROR(f"Does not open: {what}"))
        if done.shut:
            sys.exit(1)
        self.stdout.write("DATA_KEY_FALLBACKS may be emptied, once no server runs on the old key.")
