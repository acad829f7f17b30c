"""The forms of the team page, of an invitation, and of one's own profile."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.fields import EmailField, PlainNameField
from accounts.forms import LONGEST_EMAIL, LONGEST_PASSWORD
from accounts.models import Invitation, Role, Theme, User

CHOOSE = "Choose a role from the list."
NUMBER = r"^[1-9][0-9]{0,17}$"


class RoleField(forms.Field):
    """A role by its number, in ASCII digits."""

    def to_python(self, value: Any) -> Role | None:
        text = str(value or "")
        if not text:
            return None
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        role = Role.objects.filter(pk=int(text)).first() if is_number else None
        if role is None:
            raise ValidationError(CHOOSE)
        return role


class InviteForm(forms.Form):
    email = EmailField(
        label="E-mail",
        max_length=LONGEST_EMAIL,
        error_messages={
            "required": "Say whom to invite.",
            "invalid": "That is not an e-mail address.",
        },
    )
    role = RoleField(label="Role", error_messages={"required": CHOOSE})


class ChangeRoleForm(forms.Form):
    role = RoleField(label="Role", error_messages={"required": CHOOSE})
    seen_role = forms.RegexField(
        NUMBER, error_messages={"required": "Reload the page.", "invalid": "Reload the page."}
    )

    @property
    def objection(self) -> str:
        return next((str(errors[0]) for errors in self.errors.values()), "")


class JoinForm(forms.Form):
    """Name and password of somebody who is new here."""

    name = PlainNameField(
        label="Your name", max_length=100, error_messages={"required": "Say who you are."}
    )
    password = forms.CharField(
        label="Password",
        max_length=LONGEST_PASSWORD,
        strip=False,
        error_messages={"required": "Choose a password."},
    )
    again = forms.CharField(
        label="Once more",
        max_length=LONGEST_PASSWORD,
        strip=False,
        error_messages={"required": "Type the password once more."},
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if password and "again" in cleaned and password != cleaned["again"]:
            self.add_error("again", "The two passwords differ.")
        elif password:
            person = User(email=self.invitation.email, name=cleaned.get("name", ""))
            try:
                validate_password(password, person)
            except ValidationError as weak:
                self.add_error("password", weak)
        return cleaned


class ProfileForm(forms.Form):
    name = PlainNameField(
        label="Name", max_length=100, error_messages={"required": "Say who you are."}
    )
    theme = forms.ChoiceField(
        label="Theme",
        required=False,
        choices=Theme.choices,
        error_messages={"invalid_choice": "Choose a theme from the list."},
    )
    has_shortcuts = forms.BooleanField(label="Keyboard shortcuts", required=False)
