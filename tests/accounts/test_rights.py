"""Support's own rights: two superusers give them, one takes them away, at once."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import partners, rights
from accounts.models import AuditEntry, Kind, Membership, Partner, RightsRequest, RightsState, User
from accounts.rights import Rights
from tests import factories
from tests.accounts.test_admin_people import change, page

SignIn = Callable[[User], Client]
ALL = Rights(is_staff=True, is_superuser=True, in_group=True)


def ask_for(client: Client, user: User, **fields: Any) -> Any:
    """By the form on the user's page."""
    rest = {"email": user.email, "name": user.name, "is_active": "on"}
    return change(client, page("user_change", user.pk), **rest, **fields)


def step(name: str, request: RightsRequest) -> str:
    return page(f"rightsrequest_{name}", request.pk)


def rights_of(user: User) -> Rights:
    return rights.of(User.objects.get(pk=user.pk))


def support_group() -> int:
    return Group.objects.get(name=rights.GROUP).pk


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"is_staff": "on"}, Rights(is_staff=True)),
        ({"is_superuser": "on"}, Rights(is_superuser=True)),
        ({"groups": "group"}, Rights(in_group=True)),
        ({"is_staff": "on", "is_superuser": "on", "groups": "group"}, ALL),
    ],
)
def test_rights_wait_for_a_second_superuser(
    as_user: SignIn, root: User, rita: User, mo: User, fields: dict[str, Any], asked: Rights
) -> None:
    if "groups" in fields:
        fields = {**fields, "groups": support_group()}
    assert ask_for(as_user(root), mo, **fields).status_code == 302
    assert not rights_of(mo)
    waiting = RightsRequest.objects.get()
    assert (rights.of_request(waiting), waiting.proposer) == (asked, root)
    assert as_user(rita).post(step("confirm", waiting)).status_code == 302
    assert rights_of(mo) == asked
    waiting.refresh_from_db()
    assert (waiting.state, waiting.confirmer) == (RightsState.CONFIRMED, rita)


def test_a_new_user_gets_no_rights_by_being_made(as_user: SignIn, root: User) -> None:
    fields = {"email": "new@support.example", "name": "New", "is_active": "on"}
    more = {"is_staff": "on", "is_superuser": "on", "groups": support_group()}
    assert as_user(root).post(page("user_add"), {**fields, **more}).status_code == 302
    new = User.objects.get(email="new@support.example")
    assert not rights_of(new)
    assert rights.of_request(RightsRequest.objects.get(user=new)) == ALL


@pytest.mark.parametrize("who", ["root", "mo", "sue"])
def test_who_proposed_it_whom_it_is_for_and_support_cannot_confirm(
    request: pytest.FixtureRequest, as_user: SignIn, root: User, mo: User, sue: User, who: str
) -> None:
    waiting = rights.propose(mo, ALL, actor=root)
    actor = request.getfixturevalue(who)
    assert as_user(actor).post(step("confirm", waiting)).status_code == (
        404 if who == "mo" else 403
    )
    with pytest.raises(rights.SecondPersonNeeded):
        rights.confirm(waiting, actor=actor)
    assert not rights_of(mo)


def test_nobody_proposes_for_themselves_nor_without_being_superuser(
    root: User, sue: User, mo: User
) -> None:
    for user, actor in ((root, root), (mo, sue)):
        with pytest.raises(rights.SecondPersonNeeded):
            rights.propose(user, ALL, actor=actor)
    assert not RightsRequest.objects.exists()


def test_a_superuser_who_lost_the_right_meanwhile_cannot_confirm(
    root: User, rita: User, mo: User
) -> None:
    waiting = rights.propose(mo, ALL, actor=root)
    User.objects.filter(pk=rita.pk).update(is_superuser=False)
    with pytest.raises(rights.SecondPersonNeeded):
        rights.confirm(waiting, actor=rita)
    assert not rights_of(mo)


def test_a_proposal_ends_after_a_day(as_user: SignIn, root: User, rita: User, mo: User) -> None:
    waiting = rights.propose(mo, ALL, actor=root)
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1), tick=False):
        client = as_user(rita)
        said = client.post(step("confirm", waiting), follow=True).content.decode()
        assert "settled or is too old" in said
        assert "Expired" in client.get(page("rightsrequest_changelist")).content.decode()
        assert not rights_of(mo)
        again = rights.propose(mo, ALL, actor=rita)
    waiting.refresh_from_db()
    assert (waiting.state, again.state) == (RightsState.EXPIRED, RightsState.OPEN)


def test_a_proposal_is_withdrawn_or_replaced(
    as_user: SignIn, root: User, rita: User, mo: User
) -> None:
    first = rights.propose(mo, ALL, actor=root)
    second = rights.propose(mo, Rights(is_staff=True), actor=rita)
    first.refresh_from_db()
    assert first.state == RightsState.WITHDRAWN
    assert as_user(root).post(step("withdraw", second)).status_code == 302
    for waiting in (first, second):
        with pytest.raises(rights.Settled):
            rights.confirm(waiting, actor=rita)
    assert not rights_of(mo)


