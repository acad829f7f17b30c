"""What people type into the questions of lists. Knows no model: choices are handed in."""

import re
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.db.models import QuerySet

from verifications import keyset

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CODE = re.compile(r"[A-Za-z0-9_.-]{1,100}")
# Scan refs that begin alike: as many as are looked for one by one.
MOST_CALLED = 20

Pairs = Iterable[tuple[str, str]]


class PlainDate(forms.Field):
    """A day as YYYY-MM-DD in ASCII digits, 1900 to 2100."""

    widget = forms.TextInput(attrs={"type": "date"})

    def to_python(self, value: Any) -> date | None:
        if not value:
            return None
        try:
            day = date.fromisoformat(value) if DAY.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None or not EARLIEST <= day <= LATEST:
            raise forms.ValidationError(f"{self.label} is not a date between 1900 and 2100.")
        return day


class PositionField(forms.Field):
    key: type[int] | type[UUID] = int

    def to_python(self, value: Any) -> keyset.Position | None:
        try:
            return keyset.read(value, self.key) if value else None
        except keyset.BadPosition:
            raise forms.ValidationError(
                "This page link is no longer valid. Start again from the first page."
            ) from None


class Called(NamedTuple):
    """What has a scan ref that was asked for, or one that begins so: key and whole scan ref."""

    text: str
    found: Sequence[tuple[int, str]]


class ScanRefField(forms.RegexField):
    """What finds them is handed in."""

    find: Callable[[str], QuerySet]

    def __init__(self) -> None:
        super().__init__(r"^[A-Za-z0-9_-]{1,36}$", label="Scan ref", required=False)
        self.error_messages["invalid"] = "Scan ref: letters, digits, - and _ only, 36 at most."

    def clean(self, value: Any) -> Called | None:
        text = super().clean(value)
        if not text:
            return None
        found = [*self.find(text).values_list("pk", "scan_ref")[: MOST_CALLED + 1]]
        if len(found) > MOST_CALLED:
            raise forms.ValidationError("Scan ref: very many begin like this. Type more of it.")
        return Called(text, found)


class ChoiceField(forms.ChoiceField):
    """Forms share the choices, which may be hundreds: a form that adds to them makes its own."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "ChoiceField":
        shared = copy(self)
        shared.widget = copy(self.widget)
        return shared


class CodeField(ChoiceField):
    """A code as the provider writes them. Those we know are offered, any may be asked for."""

    def __init__(self, label: str, choices: Pairs = (), form: re.Pattern[str] = CODE) -> None:
        super().__init__(label=label, required=False, choices=[("", "Any"), *choices])
        self.form = form
        self.error_messages["invalid_choice"] = f"{label} is not a code."

    def valid_value(self, value: str) -> bool:
        return self.form.fullmatch(value) is not None
