"""Users, memberships and roles, as support may change them, and what is refused."""

import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import sessions
from accounts.models import AuditEntry, Kind, Membership, Partner, Role, User
from accounts.user_admin import UserAdmin
from tests import factories

SignIn = Callable[[User], Client]


def page(name: str, *args: object) -> str:
    return reverse(f"admin:accounts_{name}", args=args)


@pytest.fixture
def support(as_user: SignIn, sue: User) -> Client:
    return as_user(sue)


def seen(client: Client, address: str) -> str:
    return client.get(address).context["adminform"].form.initial["seen"]


def change(client: Client, address: str, **fields: Any) -> Any:
    """What a person sends who opened the page just before; a None is a box without its tick."""
    sent = {name: value for name, value in fields.items() if value is not None}
    return client.post(address, {"seen": seen(client, address), **sent})


def last(kind: Kind) -> dict[str, Any]:
    return json.loads(AuditEntry.objects.filter(kind=kind).first().body)


def test_a_new_user_has_no_password_and_no_rights(support: Client) -> None:
    fields = {"email": "Neu@Northbank.example", "name": "Neu", "is_active": "on"}
    rights = {"is_staff": "on", "is_superuser": "on", "groups": "1", "password": "x"}
    assert support.post(page("user_add"), {**fields, **rights}).status_code == 302
    user = User.objects.get(email="neu@northbank.example")
    assert not user.has_usable_password()
    assert (user.is_staff, user.is_superuser, user.groups.exists()) == (False, False, False)
    assert "neu" not in json.dumps(last(Kind.USER_CHANGED)).lower().replace("user", "")


def test_an_email_is_there_once_whatever_its_case(support: Client, ada: User) -> None:
    fields = {"email": ada.email.upper(), "name": "Other", "is_active": "on"}
    assert support.post(page("user_add"), fields).status_code == 422


def test_support_grants_no_rights(support: Client, ada: User) -> None:
    change(
        support, page("user_change", ada.pk), email=ada.email, name="Ada L.", is_active="on",
        is_staff="on", is_superuser="on", groups=Group.objects.get(name="Support").pk,
    )  # fmt: skip
    ada.refresh_from_db()
    assert ada.name == "Ada L."
    assert (ada.is_staff, ada.is_superuser, ada.groups.exists()) == (False, False, False)


def test_support_cannot_take_the_place_of_its_own_staff(
    support: Client, sue: User, root: User
) -> None:
    for user in (sue, root):
        address = page("user_change", user.pk)
        fields = {"email": "taken@evil.example", "name": "Taken", "is_active": "on"}
        assert support.post(address, fields).status_code == 403
        user.refresh_from_db()
        assert user.email.endswith("@support.example")


def test_a_superuser_does_not_change_their_own_rights(as_user: SignIn, root: User) -> None:
    change(as_user(root), page("user_change", root.pk), email=root.email, name="Root R.")
    root.refresh_from_db()
    assert (root.name, root.is_superuser, root.is_staff, root.is_active) == (
        "Root R.", True, True, True,
    )  # fmt: skip


def test_nobody_sets_the_password_of_another(as_user: SignIn, ada: User, root: User) -> None:
    client = as_user(root)
    assert client.get(page("user_change", ada.pk) + "password/").status_code in (302, 404)
    assert b'type="password"' not in client.get(page("user_change", ada.pk)).content
    before = ada.password
    change(
        client, page("user_change", ada.pk), email=ada.email, name=ada.name, is_active="on",
        password="new-Passw0rd-2026",
    )  # fmt: skip
    ada.refresh_from_db()
    assert ada.password == before


def test_a_user_is_not_deleted(as_user: SignIn, ada: User, root: User) -> None:
    assert as_user(root).post(page("user_delete", ada.pk), {"post": "yes"}).status_code == 403


def test_two_who_change_one_user_do_not_overwrite_each_other(support: Client, ada: User) -> None:
    address = page("user_change", ada.pk)
    fields = {"email": ada.email, "is_active": "on", "seen": seen(support, address)}
    assert support.post(address, {**fields, "name": "First"}).status_code == 302
    answer = support.post(address, {**fields, "name": "Second"})
    assert answer.status_code == 409
    assert "Sue Park changed this on" in answer.content.decode()
    assert 'value="Second"' in answer.content.decode()
    ada.refresh_from_db()
    assert ada.name == "First"