def test_it_is_shown_on_the_page_of_the_user_and_in_the_list(
    as_user: SignIn, root: User, rita: User, mo: User
) -> None:
    waiting = rights.propose(mo, ALL, actor=root)
    client = as_user(rita)
    assert "Root proposed: support, superuser" in (
        client.get(page("user_change", mo.pk)).content.decode()
    )
    assert "Mo Salim" in client.get(page("rightsrequest_changelist")).content.decode()
    shown = client.get(page("rightsrequest_change", waiting.pk)).content.decode()
    assert "Confirm: grant these rights" in shown
    own = as_user(root).get(page("rightsrequest_change", waiting.pk)).content.decode()
    assert "Confirm: grant" not in own
    assert "Withdraw" in own


def test_who_confirms_sees_the_email(as_user: SignIn, root: User, rita: User, mo: User) -> None:
    waiting, client = rights.propose(mo, ALL, actor=root), as_user(rita)
    for address in (page("rightsrequest_changelist"), page("rightsrequest_change", waiting.pk)):
        assert mo.email in client.get(address).content.decode()


def test_one_person_takes_rights_away_and_the_sessions_end(
    as_user: SignIn, root: User, sue: User
) -> None:
    session = as_user(sue)
    assert session.get("/admin/").status_code == 200
    assert ask_for(as_user(root), sue, groups=support_group()).status_code == 302
    assert rights_of(sue) == Rights(in_group=True)
    assert session.get("/admin/").status_code == 302
    assert not RightsRequest.objects.exists()
    entry = AuditEntry.objects.filter(kind=Kind.USER_CHANGED).first()
    assert json.loads(entry.body)["facts"] == {"is_staff": ["True", "False"]}


def test_some_are_taken_at_once_while_others_wait(as_user: SignIn, root: User, sue: User) -> None:
    assert ask_for(as_user(root), sue, is_staff="on", is_superuser="on").status_code == 302
    assert rights_of(sue) == Rights(is_staff=True)
    assert rights.of_request(RightsRequest.objects.get()) == Rights(is_superuser=True)


def test_each_step_is_in_the_log(root: User, rita: User, mo: User) -> None:
    rights.withdraw(rights.propose(mo, ALL, actor=root), actor=rita)
    rights.confirm(rights.propose(mo, ALL, actor=root), actor=rita)
    told = AuditEntry.objects.filter(subject=f"user:{mo.pk}").order_by("seq")
    assert [(it.kind, it.actor) for it in told] == [
        (Kind.RIGHTS_PROPOSED, root.pk), (Kind.RIGHTS_WITHDRAWN, rita.pk),
        (Kind.RIGHTS_PROPOSED, root.pk), (Kind.RIGHTS_CONFIRMED, rita.pk),
    ]  # fmt: skip
    assert json.loads(told[3].body)["facts"] == {
        "proposer": root.pk, "rights": ["is_staff", "is_superuser", "in_group"],
    }  # fmt: skip


def test_the_first_superuser_comes_by_command_and_is_in_the_log(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", factories.PASSWORD)
    options = {"email": "first@support.example", "name": "First", "interactive": False}
    call_command("createsuperuser", stdout=StringIO(), **options)
    first = User.objects.get(email="first@support.example")
    assert first.is_superuser
    entry = AuditEntry.objects.get(kind=Kind.RIGHTS_FOUNDED)
    assert (entry.actor, entry.subject) == (None, f"user:{first.pk}")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"proposer": "mo"}, "rights_are_given_by_others"),
        ({"confirmer": "mo", "state": "CONFIRMED"}, "rights_are_given_by_others"),
        ({"confirmer": "root", "state": "CONFIRMED"}, "rights_need_a_second_person"),
        ({"state": "CONFIRMED"}, "rights_confirmed_by_somebody"),
        ({"confirmer": "rita"}, "rights_confirmed_by_somebody"),
        ({"state": "EXPIRED", "settled_at": None}, "rights_settled_or_open"),
        ({"is_staff": False}, "rights_ask_for_something"),
        ({"expires_at": timezone.now() + timedelta(days=9)}, "rights_wait_a_day"),
    ],
)
def test_the_database_keeps_that_there_are_two(
    root: User, rita: User, mo: User, fields: dict[str, Any], name: str
) -> None:
    people = {"root": root, "rita": rita, "mo": mo}
    fields = {key: people.get(value, value) for key, value in fields.items()}
    now = timezone.now()
    settled = now if fields.get("state") == "CONFIRMED" else None
    whole: dict[str, Any] = {
        "user": mo, "proposer": root, "is_staff": True, "proposed_at": now,
        "expires_at": now + timedelta(hours=1), "settled_at": settled, **fields,
    }  # fmt: skip
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        RightsRequest.objects.create(**whole)


SENSITIVE = ["user_change", "user_add", "membership_change", "membership_add", "partner_change"]


