"""What is asked of the list every morning is saved once, and one click away from then on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from tests import factories
from tests.browser.conftest import Watch
from tests.browser.test_journey import BOTH, tab_to
from verifications.models import SavedView, Verification

SignIn = Callable[[Page, User], None]

pytestmark = pytest.mark.usefixtures("denied")


def saved(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Saved views")


@BOTH
def test_a_viewer_saves_opens_changes_renames_and_deletes_a_view(
    either_page: Page, vera: User, denied: Verification, sign_in: SignIn, watch: Watch
) -> None:
    page = either_page
    watch.expect(422)
    sign_in(page, vera)
    page.goto("/verifications/?status=DENIED&started=90d&q=Nobody")
    page.get_by_role("link", name="Save view").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Give it a name.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Every morning")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved “Every morning”.")).to_be_visible()

    page.goto("/verifications/")
    link = saved(page).get_by_role("link", name="Every morning", exact=True)
    expect(link).not_to_have_attribute("aria-current", "page")
    link.click()
    expect(link).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("rowheader").get_by_role("link", name=denied.name)).to_be_visible()

    page.goto("/verifications/?status=DENIED&started=30d")
    page.get_by_role("link", name="Save view").click()
    page.get_by_label("Or update one of your views").select_option("Every morning")
    page.get_by_role("button", name="Update").click()
    expect(link).to_have_attribute("aria-current", "page")
    assert SavedView.objects.get().query == "started=30d&status=DENIED"

    saved(page).get_by_role("link", name="Edit Every morning").click()
    page.get_by_label("Name", exact=True).fill("Denied, 30 days")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("Saved “Denied, 30 days”.")).to_be_visible()
    saved(page).get_by_role("link", name="Edit Denied, 30 days").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_text("Deleted “Denied, 30 days”.")).to_be_visible()
    expect(saved(page)).to_have_count(0)
    assert not SavedView.objects.exists()


def test_a_view_is_saved_and_opened_by_the_keyboard_alone(
    page: Page, vera: User, sign_in: SignIn
) -> None:
    sign_in(page, vera)
    page.goto("/verifications/?status=DENIED")
    save = page.get_by_role("link", name="Save view")
    tab_to(page, save)
    page.keyboard.press("Enter")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    page.keyboard.press("Escape")
    expect(save).to_be_focused()
    page.keyboard.press("Enter")
    expect(name).to_be_focused()
    page.keyboard.type("Denied")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved “Denied”.")).to_be_visible()
    page.goto("/verifications/")
    tab_to(page, saved(page).get_by_role("link", name="Denied"))
    page.keyboard.press("Enter")
    expect(saved(page).locator("[aria-current=page]")).to_have_text("Denied")


def test_many_long_names_do_not_widen_a_narrow_page(
    page: Page, vera: User, sign_in: SignIn
) -> None:
    for number in range(20):
        factories.saved_view(vera, f"{number} {'w' * 50}", f"tag=T{number}")
    sign_in(page, vera)
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/verifications/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
