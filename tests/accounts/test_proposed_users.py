"""Whom rights wait for is looked after like a colleague: their place is worth as much."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts import rights, team
from accounts.models import AuditEntry, Kind, RightsRequest, RightsState, User
from accounts.rights import Rights
from accounts.user_admin import UserAdmin
from tests import factories
from tests.accounts.test_admin_people import change, page, seen

SignIn = Callable[[User], Client]
WHY = "Mo asked by phone, called back at the desk"
MOVED = {"email": "mo.new@northbank.example", "why": WHY}
CHANGES = {
    "e-mail": {**MOVED, "is_active": "on"},
    "name": {"name": "Mo S.", "is_active": "on"},
    "active": {},
}


@pytest.fixture
def waiting(root: User, mo: User) -> RightsRequest:
    """Root proposes Mo."""
    return rights.propose(mo, Rights(is_staff=True, is_superuser=True), actor=root)


def sent(mo: User, what: str) -> dict[str, Any]:
    return {"email": mo.email, "name": mo.name, **CHANGES[what]}


def stands(user: User) -> tuple[str, str, bool]:
    return User.objects.values_list("email", "name", "is_active").get(pk=user.pk)


def state(request: RightsRequest) -> str:
    return RightsRequest.objects.get(pk=request.pk).state


@pytest.mark.parametrize("what", CHANGES)
def test_nobody_below_superuser_changes_a_proposed_user(
    as_user: SignIn, sue: User, mo: User, waiting: RightsRequest, what: str
) -> None:
    before = stands(mo)
    answer = change(as_user(sue), page("user_change", mo.pk), **sent(mo, what))
    assert answer.status_code == 403
    assert (stands(mo), state(waiting)) == (before, RightsState.OPEN)


def test_nobody_below_superuser_changes_a_user_who_is_proposed_meanwhile(
    as_user: SignIn, root: User, sue: User, mo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look at the user and the lock."""
    support, address, get_form = as_user(sue), page("user_change", mo.pk), UserAdmin.get_form
    drawn, before = seen(support, address), stands(mo)

    def later(*args: Any, **kwargs: Any) -> Any:
        form = get_form(*args, **kwargs)
        rights.propose(mo, Rights(is_staff=True), actor=root)
        return form

    monkeypatch.setattr(UserAdmin, "get_form", later)
    assert support.post(address, {"seen": drawn, **sent(mo, "e-mail")}).status_code == 403
    assert stands(mo) == before


@pytest.mark.parametrize("who", ["sue", "ada"])
def test_nobody_below_superuser_resets_the_second_step_of_a_proposed_user(
    request: pytest.FixtureRequest, as_user: SignIn, mo: User, waiting: RightsRequest, who: str
) -> None:
    factories.second_factor(mo)
    own = f"/team/{factories.membership(mo).pk}/second-step/"
    address = own if who == "ada" else page("user_second_step", mo.pk)
    assert as_user(request.getfixturevalue(who)).post(address).status_code == 403
    assert Authenticator.objects.filter(user=mo).exists()
    assert state(waiting) == RightsState.OPEN


@pytest.mark.parametrize(
    ("what", "after"),
    [
        ("e-mail", RightsState.WITHDRAWN),
        ("active", RightsState.WITHDRAWN),
        ("name", RightsState.OPEN),
    ],
)
def test_rights_wait_for_nobody_else_than_they_were_proposed_for(
    as_user: SignIn, rita: User, mo: User, waiting: RightsRequest, what: str, after: RightsState
) -> None:
    answer = change(as_user(rita), page("user_change", mo.pk), **sent(mo, what))
    assert (answer.status_code, state(waiting)) == (302, after)
    withdrawn = AuditEntry.objects.filter(kind=Kind.RIGHTS_WITHDRAWN, subject=f"user:{mo.pk}")
    assert [entry.actor for entry in withdrawn] == ([rita.pk] if after != "OPEN" else [])


def test_a_reset_second_step_ends_what_waits(rita: User, mo: User, waiting: RightsRequest) -> None:
    team.reset_by_support(mo, actor=rita)
    assert state(waiting) == RightsState.WITHDRAWN
    with pytest.raises(rights.Settled):
        rights.confirm(waiting, actor=rita)
    assert AuditEntry.objects.get(kind=Kind.RIGHTS_WITHDRAWN).actor == rita.pk


def test_rights_that_are_proposed_with_another_email_wait(
    as_user: SignIn, rita: User, mo: User, waiting: RightsRequest
) -> None:
    fields = {**sent(mo, "e-mail"), "is_staff": "on"}
    assert change(as_user(rita), page("user_change", mo.pk), **fields).status_code == 302
    assert state(waiting) == RightsState.WITHDRAWN
    again = rights.open_for(mo)
    assert again
    assert rights.of_request(again) == Rights(is_staff=True)


@pytest.mark.usefixtures("waiting")
def test_who_is_asked_before_the_lock_is_asked_again_under_it(sue: User, mo: User) -> None:
    with pytest.raises(team.NotYours):
        team.reset_by_support(mo, actor=sue)
