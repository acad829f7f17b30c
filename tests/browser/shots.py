"""Takes the pictures of the README from the demo: `make shots`."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import urllib3
from playwright.sync_api import Page, sync_playwright

from tests.browser import chromium

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "static" / "img" / "shots"
SIZE = {"width": 1280, "height": 800}
PASSWORD = "demo-Passw0rd-2026"


@contextmanager
def demo() -> Iterator[str]:
    """A demo of its own, gone afterwards; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as data:
        environment = os.environ | {"DEMO": "1", "DATA_DIR": data, "PORT": str(port)}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "idv_dashboard.serve"]
        program = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            _wait_for(f"http://localhost:{port}/healthz")
            yield f"http://localhost:{port}"
        finally:
            program.terminate()
            program.wait()


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            urllib3.request("GET", address, retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.5)
        else:
            return


def _sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill("ada@northbank.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/")


def _walk(page: Page) -> Iterator[str]:
    """Gives a name at each place that is worth a picture."""
    page.goto("/verifications/?q=Mira+Lindqvist")
    page.get_by_role("rowheader").get_by_role("link").first.click()
    page.get_by_role("heading", name="Mira Lindqvist").wait_for()
    page.wait_for_load_state("networkidle")
    yield "details"
    page.get_by_role("link", name="Deny", exact=True).click()
    page.get_by_role("dialog").wait_for()
    yield "deny"


def main() -> None:
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        page = browser.new_page(base_url=address, viewport=SIZE, color_scheme="light")
        _sign_in(page)
        for name in _walk(page):
            page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
