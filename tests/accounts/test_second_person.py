"""Who confirms is somebody else than who proposed it, in fact and not by account only."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import rights, team
from accounts.models import AuditEntry, Partner, RightsRequest, User
from accounts.rights import Rights
from tests import factories
from tests.accounts.test_admin_people import change, page

SignIn = Callable[[User], Client]
WHY = "She lost her mailbox, and asked by phone"
ALL = Rights(is_staff=True, is_superuser=True)
BOXES = {"is_active": "on", "is_staff": "on", "is_superuser": "on"}


def give_email(browser: Client, actor: User, user: User) -> None:
    fields = {"email": "private@evil.example", "name": user.name, "why": WHY, **BOXES}
    assert change(browser, page("user_change", user.pk), **fields).status_code == 302


def reset_second_step(browser: Client, actor: User, user: User) -> None:
    team.reset_by_support(user, actor=actor)
    # Who has the mailbox sets one up.
    User.objects.filter(pk=user.pk).update(needs_second_factor=False)


def reset_by_their_admin(browser: Client, actor: User, user: User) -> None:
    """Who was a partner's only, and got the rights from others thereafter."""
    rights_of_support = {"is_staff": user.is_staff, "is_superuser": user.is_superuser}
    User.objects.filter(pk=user.pk).update(is_staff=False, is_superuser=False)
    partner = Partner.objects.get(key="northbank")
    membership = factories.join(user, partner, 10)
    factories.join(actor, partner, 40)
    team.reset_second_factor(membership, actor=actor)
    User.objects.filter(pk=user.pk).update(needs_second_factor=False, **rights_of_support)


def invite(browser: Client, actor: User, user: User) -> None:
    """By a partner's Admin; others gave the rights."""
    User.objects.filter(pk=user.pk).update(created_at=timezone.now() - timedelta(days=6))


def make(browser: Client, actor: User, user: User) -> None:
    """And others give the rights."""
    User.objects.filter(pk=user.pk).update(email="former@support.example", is_superuser=False)
    fields = {"email": "rita@support.example", "name": "New", "is_active": "on"}
    assert browser.post(page("user_add"), fields).status_code == 302
    new = User.objects.get(email=fields["email"])
    User.objects.filter(pk=new.pk).update(is_staff=True, is_superuser=True)


def switch_on(browser: Client, actor: User, user: User) -> None:
    """And others give the rights again."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    fields = {"email": user.email, "name": user.name, "is_active": "on"}
    assert change(browser, page("user_change", user.pk), **fields).status_code == 302
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)


HANDS_OVER = [give_email, reset_second_step, reset_by_their_admin, invite, make, switch_on]


def newest_rita() -> User:
    return User.objects.filter(email__in=["rita@support.example", "private@evil.example"]).get()


@pytest.mark.parametrize("by", ["root", "ruth"])
@pytest.mark.parametrize("proposes", ["root", "rita"])
@pytest.mark.parametrize("hand_over", HANDS_OVER)
def test_who_got_the_account_from_somebody_else_is_none_of_the_two(
    request: pytest.FixtureRequest,
    as_user: SignIn,
    root: User,
    rita: User,
    mo: User,
    hand_over: Callable[..., None],
    proposes: str,
    by: str,
) -> None:
    actor = request.getfixturevalue(by)
    hand_over(as_user(actor), actor, rita)
    rita = newest_rita()
    pair = (root, rita) if proposes == "root" else (rita, root)
    waiting = rights.propose(mo, ALL, actor=pair[0])
    client, why = as_user(pair[1]), f"{rita} got the account, its e-mail or a new second step"
    shown = client.get(page("rightsrequest_change", waiting.pk)).content.decode()
    assert "Confirm: grant" not in shown
    assert why in shown
    answer = client.post(page("rightsrequest_confirm", waiting.pk))
    assert answer.status_code == 403
    assert why in answer.content.decode()
    assert not rights.of(User.objects.get(pk=mo.pk))


def confirmed(waiting: RightsRequest, actor: User) -> bool:
    rights.confirm(waiting, actor=actor)
    return rights.of(User.objects.get(pk=waiting.user_id)) == ALL


def test_others_confirm_meanwhile(
    as_user: SignIn, root: User, rita: User, ruth: User, mo: User
) -> None:
    give_email(as_user(root), root, rita)
    assert confirmed(rights.propose(mo, ALL, actor=root), ruth)


def test_after_a_week_the_account_is_their_own(
    as_user: SignIn, root: User, rita: User, mo: User
) -> None:
    give_email(as_user(root), root, rita)
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1), tick=False):
        assert confirmed(rights.propose(mo, ALL, actor=root), rita)


def test_another_name_makes_nobody_else(as_user: SignIn, root: User, rita: User, mo: User) -> None:
    fields = {"email": rita.email, "name": "Rita R.", **BOXES}
    assert change(as_user(root), page("user_change", rita.pk), **fields).status_code == 302
    assert confirmed(rights.propose(mo, ALL, actor=root), rita)


def test_who_changes_their_own_email_stays_who_they_are(
    as_user: SignIn, root: User, rita: User, mo: User
) -> None:
    fields: dict[str, Any] = {"email": "rita.new@support.example", "name": "Rita", "why": WHY}
    assert change(as_user(rita), page("user_change", rita.pk), **fields).status_code == 302
    assert AuditEntry.objects.filter(subject=f"user:{rita.pk}", actor=rita.pk).exists()
    assert confirmed(rights.propose(mo, ALL, actor=root), rita)


def test_the_first_superuser_comes_by_command_and_is_one_at_once(root: User, mo: User) -> None:
    first = User.objects.create_superuser("first@support.example", name="First")
    rights.record_founding(first)
    assert confirmed(rights.propose(mo, ALL, actor=root), first)
