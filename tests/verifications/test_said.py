"""What the program says of its own accord tells of no applicant: log, error pages, mails, tables.

The day of test_canaries, then a fault at each step of it, whose message quotes everything.
"""

import base64
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import audit, budgets, invitations
from accounts.models import AuditEntry, Partner, User
from accounts.models.session import Session
from idv_dashboard import logs
from tests import factories
from tests.verifications.test_canaries import CANARIES, NAME, day, holds
from verifications import decisions, detail, home, listing, notes, vault
from verifications.callbacks import effect, intake, provider
from verifications.models import Verification
from verifications.webhooks import trouble

__all__ = ["day"]

ALL = {**CANARIES, "name": NAME, "first name": NAME.split()[0], "last name": NAME.split()[1]}
FAULTS: list[tuple[Any, str]] = [
    (listing, "build"),
    (detail, "build"),
    (home, "build"),
    (vault, "opened"),
    (audit, "record"),
    (decisions, "decide"),
    (notes, "write"),
    (intake, "receive"),
    (effect, "apply"),
]


def told(taken: bytes) -> list[str]:
    return [what for what, text in ALL.items() if holds(taken, text)]


def asked(client: Client, it: Verification) -> list[Any]:
    """Each kind of request of the day once more."""
    ref = [it.scan_ref]
    typed = {
        "reasons": "OTHER",
        "message_to_applicant": CANARIES["message"],
        "internal_note": CANARIES["internal note"],
        "seen_revision": Verification.objects.get(pk=it.pk).revision,
        "request_key": str(uuid.uuid4()),
    }
    note = {"note": CANARIES["note"], "request_key": str(uuid.uuid4())}
    raw = factories.sample("01", scanRef="again", data={"docNumber": CANARIES["document number"]})
    signed = {"Idenfy-Signature": provider.signature(CANARIES["callback key"], raw[1])}
    callback = reverse("callback", args=[it.partner.key])
    return [
        client.get("/"),
        client.get(reverse("verification_list"), {"q": CANARIES["document number"]}),
        client.get(reverse("verification_detail", args=ref)),
        client.get(reverse("verification_photo", args=[*ref, "FRONT"])),
        client.post(reverse("verification_reveal", args=ref)),
        client.post(reverse("verification_note", args=ref), note),
        client.post(reverse("verification_approve", args=ref), typed),
        client.post(callback, raw[1], content_type="application/json", headers=signed),
    ]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], bytes]:
    """Everything that was logged, as the settings write it."""
    caplog.set_level(logging.INFO)
    for name in ("django", "django.request", "django.security", "django.server"):
        logging.getLogger(name).addHandler(caplog.handler)
        logging.getLogger(name).setLevel(logging.INFO)
    form = logs.OneLine().format
    return lambda: "\n".join(map(form, caplog.get_records("setup") + caplog.records)).encode()


def test_no_error_page_and_no_line_of_the_log_tells_of_an_applicant(
    lines: Callable[[], bytes], day: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Verification.objects.get(name=NAME)
    day.raise_request_exception = False

    def fail(*args: object, **more: object) -> None:
        raise RuntimeError(json.dumps(ALL))

    pages = 0
    for module, name in FAULTS:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fail)
            broken = [answer for answer in asked(day, it) if answer.status_code >= 500]
        # What was taken in is answered before it is applied: that fault is in the log only.
        assert broken or module is effect, name
        pages += len(broken)
        for answer in broken:
            assert not told(str(answer.headers).encode() + answer.content), (name, answer.request)
    said = lines()
    print(f"{pages} error pages, {said.count(b'RuntimeError')} of {len(said.splitlines())} lines")
    assert said.count(b"RuntimeError") >= pages / 2
    assert not told(said)


def test_no_mail_session_or_kept_value_tells_of_an_applicant(
    day: Client, northbank: Partner, sue: User
) -> None:
    ada = User.objects.get(email="ada@northbank.example")
    trouble.tell_admins()
    budgets.tell_admins()
    invitations.invite(northbank, "nia@new.example", factories.role(10), actor=ada, link=str)
    day.post("/accounts/password/reset/", {"email": ada.email})
    support = Client()
    factories.sign_in(support, sue)
    for address in ("verifications/verification/", "verifications/providercallback/?show=all"):
        assert support.get(f"/admin/{address}").status_code == 200
    letters = factories.sent()
    taken = {
        "mails": "\n".join(f"{it.subject} {it.body}" for it in letters),
        "sessions": "\n".join(str(it.get_decoded()) for it in Session.objects.all()),
        "audit log": "\n".join(AuditEntry.objects.values_list("body", flat=True)),
        "django's log": str(list(LogEntry.objects.values())),
        "cache": str(_cached()),
    }
    assert len(letters) >= 2
    assert ada.email in taken["mails"] or "Northbank" in taken["mails"]
    for where, text in taken.items():
        assert not told(text.encode()), where


def _cached() -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM django_cache")
        return [key.encode() + base64.b64decode(value) for key, value in cursor.fetchall()]
