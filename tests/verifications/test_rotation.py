"""Another master key: what was wrapped is wrapped anew, what was sealed stays as it is."""

import base64
import hashlib
import hmac
import struct
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.management import call_command

from accounts import letters, sealing
from accounts.adapter import SecondFactorAdapter
from accounts.models import Letter, Partner, User
from tests import factories
from verifications import rotation, vault
from verifications.models import DataKey, Verification, WebhookEndpoint

Receive = Callable[..., Verification]


def new_master() -> str:
    return base64.b64encode(sealing.new_key()).decode()


def turn(settings: Any) -> str:
    """Today's key becomes a former one."""
    settings.DATA_KEY_FALLBACKS = [settings.DATA_KEY, *settings.DATA_KEY_FALLBACKS]
    settings.DATA_KEY = new_master()
    return settings.DATA_KEY


def run() -> str:
    told = StringIO()
    call_command("rotate_data_key", stdout=told)
    return told.getvalue()


@pytest.fixture
def kept(receive: Receive, northbank: Partner, ada: User, settings: Any) -> list[Verification]:
    """Rows under two master keys, and today's is a third."""
    settings.DATA_KEY, settings.DATA_KEY_FALLBACKS = new_master(), []
    northbank.callback_key = "the partner's key"
    northbank.save()
    factories.endpoint(northbank, headers={"Authorization": "Bearer canary"})
    TOTP.activate(ada, generate_totp_secret())
    letters.post(ada.email, "Hello", "Hello there")
    first = [receive("01", scanRef=f"before-{number}") for number in range(3)]
    turn(settings)
    second = [receive("01", scanRef=f"between-{number}") for number in range(2)]
    turn(settings)
    return [*first, *second]


def bodies(kept: list[Verification]) -> list[bytes]:
    return [bytes(type(it.callback).objects.get(pk=it.callback_id).body.sealed) for it in kept]


def everything_opens(kept: list[Verification]) -> None:
    for it in Verification.objects.filter(pk__in=[it.pk for it in kept]):
        assert it.callback
        assert it.scan_ref.encode() in vault.opened(it.callback.body)
    assert Partner.objects.get().callback_key == "the partner's key"
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.signing_key.startswith("whsec_")
    assert endpoint.headers == {"Authorization": "Bearer canary"}
    assert Letter.objects.get().content["body"] == "Hello there"


def code_of(secret: str) -> str:
    """What an authenticator app would show."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def test_everything_opens_under_the_new_key_alone(kept: list[Verification], settings: Any) -> None:
    sealed = bodies(kept)
    told = run()
    settings.DATA_KEY_FALLBACKS = []
    everything_opens(kept)
    # Five verifications and the partner's search key; five secrets.
    assert "6 data keys and 5 secrets were wrapped anew, 0 were before" in told
    assert bodies(kept) == sealed
    assert not DataKey.objects.exclude(master=sealing.masters()[0]).exists()


def test_a_second_factor_goes_on(kept: list[Verification], settings: Any) -> None:
    factor = Authenticator.objects.get()
    secret = SecondFactorAdapter().decrypt(factor.data["secret"])
    run()
    settings.DATA_KEY_FALLBACKS = []
    factor.refresh_from_db()
    assert TOTP(factor).validate_code(code_of(secret))


def test_a_second_time_nothing_is_left(kept: list[Verification]) -> None:
    run()
    assert "0 data keys and 0 secrets were wrapped anew, 11 were before" in run()


@pytest.mark.parametrize("calls", [1, 2, 5, 8])
def test_broken_off_it_goes_on_where_it_was(
    calls: int, kept: list[Verification], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its nth wrapping: what was committed stands, the rest is done next time."""
    left = iter(range(calls))
    wrap = sealing.wrap

    def wrap_or_die(content: bytes, place: sealing.Place) -> bytes:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return wrap(content, place)

    with monkeypatch.context() as patched:
        patched.setattr(rotation, "BATCH", 2)
        patched.setattr(sealing, "wrap", wrap_or_die)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate()
    everything_opens(kept)
    run()
    settings.DATA_KEY_FALLBACKS = []
    everything_opens(kept)


def test_a_key_that_was_erased_meanwhile_stays_erased(
    kept: list[Verification], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = vault.owner_of(kept[0].partner_id, kept[0].scan_ref)
    unwrap = sealing.unwrap

    def erase_and_unwrap(wrapped: bytes, place: sealing.Place) -> bytes:
        vault.erase(gone)
        return unwrap(wrapped, place)

    monkeypatch.setattr(sealing, "unwrap", erase_and_unwrap)
    rotation.rotate()
    assert not DataKey.objects.filter(owner=gone.name).exists()


def test_what_does_not_open_is_named_and_left(
    kept: list[Verification], capsys: pytest.CaptureFixture
) -> None:
    shut = DataKey.objects.get(owner=f"scan/{kept[0].scan_ref}")
    DataKey.objects.filter(pk=shut.pk).update(wrapped=b"\x02tampered with", master="0" * 16)
    told = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("rotate_data_key", stdout=told)
    assert ended.value.code == 1
    assert f"Does not open: data key {shut.pk}" in told.getvalue()
    everything_opens(kept[1:])
