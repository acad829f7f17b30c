"""Any question, answered within its budget: every row that fits once, in order, both ways."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Membership, Partner, User
from tests import factories
from tests.verifications import rows
from verifications import decisions, keyset, question
from verifications.forms import Filters
from verifications.keyset import Position
from verifications.models import Decision, DecisionReason, Tag, TagKind, Verification
from verifications.names import keeping
from verifications.statuses import Status

STATUSES = [Status.APPROVED, Status.DENIED, Status.EXPIRED]
TAGS = ["NAME", "UNDER_AGE"]
REASONS = ["DOC_FAKE", "FACE_BAD"]
FAR = timedelta(days=9000)
# The first moment that the provider can tell of, the last, and some that hardly differ.
ENDS = [datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC)]
TIED = [rows.NOON + timedelta(microseconds=it) for it in (0, 0, 0, 1)]
HIGHEST = 10**18 - 1


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets so small that nearly every question breaks off somewhere."""
    for name, rows_read in rows.SMALL.items():
        monkeypatch.setattr(question, name, rows_read)


@pytest.fixture
def many(northbank: Partner, southpay: Partner, ada: User, amos: User) -> list[Verification]:
    """Seventy verifications of every kind, many of the same moment; some at another partner."""
    luck = random.Random(7)  # noqa: S311
    keys = [*range(2000, 2080), *range(HIGHEST - 10, HIGHEST)]
    luck.shuffle(keys)
    made = [_drawn(luck, northbank, place, keys.pop()) for place in range(70)]
    made += [_drawn(luck, southpay, place, keys.pop()) for place in range(20)]
    made = Verification.objects.bulk_create(made)
    keeping.fill(made)
    for it in made:
        for kind, code in luck.sample([(kind, code) for kind in TagKind for code in TAGS], 2):
            if luck.random() < 0.4:
                rows.tag(it, code, kind)
        if it.status in (Status.APPROVED, Status.DENIED) and not it.suspected:
            for revision in range(2, luck.randint(2, 4)):
                _decide(it, luck.choice([ada, amos]), luck.sample(REASONS, 1), revision)
    return made


def _drawn(luck: random.Random, partner: Partner, place: int, pk: int) -> Verification:
    spread = [rows.NOON + timedelta(hours=7 * it) for it in range(25)]
    status = luck.choice([*STATUSES, Status.APPROVED, Status.APPROVED])
    return rows.row(
        partner,
        luck.choice(["Alma Veske", "Jonas Okoro"]),
        pk=pk,
        status=status,
        suspected=status != Status.EXPIRED and luck.random() < 0.3,
        is_final=luck.random() < 0.7,
        document_type=luck.choice(["PASSPORT", "ID_CARD", ""]),
        document_country=luck.choice(["LT", "LV", ""]),
        platform=luck.choice(["PC", "MOBILE"]),
        review_type=luck.choice(["AUTOMATIC", "MANUAL"]),
        external_ref=luck.choice(["shared", "", f"own-{place}"]),
        started_at=luck.choice([*spread, *2 * TIED, *ENDS]),
    )


def _decide(it: Verification, actor: User, codes: list[str], revision: int) -> None:
    action, to = ("approve", "APPROVED") if it.status == Status.APPROVED else ("deny", "DENIED")
    decision = Decision(
        verification=it, partner=it.partner, action=action, from_status=it.status,
        from_suspected=False, to_status=to, to_suspected=False, revision=revision,
        request_key=uuid.uuid4(), actor=actor, role_name="Admin", role_rank=40, may_approve=True,
        may_deny=True, plan="PREMIUM", pricing_model="CHARGE_PER_COMPLETED",
    )  # fmt: skip
    for position, code in enumerate(codes):
        DecisionReason.of(it, decision=decision, position=position, code=code, label=code).save()
    decision.save()
    it.decision, it.decided_by = decision, actor
    it.save()


def _fits(it: Verification, asked: Filters) -> bool:
    """What the filters mean, a second time and in plain words."""
    codes = {tag.code for tag in it.tags.all() if tag.removed_at is None}
    reasons = {reason.code for reason in it.decision.reasons.all()} if it.decision else set()
    wanted = {
        "document_type": it.document_type,
        "country": it.document_country,
        "platform": it.platform,
        "review": it.review_type,
        "decided_by": it.decided_by_id,
    }
    return (
        all(getattr(asked, name) in ("", None, value) for name, value in wanted.items())
        and (not asked.status or it.status in asked.status)
        and asked.suspected in (None, it.suspected)
        and asked.final in (None, it.is_final)
        and (not asked.tag or asked.tag in codes)
        and (not asked.reason or asked.reason in reasons)
        and (asked.started_from is None or it.started_at >= asked.started_from)
        and (asked.started_before is None or it.started_at < asked.started_before)
        and (not asked.q or asked.q == it.external_ref or asked.q in it.search_text)
    )


def _expected(partner: Partner, asked: Filters) -> list[int]:
    return [place.number for place in _places(partner, asked)]


