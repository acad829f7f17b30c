"""Whatever is asked of 100,000 rows, an index leads to it, and few rows are come to.

A page is what its object asks of the database, all statements together.
"""

from collections.abc import Iterator
from itertools import combinations, islice
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.db import connection
from django.db.models import F
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from accounts.history_admin import NEWEST
from accounts.models import Kind, Membership, Partner, User
from accounts.support import _answers
from tests import factories
from tests.verifications import plans
from verifications import (
    audit_log,
    counters,
    disposed,
    evidence,
    exports,
    history,
    home,
    keyset,
    listing,
    outcomes,
    question,
)
from verifications.deliveries import listing as deliveries
from verifications.deliveries import queues
from verifications.models import (
    TROUBLED,
    DeliveryState,
    Disposal,
    DisposalKind,
    NameUse,
    RejectionReason,
    Verification,
    WebhookDelivery,
)
from verifications.models.verification import ERASED
from verifications.statuses import Status
from verifications.webhooks import claims

pytestmark = pytest.mark.slow

ORDERS = ("newest", "oldest")
GONE = 5000
UNTRIED = 5000
# Of each filter what nearly all rows fit, what few do, and what none does.
OFFERED: dict[str, list[Any]] = {
    "status": [*Status.values, ["REVIEWING", "ARCHIVED"], ["APPROVED", "DENIED"]],
    "suspected": ["yes", "no"],
    "final": ["yes", "no"],
    "started": ["7d", "90d"],
    "document_type": ["ID_CARD", "OTHER", "NOBODYS"],
    "country": ["DE", "KR", "AQ"],
    "platform": ["MOBILE", "OTHER", "NOBODYS"],
    "review": ["AUTOMATIC", "MANUAL"],
    "tag": ["NAME", "SEX", "DATA_IN_BLACKLIST", "NOBODYS"],
}
# Either a period or days.
APART = [{"started", "from"}, {"started", "to"}]
# A planner without statistics may take another way beside the list, until it has gathered some.
SETTLED = pytest.mark.parametrize("partner", ["with statistics"], indirect=True)


@pytest.fixture(params=["with statistics", "without statistics"])
def partner(hundred_thousand: Partner, request: pytest.FixtureRequest) -> Partner:
    """The largest. What it had longest was disposed of, lately: nothing may pass by all that."""
    _dispose(hundred_thousand, GONE)
    if request.param == "without statistics":
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has none either way")
        plans.forget_statistics()
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE verifications_disposal")
    return hundred_thousand


def _dispose(partner: Partner, number: int) -> None:
    rows = Verification.objects.filter(partner=partner)
    gone = list(rows.order_by("started_at")[:number])
    Disposal.objects.bulk_create(
        Disposal(
            verification=it,
            partner=partner,
            kind=DisposalKind.RETENTION,
            submitted_at=it.started_at,
            status=it.status,
            suspected=it.suspected,
            review_type=it.review_type,
        )
        for it in gone
    )
    keys = [it.pk for it in gone]
    left = {"status": Status.DELETED, "suspected": False, "revision": F("revision") + 1}
    rows.filter(pk__in=keys).update(disposed_at=timezone.now(), **left, **ERASED)
    NameUse.objects.filter(verification__in=keys).delete()


def _let_wait(partner: Partner, number: int) -> None:
    endpoint = factories.endpoint(partner, is_active=False)
    rows = Verification.objects.filter(partner=partner).order_by("-started_at")[:number]
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            partner=partner,
            verification=it,
            event=outcomes.EVENT,
            sequence=1,
            queued_at=it.started_at,
            due_at=it.started_at,
        )
        for it in rows
    )


@pytest.fixture
def admin(partner: Partner, request: pytest.FixtureRequest) -> Membership:
    """Of the partner, one of whose endpoints is off: nothing may pass by what waits for it."""
    _let_wait(partner, UNTRIED)
    is_known = "without statistics" not in request.node.name
    if is_known and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE verifications_webhookdelivery")
    members = Membership.objects.select_related("user", "partner", "role")
    return members.get(user__email=f"bea@{partner.key}.example")


