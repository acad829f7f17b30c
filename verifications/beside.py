"""What stands beside one verification, each kind by a statement that is written once."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.statements import Slot, Statement
from verifications.models import (
    Decision,
    DecisionReason,
    Hold,
    Note,
    Photo,
    ProviderCallback,
    Tag,
    Verification,
    WebhookDelivery,
)

IT = Slot("pk")


class Beside:
    def __init__(self, rows: Callable[[], QuerySet]) -> None:
        self.statement = Statement(rows)

    def of(self, verification: Verification) -> list[Any]:
        rows = self.statement.instances(pk=verification.pk)
        for row in rows:
            row.verification = verification
        return rows


tags = Beside(lambda: Tag.objects.filter(verification=IT).select_related("removed_by"))
holds = Beside(
    lambda: Hold.objects.filter(verification=IT).select_related("placed_by", "released_by")
)
notes = Beside(lambda: Note.objects.filter(verification=IT).select_related("author"))
photos = Beside(lambda: Photo.objects.filter(verification=IT))
# Through their decisions, by whose index they are found.
reasons = Beside(lambda: DecisionReason.objects.filter(decision__verification=IT))
callbacks = Beside(lambda: ProviderCallback.objects.filter(verification=IT))
deliveries = Beside(
    lambda: WebhookDelivery.objects.filter(verification=IT).select_related("endpoint")
)
# With the database's clock as `now`.
decisions = Beside(
    lambda: (
        Decision.objects.filter(verification=IT)
        .select_related("actor", "text", "undone_by")
        .annotate(now=Now())  # type: ignore[no-redef]
    )
)
