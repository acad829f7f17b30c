"""How much of applicants' data one person may take, and who hears of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import budgets, proof
from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from verifications.models import Verification

SignIn = Callable[[User], Client]
Receive = Callable[..., Verification]


@pytest.fixture(autouse=True)
def small(settings: object) -> None:
    settings.LOOKS_PER_HOUR, settings.EXPORTS_PER_DAY = 3, 2  # type: ignore[attr-defined]


@pytest.fixture
def many(receive: Receive) -> list[str]:
    """Addresses of five verifications."""
    refs = [receive("01", scanRef=f"scan-{number}").scan_ref for number in range(5)]
    return [reverse("verification_detail", args=[ref]) for ref in refs]


def looks() -> int:
    return AuditEntry.objects.filter(kind=Kind.VIEWED).count()


def test_the_fourth_verification_within_an_hour_is_not_shown(
    as_user: SignIn, mo: User, many: list[str]
) -> None:
    client = as_user(mo)
    assert [client.get(address).status_code for address in many] == [200, 200, 200, 429, 429]
    assert looks() == 3
    response = client.get(many[3])
    assert 3500 < int(response.headers["Retry-After"]) <= 3600
    assert "3 verifications looked at within an hour" in response.content.decode()


def test_looking_again_at_the_same_is_free(as_user: SignIn, mo: User, many: list[str]) -> None:
    client = as_user(mo)
    for address in (*many[:3], *many[:3], *many[:3]):
        assert client.get(address).status_code == 200
    assert client.post(f"{many[0]}reveal/").status_code == 200
    assert client.post(f"{many[4]}reveal/").status_code == 429


def test_each_person_has_a_budget_of_their_own(
    as_user: SignIn, mo: User, ada: User, many: list[str]
) -> None:
    for address in many[:3]:
        as_user(mo).get(address)
    assert as_user(ada).get(many[3]).status_code == 200


def test_an_hour_later_it_goes_on(as_user: SignIn, mo: User, many: list[str]) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=61), tick=True):
        for address in many[:3]:
            assert as_user(mo).get(address).status_code == 200
    assert as_user(mo).get(many[3]).status_code == 200


def test_the_third_export_of_a_day_is_refused(as_user: SignIn, ada: User) -> None:
    client = as_user(ada)
    answers = [client.get(reverse("audit_export")).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_it_is_on_record_once_for_each_window(as_user: SignIn, mo: User, many: list[str]) -> None:
    for address in (*many, *many):
        as_user(mo).get(address)
    (entry,) = AuditEntry.objects.filter(kind=Kind.BUDGET_REACHED)
    assert (entry.actor, entry.facts) == (
        mo.pk,
        {"budget": "3 verifications looked at within an hour"},
    )
    assert proof.verify().holds


def test_each_admin_gets_one_letter_and_a_notice(
    as_user: SignIn, ada: User, amos: User, mo: User, otto: User, many: list[str]
) -> None:
    for address in many:
        as_user(mo).get(address)
    assert (budgets.tell_admins(), budgets.tell_admins()) == (2, 0)
    assert [letter.to for letter in factories.sent()] == [[ada.email], [amos.email]]
    for letter in factories.sent():
        assert "Mo Salim: 3 verifications" in letter.body
        assert "scan-" not in letter.body
    assert "Mo Salim was stopped" in as_user(ada).get("/").content.decode()
    assert "was stopped" not in as_user(mo).get("/").content.decode()
    assert "was stopped" not in as_user(otto).get("/").content.decode()


def test_where_no_admin_is_the_next_is_told(ada: User, mo: User) -> None:
    partner = factories.membership(mo).partner
    budgets.note(budgets.Reached(budgets.RECORDS, mo, partner, timezone.now()))
    ada.memberships.update(is_active=False)
    assert budgets.tell_admins() == 0
    ada.memberships.update(is_active=True)
    assert (budgets.tell_admins(), budgets.tell_admins()) == (1, 0)


def test_where_nobody_is_stopped_nobody_is_written_to(ada: User, northbank: Partner) -> None:
    assert budgets.tell_admins() == 0
    assert not factories.sent()
