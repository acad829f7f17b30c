"""What superusers do to each other: one always stays, who may do it is asked under the lock."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts.models import RightsRequest, User
from accounts.user_admin import UserAdmin
from tests import factories
from tests.accounts.test_admin_people import page, seen

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