@pytest.fixture
def middle(partner: Partner) -> Verification:
    standing = Verification.objects.filter(partner=partner, disposed_at=None)
    return standing.exclude(external_ref="").filter(pk__gte=50_000).order_by("pk")[0]


@pytest.fixture
def offered(partner: Partner, middle: Verification) -> dict[str, list[Any]]:
    reasons = RejectionReason.objects.offered_to(partner).values_list("code", flat=True)
    people = User.objects.filter(memberships__partner=partner).order_by("pk")
    day = middle.started_at.date()
    return OFFERED | {
        "from": [day],
        "to": [day],
        "decided_by": [people[0].pk, people[2].pk, people[5].pk],
        "reason": [reasons[0], reasons[len(reasons) - 1]],
    }


def _alone(offered: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    yield {}
    yield from ({name: value} for name, values in offered.items() for value in values)


def _in_pairs(offered: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for one, other in combinations(offered, 2):
        if {one, other} not in APART:
            yield from ({one: it, other: its} for it in offered[one] for its in offered[other])


def _query(asked: dict[str, Any]) -> QueryDict:
    lists = {key: value if isinstance(value, list) else [value] for key, value in asked.items()}
    query = QueryDict(mutable=True)
    query.update(MultiValueDict({key: [*map(str, values)] for key, values in lists.items()}))
    return query


# First, before others write: PostgreSQL goes on believing in rows that were taken back.

HISTORY = (
    "verification", "decision", "providercallback", "webhookdelivery", "webhookattempt",
)  # fmt: skip


def _lists(partner: Partner) -> Iterator[str]:
    """Of each kind of row that only grows, as it opens and by each answer of its filters."""
    for app, name in (*(("verifications", name) for name in HISTORY), ("accounts", "auditentry")):
        address = reverse(f"admin:{app}_{name}_changelist")
        yield address
        model_admin = site.get_model_admin(apps.get_model(app, name))
        for field in model_admin.list_filter:
            if field == "partner":
                yield f"{address}?partner__id__exact={partner.pk}"
            elif isinstance(field, str):
                answers = _answers(model_admin.opts.get_field(field))
                yield from (f"{address}?{field}__exact={it}" for it in sorted(answers))
            else:
                yield from (f"{address}?show={it}" for it in ("all", "waiting", "noticed"))


@SETTLED
def test_support_looks_at_lists_without_reading_them(partner: Partner) -> None:
    browser, explained = Client(), plans.Explained(3 * NEWEST + 3000, NEWEST)
    factories.sign_in(browser, factories.support("Sue Park"))
    wrong = []
    for address in _lists(partner):
        wrong += explained.objections(address, lambda address=address: browser.get(address))
    assert not wrong, f"{len(wrong)} of {explained.pages} lists:\n" + "\n\n".join(wrong[:5])


def test_every_filter_pair_and_order_of_the_list_has_its_index(
    admin: Membership, middle: Verification, offered: dict[str, list[Any]]
) -> None:
    explained = plans.Explained()
    place = str(keyset.Position(middle.started_at, middle.pk))
    first = [*_alone(offered), *_in_pairs(offered)]
    further = [it | {way: place} for it in _alone(offered) for way in ("after", "before")]
    wrong = []
    for asked in (it | {"order": order} for it in [*first, *further] for order in ORDERS):
        query = _query(asked)
        wrong += explained.objections(
            query.urlencode(), lambda query=query: _understood(admin, query)
        )
    assert not wrong, f"{len(wrong)} of {explained.pages} pages:\n" + "\n\n".join(wrong[:5])
    assert explained.pages > 1000


def _understood(admin: Membership, query: QueryDict) -> None:
    # As the first who asks this.
    question.lately.clear()
    standings = counters.standing(admin.partner)
    page = listing.build(admin, standings, query, timezone.now().date())
    assert not page.is_refused, page.refusals


def test_an_export_is_read_as_pages_are(admin: Membership, offered: dict[str, list[Any]]) -> None:
    # The page before it, and two of the list.
    explained, wrong = plans.Explained(most_rows=3 * plans.MOST_ROWS), []
    for asked in (it | {"order": order} for it in _alone(offered) for order in ORDERS):
        query = _query(asked)
        wrong += explained.objections(query.urlencode(), lambda query=query: _begun(admin, query))
    assert not wrong, f"{len(wrong)} of {explained.pages} exports:\n" + "\n\n".join(wrong[:5])


def _begun(admin: Membership, query: QueryDict) -> None:
    question.lately.clear()
    today = timezone.now().date()
    assert exports.offer(admin, counters.standing(admin.partner), query, today)
    _, filters = listing.read(admin, query, today)
    assert filters
    list(islice(exports.rows(admin, filters), question.SIZE + 2))


# A name is looked for by words that hold the text, and its other filters along their own index.
# SQLite counts each word as a row in every window; of two letters there are a thousand words.
SEARCHES = [
    ({}, ("scan_ref", "beginning", "client_id", "external_ref")),
    ({"most_rows": 3200}, ("nor", "nor ven", "eri ann", "nobodys")),
    ({"most_rows": 6000}, ("a", "an ma")),
]


@pytest.mark.parametrize(("most", "texts"), SEARCHES, ids=["references", "names", "letters"])
def test_no_search_reads_a_table_as_a_whole(
    admin: Membership,
    middle: Verification,
    offered: dict[str, list[Any]],
    most: dict[str, int],
    texts: tuple[str, ...],
) -> None:
    explained, wrong = plans.Explained(**most), []
    known = {"beginning": middle.scan_ref[:8]}
    for text in (known.get(text) or getattr(middle, text, text) for text in texts):
        for asked in _alone(offered):
            query = _query(asked | {"q": text})
            wrong += explained.objections(
                query.urlencode(),
                lambda query=query: _understood(admin, query),
            )
    assert not wrong, f"{len(wrong)} of {explained.pages} pages:\n" + "\n\n".join(wrong[:5])


def test_support_finds_by_reference_without_reading_the_table(
    partner: Partner, middle: Verification
) -> None:
    browser, explained = Client(), plans.Explained()
    factories.sign_in(browser, factories.support("Sue Park"))
    assert middle.callback
    asked = [
        ("verification", text, narrowed)
        for text in (middle.scan_ref, middle.client_id, "nobodys")
        for narrowed in ({}, {"status__exact": "DENIED"}, {"partner__id__exact": partner.pk})
    ]
    asked += [("providercallback", middle.callback.digest, {"show": it}) for it in ("", "all")]
    wrong = []
    for name, text, narrowed in asked:
        query = urlencode({"q": text, **narrowed})
        address = f"{reverse(f'admin:verifications_{name}_changelist')}?{query}"
        wrong += explained.objections(address, lambda address=address: browser.get(address))
    assert not wrong, "\n\n".join(wrong)


def _deliveries(admin: Membership, query: QueryDict) -> Any:
    return deliveries.build(admin, query, timezone.now())


def _audit_log(admin: Membership, query: QueryDict) -> Any:
    return audit_log.build(admin, audit_log.question(admin, query))


def _offered_deliveries(admin: Membership, middle: Verification) -> dict[str, list[Any]]:
    endpoints = admin.partner.endpoints.order_by("pk").values_list("pk", flat=True)
    return {
        "state": ["trouble", *DeliveryState.values],
        "code": ["none", "200", "503", "418"],
        "endpoint": [*endpoints[:3]],
        "q": [middle.scan_ref, middle.scan_ref[:8], "nobodys"],
    }


def _offered_entries(admin: Membership, middle: Verification) -> dict[str, list[Any]]:
    day = middle.started_at.date()
    return {
        "kind": [Kind.DENIED, Kind.CREATED, Kind.BUDGET_REACHED],
        "who": [admin.user_id],
        "scan_ref": [middle.scan_ref, middle.scan_ref[:8], "nobodys"],
        "from": [day],
        "to": [day],
    }


def _offered_disposals(admin: Membership, middle: Verification) -> dict[str, list[Any]]:
    return _offered_entries(admin, middle) | {"kind": [*DisposalKind.values]}


BESIDE = {
    "deliveries": (_deliveries, _offered_deliveries),
    "audit log": (_audit_log, _offered_entries),
    "disposed": (disposed.build, _offered_disposals),
}


@SETTLED
@pytest.mark.parametrize("name", BESIDE)
def test_every_filter_and_pair_beside_the_list_has_its_index(
    admin: Membership, middle: Verification, name: str
) -> None:
    build, offer = BESIDE[name]
    explained, offered = plans.Explained(), offer(admin, middle)
    number = UUID(int=1 << 127) if name == "deliveries" else middle.pk
    place = str(keyset.Position(middle.started_at, number))
    first = [*_alone(offered), *_in_pairs(offered)]
    further = [it | {way: place} for it in _alone(offered) for way in ("after", "before")]
    wrong = []
    for asked in (*first, *further):
        query = _query(asked)
        wrong += explained.objections(
            f"{name} {query.urlencode()}",
            lambda query=query: _without_errors(build(admin, query)),
        )
    assert not wrong, f"{len(wrong)} of {explained.pages} pages:\n" + "\n\n".join(wrong[:5])
    assert explained.pages > 20


def _without_errors(page: Any) -> None:
    assert not page.form.errors, page.form.errors


@SETTLED
@pytest.mark.parametrize("days", [7, 30, 90, None])
def test_the_dashboard_reads_few_rows(admin: Membership, days: int | None) -> None:
    # Days and codes, however many verifications there are.
    explained = plans.Explained(most_rows=4000, most_sorted=4000)
    now = timezone.now()
    counters.kept.clear()
    wrong = explained.objections("home", lambda: home.build(admin, days, now))
    assert not wrong, "\n\n".join(wrong)


@SETTLED
def test_a_queue_that_goes_nowhere_is_in_no_ones_way(admin: Membership) -> None:
    explained = plans.Explained()
    wrong = explained.objections("what is due", lambda: claims.due(100))
    wrong += explained.objections("what was removed", claims.close_removed)
    wrong += explained.objections("whether all went out", claims.is_empty)
    lately = {"partner": admin.partner_id, "since": timezone.now() - TROUBLED}
    wrong += explained.objections("what does not arrive", lambda: home.IN_TROUBLE.rows(**lately))
    counted = plans.Explained(3 * queues.MOST_COUNTED)
    wrong += counted.objections("endpoints", lambda: queues.lines(admin))
    assert not wrong, "\n\n".join(wrong)
    assert "more than 1,000" in {line.waiting for line in queues.lines(admin)}


@SETTLED
def test_a_verification_reads_what_stands_beside_it_and_no_more(
    admin: Membership, middle: Verification
) -> None:
    explained, browser = plans.Explained(), Client()
    factories.sign_in(browser, admin.user)
    waiting = Verification.objects.visible_to(admin).needs_decision().order_by("started_at")
    wrong = []
    for it in (middle, waiting[0], waiting.last()):
        address = reverse("verification_detail", args=[it.scan_ref])
        wrong += explained.objections(address, lambda address=address: browser.get(address))
    assert not wrong, "\n\n".join(wrong)


@SETTLED
def test_whoever_looks_again_and_again_is_not_counted_anew(
    admin: Membership, middle: Verification
) -> None:
    def look() -> None:
        evidence.record_look(admin.user, middle, ())

    for _ in range(1200):
        look()
    wrong = plans.Explained(100).objections("again", look)
    assert not wrong, "\n\n".join(wrong)


@SETTLED
def test_a_portion_of_the_proof_reads_no_table_as_a_whole(partner: Partner) -> None:
    explained = plans.Explained(20 * history.PORTION, 20 * history.PORTION)
    decided = Verification.objects.exclude(decision=None).order_by("pk")
    keys = list(decided.values_list("pk", flat=True)[: history.PORTION])
    assert len(keys) == history.PORTION
    wrong = explained.objections("a portion", lambda: history._compared(keys))
    assert not wrong, "\n\n".join(wrong)
