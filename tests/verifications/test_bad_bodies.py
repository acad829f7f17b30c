"""Bad bodies get the answers that the wire format's table gives, and never a 5xx."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.test.client import FakePayload
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize

from accounts.models import Partner
from tests import factories
from tests.conftest import BAD, MANIFEST
from tests.verifications.test_intake import post
from verifications import vault
from verifications.callbacks import photos, provider
from verifications.models import PhotoState, ProviderCallback, Stage, Verification

FILES = [entry for entry in MANIFEST["bad"] if entry["file"]]


class Chunks(FakePayload):
    """A body without its length, as the server hands it over; may break off with trouble."""

    def __init__(self, raw: bytes, trouble: Exception | None = None) -> None:
        super().__init__(raw)
        self.trouble, self.taken = trouble, 0

    def read(self, size: int = -1) -> bytes:
        if self.trouble:
            raise self.trouble
        self.taken += size
        return super().read(min(size, len(self)))


def post_as_is(partner: Partner, raw: bytes, **environ: Any) -> Any:
    """Rightly signed, with whatever the server would say of its length."""
    return Client().generic(
        "POST",
        "/callbacks/idenfy/northbank/",
        raw,
        content_type="application/json",
        headers={"Idenfy-Signature": provider.signature(partner.callback_key, raw)},
        **environ,
    )


def post_chunks(partner: Partner, raw: bytes, stream: Chunks, event: str = "") -> Any:
    marks = {"wsgi.input": stream, "wsgi.input_terminated": True}
    return post_as_is(partner, raw, CONTENT_LENGTH="", HTTP_IDENFY_EVENT_TYPE=event, **marks)


def ten_megabytes() -> bytes:
    return json.dumps(factories.body("01", data={"orgAddress": "A" * 10_000_000})).encode()


def bad(case: str) -> bytes:
    (path,) = BAD.glob(f"{case}-*")
    return path.read_bytes()


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["case"])
def test_each_bad_body_gets_its_answer(northbank: Partner, entry: dict[str, Any]) -> None:
    raw = (BAD.parent / entry["file"]).read_bytes()
    answer = post(northbank, "IDENTIFICATION_AUTO_FINISHED", raw)
    assert answer.status_code == entry["http"]
    callback = ProviderCallback.objects.get()
    assert callback.stage == ("accepted" if entry["stage"] == "accept" else entry["stage"])
    assert vault.opened(callback.body) == raw
    assert Verification.objects.exists() == (entry["http"] == 200)


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["case"])
def test_what_is_kept_of_a_refusal_quotes_nothing(
    northbank: Partner, entry: dict[str, Any]
) -> None:
    raw = (BAD.parent / entry["file"]).read_bytes()
    post(northbank, "IDENTIFICATION_AUTO_FINISHED", raw)
    problem = ProviderCallback.objects.get().problem
    for word in ("TEST0", "APPROVED", "client-", "AAAA"):
        assert word not in problem


def test_a_refused_body_that_comes_again_is_counted(northbank: Partner) -> None:
    for _ in range(3):
        assert post(northbank, "IDENTIFICATION", b"no json").status_code == 400
    assert ProviderCallback.objects.get().times_received == 3


def test_ten_megabytes_are_refused_by_their_length(northbank: Partner) -> None:
    before = cache.get("callback-413", 0)
    answer = post(northbank, "IDENTIFICATION", ten_megabytes())
    assert (answer.status_code, answer.json()["error"]) == (413, "size")
    assert not ProviderCallback.objects.exists()
    assert cache.get("callback-413") == before + 1


def test_ten_megabytes_in_chunks_are_refused_while_reading(northbank: Partner) -> None:
    raw = ten_megabytes()
    stream = Chunks(raw)
    assert post_chunks(northbank, raw, stream).status_code == 413
    assert stream.taken == provider.LARGEST_BODY + 1
    assert not ProviderCallback.objects.exists()


def test_a_good_body_may_come_in_chunks(northbank: Partner) -> None:
    event, raw = factories.sample("01")
    answer = post_chunks(northbank, raw, Chunks(raw), event)
    assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
    assert vault.opened(ProviderCallback.objects.get().body) == raw


@pytest.mark.parametrize(
    "trouble", [OSError(), InvalidChunkSize(b"zz"), ChunkMissingTerminator(b"")]
)
def test_chunks_that_break_off_are_a_bad_request(northbank: Partner, trouble: Exception) -> None:
    raw = factories.sample("01")[1]
    assert post_chunks(northbank, raw, Chunks(raw, trouble)).status_code == 400
    assert not ProviderCallback.objects.exists()


@pytest.mark.parametrize("length", ["0", "10"])
def test_of_a_body_longer_than_its_length_the_rest_is_not_read(
    northbank: Partner, length: str
) -> None:
    raw = factories.sample("01")[1]
    assert post_as_is(northbank, raw, CONTENT_LENGTH=length).status_code == 401
    assert not ProviderCallback.objects.exists()


@pytest.mark.parametrize(
    ("length", "code"),
    [("-1", 400), ("ten", 400), ("1e3", 400), ("9" * 30, 413), ("9" * 5000, 413)],
)
def test_a_length_that_is_no_number_or_none_of_ours_is_refused(
    northbank: Partner, length: str, code: int
) -> None:
    assert post_as_is(northbank, b"{}", CONTENT_LENGTH=length).status_code == code


def test_a_body_at_the_limit_is_read(northbank: Partner) -> None:
    raw = json.dumps(factories.body("01")).encode().ljust(provider.LARGEST_BODY)
    assert post(northbank, "IDENTIFICATION", raw).status_code == 200


@pytest.mark.parametrize(
    ("raw", "stage"),
    [
        (b"\xef\xbb\xbf{}", Stage.DECODE),
        ("{}".encode("utf-16"), Stage.DECODE),
        (b"[" * 100_000, Stage.DEPTH),
        (b'{"a":' * 33 + b"1" + b"}" * 33, Stage.DEPTH),
        (b"null", Stage.SCHEMA),
        (b"1", Stage.SCHEMA),
        (b'"x"', Stage.SCHEMA),
        (b'{"a": 1e999}', Stage.SCHEMA),
        (b'{"a": ' + b"9" * 5000 + b"}", Stage.PARSE),
        (b'{"a": -Infinity}', Stage.PARSE),
        (b'{"a": 01}', Stage.PARSE),
        (b'{"scanRef": ["x"]}', Stage.SCHEMA),
        (b'"' + b"[" * 1000 + b'"', Stage.SCHEMA),
        (b'"\\', Stage.PARSE),
    ],
)
def test_more_that_is_no_body(northbank: Partner, raw: bytes, stage: Stage) -> None:
    answer = post(northbank, "IDENTIFICATION", raw)
    assert answer.status_code == (422 if stage == Stage.SCHEMA else 400)
    assert ProviderCallback.objects.get().stage == stage


def test_an_unknown_status_decides_nothing_and_is_told_to_support(northbank: Partner) -> None:
    post(northbank, "IDENTIFICATION", bad("16"))
    it = Verification.objects.get()
    assert (it.status, it.overall) == ("REVIEWING", "APPROVED_PENDING")
    assert ProviderCallback.objects.get().notice


def test_a_link_that_is_no_address_costs_no_verification_and_is_told_to_support(
    northbank: Partner,
) -> None:
    post(northbank, "IDENTIFICATION", bad("17"))
    states = dict(Verification.objects.get().photos.values_list("kind", "state"))
    assert states == {
        "FRONT": PhotoState.UNUSABLE,
        "BACK": PhotoState.UNUSABLE,
        "FACE": PhotoState.WAITING,
    }
    assert "photo link" in ProviderCallback.objects.get().notice


def test_links_into_our_own_network_are_never_opened(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(northbank, "IDENTIFICATION", bad("18"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection was made"))
    photos.fetch_due()
    states = Verification.objects.get().photos.values_list("state", flat=True)
    assert set(states) == {PhotoState.UNUSABLE}


@pytest.mark.parametrize("case", ["12", "19", "20"])
def test_odd_texts_are_kept_word_for_word(northbank: Partner, case: str) -> None:
    told = json.loads(bad(case))
    post(northbank, "IDENTIFICATION", bad(case))
    it = Verification.objects.get()
    assert it.client_id == told["clientId"]
    assert it.name == f"{told['data']['docFirstName']} {told['data']['docLastName']}"
