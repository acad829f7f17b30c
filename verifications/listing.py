"""The list of verifications as a page, built before the template, in a fixed number of queries."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.forms import BoundField
from django.http import QueryDict

from accounts.models import Membership
from accounts.statements import Slot, Statement
from verifications import keyset, question, reasons, search, vault
from verifications.address import POSITIONS, Asked, quoted
from verifications.forms import FilterForm, Filters
from verifications.models import SavedView
from verifications.statuses import Standing, Status
from verifications.walk import Row

BY_TAB = ("status", "suspected")
# No filters, though they are keys of the question.
HIDDEN = (*POSITIONS, "order")

PEOPLE = Statement(
    lambda: (
        Membership.objects.filter(partner=Slot("partner"))
        .order_by("user__name")
        .values_list("user_id", "user__name", "user__email")
    )
)

SAVED = Statement(
    lambda: (
        SavedView.objects.filter(membership=Slot("membership"))
        .order_by("folded")
        .values_list("pk", "name", "query")
    )
)


@dataclass(frozen=True)
class Tab:
    label: str
    query: str
    count: int | None
    is_current: bool

    @property
    def counted(self) -> str:
        """Empty: too many to count."""
        return "" if self.count is None else f"{self.count:,}"


@dataclass(frozen=True)
class Chip:
    """An active filter; its link takes it away."""

    label: str
    value: str
    query: str


@dataclass(frozen=True)
class Saved:
    """A view that was saved; the current one asks what the page is asked."""

    pk: int
    name: str
    query: str
    is_current: bool


@dataclass(frozen=True)
class Refusal:
    """What could not be understood, and the question without it."""

    label: str
    text: str
    query: str


@dataclass(frozen=True)
class Listing:
    # None: nothing is asked.
    form: FilterForm | None
    tabs: list[Tab]
    saved: list[Saved]
    # What can be saved of the question; empty: nothing, or it is.
    unsaved: str
    chips: list[Chip]
    refusals: list[Refusal]
    rows: list[Row]
    newer: str
    older: str
    # The same question from its first page, and in the other order.
    first: str
    turned: str
    is_first: bool
    oldest_first: bool
    # Where the search broke off before the page was full, and the link that goes on from there.
    searched_to: datetime | None
    searched_back: bool
    further: str

    @property
    def is_refused(self) -> bool:
        return bool(self.refusals)


# Tab → what it adds to the query string.
TABS: tuple[tuple[str, dict[str, list[str]]], ...] = (
    ("All", {}),
    ("Needs decision", {"status": [Status.APPROVED], "suspected": ["yes"]}),
    ("Reviewing", {"status": [Status.REVIEWING]}),
    ("Approved", {"status": [Status.APPROVED]}),
    ("Denied", {"status": [Status.DENIED]}),
    ("Expired", {"status": [Status.EXPIRED]}),
)


def build(
    membership: Membership, standings: Mapping[Standing, int], query: QueryDict, today: date
) -> Listing:
    """A question that cannot be understood gives no rows and the form that says why."""
    form, understood = read(membership, query, today)
    asked, filters = Asked(query), understood or Filters()
    answer = question.Question(membership, filters)
    page = answer.page() if understood else keyset.Page([], None, None)
    if not understood:
        form = whole_form(membership, query, today)
    newer, older, further = page.links(back=bool(filters.before))
    lasting = form.lasting() if form else ""
    mine = saved(membership, "" if "q" in asked.kept else lasting)
    is_saved = lasting in {it.query for it in mine}
    return Listing(
        form=form,
        tabs=_tabs(answer, asked, standings),
        saved=mine,
        unsaved=lasting if understood and not is_saved else "",
        chips=chips(form, asked),
        refusals=_refusals(form, asked),
        rows=page.rows,
        newer=_page_link(asked, "before", newer),
        older=_page_link(asked, "after", older),
        first=asked.link(),
        turned=_turned(asked, filters),
        is_first=not (filters.after or filters.before),
        oldest_first=filters.oldest_first,
        searched_to=page.searched_to.moment if page.searched_to else None,
        searched_back=filters.oldest_first == bool(filters.before),
        further=_page_link(asked, "before" if filters.before else "after", further),
    )


def read(
    membership: Membership, query: QueryDict, today: date
) -> tuple[FilterForm | None, Filters | None]:
    """What is asked, and its form where anything is; no filters: it cannot be understood."""
    if not query:
        return None, Filters()
    form = _form(membership, query, today)
    return form, _with_hash(membership, form.filters()) if form.is_valid() else None


def _with_hash(membership: Membership, filters: Filters) -> Filters:
    """Document numbers are found by what the vault makes of them."""
    if not filters.q or search.is_scan_ref(filters.q):
        return filters
    return replace(filters, number_hash=vault.number_hash(membership.partner_id, filters.q))


def lasting_words(form: FilterForm) -> list[tuple[str, str]]:
    """What is saved of a question: each filter and what it is set to."""
    kept = Asked(QueryDict(form.lasting())).kept
    return [
        (str(field.label), _in_words(field, values))
        for field in form
        if (values := kept.get(field.html_name))
    ]


def whole_form(membership: Membership, query: QueryDict, today: date) -> FilterForm:
    """To be shown: with everything that can be chosen."""
    people, offered = _people(membership), _reasons(membership)
    return FilterForm(query, people=people, reasons=offered, today=today)


def _form(membership: Membership, query: QueryDict, today: date) -> FilterForm:
    """To be read: with what was chosen."""
    people = _people(membership) if query.get("decided_by") else []
    offered = _reasons(membership) if query.get("reason") else []
    return FilterForm(query, people=people, reasons=offered, today=today, is_whole=False)


def _people(membership: Membership) -> list[tuple[str, str]]:
    people = PEOPLE.rows(partner=membership.partner_id)
    return [(str(user), name or email) for user, name, email in people]


def _reasons(membership: Membership) -> list[tuple[str, str]]:
    return [(it.code, it.label) for it in reasons.offered(membership.partner_id)]


def _tabs(answer: question.Question, asked: Asked, standings: Mapping[Standing, int]) -> list[Tab]:
    """A tab keeps the other filters, and counts what they leave of it."""
    here = {key: asked.kept[key] for key in BY_TAB if key in asked.kept}
    narrowed = answer.filters.beside_tabs() != Filters()
    counted = _of(answer) if narrowed else standings
    return [
        Tab(label, asked.link(*BY_TAB, **added), _count(counted, added), here == added)
        for label, added in TABS
    ]


def saved(membership: Membership, asked: str = "") -> list[Saved]:
    rows = SAVED.rows(membership=membership.pk)
    return [Saved(pk, name, query, query == asked) for pk, name, query in rows]


def _of(answer: question.Question) -> Mapping[Standing, int] | None:
    standings = answer.standings()
    return None if standings is None else Counter(standings)


def _count(standings: Mapping[Standing, int] | None, added: dict[str, list[str]]) -> int | None:
    if standings is None:
        return None
    return sum(number for standing, number in standings.items() if _stands_in(added, standing))


def _stands_in(added: dict[str, list[str]], standing: Standing) -> bool:
    is_status = "status" not in added or standing.status in added["status"]
    return is_status and (standing.suspected or "suspected" not in added)


def _turned(asked: Asked, filters: Filters) -> str:
    return asked.link("order") if filters.oldest_first else asked.link(order="oldest")


def _page_link(asked: Asked, name: str, position: keyset.Position | None) -> str:
    """Of the next page that way; empty: there is none."""
    return asked.link(**{name: str(position)}) if position else ""


def chips(form: FilterForm | None, asked: Asked) -> list[Chip]:
    """One for each filter that is set, refused ones too: that is how they are taken away."""
    return [
        Chip(str(field.label), _in_words(field, values), asked.link(field.html_name))
        for field in form or ()
        if field.name not in HIDDEN and (values := asked.kept.get(field.html_name))
    ]


def _in_words(field: BoundField, values: list[str]) -> str:
    choices = dict(getattr(field.field, "choices", ()))
    return ", ".join(str(choices.get(value, value))[:60] for value in values)


def _refusals(form: FilterForm | None, asked: Asked) -> list[Refusal]:
    refused = [
        Refusal(str(field.label), str(error), asked.link(field.html_name))
        for field in form or ()
        for error in field.errors
    ]
    if form and (strange := form.strange):
        refused.append(Refusal(quoted(strange), form.refusal, asked.link(*strange)))
    return refused
