"""Fields of more than one form: a name as it is read, an e-mail that letters get to."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts import letters

# Controls, formats, surrogates, what stands for nothing yet, and ends of lines and paragraphs.
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def refuse_hidden(text: str) -> None:
    if any(unicodedata.category(letter) in HIDDEN for letter in text):
        raise ValidationError("Leave out characters that cannot be seen.")


class PlainNameField(forms.CharField):
    """A name as it is read: no controls, nothing that ends the line or turns it around."""

    def to_python(self, value: Any) -> Any:
        """Before it is measured: it may get longer."""
        return unicodedata.normalize("NFC", super().to_python(value) or "")

    def validate(self, value: Any) -> None:
        super().validate(value)
        refuse_hidden(value)


class EmailField(forms.EmailField):
    # The one that stands: whoever has it can be switched off, whatever it is.
    stands = ""

    def to_python(self, value: Any) -> Any:
        """Before it is measured: it may get longer."""
        return (super().to_python(value) or "").lower()

    def clean(self, value: Any) -> Any:
        email = super().clean(value)
        if email == self.stands:
            return email
        refuse_hidden(email)
        if not letters.can_go_to(email):
            raise ValidationError("Check this address: no letter could be sent to it.")
        return email
