import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Partner
from verifications import disposal, lifecycle
from verifications.models import Verification


class Command(BaseCommand):
    help = (
        "Disposes of verifications whose partner asked us to, one transaction each. The audit log "
        "names the operating system's user. Ends with 1 where one was refused."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("scan_refs", nargs="+", metavar="SCAN_REF")
        parser.add_argument("--partner", required=True, help="key of the partner")
        parser.add_argument(
            "--partner-request",
            action="store_true",
            required=True,
            help="says that the partner asked for it: there is no other reason to do it from here",
        )

    def handle(self, *, scan_refs: list[str], partner: str, **options: Any) -> None:
        owner = Partner.objects.filter(key=partner).first()
        if owner is None:
            raise CommandError(f"There is no partner {partner!r}.")
        done = [self._dispose(owner, scan_ref) for scan_ref in scan_refs]
        if not all(done):
            refused = f"{done.count(False)} of {len(done)} not disposed of."
            raise CommandError(refused)

    def _dispose(self, partner: Partner, scan_ref: str) -> bool:
        try:
            disposal.dispose_on_request(partner, scan_ref)
        except Verification.DoesNotExist:
            self.stdout.write(f"{scan_ref}: there is no such verification, or not any more")
        except lifecycle.Refused as refusal:
            self.stdout.write(f"{scan_ref}: refused. {refusal}")
        else:
            self.stdout.write(f"{scan_ref}: disposed of")
            return True
        return False