def test_signing_in_does_not_make_a_form_stale(support: Client, ada: User, client: Client) -> None:
    address = page("user_change", ada.pk)
    drawn = seen(support, address)
    client.force_login(ada)
    fields = {"email": ada.email, "name": "Ada L.", "is_active": "on", "seen": drawn}
    assert support.post(address, fields).status_code == 302


def test_the_last_active_admin_is_not_demoted_or_taken_away(
    support: Client, northbank: Partner, ada: User, vera: User
) -> None:
    address = page("membership_change", factories.membership(ada).pk)
    viewer, admin = Role.objects.get(rank=10).pk, Role.objects.get(rank=40).pk
    for fields in ({"role": viewer, "is_active": "on"}, {"role": admin}):
        answer = change(support, address, **fields)
        assert answer.status_code == 422
        assert "The last active Admin of Northbank" in answer.content.decode()
    membership = factories.membership(ada)
    assert (membership.role.rank, membership.is_active) == (40, True)


def test_the_last_active_admin_is_not_switched_off_as_a_user(support: Client, ada: User) -> None:
    answer = change(support, page("user_change", ada.pk), email=ada.email, name=ada.name)
    assert answer.status_code == 422
    assert "The last active Admin of Northbank" in answer.content.decode()
    ada.refresh_from_db()
    assert ada.is_active


def test_one_of_two_admins_may_go_and_it_is_recorded(
    support: Client, northbank: Partner, ada: User, amos: User
) -> None:
    membership = factories.membership(amos)
    viewer = Role.objects.get(rank=10)
    address = page("membership_change", membership.pk)
    assert change(support, address, role=viewer.pk, is_active="on").status_code == 302
    entry = last(Kind.MEMBERSHIP_CHANGED)
    assert entry["partner"] == northbank.pk
    assert entry["facts"] == {
        "user": amos.pk,
        "role_id": [str(membership.role_id), str(viewer.pk)],
    }


def test_an_admin_whose_user_is_switched_off_does_not_count(
    support: Client, ada: User, amos: User
) -> None:
    User.objects.filter(pk=amos.pk).update(is_active=False)
    answer = change(support, page("membership_change", factories.membership(ada).pk), role="1")
    assert answer.status_code == 422


def test_a_membership_is_made_from_an_email(
    support: Client, northbank: Partner, otto: User
) -> None:
    fields = {"partner": northbank.pk, "role": Role.objects.get(rank=20).pk, "is_active": "on"}
    address = page("membership_add")
    assert (
        support.post(address, {**fields, "user_email": "OTTO@southpay.example"}).status_code == 302
    )
    assert Membership.objects.get(user=otto, partner=northbank).role.rank == 20
    assert last(Kind.MEMBERSHIP_CHANGED)["facts"]["partner_id"] == ["", str(northbank.pk)]
    # Another form, not this one pressed twice.
    fields |= {"csrfmiddlewaretoken": "another"}
    for email in ("OTTO@southpay.example", "nobody@southpay.example", "", "no e-mail"):
        assert support.post(address, {**fields, "user_email": email}).status_code == 422


@pytest.mark.parametrize("wrong", ["abc", "0", "9" * 30, "-1", ""])
def test_a_membership_of_nothing_is_marked(support: Client, otto: User, wrong: str) -> None:
    fields = {"user_email": otto.email, "partner": wrong, "role": wrong, "is_active": "on"}
    assert support.post(page("membership_add"), fields).status_code == 422


def test_a_membership_is_not_deleted_and_does_not_move(
    support: Client, ada: User, amos: User, southpay: Partner
) -> None:
    membership = factories.membership(ada)
    assert support.post(page("membership_delete", membership.pk)).status_code == 403
    change(
        support, page("membership_change", membership.pk), role=membership.role_id,
        is_active="on", partner=southpay.pk, user=amos.pk, user_email=amos.email,
    )  # fmt: skip
    membership = Membership.objects.get(pk=membership.pk)
    assert (membership.partner.key, membership.user) == ("northbank", ada)


