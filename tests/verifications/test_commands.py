"""Bodies from disk: taken in, or signed and posted to the own machine."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Partner
from tests.conftest import BAD, SAMPLES
from verifications import vault
from verifications.models import ProviderCallback, ReviewType, Verification


def told(capsys: pytest.CaptureFixture[str], *args: Any, **options: Any) -> list[str]:
    call_command(*map(str, args), **options)
    return capsys.readouterr().out.splitlines()


def test_a_body_from_disk_becomes_a_verification(
    northbank: Partner, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = next(SAMPLES.glob("07-*"))
    assert told(capsys, "import_callbacks", sample) == [f"{sample}: stored, applied"]
    assert vault.opened(Verification.objects.get().callback.body) == sample.read_bytes()


def test_the_same_body_from_disk_again_changes_nothing(
    northbank: Partner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "import_callbacks", "01", "01") == [
        "01: stored, applied",
        "01: repeated, applied",
    ]
    assert Verification.objects.get().revision == 1


def test_all_samples_come_in_at_once(
    northbank: Partner, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(capsys, "import_callbacks", *sorted(SAMPLES.glob("*.json")))
    assert len(lines) == 26
    assert all(": stored, " in line for line in lines)
    assert Verification.objects.count() == 25


def test_a_sample_comes_in_under_its_own_event(northbank: Partner) -> None:
    call_command("import_callbacks", "15")
    assert Verification.objects.get().review_type == ReviewType.MANUAL


def test_a_given_event_wins(northbank: Partner) -> None:
    call_command("import_callbacks", "15", event="IDENTIFICATION")
    assert ProviderCallback.objects.get().event == "IDENTIFICATION"


def test_a_refused_body_is_told_with_its_stage_and_the_others_come_in(
    northbank: Partner, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="1 of 3 refused"):
        call_command("import_callbacks", "01", str(BAD / "02-not-json.bin"), "03")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{BAD / '02-not-json.bin'}: refused, parse: not JSON"
    assert Verification.objects.count() == 2


@pytest.mark.parametrize("name", ["missing.json", "0", ""])
def test_a_file_that_cannot_be_read_is_told(
    northbank: Partner, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(CommandError, match="1 of 2 refused"):
        call_command("import_callbacks", name, "01")
    assert capsys.readouterr().out.startswith(f"{name}: refused, cannot be read")
    assert Verification.objects.count() == 1


def test_a_file_larger_than_a_callback_may_be_is_refused(
    northbank: Partner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (2 * 1024 * 1024 + 1))
    with pytest.raises(CommandError, match="1 of 1 refused"):
        call_command("import_callbacks", str(large))
    assert "refused, size" in capsys.readouterr().out
    assert not ProviderCallback.objects.exists()


def test_with_several_partners_one_has_to_be_named(northbank: Partner, southpay: Partner) -> None:
    with pytest.raises(CommandError, match="--partner. Partners: northbank, southpay"):
        call_command("import_callbacks", "01")
    call_command("import_callbacks", "01", partner="southpay")
    assert Verification.objects.get().partner == southpay


def test_an_unknown_partner_takes_nothing_in(northbank: Partner) -> None:
    with pytest.raises(CommandError, match="no active partner 'eastbank'"):
        call_command("import_callbacks", "01", partner="eastbank")


@pytest.mark.django_db(transaction=True)
def test_a_sent_sample_is_signed_and_comes_in(
    live_server: Any, northbank: Partner, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    own = shutil.copy(next(SAMPLES.glob("25-*")), tmp_path / "own.json")
    assert '200 {"status": "stored"}' in told(capsys, "send_sample", own, to=live_server.url)[0]
    assert '200 {"status": "repeated"}' in told(capsys, "send_sample", own, to=live_server.url)[0]
    assert Verification.objects.get().partner == northbank


@pytest.mark.django_db(transaction=True)
def test_a_sample_goes_to_the_port_that_the_server_was_started_on(
    live_server: Any, northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", str(urlsplit(live_server.url).port))
    call_command("send_sample", "25")
    assert Verification.objects.get().partner == northbank


@pytest.mark.django_db(transaction=True)
def test_a_refused_sample_is_told_with_the_answer(live_server: Any, northbank: Partner) -> None:
    with pytest.raises(CommandError, match="400 .*parse"):
        call_command("send_sample", str(BAD / "02-not-json.bin"), to=live_server.url)


@pytest.mark.parametrize(
    "address",
    [
        "http://partner.example",
        "http://localhost.partner.example:8000",
        "http://localhost@192.0.2.1",
        "http://192.0.2.1:8000",
        "http://0.0.0.0:8000",
        "http://[2001:db8::1]/",
        "http://[::1",
        "http://localhost:99999",
        "ftp://localhost",
        "localhost:8000",
        "",
    ],
)
def test_a_sample_is_never_sent_to_another_machine(
    northbank: Partner, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("urllib3.request", lambda *args, **options: sent.append(args))
    with pytest.raises(CommandError, match="--to"):
        call_command("send_sample", "01", to=address)
    assert not sent


def test_a_server_that_does_not_answer_is_told(northbank: Partner) -> None:
    with pytest.raises(CommandError, match="Is the server running"):
        call_command("send_sample", "01", to="http://127.0.0.1:9")


def test_a_sample_for_an_unknown_partner_is_not_sent(northbank: Partner) -> None:
    with pytest.raises(CommandError, match="no partner 'eastbank'"):
        call_command("send_sample", "01", partner="eastbank")
