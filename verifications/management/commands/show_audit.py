from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import AuditEntry
from verifications import audit_log


class Command(BaseCommand):
    help = "Shows what the audit log tells of one verification, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scan_ref")

    def handle(self, *args: Any, scan_ref: str, **options: Any) -> None:
        entries = list(AuditEntry.objects.filter(subject=f"verification:{scan_ref}").order_by("pk"))
        for entry in entries:
            # Each partner has words of its own, and two may have the same scan ref.
            (line,) = audit_log.lines(entry.partner, [entry])
            facts = "; ".join(f"{key}: {value}" for key, value in line.facts)
            at = f"{line.at:%Y-%m-%d %H:%M:%S}"
            self.stdout.write(f"{at}  {line.kind}  by {line.who}  {facts}".rstrip())
        if not entries:
            self.stdout.write("Nothing is told of this scan ref.")
