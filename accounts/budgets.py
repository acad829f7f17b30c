"""How much of other people's data one person may take in a while.

The audit log is the counter: what is shown was written there before. Whoever takes more is stopped
there and then, and the partner's Admins are told.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, DateTimeField, Exists, Min, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import audit, letters
from accounts.models import AuditEntry, Kind, Partner, User, names_of
from accounts.statements import Slot, Statement


class Budget(NamedTuple):
    """`counts` is the column of which different values are counted, in entries of all its kinds."""

    kinds: tuple[Kind, ...]
    setting: str
    window: timedelta
    taken: str
    counts: str = "id"

    def most(self) -> int:
        return int(getattr(settings, self.setting))

    @property
    def sentence(self) -> str:
        return f"{self.most():,} {self.taken}"


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RECORDS = Budget(
    (Kind.VIEWED, Kind.REPORT_TAKEN),
    "LOOKS_PER_HOUR",
    HOUR,
    "verifications looked at within an hour",
    counts="subject",
)
# Each costs a few seconds of a processor, of the same verification too.
REPORTS = Budget(
    (Kind.REPORT_TAKEN,), "LOOKS_PER_HOUR", HOUR, "reports of verifications taken within an hour"
)
LIST_EXPORTS = Budget(
    (Kind.LIST_EXPORTED,), "EXPORTS_PER_DAY", DAY, "exports of verifications within a day"
)
LOG_EXPORTS = Budget(
    (Kind.LOG_EXPORTED,), "EXPORTS_PER_DAY", DAY, "exports of the audit log within a day"
)
BUDGETS = (RECORDS, REPORTS, LIST_EXPORTS, LOG_EXPORTS)


class Reached(Exception):
    """It was not given out; `again_at` is when some of the budget is free again."""

    def __init__(self, budget: Budget, actor: User, partner: Partner, again_at: datetime) -> None:
        super().__init__(budget.sentence)
        self.budget, self.actor, self.partner, self.again_at = budget, actor, partner, again_at


@transaction.atomic
def spend(
    kind: Kind,
    *,
    actor: User,
    partner: Partner,
    subject: str,
    stream: str,
    **facts: str | int | bool | list[str],
) -> AuditEntry:
    """Writes down what is about to be shown, in every budget that counts it.

    Raises Reached, with nothing written.
    """
    entry = audit.record(
        kind,
        actor=actor,
        partner=partner,
        subject=subject,
        stream=stream,
        **facts,
    )
    for budget in BUDGETS:
        if kind in budget.kinds:
            _bound(budget, entry, actor, partner)
    return entry


def _bound(budget: Budget, entry: AuditEntry, actor: User, partner: Partner) -> None:
    taken = TAKEN[budget].rows(
        actor=actor.pk,
        partner=partner.pk,
        subject=entry.subject,
        since=timezone.now() - budget.window,
        entry=entry.pk,
    )
    for number, first in taken:
        if number > budget.most():
            raise Reached(budget, actor, partner, first + budget.window)


def spend_export(budget: Budget, *, actor: User, partner: Partner, filters: list[str]) -> None:
    """On record before the first line goes out. Raises Reached.

    In the stream of whoever takes it, which has one writer at a time: that of a partner let who
    works for several take more.
    """
    spend(
        budget.kinds[0],
        actor=actor,
        partner=partner,
        subject=f"partner:{partner.key}",
        stream=f"u/{actor.pk}",
        filters=filters,
    )


class Left(NamedTuple):
    """How often one may still take it; where none is left, `again_at` says when one is."""

    number: int
    again_at: datetime | None


def left(budget: Budget, actor: User) -> Left:
    """Of a budget that counts each entry."""
    since = timezone.now() - budget.window
    ((taken, first),) = TAKEN[budget].rows(actor=actor.pk, since=since)
    number = max(0, budget.most() - taken)
    return Left(number, None if number else first + budget.window)


def _taken(budget: Budget) -> QuerySet:
    """How many, and the moment of the first; nothing where `entry` takes no more than before."""
    since = Slot("since", DateTimeField())
    rows = AuditEntry.objects.filter(actor=Slot("actor"), kind__in=budget.kinds, at__gt=since)
    # One group: of aggregates alone there is no queryset.
    one = rows.order_by().annotate(one=Value(1)).values("one")
    number = one.annotate(number=Count(budget.counts, distinct=True)).values("number")
    first = one.annotate(first=Min("at")).values("first")
    actor = User.objects.filter(pk=Slot("actor"))
    if budget.counts == "subject":
        # Of the row around the sums: SQLite would ask it of each that they count.
        same = rows.filter(subject=Slot("subject"), partner=Slot("partner"), pk__lt=Slot("entry"))
        actor = actor.filter(~Exists(same))
    return actor.order_by().values_list(Coalesce(Subquery(number), 0), Subquery(first))


TAKEN = {budget: Statement(partial(_taken, budget)) for budget in BUDGETS}


@transaction.atomic
def note(reached: Reached) -> None:
    """On record, once for each window that somebody runs into."""
    User.objects.select_for_update().get(pk=reached.actor.pk)
    since = timezone.now() - reached.budget.window
    known = AuditEntry.objects.filter(
        actor=reached.actor.pk, kind=Kind.BUDGET_REACHED, at__gt=since, subject=_subject(reached)
    )
    if not known.exists():
        audit.record(
            Kind.BUDGET_REACHED,
            actor=reached.actor,
            partner=reached.partner,
            subject=_subject(reached),
            stream=f"u/{reached.actor.pk}",
            budget=reached.budget.sentence,
        )


def _subject(reached: Reached) -> str:
    return f"budget:{reached.budget.kinds[0]}"


class Notice(NamedTuple):
    who: str
    at: datetime
    budget: str


def notices(partner: Partner, since: datetime) -> list[Notice]:
    """Who ran into which budget, newest first."""
    entries = REACHED.instances(partner=partner.pk, since=since)
    if not entries:
        return []
    names = names_of(entry.actor for entry in entries if entry.actor)
    return [
        Notice(names.get(entry.actor or 0, ""), entry.at, entry.facts["budget"])
        for entry in entries
    ]


def _reached() -> QuerySet[AuditEntry]:
    since = Slot("since", DateTimeField())
    told = AuditEntry.objects.filter(partner=Slot("partner"), kind=Kind.BUDGET_REACHED)
    return told.filter(at__gt=since).order_by("-at", "-pk")[:20]


REACHED = Statement(_reached)


def tell_admins() -> int:
    """Letters to the Admins for the notices of the last day that none has told of yet."""
    since = timezone.now() - DAY
    return sum(_tell(partner, since) for partner in Partner.objects.filter(is_active=True))


def _tell(partner: Partner, since: datetime) -> int:
    """What no letter tells of, there being no Admin say, is told the next time."""
    known = {f"budget-told-{partner.pk}-{it.at.timestamp()}": it for it in notices(partner, since)}
    told = cache.get_many(known)
    fresh = {key: notice for key, notice in known.items() if key not in told}
    if not fresh:
        return 0
    told_to = letters.to_admins(
        partner,
        "somebody was stopped from looking further",
        "accounts/budget_mail.txt",
        {"notices": [*fresh.values()]},
    )
    if told_to:
        cache.set_many(dict.fromkeys(fresh, 1), timeout=2 * 86_400)
    return told_to
