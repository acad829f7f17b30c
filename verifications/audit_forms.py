"""What Admins ask of the audit log. Knows no model: choices are handed in."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict

from verifications import keyset
from verifications.address import POSITIONS, QuestionForm
from verifications.fields import PlainDate, PositionField, ScanRefField

# Who is none of the partner's people.
SUPPORT, SYSTEM = ("support", "Support"), ("system", "The system")


class AuditFilterForm(QuestionForm):
    kind = forms.ChoiceField(required=False, label="What")
    who = forms.ChoiceField(required=False, label="Who")
    scan_ref = ScanRefField()
    from_ = PlainDate(required=False, label="From")
    to = PlainDate(required=False, label="To")
    after = PositionField(required=False, label="Page")
    before = PositionField(required=False, label="Page")

    def __init__(
        self,
        query: QueryDict,
        *,
        kinds: Sequence[tuple[str, str]],
        people: Sequence[tuple[str, str]],
        others: Sequence[tuple[str, str]] = (SYSTEM,),
        called: Callable[[str], QuerySet],
    ) -> None:
        super().__init__(query)
        self.fields["scan_ref"].find = called  # type: ignore[attr-defined]
        self.people = {int(number): name for number, name in people}
        for name, offered in (("kind", kinds), ("who", [*people, *others])):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101
            field.choices = [("", "Any"), *offered]
            field.error_messages["invalid_choice"] = f"{field.label}: choose one from the list."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        assert isinstance(self.data, QueryDict)  # noqa: S101
        for name, field in self.fields.items():
            if len(self.data.getlist(self.add_prefix(name))) > 1:
                self.add_error(name, f"{field.label} was given twice.")
        start, end = cleaned.get("from_"), cleaned.get("to")
        if start and end and start > end:
            self.add_error("from_", "From is after To.")
        return cleaned

    @property
    def turn(self) -> keyset.Turn:
        """The page that is asked for; of a form that was checked."""
        asked = self.cleaned_data
        since, until = keyset.midnights(asked["from_"], asked["to"])
        return keyset.Turn(asked["after"], asked["before"], since=since, until=until)

    def by(self, actor: str) -> Q:
        """Whose rows are asked for, where `actor` tells whose a row is."""
        who = self.cleaned_data["who"]
        if who == SYSTEM[0]:
            return Q(**{actor: None})
        if who == SUPPORT[0]:
            return Q(**{f"{actor}__isnull": False}) & ~Q(**{f"{actor}__in": [*self.people]})
        return Q(**{actor: int(who)}) if who else Q()

    def told(self) -> list[str]:
        """The same for the audit log: codes and numbers; of what was typed, that it was."""
        names = [name for name, it in self.cleaned_data.items() if it and name not in POSITIONS]
        keys = [(self.add_prefix(name), name != "scan_ref") for name in names]
        return sorted(f"{key}={self.data[key]}" if is_plain else key for key, is_plain in keys)
