"""How long a session lasts, and what it takes before it may do anything."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Partner, User
from tests import factories

SignIn = Callable[[User], Client]


def in_minutes(minutes: int) -> "time_machine.travel":
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False)


def test_an_idle_session_ends(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    assert client.get("/").status_code == 200
    with in_minutes(31):
        answer = client.get("/verifications/?q=x")
        assert answer.status_code == 302
        assert answer.headers["Location"] == "/accounts/login/?next=/verifications/%3Fq%3Dx"


def test_a_session_in_use_goes_on(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    for minutes in range(0, 120, 20):
        with in_minutes(minutes):
            assert client.get("/").status_code == 200


def test_no_session_lives_longer_than_eight_hours(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    for minutes in range(0, 480, 20):
        with in_minutes(minutes):
            assert client.get("/").status_code == 200
    with in_minutes(482):
        assert client.get("/").status_code == 302


def test_a_clock_that_jumps_back_prolongs_nothing(ada: User, as_user: SignIn) -> None:
    client = as_user(ada)
    with in_minutes(600):
        client = as_user(ada)
        client.get("/")
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("change", ["user", "membership", "partner", "role"])
def test_what_is_taken_away_is_gone_with_the_next_request(
    ada: User, northbank: Partner, as_user: SignIn, change: str
) -> None:
    client = as_user(ada)
    assert client.get("/").status_code == 200
    membership = Membership.objects.filter(user=ada)
    if change == "user":
        User.objects.filter(pk=ada.pk).update(is_active=False)
    elif change == "membership":
        membership.update(is_active=False)
    elif change == "partner":
        Partner.objects.filter(pk=northbank.pk).update(is_active=False)
    else:
        membership.update(role=factories.role(10))
    page = client.get("/")
    expected = {"user": 302, "membership": 403, "partner": 403, "role": 200}[change]
    assert page.status_code == expected
    assert b"Last 30 days" not in page.content


@pytest.mark.parametrize(("who", "asked"), [("ada", True), ("sue", True), ("mo", False)])
def test_who_can_decide_and_support_need_a_second_factor(
    request: pytest.FixtureRequest, as_user: SignIn, settings: LazySettings, who: str, asked: bool
) -> None:
    settings.REQUIRE_MFA = True
    client = as_user(request.getfixturevalue(who))
    answer = client.get("/")
    assert (answer.headers.get("Location") == "/accounts/2fa/") == asked
    assert client.get("/admin/").status_code != 200


def test_with_a_second_factor_everything_opens(
    ada: User, as_user: SignIn, settings: LazySettings
) -> None:
    settings.REQUIRE_MFA = True
    Authenticator.objects.create(user=ada, type=Authenticator.Type.TOTP, data={"secret": "x"})
    assert as_user(ada).get("/").status_code == 200
