from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import budgets
from accounts.models import AuditEntry, Kind, names_of
from verifications import watermark


class Command(BaseCommand):
    help = (
        "Lists who looked at one verification or took its report, and when; --since and --until in "
        "ISO form. With --mark: of which look or report a mark is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scan_ref", nargs="?")
        parser.add_argument("--mark")
        parser.add_argument("--since")
        parser.add_argument("--until")

    def handle(self, *args: Any, scan_ref: str | None, **options: Any) -> None:
        if options["mark"]:
            return self._tell_of(options["mark"])
        if not scan_ref:
            raise CommandError("Give a scan ref, or --mark and the letters on a picture or report.")
        return self._list(scan_ref, **options)

    def _tell_of(self, mark: str) -> None:
        try:
            number = watermark.number_of(mark)
        except watermark.NoMark:
            raise CommandError(f"{mark} is not a mark: look again at each letter.") from None
        look = AuditEntry.objects.filter(pk=number, kind__in=budgets.RECORDS.kinds).first()
        if look is None:
            raise CommandError(f"No look has the mark {mark}.")
        name = names_of([look.actor or 0]).get(look.actor or 0, "nobody known")
        self.stdout.write(f"{look.at:%Y-%m-%d %H:%M:%S}  {name}  {look.subject}  {_what(look)}")

    def _list(self, scan_ref: str, **options: Any) -> None:
        entries = AuditEntry.objects.filter(subject=f"verification:{scan_ref}").order_by("pk")
        failed = [entry.facts["entry"] for entry in entries.filter(kind=Kind.REPORT_FAILED)]
        looks = entries.filter(kind__in=budgets.RECORDS.kinds).exclude(pk__in=failed)
        if options["since"]:
            looks = looks.filter(at__gte=_moment(options["since"]))
        if options["until"]:
            looks = looks.filter(at__lte=_moment(options["until"]))
        names = names_of(look.actor for look in looks if look.actor)
        for look in looks:
            name = names.get(look.actor or 0, "nobody known")
            report = "  report" if look.kind == Kind.REPORT_TAKEN else ""
            self.stdout.write(f"{look.at:%Y-%m-%d %H:%M:%S}  {name}{report}")
        self.stdout.write(f"{len(looks)} looks.")


def _what(look: AuditEntry) -> str:
    return "report" if look.kind == Kind.REPORT_TAKEN else ", ".join(look.facts["photos"])


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is not a moment such as 2026-11-23T14:00.") from None
    return moment if moment.tzinfo else timezone.make_aware(moment)
