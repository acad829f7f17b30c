"""What superusers do to each other: one always stays, who may do it is asked under the lock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts import rights
from accounts.models import RightsRequest, RightsState, User
from accounts.user_admin import UserAdmin
from tests import factories
from tests.accounts.test_admin_people import change, page, seen

SignIn = Callable[[User], Client]
TAKES = {"the right": {"is_active": "on", "is_staff": "on"}, "the account": {}}


def browser(user: User) -> Client:
    client = Client()
    factories.sign_in(client, user)
    return client


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", TAKES)
def test_of_two_superusers_who_demote_each_other_at_once_one_stays(what: str) -> None:
    people = [factories.superuser("Root"), factories.superuser("Rita")]
    outcomes: set[int] = set()

    def demote(client: Client, other: User, drawn: str, barrier: Barrier) -> int:
        fields = {"seen": drawn, "email": other.email, "name": other.name, **TAKES[what]}
        barrier.wait()
        try:
            return client.post(page("user_change", other.pk), fields).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            User.objects.update(is_superuser=True, is_staff=True, is_active=True)
            barrier, tries = Barrier(2), []
            for actor, other in (people, people[::-1]):
                actor.refresh_from_db()
                client = browser(actor)
                drawn = seen(client, page("user_change", other.pk))
                tries.append((client, other, drawn, barrier))
            answers = [pool.submit(demote, *one) for one in tries]
            outcomes |= {one.result() for one in answers}
            assert User.objects.filter(is_superuser=True, is_active=True).count() == 1
    # Saved, refused or stale; who comes late is signed out by then.
    assert outcomes <= {302, 403, 409}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_support_and_an_admin_who_act_on_one_person_wait_for_each_other() -> None:
    northbank = factories.NorthbankFactory()
    ada = factories.person("Ada Lind", northbank, 40)
    amos = factories.person("Amos Reed", northbank, 40)
    seat, root = factories.membership(amos), factories.superuser("Root")
    outcomes: set[int] = set()

    def post(client: Client, address: str, fields: dict[str, Any], barrier: Barrier) -> int:
        barrier.wait()
        try:
            return client.post(address, fields).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            User.objects.update(is_active=True)
            seat.is_active = True
            seat.save()
            support, barrier = browser(root), Barrier(2)
            drawn = seen(support, page("user_change", amos.pk))
            fields = {"seen": drawn, "email": amos.email, "name": amos.name}
            leave = f"/team/{seat.pk}/deactivate/", {"seen_role": seat.role_id}
            tries = [
                pool.submit(post, support, page("user_change", amos.pk), fields, barrier),
                pool.submit(post, browser(ada), *leave, barrier),
            ]
            outcomes |= {one.result() for one in tries}
    # Neither was broken off.
    assert outcomes <= {302, 409}


@pytest.mark.parametrize("whom", ["rita", "mo", "nobody yet"])
def test_who_is_demoted_meanwhile_saves_nothing(
    as_user: SignIn, mo: User, monkeypatch: pytest.MonkeyPatch, whom: str
) -> None:
    """Between the first look at who asks and the lock."""
    root, rita = factories.superuser("Root"), factories.superuser("Rita")
    user = {"rita": rita, "mo": mo}.get(whom)
    client, get_form = as_user(root), UserAdmin.get_form
    address = page("user_change", user.pk) if user else page("user_add")
    sent = (
        {"email": user.email, "seen": seen(client, address)} if user else {"email": "n@x.example"}
    )

    def later(*args: Any, **kwargs: Any) -> Any:
        form = get_form(*args, **kwargs)
        User.objects.filter(pk=root.pk).update(is_superuser=False)
        return form

    monkeypatch.setattr(UserAdmin, "get_form", later)
    fields = {"name": "New Name", "is_active": "on", "is_superuser": "on", **sent}
    assert client.post(address, fields).status_code == 403
    assert not User.objects.filter(name="New Name").exists()
    assert not RightsRequest.objects.exists()


@pytest.mark.parametrize("what", TAKES)
def test_what_somebody_proposed_ends_with_their_own_rights(
    root: User, rita: User, ruth: User, mo: User, what: str
) -> None:
    waiting = rights.propose(mo, rights.Rights(is_staff=True), actor=root)
    fields = {"email": root.email, "name": root.name, **TAKES[what]}
    assert change(browser(rita), page("user_change", root.pk), **fields).status_code == 302
    assert RightsRequest.objects.get(pk=waiting.pk).state == RightsState.WITHDRAWN
    with pytest.raises(rights.Settled):
        rights.confirm(waiting, actor=ruth)


def test_who_proposed_it_is_a_superuser_still_when_it_is_confirmed(
    root: User, rita: User, mo: User
) -> None:
    waiting = rights.propose(mo, rights.Rights(is_staff=True), actor=root)
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    with pytest.raises(rights.Settled):
        rights.confirm(waiting, actor=rita)
