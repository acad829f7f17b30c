"""Forms that take a passkey. The library below trusts the shape of what a browser sends."""

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from allauth.mfa.webauthn import forms as allauth_forms
from django import forms
from django.core.exceptions import ValidationError

WRONG = "That passkey was not accepted."
LONGEST = 32_768
# What the library lets through when the bytes do not hold what it expects.
UNREADABLE = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def _read(clean: Callable[[], Any]) -> Any:
    try:
        return clean()
    except UNREADABLE as error:
        raise ValidationError(WRONG) from error


class CredentialField(forms.JSONField):
    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        if len(value or "") > LONGEST:
            raise ValidationError(WRONG)
        return _read(partial(super().to_python, value))


class SignInWithPasskeyForm(allauth_forms.LoginWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Any:
        return _read(super().clean_credential)


class SecondStepForm(allauth_forms.AuthenticateWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Any:
        return _read(super().clean_credential)


class ConfirmWithPasskeyForm(allauth_forms.ReauthenticateWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Any:
        return _read(super().clean_credential)


class AddPasskeyForm(allauth_forms.AddWebAuthnForm):
    credential = CredentialField()

    def clean(self) -> Any:
        return _read(super().clean)
