"""Joining a partner by a link: once, for seven days, into the role that was offered."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts import invitations, memberships
from accounts.models import AuditEntry, Invitation, Kind, Membership, Partner, User
from tests import factories
from tests.conftest import PASSWORD

SignIn = Callable[[User], Client]
NIA = "nia@new.example"
JOIN = {"name": "Nia Okafor", "password": "violet-Harbour-42", "again": "violet-Harbour-42"}


@pytest.fixture
def browser(as_user: SignIn, ada: User) -> Client:
    return as_user(ada)


@pytest.fixture
def link(browser: Client) -> str:
    return invite(browser)


def invite(browser: Client, email: str = NIA, rank: int = 10) -> str:
    """Invites by the form, and gives the path of the link in the letter."""
    answer = browser.post("/team/invite/", {"email": email, "role": factories.role(rank).pk})
    assert answer.status_code == 302
    return factories.newest_link()


def send_again(browser: Client, email: str = NIA, *, after: int = 60) -> str:
    """So many seconds from now; gives what the page says then, and the letter is sent."""
    pk = Invitation.objects.get(email=email).pk
    with time_machine.travel(timezone.now() + timedelta(seconds=after), tick=False):
        answer = browser.post(f"/team/invitations/{pk}/send-again/", follow=True)
    factories.sent()
    return answer.content.decode()


def test_an_invitation_is_a_plain_letter_with_one_link(link: str, ada: User) -> None:
    (letter,) = factories.sent()
    assert letter.to == [NIA]
    assert letter.subject == "Northbank: you are invited to IDV Dashboard"
    for words in ("Ada Lind invites you", "Northbank", "Viewer", "once, for 7 days"):
        assert words in letter.body
    assert letter.body.count("http") == 1
    assert letter.message().get_content_type() == "text/plain"


def test_only_the_digest_of_the_link_is_stored(link: str) -> None:
    token = link.split("/")[-2]
    invitation = Invitation.objects.get()
    assert invitation.digest == invitations.digest_of(token)
    assert token not in repr(Invitation.objects.values().get())
    assert token not in "".join(AuditEntry.objects.values_list("body", flat=True))


def test_a_new_person_joins_signed_out_and_is_signed_in(link: str, client: Client) -> None:
    page = client.get(link).content.decode()
    assert "Join Northbank" in page
    assert "Viewer" in page
    assert client.post(link, JOIN).url == "/"
    nia = User.objects.get(email=NIA)
    assert nia.name == "Nia Okafor"
    assert nia.check_password(JOIN["password"])
    assert (nia.is_staff, nia.is_superuser, nia.groups.exists()) == (False, False, False)
    membership = factories.membership(nia)
    assert (membership.partner.key, membership.role.rank) == ("northbank", 10)
    assert client.get("/").status_code == 200


def test_what_a_form_does_not_offer_gives_no_rights(link: str, client: Client) -> None:
    more = {"is_staff": "on", "is_superuser": "on", "groups": "1", "role": factories.role(40).pk}
    client.post(link, {**JOIN, **more, "email": "other@new.example", "partner": "southpay"})
    nia = User.objects.get(email=NIA)
    assert not (nia.is_staff or nia.is_superuser or nia.groups.exists())
    assert factories.membership(nia).role.rank == 10


def test_an_admin_who_joins_is_led_to_the_second_factor(
    browser: Client, client: Client, settings: LazySettings
) -> None:
    settings.REQUIRE_MFA = True
    factor = factories.second_factor(User.objects.get(email="ada@northbank.example"))
    assert factor
    link = invite(browser, rank=40)
    client.post(link, JOIN)
    assert client.get("/").url == "/accounts/2fa/"
    # Who they are was proven by joining: the app can be set up at once.
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Say who you are."),
        ({"name": "Nia\u202eokafor"}, "cannot be seen"),
        ({"name": "x" * 101}, "at most 100"),
        ({"password": ""}, "Choose a password."),
        ({"password": "short", "again": "short"}, "too short"),
        ({"password": "qwerty123456", "again": "qwerty123456"}, "too common"),
        ({"password": NIA, "again": NIA}, "too similar"),
        ({"again": "another-Phrase-42"}, "differ"),
        ({"again": ""}, "once more"),
        ({"password": "x" * 5000, "again": "x" * 5000}, "at most 4096"),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_the_name_and_no_password(
    link: str, client: Client, wrong: dict[str, str], said: str
) -> None:
    answer = client.post(link, {**JOIN, **wrong})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert JOIN["password"] not in answer.content.decode()
    assert not User.objects.filter(email=NIA).exists()


def dead_links(browser: Client, ada: User) -> dict[str, str]:
    used = invite(browser, "used@new.example")
    Client().post(used, JOIN)
    revoked = invite(browser, "revoked@new.example")
    invitations.revoke(Invitation.objects.get(email="revoked@new.example"), actor=ada)
    former = invite(browser, "former@new.example")
    send_again(browser, "former@new.example")
    expired = invite(browser, "expired@new.example")
    old = Invitation.objects.filter(email="expired@new.example")
    week = timedelta(days=7)
    old.update(invited_at=F("invited_at") - week, expires_at=F("expires_at") - week)
    wrong = "/accounts/invitation/" + "A" * 43 + "/"
    return {
        "used": used, "revoked": revoked, "former": former, "expired": expired, "wrong": wrong,
    }  # fmt: skip


def test_every_dead_link_shows_the_same_page(browser: Client, client: Client, ada: User) -> None:
    links = dead_links(browser, ada)
    seen = {
        (answer.status_code, answer.content, tuple(sorted(answer.items())))
        for link in links.values()
        for answer in (client.get(link), client.post(link, JOIN))
    }
    assert len(seen) == 1
    ((status, page, _),) = seen
    assert status == 404
    assert b"This link does not work" in page
    assert User.objects.filter(email__endswith="@new.example").count() == 1


@pytest.mark.parametrize("token", ["x", "A" * 42, "A" * 44, "A" * 42 + "!", "A" * 5000, "é" * 43])
def test_a_shape_that_never_was_is_not_there(client: Client, db: None, token: str) -> None:
    answer = client.get(f"/accounts/invitation/{token}/")
    assert answer.status_code in (404, 414)
    assert b"This link" not in answer.content


def test_a_link_ends_after_seven_days(link: str, client: Client) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23), tick=False):
        assert client.get(link).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1), tick=False):
        assert client.get(link).status_code == 404


def test_a_link_of_a_partner_that_is_switched_off_is_dead(
    link: str, client: Client, northbank: Partner
) -> None:
    Partner.objects.filter(pk=northbank.pk).update(is_active=False)
    assert client.get(link).status_code == 404


def test_somebody_who_signs_in_already_gets_no_new_password(
    browser: Client, client: Client, otto: User
) -> None:
    link = invite(browser, "OTTO@southpay.example", rank=20)
    page = client.get(link).content.decode()
    assert 'name="password"' not in page
    assert f"/accounts/login/?next={link}" in page
    client.post(link, JOIN)
    otto.refresh_from_db()
    assert otto.check_password(PASSWORD)
    assert not Membership.objects.filter(user=otto, partner__key="northbank").exists()


def test_somebody_who_signs_in_already_signs_in_and_accepts(
    browser: Client, client: Client, otto: User
) -> None:
    link = invite(browser, otto.email, rank=20)
    answer = client.post(
        "/accounts/login/", {"login": otto.email, "password": PASSWORD, "next": link}
    )
    assert answer.url == link
    assert b"Accept" in client.get(link).content
    assert client.post(link).url == "/"
    assert Membership.objects.get(user=otto, partner__key="northbank").role.rank == 20
    assert client.get("/").wsgi_request.membership.partner.key == "northbank"
    assert client.get(link).status_code == 404


def test_somebody_else_cannot_take_it(link: str, as_user: SignIn, otto: User) -> None:
    client = as_user(otto)
    assert "cannot take this invitation" in client.get(link).content.decode()
    assert client.post(link, JOIN).status_code == 403
    assert Membership.objects.filter(user=otto).count() == 1
    assert Invitation.objects.get().accepted_at is None


def test_support_cannot_be_brought_into_a_team(browser: Client, as_user: SignIn, sue: User) -> None:
    link = invite(browser, sue.email, rank=40)
    assert as_user(sue).post(link).status_code == 403
    assert not sue.memberships.exists()


def test_an_account_that_is_switched_off_does_not_come_back_by_a_link(
    browser: Client, client: Client, otto: User
) -> None:
    User.objects.filter(pk=otto.pk).update(is_active=False)
    link = invite(browser, otto.email)
    client.post(link, JOIN)
    client.post("/accounts/login/", {"login": otto.email, "password": JOIN["password"]})
    otto.refresh_from_db()
    assert not otto.is_active
    assert "_auth_user_id" not in client.session


def test_nobody_invites_who_belongs_already(browser: Client, ada: User, mo: User) -> None:
    mo.memberships.update(is_active=False)
    for email in (ada.email, mo.email, ada.email.upper()):
        answer = browser.post("/team/invite/", {"email": email, "role": factories.role(40).pk})
        assert answer.status_code == 422
        assert "Belongs to the team already" in answer.content.decode()
    assert not Invitation.objects.exists()
    assert not factories.sent()


@pytest.mark.parametrize("email", ["", "no address", "a\0b@x.example", "x" * 300 + "@x.example"])
@pytest.mark.parametrize("role", ["", "0", "abc", "9" * 30, "１", "-1"])
def test_what_cannot_be_invited_is_marked(browser: Client, email: str, role: str) -> None:
    answer = browser.post("/team/invite/", {"email": email, "role": role})
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_an_admin_who_lost_the_role_meanwhile_invites_nobody(ada: User, northbank: Partner) -> None:
    ada.memberships.update(role=factories.role(30))
    with pytest.raises(memberships.NotAdmin):
        factories.invitation(northbank, ada)


def test_inviting_and_joining_is_in_the_log(browser: Client, ada: User, client: Client) -> None:
    link = invite(browser)
    pk = Invitation.objects.get().pk
    send_again(browser)
    assert client.get(link).status_code == 404
    client.post(factories.newest_link(), JOIN)
    nia = User.objects.get(email=NIA)
    entries = AuditEntry.objects.filter(subject=f"invitation:{pk}").order_by("seq")
    told = [(it.kind, it.actor) for it in entries]
    assert told == [
        (Kind.INVITED, ada.pk), (Kind.INVITED_AGAIN, ada.pk), (Kind.JOINED, nia.pk),
    ]  # fmt: skip
    assert json.loads(entries[0].body)["facts"] == {"role": "Viewer"}
    assert "nia" not in "".join(it.body for it in entries)


BROKEN = {
    "invitation_open_once": {"digest": "b" * 64},
    "invitation_email_is_lower": {"email": "Big@new.example"},
    "invitation_digest_is_one": {"digest": "token", "email": "two@new.example"},
    "invitation_lasts_a_week": {"expires_at": timezone.now() + timedelta(days=70)},
    "invitation_ends_one_way": {"accepted_at": timezone.now(), "email": "three@new.example"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_database_keeps_what_an_invitation_is(
    link: str, ada: User, northbank: Partner, name: str
) -> None:
    now = timezone.now()
    fields = {
        "partner": northbank, "email": NIA, "role": factories.role(10), "digest": "c" * 64,
        "invited_by": ada, "invited_at": now, "expires_at": now + timedelta(days=7),
    } | BROKEN[name]  # fmt: skip
    with pytest.raises(IntegrityError, match=f"{name}|UNIQUE"), transaction.atomic():
        Invitation.objects.create(**fields)
