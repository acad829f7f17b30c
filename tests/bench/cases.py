"""What is asked: each case is a name, a group, and the address at one size of the data."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from tests.bench.place import Place
from verifications import figures

LIST = "/verifications/"


@dataclass(frozen=True)
class Case:
    """`floor` names the empty view that it is measured against; `behind` whose callable answers."""

    group: str
    name: str
    address: Callable[[Place], str]
    floor: str = "empty"
    behind: str = "ours"


EMPTY = Case("empty", "empty", lambda place: "/empty/", behind="stock")
WRITES = Case("empty", "empty that writes an entry", lambda place: "/writes/", behind="stock")


def _list(**query: object) -> Callable[[Place], str]:
    return lambda place: f"{LIST}?{urlencode(query, doseq=True)}"


def _asked(key: str, value: Callable[[Place], object]) -> Callable[[Place], str]:
    return lambda place: f"{LIST}?{urlencode({key: value(place)})}"


def _day(days_before: int, length: int) -> Callable[[Place], str]:
    """So many days up to a day before the newest ones."""

    def address(place: Place) -> str:
        last = (place.middle.started_at + timedelta(days=365 - days_before)).date()
        first = last - timedelta(days=length)
        return f"{LIST}?{urlencode({'from': first, 'to': last})}"

    return address


PAGES = [
    Case("list", "list, page 1", lambda place: LIST),
    Case("list", "list, a later page", lambda place: f"{LIST}?after={place.later}"),
    Case("list", "list, page before a place", lambda place: f"{LIST}?before={place.later}"),
    Case("list", "list, oldest first", _list(order="oldest")),
]

ASKED = {
    "status APPROVED": {"status": "APPROVED"},
    "status DENIED": {"status": "DENIED"},
    "status REVIEWING": {"status": "REVIEWING"},
    "status EXPIRED": {"status": "EXPIRED"},
    "status ARCHIVED": {"status": "ARCHIVED"},
    "two statuses": {"status": ["REVIEWING", "ARCHIVED"]},
    "needs a decision": {"status": "APPROVED", "suspected": "yes"},
    "suspected": {"suspected": "yes"},
    "not suspected": {"suspected": "no"},
    "final": {"final": "yes"},
    "not final": {"final": "no"},
    "last 7 days": {"started": "7d"},
    "last 90 days": {"started": "90d"},
    "ID card": {"document_type": "ID_CARD"},
    "residence permit": {"document_type": "RESIDENCE_PERMIT"},
    "country DE": {"country": "DE"},
    "country KR": {"country": "KR"},
    "country nobody has": {"country": "AQ"},
    "platform PC": {"platform": "PC"},
    "platform OTHER": {"platform": "OTHER"},
    "manual review": {"review": "MANUAL"},
    "tag NAME": {"tag": "NAME"},
    "tag SEX": {"tag": "SEX"},
    "tag DATA_IN_BLACKLIST": {"tag": "DATA_IN_BLACKLIST"},
    # Likely pairs.
    "denied in DE": {"status": "DENIED", "country": "DE"},
    "denied in 30 days": {"status": "DENIED", "started": "30d"},
    "DE in 30 days": {"country": "DE", "started": "30d"},
    "tag NAME, needs a decision": {"tag": "NAME", "status": "APPROVED", "suspected": "yes"},
    "tag NAME in 90 days": {"tag": "NAME", "started": "90d"},
    "passports from JP": {"document_type": "PASSPORT", "country": "JP"},
    "manual, denied": {"review": "MANUAL", "status": "DENIED"},
    # Rare together, though each is frequent.
    "reviewing in KR": {"status": "REVIEWING", "country": "KR"},
    "OTHER on OTHER": {"document_type": "OTHER", "platform": "OTHER"},
    "tag SEX in KR": {"tag": "SEX", "country": "KR"},
    "archived in 7 days": {"status": "ARCHIVED", "started": "7d"},
    "SDK, not final": {"platform": "MOBILE_SDK", "final": "no"},
    "suspected, OTHER, DE": {"suspected": "yes", "document_type": "OTHER", "country": "DE"},
}
BY_PERSON = [
    Case("filters", "decided by", _asked("decided_by", lambda place: place.admin.user_id)),
    Case("filters", "reason", _asked("reason", lambda place: place.reason)),
    Case(
        "filters",
        "decided by, reason, DE",
        lambda place: f"{LIST}?decided_by={place.admin.user_id}&reason={place.reason}&country=DE",
    ),
]
FILTERS = [
    *(Case("filters", name, _list(**query)) for name, query in ASKED.items()),
    *BY_PERSON,
    Case("filters", "one day a year ago", _day(365, 0)),
    Case("filters", "a month half a year ago", _day(180, 30)),
]
# A search that broke off is taken further: as if from a place before all others.
START, FURTHER = "4000000000000000-1", ", going on"
GOING_ON = [
    Case("filters", f"{name}{FURTHER}", _list(after=START, **ASKED[name]))
    for name in ("reviewing in KR", "OTHER on OTHER", "tag SEX in KR", "suspected, OTHER, DE")
]

SEARCH = [
    Case("search", "by scan ref", _asked("q", lambda place: place.middle.scan_ref)),
    Case("search", "by client id", _asked("q", lambda place: place.middle.client_id)),
    Case("search", "by external ref", _asked("q", lambda place: place.middle.external_ref)),
    Case("search", "by document number", _asked("q", lambda place: place.document_number)),
]


def fragment(text: str) -> Case:
    return Case("search", "name fragment", _list(q=text))


DETAILS = [
    Case(
        "details",
        "details, 1 event",
        lambda place: f"{LIST}{place.few_events}/",
        floor="empty that writes an entry",
    ),
    Case(
        "details",
        "details, 30 events",
        lambda place: f"{LIST}{place.many_events}/",
        floor="empty that writes an entry",
    ),
]
HOME = [
    Case("home", "home", lambda place: "/"),
    *(
        Case("home", f"statistics, {days} days", lambda place, days=days: f"/?days={days}")
        for days in figures.RANGES
    ),
]


def _peer(name: str, words: str, query: str = "") -> Case:
    address = f"/{name}/verifications/verification/{query}"
    return Case("peers", f"{name} admin, {words}", lambda place: address, behind="stock")


PEERS = [
    Case("peers", "raw SQL, page 1", lambda p: f"/raw/?partner={p.partner.pk}", behind="stock"),
    *(
        _peer(name, words, query)
        for name in ("tuned", "stock")
        for words, query in {
            "page 1": "",
            "reviewing": "?status__exact=REVIEWING",
            "name": "?q=marti",
        }.items()
    ),
]

CASES = [EMPTY, WRITES, *PAGES, *FILTERS, *GOING_ON, *SEARCH, *DETAILS, *HOME, *PEERS]
