"""Pressed twice, it is done once and answered alike; of two at once the later one is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts import invitations, partners
from accounts.admin import MembershipForm
from accounts.models import AuditEntry, Kind, Membership, Partner, Role, User
from accounts.seen import SupportForm
from accounts.user_admin import UserForm
from tests import factories

SignIn = Callable[[User], Client]
MINE = {"seen": "1", "csrfmiddlewaretoken": "of-one-page"}
WESTTRUST = {
    "key": "westtrust", "name": "Westtrust", "plan": "BASIC", "undo_seconds": "10",
    "retention_days": "1825", "pricing_model": "CHARGE_PER_COMPLETED", "is_active": "on",
}  # fmt: skip


@pytest.fixture
def support(as_user: SignIn, sue: User) -> Client:
    return as_user(sue)


@pytest.fixture
def new_key(northbank: Partner) -> str:
    return reverse("admin:accounts_partner_new_key", args=[northbank.pk])


def key_of(partner: Partner) -> str:
    return str(Partner.objects.get(pk=partner.pk).callback_key)


def test_a_new_key_asked_for_twice_is_made_once_and_shown_both_times(
    support: Client, northbank: Partner, new_key: str
) -> None:
    first, second = support.post(new_key, MINE), support.post(new_key, MINE)
    assert (first.status_code, second.status_code) == (200, 200)
    for answer in (first, second):
        assert key_of(northbank) in answer.content.decode()
    assert AuditEntry.objects.filter(kind=Kind.PARTNER_CHANGED).count() == 1
    assert LogEntry.objects.count() == 1


def test_after_a_minute_the_same_form_shows_no_key(
    support: Client, northbank: Partner, new_key: str
) -> None:
    with time_machine.travel("2026-11-28 12:00", tick=False) as clock:
        factories.sign_in(support, User.objects.get(name="Sue Park"))
        support.post(new_key, MINE)
        clock.shift(timedelta(seconds=61))
        answer = support.post(new_key, MINE)
    assert answer.status_code == 409
    assert key_of(northbank) not in answer.content.decode()


def test_a_new_key_is_shown_to_nobody_else_and_on_no_other_page(
    support: Client, as_user: SignIn, northbank: Partner, new_key: str
) -> None:
    support.post(new_key, MINE)
    colleague = as_user(factories.support("Sam Hill"))
    other_page = {**MINE, "csrfmiddlewaretoken": "of-another-page"}
    for answer in (colleague.post(new_key, MINE), support.post(new_key, other_page)):
        assert answer.status_code == 409
        assert "Sue Park changed this on" in answer.content.decode()
        assert key_of(northbank) not in answer.content.decode()


def test_a_key_that_somebody_has_replaced_since_is_not_shown(
    support: Client, northbank: Partner, new_key: str, sue: User
) -> None:
    support.post(new_key, MINE)
    newest = partners.replace_callback_key(northbank, actor=sue, seen_revision=2)
    answer = support.post(new_key, MINE)
    assert answer.status_code == 409
    assert newest not in answer.content.decode()


def test_a_partner_added_twice_is_added_once_and_shows_its_key_both_times(
    support: Client,
) -> None:
    address = reverse("admin:accounts_partner_add")
    answers = [support.post(address, WESTTRUST) for _ in range(2)]
    made = Partner.objects.get(key="westtrust")
    for answer in answers:
        assert answer.status_code == 200
        assert made.callback_key in answer.content.decode()


def test_the_key_of_a_partner_is_not_shown_to_who_did_not_add_it(
    support: Client, as_user: SignIn
) -> None:
    address = reverse("admin:accounts_partner_add")
    support.post(address, WESTTRUST)
    key = Partner.objects.get(key="westtrust").callback_key
    colleague = as_user(factories.support("Sam Hill"))
    for client, fields in ((colleague, WESTTRUST), (support, {**WESTTRUST, "plan": "PREMIUM"})):
        answer = client.post(address, fields)
        assert answer.status_code == 422
        assert key not in answer.content.decode()


FORMS: dict[str, dict[str, Any]] = {
    "accounts_user": {"email": "neu@northbank.example", "name": "Neu", "is_active": "on"},
    "accounts_role": {"name": "Trainee", "rank": "15"},
    "accounts_membership": {"user_email": "otto@southpay.example", "is_active": "on"},
    "verifications_rejectionreason": {
        "code": "HOUSE_RULE", "label": "Our own rule", "group": "policy", "order": "5",
    },
}  # fmt: skip


@pytest.fixture
def sent(request: pytest.FixtureRequest, northbank: Partner, otto: User) -> dict[str, Any]:
    """The fields of a form that adds; a membership names rows."""
    fields = FORMS[request.param]
    return fields | (
        {"partner": northbank.pk, "role": factories.role(10).pk} if "user_email" in fields else {}
    )


@pytest.mark.parametrize(("name", "sent"), [(it, it) for it in FORMS], indirect=["sent"])
def test_what_is_added_twice_is_added_once_and_both_answers_say_so(
    support: Client, name: str, sent: dict[str, Any]
) -> None:
    answers = [support.post(reverse(f"admin:{name}_add"), sent, follow=True) for _ in range(2)]
    for answer in answers:
        assert answer.redirect_chain == [(reverse(f"admin:{name}_changelist"), 302)]
        assert "was added successfully" in answer.content.decode()
    assert LogEntry.objects.count() == 1


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that looks for what is taken a moment before somebody else has saved it."""
    for owner, name in (
        (SupportForm, "validate_unique"),
        (User, "validate_constraints"),
        (MembershipForm, "_exists_already"),
        (UserForm, "_is_taken"),
    ):
        monkeypatch.setattr(owner, name, _blind_once(getattr(owner, name)))


def _blind_once(look: Callable[..., Any]) -> Callable[..., Any]:
    is_first = iter([True])
    return lambda *args, **kwargs: None if next(is_first, False) else look(*args, **kwargs)


OVERTAKEN = {
    "user": "There is a user with this e-mail already",
    "role": "Role with this Name already exists",
    "membership": "Belongs to this partner already",
    "partner": "Partner with this Key already exists",
}


@pytest.mark.parametrize("name", OVERTAKEN)
@pytest.mark.usefixtures("overtaken")
def test_who_was_overtaken_by_a_moment_is_told_what_is_taken(
    support: Client, northbank: Partner, ada: User, name: str
) -> None:
    taken = {
        "user": {"email": ada.email, "name": "Other"},
        "role": {"name": "Viewer", "rank": "5"},
        "membership": {
            "user_email": ada.email, "partner": northbank.pk, "role": factories.role(10).pk,
        },
        "partner": {**WESTTRUST, "key": "northbank"},
    }  # fmt: skip
    answer = support.post(reverse(f"admin:accounts_{name}_add"), taken[name])
    assert answer.status_code == 422
    page = answer.content.decode()
    assert OVERTAKEN[name] in page
    assert "Constraint" not in page
    assert (User.objects.count(), Role.objects.count()) == (2, 4)
    assert (Membership.objects.count(), Partner.objects.count()) == (1, 1)


def test_whom_another_partner_has_made_at_the_same_moment_signs_in_and_accepts(
    client: Client, northbank: Partner, ada: User, otto: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.invitation(northbank, ada, email=otto.email)
    monkeypatch.setattr(invitations, "is_known", lambda _: False)
    password = "violet-Harbour-42"
    fields = {"name": "Otto Falk", "password": password, "again": password}
    answer = client.post(factories.newest_link(), fields)
    assert "Sign in with it, then accept." in answer.content.decode()
    otto.refresh_from_db()
    assert not otto.check_password(password)
