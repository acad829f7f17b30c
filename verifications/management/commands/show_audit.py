import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import AuditEntry, names_of


class Command(BaseCommand):
    help = "Shows what the audit log tells of one verification, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scan_ref")

    def handle(self, *args: Any, scan_ref: str, **options: Any) -> None:
        entries = list(AuditEntry.objects.filter(subject=f"verification:{scan_ref}").order_by("pk"))
        names = names_of(entry.actor for entry in entries if entry.actor)
        for entry in entries:
            facts = json.dumps(entry.facts, ensure_ascii=False)
            who = names.get(entry.actor or 0, "the system")
            at = f"{entry.at:%Y-%m-%d %H:%M:%S}"
            self.stdout.write(f"{at}  {entry.get_kind_display()}  by {who}  {facts}")
        if not entries:
            self.stdout.write("Nothing is told of this scan ref.")
