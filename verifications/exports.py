"""The list as a file, and the page before it that says what will be in it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import F
from django.http import QueryDict

from accounts import budgets
from accounts.models import Membership, Rank
from accounts.statements import Numbers, OneOf, Slot, Statement
from verifications import listing, looks, question
from verifications.address import Asked
from verifications.forms import Filters
from verifications.models import Tag
from verifications.statuses import Standing, Status
from verifications.walk import Row, by_key

# Verifications of one file.
MOST = 100_000
COLUMNS = (
    "name",
    "status",
    "suspected",
    "client ID",
    "scan ref",
    "external ref",
    "document type",
    "issuing country",
    "tags",
    "review",
    "started",
    "finished",
)

# What the list does not show. What was disposed of since its row was read is not there any more.
BESIDE = Statement(
    lambda: by_key().filter(disposed_at=None).values_list("pk", "external_ref", "finished_at")
)
# A file is under way for minutes.
MAY = Statement(
    lambda: (
        Membership.objects.active()
        .filter(pk=Slot("membership"), role__rank__gte=Rank.MODERATOR)
        .values_list("pk")
    )
)
TAGS = Statement(
    lambda: (
        Tag.objects.standing()
        .filter(OneOf(F("verification_id"), Numbers("keys")))
        .order_by()
        .values_list("verification_id", "code")
    )
)


@dataclass(frozen=True)
class Offer:
    """What a file would hold, and whether one may still be had."""

    query: str
    chips: list[listing.Chip]
    oldest_first: bool
    # None: not known before they are read.
    number: int | None
    most: int
    left: budgets.Left
    budget: str

    @property
    def is_cut(self) -> bool:
        """All that fit are known to be more than a file holds."""
        return self.number is not None and self.number > self.most


def offer(
    membership: Membership, standings: Mapping[Standing, int], query: QueryDict, today: date
) -> Offer | None:
    """None: what is asked cannot be understood."""
    form, filters = listing.read(membership, query, today)
    if filters is None:
        return None
    asked = Asked(query)
    return Offer(
        query=asked.link(),
        chips=listing.chips(form, asked),
        oldest_first=filters.oldest_first,
        number=_number(membership, filters, standings),
        most=MOST,
        left=budgets.left(budgets.LIST_EXPORTS, membership.user),
        budget=budgets.LIST_EXPORTS.sentence,
    )


def _number(
    membership: Membership, asked: Filters, standings: Mapping[Standing, int]
) -> int | None:
    """As many as there are on one page, or as the sums tell."""
    page = question.Question(membership, replace(asked, after=None, before=None)).page()
    if page.older is None:
        return len(page.rows)
    if asked.beside_tabs() != Filters():
        return None
    return sum(
        number
        for standing, number in standings.items()
        if (not asked.status or standing.status in asked.status)
        and asked.suspected in (None, standing.suspected)
    )


def rows(membership: Membership, filters: Filters) -> Iterator[Sequence[str]]:
    """The rows of the list as cells, however many pages they fill. The last line says that it is
    the last, so that a file that broke off shows.
    """
    number, last = 0, None
    for batch in question.Question(membership, filters).batches():
        if not MAY.rows(membership=membership.pk):
            yield [
                f"Stopped after {number:,} verifications: you may not export from here any more."
            ]
            return
        for row, cells in _cells(batch):
            if number == MOST and last:
                yield [_stopped(last.started_at, filters)]
                return
            number, last = number + 1, row
            yield cells
    yield [f"End of the export: all that fit. Verifications: {number:,}"]


def _cells(batch: list[Row]) -> Iterator[tuple[Row, list[str]]]:
    keys = [row.pk for row in batch]
    if not keys:
        return
    beside = {key: (ref, at) for key, ref, at in BESIDE.rows(keys=keys)}
    tags: dict[int, set[str]] = defaultdict(set)
    for key, code in TAGS.rows(keys=keys):
        tags[key].add(code)
    for row in batch:
        if row.pk in beside:
            yield row, _worded(row, *beside[row.pk], tags[row.pk])


def _worded(row: Row, external_ref: str, finished_at: datetime | None, tags: set[str]) -> list[str]:
    return [
        row.name,
        Status(row.status).label,
        "yes" if row.suspected else "no",
        row.client_id,
        row.scan_ref,
        external_ref,
        looks.label(row.document_type, "doc_type") if row.document_type else "",
        row.document_country,
        ", ".join(sorted(tags)),
        row.review_type.capitalize(),
        looks.iso(row.started_at),
        looks.iso(finished_at) if finished_at else "",
    ]


def _stopped(at: datetime, filters: Filters) -> str:
    side, field = ("after", "From") if filters.oldest_first else ("before", "To")
    return (
        f"Stopped after {MOST:,} verifications: more fit, of those that started {side}"
        f" {looks.exact(at)} UTC. Export again with {field} set to that day."
    )
