import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Partner
from verifications.callbacks import intake, provider
from verifications.demo import samples


class Command(BaseCommand):
    help = (
        "Takes callback bodies in from disk, as if the provider had sent them. One line a file; "
        "ends with 1 where one was refused."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="a body, or the start of a sample's name"
        )
        parser.add_argument("--partner", help="key of the partner; needed where there are several")
        parser.add_argument(
            "--event", choices=[*provider.EVENTS, provider.EXPIRATION], help="for all of the files"
        )

    def handle(self, *, files: list[str], partner: str, event: str, **options: Any) -> None:
        receiver = _partner(partner)
        taken = [self._take(receiver, file, event) for file in files]
        if not all(taken):
            refused = f"{taken.count(False)} of {len(taken)} refused."
            raise CommandError(refused)

    def _take(self, partner: Partner, file: str, event: str) -> bool:
        try:
            path = samples.find(file)
            raw = path.read_bytes()
        except OSError as problem:
            self.stdout.write(f"{file}: refused, cannot be read: {problem.strerror or problem}")
            return False
        if len(raw) > provider.LARGEST_BODY:
            self.stdout.write(f"{file}: refused, size: more than {provider.LARGEST_BODY} bytes")
            return False
        receipt = intake.receive(partner, event or samples.event_of(path), raw)
        self.stdout.write(f"{file}: {_told(receipt)}")
        return receipt.is_accepted


def _partner(key: str | None) -> Partner:
    active = {partner.key: partner for partner in Partner.objects.filter(is_active=True)}
    if key in active:
        return active[key]
    if key is None and len(active) == 1:
        return next(iter(active.values()))
    keys = ", ".join(sorted(active)) or "none"
    problem = f"There is no active partner {key!r}." if key else "Say for whom by --partner."
    raise CommandError(f"{problem} Partners: {keys}.")


def _told(receipt: intake.Receipt) -> str:
    callback = receipt.callback
    if not receipt.is_accepted:
        return f"refused, {callback.stage}: {callback.problem}"
    word = "repeated" if receipt.is_repeated else "stored"
    return f"{word}, {callback.get_outcome_display().lower()}"
