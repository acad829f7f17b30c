"""Notes: what staff tell each other, once each, readable by all of them."""

import html
import uuid
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from verifications import lifecycle, notes, vault
from verifications.models import Note, Verification

SignIn = Callable[[User], Client]


def url(it: Verification, name: str = "note") -> str:
    return reverse(f"verification_{name}", args=[it.scan_ref])


def send(client: Client, it: Verification, note: str, key: object = None) -> HttpResponse:
    return client.post(url(it), {"note": note, "request_key": key or uuid.uuid4()})


@pytest.mark.parametrize("who", ["mia", "mo", "ada"])
def test_members_and_above_write_notes(
    who: str, suspected: Verification, request: pytest.FixtureRequest, as_user: SignIn
) -> None:
    user = request.getfixturevalue(who)
    response = send(as_user(user), suspected, "Called the branch.\nThey know her.")
    assert response.status_code == 302
    note = suspected.notes.get()
    assert (note.author, vault.opened(note)) == (user, b"Called the branch.\nThey know her.")
    entry = AuditEntry.objects.get(kind=Kind.NOTED)
    assert "branch" not in entry.body


def test_a_viewer_reads_notes_and_writes_none(
    suspected: Verification, mia: User, vera: User, as_user: SignIn
) -> None:
    send(as_user(mia), suspected, "Called the branch.")
    client = as_user(vera)
    assert "Called the branch." in client.get(url(suspected, "detail")).content.decode()
    assert send(client, suspected, "Me too.").status_code == 403
    assert suspected.notes.count() == 1


def test_the_role_at_the_partner_of_the_verification_counts(
    suspected: Verification, southpay: Partner, otto: User, as_user: SignIn
) -> None:
    """Otto is Admin at Southpay, where he works now, and Viewer at Northbank."""
    factories.join(otto, suspected.partner, 10)
    client = as_user(otto)
    client.post(reverse("switch_partner"), {"partner": southpay.key, "next": "/"})
    assert send(client, suspected, "From next door.").status_code == 403
    assert not Note.objects.exists()


def test_who_no_longer_belongs_when_it_is_written_writes_no_note(
    suspected: Verification, mia: User
) -> None:
    membership = factories.membership(mia)
    mia.memberships.update(is_active=False)
    with pytest.raises(lifecycle.Gone):
        notes.write(membership, suspected, text="Late", request_key=uuid.uuid4())
    assert not Note.objects.exists()


def test_another_partners_verification_takes_no_note(
    suspected: Verification, otto: User, as_user: SignIn
) -> None:
    assert send(as_user(otto), suspected, "Hello.").status_code == 404


def test_the_same_request_twice_is_one_note(
    suspected: Verification, mia: User, as_user: SignIn
) -> None:
    key, client = uuid.uuid4(), as_user(mia)
    for _ in range(2):
        assert send(client, suspected, "Once.", key).status_code == 302
    assert suspected.notes.count() == 1
    assert AuditEntry.objects.filter(kind=Kind.NOTED).count() == 1


def test_the_same_request_with_another_text_keeps_that_text(
    suspected: Verification, mia: User, as_user: SignIn
) -> None:
    key, client = uuid.uuid4(), as_user(mia)
    send(client, suspected, "First.", key)
    response = send(client, suspected, "Second.", key)
    assert response.status_code == 409
    page = html.unescape(response.content.decode())
    assert ">Second.</textarea>" in page
    assert str(key) not in page
    assert [vault.opened(note) for note in suspected.notes.all()] == [b"First."]


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        ("", "Write something first."),
        (" \n ", "Write something first."),
        ("x" * 4001, "Use 4000 characters or fewer (now 4001)."),
        ("Kept \u202eback", "Remove the hidden character U+202E at position 6."),
        ("Bell\x07", "Remove the hidden character U+0007 at position 5."),
        ("Zero\u200bwidth", "Remove the hidden character U+200B at position 5."),
    ],
)
def test_a_note_that_cannot_stand_comes_back_with_what_was_typed(
    note: str, sentence: str, suspected: Verification, mia: User, as_user: SignIn
) -> None:
    response = send(as_user(mia), suspected, note)
    page = html.unescape(response.content.decode())
    assert response.status_code == 422
    assert sentence in page
    assert note.strip() in page
    assert not Note.objects.exists()


def test_a_note_of_4000_characters_stands(
    suspected: Verification, mia: User, as_user: SignIn
) -> None:
    assert send(as_user(mia), suspected, "é" * 4000).status_code == 302
    assert vault.opened(suspected.notes.get()).decode() == "é" * 4000


@pytest.mark.parametrize("key", ["", "7", "x" * 5000])
def test_a_damaged_form_says_so(
    key: str, suspected: Verification, mia: User, as_user: SignIn
) -> None:
    response = as_user(mia).post(url(suspected), {"note": "Kept.", "request_key": key})
    assert response.status_code == 422
    assert "This form was damaged" in response.content.decode()
    assert ">Kept.</textarea>" in response.content.decode()


def test_markup_in_a_note_is_text(suspected: Verification, mia: User, as_user: SignIn) -> None:
    client = as_user(mia)
    send(client, suspected, "<img src=x onerror=alert(1)>")
    assert "<img src=x" not in client.get(url(suspected, "detail")).content.decode()


def test_a_note_changes_neither_status_nor_revision(
    suspected: Verification, mia: User, as_user: SignIn
) -> None:
    send(as_user(mia), suspected, "Just saying.")
    before = suspected.revision, suspected.standing
    suspected.refresh_from_db()
    assert (suspected.revision, suspected.standing) == before


def test_coming_back_to_the_address_of_a_note_leads_to_the_page(
    suspected: Verification, mia: User, as_user: SignIn
) -> None:
    response = as_user(mia).get(url(suspected))
    assert response.headers["Location"] == url(suspected, "detail")


# Persian as it is spelt, and emoji of several signs.
JOINED = "او می\u200cخواهد 🙋🏽\u200d♀\ufe0f 🏳\ufe0f\u200d🌈"


def test_joined_letters_and_emoji_stand_as_they_are_written(
    suspected: Verification, ada: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    assert send(client, suspected, JOINED).status_code == 302
    typed = {"reasons": "UNDER_AGE", "message_to_applicant": JOINED, "internal_note": JOINED}
    seen = {"seen_revision": suspected.revision, "request_key": uuid.uuid4()}
    denied = client.post(reverse("verification_deny", args=[suspected.scan_ref]), typed | seen)
    assert denied.status_code == 302
    page = client.get(reverse("verification_detail", args=[suspected.scan_ref])).content.decode()
    assert page.count(JOINED) == 3
