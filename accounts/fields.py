"""Fields of more than one form: a name as it is read, an e-mail that letters get to."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts import letters

# Controls, formats, surrogates, what stands for nothing yet, and ends of lines and paragraphs.
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and signs of nothing.
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
# Between two letters they decide how these join: Persian and Sinhala names are written with them.
JOINERS = "\u200c\u200d"
# Whose letters they do not change: there they would hide.
NEVER_JOINED = ("LATIN", "GREEK", "CYRILLIC", "CJK", "HANGUL")


def refuse_hidden(text: str) -> None:
    if any(it in BLANK or unicodedata.category(it) in HIDDEN for it in text):
        raise ValidationError("Leave out characters that cannot be seen.")


class CheckedIfNew(forms.Field):
    """`stands` is what is stored: sent back as it was, it keeps nobody from changing the rest."""

    stands = ""

    def run_validators(self, value: Any) -> None:
        if value != self.stands:
            super().run_validators(value)
            self.look_at(value)

    def look_at(self, value: Any) -> None:
        raise NotImplementedError


class PlainNameField(CheckedIfNew, forms.CharField):
    """A name as it is read: no controls, nothing that ends the line or turns it around."""

    def to_python(self, value: Any) -> Any:
        """Before it is measured: it may get longer."""
        return unicodedata.normalize("NFC", super().to_python(value) or "")

    def look_at(self, value: Any) -> None:
        refuse_hidden(_without_joiners(value))


def _without_joiners(name: str) -> str:
    return "".join(
        letter
        for place, letter in enumerate(name)
        if letter not in JOINERS or not _is_between_letters(name, place)
    )


def _is_between_letters(name: str, place: int) -> bool:
    around = name[place - 1 : place] + name[place + 1 : place + 2]
    return len(around) == 2 and all(map(_joins, around))


def _joins(letter: str) -> bool:
    is_letter = unicodedata.category(letter)[0] in "LM"
    return is_letter and not unicodedata.name(letter, "").startswith(NEVER_JOINED)


class EmailField(CheckedIfNew, forms.EmailField):
    def to_python(self, value: Any) -> Any:
        """Before it is measured: it may get longer."""
        return (super().to_python(value) or "").lower()

    def look_at(self, value: Any) -> None:
        refuse_hidden(value)
        if value and not letters.can_go_to(value):
            raise ValidationError("Check this address: no letter could be sent to it.")
