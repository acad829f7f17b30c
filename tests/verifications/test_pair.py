"""Two pictures next to each other: which ones, how they are changed, and that it is a look."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Kind, User
from verifications.models import Photo, PhotoState, Verification

SignIn = Callable[[User], Client]
LABELS = {"FRONT": "Document front", "BACK": "Document back", "FACE": "Selfie"}


def url(it: Verification, name: str = "photos") -> str:
    return reverse(f"verification_{name}", args=[it.scan_ref])


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def shown(response: Any) -> list[str]:
    return re.findall(r"<figcaption>\s*<b>([^<]+)</b>", text(response))


def links(response: Any, mark: str) -> list[str]:
    return re.findall(rf'href="([^"]*)"[^>]*{mark}', text(response))


def looks() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind=Kind.VIEWED))


@pytest.fixture
def stored(suspected: Verification) -> Verification:
    """With its three pictures."""
    suspected.photos.update(state=PhotoState.STORED, file_name="1", content_type="image/jpeg")
    return suspected


def test_the_front_stands_beside_the_selfie(
    stored: Verification, vera: User, as_user: SignIn
) -> None:
    assert shown(as_user(vera).get(url(stored))) == ["Document front", "Selfie"]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["BACK", "FACE"], ["Document back", "Selfie"]),
        (["FRONT", "BACK"], ["Document front", "Document back"]),
        (["FACE"], ["Selfie"]),
        (["FRONT"], ["Document front"]),
        ([], []),
    ],
)
def test_where_one_is_missing_what_there_is_is_shown(
    there: list[str], expected: list[str], stored: Verification, ada: User, as_user: SignIn
) -> None:
    stored.photos.exclude(kind__in=there).delete()
    page = as_user(ada).get(url(stored))
    assert shown(page) == expected
    assert ("No other picture" in text(page)) == (len(there) == 1)
    assert ("No pictures came" in text(page)) == (not there)


def test_a_stored_document_goes_before_one_that_is_not(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    stored.photos.filter(kind="FRONT").update(state=PhotoState.FAILED, why="Answer 404.")
    assert shown(as_user(ada).get(url(stored))) == ["Document back", "Selfie"]


def test_a_picture_that_is_not_stored_says_why_and_is_not_a_look_at_it(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    stored.photos.filter(kind="FACE").update(state=PhotoState.FAILED, why="Answer 404.")
    page = as_user(ada).get(url(stored))
    assert "Could not be fetched. Answer 404." in text(page)
    assert [entry.facts["photos"] for entry in looks()] == [["FRONT"]]


def test_each_page_is_a_look_at_the_pictures_on_it(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    client.get(url(stored))
    client.get(f"{url(stored)}?show=BACK&show=BACK")
    photos = [entry.facts["photos"] for entry in sorted(looks(), key=lambda it: it.at)]
    assert photos == [["FACE", "FRONT"], ["BACK"]]


def test_either_picture_is_changed_by_a_link_and_keeps_its_turn(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    page = client.get(f"{url(stored)}?turn=FACE:90")
    queries = re.findall(r'<a href="\?([^"]+)"( aria-current="true")?>([^<]+)</a>', text(page))
    assert [label for _, _, label in queries] == [*LABELS.values()] * 2
    assert [label for _, current, label in queries if current] == ["Document front", "Selfie"]
    first, second = queries[1][0], queries[4][0]
    assert shown(client.get(f"{url(stored)}?{first}")) == ["Document back", "Selfie"]
    assert shown(client.get(f"{url(stored)}?{second}")) == ["Document front", "Document back"]
    assert first == "show=BACK&show=FACE&turn=FACE%3A90"


def test_each_picture_turns_by_a_link_and_the_other_stays(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    page = as_user(ada).get(f"{url(stored)}?show=BACK&show=FACE&turn=FACE:270")
    assert text(page).count("data-turn=") == 1
    assert links(page, "data-rotate") == [
        "?show=BACK&show=FACE&turn=FACE%3A270&turn=BACK%3A90",
        "?show=BACK&show=FACE",
    ]


def test_what_was_turned_comes_along_and_back(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    details = client.get(f"{url(stored, 'detail')}?turn=FRONT:90")
    (there,) = links(details, "data-pair")
    assert there == f"{url(stored)}?turn=FRONT%3A90"
    (back,) = links(client.get(there), "data-cancel")
    assert back == f"{url(stored, 'detail')}?turn=FRONT%3A90#evidence"


def test_one_picture_alone_is_offered_no_other(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    stored.photos.exclude(kind="FACE").update(state=PhotoState.FAILED)
    assert "data-pair" not in text(as_user(ada).get(url(stored, "detail")))


@pytest.mark.parametrize(
    "query",
    [
        "show=FRONT",
        "show=FRONT&show=NEVER",
        "show=FRONT&show=BACK&show=FACE",
        "show=&show=FACE",
        "show=front&show=FACE",
        "show=%00&show=FACE",
        "turn=FRONT:45",
        "turn=NEVER:90",
        "show=FRONT&show=FACE&turn=FRONT",
    ],
)
def test_a_pair_that_cannot_be_understood_is_refused_and_no_look(
    query: str, stored: Verification, ada: User, as_user: SignIn
) -> None:
    response = as_user(ada).get(f"{url(stored)}?{query}")
    assert response.status_code == 400
    assert "<figure" not in text(response)
    assert not looks()


def test_a_kind_that_is_not_known_yet_can_be_chosen(
    stored: Verification, ada: User, as_user: SignIn
) -> None:
    Photo.objects.filter(verification=stored, kind="BACK").update(kind="STEP/1 ä?&")
    client = as_user(ada)
    query = re.findall(r'href="\?([^"]+)"', text(client.get(url(stored))))[2]
    assert shown(client.get(f"{url(stored)}?{query}")) == ["STEP/1 ä?&", "Selfie"]
