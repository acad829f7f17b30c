"""The demo's receiver: what Northbank got, and whether it was rightly signed."""

import json
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Partner, User
from tests.factories import sample
from verifications.demo import inbox, people
from verifications.models import WebhookEndpoint
from verifications.webhooks import signing

Browser = Callable[[User], Client]
RAW = sample("01")[1]
SCAN_REF = json.loads(RAW)["scanRef"]


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DEMO, settings.DATA_DIR = True, tmp_path


@pytest.fixture
def endpoint(northbank: Partner) -> WebhookEndpoint:
    return people.listen(northbank, 8000)


def envelope(
    raw: bytes = RAW, key: str = people.SIGNING_KEY, age: int = 0, **changes: str
) -> dict[str, str]:
    made = signing.headers(
        [key],
        raw,
        event="IDENTIFICATION_MANUAL_FINISHED",
        message_id="0f2a",
        sequence=3,
        timestamp=int(time.time()) - age,
        own={},
    )
    return made | {name.replace("_", "-"): value for name, value in changes.items()}


def post(headers: dict[str, str], raw: bytes = RAW) -> int:
    client = Client(enforce_csrf_checks=True)
    address = reverse("demo_inbox")
    return client.post(address, raw, content_type="application/json", headers=headers).status_code


def test_a_rightly_signed_message_is_kept(endpoint: WebhookEndpoint) -> None:
    assert post(envelope()) == 200
    (message,) = inbox.messages()
    assert (message.event, message.sequence) == ("IDENTIFICATION_MANUAL_FINISHED", "3")
    assert (message.scan_ref, message.status) == (SCAN_REF, "APPROVED")
    assert message.is_right
    assert json.loads(message.body) == json.loads(RAW)


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({"key": "whsec_b3RoZXI="}, (False, False)),
        ({"Idenfy-Signature": "0" * 64}, (False, True)),
        ({"Idenfy-Signature": "é"}, (False, True)),
        ({"webhook-signature": "v1,AAAA"}, (True, False)),
        ({"webhook-id": "another"}, (True, False)),
        ({"webhook-timestamp": "9" * 150}, (True, False)),
        ({"webhook-timestamp": "soon"}, (True, False)),
        ({"age": 400}, (True, False)),
        (None, (False, False)),
    ],
)
def test_each_wrong_signature_is_told(
    endpoint: WebhookEndpoint, changes: Any, right: tuple[bool, bool]
) -> None:
    """`changes` to a right message; None: it comes without any of the headers."""
    assert post({} if changes is None else envelope(**changes)) == 401
    (message,) = inbox.messages()
    assert (message.is_signed, message.is_signed_as_standard) == right


def test_a_changed_body_is_told(endpoint: WebhookEndpoint) -> None:
    assert post(envelope(), RAW.replace(b"APPROVED", b"DENIED")) == 401
    assert not inbox.messages()[0].is_right


def test_the_former_key_counts_until_its_time_is_over(endpoint: WebhookEndpoint) -> None:
    endpoint.former_key, endpoint.signing_key = endpoint.signing_key, "whsec_bmV3"
    endpoint.former_key_until = timezone.now() + timedelta(hours=1)
    endpoint.save()
    assert post(envelope()) == 200
    endpoint.former_key_until = timezone.now()
    endpoint.save()
    assert post(envelope()) == 401


def test_the_newest_hundred_stay(endpoint: WebhookEndpoint) -> None:
    for number in range(inbox.KEPT + 5):
        inbox.keep({"Webhook-Sequence": str(number)}, b"{}")
    kept = [int(message.sequence) for message in inbox.messages()]
    assert kept == list(range(inbox.KEPT + 4, 4, -1))


def test_what_was_received_is_for_its_owner_only(endpoint: WebhookEndpoint, tmp_path: Path) -> None:
    post(envelope())
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"scanRef": 7, "status": 7}',
        b'{"scanRef": "\\ud800"}',
        b"[" * 5000,
        b'"' + b"x" * 100_000 + b'"',
        '"\u2028 </script> \u202e"'.encode(),
        b"9" * 5000,
    ],
    ids=range(10),
)
def test_any_body_is_shown_and_breaks_nothing(
    endpoint: WebhookEndpoint, as_user: Browser, ada: User, raw: bytes
) -> None:
    assert post(envelope(raw), raw) == 200
    page = as_user(ada).get(reverse("demo_receiver"))
    assert page.status_code == 200
    assert len(page.context["messages_received"]) == 1
    assert len(page.content) < 400_000
    assert "</script> " not in page.content.decode()


def test_a_body_without_end_is_refused(endpoint: WebhookEndpoint) -> None:
    assert post({}, b" " * (inbox.LARGEST + 1)) == 413
    assert not inbox.messages()


def test_a_line_that_was_cut_off_hides_no_other(endpoint: WebhookEndpoint, tmp_path: Path) -> None:
    post(envelope())
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text() + '{"event": "IDENT\n')
    assert len(inbox.messages()) == 1


def test_an_admin_of_northbank_sees_it(
    endpoint: WebhookEndpoint, as_user: Browser, ada: User
) -> None:
    client = as_user(ada)
    assert "Nothing received yet" in client.get(reverse("demo_receiver")).content.decode()
    post(envelope())
    post(envelope(**{"Idenfy-Signature": "0" * 64}))
    page = client.get(reverse("demo_receiver")).content.decode()
    assert (page.count("Right</span>"), page.count("Wrong</span>")) == (3, 1)
    assert SCAN_REF in page


def test_below_admin_it_is_refused(as_user: Browser, mo: User) -> None:
    assert as_user(mo).get(reverse("demo_receiver")).status_code == 403


def test_for_other_partners_it_does_not_exist(as_user: Browser, otto: User) -> None:
    assert as_user(otto).get(reverse("demo_receiver")).status_code == 404


def test_strangers_are_asked_to_sign_in(northbank: Partner) -> None:
    answer = Client().get(reverse("demo_receiver"))
    assert answer.headers["Location"].startswith(reverse("account_login"))


def test_outside_the_demo_there_is_no_receiver(
    settings: Any, endpoint: WebhookEndpoint, as_user: Browser, ada: User, mo: User
) -> None:
    settings.DEMO = False
    assert as_user(ada).get(reverse("demo_receiver")).status_code == 404
    assert as_user(mo).get(reverse("demo_receiver")).status_code == 404
    assert post(envelope()) == 404
    assert not inbox.messages()


def test_the_inbox_takes_posts_only(northbank: Partner) -> None:
    assert Client().get(reverse("demo_inbox")).status_code == 405


def test_what_is_nested_deeply_takes_no_more_room_than_it_has(
    endpoint: WebhookEndpoint,
) -> None:
    raw = b"[" * 480 + b",".join([b"1"] * 150_000) + b"]" * 480
    tracemalloc.start()
    try:
        message = inbox.keep({}, raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(message.body) < 2 * inbox.SHOWN
    assert most < 40 * len(raw)
