"""Nothing of an applicant stands in clear in what a thief would take: database, photos, log.

Each value is one of a kind and is looked for as it is, in hexadecimal and in base64, as dumps write
bytes. The name stays in clear, and is found: so the search works.
"""

import base64
import logging
import subprocess
import uuid
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Partner, User
from tests import factories
from tests.verifications.webhooks import receiver
from verifications.callbacks import provider
from verifications.models import DeliveryState, Verification, WebhookDelivery
from verifications.webhooks import claims, delivery

NAME = "Zuzanna Findable-Canary"
CANARIES = {
    "document number": "CANARYNUMBER7Q",
    "personal code": "CANARYCODE3V",
    "address": "1 Canary Lane, Nowhere",
    "birth date": "1931-07-19",
    "nationality in words": "canary-unknown-key-of-the-provider",
    "photo link": "https://media.example.test/canary-link.png",
    "message": "Dear canary, bring another document.",
    "internal note": "The canary sang on the telephone.",
    "note": "A canary was seen at the branch.",
    "photo": "canary in the bytes of a picture",
    "answer": "canary in what the receiver answered",
    "callback key": "canary-key-of-the-callback",
    "signing key": "whsec_Y2FuYXJ5IG9mIGEgc2lnbmluZyBrZXkgICAgICAg",
    "own header": "Bearer canary-in-a-header",
}


def forms(text: str) -> list[bytes]:
    """As it is, and as dumps write bytes: hexadecimal, and base64 wherever it begins."""
    raw = text.encode()
    shifted = [base64.b64encode(b"." * lead + raw)[4 if lead else 0 : -4] for lead in range(3)]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), *shifted]


def holds(taken: bytes, text: str) -> bool:
    return any(form in taken for form in forms(text))


@pytest.mark.parametrize("lead", range(6))
def test_a_canary_would_be_found(lead: int) -> None:
    for text in CANARIES.values():
        bare = b"x" * lead + text.encode() + b"yyy"
        for written in (bare, bare.hex().encode(), base64.b64encode(bare)):
            assert holds(written, text), (text, written)
        assert not holds(base64.b64encode(b"x" * 99), text)


def take_in(partner: Partner, client: Client) -> Verification:
    """As the provider sends it; a second body is refused, and kept."""
    data = {
        "docFirstName": NAME.split()[0],
        "docLastName": NAME.split()[1],
        "docNumber": CANARIES["document number"],
        "docPersonalCode": CANARIES["personal code"],
        "docDob": CANARIES["birth date"],
        "address": CANARIES["address"],
        "unheardOf": CANARIES["nationality in words"],
    }
    links = {"FRONT": CANARIES["photo link"], "ODD": f"ftp://{CANARIES['photo link']}"}
    whole = factories.sample("07", data=data, fileUrls=links)[1]
    refused = factories.sample("01", scanRef="refused", data=data, final="canary")[1]
    for raw, status in ((whole, 200), (whole, 200), (refused, 422), (whole[:-9], 400)):
        answer = client.post(
            reverse("callback", args=[partner.key]),
            raw,
            content_type="application/json",
            headers={"Idenfy-Signature": provider.signature(CANARIES["callback key"], raw)},
        )
        assert answer.status_code == status
    return Verification.objects.get(name=NAME)


def work(it: Verification, client: Client) -> None:
    """A day of staff: search, look, reveal, note, deny, and what comes of it."""
    front = it.photos.get(kind="FRONT")
    factories.store(front, factories.jpeg(comment=CANARIES["photo"].encode()))
    ref = [it.scan_ref]
    typed = {
        "reasons": "OTHER",
        "message_to_applicant": CANARIES["message"],
        "internal_note": CANARIES["internal note"],
        "seen_revision": it.revision,
        "request_key": str(uuid.uuid4()),
    }
    note = {"note": CANARIES["note"], "request_key": str(uuid.uuid4())}
    listed = client.get(reverse("verification_list"), {"q": CANARIES["document number"].lower()})
    assert NAME in listed.content.decode()
    assert (
        CANARIES["address"]
        in client.post(reverse("verification_reveal", args=ref)).content.decode()
    )
    picture = client.get(reverse("verification_photo", args=[*ref, "FRONT"]))
    assert picture.content.startswith(b"\xff\xd8")
    deny = reverse("verification_deny", args=ref)
    assert client.post(reverse("verification_note", args=ref), note).status_code == 302
    assert client.post(deny, {**typed, "reasons": ""}).status_code == 422
    assert client.post(deny, {**typed, "preview": "1"}).status_code == 200
    assert client.post(deny, typed).status_code == 302
    assert client.post(deny, {**typed, "internal_note": "Other"}).status_code == 409
    message = WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(due_at=it.created_at)
    claimed = claims.claim(message.pk)
    assert claimed
    assert delivery.attempt(claimed).code == 500
    WebhookDelivery.objects.update(**factories.in_state(DeliveryState.GIVEN_UP))
    for address in ("verification_detail", "home", "delivery_list", "delivery_detail"):
        key = {"verification_detail": ref, "delivery_detail": [message.pk]}.get(address, [])
        assert client.get(reverse(address, args=key)).status_code == 200


@pytest.fixture
def day(
    transactional_db: None, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Client]:
    caplog.set_level(logging.DEBUG)
    settings.DEMO = True
    options = {**settings.STORAGES["photos"]["OPTIONS"], "location": str(tmp_path / "photos")}
    photos = {**settings.STORAGES["photos"], "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "photos": photos}
    northbank = factories.NorthbankFactory(callback_key=CANARIES["callback key"])
    ada: User = factories.person("Ada Lind", northbank, 40)

    def echo(handler: receiver.Handler, got: receiver.Got) -> None:
        handler.say(500, CANARIES["answer"].encode() + got.raw)

    with receiver.listening(receiver.Receiver(echo)) as server:
        factories.endpoint(
            northbank,
            address=server.address,
            signing_key=CANARIES["signing key"],
            headers={"Authorization": CANARIES["own header"]},
        )
        client = Client()
        client.force_login(ada)
        work(take_in(northbank, client), client)
    yield client


def database() -> bytes:
    """The files of SQLite, the write-ahead log among them; of PostgreSQL what pg_dump writes."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        file = Path(told["NAME"])
        return b"".join(it.read_bytes() for it in file.parent.glob(f"{file.name}*"))
    dump = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))), Path("pg_dump"))
    there = connection.get_connection_params()
    address = psycopg.conninfo.make_conninfo(
        **{key: there[key] for key in ("user", "host", "port", "dbname") if key in there}
    )
    return subprocess.run([dump, address], check=True, capture_output=True, timeout=60).stdout


def dumped() -> bytes:
    told = StringIO()
    call_command("dumpdata", stdout=told)
    return told.getvalue().encode()


TAKEN: dict[str, Callable[[], bytes]] = {"database": database, "dumpdata": dumped}


def test_nothing_of_an_applicant_stands_in_clear(
    day: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    taken = {name: take() for name, take in TAKEN.items()}
    for name, content in taken.items():
        assert NAME.encode() in content or NAME.lower().encode() in content, name
    folder = Path(settings.STORAGES["photos"]["OPTIONS"]["location"])
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    taken["photos"] = b"".join(file.read_bytes() for file in files)
    told = map(logging.Formatter().format, caplog.get_records("setup"))
    taken["log"] = "\n".join(told).encode()
    assert b"delivery" in taken["log"]
    found = [
        (what, where)
        for where, content in taken.items()
        for what, text in CANARIES.items()
        if holds(content, text)
    ]
    assert not found
