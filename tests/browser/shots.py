"""The README's pictures, taken of a demo that runs: `make run`, then `make shots` beside it."""

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import chromium
from tests.factories import PASSWORD

ADDRESS = f"http://localhost:{os.environ.get('PORT') or 8000}"
FOLDER = Path(__file__).resolve().parent.parent.parent / "static" / "img" / "shots"
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=list(chromium.FLAGS)
        )
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(10_000)
        _sign_in(page)
        page.goto(f"{ADDRESS}/verifications/")
        page.locator("th").get_by_role("link", name="Mira Lindqvist").click()
        _take(page, "details")
        page.get_by_role("link", name="Deny").click()
        page.get_by_label("The data on the document differs").check()
        page.wait_for_timeout(1500)
        _take(page, "deny")
        browser.close()


def _sign_in(page: Page) -> None:
    page.goto(f"{ADDRESS}/accounts/login/")
    page.get_by_label("E-mail").fill("ada@northbank.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Dashboard").wait_for()


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")
    sys.stdout.write(f"static/img/shots/{name}.png\n")


if __name__ == "__main__":
    main()
