"""Secrets that stand alone are bound to their row; what does not open lets nobody in."""

import base64
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Partner, User
from accounts.sealing import DoesNotOpen
from tests import factories
from verifications.callbacks import provider
from verifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from verifications.webhooks import claims, delivery, endpoints, outbox

SignIn = Callable[[User], Client]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def columns(table: str) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
        return repr([[bytes(v) if isinstance(v, memoryview) else v for v in row]
                     for row in cursor.fetchall()]).encode()  # fmt: skip


def test_no_secret_stands_in_clear(northbank: Partner, ada: User) -> None:
    endpoint = factories.endpoint(northbank, headers={"Authorization": "Bearer canary"})
    TOTP.activate(ada, SECRET)
    assert northbank.callback_key.encode() not in columns("accounts_partner")
    told = columns("verifications_webhookendpoint")
    assert endpoint.signing_key.encode() not in told
    assert b"canary" not in told
    assert SECRET.encode() not in columns("mfa_authenticator")


def test_secrets_moved_to_another_row_do_not_open(northbank: Partner, southpay: Partner) -> None:
    ours = factories.endpoint(northbank, headers={"Authorization": "Bearer ours"})
    other = factories.endpoint(northbank, name="Other", headers={"Authorization": "Bearer other"})
    theirs = factories.endpoint(southpay, headers={"Authorization": "Bearer theirs"})
    southpay.sealed_key = northbank.sealed_key
    with pytest.raises(DoesNotOpen):
        _ = southpay.callback_key
    for target in (other, theirs):
        target.sealed_headers = ours.sealed_headers
        with pytest.raises(DoesNotOpen):
            _ = target.headers
    ours.sealed_headers = ours.sealed_signing_key
    with pytest.raises(DoesNotOpen):
        _ = ours.headers
    theirs.sealed_signing_key, theirs.mark = ours.sealed_signing_key, ours.mark
    with pytest.raises(DoesNotOpen):
        _ = theirs.signing_key


def test_a_row_that_needs_a_secret_gets_one(db: None) -> None:
    partner = Partner.objects.create(
        key="fresh", name="Fresh", plan="BASIC", pricing_model="CHARGE_PER_COMPLETED"
    )
    assert len(Partner.objects.get(pk=partner.pk).callback_key) > 40


def test_a_callback_key_that_does_not_open_lets_nothing_in(
    northbank: Partner, southpay: Partner, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    Partner.objects.filter(pk=northbank.pk).update(sealed_key=southpay.sealed_key)
    _, raw = factories.sample("01")
    for key in ("", "key-of-northbank", "key-of-southpay"):
        answer = client.post(
            reverse("callback", args=["northbank"]),
            raw,
            content_type="application/json",
            headers={"Idenfy-Signature": provider.signature(key, raw)},
        )
        assert answer.status_code == 401
    assert "does not open" in caplog.text


@pytest.mark.parametrize("stored", ["", SECRET, base64.b64encode(b"\x02" + bytes(40)).decode()])
def test_a_second_factor_that_does_not_open_takes_no_code(stored: str, ada: User) -> None:
    factor = TOTP.activate(ada, SECRET).instance
    factor.data["secret"] = stored
    assert not any(TOTP(factor).validate_code(code) for code in ("", "000000", "123456"))
    codes = RecoveryCodes.activate(ada).instance
    known = RecoveryCodes(codes).generate_codes()
    codes.data["seed"] = stored
    codes.save()
    assert not any(RecoveryCodes(codes).validate_code(code) for code in known)


def test_recovery_codes_stay_the_same(ada: User) -> None:
    made = RecoveryCodes.activate(ada).generate_codes()
    stored = Authenticator.objects.get(user=ada)
    assert RecoveryCodes(stored).generate_codes() == made


@pytest.fixture
def shut(northbank: Partner) -> WebhookEndpoint:
    """An endpoint of which nothing opens any more."""
    endpoint = factories.endpoint(northbank, headers={"Authorization": "Bearer canary"})
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(mark=uuid.uuid4())
    endpoint.refresh_from_db()
    return endpoint


def test_an_endpoint_that_does_not_open_is_tried_on_until_it_has_a_new_key(
    shut: WebhookEndpoint, ada: User
) -> None:
    message = outbox.queue_test(shut)
    claimed = claims.claim(message.pk)
    assert claimed
    tried = delivery.attempt(claimed)
    assert tried.code is None
    assert not tried.is_last
    assert "give it new ones" in WebhookAttempt.objects.get().problem
    assert WebhookDelivery.objects.get().state == "waiting"
    renewed = endpoints.rotate_key(shut, ada, seen_revision=shut.revision)
    wanted = endpoints.Wanted(renewed.name, renewed.address, renewed.events, {"X-Team": "kyc"})
    renewed = endpoints.change(renewed, wanted, ada, seen_revision=renewed.revision)
    assert (renewed.former_key, renewed.headers) == ("", {"X-Team": "kyc"})
    assert renewed.signing_key.startswith("whsec_")


def test_pages_of_an_endpoint_that_does_not_open_still_stand(
    shut: WebhookEndpoint, ada: User, sue: User, as_user: SignIn
) -> None:
    page = as_user(ada).get(reverse("webhook_endpoint", args=[shut.pk]))
    assert page.status_code == 200
    admin = reverse("admin:verifications_webhookendpoint_change", args=[shut.pk])
    assert as_user(sue).get(admin).status_code == 200
    typed: dict[str, Any] = {"name": "Main", "address": shut.address, "events": shut.events}
    typed |= {"headers": "", "seen_revision": 0}
    stale = as_user(ada).post(reverse("webhook_endpoint", args=[shut.pk]), typed)
    assert stale.status_code in (409, 422)
