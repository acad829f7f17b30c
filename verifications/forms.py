"""What people ask of lists. Knows no model: choices are handed in.

The query string is the only state. What cannot be understood is refused, never ignored: ignoring a
filter would show more than was asked for.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from verifications import keyset
from verifications.statuses import Status

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
PRESETS = (
    ("today", "Today", 0),
    ("7d", "7 days", 6),
    ("30d", "30 days", 29),
    ("90d", "90 days", 89),
)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
YES_NO = (("yes", "Yes"), ("no", "No"))


@dataclass(frozen=True)
class Filters:
    """A cleaned question; what is empty does not restrict."""

    q: str = ""
    status: Sequence[str] = ()
    suspected: bool | None = None
    final: bool | None = None
    started_from: datetime | None = None
    started_before: datetime | None = None
    document_type: str = ""
    country: str = ""
    platform: str = ""
    review: str = ""
    tag: str = ""
    decided_by: int | None = None
    reason: str = ""
    oldest_first: bool = False
    after: keyset.Position | None = None
    before: keyset.Position | None = None


class PlainDate(forms.Field):
    """A day as YYYY-MM-DD in ASCII digits, 1900 to 2100."""

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
    def to_python(self, value: Any) -> keyset.Position | None:
        try:
            return keyset.read(value) if value else None
        except keyset.BadPosition:
            raise forms.ValidationError(
                "This page link is no longer valid. Start again from the first page."
            ) from None


class CodeField(forms.RegexField):
    """A code as the provider writes them, known to us or not."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Za-z0-9_.-]{1,100}$", required=False, **options)
        self.error_messages["invalid"] = f"{self.label} is not a code."


def _choice(label: str, choices: Iterable[tuple[str, str]]) -> forms.ChoiceField:
    field_ = forms.ChoiceField(label=label, required=False, choices=[("", "Any"), *choices])
    field_.error_messages["invalid_choice"] = f"{label}: choose one of the list."
    return field_


class FilterForm(forms.Form):
    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        error_messages={"max_length": "Search for 100 characters or fewer."},
    )
    status = forms.MultipleChoiceField(
        label="Status",
        required=False,
        choices=Status.choices,
        error_messages={"invalid_choice": "Status: choose one of the list."},
    )
    suspected = _choice("Suspected", YES_NO)
    final = _choice("Final", YES_NO)
    started = _choice("Started", [(key, label) for key, label, _ in PRESETS])
    from_ = PlainDate(label="From", required=False)
    to = PlainDate(label="To", required=False)
    document_type = CodeField(label="Document type")
    country = forms.RegexField(
        r"^[A-Z]{2}$",
        label="Issuing country",
        required=False,
        error_messages={"invalid": "Issuing country: two capital letters, such as LT."},
    )
    platform = CodeField(label="Platform")
    review = _choice("Review", (("AUTOMATIC", "Automatic"), ("MANUAL", "Manual")))
    tag = CodeField(label="Tag")
    decided_by = _choice("Decided by", ())
    reason = CodeField(label="Rejection reason")
    order = _choice("Order", (("newest", "Newest first"), ("oldest", "Oldest first")))
    after = PositionField(label="Page", required=False)
    before = PositionField(label="Page", required=False)

    SEVERAL = frozenset({"status"})

    def __init__(self, query: QueryDict, *, people: Sequence[tuple[str, str]], today: date) -> None:
        data = query.copy()
        if "from" in data:
            data.setlist("from_", data.getlist("from"))
        super().__init__(data)
        self.today = today
        people_field = self.fields["decided_by"]
        assert isinstance(people_field, forms.ChoiceField)  # noqa: S101
        people_field.choices = [("", "Any"), *people]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        assert isinstance(self.data, QueryDict)  # noqa: S101
        for name in self.fields:
            if name not in self.SEVERAL and len(self.data.getlist(name)) > 1:
                self.add_error(name, f"{self.fields[name].label} was given twice.")
        start, end = cleaned.get("from_"), cleaned.get("to")
        if start and end and start > end:
            self.add_error("from_", "From is after To.")
        if cleaned.get("started") and (start or end):
            self.add_error("started", "Choose either a period or From and To.")
        if cleaned.get("after") and cleaned.get("before"):
            self.add_error("after", "A page lies after a position or before it, not both.")
        return cleaned

    def filters(self) -> Filters:
        """Of a valid form."""
        given = self.cleaned_data
        start, end = self._period()
        return Filters(
            q=given["q"],
            status=given["status"],
            suspected=_yes(given["suspected"]),
            final=_yes(given["final"]),
            started_from=start,
            started_before=end,
            document_type=given["document_type"],
            country=given["country"],
            platform=given["platform"],
            review=given["review"],
            tag=given["tag"],
            decided_by=int(given["decided_by"]) if given["decided_by"] else None,
            reason=given["reason"],
            oldest_first=given["order"] == "oldest",
            after=given["after"],
            before=given["before"],
        )

    def _period(self) -> tuple[datetime | None, datetime | None]:
        start, end = self.cleaned_data["from_"], self.cleaned_data["to"]
        for key, _, days in PRESETS:
            if self.cleaned_data["started"] == key:
                start, end = self.today - timedelta(days=days), self.today
        return (
            datetime.combine(start, time.min, UTC) if start else None,
            datetime.combine(end + timedelta(days=1), time.min, UTC) if end else None,
        )


def _yes(answer: str) -> bool | None:
    return {"yes": True, "no": False}.get(answer)
