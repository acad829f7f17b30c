"""From the sign-in page to a decision, as the people of a partner go it."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from tests.browser.conftest import Watch
from tests.conftest import PASSWORD
from verifications import vault
from verifications.models import Decision, Verification
from verifications.statuses import Status

BOTH = pytest.mark.parametrize("either_page", ["page", "plain_page"], indirect=True)


def walk_to(page: Page, user: User, verification: Verification) -> None:
    """Sign in, Dashboard → ID Verifications → Verifications → the applicant's name."""
    page.goto("/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    sidebar = page.get_by_role("navigation", name="Main")
    expect(sidebar.get_by_text("ID Verifications")).to_be_visible()
    sidebar.get_by_role("link", name=re.compile("^Verifications")).click()
    expect(page.get_by_role("heading", name="Verifications", level=1)).to_be_visible()
    page.get_by_role("rowheader").get_by_role("link", name=verification.name).click()
    expect(page.get_by_role("heading", name=verification.name, level=1)).to_be_visible()


def corner(page: Page) -> Locator:
    return page.get_by_role("region", name="Decision")


def stands_in_the_bottom_right_corner(page: Page, button: Locator) -> bool:
    page.wait_for_load_state("load")  # before its style sheets are there, nothing has its place
    box, size = button.bounding_box(), page.viewport_size
    assert box and size
    return box["x"] > size["width"] / 2 and size["height"] * 0.8 < box["y"] < size["height"]


@BOTH
def test_an_admin_walks_in_and_denies(
    either_page: Page, ada: User, approved: Verification, undoable: None
) -> None:
    page = either_page
    walk_to(page, ada, approved)
    expect(page.get_by_role("heading", name="Evidence")).to_be_visible()
    deny = corner(page).get_by_role("link", name="Deny")
    assert stands_in_the_bottom_right_corner(page, deny)
    expect(corner(page).get_by_role("link", name="Approve")).to_have_count(0)
    deny.click()
    page.locator("input[name=reasons][value=DOC_FAKE]").check()
    page.get_by_label("Message to the applicant").fill("Please send a photo of your passport.")
    page.get_by_role("textbox", name="Internal note").fill("The hologram is printed.")
    page.get_by_role("button", name="Deny verification").click()
    expect(page.get_by_text("Denied by you.")).to_be_visible()
    decision = Decision.objects.get()
    assert decision.verification.status == Status.DENIED
    assert [reason.code for reason in decision.reasons.all()] == ["DOC_FAKE"]
    assert vault.texts(decision).message_to_applicant == "Please send a photo of your passport."


@BOTH
def test_an_admin_walks_in_and_approves(
    either_page: Page, ada: User, denied: Verification, undoable: None
) -> None:
    page = either_page
    walk_to(page, ada, denied)
    approve = corner(page).get_by_role("link", name="Approve")
    assert stands_in_the_bottom_right_corner(page, approve)
    expect(corner(page).get_by_role("link", name="Deny")).to_have_count(0)
    approve.click()
    page.get_by_role("button", name="Approve verification").click()
    expect(page.get_by_text("Approved by you.")).to_be_visible()
    assert Verification.objects.get().status == Status.APPROVED


@BOTH
def test_deny_without_a_reason_says_so_at_the_list_and_keeps_what_was_typed(
    either_page: Page, ada: User, approved: Verification, watch: Watch
) -> None:
    page = either_page
    watch.expect(422)
    walk_to(page, ada, approved)
    corner(page).get_by_role("link", name="Deny").click()
    page.get_by_label("Message to the applicant").fill("Typed for the applicant")
    page.get_by_role("textbox", name="Internal note").fill("Typed for us")
    page.get_by_role("button", name="Deny verification").click()
    reasons = page.get_by_role("group", name=re.compile("^Reasons"))
    expect(reasons.locator("#reasons-error")).to_be_visible()
    expect(reasons).to_have_attribute("aria-describedby", "reasons-error")
    expect(page.get_by_label("Message to the applicant")).to_have_value("Typed for the applicant")
    expect(page.get_by_role("textbox", name="Internal note")).to_have_value("Typed for us")
    assert not Decision.objects.exists()


def test_an_error_in_the_window_is_named_first_and_leads_to_its_field(
    page: Page, ada: User, approved: Verification, watch: Watch
) -> None:
    watch.expect(422)
    walk_to(page, ada, approved)
    title = page.title()
    corner(page).get_by_role("link", name="Deny").click()
    page.get_by_role("textbox", name="Internal note").fill("x" * 4001)
    page.get_by_role("button", name="Deny verification").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    assert page.title().startswith("Error: Deny")
    summary.get_by_role("link", name="Internal note").click()
    expect(page.get_by_role("textbox", name="Internal note")).to_have_value("x" * 4001)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_title(title)


def test_the_confirm_page_opens_over_the_details_and_closes_without_a_trace(
    page: Page, ada: User, approved: Verification
) -> None:
    walk_to(page, ada, approved)
    details = page.url
    deny = corner(page).get_by_role("link", name="Deny")
    deny.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.url == details
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(deny).to_be_focused()
    assert not Decision.objects.exists()


def test_a_verification_is_denied_by_the_keyboard_alone(
    page: Page, ada: User, approved: Verification, sign_in: Callable[..., None], undoable: None
) -> None:
    sign_in(page, ada)
    page.goto("/verifications/")
    tab_to(page, page.get_by_role("rowheader").get_by_role("link", name=approved.name))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=approved.name, level=1)).to_be_visible()
    tab_to(page, corner(page).get_by_role("link", name="Deny"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, page.locator("input[name=reasons]").first)
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Deny verification"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Denied by you.")).to_be_visible()
    assert Decision.objects.get().verification.status == Status.DENIED