@pytest.mark.parametrize("rank", [10, 20, 30, 40])
def test_built_in_roles_stay_as_they_are(support: Client, rank: int) -> None:
    role = Role.objects.get(rank=rank)
    fields = {"name": "Boss", "rank": "35"}
    assert support.post(page("role_change", role.pk), fields).status_code == 403
    assert support.post(page("role_delete", role.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("rank", ["0", "40", "41", "30", "-5", "abc", "9" * 400, ""])
def test_no_other_role_gets_the_rank_that_decides_or_one_that_is_taken(
    support: Client, rank: str
) -> None:
    assert support.post(page("role_add"), {"name": "Boss", "rank": rank}).status_code == 422


def test_a_named_role_may_stand_between_and_go_while_nobody_has_it(
    support: Client, northbank: Partner, ada: User, mo: User
) -> None:
    assert support.post(page("role_add"), {"name": "Auditor", "rank": "15"}).status_code == 302
    role = Role.objects.get(name="Auditor")
    assert last(Kind.ROLE_CHANGED)["facts"] == {"name": ["", "Auditor"], "rank": ["", "15"]}
    address = page("role_change", role.pk)
    assert change(support, address, name="Auditor", rank="40").status_code == 422
    membership = factories.membership(mo)
    Membership.objects.filter(pk=membership.pk).update(role=role)
    assert support.post(page("role_delete", role.pk), {"post": "yes"}).status_code == 403
    Membership.objects.filter(pk=membership.pk).update(role=membership.role)
    assert support.post(page("role_delete", role.pk), {"post": "yes"}).status_code == 302
    assert last(Kind.ROLE_CHANGED)["facts"] == {"deleted": True}


def test_the_audit_log_says_who_did_what(support: Client, ada: User, sue: User) -> None:
    change(support, page("user_change", ada.pk), email=ada.email, name="A", is_active="on")
    entry = AuditEntry.objects.filter(kind=Kind.USER_CHANGED).first()
    listed = support.get(page("auditentry_changelist") + f"?q=user:{ada.pk}")
    assert sue.email in listed.content.decode()
    shown = support.get(page("auditentry_change", entry.pk)).content.decode()
    assert "name: changed" in shown


def test_support_gives_itself_no_role_at_a_partner(
    support: Client, as_user: SignIn, sue: User, root: User, northbank: Partner
) -> None:
    fields = {"partner": northbank.pk, "role": Role.objects.get(rank=40).pk, "is_active": "on"}
    for client, user in ((support, sue), (as_user(root), root)):
        sent = {**fields, "user_email": user.email}
        assert client.post(page("membership_add"), sent).status_code == 422
    own = factories.join(sue, northbank, 10)
    assert support.post(page("membership_change", own.pk), fields).status_code == 403


def test_support_resets_a_second_step_and_the_person_is_told(
    support: Client, as_user: SignIn, mo: User, sue: User
) -> None:
    factories.second_factor(mo)
    session, address = as_user(mo), page("user_second_step", mo.pk)
    assert "has a second step" in support.get(address).content.decode()
    assert support.post(address).status_code == 302
    assert not Authenticator.objects.filter(user=mo).exists()
    assert session.get("/").status_code == 302
    (letter,) = factories.sent()
    assert (letter.to, "reset by support" in letter.body) == ([mo.email], True)
    entry = AuditEntry.objects.get(kind=Kind.SECOND_FACTOR_RESET)
    assert (entry.actor, entry.subject) == (sue.pk, f"user:{mo.pk}")


def test_support_resets_neither_its_own_second_step_nor_a_colleague_s(
    support: Client, as_user: SignIn, sue: User, root: User
) -> None:
    for user in (sue, root):
        factories.second_factor(user)
        assert support.post(page("user_second_step", user.pk)).status_code == 403
    assert as_user(root).post(page("user_second_step", root.pk)).status_code == 403
    assert Authenticator.objects.count() == 2
    assert as_user(root).post(page("user_second_step", sue.pk)).status_code == 302


def test_a_form_that_is_saved_brings_no_ended_session_back(support: Client, mo: User) -> None:
    """Between reading the row and writing it, somebody signs the user out."""
    address = page("user_change", mo.pk)
    drawn, write = seen(support, address), UserAdmin.write

    def later(admin: UserAdmin, obj: User, *args: Any) -> None:
        sessions.end(mo)
        User.objects.filter(pk=mo.pk).update(needs_second_factor=True)
        write(admin, obj, *args)

    with mock.patch.object(UserAdmin, "write", later):
        fields = {"email": mo.email, "name": "Mo S.", "is_active": "on", "seen": drawn}
        assert support.post(address, fields).status_code == 302
    mo.refresh_from_db()
    assert (mo.name, mo.session_round, mo.needs_second_factor) == ("Mo S.", 1, True)
