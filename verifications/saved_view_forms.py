"""What people say of the views that they save. Choices are handed in."""

from collections.abc import Iterable
from typing import Any

from django import forms

from accounts.fields import PlainNameField
from verifications.models.saved_view import LONGEST_NAME

CHOOSE = "Choose one of your views."


class NameForm(forms.Form):
    name = PlainNameField(
        label="Name",
        max_length=LONGEST_NAME,
        error_messages={
            "required": "Give it a name.",
            "max_length": "Use %(limit_value)d characters or fewer (now %(show_value)d).",
        },
    )

    def __init__(self, data: Any = None, *, stands: str = "") -> None:
        """`stands`: the name that it has."""
        super().__init__(data, initial={"name": stands})
        self.fields["name"].stands = stands  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class ReplaceForm(forms.Form):
    view = forms.TypedChoiceField(
        label="View",
        coerce=int,
        error_messages={"required": CHOOSE, "invalid_choice": CHOOSE},
    )

    def __init__(self, data: Any = None, *, mine: Iterable[tuple[int, str]]) -> None:
        super().__init__(data)
        field: Any = self.fields["view"]
        field.choices = [(str(pk), name) for pk, name in mine]
