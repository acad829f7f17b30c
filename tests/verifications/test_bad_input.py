"""What is another partner's, and what is personal, comes out nowhere: in no page, in no log."""

import logging
import re
from pathlib import Path
from urllib.parse import quote_from_bytes, urlencode

import pytest
from django.conf import LazySettings

from tests import factories
from tests.fuzz import atoms
from tests.fuzz.run import Fuzz
from tests.fuzz.walk import FORM, Walker
from tests.fuzz.world import World, patterns, stay_here

# Southpay's applicant, and what only Southpay knows.
MARKS = {
    "docFirstName": "CANARYFIRST",
    "docLastName": "CANARYLAST",
    "docNumber": "CANARYNUMBER",
    "docPersonalCode": "CANARYCODE",
    "address": "CANARYADDRESS",
    "fullName": "CANARYFIRST CANARYLAST",
}
OF_SOUTHPAY = [b"CANARY", b"southpay-1", b"SOUTHPAY-ENDPOINT", b"Otto", b"southpay.example"]
OF_APPLICANTS = ["CANARY", "KITTYBABY", "TSVETOK"]
DETAIL = "verifications/<str:scan_ref>/"
LINK = re.compile(rb'href="([/?][^"]*)"')


@pytest.fixture
def world(db: None, settings: LazySettings, tmp_path: Path) -> World:
    settings.STORAGES, settings.DEMO = stay_here(str(tmp_path)), True
    made = World(MARKS)
    made.store_photos()
    return made


def crawl(walker: Walker, role: str, most: int) -> dict[str, bytes]:
    """Every address, its foreign twin, and all links found on the way; each asked once."""
    world = walker.world
    waiting = [world.path(it, is_foreign=foreign) for it in patterns() for foreign in (False, True)]
    waiting += [f"/verifications/?q={text}" for text in (*MARKS.values(), "southpay-1", "")]
    found: dict[str, bytes] = {}
    while waiting and len(found) < most:
        path = waiting.pop(0)
        if path in found:
            continue
        with walker.asked(role, "GET", path) as answer:
            head = str(sorted(answer.items())).encode()
            found[path] = head.replace(path.encode(), b"") + answer.whole
        for link in LINK.findall(answer.whole):
            target = link.decode().replace("&amp;", "&").partition("#")[0]
            waiting.append(path.partition("?")[0] + target if target[:1] == "?" else target)
    return found


def test_southpays_data_is_there_to_be_found(world: World) -> None:
    with Walker(world).asked("outsider", "GET", world.path(DETAIL, is_foreign=True)) as answer:
        assert b"CANARY" in answer.whole


@pytest.mark.slow
@pytest.mark.parametrize("role", ["admin", "viewer", "anonymous"])
def test_no_page_shows_what_is_another_partners(world: World, role: str) -> None:
    pages = crawl(Walker(world), role, 400)
    asked = ("CANARY", "southpay-1")
    hits = [
        (path, mark)
        for path, text in pages.items()
        for mark in OF_SOUTHPAY
        if mark in text and not any(word in path for word in asked)
    ]
    print(f"{role}: {len(pages)} answers, {len(hits)} canaries")
    assert len(pages) > 100
    assert not hits


@pytest.mark.slow
def test_a_search_for_another_partners_applicant_finds_nothing(world: World) -> None:
    walker = Walker(world)
    for text in MARKS.values():
        with walker.asked("admin", "GET", f"/verifications/?q={text}") as answer:
            assert walker.world.theirs.scan_ref.encode() not in answer.whole


@pytest.mark.slow
def test_no_log_line_tells_of_a_person(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for name in ("django", "django.request", "django.security"):
        logger = logging.getLogger(name)
        logger.addHandler(caplog.handler)
    walker = Walker(world)
    crawl(walker, "outsider", 150)
    fuzz = Fuzz(world, 5)
    fuzz.run(300)
    for place in ("note", "q", "login", "reasons"):
        for path in ("/accounts/login/", walker.world.path(f"{DETAIL}notes/")):
            data = f"{place}=CANARYTYPED%00".encode()
            with walker.asked("admin", "POST", path, data=data, content_type=FORM) as answer:
                assert answer.status_code < 500
    lines = [record.getMessage() for record in caplog.records]
    lines += [str(record.exc_info) for record in caplog.records if record.exc_info]
    told = [line for line in lines if any(word in line for word in OF_APPLICANTS)]
    assert lines
    assert not told


@pytest.mark.slow
def test_a_strange_text_as_reference_is_refused_or_not_there(world: World) -> None:
    walker = Walker(world)
    for text in filter(None, atoms.TEXTS):
        quoted = quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")
        for end in ("", "approve/", "undo/", "photos/FRONT/"):
            with walker.asked("admin", "POST", f"/verifications/{quoted}/{end}") as answer:
                assert answer.status_code in (400, 404, 405), text[:50]


@pytest.mark.parametrize("onward", ["abc", "٣", ".", "home/x", "//evil.example", "a" * 20_000])
def test_a_word_as_the_way_back_leads_home(world: World, onward: str) -> None:
    walker = Walker(world)
    body = urlencode({"next": onward, "theme": "dark", "partner": "northbank"}).encode()
    for place in ("theme", "shortcuts", "partner"):
        path = f"/accounts/{place}/"
        with walker.asked("admin", "POST", path, data=body, content_type=FORM) as answer:
            assert (answer.status_code, answer.get("Location")) == (302, "/")


@pytest.mark.parametrize("onward", ["abc", "٣", ".", "//evil.example", "/\\evil.example", "a b"])
def test_signing_in_leads_nowhere_else(world: World, onward: str) -> None:
    login = {"login": "ada@northbank.example", "password": factories.PASSWORD, "next": onward}
    body = urlencode(login).encode()
    walker = Walker(world)
    path = "/accounts/login/"
    with walker.asked("anonymous", "POST", path, data=body, content_type=FORM) as answer:
        assert answer.status_code == 302
        assert "evil" not in answer["Location"]
