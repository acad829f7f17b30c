"""From the list to its file, by the keyboard, with JavaScript and without."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from accounts.models import User
from verifications.models import Verification


def go_to(page: Page, name: str) -> None:
    """By Tab, and on by Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == name:
            return page.keyboard.press("Enter")
    raise AssertionError(f"{name} cannot be reached")


@pytest.mark.parametrize("either_page", ["page", "plain_page"], indirect=True)
def test_a_moderator_takes_the_filtered_list_along(
    either_page: Page,
    mo: User,
    denied: Verification,
    approved: Verification,
    sign_in: Callable[[Page, User], None],
) -> None:
    page = either_page
    sign_in(page, mo)
    page.goto("/verifications/?status=DENIED")
    go_to(page, "Export CSV")
    page.wait_for_url("**/export/?status=DENIED")
    page.get_by_text("1 verification, newest first").wait_for()
    with page.expect_download() as download:
        go_to(page, "Export CSV")
    assert download.value.suggested_filename == "verifications.csv"
    written = Path(download.value.path()).read_text(encoding="utf-8")
    assert denied.scan_ref in written
    assert approved.scan_ref not in written
    assert "End of the export: all that fit. Verifications: 1" in written
    page.get_by_text("5 exports left within a day").wait_for()
    page.reload()
    page.get_by_text("4 exports left within a day").wait_for()
