"""Every page is valid HTML, has nothing that axe objects to, and fits on every screen."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLResolver, get_resolver, resolve
from playwright.sync_api import Page, Response

from accounts.models import User
from tests import valid_html
from tests.browser import chromium
from tests.browser.conftest import Watch
from tests.browser.places import PLACES, Place, World

# Addresses that show no page of their own.
NO_PAGE = {
    "callback",
    "healthz",
    "readyz",
    "demo_inbox",
    "verification_photo",
    "audit_export",
    "verification_export_file",
    "verification_report",
    "mfa_download_recovery_codes",
    "mfa_login_webauthn",
}
POST_ONLY = {
    "switch_partner",
    "set_theme",
    "set_shortcuts",
    "verification_note",
    "verification_hold",
    "verification_release",
    "verification_reveal",
    "saved_view_replace",
    "saved_view_delete",
    "webhook_pause",
    "webhook_resume",
    "webhook_test",
    "webhook_undo_time",
    "invitation_send_again",
    "invitation_revoke",
    "team_role",
    "team_deactivate",
    "team_reactivate",
    "team_second_step",
    "team_sessions",
    "delivery_resend",
    "delivery_send_present",
}
# Those that need a second factor that is set up: seen where these are tested.
SECOND_STEPS = {
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_remove_webauthn",
    "mfa_edit_webauthn",
    "account_set_password",
}
SCREENS = [(1440, 900), (390, 844)]
WIDTHS = [360, 768, 1024, 1440, 1920]
CAST = ("ada", "amos", "mo", "vera", "otto")


@pytest.fixture
def world(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> World:
    photos = settings.STORAGES["photos"]
    place = photos["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"photos": photos | {"OPTIONS": place}}
    settings.DEMO = True
    return World({name: request.getfixturevalue(name) for name in CAST})


@pytest.fixture(scope="session")
def checker() -> Iterator[valid_html.Checker | None]:
    try:
        with valid_html.checker() as checker:
            yield checker
    except valid_html.NoChecker as problem:
        if chromium.is_required():
            pytest.fail(str(problem))
        yield None


def arrive(page: Page, place: Place, world: World) -> Response:
    """Goes there, takes the steps, and gives the last document that the server sent."""
    documents: list[Response] = []

    def keep(response: Response) -> None:
        if response.request.is_navigation_request() and response.status != 302:
            documents.append(response)

    page.on("response", keep)
    page.goto(place.resolve(world))
    if place.steps:
        place.steps(page, world)
    page.wait_for_load_state("load")
    return documents[-1]


def objections_of_axe(page: Page) -> list[str]:
    return [
        f"axe: {violation['id']} {scheme} {width} px: "
        + ", ".join(str(node["target"]) for node in violation["nodes"][:5])
        for scheme in ("light", "dark")
        for width, height in SCREENS
        for violation in _axe(page, scheme, width, height)
    ]


def _axe(page: Page, scheme: Any, width: int, height: int) -> list[dict[str, Any]]:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return violations


def widths_that_overflow(page: Page) -> list[str]:
    too_wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        taken = page.evaluate("document.scrollingElement.scrollWidth")
        if taken > width:
            too_wide.append(f"overflow: {taken} px on a screen of {width}")
    return too_wide


@pytest.mark.parametrize("name", PLACES)
def test_the_page_is_valid_accessible_and_fits(
    name: str,
    page: Page,
    world: World,
    watch: Watch,
    sign_in: Callable[[Page, User], None],
    checker: valid_html.Checker | None,
) -> None:
    place = PLACES[name]
    watch.expect(place.status)
    if place.who:
        sign_in(page, world.people[place.who])
    document = arrive(page, place, world)
    wrong = [] if document.status in (place.status, 200) else [f"answer {document.status}"]
    if checker:
        wrong += [f"HTML: {line}" for line in checker.complaints(document.body())]
    wrong += objections_of_axe(page)
    wrong += widths_that_overflow(page)
    assert not wrong, "\n".join([name, *wrong])


def names(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from names(pattern.url_patterns)
        else:
            yield pattern.name


def test_no_page_is_forgotten(world: World) -> None:
    paths = [place.resolve(world).split("?")[0] for place in PLACES.values() if place.status != 404]
    visited = {resolve(path).url_name for path in paths}
    unseen = set(names(get_resolver().url_patterns)) - visited
    assert unseen <= NO_PAGE | POST_ONLY | SECOND_STEPS