@pytest.mark.parametrize("name", [*SENSITIVE, "partner_new_key", "user_second_step"])
def test_support_proves_who_it_is_before_it_saves(
    client: Client, sue: User, vera: User, northbank: Partner, name: str
) -> None:
    client.force_login(sue)
    rows = {"user": vera.pk, "membership": factories.membership(vera).pk, "partner": northbank.pk}
    args = [] if name.endswith("_add") else [rows[name.split("_")[0]]]
    before = list(Membership.objects.values()), list(Partner.objects.values())
    answer = client.post(page(name, *args), {"seen": "1", "email": "new@northbank.example"})
    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/accounts/reauthenticate/")
    assert (list(Membership.objects.values()), list(Partner.objects.values())) == before
    assert client.post(answer.url, {"password": factories.PASSWORD}).url == page(name, *args)
    shown = client.get(page(name, *args)).content.decode()
    assert "Go on" in shown
    assert "new@northbank.example" in shown


@pytest.mark.parametrize("name", ["confirm", "withdraw"])
def test_a_superuser_proves_who_it_is_before_rights_are_granted(
    client: Client, root: User, rita: User, mo: User, name: str
) -> None:
    waiting = rights.propose(mo, ALL, actor=root)
    rita.set_password(factories.PASSWORD)
    rita.save()
    client.force_login(rita)
    assert client.post(step(name, waiting)).url.startswith("/accounts/reauthenticate/")
    waiting.refresh_from_db()
    assert waiting.state == RightsState.OPEN


def test_support_reads_without_being_asked(client: Client, sue: User, northbank: Partner) -> None:
    client.force_login(sue)
    assert client.get(page("partner_change", northbank.pk)).status_code == 200


def test_a_partner_that_is_switched_off_signs_its_people_out(
    as_user: SignIn, northbank: Partner, ada: User, mo: User, sue: User
) -> None:
    sessions = [as_user(ada), as_user(mo)]
    partners.change(
        northbank, {"is_active": False}, actor=sue, seen_revision=1, reason="Contract has ended."
    )
    assert [one.get("/").status_code for one in sessions] == [302, 302]
    northbank.refresh_from_db()
    partners.change(
        northbank, {"is_active": True}, actor=sue, seen_revision=2, reason="Contract goes on."
    )
    assert [one.get("/").status_code for one in sessions] == [302, 302]


@pytest.mark.parametrize("fields", [{"role": 10, "is_active": "on"}, {"role": 30}])
def test_what_support_takes_from_a_member_ends_their_sessions_too(
    as_user: SignIn, sue: User, mo: User, fields: dict[str, Any]
) -> None:
    session = as_user(mo)
    fields = {**fields, "role": factories.role(fields["role"]).pk}
    address = page("membership_change", factories.membership(mo).pk)
    assert change(as_user(sue), address, **fields).status_code == 302
    assert session.get("/").status_code == 302


def test_an_account_that_support_switches_off_is_signed_out_for_good(
    as_user: SignIn, sue: User, mo: User
) -> None:
    session = as_user(mo)
    rest = {"email": mo.email, "name": mo.name}
    assert change(as_user(sue), page("user_change", mo.pk), **rest).status_code == 302
    User.objects.filter(pk=mo.pk).update(is_active=True)
    assert session.get("/").status_code == 302


@pytest.mark.parametrize("has", [ALL, Rights(is_staff=True), Rights(is_superuser=True)])
def test_who_was_switched_off_comes_back_without_rights_until_a_second_one_confirms(
    as_user: SignIn, root: User, rita: User, mo: User, has: Rights
) -> None:
    User.objects.filter(pk=mo.pk).update(
        is_active=False, is_staff=has.is_staff, is_superuser=has.is_superuser
    )
    mo.groups.set([support_group()] if has.in_group else [])
    ticked = {name: "on" for name in has.names if name != "in_group"}
    if has.in_group:
        ticked["groups"] = support_group()
    assert ask_for(as_user(root), mo, **ticked).status_code == 302
    mo.refresh_from_db()
    assert mo.is_active
    assert not rights_of(mo)
    waiting = RightsRequest.objects.get()
    assert rights.of_request(waiting) == has
    as_user(root).post(step("confirm", waiting))
    assert not rights_of(mo)
    as_user(rita).post(step("confirm", waiting))
    assert rights_of(mo) == has


def test_the_log_tells_which_rights_ended_on_coming_back(
    as_user: SignIn, root: User, sue: User
) -> None:
    group = support_group()
    User.objects.filter(pk=sue.pk).update(is_active=False, is_superuser=True)
    fields = {"is_staff": "on", "is_superuser": "on", "groups": group}
    assert ask_for(as_user(root), sue, **fields).status_code == 302
    entry = AuditEntry.objects.filter(kind=Kind.USER_CHANGED).latest("pk")
    assert entry.facts == {
        "groups": [str(group), ""],
        "is_active": ["False", "True"],
        "is_staff": ["True", "False"],
        "is_superuser": ["True", "False"],
    }