def _places(partner: Partner, asked: Filters) -> list[Position]:
    everything = Verification.objects.filter(partner=partner).select_related("decision")
    every = everything.prefetch_related("tags", "decision__reasons")
    fitting = [Position(it.started_at, it.pk) for it in every if _fits(it, asked)]
    return sorted(fitting, reverse=not asked.oldest_first)


def _pages(membership: Membership, asked: Filters) -> Iterator[keyset.Page]:
    """One after the other, from where `asked` begins, in the direction in which it goes."""
    for _ in range(200):
        page = question.Question(membership, asked).page()
        assert len(page.rows) <= question.SIZE
        yield page
        if asked.before:
            asked = replace(asked, before=page.newer)
        else:
            asked = replace(asked, after=page.older)
        if not (asked.before or asked.after):
            return
    raise AssertionError("there is no end to the pages")


def _moment(hours: int) -> datetime:
    return rows.NOON + timedelta(hours=hours)


@st.composite
def filters(draw: st.DrawFn, people: list[int]) -> Filters:
    """Mostly of one or two filters, sometimes of many."""
    possible: dict[str, st.SearchStrategy[Any]] = {
        "status": st.lists(st.sampled_from([*STATUSES, Status.ACTIVE]), min_size=1, max_size=3),
        "suspected": st.booleans(),
        "final": st.booleans(),
        "document_type": st.sampled_from(["PASSPORT", "ID_CARD", "MOON"]),
        "country": st.sampled_from(["LT", "LV"]),
        "platform": st.sampled_from(["PC", "MOBILE"]),
        "review": st.sampled_from(["AUTOMATIC", "MANUAL"]),
        "tag": st.sampled_from(TAGS),
        "reason": st.sampled_from(REASONS),
        "decided_by": st.sampled_from(people),
        "started_from": st.integers(0, 170).map(_moment),
        "started_before": st.integers(0, 170).map(_moment),
        "q": st.sampled_from(["shared", "alma", "a", "own-3", "nobody"]),
        "oldest_first": st.booleans(),
    }
    names = draw(st.lists(st.sampled_from(sorted(possible)), max_size=5, unique=True))
    return Filters(**{name: draw(possible[name]) for name in names})


anything = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.usefixtures("small", "many")
@anything
@given(data=st.data())
def test_the_pages_are_the_answer(
    northbank: Partner, ada: User, amos: User, data: st.DataObject
) -> None:
    asked = data.draw(filters([ada.pk, amos.pk]))
    expected, member = _expected(northbank, asked), factories.membership(ada)
    there = list(_pages(member, asked))
    assert [row.pk for page in there for row in page.rows] == expected
    behind = Position(ENDS[1], HIGHEST) if asked.oldest_first else Position(ENDS[0], 0)
    back = list(_pages(member, replace(asked, before=behind)))
    assert [row.pk for page in reversed(back) for row in page.rows] == expected
    for page in there[1:]:
        assert not page.rows or page.newer == Position(page.rows[0].started_at, page.rows[0].pk)
    # Wherever somebody stands in the list.
    for place in (None, Position(rows.NOON, 7)):
        batches = question.Question(member, replace(asked, after=place)).batches()
        assert [row.pk for batch in batches for row in batch] == expected


@pytest.mark.usefixtures("small", "many")
@anything
@given(data=st.data())
def test_from_any_place_pages_go_on_both_ways(
    northbank: Partner, ada: User, amos: User, data: st.DataObject
) -> None:
    """Those of a link that somebody kept: of a row that fits no more, or outside of the days."""
    asked = data.draw(filters([ada.pk, amos.pk]))
    expected, member = _places(northbank, asked), factories.membership(ada)
    rows_there = st.sampled_from(_places(northbank, Filters()))
    moments = st.sampled_from([*ENDS, *TIED, _moment(7), _moment(80)])
    nowhere = st.builds(Position, moments, st.sampled_from([0, 1, 2040, HIGHEST]))
    place = data.draw(rows_there | nowhere)
    beyond = [it for it in expected if it != place and (it > place) == asked.oldest_first]
    before = [it for it in expected if it != place and it not in beyond]
    there = _pages(member, replace(asked, after=place))
    assert [row.place for page in there for row in page.rows] == beyond
    back = list(_pages(member, replace(asked, before=place)))
    assert [row.place for page in reversed(back) for row in page.rows] == before


def _page_by_page(membership: Membership, asked: Filters) -> Iterator[Sequence[Any]]:
    return (page.rows for page in _pages(membership, asked))


def _to_the_end(membership: Membership, asked: Filters) -> Iterator[Sequence[Any]]:
    return question.Question(membership, asked).batches()


@pytest.mark.parametrize("read", [_page_by_page, _to_the_end])
@pytest.mark.usefixtures("small", "many")
@anything
@given(data=st.data())
def test_what_changes_meanwhile_is_neither_repeated_nor_a_cause_of_loss(
    northbank: Partner,
    ada: User,
    amos: User,
    read: Callable[..., Iterator[Sequence[Any]]],
    data: st.DataObject,
) -> None:
    asked = data.draw(filters([ada.pk, amos.pk]))
    expected, changed = set(_expected(northbank, asked)), set()
    keys = list(Verification.objects.filter(partner=northbank).values_list("pk", flat=True))
    seen: list[int] = []
    with transaction.atomic():
        for found in read(factories.membership(ada), asked):
            seen += [row.pk for row in found]
            pk = data.draw(st.sampled_from(keys))
            changed.add(pk)
            it = Verification.objects.filter(pk=pk)
            it.update(platform="PC", document_country="LV", review_type="MANUAL")
        transaction.set_rollback(True)
    assert len(seen) == len(set(seen))
    assert set(seen) - changed == expected - changed


