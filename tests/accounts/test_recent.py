"""What is sensitive asks who it is, unless that was proven lately."""

import time
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.utils import timezone

from accounts import recent
from accounts.models import AuditEntry, Kind, Partner, User
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


def test_an_export_is_logged_only_after_proof(stale: Client) -> None:
    stale.get("/audit/export/")
    assert not AuditEntry.objects.filter(kind=Kind.LOG_EXPORTED).exists()
