"""Names are one line as it is read, and every e-mail that is taken is one that letters get to."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.fields import EmailField, PlainNameField
from accounts.models import Invitation, Partner, Plan, PricingModel, User
from tests import factories
from tests.accounts.test_admin_people import change

SignIn = Callable[[User], Client]

NO_ADDRESSES = [
    f"a@{'ü' * 60}.example",
    "a@xn--ü.example",
    f"A{'İ' * 61}@x.example",
    "ſue@x.example",
    f"a@{'İ.' * 120}example",
    "a@b\u2028.example",
    "a@b\u200b.example",
    '"a"@x.example',
    '"a\x0b\x0bX"@x.example',
    '"a\x0bBcc:z@e.example"@x.example',
    # Written as another domain's.
    "a@straße.example",
]
NO_NAMES = [
    "North\nbank",
    "North\r\nBcc: a@b.c",
    "North\x0bbank",
    "North\u2028bank",
    "\u202eNorth",
    "\u3164",
    "North \u2800",
    "North\u200d",
    "Nor\u200dth",
    "رضا\u200c",
    "North \u200cbank",
]
# Persian and Sinhala, whose letters these join or keep apart.
NAMES = ["علی\u200cرضا", "ශ\u0dca\u200dරියානි"]


@pytest.mark.parametrize("email", NO_ADDRESSES)
def test_an_address_that_no_letter_gets_to_is_refused(
    as_user: SignIn, ada: User, sue: User, email: str
) -> None:
    invite = {"email": email, "role": factories.role(10).pk}
    assert as_user(ada).post("/team/invite/", invite).status_code == 422
    assert not Invitation.objects.exists()
    people, fields = User.objects.count(), {"email": email, "name": "Nia", "is_active": "on"}
    assert as_user(sue).post(reverse("admin:accounts_user_add"), fields).status_code == 422
    assert User.objects.count() == people


@pytest.mark.parametrize(
    "email",
    ["Ada.Lind+idv@Northbank.example", "o'neil@x.example", "a@bücher.example"],
)
def test_an_address_that_is_taken_can_be_written_to(email: str) -> None:
    taken = EmailField().clean(email)
    assert taken == email.lower()
    assert EmailMessage("Hello", "", to=[taken]).message().as_bytes()


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_is_one_line_without_what_cannot_be_seen(
    as_user: SignIn, sue: User, northbank: Partner, name: str
) -> None:
    support = as_user(sue)
    user = {"email": "nia@new.example", "name": name, "is_active": "on"}
    partner = {"key": "new", "name": name, "undo_seconds": 10, "retention_days": 1825}
    partner |= {"plan": Plan.BASIC, "pricing_model": PricingModel.CHARGE_PER_APPROVED}
    for page, fields in (("user", user), ("partner", partner)):
        answer = support.post(reverse(f"admin:accounts_{page}_add"), fields)
        assert answer.status_code == 422
        assert "Leave out characters that cannot be seen." in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "longer"),
    [
        # Lower, and composed, they are longer than a column that they fitted before.
        (EmailField(max_length=254), f"a@{'İ.' * 90}example"),
        (PlainNameField(max_length=100), "\ufb2c" * 50),
    ],
)
def test_what_gets_longer_is_measured_as_it_is_kept(field: Any, longer: str) -> None:
    with pytest.raises(ValidationError, match="at most"):
        field.clean(longer)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_keeps_what_joins_its_letters(as_user: SignIn, sue: User, name: str) -> None:
    user = {"email": "nia@new.example", "name": name, "is_active": "on"}
    assert as_user(sue).post(reverse("admin:accounts_user_add"), user).status_code == 302
    assert User.objects.get(email="nia@new.example").name == name


@pytest.mark.parametrize(
    "stands", [{"email": '"mo"@northbank.example'}, {"name": "Mo\nSalim"}, {"name": "Mo\u200b"}]
)
def test_what_stands_keeps_nobody_from_being_switched_off(
    as_user: SignIn, sue: User, mo: User, stands: dict[str, str]
) -> None:
    User.objects.filter(pk=mo.pk).update(**stands)
    mo.refresh_from_db()
    browser, address = as_user(sue), reverse("admin:accounts_user_change", args=[mo.pk])
    assert change(browser, address, email=mo.email, name=mo.name).status_code == 302
    mo.refresh_from_db()
    assert not mo.is_active