@pytest.mark.parametrize("page_size", [3, 50])
@pytest.mark.usefixtures("many")
@anything
@given(data=st.data())
def test_tabs_are_counted_right_or_not_at_all(
    northbank: Partner,
    ada: User,
    amos: User,
    monkeypatch: pytest.MonkeyPatch,
    page_size: int,
    data: st.DataObject,
) -> None:
    monkeypatch.setattr(question, "SIZE", page_size)
    for name, pages in (("GLANCED", 4), ("WALKED", 6), ("CONTINUED", 8), ("COUNTED", 2)):
        monkeypatch.setattr(question, name, pages * page_size)
    asked = data.draw(filters([ada.pk, amos.pk]))
    answer, alone = (question.Question(factories.membership(ada), asked) for _ in range(2))
    answer.page()
    counted, known = answer.standings(), alone.standings()
    # What the page came to know of them takes nothing from what is known without it.
    assert counted is not None or known is None
    fitting = _expected(northbank, replace(asked, status=(), suspected=None))
    expected = Counter(it.standing for it in Verification.objects.filter(pk__in=fitting))
    assert all(it is None or Counter(it) == expected for it in (counted, known))


# Which filter is the rarest is remembered for a while


PAIR = Filters(country="LV", platform="PC")


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "lately", {})


def _statements(ada: User, asked: Filters) -> int:
    answer = question.Question(factories.membership(ada), asked)
    with CaptureQueriesContext(connection) as captured:
        answer.page()
    return len(captured)


@pytest.mark.usefixtures("many", "forgetful")
def test_which_filter_is_the_rarest_is_asked_once_in_a_while(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Position(rows.NOON, 7)
    assert [_statements(ada, it) for it in (PAIR, PAIR, replace(PAIR, after=place))] == [2, 1, 1]
    assert _statements(ada, replace(PAIR, country="DE")) == 2
    now = question.monotonic()
    monkeypatch.setattr(question, "monotonic", lambda: now + question.SECONDS_KNOWN + 1)
    assert _statements(ada, PAIR) == 2


@pytest.mark.usefixtures("many", "forgetful")
def test_what_is_searched_for_is_not_remembered(ada: User) -> None:
    _statements(ada, replace(PAIR, q="Vesk"))
    assert not question.lately


@pytest.mark.usefixtures("many", "forgetful")
def test_not_more_is_remembered_than_there_is_room_for(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "MOST_KNOWN", 2)
    for country in ("LV", "DE", "KR"):
        _statements(ada, replace(PAIR, country=country))
    assert [key[1].country for key in question.lately] == ["DE", "KR"]


# What stands beside, so that the list finds it by one index


def _tag_elsewhere(it: Verification) -> None:
    Tag.objects.create(
        verification=it, partner=it.partner, started_at=rows.NOON + FAR, kind="fraud", code="X"
    )


def _reason_elsewhere(it: Verification) -> None:
    made = DecisionReason.of(it, decision=it.decision, position=9, code="X", label="X")
    made.verification = it.earlier
    made.save()


REFUSED = {
    "a verification that moves in time": lambda it: it.of.update(started_at=rows.NOON + FAR),
    "a verification that changes its partner": lambda it: it.of.update(partner=it.earlier.partner),
    "a tag at another moment": _tag_elsewhere,
    "a tag that moves": lambda it: it.tags.update(started_at=rows.NOON + FAR),
    "a reason of another verification": _reason_elsewhere,
    "a decision by another": lambda it: it.of.update(decided_by=it.another),
    "a decision by nobody": lambda it: it.of.update(decided_by=None),
    "a person without a decision": lambda it: it.of.update(decision=None),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_database_refuses(
    approved: Verification, southpay: Partner, ada: User, amos: User, what: str
) -> None:
    rows.deny(amos, approved, "DOC_FAKE")
    rows.tag(approved, "NAME")
    it: Any = Verification.objects.get(pk=approved.pk)
    it.of, it.another = Verification.objects.filter(pk=it.pk), ada
    it.earlier = rows.add(southpay, started_at=it.started_at)
    with pytest.raises(IntegrityError), transaction.atomic():
        REFUSED[what](it)
    assert it.decided_by == amos


def test_who_decided_is_undone_with_the_decision(
    approved: Verification, northbank: Partner, amos: User
) -> None:
    decision = rows.deny(amos, approved, "DOC_FAKE")
    decisions.undo(
        factories.membership(amos),
        approved,
        decision_id=decision.pk,
        request_key=uuid.uuid4(),
    )
    approved.refresh_from_db()
    assert (approved.decision, approved.decided_by) == (None, None)
