"""The list of verifications as a page, built before the template, in a fixed number of queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Count
from django.http import QueryDict

from accounts.models import Membership
from verifications import codes, keyset
from verifications.forms import FilterForm, Filters
from verifications.models import RejectionReason, Tag, Verification, VerificationQuerySet
from verifications.statuses import Status

# Nobody reads further than this, and no count may walk a million rows.
COUNTED_TO = 1000
POSITIONS = ("after", "before")


@dataclass(frozen=True)
class Tab:
    label: str
    query: str
    count: int
    is_current: bool

    @property
    def counted(self) -> str:
        return f"{self.count:,}" if self.count <= COUNTED_TO else f"{COUNTED_TO:,}+"


@dataclass(frozen=True)
class Chip:
    """An active filter; its link takes it away."""

    label: str
    value: str
    query: str


@dataclass(frozen=True)
class Listing:
    form: FilterForm
    rows: list[Verification]
    tabs: list[Tab]
    chips: list[Chip]
    newer: str
    older: str
    oldest_first: bool
    is_refused: bool

    @property
    def is_filtered(self) -> bool:
        return bool(self.chips)


# Tab → what it adds to the query string.
TABS: tuple[tuple[str, dict[str, list[str]]], ...] = (
    ("All", {}),
    ("Needs decision", {"status": [Status.APPROVED], "suspected": ["yes"]}),
    ("Reviewing", {"status": [Status.REVIEWING]}),
    ("Approved", {"status": [Status.APPROVED]}),
    ("Denied", {"status": [Status.DENIED]}),
    ("Expired", {"status": [Status.EXPIRED]}),
)


def build(membership: Membership, query: QueryDict, today: date) -> Listing:
    """A question that cannot be understood gives no rows and the form that says why."""
    form = FilterForm(query, people=_people(membership), today=today)
    visible = Verification.objects.visible_to(membership)
    tabs = _tabs(visible, query)
    if not form.is_valid():
        return Listing(form, [], tabs, _chips(form, query), "", "", False, True)
    filters = form.filters()
    page = _page(visible, filters)
    return Listing(
        form=form,
        rows=page.rows,
        tabs=tabs,
        chips=_chips(form, query),
        newer=_position(query, "before", page.newer),
        older=_position(query, "after", page.older),
        oldest_first=filters.oldest_first,
        is_refused=False,
    )


def _page(visible: VerificationQuerySet, filters: Filters) -> keyset.Page:
    rows = visible.matching(filters).defer("search_text", "deny_reasons")
    page = keyset.page(
        rows,
        "started_at",
        after=filters.after,
        before=filters.before,
        newest_first=not filters.oldest_first,
    )
    counts = _tag_counts([row.pk for row in page.rows])
    for row in page.rows:
        row.tag_count = counts.get(row.pk, 0)
    return page


def _tag_counts(keys: list[int]) -> dict[int, int]:
    standing = Tag.objects.standing().filter(verification__in=keys).order_by()
    return dict(standing.values_list("verification").annotate(Count("id")))


def _people(membership: Membership) -> list[tuple[str, str]]:
    people = membership.partner.memberships.select_related("user").order_by("user__name")
    return [(str(one.user_id), str(one.user)) for one in people]


def _tabs(visible: VerificationQuerySet, query: QueryDict) -> list[Tab]:
    here = {key: query.getlist(key) for key in ("status", "suspected") if query.getlist(key)}
    return [
        Tab(label, _with(query, added), _count(_of_tab(visible, added)), here == added)
        for label, added in TABS
    ]


def _of_tab(visible: VerificationQuerySet, added: dict[str, list[str]]) -> VerificationQuerySet:
    if "suspected" in added:
        return visible.needs_decision()
    return visible.filter(status__in=added["status"]) if added else visible


def _count(rows: VerificationQuerySet) -> int:
    """Up to one past the limit: a count must not walk a million rows."""
    return rows.order_by()[: COUNTED_TO + 1].count()


def needs_decision_count(membership: Membership) -> int:
    return _count(Verification.objects.visible_to(membership).needs_decision())


def _with(query: QueryDict, added: dict[str, list[str]]) -> str:
    kept = query.copy()
    for key in ("status", "suspected", *POSITIONS):
        kept.pop(key, None)
    for key, values in added.items():
        kept.setlist(key, values)
    return kept.urlencode()


def _position(query: QueryDict, name: str, position: keyset.Position | None) -> str:
    """The query string of the next page that way; empty: there is none."""
    if position is None:
        return ""
    kept = query.copy()
    for key in POSITIONS:
        kept.pop(key, None)
    kept[name] = str(position)
    return kept.urlencode()


def _chips(form: FilterForm, query: QueryDict) -> list[Chip]:
    """One for each filter that is set, refused ones too: that is how they are taken away."""
    hidden = {*POSITIONS, "order"}
    return [
        Chip(str(form.fields[name].label), _in_words(form, name, values), _without(query, key))
        for key, name, values in _set(form, query)
        if name not in hidden
    ]


def _set(form: FilterForm, query: QueryDict) -> Iterator[tuple[str, str, list[str]]]:
    for key in query:
        name = "from_" if key == "from" else key
        values = [value for value in query.getlist(key) if value]
        if name in form.fields and values:
            yield key, name, values


def _in_words(form: FilterForm, name: str, values: list[str]) -> str:
    choices = dict(getattr(form.fields[name], "choices", ()))
    words = [str(choices.get(value) or codes.find(value).label) for value in values]
    return ", ".join(word[:60] for word in words)


def _without(query: QueryDict, key: str) -> str:
    kept = query.copy()
    for gone in (key, *POSITIONS):
        kept.pop(gone, None)
    return kept.urlencode()


@dataclass(frozen=True)
class Choices:
    """What the filter menu offers: known codes, with their words."""

    document_types: list[codes.Code]
    platforms: list[codes.Code]
    tags: list[codes.Code]
    reasons: list[tuple[str, str]]


def choices(membership: Membership) -> Choices:
    families = codes.families()
    reasons = RejectionReason.objects.offered_to(membership.partner)
    return Choices(
        list(families["doc_type"].values()),
        list(families["platform"].values()),
        [*families["mismatch_tag"].values(), *families["fraud_tag"].values()],
        list(reasons.values_list("code", "label")),
    )
