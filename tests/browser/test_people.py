"""Joining a team, the second step and passkeys, as people meet them in a browser."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import LazySettings, settings
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import Invitation, Partner, User
from accounts.models.session import SessionStore
from tests import factories
from tests.browser.conftest import Watch
from tests.browser.test_journey import BOTH
from tests.conftest import PASSWORD

NIA, PHRASE = "nia@new.example", "violet-Harbour-42"
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def invite(page: Page, role: str) -> str:
    """From the sidebar to the letter; gives its link."""
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Team").click()
    page.get_by_role("link", name="Invite").click()
    page.get_by_label("E-mail").fill(NIA)
    page.get_by_label("Role").select_option(label=role)
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text(f"Invited {NIA} as {role}.")).to_be_visible()
    return factories.newest_link()


def join(page: Page, link: str, role: str) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", name="Join Northbank")).to_be_visible()
    expect(page.get_by_text(f"You are invited as {role}")).to_be_visible()
    page.get_by_label("Your name").fill("Nia Okafor")
    page.get_by_label("Password", exact=True).fill(PHRASE)
    page.get_by_label("Once more").fill(PHRASE)
    page.get_by_role("button", name="Join").click()


def set_up_the_app(page: Page) -> None:
    """As the page says it: the key is typed over, the app answers with six digits."""
    page.get_by_role("link", name="Set up").click()
    secret = page.locator(".ref code").inner_text()
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    page.get_by_label("2. Enter the six digits it shows").fill(code)
    page.get_by_role("button", name="Switch on").click()


@BOTH
def test_ada_invites_nia_who_joins_and_works(
    request: pytest.FixtureRequest,
    either_page: Page,
    ada: User,
    sign_in: Callable[..., None],
    open_context: Callable[..., Any],
    watch: Watch,
) -> None:
    page = either_page
    watch.expect(404)
    sign_in(page, ada)
    link = invite(page, "Viewer")
    runs_scripts = request.node.callspec.params["either_page"] == "page"
    other = open_context(java_script_enabled=runs_scripts).new_page()
    join(other, link, "Viewer")
    expect(other.get_by_role("navigation", name="Main")).to_be_visible()
    expect(other.get_by_role("heading", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Nia Okafor")).to_be_visible()
    page.context.clear_cookies()
    page.goto(link)
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()


@BOTH
def test_an_admin_who_joins_sets_up_the_app_first(
    either_page: Page, ada: User, northbank: Partner, settings: LazySettings
) -> None:
    page = either_page
    settings.REQUIRE_MFA = True
    factories.invitation(northbank, ada, NIA, 40)
    join(page, factories.newest_link(), "Admin")
    expect(page.get_by_text("Set up a second step first: your role requires it.")).to_be_visible()
    set_up_the_app(page)
    expect(page.get_by_text("Recovery codes").first).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Team")).to_be_visible()


@BOTH
def test_what_is_typed_for_too_long_is_not_lost(
    either_page: Page, ada: User, sign_in: Callable[..., None]
) -> None:
    page = either_page
    sign_in(page, ada)
    page.goto("/team/invite/")
    page.get_by_label("E-mail").fill(NIA)
    page.get_by_label("Role").select_option(label="Viewer")
    forget_proof(page.context)
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    assert not Invitation.objects.exists()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("definition").get_by_text(NIA)).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text(f"Invited {NIA} as Viewer.")).to_be_visible()
    assert Invitation.objects.get().email == NIA


def forget_proof(context: BrowserContext) -> None:
    name = settings.SESSION_COOKIE_NAME
    (key,) = [it["value"] for it in context.cookies() if it["name"] == name]
    session = SessionStore(key)
    del session["account_authentication_methods"]
    session.save()


@BOTH
def test_an_admin_resets_the_second_step_of_a_colleague(
    either_page: Page, ada: User, mo: User, sign_in: Callable[..., None]
) -> None:
    page = either_page
    factories.second_factor(mo)
    sign_in(page, ada)
    page.goto("/team/")
    page.get_by_role("link", name="Mo Salim").click()
    page.get_by_role("button", name="Reset second step").click()
    expect(page.get_by_text("Mo Salim must set up a second step anew")).to_be_visible()
    assert not Authenticator.objects.filter(user=mo).exists()


def test_a_passkey_is_added_and_signs_in_under_the_strict_policy(page: Page, ada: User) -> None:
    """Console, scripts and requests are watched: what the policy refuses fails the test."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    page.goto("/accounts/login/?next=/accounts/2fa/webauthn/add/")
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Name").fill("Laptop")
    page.locator("input[name=passwordless]").check()
    page.get_by_role("main").get_by_role("button", name="Add").click()
    page.get_by_text("passkey").first.wait_for()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Add a passkey")
    keys = Authenticator.objects.filter(user=ada, type=Authenticator.Type.WEBAUTHN)
    assert keys.get().wrap().name == "Laptop"
    page.context.clear_cookies()
    page.goto("/accounts/login/?next=/team/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Team", level=1)).to_be_visible()
    # A passkey is proof enough for what is sensitive.
    page.get_by_role("link", name="Invite").click()
    expect(page.get_by_role("button", name="Send the invitation")).to_be_visible()
    forget_proof(page.context)
    page.goto("/accounts/2fa/webauthn/reauthenticate/?next=/team/invite/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Send the invitation")).to_be_visible()
