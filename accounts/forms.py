"""The forms by which people come in: to sign in, and to ask for a new password."""

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordForm
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest

from accounts.models import User

WRONG = "The e-mail or password is not right."
WAIT = "Too many attempts. Wait five minutes, then try again."
LONGEST_EMAIL = 254
LONGEST_PASSWORD = 4096


class SignInForm(LoginForm):
    """Has one sentence whatever is wrong, so that nobody learns who has an account.

    What cannot be right is refused before a password is hashed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {
            "login": forms.CharField(max_length=LONGEST_EMAIL),
            "password": forms.CharField(max_length=LONGEST_PASSWORD, strip=False),
        }

    @property
    def is_throttled(self) -> bool:
        return self.has_error(NON_FIELD_ERRORS, "too_many_login_attempts")

    @property
    def objection(self) -> str:
        if not self.is_bound or self.is_valid():
            return ""
        return WAIT if self.is_throttled else WRONG


class ForgottenForm(ResetPasswordForm):
    """For an address that nobody has the same is done, so that time does not tell who is here."""

    users: list[User]

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        self.users = self.users or [User(pk=0, email=self.cleaned_data["email"])]
        email: str = super().save(request, **kwargs)
        return email
