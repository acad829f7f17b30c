"""Pictures large over the page, alone and side by side: by keyboard, by mouse, without script."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from tests import factories
from tests.browser.conftest import Watch
from tests.browser.test_journey import tab_to
from verifications.models import Verification

SIZES = {"FRONT": (1600, 1000), "BACK": (80, 50), "FACE": (400, 500)}


@pytest.fixture
def pictured(suspected: Verification, settings: Any, tmp_path: Path) -> Verification:
    """Its pictures: larger than the window, very small, and upright."""
    photos = settings.STORAGES["photos"]
    place = photos["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"photos": photos | {"OPTIONS": place}}
    for kind, size in SIZES.items():
        photo = suspected.photos.get(kind=kind)
        photo.width, photo.height = size
        factories.store(photo, factories.jpeg(size=size))
    return suspected


@pytest.fixture
def details(page: Page, ada: User, pictured: Verification, sign_in: Callable[..., None]) -> Page:
    sign_in(page, ada)
    page.goto(f"/verifications/{pictured.scan_ref}/")
    page.wait_for_load_state("networkidle")
    return page


def side(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog").get_by_role("group", name=name)


def stage(page: Page, name: str) -> Locator:
    return side(page, name).locator(".viewer-stage")


def box(of: Locator) -> tuple[float, float, float, float]:
    found = of.bounding_box()
    assert found
    return found["x"], found["y"], found["width"], found["height"]


def size(page: Page, name: str) -> tuple[int, int]:
    """As it is drawn, once it is there."""
    picture = stage(page, name).get_by_role("img", name=name)
    expect(picture).to_have_js_property("complete", True)
    _, _, width, height = box(picture)
    return round(width), round(height)


def room(page: Page, name: str) -> tuple[int, int]:
    found: list[int] = stage(page, name).evaluate("it => [it.clientWidth, it.clientHeight]")
    return found[0], found[1]


@pytest.mark.parametrize("window", [(1440, 900), (900, 1100), (390, 844)])
def test_a_picture_opens_as_large_as_the_window_whatever_its_own_size(
    details: Page, window: tuple[int, int]
) -> None:
    details.set_viewport_size({"width": window[0], "height": window[1]})
    details.get_by_role("link", name="Zoom: Document front").click()
    for name, (width, height) in zip(
        ("Document front", "Document back", "Selfie"), SIZES.values(), strict=True
    ):
        across, down = room(details, name)
        fitting = min(across / width, down / height, 4)
        drawn = size(details, name)
        assert drawn == pytest.approx((width * fitting, height * fitting), abs=1)
        details.keyboard.press("ArrowRight")


def test_next_and_previous_go_round_and_say_where_one_is(details: Page) -> None:
    details.get_by_role("link", name="Document front", exact=True).click()
    expect(side(details, "Document front")).to_contain_text("1 of 3")
    details.keyboard.press("ArrowLeft")
    expect(side(details, "Selfie")).to_contain_text("3 of 3")
    details.get_by_role("button", name="Next picture").click()
    details.get_by_role("button", name="Next picture").click()
    expect(side(details, "Document back")).to_contain_text("2 of 3")
    expect(details.get_by_role("dialog").get_by_role("img")).to_have_count(1)


def test_what_is_larger_moves_by_the_arrows_and_fits_again(details: Page) -> None:
    details.keyboard.press("z")
    fitted = size(details, "Document front")
    for key, times in (("+", 1.4), ("z", 1.96), ("-", 1.4), ("=", 1.96)):
        details.keyboard.press(key)
        assert size(details, "Document front")[0] == pytest.approx(fitted[0] * times, rel=0.01)
    it = stage(details, "Document front")
    left = it.evaluate("it => it.scrollLeft")
    middle = it.evaluate("it => (it.scrollWidth - it.clientWidth) / 2")
    assert left == pytest.approx(middle, abs=2)
    details.keyboard.press("ArrowRight")
    assert it.evaluate("it => it.scrollLeft") > left
    expect(side(details, "Document front")).to_be_visible()
    details.keyboard.press("0")
    assert size(details, "Document front") == fitted
    expect(details.get_by_role("button", name="Smaller")).to_be_disabled()


def test_the_wheel_enlarges_towards_the_pointer_and_a_mouse_drags(details: Page) -> None:
    details.keyboard.press("z")
    picture = stage(details, "Document front").get_by_role("img")
    size(details, "Document front")
    left, top, width, height = box(picture)
    point = left + width * 0.8, top + height * 0.3
    details.mouse.move(*point)
    details.mouse.wheel(0, -400)
    expect(stage(details, "Document front")).to_have_attribute("data-larger", "")
    left, top, wider, higher = box(picture)
    assert wider > width * 2
    there = (point[0] - left) / wider, (point[1] - top) / higher
    assert there == pytest.approx((0.8, 0.3), abs=0.01)
    details.mouse.down()
    details.mouse.move(point[0] - 50, point[1] + 30)
    details.mouse.up()
    assert box(picture)[:2] == pytest.approx((left - 50, top + 30), abs=1)


def test_a_click_enlarges_and_another_fits_again(details: Page) -> None:
    details.get_by_role("link", name="Selfie", exact=True).click()
    fitted = size(details, "Selfie")
    for larger in (True, False):
        stage(details, "Selfie").get_by_role("img").click()
        assert (size(details, "Selfie") > fitted) == larger


def test_a_turn_stays_on_the_page_and_is_there_again(details: Page) -> None:
    details.get_by_role("link", name="Zoom: Selfie").click()
    upright = size(details, "Selfie")
    details.keyboard.press("r")
    width, height = size(details, "Selfie")
    assert upright[0] < upright[1]
    assert width > height
    details.keyboard.press("Escape")
    thumbnail = details.locator("figure.shot-selfie")
    expect(thumbnail).to_have_attribute("data-turn", "90")
    details.get_by_role("link", name="Zoom: Selfie").click()
    assert size(details, "Selfie") == (width, height)


@pytest.mark.parametrize("name", ["Zoom: Document back", "Side by side"])
def test_the_focus_comes_back_to_where_it_was(details: Page, name: str) -> None:
    link = details.locator("main").get_by_role("link", name=name)
    tab_to(details, link)
    details.keyboard.press("Enter")
    expect(details.get_by_role("dialog").locator(".viewer-stage").first).to_be_focused()
    details.keyboard.press("ArrowRight")
    details.keyboard.press("Escape")
    expect(details.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()


def test_document_and_selfie_are_compared_by_the_keyboard_alone(details: Page) -> None:
    details.keyboard.press("c")
    front, selfie = size(details, "Document front"), size(details, "Selfie")
    expect(stage(details, "Document front")).to_be_focused()
    tab_to(details, stage(details, "Selfie"))
    details.keyboard.press("+")
    assert size(details, "Selfie")[0] > selfie[0]
    assert size(details, "Document front") == front
    details.keyboard.press("r")
    width, height = size(details, "Selfie")
    assert width > height
    tab_to(details, side(details, "Document front").get_by_role("button", name="Next picture"))
    details.keyboard.press("Enter")
    assert size(details, "Document back") == (320, 200)
    expect(side(details, "Selfie")).to_be_visible()
    details.keyboard.press("c")
    expect(side(details, "Selfie")).to_have_count(0)
    expect(side(details, "Document back")).to_contain_text("2 of 3")
    details.keyboard.press("c")
    assert size(details, "Selfie")[0] > size(details, "Selfie")[1]
    details.keyboard.press("Escape")
    expect(details.get_by_role("dialog")).to_have_count(0)


def test_what_stays_alone_is_what_was_in_focus(details: Page) -> None:
    details.keyboard.press("c")
    tab_to(details, stage(details, "Selfie"))
    details.keyboard.press("c")
    expect(side(details, "Selfie")).to_have_count(1)
    expect(stage(details, "Selfie")).to_be_focused()


@pytest.mark.parametrize(("width", "is_beside"), [(1440, True), (390, False)])
def test_on_a_narrow_window_one_is_above_the_other(
    details: Page, width: int, is_beside: bool
) -> None:
    details.set_viewport_size({"width": width, "height": 844})
    details.keyboard.press("c")
    first, second = box(side(details, "Document front")), box(side(details, "Selfie"))
    assert (first[1] == second[1]) == is_beside
    assert (first[0] == second[0]) != is_beside


def test_a_picture_that_does_not_come_says_so(details: Page, watch: Watch) -> None:
    watch.expect(404)
    details.route("**/photos/BACK/", lambda route: route.fulfill(status=404))
    details.reload()
    details.wait_for_load_state("networkidle")
    details.keyboard.press("z")
    details.keyboard.press("ArrowRight")
    told = details.get_by_role("dialog").get_by_role("status")
    expect(told).to_have_text("Document back: the picture could not be loaded.")
    expect(details.get_by_role("dialog").get_by_role("img")).to_have_count(0)
    details.keyboard.press("ArrowRight")
    size(details, "Selfie")


def test_one_picture_alone_has_no_next(details: Page, pictured: Verification) -> None:
    pictured.photos.exclude(kind="FACE").delete()
    details.reload()
    details.wait_for_load_state("networkidle")
    details.keyboard.press("z")
    expect(side(details, "Selfie")).to_contain_text("1 of 1")
    for name in ("Next picture", "Previous picture", "Side by side"):
        expect(details.get_by_role("button", name=name)).to_have_count(0)
    details.keyboard.press("ArrowRight")
    expect(side(details, "Selfie")).to_be_visible()


def test_pictures_are_compared_without_script(
    plain_page: Page, ada: User, pictured: Verification, sign_in: Callable[..., None]
) -> None:
    page = plain_page
    sign_in(page, ada)
    page.goto(f"/verifications/{pictured.scan_ref}/?turn=FACE:90")
    page.get_by_role("link", name="Side by side").click()
    second = page.get_by_role("region", name="Second picture")
    expect(second.get_by_role("link", name="Selfie", exact=True).first).to_have_attribute(
        "aria-current", "true"
    )
    second.get_by_role("link", name="Document back").first.click()
    for name, kind in (("First picture", "FRONT"), ("Second picture", "BACK")):
        region = page.get_by_role("region", name=name)
        picture, frame = region.get_by_role("img"), region.locator(".shot-frame")
        expect(picture).to_have_js_property("naturalWidth", SIZES[kind][0])
        assert box(picture)[2:] == pytest.approx(box(frame)[2:], abs=3)
        assert picture.evaluate("it => getComputedStyle(it).objectFit") == "contain"
    second.get_by_role("link", name="Rotate: Document back").click()
    picture, frame = second.get_by_role("img"), second.locator(".shot-frame")
    expect(second.locator("figure")).to_have_attribute("data-turn", "90")
    assert box(picture) == pytest.approx(box(frame), abs=3)
    page.get_by_role("link", name="Back", exact=True).click()
    expect(page.locator("figure[data-turn]")).to_have_count(2)