def test_a_key_goes_to_undo_and_does_not_press_it(
    page: Page, ada: User, approved: Verification, undoable: None
) -> None:
    walk_to(page, ada, approved)
    corner(page).get_by_role("link", name="Deny").click()
    page.locator("input[name=reasons][value=DOC_FAKE]").check()
    page.get_by_role("button", name="Deny verification").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.keyboard.press("u")
    expect(undo).to_be_focused()
    page.keyboard.press("u")
    expect(undo).to_be_focused()
    assert Decision.objects.count() == 1
    page.keyboard.press("Enter")
    expect(page.get_by_text("Taken back. Nothing was sent.")).to_be_visible()


def tab_to(page: Page, goal: Locator, at_most: int = 150) -> None:
    """Presses Tab until the goal has the focus, which must be seen."""
    for _ in range(at_most):
        if goal.evaluate("it => it === document.activeElement"):
            outline = goal.evaluate("it => getComputedStyle(it).outlineStyle")
            assert outline != "none", "The focus is not to be seen"
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Not to be reached by Tab: {goal}")


@BOTH
def test_a_decision_is_taken_back(
    either_page: Page,
    ada: User,
    approved: Verification,
    undoable: None,
    sign_in: Callable[..., None],
) -> None:
    page = either_page
    sign_in(page, ada)
    page.goto(f"/verifications/{approved.scan_ref}/deny/")
    page.locator("input[name=reasons][value=DOC_FAKE]").check()
    page.get_by_role("button", name="Deny verification").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back. Nothing was sent.")).to_be_visible()
    assert Verification.objects.get().status == Status.APPROVED


@BOTH
def test_who_decides_too_late_is_told_and_keeps_the_words(
    either_page: Page,
    ada: User,
    amos: User,
    approved: Verification,
    undoable: None,
    sign_in: Callable[..., None],
    open_context: Callable[..., Any],
    watch: Watch,
) -> None:
    page, other = either_page, open_context().new_page()
    # 403: the preview while typing asks what would be sent, and nothing would be any more.
    watch.expect(403, 409)
    sign_in(page, ada)
    sign_in(other, amos)
    for one in (page, other):
        one.goto(f"/verifications/{approved.scan_ref}/deny/")
        one.locator("input[name=reasons][value=DOC_FAKE]").check()
    page.get_by_role("textbox", name="Internal note").fill("My own words")
    other.get_by_role("button", name="Deny verification").click()
    expect(other.get_by_text("Denied by you.")).to_be_visible()
    page.get_by_role("button", name="Deny verification").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Amos Reed")
    expect(page.get_by_role("textbox", name="Internal note")).to_have_value("My own words")
    assert Decision.objects.count() == 1


def test_a_conflict_stands_in_the_window_from_the_first_answer(
    page: Page,
    ada: User,
    amos: User,
    approved: Verification,
    undoable: None,
    as_user: Callable[..., Any],
    watch: Watch,
) -> None:
    watch.expect(403, 409)
    walk_to(page, ada, approved)
    corner(page).get_by_role("link", name="Deny").click()
    page.locator("input[name=reasons][value=DOC_FAKE]").check()
    page.get_by_role("textbox", name="Internal note").fill("My own words")
    address = f"/verifications/{approved.scan_ref}/deny/"
    typed = {"seen_revision": 1, "request_key": uuid.uuid4(), "reasons": "UNDER_AGE"}
    assert as_user(amos).post(address, typed).status_code == 302
    posts: list[str] = []
    pressed = page.get_by_role("button", name="Deny verification")
    page.on("request", lambda it: posts.append(it.post_data or "") if it.method == "POST" else None)
    pressed.click()
    window = page.get_by_role("dialog")
    expect(window.get_by_role("heading", level=1)).to_contain_text("Amos Reed")
    expect(window.get_by_role("textbox", name="Internal note")).to_have_value("My own words")
    assert len([post for post in posts if 'name="preview"' not in post]) == 1
    window.get_by_role("link", name="Leave it as it is").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Denied by Amos Reed.", exact=True)).to_be_visible()
    assert Decision.objects.count() == 1


@BOTH
def test_a_session_that_ends_over_the_window_decides_nothing_and_loses_nothing(
    either_page: Page, ada: User, approved: Verification, undoable: None, watch: Watch
) -> None:
    page = either_page
    watch.expect(401)
    walk_to(page, ada, approved)
    corner(page).get_by_role("link", name="Deny").click()
    page.locator("input[name=reasons][value=DOC_FAKE]").check()
    page.get_by_role("textbox", name="Internal note").fill("The hologram is printed.")
    page.context.clear_cookies(name="sid")
    page.get_by_role("button", name="Deny verification").click()
    expect(page.get_by_text("You were signed out. Nothing was done.")).to_be_visible()
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Nothing is decided yet.")).to_be_visible()
    expect(page.locator("input[name=reasons][value=DOC_FAKE]")).to_be_checked()
    assert not Decision.objects.exists()
    page.get_by_role("button", name="Deny verification").click()
    expect(page.get_by_text("Denied by you.")).to_be_visible()
    assert vault.texts(Decision.objects.get()).internal_note == "The hologram is printed."


def test_a_viewer_is_offered_nothing_and_told_why(
    page: Page, vera: User, approved: Verification
) -> None:
    walk_to(page, vera, approved)
    expect(corner(page).get_by_text("You have read access: Admins of Northbank")).to_be_visible()
    expect(corner(page).get_by_role("link", name=re.compile("^(Approve|Deny)$"))).to_have_count(0)
