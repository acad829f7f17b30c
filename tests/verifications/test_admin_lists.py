"""Support's lists of history look at the newest rows; what is older is found by a search."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts import history_admin
from accounts.models import Partner, User
from tests.verifications import rows
from verifications.callbacks import intake
from verifications.models import Verification

LIST = reverse("admin:verifications_verification_changelist")
CALLBACKS = reverse("admin:verifications_providercallback_changelist")


@pytest.fixture
def look(
    as_user: Callable[[User], Client], sue: User, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    monkeypatch.setattr(history_admin, "NEWEST", 2)
    browser = as_user(sue)
    return lambda address, **asked: browser.get(address, asked).content.decode()


def _shown(page: str, made: list[Verification]) -> list[bool]:
    return [it.scan_ref in page for it in made]


def test_a_list_looks_at_the_newest_of_all(
    look: Callable, northbank: Partner, southpay: Partner
) -> None:
    made = [rows.add(partner) for partner in (northbank, northbank, southpay, southpay)]
    page = look(LIST)
    assert _shown(page, made) == [False, False, True, True]
    assert "Of the newest 2" in page
    assert _shown(look(LIST, status__exact=made[0].status), made) == [False, False, True, True]


def test_a_list_of_one_partner_looks_at_the_newest_of_that_one(
    look: Callable, northbank: Partner, southpay: Partner
) -> None:
    # Each began before the one that was added before it.
    made = [rows.add(partner) for partner in (northbank,) * 3 + (southpay,) * 3]
    page = look(LIST, partner__id__exact=northbank.pk)
    assert _shown(page, made) == [True, True, False, False, False, False]


def test_what_is_older_is_found_by_a_search(look: Callable, northbank: Partner) -> None:
    made = [rows.add(northbank) for _ in range(4)]
    page = look(LIST, q=made[0].scan_ref)
    assert _shown(page, made) == [True, False, False, False]
    assert "Of the newest" not in page


def test_what_was_not_understood_is_listed_however_old_it_is(
    look: Callable, northbank: Partner, receive: Callable[..., Verification]
) -> None:
    unread = intake.receive(northbank, "IDENTIFICATION", b"{}").callback
    understood = [receive("01", scanRef=f"scan-{number}").callback for number in range(4)]
    waiting = look(CALLBACKS)
    assert unread.digest[:12] in waiting
    assert "Of the newest" not in waiting
    every = look(CALLBACKS, show="all")
    told = [it.digest[:12] in every for it in (unread, *understood) if it]
    assert told == [False, False, False, True, True]


def test_moments_are_told_to_the_second_and_in_which_zone(
    look: Callable, northbank: Partner
) -> None:
    rows.add(northbank, started_at=datetime(2026, 11, 7, 18, 4, 5, tzinfo=UTC))
    assert "7 Nov 2026, 18:04:05 UTC" in look(LIST)
