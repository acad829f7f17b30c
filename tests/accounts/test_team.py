"""The team: who may change whom, what ends at once, and that an Admin always stays."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connections
from django.test import Client

from accounts import memberships, team
from accounts.models import AuditEntry, Invitation, Kind, Membership, Partner, User
from tests import factories
from tests.conftest import PASSWORD

SignIn = Callable[[User], Client]


@pytest.fixture
def browser(as_user: SignIn, ada: User) -> Client:
    return as_user(ada)


def address(user: User, step: str = "") -> str:
    return f"/team/{factories.membership(user).pk}/{step}"


def take(browser: Client, user: User, step: str, rank: int = 0) -> Any:
    seen = factories.membership(user).role_id
    fields = {"role": factories.role(rank).pk, "seen_role": seen} if rank else {}
    return browser.post(address(user, step), fields)


def last(kind: Kind) -> dict[str, Any]:
    entry = AuditEntry.objects.filter(kind=kind).latest("pk")
    return {"actor": entry.actor, "partner": entry.partner, **json.loads(entry.body)["facts"]}


def test_the_page_lists_everybody_with_role_state_and_second_factor(
    browser: Client, ada: User, mo: User, vera: User, otto: User
) -> None:
    vera.memberships.update(is_active=False)
    factories.second_factor(mo)
    factories.invitation(factories.membership(ada).partner, ada)
    page = browser.get("/team/").content.decode()
    rows = {row.split("</bdi>")[0].split("<bdi>")[-1]: row for row in page.split("<tr>")[2:]}
    assert "(you)" in rows["Ada Lind"]
    assert "Moderator" in rows["Mo Salim"]
    assert ">Yes<" in rows["Mo Salim"]
    assert "Deactivated" in rows["Vera Bell"]
    assert "Never" in rows["Vera Bell"]
    assert "nia@new.example" in page
    assert "Otto" not in page


def test_the_page_costs_the_same_whoever_belongs_to_it(
    browser: Client, northbank: Partner, django_assert_num_queries: Any
) -> None:
    browser.get("/team/")
    for number in range(20):
        factories.person(f"Person{number} More", northbank, 10)
    with django_assert_num_queries(4):
        browser.get("/team/")


def test_being_here_is_remembered(browser: Client, ada: User) -> None:
    assert factories.membership(ada).seen_at is None
    browser.post("/")
    assert factories.membership(ada).seen_at is None
    browser.get("/")
    assert factories.membership(ada).seen_at


def test_a_role_is_changed_and_recorded(browser: Client, ada: User, vera: User) -> None:
    assert take(browser, vera, "role/", 30).status_code == 302
    assert factories.membership(vera).role.rank == 30
    assert last(Kind.MEMBER_ROLE_CHANGED) == {
        "actor": ada.pk, "partner": factories.membership(ada).partner_id, "user": vera.pk,
        "role": ["Viewer", "Moderator"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("step", "rank", "kind", "ends"),
    [
        ("role/", 10, Kind.MEMBER_ROLE_CHANGED, True),
        ("role/", 40, Kind.MEMBER_ROLE_CHANGED, False),
        ("deactivate/", 0, Kind.MEMBER_DEACTIVATED, True),
        ("second-step/", 0, Kind.SECOND_FACTOR_RESET, True),
        ("sessions/", 0, Kind.SESSIONS_ENDED, True),
    ],
)
def test_what_takes_something_away_ends_every_session_at_once(
    browser: Client, as_user: SignIn, mo: User, step: str, rank: int, kind: Kind, ends: bool
) -> None:
    sessions = [as_user(mo), as_user(mo)]
    assert [one.get("/").status_code for one in sessions] == [200, 200]
    assert take(browser, mo, step, rank).status_code == 302
    assert last(kind)["user"] == mo.pk
    assert [one.get("/").status_code for one in sessions] == [302 if ends else 200] * 2
    assert browser.get("/").status_code == 200


def test_whoever_is_reactivated_comes_back_in_their_role(
    browser: Client, client: Client, mo: User
) -> None:
    take(browser, mo, "deactivate/")
    mo.refresh_from_db()
    factories.sign_in(client, mo)
    assert client.get("/").status_code == 403
    take(browser, mo, "reactivate/")
    assert last(Kind.MEMBER_REACTIVATED)["role"] == "Moderator"
    assert client.get("/").status_code == 200


def test_nothing_changed_is_not_recorded(browser: Client, mo: User) -> None:
    before = AuditEntry.objects.count()
    take(browser, mo, "reactivate/")
    take(browser, mo, "role/", 30)
    take(browser, mo, "deactivate/")
    take(browser, mo, "deactivate/")
    assert AuditEntry.objects.count() == before + 1


def test_a_reset_takes_every_factor_and_asks_for_a_new_one(
    browser: Client, client: Client, mo: User
) -> None:
    factories.second_factor(mo)
    Authenticator.objects.create(user=mo, type=Authenticator.Type.RECOVERY_CODES, data={})
    take(browser, mo, "second-step/")
    assert not Authenticator.objects.filter(user=mo).exists()
    (letter,) = factories.sent()
    assert letter.to == [mo.email]
    assert "Your second step was reset by Ada Lind, an Admin of Northbank" in letter.body
    # The demo asks nobody for a second factor, but whose was reset.
    client.post("/accounts/login/", {"login": mo.email, "password": PASSWORD})
    assert client.get("/").url == "/accounts/2fa/"
    factories.second_factor(mo)
    assert client.get("/").status_code == 200


def test_who_works_elsewhere_too_is_reset_by_support_only(
    browser: Client, mo: User, southpay: Partner
) -> None:
    factories.second_factor(mo)
    other = factories.join(mo, southpay, 40)
    pk = Membership.objects.get(user=mo, partner__key="northbank").pk
    assert browser.post(f"/team/{pk}/second-step/").status_code == 403
    assert Authenticator.objects.filter(user=mo).exists()
    other.delete()
    User.objects.filter(pk=mo.pk).update(is_staff=True)
    assert take(browser, mo, "second-step/").status_code == 403
    assert Authenticator.objects.filter(user=mo).exists()


@pytest.mark.parametrize("step", ["role/", "deactivate/", "second-step/", "sessions/"])
def test_nobody_changes_themselves(browser: Client, ada: User, amos: User, step: str) -> None:
    answer = take(browser, ada, step, 10 if step == "role/" else 0)
    assert answer.status_code == 403
    assert "ask another Admin" in answer.content.decode()
    membership = factories.membership(ada)
    assert (membership.role.rank, membership.is_active) == (40, True)


@pytest.mark.parametrize(("step", "rank"), [("role/", 30), ("deactivate/", 0)])
def test_the_last_admin_stays(ada: User, amos: User, as_user: SignIn, step: str, rank: int) -> None:
    """The actor stops counting between the page and the change: their account is switched off."""
    membership = factories.membership(ada)
    browser = as_user(amos)
    assert take(browser, ada, "deactivate/").status_code == 302
    Membership.objects.filter(pk=membership.pk).update(is_active=True)
    memberships_ = Membership.objects.filter(user=amos)
    memberships_.update(is_active=False)
    with pytest.raises(memberships.NotAdmin):
        if rank:
            seen = membership.role_id
            team.change_role(membership, factories.role(rank), actor=amos, seen_role=seen)
        else:
            team.deactivate(membership, actor=amos)
    assert factories.membership(ada).is_active


def test_a_role_that_changed_meanwhile_is_not_overwritten(browser: Client, mo: User) -> None:
    seen = factories.membership(mo).role_id
    mo.memberships.update(role=factories.role(20))
    answer = browser.post(address(mo, "role/"), {"role": factories.role(40).pk, "seen_role": seen})
    assert answer.status_code == 409
    assert "Look again" in answer.content.decode()
    assert factories.membership(mo).role.rank == 20


@pytest.mark.parametrize("role", ["", "abc", "0", "9" * 40, "１", "\0"])
@pytest.mark.parametrize("seen", ["", "abc", "1"])
def test_a_role_that_is_none_is_refused(browser: Client, mo: User, role: str, seen: str) -> None:
    answer = browser.post(address(mo, "role/"), {"role": role, "seen_role": seen})
    assert answer.status_code == 422
    assert factories.membership(mo).role.rank == 30


def test_who_invites_no_more_leaves_no_open_invitation(
    browser: Client, amos: User, northbank: Partner
) -> None:
    factories.invitation(northbank, amos)
    take(browser, amos, "role/", 30)
    assert Invitation.objects.get().revoked_at
    assert AuditEntry.objects.filter(kind=Kind.INVITATION_REVOKED).count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_demote_each_other_at_once_one_stays() -> None:
    northbank = factories.NorthbankFactory()
    outcomes: Counter[tuple[str, ...]] = Counter()
    people = [factories.person(name, northbank, 40) for name in ("Ada Lind", "Amos Reed")]
    viewer, admin = factories.role(10), factories.role(40)

    def demote(actor: User, other: User, barrier: Barrier) -> str:
        barrier.wait()
        try:
            membership = factories.membership(other)
            team.change_role(membership, viewer, actor=actor, seen_role=admin.pk)
        except (memberships.NotAdmin, team.LastAdmin) as refused:
            return type(refused).__name__
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            Membership.objects.update(role=admin)
            barrier, (ada, amos) = Barrier(2), people
            pairs = ((ada, amos), (amos, ada))
            tries = [pool.submit(demote, *pair, barrier) for pair in pairs]
            outcomes[tuple(sorted(one.result() for one in tries))] += 1
            assert Membership.objects.filter(role=admin).count() == 1
    assert outcomes == {("NotAdmin", "done"): 50}
