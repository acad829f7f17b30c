"""Support at work in a real browser: the contract of a partner, and every page on the way."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts import rights
from accounts.models import Partner, User
from tests import factories, valid_html
from tests.browser.conftest import Watch
from tests.browser.test_pages import checker, objections_of_axe, widths_that_overflow
from verifications.callbacks import intake

__all__ = ["checker"]
SignIn = Callable[[Page, User], None]
LISTS = (
    "",
    "accounts/auditentry/",
    "accounts/membership/",
    "accounts/membership/add/",
    "accounts/partner/",
    "accounts/rightsrequest/",
    "verifications/providercallback/?show=all",
    "verifications/rejectionreason/add/",
    "verifications/rejectionreason/1/change/",
    "verifications/rejectionreason/1/delete/",
    "verifications/verification/",
)
ROWS = (
    "accounts/partner/{partner}/change/",
    "accounts/partner/{partner}/history/",
    "accounts/partner/{partner}/new-key/",
    "accounts/rightsrequest/{rights}/change/",
    "accounts/user/{user}/change/",
    "accounts/user/{user}/second-step/",
    "verifications/providercallback/{callback}/change/",
    "verifications/verification/{verification}/change/",
)


@pytest.mark.parametrize("either_page", ["page", "plain_page"], indirect=True)
def test_support_sees_who_loses_deny_and_saves(
    either_page: Page, sign_in: SignIn, sue: User, ada: User, northbank: Partner
) -> None:
    page = either_page
    sign_in(page, sue)
    page.goto("/admin/")
    page.get_by_role("link", name="Partners", exact=True).click()
    page.get_by_role("link", name="Northbank", exact=True).click()
    page.get_by_label("May deny").uncheck()
    page.get_by_role("button", name="Show what changes").click()
    row = page.get_by_role("row").filter(has_text="Ada Lind")
    expect(row).to_contain_text("loses Deny")
    page.get_by_label("Reason").fill("Their contract ended in October.")
    page.get_by_role("button", name="Save these changes").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    northbank.refresh_from_db()
    assert not northbank.may_deny


@pytest.mark.parametrize("either_page", ["page", "plain_page"], indirect=True)
def test_two_superusers_make_somebody_support(
    either_page: Page, sign_in: SignIn, mo: User, watch: Watch
) -> None:
    page = either_page
    root, rita = map(factories.superuser, ("Root", "Rita"))
    sign_in(page, root)
    page.goto(f"/admin/accounts/user/{mo.pk}/change/")
    page.get_by_label("Support", exact=True).first.check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("another superuser must confirm")).to_be_visible()
    sign_in(page, rita)
    page.goto(f"/admin/accounts/user/{mo.pk}/change/")
    page.get_by_role("link", name="Look at the proposal").click()
    assert not rights.of(User.objects.get(pk=mo.pk))
    page.get_by_role("button", name="Confirm: grant these rights").click()
    expect(page.get_by_text("Confirmed: the rights are in force.")).to_be_visible()
    assert rights.of(User.objects.get(pk=mo.pk)) == rights.Rights(is_staff=True)


@pytest.mark.parametrize("address", [*LISTS, *ROWS])
def test_a_page_of_support_is_valid_accessible_and_fits(
    address: str,
    page: Page,
    sign_in: SignIn,
    sue: User,
    ada: User,
    mo: User,
    northbank: Partner,
    watch: Watch,
    checker: valid_html.Checker | None,  # noqa: F811
) -> None:
    factories.endpoint(northbank)
    shown = intake.receive(northbank, *factories.sample("01")).callback
    waiting = rights.propose(mo, rights.Rights(is_staff=True), actor=factories.superuser("Root"))
    numbers = {"partner": northbank.pk, "user": ada.pk, "callback": shown.pk}
    numbers |= {"rights": waiting.pk}
    sign_in(page, sue)
    path = address.format(**numbers, verification=shown.verification_id)
    document = page.goto(f"/admin/{path}")
    assert document is not None
    assert document.status == 200
    assert not watch.seen
    wrong = checker.complaints(document.body()) if checker else []
    wrong += [*widths_that_overflow(page), *objections_of_axe(page)]
    watch.seen.clear()  # axe adds styles of its own, which the policy refuses
    assert not wrong, "\n".join([address, *wrong])
