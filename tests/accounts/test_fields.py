"""Names are one line as it is read."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.fields import PlainNameField
from accounts.models import Partner, Plan, PricingModel, User

SignIn = Callable[[User], Client]

NO_NAMES = ["North\nbank", "North\r\nBcc: a@b.c", "North\x0bbank", "North\u2028bank", "\u202eNorth"]


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


def test_a_name_is_measured_as_it_is_kept() -> None:
    """Composed, it is longer than a column that it fitted before."""
    with pytest.raises(ValidationError, match="at most"):
        PlainNameField(max_length=100).clean("\ufb2c" * 50)
