"""What is sensitive asks who it is; what was typed meanwhile comes back once, to be sent again."""

import base64
import time
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts import recent
from accounts.models import AuditEntry, Invitation, Kind, Partner, User
from accounts.models.session import Session
from tests import factories
from tests.conftest import PASSWORD
from verifications.models import WebhookEndpoint

ASK = "/accounts/reauthenticate/"


@pytest.fixture
def stale(client: Client, ada: User) -> Client:
    """Ada's browser, in which nobody proved anything lately."""
    client.force_login(ada)
    return client


def prove(client: Client, address: str) -> str:
    """Gives the password at the page that asked; says where that led."""
    answer = client.post(address, {"password": PASSWORD})
    assert answer.status_code == 302
    return str(answer.url)


@pytest.fixture
def endpoint(northbank: Partner) -> WebhookEndpoint:
    return factories.endpoint(northbank)


GUARDED = [
    ("GET", "/team/invite/"), ("POST", "/team/invite/"), ("GET", "/team/{vera}/"),
    ("POST", "/team/{vera}/role/"), ("POST", "/team/{vera}/deactivate/"),
    ("POST", "/team/{vera}/reactivate/"), ("POST", "/team/{vera}/second-step/"),
    ("POST", "/team/{vera}/sessions/"), ("POST", "/team/invitations/{invitation}/send-again/"),
    ("POST", "/team/invitations/{invitation}/revoke/"), ("GET", "/webhooks/endpoints/add/"),
    ("POST", "/webhooks/endpoints/add/"), ("GET", "/webhooks/endpoints/{endpoint}/"),
    ("POST", "/webhooks/endpoints/{endpoint}/"), ("GET", "/webhooks/endpoints/{endpoint}/rotate/"),
    ("POST", "/webhooks/endpoints/{endpoint}/rotate/"), ("GET", "/audit/export/"),
    ("GET", "/export/"), ("GET", "/verifications/export.csv"),
    ("GET", "/accounts/2fa/totp/activate/"), ("GET", "/accounts/2fa/webauthn/add/"),
    ("GET", "/accounts/2fa/recovery-codes/generate/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "address"), GUARDED)
def test_what_is_sensitive_asks_who_it_is(
    stale: Client, ada: User, vera: User, endpoint: WebhookEndpoint, method: str, address: str
) -> None:
    invitation = factories.invitation(endpoint.partner, ada)
    before = AuditEntry.objects.count(), User.objects.values().get(pk=vera.pk)
    pks = {"vera": factories.membership(vera).pk, "endpoint": endpoint.pk}
    path = address.format(invitation=invitation.pk, **pks)
    answer = stale.generic(method, path, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 302
    assert answer.url.startswith(ASK)
    assert (AuditEntry.objects.count(), User.objects.values().get(pk=vera.pk)) == before


@pytest.mark.parametrize("address", ["/team/", "/webhooks/", "/audit/", "/profile/", "/"])
def test_reading_asks_for_nothing(stale: Client, address: str) -> None:
    assert stale.get(address).status_code == 200


def test_a_role_too_low_is_told_so_before_anybody_is_asked(client: Client, mo: User) -> None:
    client.force_login(mo)
    assert client.get("/team/invite/").status_code == 403


def test_after_proof_one_lands_where_one_was_going(stale: Client) -> None:
    asked = stale.get("/audit/export/?kind=user.signed_in")
    assert prove(stale, asked.url) == "/audit/export/?kind=user.signed_in"
    assert stale.get("/audit/export/").status_code == 200


def test_proving_it_again_is_in_the_log(stale: Client, ada: User) -> None:
    asked = stale.get("/team/invite/")
    stale.post(asked.url, {"password": "wrong"})
    kept = AuditEntry.objects.filter(kind=Kind.PROVEN_AGAIN)
    assert not kept.exists()
    prove(stale, asked.url)
    entry = kept.get()
    assert (entry.actor, entry.subject, entry.facts) == (
        ada.pk,
        f"user:{ada.pk}",
        {"means": "password"},
    )
    stale.post("/accounts/theme/", {"theme": "dark"})
    assert kept.count() == 1


def test_a_code_proves_it_and_is_in_the_log(stale: Client, ada: User) -> None:
    factories.second_factor(ada)
    code = format_hotp_value(hotp_value("JBSWY3DPEHPK3PXP", int(time.time()) // 30))
    stale.post("/accounts/2fa/reauthenticate/", {"code": code})
    assert AuditEntry.objects.get(kind=Kind.PROVEN_AGAIN).facts == {"means": "totp"}


def test_a_proof_that_cannot_be_logged_is_none(
    stale: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale.raise_request_exception = False
    monkeypatch.setattr(recent.audit, "record", lambda *_, **__: 1 / 0)
    asked = stale.get("/team/invite/").url
    assert stale.post(asked, {"password": PASSWORD}).status_code == 500
    assert stale.get("/team/invite/").status_code == 302


def test_signing_in_counts_for_five_minutes(client: Client, ada: User) -> None:
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert client.get("/team/invite/").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=290), tick=False):
        assert client.get("/team/invite/").status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=301), tick=False):
        assert client.get("/team/invite/").url.startswith(ASK)


def test_a_clock_that_jumps_back_proves_nothing(client: Client, ada: User) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    assert client.get("/team/invite/").url.startswith(ASK)


def test_the_proof_of_somebody_else_does_not_count(client: Client, ada: User, amos: User) -> None:
    factories.sign_in(client, ada)
    session = client.session
    session["account_authentication_methods_user"] = str(amos.pk)
    session.save()
    assert client.get("/team/invite/").url.startswith(ASK)


def test_a_wrong_password_proves_nothing(stale: Client) -> None:
    asked = stale.get("/team/invite/")
    assert stale.post(asked.url, {"password": "wrong"}).status_code == 200
    assert stale.get("/team/invite/").url.startswith(ASK)


def test_what_was_typed_comes_back_and_is_sent_by_a_press_of_ones_own(stale: Client) -> None:
    typed = {"email": "nia@new.example", "role": str(factories.role(10).pk)}
    asked = stale.post("/team/invite/", typed)
    assert not Invitation.objects.exists()
    assert prove(stale, asked.url) == "/team/invite/"
    page = stale.get("/team/invite/")
    assert "nia@new.example" in page.content.decode()
    assert page.context["fields"] == [["email", typed["email"]], ["role", typed["role"]]]
    assert not Invitation.objects.exists()
    stale.post(page.context["address"], dict(page.context["fields"]))
    assert Invitation.objects.get().email == typed["email"]


def test_a_button_pressed_too_late_is_offered_again(stale: Client, vera: User) -> None:
    address = f"/team/{factories.membership(vera).pk}/deactivate/"
    asked = stale.post(address)
    assert prove(stale, asked.url) == address
    page = stale.get(address)
    assert (page.status_code, b">Go on<" in page.content) == (200, True)
    assert factories.membership(vera).is_active
    stale.post(address)
    assert not factories.membership(vera).is_active


def test_what_was_typed_is_shown_once_and_nowhere_else(stale: Client) -> None:
    asked = stale.post("/team/invite/", {"email": "nia@new.example", "extra": ["a", "b"]})
    prove(stale, asked.url)
    assert stale.get("/webhooks/endpoints/add/").status_code == 200
    page = stale.get("/team/invite/")
    assert page.context["fields"][1:] == [["extra", "a"], ["extra", "b"]]
    assert "fields" not in stale.get("/team/invite/").context
    assert recent.KEPT not in stale.session


def typed_at(stale: Client, address: str) -> str | None:
    """What comes back there, once it was proven who is there."""
    fields = dict((stale.get(address).context or {}).get("fields") or {})
    return fields.get("name")


def type_late(stale: Client, *forms: tuple[str, str]) -> None:
    for address, name in forms:
        asked = stale.post(address, {"name": name})
    prove(stale, asked.url)


def test_what_was_typed_in_two_tabs_comes_back_in_both(stale: Client) -> None:
    add, invite = "/webhooks/endpoints/add/", "/team/invite/"
    type_late(stale, (invite, "first"), (add, "second"))
    assert (typed_at(stale, add), typed_at(stale, invite)) == ("second", "first")
    assert (typed_at(stale, add), typed_at(stale, invite)) == (None, None)
    assert recent.KEPT not in stale.session


def test_the_newest_three_forms_wait_one_for_each_address(stale: Client) -> None:
    pages = [f"/team/invite/?tab={number}" for number in range(4)]
    type_late(stale, *[(page, page) for page in pages], (pages[2], "anew"))
    assert [typed_at(stale, page) for page in pages] == [None, pages[1], "anew", pages[3]]


@pytest.fixture
def both(stale: Client, ada: User, northbank: Partner, southpay: Partner) -> list[Partner]:
    """Ada only looks at Northbank's, and is Admin of Southpay."""
    factories.join(ada, southpay, 40)
    ada.memberships.filter(partner=northbank).update(role=factories.role(10))
    return [northbank, southpay]


def test_what_was_typed_comes_back_for_the_partner_that_it_was_typed_for(
    stale: Client, both: list[Partner]
) -> None:
    northbank, southpay = both
    typed = {"email": "nia@new.example", "role": str(factories.role(10).pk)}
    asked = stale.post("/team/invite/", {**typed, "opened_for": southpay.pk})
    stale.post("/accounts/partner/", {"partner": northbank.key, "next": "/"})
    page = stale.get(prove(stale, asked.url))
    assert (page.status_code, page.context["address"]) == (200, "/team/invite/")
    assert "nia@new.example" in page.content.decode()
    assert stale.get("/team/invite/").status_code == 403
    stale.post(page.context["address"], dict(page.context["fields"]))
    assert Invitation.objects.get().partner == southpay


def test_what_was_typed_for_two_partners_comes_back_for_each(
    stale: Client, ada: User, both: list[Partner]
) -> None:
    ada.memberships.update(role=factories.role(40))
    tabs = {}
    for partner in both:
        sent = {"email": f"nia@{partner.key}.example", "opened_for": partner.pk}
        tabs[partner] = stale.post("/team/invite/", sent).url
    for partner, asked in tabs.items():
        page = stale.get(prove(stale, asked)).content.decode()
        assert f"nia@{partner.key}.example" in page
    assert recent.KEPT not in stale.session


def test_what_was_typed_does_not_come_back_where_one_works_no_more(
    stale: Client, ada: User, both: list[Partner]
) -> None:
    northbank, southpay = both
    asked = stale.post("/team/invite/", {"email": "x@y.example", "opened_for": southpay.pk})
    ada.memberships.filter(partner=southpay).update(is_active=False)
    assert stale.get(prove(stale, asked.url)).status_code == 404
    assert stale.get("/?opened_for=x").status_code == 404


def test_what_was_typed_is_forgotten_after_a_quarter_of_an_hour(stale: Client) -> None:
    asked = stale.post("/team/invite/", {"email": "nia@new.example"})
    with time_machine.travel(timezone.now() + timedelta(seconds=901), tick=False):
        prove(stale, asked.url)
        assert b"nia@new.example" not in stale.get("/team/invite/").content
        assert recent.KEPT not in stale.session


def test_what_was_typed_lies_sealed_in_the_session(stale: Client, settings: LazySettings) -> None:
    asked = stale.post("/team/invite/?from=canary-path", {"email": "canary@new.example"})
    (row,) = Session.objects.all()
    told = str(row.get_decoded())
    assert recent.KEPT in told
    assert "canary" not in told
    settings.DATA_KEY = base64.b64encode(b"k" * 32).decode()
    prove(stale, asked.url)
    assert b"canary@" not in stale.get("/team/invite/?from=canary-path").content
    assert recent.KEPT not in stale.session


def test_what_was_typed_opens_for_nobody_else(stale: Client, amos: User) -> None:
    stale.post("/team/invite/", {"email": "nia@new.example"})
    kept = stale.session[recent.KEPT]
    factories.sign_in(stale, amos)
    session = stale.session
    session[recent.KEPT] = kept
    session.save()
    assert b"nia@new.example" not in stale.get("/team/invite/").content


def test_what_was_typed_ends_with_the_session(stale: Client, ada: User) -> None:
    stale.post("/team/invite/", {"email": "nia@new.example"})
    stale.post("/accounts/logout/")
    factories.sign_in(stale, ada)
    assert b"nia@new.example" not in stale.get("/team/invite/").content


def test_an_export_is_logged_only_after_proof(stale: Client) -> None:
    stale.get("/audit/export/")
    assert not AuditEntry.objects.filter(kind=Kind.LOG_EXPORTED).exists()
