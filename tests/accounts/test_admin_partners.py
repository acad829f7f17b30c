"""A partner's contract changes with a reason, after a look at who gains or loses which button."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts import partners
from accounts.models import AuditEntry, Kind, Membership, Partner, PricingModel, User
from tests import factories

REASON = "Contract 2026-14: denying by hand."


def form(partner: Partner, **changes: Any) -> dict[str, Any]:
    """The fields as the page was drawn, with changes; a None takes a field out."""
    fields = {name: getattr(partner, name) for name in partners.FIELDS}
    fields |= {"seen": str(partner.revision), "reason": REASON, "_save": "1", **changes}
    return {name: value for name, value in fields.items() if value not in (False, None)}


def address(partner: Partner) -> str:
    return reverse("admin:accounts_partner_change", args=[partner.pk])


def text(answer: Any) -> str:
    page = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(page.split())


def mark(answer: Any) -> str:
    return re.search(r'name="previewed" value="(\w+)"', answer.content.decode())[1]


@pytest.fixture
def support(as_user: Callable[[User], Client], sue: User) -> Client:
    return as_user(sue)


@pytest.fixture
def save(support: Client) -> Callable[..., Any]:
    """Sends the form, looks at the preview that it comes back with, and sends it again."""

    def save(partner: Partner, **changes: Any) -> Any:
        fields = form(partner, **changes)
        return support.post(
            address(partner), {**fields, "previewed": mark(support.post(address(partner), fields))}
        )

    return save


def facts_of(partner: Partner) -> dict[str, Any]:
    entry = AuditEntry.objects.filter(kind=Kind.PARTNER_CHANGED).first()
    assert (entry.subject, entry.stream) == (f"partner:{partner.key}", f"p/{partner.pk}")
    return json.loads(entry.body)["facts"]


def test_a_flag_is_not_saved_before_the_preview_was_shown(
    support: Client, northbank: Partner, ada: User
) -> None:
    answer = support.post(address(northbank), form(northbank, may_deny=False))
    assert answer.status_code == 200
    assert "Ada Lind (ada@northbank.example) Admin loses Deny" in text(answer)
    northbank.refresh_from_db()
    assert northbank.may_deny


def test_a_flag_is_saved_from_the_preview_with_its_reason(
    save: Callable[..., Any], northbank: Partner, sue: User
) -> None:
    assert save(northbank, may_deny=False).status_code == 302
    northbank.refresh_from_db()
    assert (northbank.may_deny, northbank.revision) == (False, 2)
    assert facts_of(northbank) == {"may_deny": ["True", "False"], "reason": REASON}
    assert AuditEntry.objects.get(kind=Kind.PARTNER_CHANGED).actor == sue.pk


@pytest.mark.parametrize("reason", ["", "too short", " " * 20, "x" * 501])
@pytest.mark.parametrize(
    "changes",
    [
        {"may_deny": False},
        {"may_approve": False},
        {"is_active": False},
        {"plan": "ENTERPRISE"},
        {"pricing_model": "CHARGE_PER_APPROVED"},
    ],
)
def test_every_change_of_the_contract_asks_a_reason(
    save: Callable[..., Any], northbank: Partner, changes: dict[str, Any], reason: str
) -> None:
    answer = save(northbank, **changes, reason=reason)
    assert answer.status_code == 422
    northbank.refresh_from_db()
    assert northbank.revision == 1
    assert not AuditEntry.objects.filter(kind=Kind.PARTNER_CHANGED).exists()


def test_the_verb_itself_refuses_a_change_without_reason(northbank: Partner, sue: User) -> None:
    with pytest.raises(partners.ReasonMissing):
        partners.change(northbank, {"may_deny": False}, actor=sue, seen_revision=1, reason=" x ")
    with pytest.raises(partners.Stale):
        partners.change(northbank, {"may_deny": False}, actor=sue, seen_revision=2, reason=REASON)
    northbank.refresh_from_db()
    assert northbank.may_deny


def test_name_and_undo_need_no_reason_and_no_preview(support: Client, northbank: Partner) -> None:
    answer = support.post(address(northbank), form(northbank, undo_seconds=30, reason=""))
    assert answer.status_code == 302
    assert facts_of(northbank) == {"undo_seconds": ["10", "30"]}


def test_looking_needs_no_reason_and_saves_nothing(
    support: Client, northbank: Partner, ada: User
) -> None:
    fields = form(northbank, may_approve=False, reason="", _save=None, _preview="1")
    answer = support.post(address(northbank), fields)
    assert answer.status_code == 200
    assert "loses Approve" in text(answer)
    assert "Nothing is saved yet" in text(answer)
    northbank.refresh_from_db()
    assert northbank.may_approve


def test_another_choice_after_the_preview_is_previewed_again(
    support: Client, northbank: Partner
) -> None:
    shown = mark(support.post(address(northbank), form(northbank, may_deny=False)))
    other = form(northbank, may_approve=False, previewed=shown)
    assert support.post(address(northbank), other).status_code == 200
    northbank.refresh_from_db()
    assert (northbank.may_approve, northbank.may_deny) == (True, True)


def test_an_admin_who_joins_after_the_preview_is_shown_before_the_save(
    support: Client, northbank: Partner, ada: User
) -> None:
    shown = mark(support.post(address(northbank), form(northbank, may_deny=False)))
    factories.person("Late Comer", northbank, 40)
    answer = support.post(address(northbank), form(northbank, may_deny=False, previewed=shown))
    assert answer.status_code == 200
    assert "Late Comer" in text(answer)


def test_the_preview_tells_of_everyone_whose_buttons_change_and_of_nobody_else(
    support: Client, northbank: Partner, ada: User, mo: User, vera: User, otto: User
) -> None:
    inactive = factories.person("Gone Girl", northbank, 40)
    Membership.objects.filter(user=inactive).update(is_active=False)
    page = text(
        support.post(address(northbank), form(northbank, pricing_model="CHARGE_PER_APPROVED"))
    )
    assert "Ada Lind (ada@northbank.example) Admin loses Deny" in page
    assert "Deny comes with Charge Per Completed" in page
    for other in ("Mo Salim", "Vera Bell", "Otto Falk", "Gone Girl", "loses Approve"):
        assert other not in page


def test_the_preview_names_the_standings_in_which_the_button_stands(
    support: Client, northbank: Partner, ada: User
) -> None:
    page = text(support.post(address(northbank), form(northbank, may_deny=False)))
    assert "Approved; Approved, suspected" in page


def test_switching_a_partner_off_takes_every_button_away(
    support: Client, northbank: Partner, ada: User
) -> None:
    page = text(support.post(address(northbank), form(northbank, is_active=False)))
    for button in ("Approve", "Deny", "Remove tag", "Undo"):
        assert f"loses {button}" in page


def test_a_flag_behind_another_hurdle_says_what_still_stands_in_the_way(
    support: Client, northbank: Partner, ada: User
) -> None:
    Partner.objects.update(may_deny=False, pricing_model=PricingModel.CHARGE_PER_APPROVED)
    northbank.refresh_from_db()
    page = text(support.post(address(northbank), form(northbank, may_deny=True)))
    assert "still lacks Deny" in page
    assert "Deny comes with Charge Per Completed" in page


def test_a_form_drawn_before_somebody_else_saved_comes_back(
    support: Client, northbank: Partner, save: Callable[..., Any]
) -> None:
    before = Partner.objects.get(pk=northbank.pk)
    save(northbank, may_deny=False)
    answer = support.post(address(before), form(before, name="Northbank plc", reason="kept text"))
    assert answer.status_code == 409
    assert "Sue Park changed this on" in text(answer)
    assert "(may deny)" in text(answer)
    assert 'value="Northbank plc"' in answer.content.decode()
    assert "kept text" in text(answer)
    northbank.refresh_from_db()
    assert (northbank.name, northbank.revision) == ("Northbank", 2)


@pytest.mark.parametrize("seen", ["", "0", "abc", "9" * 64, "x" * 65])
def test_a_form_without_its_revision_saves_nothing(
    support: Client, northbank: Partner, seen: str
) -> None:
    answer = support.post(address(northbank), form(northbank, name="Else", seen=seen))
    assert answer.status_code in (409, 422)
    northbank.refresh_from_db()
    assert northbank.name == "Northbank"


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": "GOLD"},
        {"pricing_model": ""},
        {"undo_seconds": 61},
        {"undo_seconds": "-1"},
        {"undo_seconds": "9" * 400},
        {"undo_seconds": "abc"},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\0b"},
    ],
)
def test_a_value_that_cannot_be_is_marked(
    support: Client, northbank: Partner, changes: dict[str, Any]
) -> None:
    assert support.post(address(northbank), form(northbank, **changes)).status_code == 422


def test_a_callback_key_is_never_shown_with_the_partner(
    support: Client, northbank: Partner
) -> None:
    for name in ("change", "history"):
        page = support.get(reverse(f"admin:accounts_partner_{name}", args=[northbank.pk]))
        assert northbank.callback_key not in page.content.decode()
    listed = support.get(reverse("admin:accounts_partner_changelist"))
    assert northbank.callback_key not in listed.content.decode()


def test_a_new_partner_shows_its_callback_key_once_and_is_recorded(support: Client) -> None:
    fields = {"key": "westtrust", "name": "Westtrust", "plan": "BASIC", "undo_seconds": "10"}
    fields["retention_days"] = "1825"
    fields |= {"pricing_model": "CHARGE_PER_COMPLETED", "is_active": "on"}
    answer = support.post(reverse("admin:accounts_partner_add"), fields)
    made = Partner.objects.get(key="westtrust")
    assert made.callback_key in text(answer)
    assert (made.may_approve, made.may_deny) == (False, False)
    assert facts_of(made)["created"] is True
    assert made.callback_key not in AuditEntry.objects.first().body


def test_the_key_in_the_address_stays(support: Client, northbank: Partner) -> None:
    support.post(address(northbank), form(northbank, key="other", name="Northbank plc"))
    northbank.refresh_from_db()
    assert (northbank.key, northbank.name) == ("northbank", "Northbank plc")


def test_a_new_callback_key_is_asked_for_shown_once_and_recorded(
    support: Client, northbank: Partner
) -> None:
    page = reverse("admin:accounts_partner_new_key", args=[northbank.pk])
    asked = support.get(page)
    northbank.refresh_from_db()
    assert northbank.callback_key == "key-of-northbank"
    assert "key-of-northbank" not in text(asked)
    answer = support.post(page, {"seen": "1"})
    northbank.refresh_from_db()
    assert northbank.callback_key != "key-of-northbank"
    assert northbank.callback_key in text(answer)
    assert facts_of(northbank) == {"callback_key": "replaced"}
    assert northbank.callback_key not in LogEntry.objects.first().change_message


def test_reloading_the_page_of_a_new_key_makes_no_other(
    support: Client, northbank: Partner
) -> None:
    page = reverse("admin:accounts_partner_new_key", args=[northbank.pk])
    support.post(page, {"seen": "1"})
    key = Partner.objects.get(pk=northbank.pk).callback_key
    assert support.post(page, {"seen": "1"}).status_code == 200
    assert Partner.objects.get(pk=northbank.pk).callback_key == key
    for seen in ("", "abc", "9" * 5000):
        assert support.post(page, {"seen": seen}).status_code == 400


def test_a_partner_cannot_be_deleted(
    as_user: Callable[[User], Client], northbank: Partner, support: Client
) -> None:
    page = reverse("admin:accounts_partner_delete", args=[northbank.pk])
    root = factories.superuser("Root")
    for client in (support, as_user(root)):
        assert client.get(page).status_code == 403
        assert client.post(page, {"post": "yes"}).status_code == 403
    assert Partner.objects.filter(pk=northbank.pk).exists()
