"""The demo: whole, the same each time, and plainly not of real people."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse
from PIL import Image

from accounts.models import Invitation, Membership, Partner, User
from tests.conftest import PASSWORD
from verifications import evidence, vault
from verifications.callbacks import provider
from verifications.demo import bodies, history, mrz, people, specimens
from verifications.models import (
    CallbackBody,
    Decision,
    Photo,
    PhotoState,
    ProviderCallback,
    Verification,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.statuses import NEEDS_DECISION, Action, Standing, Status

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALWAYS = {
    "northbank": [
        ("Alma Veske", Standing(Status.APPROVED, False)),
        ("Jonas Okoro", Standing(Status.DENIED, False)),
        ("Mira Lindqvist", NEEDS_DECISION),
        ("Tomasz Wolny", Standing(Status.REVIEWING, False)),
        ("Inés Duarte", Standing(Status.EXPIRED, False)),
    ],
    "southpay": [
        ("Priya Nair", Standing(Status.APPROVED, False)),
        ("Leo Brandt", Standing(Status.DENIED, False)),
    ],
    "eastcredit": [
        ("Hana Sato", Standing(Status.APPROVED, False)),
        ("Omar Haddad", Standing(Status.DENIED, False)),
    ],
}


@pytest.fixture(scope="module")
def seeded(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The demo, written once for the tests of this file and taken back after them."""
    folder = tmp_path_factory.mktemp("photos")
    photos = {"BACKEND": django_settings.STORAGES["photos"]["BACKEND"]}
    kept = {**django_settings.STORAGES, "photos": {**photos, "OPTIONS": {"location": folder}}}
    with (
        override_settings(DEMO=True, STORAGES=kept),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        call_command("seed_demo", verbosity=0)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def demo(seeded: None, db: None) -> None:
    """Stands for the seeded database in a test of its own."""


def test_the_demo_is_refused_where_it_was_not_asked_for(db: None) -> None:
    with override_settings(DEMO=False), pytest.raises(CommandError, match="DEMO=1"):
        call_command("seed_demo")
    assert not Partner.objects.exists()


def test_the_demo_never_mixes_with_somebodys_data(southpay: Partner) -> None:
    with override_settings(DEMO=True), pytest.raises(CommandError, match="in use"):
        call_command("seed_demo")
    assert list(Partner.objects.all()) == [southpay]


def test_the_history_is_the_same_on_every_day_but_for_the_days() -> None:
    def told(now: datetime) -> list[tuple[Any, ...]]:
        rows = [it for key in history.SHARES for it in history.attempts(key, now)]
        return [(it.scan_ref, it.sample, it.applicant, it.seconds, it.status) for it in rows]

    assert told(NOW) == told(NOW) == told(NOW + timedelta(days=3, hours=5))
    assert len(told(NOW)) == len({scan_ref for scan_ref, *_ in told(NOW)}) == 1000


def test_nothing_in_the_history_is_of_the_future_or_too_old() -> None:
    for key in history.SHARES:
        rows = history.attempts(key, NOW)
        assert max(row.finished_at for row in rows) < NOW
        assert min(row.started_at for row in rows) > NOW - timedelta(days=61)


def test_two_of_one_day_at_the_same_moment_give_the_same_bytes() -> None:
    rows, again = history.attempts("southpay", NOW), history.attempts("southpay", NOW)
    assert [bodies.raw(row) for row in rows] == [bodies.raw(row) for row in again]


@pytest.mark.parametrize("sample", [key for kinds in history.SAMPLES.values() for key in kinds])
def test_no_person_of_a_sample_is_left_in_a_body(sample: str) -> None:
    rows = [row for key in history.SHARES for row in history.attempts(key, NOW)]
    row = next(row for row in rows if row.sample == sample and row.applicant.seed > 110)
    text = bodies.raw(row).decode()
    assert provider.read(text.encode(), row.event)["scanRef"] == row.scan_ref
    original = json.loads(next((provider.WIRE / "samples").glob(f"{sample}-*")).read_text())
    assert original["scanRef"] not in text
    if number := original["data"]["docNumber"]:
        assert f'"{number}"' not in text
        assert f'"{original["data"]["fullName"]}"' not in text


def test_check_digits_are_those_of_the_standards_own_example() -> None:
    zone = mrz.Zone(
        "Eriksson",
        "Anna Maria",
        "L898902C3",
        "ZE184226B",
        date(1974, 8, 12),
        "F",
        date(2012, 4, 15),
    )
    assert mrz.passport(zone) == [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ]
    zone = zone._replace(number="D23145890", personal_code="", expires_on=date(2012, 4, 15))
    assert mrz.card(zone) == [
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ]


def test_any_latin_name_fits_the_zone() -> None:
    assert mrz.plain("Þórgunnhildur Łąkowska-Großmär Işılay O’Bréag ʻole") == (
        "THORGUNNHILDUR LAKOWSKA GROSSMAR ISILAY OBREAG OLE"
    )


def test_a_photo_is_the_same_each_time_and_marked() -> None:
    row = history.attempts("southpay", NOW)[-1]
    for kind, size in (("FRONT", (640, 400)), ("BACK", (640, 400)), ("FACE", (400, 500))):
        photo = specimens.draw(kind, row, "ID_CARD")
        assert (photo.width, photo.height) == size == Image.open(io.BytesIO(photo.raw)).size
        assert photo.raw == specimens.draw(kind, row, "ID_CARD").raw


def test_the_mark_crosses_the_whole_picture() -> None:
    marked = Image.new("RGB", (640, 400), "white")
    specimens._stamp(marked)
    wide = marked.convert("L").point(lambda value: 255 * (value < 250)).getbbox()
    assert wide[2] - wide[0] > 480
    assert wide[3] - wide[1] > 300


@pytest.mark.slow
def test_a_second_run_changes_nothing_and_says_so(
    demo: None, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(Verification.objects.values_list("pk", "revision"))
    call_command("seed_demo")
    assert "nothing was changed" in capsys.readouterr().out
    assert list(Verification.objects.values_list("pk", "revision")) == before


@pytest.mark.slow
def test_a_thousand_verifications_come_in_through_the_intake(demo: None) -> None:
    assert Verification.objects.count() == 1000
    assert Verification.objects.filter(partner__key="northbank").count() > 800
    assert ProviderCallback.objects.filter(outcome="applied").count() == 1000
    assert not ProviderCallback.objects.exclude(notice="").exists()


@pytest.mark.slow
def test_the_shares_are_those_of_a_usual_partner(demo: None) -> None:
    rows = Verification.objects
    assert 0.68 < rows.filter(status=Status.APPROVED, suspected=False).count() / 1000 < 0.78
    assert 0.1 < rows.filter(status=Status.DENIED).count() / 1000 < 0.15
    assert 0.07 < rows.filter(status=Status.EXPIRED).count() / 1000 < 0.1
    assert 5 < rows.filter(status=Status.REVIEWING).count() < 15
    assert rows.filter(partner__key="northbank").needs_decision().count() == 14


@pytest.mark.slow
@pytest.mark.parametrize("key", ALWAYS)
def test_the_named_applicants_are_the_newest_of_their_partner(demo: None, key: str) -> None:
    newest = Verification.objects.filter(partner__key=key)[: len(ALWAYS[key])]
    assert [(row.name, row.standing) for row in newest] == ALWAYS[key]
    assert not any(row.decision_id for row in newest)


@pytest.mark.slow
def test_jonas_has_a_forged_document_and_mira_another_name(demo: None) -> None:
    assert Verification.objects.get(name="Jonas Okoro").auto_document == "DOC_FAKE"
    mira = Verification.objects.get(name="Mira Lindqvist")
    assert [tag.code for tag in mira.tags.all()] == ["NAME"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "letters", ["ąž", "Цв", "Εφ", "نور", "בד", "歐陽", "架空", "가상", "สม"], ids=lambda it: it
)
def test_names_come_in_many_scripts(demo: None, letters: str) -> None:
    bodies = CallbackBody.objects.select_related("callback")
    texts = [vault.opened(body).decode() for body in bodies]
    blocks = {letter.encode("utf-16-be")[0] for letter in letters}
    told = {sign.encode("utf-16-be")[0] for text in texts for sign in text}
    assert blocks <= told


@pytest.mark.slow
def test_staff_decided_about_sixty(demo: None) -> None:
    decided = Decision.objects.all()
    assert 50 <= decided.count() <= 70
    assert {it.actor.email for it in decided} == {
        "ada@northbank.example",
        "amos@northbank.example",
        "otto@southpay.example",
    }
    denials = decided.filter(action=Action.DENY, partner__key="northbank")
    assert denials.count() > 15
    assert all(it.reasons.exists() and vault.texts(it).message_to_applicant for it in denials)
    others = decided.filter(reasons__code="OTHER")
    assert all(vault.texts(it).internal_note for it in others)


@pytest.mark.slow
def test_the_history_is_not_sent(demo: None) -> None:
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.partner.key == "northbank"
    assert endpoint.address == "http://localhost:8000/demo/receiver/inbox/"
    assert endpoint.signing_key == people.SIGNING_KEY
    assert not WebhookDelivery.objects.exists()


@pytest.mark.slow
def test_every_photo_is_there(demo: None) -> None:
    drawn = Photo.objects.filter(kind__in=bodies.KINDS)
    assert drawn.count() > 2000
    assert not drawn.exclude(state=PhotoState.STORED).exists()
    assert not Photo.objects.filter(state=PhotoState.WAITING).exists()
    photo = Photo.objects.filter(verification__name="Alma Veske", kind="FRONT").get()
    stored = Image.open(io.BytesIO(evidence.picture(photo) or b""))
    assert (photo.width, photo.height) == stored.size
    assert len(set(drawn.values_list("file_name", flat=True))) == drawn.count()


@pytest.mark.slow
def test_partners_and_people_are_those_of_the_readme(demo: None) -> None:
    facts = Partner.objects.values_list("key", "plan", "pricing_model", "may_approve", "may_deny")
    assert set(facts) == {
        ("northbank", "PREMIUM", "CHARGE_PER_COMPLETED", True, True),
        ("southpay", "ENTERPRISE", "CHARGE_PER_APPROVED", True, True),
        ("eastcredit", "BASIC", "CHARGE_PER_COMPLETED", False, False),
    }
    assert set(Membership.objects.values_list("user__email", "partner__key", "role__rank")) == {
        ("ada@northbank.example", "northbank", 40),
        ("amos@northbank.example", "northbank", 40),
        ("mo@northbank.example", "northbank", 30),
        ("mia@northbank.example", "northbank", 20),
        ("vera@northbank.example", "northbank", 10),
        ("otto@southpay.example", "southpay", 40),
        ("elsa@eastcredit.example", "eastcredit", 40),
    }
    assert all(user.check_password(PASSWORD) for user in User.objects.all())
    sue = User.objects.get(email="sue@support.example")
    assert sue.is_staff
    assert [group.name for group in sue.groups.all()] == ["Support"]
    assert not sue.is_superuser


@pytest.mark.slow
def test_anybody_can_play_the_provider(demo: None) -> None:
    raw = Path(next((provider.WIRE / "samples").glob("01-*"))).read_bytes()
    answer = Client().post(
        reverse("callback", args=["northbank"]),
        raw,
        content_type="application/json",
        headers={"Idenfy-Signature": provider.signature("demo-callback-key", raw)},
    )
    assert answer.json() == {"status": "stored"}


def test_the_receiver_is_found_under_a_new_port(
    northbank: Partner, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = True
    endpoint = people.listen(northbank, 8000)
    monkeypatch.setenv("PORT", "8123")
    call_command("seed_demo", follow=True)
    endpoint.refresh_from_db()
    assert endpoint.address == "http://localhost:8123/demo/receiver/inbox/"


def test_northbank_has_one_open_invitation(demo: None) -> None:
    invitation = Invitation.objects.get()
    assert (invitation.partner.key, invitation.email) == ("northbank", "nia@northbank.example")
    assert invitation.invited_by.email == "ada@northbank.example"
    assert (invitation.role.rank, invitation.accepted_at) == (20, None)
