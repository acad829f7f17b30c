"""Bad bodies get the answers that the wire format's table gives, and never a 5xx."""

import json
from typing import Any

import pytest
from django.test import Client
from django.test.client import FakePayload

from accounts.models import Partner
from tests import factories
from tests.conftest import BAD, MANIFEST
from tests.verifications.test_intake import post
from verifications.callbacks import provider
from verifications.models import ProviderCallback, Stage, Verification

FILES = [entry for entry in MANIFEST["bad"] if entry["file"]]


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["case"])
def test_each_bad_body_gets_its_answer(northbank: Partner, entry: dict[str, Any]) -> None:
    raw = (BAD.parent / entry["file"]).read_bytes()
    answer = post(northbank, "IDENTIFICATION_AUTO_FINISHED", raw)
    assert answer.status_code == entry["http"]
    callback = ProviderCallback.objects.get()
    assert callback.stage == ("accepted" if entry["stage"] == "accept" else entry["stage"])
    assert bytes(callback.body.raw) == raw
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
    raw = json.dumps(factories.body("01", data={"orgAddress": "A" * 10_000_000})).encode()
    answer = post(northbank, "IDENTIFICATION", raw)
    assert answer.status_code == 413
    assert not ProviderCallback.objects.exists()


@pytest.mark.parametrize("length", ["0", "10"])
def test_ten_megabytes_are_refused_when_their_length_lies(northbank: Partner, length: str) -> None:
    """A length that lies is cut by the server, so that the signature fails; nothing is stored."""
    raw = b"A" * 10_000_000
    client = Client()
    answer = client.generic(
        "POST",
        "/callbacks/idenfy/northbank/",
        raw,
        content_type="application/json",
        CONTENT_LENGTH=length,
        headers={"Idenfy-Signature": provider.signature(northbank.callback_key, raw)},
    )
    assert answer.status_code in (401, 413)
    assert not ProviderCallback.objects.exists()


def test_the_limit_holds_while_reading(northbank: Partner) -> None:
    raw = b" " * (provider.LARGEST_BODY + 1)
    answer = Client().generic(
        "POST",
        "/callbacks/idenfy/northbank/",
        raw,
        content_type="application/json",
        CONTENT_LENGTH="",
        **{"wsgi.input": FakePayload(raw)},
    )
    assert answer.status_code in (400, 401, 413)
    assert not ProviderCallback.objects.exists()


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
